/*
 * mr_gather.h: what the map tasks wrote, made into lines for the sorter, by threads of its own.
 *
 * A task's output is put together or combined while others are; it is given to the sorter when it is its turn, in the
 * order of the tasks, so that equal keys stay in the order of the inputs.
 */
#ifndef CCP_CMD_MR_GATHER_H
#define CCP_CMD_MR_GATHER_H

#include <stdbool.h>

#include "cmd/blocks.h"
#include "cmd/mr_tell.h"
#include "cmd/program.h"
#include "pipeline/mr/feed.h"
#include "pipeline/sort/sorter.h"

/* Borrowed as long as there is the gather. */
struct ccp_mr_gather_options {
	unsigned threads;
	struct ccp_mr_feed_options feed;
	struct ccp_sorter *sorter;
	const struct ccp_program *combine;            /* NULL = none */
	const struct ccp_sorter_options *task_sorting; /* of the lines of a task, for that */
	struct ccp_mr_tell *tell;
	unsigned reducers;
	const char *dir;                              /* the output's, or NULL */
};

struct ccp_mr_gather;

/* Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_mr_gather_new(struct ccp_mr_gather **gather, const struct ccp_mr_gather_options *options, struct ccp_err *err);

/*
 * Adds what a task, which messages know by `name`, wrote; the first call starts the threads. Waits until one of them is
 * free, or a signal was caught.
 * Returns 0, 1 if nothing more is wanted. Errors: -1 with `err`. Threads: one caller at a time. Memory: copied.
 */
int ccp_mr_gather_submit(struct ccp_mr_gather *gather, const struct ccp_work *work, const char *name,
			 const struct ccp_kept *out, struct ccp_err *err);

/*
 * Waits until all that was added has gone to the sorter. Errors: -1 with `err`: of the first task for which it has
 * not, its name in the words; CCP_E_CANCELLED if it was stopped. Threads: as submit, or after the last one.
 */
int ccp_mr_gather_drain(struct ccp_mr_gather *gather, struct ccp_err *err);

/* Combiners that run are ended, and the rest is left. Threads: any. */
void ccp_mr_gather_stop(struct ccp_mr_gather *gather);

/* Stops if it is not drained. NULL is allowed. */
void ccp_mr_gather_free(struct ccp_mr_gather *gather);

#endif
