/*
 * next_internal.h: what the two parts of NEXT share: the batch of names that were looked at (next_look.c), and the
 * inputs that are being cut (next.c).
 */
#ifndef CCP_PIPELINE_NEXT_INTERNAL_H
#define CCP_PIPELINE_NEXT_INTERNAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "pipeline/next.h"

#define CCP_NO_ERR UINT32_MAX

/* 256 bytes a name. If the paths are longer the batch is smaller. */
#define CCP_NEXT_TEXT_BYTES ((size_t)CCP_LOOKAHEAD * 256)

/* Room for three keys of every name, at most three quarters full. */
#define CCP_NEXT_SEEN_SLOTS ((size_t)CCP_LOOKAHEAD * 4)

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

/* Names that were looked at together. */
struct ccp_batch {
	struct ccp_look *looks; /* CCP_LOOKAHEAD */
	size_t count, at;       /* how many there are, and how many were handed out */
	char *text;             /* CCP_NEXT_TEXT_BYTES */
	size_t text_used;
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

	/* the caller's, one at a time */
	struct ccp_batch batch[2];
	struct ccp_batch *out, *in; /* the one that is handed out, and the one that is filled meanwhile */
	struct ccp_input *probe;/* with claims: an input that only has a path, to ask for its target */
	uint64_t *seen;         /* with claims: CCP_NEXT_SEEN_SLOTS keys of the batch, 0 = empty */
	bool walk_ended;
	uint64_t index;         /* names so far */
	struct ccp_cut cut[CCP_CUTS_MAX]; /* the first options.cuts of them are used */
	unsigned turn;          /* the cut that is asked first */
	dev_t sized_dev;        /* the file system that was asked last whether a size of 0 means empty */
	bool sized_known, sized;

	/* read by any thread */
	_Atomic uint64_t inputs, bytes, streams;
	_Atomic bool complete;
};

/* Makes `out`, which is handed out, the next batch. Returns 1, 0 at the end, -1 if there are no names now. */
int ccp_next_turn_batch(struct ccp_next *next);

/* A clock that is quick to read and some milliseconds coarse. */
uint64_t ccp_next_now_ns(void);

/* Looks at a few names for the next batch, if that can be done without waiting. */
void ccp_next_look_on(struct ccp_next *next);

#endif
