/*
 * feed.h: what a map task wrote, as lines for the sorter: tagged with their parts, and put together before if that can
 * be done.
 */
#ifndef CCP_PIPELINE_MR_FEED_H
#define CCP_PIPELINE_MR_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/mr/tally.h"

/* Const once a feed is made of it. */
struct ccp_mr_feed_options {
	unsigned parts;      /* > 0 */
	enum ccp_mr_op op;   /* NONE: lines stay as they are */
	size_t tally_bytes;  /* what is known of keys is given out beyond that; the lines given out depend on it */
	size_t buffer_bytes; /* about so many are given out at a time */
};

struct ccp_mr_feed;

/*
 * Makes a feed that gives whole lines, each with its tag if there are several parts, and its end, to `put`.
 * Errors: -1 with CCP_E_NO_MEMORY. Threads: one caller at a time. Memory: `options` are borrowed.
 */
int ccp_mr_feed_new(struct ccp_mr_feed **feed, const struct ccp_mr_feed_options *options,
		    int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err), struct ccp_err *err);
void ccp_mr_feed_free(struct ccp_mr_feed *feed);

/* The feed is empty; from now on `arg` is given to `put`. */
void ccp_mr_feed_begin(struct ccp_mr_feed *feed, void *arg);

/*
 * Adds bytes, lines or pieces of them; `arg` is the feed. Errors: -1 as ccp_mr_tally_add, or what `put` says; it is
 * void then until the next begin.
 */
int ccp_mr_feed_take(void *arg, const void *data, size_t len, struct ccp_err *err);

/* Nothing follows: a last line without an end gets one, and all is given out. Errors: as above. */
int ccp_mr_feed_end(struct ccp_mr_feed *feed, struct ccp_err *err);

#endif
