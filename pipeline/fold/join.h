/*
 * join.h: lines that begin in one part of an input and end in another.
 *
 * A fold's map looks at the lines that lie in a part as a whole; what comes before the first newline of a part, unless
 * the input begins there, and what follows its last one, unless the input ends there, is put together by the collector.
 * Both ask ccp_join_inner what is whose. Units: bytes. A line's newline belongs to it.
 */
#ifndef CCP_PIPELINE_FOLD_JOIN_H
#define CCP_PIPELINE_FOLD_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold.h"

/* What lies in a part as a whole: [from, to). */
struct ccp_join_inner {
	size_t from, to;
};

/* Looks for the ends of lines in a part. Where there is none, from == to == its length. Threads: any. */
struct ccp_join_inner ccp_join_inner(const struct ccp_part *part, char end);

/* The beginning of a line whose end has not come. Zero at first. */
struct ccp_join {
	uint8_t *data;
	size_t len, room;
};

/*
 * Appends what of a part comes before its inner lines, [0, from). Returns 1 if the line is whole now: `data`, `len`,
 * until ccp_join_clear; 0 if it goes on.
 * Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_join_head(struct ccp_join *join, const struct ccp_part *part, struct ccp_join_inner inner, char end,
		  struct ccp_err *err);

/* Appends what comes after them, [to, len). Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_join_tail(struct ccp_join *join, const struct ccp_part *part, struct ccp_join_inner inner,
		  struct ccp_err *err);

/* Forgets the line; large memory goes back. */
void ccp_join_clear(struct ccp_join *join);
void ccp_join_free(struct ccp_join *join);

#endif
