/*
 * run_batch.h: arguments to jobs.
 */
#ifndef CCP_CMD_RUN_BATCH_H
#define CCP_CMD_RUN_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/command/args.h"
#include "pipeline/command/joblog.h"
#include "pipeline/command/template.h"
#include "pipeline/command/wordlist.h"

/* The arguments that go into one command. Memory: owned by its holder, ccp_run_job_free. */
struct ccp_run_job {
	uint64_t number;
	struct ccp_wordlist words;
	struct ccp_joblog_key key;
};

struct ccp_run_batch {
	struct ccp_args args;
	const struct ccp_template *template;
	size_t max_args;   /* of a job */
	bool many;         /* as many as there is room for; max_args is a bound, 0 = none */
	unsigned degree;   /* among how many commands the last arguments are shared out */

	/* the batch's own */
	struct ccp_run_job *pending; /* not `many`: it has not all of its arguments yet */
	struct ccp_wordlist ahead;      /* `many`: what was read ahead, from ahead_at */
	size_t ahead_at, ahead_given;
	size_t share;                /* of a job, once the end has come; 0 = not yet */
	uint64_t jobs;
	uint64_t bad;      /* arguments that cannot be any */
};

/*
 * The next job, which is given to the caller. `ready` and LATER: as ccp_args_next. `complain` is called with the reason
 * for each argument that cannot be one. Errors: -1 with `err`.
 */
int ccp_run_batch_next(struct ccp_run_batch *batch, bool ready, struct ccp_run_job **job,
		       void (*complain)(void *arg, const struct ccp_err *err), void *arg, struct ccp_err *err);
void ccp_run_batch_release(struct ccp_run_batch *batch);
void ccp_run_job_free(struct ccp_run_job *job);

#endif
