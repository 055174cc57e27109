/*
 * crew.h: runs many programs, some at a time, and hands over what each of them wrote as a whole, in the order in which
 * they were started, whatever ended first.
 *
 * A program is through when it has ended and nobody holds its output any more. Who is stopped, or takes too long, is
 * sent SIGTERM, and its whole process group with it, and a second later SIGKILL.
 */
#ifndef CCP_PIPELINE_COMMAND_CREW_H
#define CCP_PIPELINE_COMMAND_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/command/kept.h"
#include "pipeline/err.h"

enum ccp_crew_next { CCP_CREW_NONE, CCP_CREW_JOB, CCP_CREW_LATER };
enum ccp_crew_halt { CCP_CREW_GO_ON, CCP_CREW_SOON, CCP_CREW_NOW };
enum ccp_crew_end { CCP_CREW_EXITED, CCP_CREW_SIGNALLED, CCP_CREW_TIMED_OUT, CCP_CREW_NOT_RUN };

/* What is started for a job. Strings need to live until the program runs. */
struct ccp_crew_program {
	const char *path;   /* NULL: argv[0] is looked for in PATH */
	char *const *argv;
	int input;          /* its standard input; -1 = there is nothing to read */
	char *const *envp;  /* its environment; NULL: ours */
};

/* How a job ended. Borrowed during the call. */
struct ccp_crew_done {
	void *job;          /* the caller's */
	unsigned slot;      /* from 1 to the degree */
	unsigned tries;
	enum ccp_crew_end end;
	int status, signal; /* exit status, or what killed it; of the last try */
	uint64_t began_ns;  /* when the last try did, of the day */
	uint64_t took_ns;
	uint64_t shown_bytes; /* of its output, by calls of part before */
	const struct ccp_kept *out, *err;
	struct ccp_err why; /* NOT_RUN */
};

/*
 * The calls of whoever has the jobs. All come from the thread in ccp_crew_run.
 *
 * next     the next job, and what `later_fd` being readable means: `ready`. LATER: to be asked again when it is. NONE:
 *          there is no more. Errors: -1 with `err`: the run ends.
 * program  what to start, before each try. Errors: -1 with `err`: the job is NOT_RUN.
 * settled  no try of the job will follow: what it was to read is not needed any more, however long it waits for its
 *          turn. NULL: there is nothing to give back.
 * part     the beginning of what the job whose turn it is writes, if that is much, while it runs: not if it may be
 *          tried again, nor with options.unordered. NULL: it waits. done->out is what follows then. Errors: as done.
 * done     a job is through, in the order of next unless options.unordered. Errors: -1 with `err`: the run ends.
 * drop     the job is not needed any more: after done, or instead of it if the run ended before.
 */
struct ccp_crew_calls {
	int (*next)(void *arg, bool ready, void **job, struct ccp_err *err);
	int (*program)(void *arg, void *job, unsigned slot, struct ccp_crew_program *program, struct ccp_err *err);
	void (*settled)(void *arg, void *job);
	int (*part)(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err);
	int (*done)(void *arg, const struct ccp_crew_done *done, struct ccp_err *err);
	void (*drop)(void *arg, void *job);
	void *arg;
};

struct ccp_crew_options {
	unsigned degree;       /* programs at once, > 0 */
	unsigned retries;      /* tries after the first */
	uint64_t timeout_ns;   /* of a try; 0 = none. While part or done hold up the run, no time passes */
	enum ccp_crew_halt halt;
	uint64_t halt_failures; /* jobs that may fail before that, and with this one it halts */
	bool unordered;
	uint64_t memory_bytes; /* what waits for its turn is moved to files beyond that; 0 = a default */
	int later_fd;          /* see next; -1 = none */
	int cancel_fd;         /* eventfd(2): whatever is added stops the run, the second time at once; -1 = none */
	_Atomic pid_t *groups; /* `degree` of them: the process groups of what runs, 0 = none. NULL: nobody asks */
};

struct ccp_crew_totals {
	uint64_t well, failed;
	uint64_t dropped;  /* started, but stopped before they ended */
	bool halted;       /* there may have been more */
	bool cancelled;
};

/*
 * Runs all jobs. Returns 0 when there are no more, or when it halted; -1 with `err` if it had to stop (CCP_E_CANCELLED
 * for cancel_fd). Nothing that it started is left running, but for what left its process group.
 * Threads: the caller's, which does not have SIGCHLD ignored. `totals` is filled in any case.
 */
int ccp_crew_run(const struct ccp_crew_options *options, const struct ccp_crew_calls *calls,
		 struct ccp_crew_totals *totals, struct ccp_err *err);

#endif
