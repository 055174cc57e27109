/*
 * run_internal.h: a run as run.c (which opens executors, serves and closes), run_make.c (which makes what it is of) and
 * auto/driver.c (which decides meanwhile) see it.
 */
#ifndef CCP_PIPELINE_RUN_INTERNAL_H
#define CCP_PIPELINE_RUN_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exec.h"
#include "pipeline/run.h"

#define CCP_RUN_TICK_MS 50
#define CCP_RUN_EXECS 16 /* three stages, three changes of all of them; for swap_ms every strategy for every stage */

struct ccp_archive;
struct ccp_arena;
struct ccp_auto;
struct ccp_claims;
struct ccp_fetcher;
struct ccp_inject;
struct ccp_meter;
struct ccp_sink;

/* Threads: the caller of ccp_run. */
struct ccp_run {
	const struct ccp_run_options *options;
	pthread_t thread;                 /* the caller's */
	struct ccp_source_options source; /* the user's, and the sink's word on what is welcome */
	struct ccp_arena *arena;
	struct ccp_claims *claims;
	struct ccp_walk *walk;
	struct ccp_next *next;
	struct ccp_sink *sink;
	struct ccp_fetcher *fetcher;      /* NULL: names are files */
	struct ccp_archive *archive;      /* NULL: archives are files like others */
	struct ccp_flow *flow;
	struct ccp_meter *meter;          /* NULL = nobody asked where the time goes */
	struct ccp_inject *inject;
	struct ccp_exec *exec[CCP_RUN_EXECS];
	unsigned exec_count;
	struct ccp_exec *stage[CCP_STAGES]; /* each stage's executor now */
	struct ccp_exec *caller;            /* the serial one, or NULL */
	uint64_t ticked_ns, swapped_ns;
	unsigned swaps;
};

/* Whether auto has the word: not if a test replaces the executors. */
static inline bool ccp_run_is_automatic(const struct ccp_run *run)
{
	return run->options->plan.automatic && run->options->swap_ms == 0;
}

/*
 * Makes everything but executors: slots, names, sources, the sink, the meter, the flow.
 * Errors: -1 with `err`; what was made until then is closed with the run.
 */
int ccp_run_make(struct ccp_run *run, struct ccp_err *err);

/* Opens an executor; it is closed with the run. Errors: -1 with `err`. */
int ccp_run_open_exec(struct ccp_run *run, const struct ccp_strategy_ops *ops, unsigned degree, unsigned max_degree,
		      struct ccp_exec **exec, struct ccp_err *err);

/* Makes it the stage's executor. */
void ccp_run_set_exec(struct ccp_run *run, enum ccp_stage stage, struct ccp_exec *exec);

/* What is to be done now and then: at most every 50 ms, however often it is called. */
void ccp_run_tick(struct ccp_run *run);

#endif
