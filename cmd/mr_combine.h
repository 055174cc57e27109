/*
 * mr_combine.h: a command that gets the sorted lines of one map task.
 */
#ifndef CCP_CMD_MR_COMBINE_H
#define CCP_CMD_MR_COMBINE_H

#include "cmd/mr_env.h"
#include "cmd/mr_tell.h"
#include "cmd/program.h"
#include "pipeline/sort/sorter.h"

/* Borrowed during the call. */
struct ccp_mr_combine {
	const struct ccp_program *program;
	const struct ccp_sorter_options *sorting;
	struct ccp_mr_tell *tell;
	struct ccp_mr_task task;      /* but for the attempt */
	const char *name;             /* of the task, for messages */
	int cancel_fd;                /* as of a crew */
	int (*take)(void *arg, const void *data, size_t len, struct ccp_err *err); /* gets what it writes */
	void *arg;
};

/*
 * Sorts what a task wrote, runs the command on it, and gives its output to `take` once it has ended well.
 * Errors: -1 with `err`: CCP_E_OTHER with the task's name and how the command ended, CCP_E_CANCELLED, those of a
 * sorter, and what `take` says. Threads: any.
 */
int ccp_mr_combine(const struct ccp_mr_combine *combine, const struct ccp_kept *out, struct ccp_err *err);

#endif
