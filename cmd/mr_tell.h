/*
 * mr_tell.h: what the tasks of a job write to standard error: reports to be counted, and words to be passed on.
 */
#ifndef CCP_CMD_MR_TELL_H
#define CCP_CMD_MR_TELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/jobs.h"
#include "pipeline/mr/counters.h"

struct ccp_mr_tell {
	struct ccp_jobs *jobs;           /* set before */
	pthread_mutex_t lock;            /* of the rest, and of standard error */
	struct ccp_mr_counters counters;
};

void ccp_mr_tell_open(struct ccp_mr_tell *tell, struct ccp_jobs *jobs);
void ccp_mr_tell_close(struct ccp_mr_tell *tell);

/*
 * Passes on what a task wrote, as one piece, but for its reports: counters are added if it went well, the last status
 * is shown with -v, under `name`. Threads: any.
 */
void ccp_mr_tell_task(struct ccp_mr_tell *tell, const struct ccp_kept *words, bool well, const char *name);

/* How a task ended that failed: "ccpipe: NAME: COMMAND exited with status 1". Threads: any. */
void ccp_mr_tell_end(struct ccp_mr_tell *tell, const struct ccp_crew_done *done, const char *name,
		     const char *command);

/* Prints the counters, a line each, by their names, unless -q was said. */
void ccp_mr_tell_counters(const struct ccp_mr_tell *tell);

#endif
