/*
 * run.h: one run from names to outputs: allocates, opens executors (those that fork first), starts the flow, waits,
 * closes, and checks the balance.
 */
#ifndef CCP_PIPELINE_RUN_H
#define CCP_PIPELINE_RUN_H

#include "pipeline/archive/archive.h"
#include "pipeline/err.h"
#include "pipeline/flow.h"
#include "pipeline/net/fetch.h"
#include "pipeline/next.h"
#include "pipeline/plan.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/tee.h"
#include "pipeline/transform.h"
#include "pipeline/walk.h"

struct ccp_inject_options;
struct ccp_profile;

struct ccp_run_options {
	const struct ccp_transform_ops *transform;
	struct ccp_transform_options transform_options;
	struct ccp_transform_need need; /* by transform->need of these options */
	/* looks at what the transform gives (fold.h), and need.fold_… say what it needs; NULL = it is written */
	const struct ccp_fold_ops *fold;
	const void *fold_options;
	struct ccp_walk_options walk;
	const struct ccp_next_only *only; /* the one input, in place of what the walk finds; NULL = none */
	struct ccp_source_options source;
	struct ccp_fetch_options fetch; /* for names that are URLs (walk.urls) */
	struct ccp_archive_options archive;
	const struct ccp_sink_ops *sink;
	struct ccp_sink_options sink_options;
	struct ccp_plan plan;
	const struct ccp_tee *tee; /* digests of what goes in and out, with need.tee_bytes; NULL = none */
	bool unordered;            /* inputs from elsewhere come as they arrive, and results as inputs end: next.h */

	/* called in the order of the inputs (not so if unordered), one at a time, from any thread */
	void (*report)(void *arg, const struct ccp_result *result);
	/* called by the caller of ccp_run about every 50 ms, for progress and signals */
	void (*tick)(void *arg, struct ccp_flow *flow, struct ccp_next *next);
	void *arg; /* of both */

	/*
	 * Where to begin with an input of several chunks: returns 1 with `entry`, whose `in` is less than the input's
	 * size; 0 for its start, perhaps with a CCP_W_INDEX in `why`. NULL = at its start. Pointers in `entry` are
	 * borrowed until the next call. One call at a time, from any thread; not in worker processes.
	 */
	int (*find_entry)(void *arg, const struct ccp_input *input, struct ccp_entry *entry, struct ccp_err *why);
	void *find_arg;

	/*
	 * What the run was like, for --profile and -v: zero before the run, filled by it, released by the caller.
	 * Needed if plan.automatic; else NULL = nothing is measured.
	 */
	struct ccp_profile *profile;
	bool measure; /* also what is so small that auto would not */
	bool trace;   /* record what every worker did when */
	/*
	 * auto: stop when the decision is made; NULL = go on. It is the sink that the run would have had: `sink` is
	 * then null, so that nothing is written.
	 */
	const struct ccp_sink_ops *explain;
	const struct ccp_inject_options *inject; /* delays; NULL = none */

	/* for tests */
	const char *fault; /* worker processes: see strategies/proc.c */
	unsigned swap_ms;  /* > 0: replace every stage's executor in turn, every so many milliseconds */
	const struct ccp_strategy_ops *const *strategies; /* the table, for auto and swap_ms */
};

struct ccp_run_summary {
	uint64_t inputs_done, inputs_skipped, inputs_failed;
	uint64_t inputs_salvaged; /* of the failed ones */
	uint64_t bytes_in, bytes_out;
	uint64_t wall_ns;
	bool cancelled;
};

/*
 * Runs. Returns 0 if the run came to its end (inputs may have failed: see the summary), -1 with `err` if it could not
 * start or had to stop (a shared output that could not be written; `err.sys` EPIPE for a closed pipe).
 * Threads: the main thread; none other exists yet if plan.forks. A signal handler may call ccp_run_cancel.
 */
int ccp_run(const struct ccp_run_options *options, struct ccp_run_summary *summary, struct ccp_err *err);

/* Cancels the run that is going on, if any. Async-signal-safe. */
void ccp_run_cancel(void);

#endif
