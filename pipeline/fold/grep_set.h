/*
 * grep_set.h: which of a set of strings occurs where.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_SET_H
#define CCP_PIPELINE_FOLD_GREP_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

struct ccp_grep_set;

/* A string with its length. */
struct ccp_grep_word {
	const uint8_t *text;
	size_t len;
};

/*
 * Makes a set of strings, none of which is empty. With `ignore_case` ASCII letters are the same in both cases. `plain`:
 * vectorscan is not asked for help. Strings are copied. Errors: -1 with CCP_E_NO_MEMORY.
 * Threads: a set is used by one caller at a time.
 */
int ccp_grep_set_new(struct ccp_grep_set **set, const struct ccp_grep_word *words, size_t count, bool ignore_case,
		     bool plain, struct ccp_err *err);
void ccp_grep_set_free(struct ccp_grep_set *set);

/*
 * A place at or after `from` where one of the strings is; no string lies as a whole before the end of that one. Strings
 * hold no ends of lines: so it is in the first line with any. Returns SIZE_MAX if there is none.
 */
size_t ccp_grep_set_find(struct ccp_grep_set *set, const uint8_t *data, size_t len, size_t from);

/* The longest of the strings that is at `at` and that `fits`; NULL: all do. Returns its length, or 0. */
size_t ccp_grep_set_longest(const struct ccp_grep_set *set, const uint8_t *data, size_t len, size_t at,
			    bool (*fits)(const void *arg, const uint8_t *data, size_t len, size_t at, size_t to),
			    const void *arg);

#endif
