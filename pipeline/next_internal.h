/*
 * next_internal.h: what the parts of NEXT share: the batch of names that were looked at (next_look.c), which of them is
 * next when they come as they arrive (next_news.c), and the inputs that are being cut (next.c).
 */
#ifndef CCP_PIPELINE_NEXT_INTERNAL_H
#define CCP_PIPELINE_NEXT_INTERNAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "pipeline/next.h"

#define CCP_NO_ERR UINT32_MAX

/* Bytes of text for each name. If the paths are longer the batch is smaller. */
#define CCP_NEXT_TEXT_EACH ((size_t)256)

/* Room for three keys of every name, at most three quarters full. */
#define CCP_NEXT_SEEN_EACH ((size_t)4)

/* A name that was looked at. */
struct ccp_look {
	uint64_t index;
	uint64_t size;
	dev_t dev;              /* of what was looked at; ino 0 = unknown */
	ino_t ino;
	const struct ccp_source_ops *source;
	uint64_t source_key, target_key; /* claims.h; 0 = none */
	uint32_t path_at;       /* in the batch's text */
	uint32_t err_at;        /* of a struct ccp_err in it, or CCP_NO_ERR */
	bool is_stdin;
};

/*
 * Names that were looked at together: [at, near_end) are to be handed out in order, [far_at, count) as they arrive. The
 * second part is empty unless the options say unordered.
 */
struct ccp_batch {
	struct ccp_look *looks; /* next->most */
	size_t count;
	size_t at, near_end, far_at; /* set when its turn comes */
	char *text;             /* most * CCP_NEXT_TEXT_EACH */
	size_t text_used;
	size_t text_left;       /* when its turn has come: bytes of those that are not handed out */
	uint64_t since_ns;      /* when the first of them was looked at; coarse */
};

/* An input that is being cut into jobs; input NULL: none is. */
struct ccp_cut {
	struct ccp_input *input;
	bool loading;           /* a job of the stream is being loaded */
	uint64_t number;        /* of the input's next job */
	uint64_t offset;        /* of its first byte */
};

struct ccp_next {
	/* set before the run */
	struct ccp_walk *walk;
	struct ccp_arena *arena;
	struct ccp_next_options options;
	size_t most;            /* names of a batch */

	/* the caller's, one at a time */
	struct ccp_batch batch[2];
	struct ccp_batch *out, *in; /* the one that is handed out, and the one that is filled meanwhile */
	struct ccp_input *probe;/* with claims: an input that only has a path, to ask for its target */
	uint64_t *seen;         /* with claims: most * CCP_NEXT_SEEN_EACH keys of the batch, 0 = empty */
	bool walk_ended;
	uint64_t index;         /* names so far */
	size_t scan_at;         /* unordered: those of `out` before it had not arrived when they were looked at */
	const struct ccp_source_ops *far; /* unordered: the source of those that come as they arrive, or NULL */
	int cancel_fd;          /* -1 = none */
	struct ccp_cut cut[CCP_CUTS_MAX]; /* the first options.cuts of them are used */
	unsigned turn;          /* the cut that is asked first */
	dev_t sized_dev;        /* the file system that was asked last whether a size of 0 means empty */
	bool sized_known, sized;

	/* read by any thread */
	_Atomic uint64_t inputs, bytes, streams;
	_Atomic bool complete;
	_Atomic bool dry;       /* unordered: it has nothing to hand out until something arrives */
	_Atomic int news_fd;    /* with dry: what tells of it, or -1 */
};

/* How many of a batch are not handed out. */
static inline size_t ccp_batch_left(const struct ccp_batch *batch)
{
	return batch->near_end - batch->at + (batch->count - batch->far_at);
}

/* Whether the first byte of what was announced is there, or its end; true of what nobody announces. */
bool ccp_next_is_ready(const struct ccp_next *next, const struct ccp_look *look);

/*
 * Makes `out` the next batch; those of it that are not handed out (unordered) go with it. Returns 1; 0 at the end, when
 * nothing is left of it either; -1 if there are no names now.
 */
int ccp_next_turn_batch(struct ccp_next *next);

/* Whether there is more to do than the job that is being filled: others are out, or an input is being cut. */
bool ccp_next_others_are_out(struct ccp_next *next);

/* A clock that is quick to read and some milliseconds coarse. */
uint64_t ccp_next_now_ns(void);

/* Looks at a few names for the next batch, if that can be done without waiting. */
void ccp_next_look_on(struct ccp_next *next);

/* A name of `out` was handed out; it takes no more text. */
void ccp_next_drop_text(struct ccp_next *next, const struct ccp_look *look);

/* ---- next_news.c: unordered ---- */

/* Splits `out`, whose turn has come, into its two parts. `spare` has room for `most`. */
void ccp_next_split(struct ccp_next *next, struct ccp_look *spare);

/* Puts what is left of `out` before what is in `in`, which has room for it. */
void ccp_next_carry(struct ccp_next *next);

/*
 * The place in `out` of one that has arrived, from scan_at on and then from the beginning, if there has been news;
 * `count` if there is none.
 */
size_t ccp_next_find_ready(struct ccp_next *next);

/* The one at `place`, which is far, was handed out. */
void ccp_next_take_far(struct ccp_next *next, size_t place);

/* There is nothing to hand out until something arrives, or (not `dry`) there may be. */
void ccp_next_set_dry(struct ccp_next *next, bool dry);

/* Waits until something has arrived, or for a moment. False if the run was cancelled. */
bool ccp_next_wait(struct ccp_next *next);

#endif
