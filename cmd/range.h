/*
 * range.h: --range and --lines: what they say, what they go with, and where an index lets decoding begin.
 */
#ifndef CCP_CMD_RANGE_H
#define CCP_CMD_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/options.h"
#include "pipeline/codec/gzip_index.h"
#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/transform.h"

/* "OFFSET:LEN" or "OFFSET:", two sizes. Errors: -1. */
int ccp_range_parse_bytes(const char *text, struct ccp_range *range);

/* "A:B", "A:" or "A", lines from 1. Errors: -1. */
int ccp_range_parse_lines(const char *text, struct ccp_range *range);

/*
 * If a range was asked for: what does not go with it, and where its output goes. Returns 0, or the exit status after a
 * message.
 */
int ccp_range_settle(struct ccp_settings *settings);

/* What ccp_range_find needs. Threads: one caller at a time. */
struct ccp_range_finder {
	const struct ccp_range *range;
	uint64_t least; /* a place up to there is not worth it: the first chunk */
	struct ccp_index_place place;
};

/*
 * For struct ccp_run_options, find_entry; `arg` is a struct ccp_range_finder, whose memory `entry` points into.
 * An index is FILE.gzi, or gztool's name for it, and not older than FILE. What is wrong with it is a CCP_W_INDEX.
 */
int ccp_range_find(void *arg, const struct ccp_input *input, struct ccp_entry *entry, struct ccp_err *why);

#endif
