/*
 * fetch_depth.h: how many transfers run ahead of their readers, if nobody says: numbers in, the next depth out.
 *
 * Nothing here looks at a clock or a transfer, so that it can be tested with invented ones.
 */
#ifndef CCP_PIPELINE_NET_FETCH_DEPTH_H
#define CCP_PIPELINE_NET_FETCH_DEPTH_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/net/fetch.h"

#define CCP_DEPTH_FIRST 16
#define CCP_DEPTH_BY_ITSELF 256 /* more than that has to be asked for */

/* What was seen while the depth was the same. */
struct ccp_depth_epoch {
	uint64_t elapsed_ns;
	uint64_t objects;        /* that came to their end */
	uint64_t bytes;
	uint64_t hungry_ns;      /* while a reader waited for the first byte of its transfer */
	bool stuffed;            /* a pipe that is being read was full: the network waited for its reader */
	bool waiting;            /* transfers are queued that a greater depth would let begin */
	bool held_by_host;       /* ... and others that it would not, because their hosts have enough */
};

struct ccp_depth {
	unsigned depth;          /* now */
	unsigned level;          /* the one that has proved itself; depth is twice that while it is tried */
	unsigned most;           /* the largest that was tried */
	unsigned limit;          /* no more than that */
	unsigned failed;         /* doublings of this level that did not pay */
	bool fixed;
	bool opening;            /* no doubling has failed yet */
	bool settling;           /* what was under way at the change is still coming */
	bool by_bytes;
	double objects, bytes;   /* a second, at the level */
	double rate, rate_before;/* of the last comparison */
	uint64_t rest_until_ns;
	enum ccp_depth_why why;
};

/* Begins: with `asked`, or with CCP_DEPTH_FIRST if that is 0. Threads: one. */
void ccp_depth_init(struct ccp_depth *depth, unsigned asked);

/* Whether an epoch has seen enough for a decision. Threads: one. */
bool ccp_depth_enough(const struct ccp_depth *depth, const struct ccp_depth_epoch *epoch);

/* Decides. Returns the depth from here on; another epoch begins. Threads: one. */
unsigned ccp_depth_next(struct ccp_depth *depth, const struct ccp_depth_epoch *epoch, uint64_t now_ns);

/* A server refused: what is being tried is given up, and the level rests. Returns the depth. Threads: one. */
unsigned ccp_depth_refused(struct ccp_depth *depth, uint64_t now_ns);

#endif
