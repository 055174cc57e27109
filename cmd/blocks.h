/*
 * blocks.h: a queue of blocks and a thread that runs a program for each, several at once: what map and mr share.
 */
#ifndef CCP_CMD_BLOCKS_H
#define CCP_CMD_BLOCKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/command/block.h"
#include "pipeline/command/crew.h"

/* A block on its way through a program. Owned by its holder. */
struct ccp_work {
	struct ccp_work *next;   /* the queue's */
	struct ccp_block *block; /* its standard input */
	char *path;              /* of the input, as it was said; NULL = standard input, or no one input */
	uint64_t number;         /* from 0, in the order of the queue */
	unsigned attempts;       /* of whoever runs it, as */
	void *extra;             /* is this: released with free */
};

/* Makes one. `path` may be NULL. Errors: NULL with `err`. Memory: returned; `block` is given in any case. */
struct ccp_work *ccp_work_new(struct ccp_block *block, const char *path, struct ccp_err *err);
void ccp_work_free(struct ccp_work *work);

/*
 * The calls of whoever has the blocks, from the crew's thread; struct ccp_crew_calls has the words for the first three,
 * of which the job is a struct ccp_work.
 *
 * program  need not set the input, which is the block
 * part     may be NULL
 */
struct ccp_blocks_calls {
	int (*program)(void *arg, struct ccp_work *work, unsigned slot, struct ccp_crew_program *program,
		       struct ccp_err *err);
	int (*part)(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err);
	int (*done)(void *arg, const struct ccp_crew_done *done, struct ccp_err *err);
	void *arg;
};

struct ccp_blocks {
	/* set before */
	struct ccp_crew_options crew;
	struct ccp_blocks_calls calls;

	/* of whoever submits */
	uint64_t submitted;
	bool started;            /* there is the thread */
	pthread_t thread;

	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct ccp_work *first, **last;
	unsigned queued;
	bool ended;              /* no block will follow */
	bool stopped;            /* none is taken any more */

	/* the crew's; after ccp_blocks_end the caller's */
	int result;
	struct ccp_crew_totals totals;
	struct ccp_err err;
};

/* Prepares. Errors: -1 with CCP_E_SYS. Memory: to be closed. */
int ccp_blocks_open(struct ccp_blocks *blocks, const struct ccp_crew_options *crew,
		    const struct ccp_blocks_calls *calls, struct ccp_err *err);

/*
 * Puts a block into the queue once there is room, which has as many places as programs run at once. The first one
 * starts the thread. Returns 0, 1 if nothing more is wanted. Errors: -1 with CCP_E_SYS.
 * Threads: one caller at a time. Memory: `work` is given in any case.
 */
int ccp_blocks_submit(struct ccp_blocks *blocks, struct ccp_work *work, struct ccp_err *err);

/* Waits until all are through, or it has stopped: `result`, `totals` and `err` as ccp_crew_run left them. */
void ccp_blocks_end(struct ccp_blocks *blocks);

void ccp_blocks_close(struct ccp_blocks *blocks);

#endif
