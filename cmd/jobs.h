/*
 * jobs.h: what run and map share: how programs are run, what becomes of what they write, words about how they ended.
 */
#ifndef CCP_CMD_JOBS_H
#define CCP_CMD_JOBS_H

#include <stdio.h>

#include "cmd/options.h"
#include "pipeline/command/crew.h"
#include "pipeline/command/outlet.h"

/* Threads: owned by whoever runs the crew. */
struct ccp_jobs {
	struct ccp_settings *settings;
	struct ccp_crew_options crew; /* without later_fd */
	struct ccp_outlet out, err;
};

/* Gets ready to run programs; from now on signals end them. Returns 0, or an exit status after a message. */
int ccp_jobs_open(struct ccp_jobs *jobs, struct ccp_settings *settings);
void ccp_jobs_close(struct ccp_jobs *jobs);

/*
 * Shows what a job wrote, each line after `tag` if that is not NULL; `part`: only of its output, while it runs.
 * Errors: -1 with `err` if standard output cannot be written.
 */
int ccp_jobs_show(struct ccp_jobs *jobs, const struct ccp_crew_done *done, const char *tag, bool part,
		  struct ccp_err *err);

/* Whether a failure is told: what its own messages cannot have told is, unless -q was said; with -v, everything. */
bool ccp_jobs_tells(const struct ccp_jobs *jobs, const struct ccp_crew_done *done);

/* Prints the end of a message: the command, and how it ended. */
void ccp_jobs_tell_end(FILE *out, const struct ccp_jobs *jobs, const struct ccp_crew_done *done, const char *command);

/* What a run came to. `err`: of ccp_crew_run, if `result` is not 0. Returns the exit status, after a message. */
int ccp_jobs_end(struct ccp_jobs *jobs, int result, const struct ccp_crew_totals *totals, const struct ccp_err *err);

#endif
