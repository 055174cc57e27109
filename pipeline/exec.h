/*
 * exec.h: what a strategy is, and an executor: a strategy at work.
 *
 * A strategy only runs verbs: it never sees a file name, a codec or the output. Adding one is adding
 * strategies/NAME.c with `const struct ccp_strategy_ops ccp_strategy_NAME`; the build collects the folder into
 * ccp_strategies[] (strategies.h).
 */
#ifndef CCP_PIPELINE_EXEC_H
#define CCP_PIPELINE_EXEC_H

#include "pipeline/err.h"
#include "pipeline/job.h"

struct ccp_flow;

/*
 * An executor: a strategy at work for one or more stages. A strategy's own struct begins with this one.
 */
struct ccp_exec {
	const struct ccp_strategy_ops *ops;
	struct ccp_flow *flow;
	unsigned degree;     /* workers now; changed by resize only */
	unsigned max_degree; /* resize never goes beyond */
	unsigned number;     /* of the executor in its run: its workers' accounts bear it (meter.h) */
	const char *fault;   /* proc: the hidden fault switch, or NULL */
};

struct ccp_exec_options {
	unsigned degree;
	unsigned max_degree; /* >= degree */
	unsigned number;
	const char *fault;
};

/*
 * The calls of a strategy.
 *
 * probe    NULL if it can run here, else the reason in words (a constant string): not built, forbidden, missing.
 * note     how it will run here, if that is worth a word ("io_uring is forbidden here: regular files are read by helper
 *          threads"), else NULL. May be NULL.
 * open     starts the workers. An executor with CCP_STRATEGY_FORKS is opened before any thread exists.
 *          Errors: -1 with `err`. Fewer workers than asked is no error as long as there is one.
 * submit   hands a job over. Never blocks and never runs the job: the window bounds the jobs. Called with the flow's
 *          lock held: it may take its own lock, and must not call the flow.
 * resize   changes the degree while running, within 1 … max_degree. Jobs that are being run are finished.
 * serve    CALLER only: runs queued jobs in the caller until the flow has finished, or until tick(arg), called between
 *          two jobs and at least every 50 ms, returns false.
 * give_up  CALLER only: takes back a job that was submitted and is not yet begun; false if there is none. Threads: the
 *          caller, between two jobs.
 * close    waits until its queue is empty and its workers have ended. The flow no longer submits to it.
 */
struct ccp_strategy_ops {
	const char *name;
	const char *help;
	unsigned fits; /* CCP_STAGE_BIT of the stages that it can run */
	unsigned flags;
	const char *(*probe)(void);
	const char *(*note)(void);
	int (*open)(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		    struct ccp_err *err);
	void (*submit)(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job);
	int (*resize)(struct ccp_exec *exec, unsigned degree, struct ccp_err *err);
	void (*serve)(struct ccp_exec *exec, bool (*tick)(void *arg), void *arg);
	bool (*give_up)(struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job **job);
	void (*close)(struct ccp_exec *exec);
};

enum {
	CCP_STRATEGY_FORKS = 1u << 0,           /* must be opened before any thread exists */
	CCP_STRATEGY_CALLER = 1u << 1,          /* runs in the caller (serve) */
	CCP_STRATEGY_READ_NEEDS_WORK = 1u << 2, /* fits `read` only together with `work` */
};

#endif
