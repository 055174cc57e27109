/*
 * run.c: one run from names to outputs.
 *
 * The order of opening is the order of what may follow what: the arena before any process is forked, executors that
 * fork before any thread exists, then the others, then the first job. Closing goes backwards, and ends with the
 * balance: every slot and every input must be back, or the program has a bug and stops there.
 */
#include "pipeline/run.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/auto/driver.h"
#include "pipeline/claims.h"
#include "pipeline/inject.h"
#include "pipeline/memory.h"
#include "pipeline/meter.h"
#include "pipeline/profile.h"
#include "pipeline/run_internal.h"

/* The flow of the run that is going on, for the signal handler. */
static struct ccp_flow *_Atomic current_flow;

void ccp_run_cancel(void)
{
	struct ccp_flow *flow = atomic_load(&current_flow);

	if (flow)
		ccp_flow_cancel(flow);
}

/* ---- executors ----------------------------------------------------------------------------------- */

int ccp_run_open_exec(struct ccp_run *run, const struct ccp_strategy_ops *ops, unsigned degree, unsigned max_degree,
		      struct ccp_exec **exec, struct ccp_err *err)
{
	struct ccp_exec_options options = {
		.degree = degree,
		.max_degree = max_degree,
		.number = run->exec_count,
		.fault = run->options->fault,
	};

	assert(run->exec_count < CCP_RUN_EXECS);
	if (ops->open(exec, run->flow, &options, err) < 0)
		return -1;
	run->exec[run->exec_count++] = *exec;
	if (run->options->profile)
		ccp_profile_add_exec(run->options->profile, *exec);
	if (ops->flags & CCP_STRATEGY_CALLER)
		run->caller = *exec;
	return 0;
}

void ccp_run_set_exec(struct ccp_run *run, enum ccp_stage stage, struct ccp_exec *exec)
{
	run->stage[stage] = exec;
	ccp_flow_set_exec(run->flow, stage, exec);
}

/* Opens those executors of the plan that fork (or that do not), one for the stages that share it. */
static int open_planned(struct ccp_run *run, bool forks, struct ccp_exec *by_number[CCP_STAGES], struct ccp_err *err)
{
	for (int s = 0; s < CCP_STAGES; s++) {
		const struct ccp_stage_plan *stage = &run->options->plan.stage[s];

		if (((stage->strategy->flags & CCP_STRATEGY_FORKS) != 0) != forks)
			continue;
		if (!by_number[stage->exec] &&
		    ccp_run_open_exec(run, stage->strategy, stage->degree, stage->degree, &by_number[stage->exec],
				      err) < 0)
			return -1;
		ccp_run_set_exec(run, (enum ccp_stage)s, by_number[stage->exec]);
	}
	return 0;
}

/* For swap_ms: one executor of every strategy that can run, those that fork first. */
static int open_all(struct ccp_run *run, struct ccp_err *err)
{
	for (int forks = 1; forks >= 0; forks--) {
		for (const struct ccp_strategy_ops *const *ops = run->options->strategies; *ops; ops++) {
			struct ccp_exec *exec;

			if ((((*ops)->flags & CCP_STRATEGY_FORKS) != 0) != (forks == 1) ||
			    ((*ops)->probe && (*ops)->probe()))
				continue;
			if (ccp_run_open_exec(run, *ops, run->options->plan.jobs, run->options->plan.jobs, &exec,
					      err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Gives every stage the next executor that fits it. A stage never has one whose reads need a WORK elsewhere. */
static void swap_execs(struct ccp_run *run)
{
	run->swaps++;
	for (int s = CCP_STAGES - 1; s >= 0; s--) {
		for (unsigned k = 0; k < run->exec_count; k++) {
			struct ccp_exec *exec = run->exec[(run->swaps * (unsigned)(s + 1) + k) % run->exec_count];

			if (!(exec->ops->fits & CCP_STAGE_BIT((unsigned)s)) ||
			    (s == CCP_READ && (exec->ops->flags & CCP_STRATEGY_READ_NEEDS_WORK)))
				continue;
			ccp_run_set_exec(run, (enum ccp_stage)s, exec);
			break;
		}
	}
}

void ccp_run_tick(struct ccp_run *run)
{
	const struct ccp_run_options *options = run->options;
	uint64_t now = ccp_meter_now();

	ccp_flow_nudge(run->flow);
	if (options->swap_ms > 0 && now - run->swapped_ns >= options->swap_ms * UINT64_C(1000000)) {
		swap_execs(run);
		run->swapped_ns = now;
	}
	if (now - run->ticked_ns < CCP_RUN_TICK_MS * UINT64_C(1000000))
		return;
	run->ticked_ns = now;
	if (options->profile)
		ccp_profile_tick(options->profile, run->flow, run->stage, false);
	if (options->tick)
		options->tick(options->arg, run->flow, run->next);
}

static bool tick(void *arg)
{
	ccp_run_tick(arg);
	return true;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static int open_execs(struct ccp_run *run, struct ccp_err *err)
{
	struct ccp_exec *by_number[CCP_STAGES] = { NULL };

	if (run->options->swap_ms > 0) {
		if (open_all(run, err) < 0)
			return -1;
		swap_execs(run);
		return 0;
	}
	if (open_planned(run, true, by_number, err) < 0)
		return -1;
	return open_planned(run, false, by_number, err);
}

static void check_balance(const struct ccp_run *run)
{
	size_t jobs, inputs;

	ccp_arena_balance(run->arena, &jobs, &inputs);
	if (jobs != 0 || inputs != 0)
		abort();
}

/* Runs the flow to its end, in the caller where a stage is serial. */
static void serve(struct ccp_run *run)
{
	run->swapped_ns = ccp_meter_now();
	atomic_store(&current_flow, run->flow);
	ccp_run_tick(run); /* a signal that came before there was a flow to cancel */
	if (ccp_run_is_automatic(run)) {
		ccp_auto_serve(run);
		atomic_store(&current_flow, NULL);
		return;
	}
	ccp_flow_start(run->flow);
	if (run->options->profile)
		ccp_auto_gather(&run->options->profile->facts, run);
	if (run->caller) {
		run->caller->ops->serve(run->caller, tick, run);
	} else {
		int timeout_ms = run->options->swap_ms > 0 && run->options->swap_ms < CCP_RUN_TICK_MS
					 ? (int)run->options->swap_ms
					 : CCP_RUN_TICK_MS;

		while (!ccp_flow_wait(run->flow, timeout_ms))
			ccp_run_tick(run);
	}
	atomic_store(&current_flow, NULL);
}

static void summarise(const struct ccp_run *run, struct ccp_run_summary *summary, uint64_t begun_ns)
{
	struct ccp_flow_counts *counts = ccp_flow_counts(run->flow);

	summary->inputs_done = atomic_load(&counts->inputs_done);
	summary->inputs_skipped = atomic_load(&counts->inputs_skipped);
	summary->inputs_failed = atomic_load(&counts->inputs_failed);
	summary->inputs_salvaged = atomic_load(&counts->inputs_salvaged);
	summary->bytes_in = atomic_load(&counts->bytes_in);
	summary->bytes_out = atomic_load(&counts->bytes_out);
	summary->wall_ns = ccp_meter_now() - begun_ns;
	summary->cancelled = ccp_flow_cancelled(run->flow) && !ccp_flow_fatal(run->flow);
}

int ccp_run(const struct ccp_run_options *options, struct ccp_run_summary *summary, struct ccp_err *err)
{
	struct ccp_run run = { .options = options, .thread = pthread_self() };
	uint64_t begun_ns = ccp_meter_now();
	int result = -1;
	bool ran = false;

	memset(summary, 0, sizeof *summary);
	if (ccp_run_make(&run, err) == 0 && open_execs(&run, err) == 0) {
		serve(&run);
		if (options->profile)
			ccp_profile_tick(options->profile, run.flow, run.stage, true);
		ran = true;
		result = 0;
	}
	for (unsigned i = 0; i < run.exec_count; i++)
		run.exec[i]->ops->close(run.exec[i]);
	if (ran) {
		check_balance(&run);
		if (options->profile)
			ccp_profile_end(options->profile, run.flow);
		if (options->profile && run.fetcher)
			ccp_fetcher_depth(run.fetcher, &options->profile->network);
		summarise(&run, summary, begun_ns);
		if (ccp_flow_fatal(run.flow)) {
			*err = *ccp_flow_fatal(run.flow);
			result = -1;
		}
	}
	ccp_flow_free(run.flow);
	ccp_fetcher_free(run.fetcher);
	ccp_archive_free(run.archive);
	ccp_next_free(run.next);
	ccp_walk_free(run.walk);
	if (run.sink) {
		struct ccp_err late;

		/* an output that all inputs share is whole or not there: one that failed would be missing in it */
		bool failed = result < 0 || summary->cancelled ||
			      (options->sink->flags & CCP_SINK_PLACES
				       ? summary->inputs_done + summary->inputs_salvaged == 0 &&
						 summary->inputs_failed + summary->inputs_skipped > 0
				       : summary->inputs_failed > summary->inputs_salvaged);

		ccp_err_clear(&late);
		if (options->sink->destroy(run.sink, failed, &late) < 0 && result == 0) {
			*err = late;
			result = -1;
		}
	}
	ccp_inject_free(run.inject);
	ccp_claims_free(run.claims);
	ccp_arena_free(run.arena);
	return result;
}
