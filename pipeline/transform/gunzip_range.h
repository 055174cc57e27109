/*
 * gunzip_range.h: of what is decoded, only a range is wanted.
 */
#ifndef CCP_PIPELINE_TRANSFORM_GUNZIP_RANGE_H
#define CCP_PIPELINE_TRANSFORM_GUNZIP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/transform.h"

/*
 * Leaves of `buf` what is in the range. `at` is what was decoded before it, in bytes or newlines; moves it on for the
 * next one. Returns whether the range is complete, so that nothing after it is wanted.
 * Units: newlines before the range's first line are not counted further, so `at` is never more than `to`.
 * Threads: touches its arguments only.
 */
bool ccp_range_crop(const struct ccp_range *range, uint64_t *at, struct ccp_buf *buf);

/* The transform's enter(). */
void ccp_gunzip_enter(void *carry, const struct ccp_entry *entry);

#endif
