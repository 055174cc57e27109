/*
 * grep_vector.h: vectorscan, for many strings at once. It is not linked but loaded when it is worth it, because it and
 * the C++ library behind it take milliseconds to start.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_VECTOR_H
#define CCP_PIPELINE_FOLD_GREP_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/fold/grep_set.h"

struct ccp_grep_vector;

/* Returns NULL if it is not built in, not installed, cannot run on this CPU, or does not take these strings. */
struct ccp_grep_vector *ccp_grep_vector_new(const struct ccp_grep_word *words, size_t count, bool ignore_case);
void ccp_grep_vector_free(struct ccp_grep_vector *vector);

/* As ccp_grep_set_find. Threads: one caller at a time. */
size_t ccp_grep_vector_find(struct ccp_grep_vector *vector, const uint8_t *data, size_t len, size_t from);

#endif
