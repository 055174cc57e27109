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
#include "pipeline/net/url.h"
#include "pipeline/profile.h"
#include "pipeline/run_internal.h"

#define SPANS 16384 /* of each worker, for a trace: half a MiB */

/* The flow of the run that is going on, for the signal handler. */
static struct ccp_flow *_Atomic current_flow;

void ccp_run_cancel(void)
{
	struct ccp_flow *flow = atomic_load(&current_flow);

	if (flow)
		ccp_flow_cancel(flow);
}

/* Whether auto has the word: not if a test replaces the executors. */
static bool is_automatic(const struct ccp_run *run)
{
	return run->options->plan.automatic && run->options->swap_ms == 0;
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

/* A stream is silent: whoever waits for it in the caller still has to tick. */
static void idle(void *arg)
{
	struct ccp_run *run = arg;

	if (pthread_equal(pthread_self(), run->thread))
		ccp_run_tick(run);
}

static bool tick(void *arg)
{
	ccp_run_tick(arg);
	return true;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static int admit(const void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_run_options *options = arg;

	return options->sink->check(&options->sink_options, input, err);
}

static uint64_t target_key(const void *arg, const struct ccp_input *input)
{
	const struct ccp_run_options *options = arg;

	return options->sink->key(&options->sink_options, input);
}

/* For NEXT: asks where to begin with an input, and prepares its carry for that place. */
static uint64_t enter(const void *arg, struct ccp_input *input)
{
	const struct ccp_run_options *options = arg;
	struct ccp_entry entry;

	if (options->find_entry(options->find_arg, input, &entry, &input->err) != 1)
		return 0;
	options->transform->enter(input->carry, &entry);
	return entry.in;
}

/*
 * The arena. auto begins with as many slots as it could ever want; where address space is short it takes an eighth of
 * what there is room for, and leaves the rest to names, threads and states.
 */
static int allocate_slots(struct ccp_run *run, struct ccp_arena_options *shape, struct ccp_err *err)
{
	if (ccp_arena_new(&run->arena, shape, err) == 0)
		return 0;
	while (is_automatic(run) && shape->slots > 1) {
		shape->slots = (shape->slots + 1) / 2;
		if (ccp_arena_new(&run->arena, shape, err) < 0)
			continue;
		if (shape->slots < 16)
			return 0;
		ccp_arena_free(run->arena);
		run->arena = NULL;
		shape->slots /= 8;
		return ccp_arena_new(&run->arena, shape, err);
	}
	return -1;
}

/* What files under way, two each, leave to the meter. */
static unsigned spare_descriptors(const struct ccp_run *run, size_t slots)
{
	uint64_t all = run->options->profile->host.descriptors, taken = CCP_PLAN_DESCRIPTORS + 2 * (uint64_t)slots;

	if (all == 0)
		return CCP_METER_ACCOUNTS;
	return all <= taken ? 0 : all - taken < CCP_METER_ACCOUNTS ? (unsigned)(all - taken) : CCP_METER_ACCOUNTS;
}

/* How many inputs NEXT cuts in turn: as many as can be worked on at the same time. */
static unsigned cuts(const struct ccp_run_options *options, size_t slots)
{
	const struct ccp_plan *plan = &options->plan;
	unsigned most = plan->automatic ? plan->jobs : plan->stage[CCP_WORK].degree;

	if (options->sink->flags & CCP_SINK_SHARED)
		return 1;
	if (most > options->need.cuts)
		most = options->need.cuts;
	return most > slots / 2 ? (unsigned)(slots / 2) : most;
}

/* Whether a name can be a URL. Those of a list are not known yet. */
static bool meets_urls(const struct ccp_walk_options *walk)
{
	if (!walk->urls)
		return false;
	for (size_t i = 0; i < walk->name_count; i++)
		if (ccp_url_kind(walk->names[i]) > CCP_URL_FILE)
			return true;
	return walk->files_from != NULL;
}

/* The same for inputs that come from elsewhere: as many as there is room for, since they come at their own pace. */
static unsigned apart(const struct ccp_run_options *options, size_t slots)
{
	size_t most = slots / 2;

	if (!meets_urls(&options->walk) && !options->archive.wanted)
		return 0;
	/* one output for all: while one input is being cut nobody else may begin, of whatever kind it is */
	if (options->sink->flags & CCP_SINK_SHARED)
		return 0;
	return most < 1 ? 1 : most < CCP_CUTS_MAX ? (unsigned)most : CCP_CUTS_MAX;
}

static int allocate(struct ccp_run *run, struct ccp_err *err)
{
	const struct ccp_run_options *options = run->options;
	bool traced = options->profile && options->trace;
	struct ccp_walk_options walk = options->walk;
	struct ccp_arena_options shape = ccp_arena_shape(&options->need, options->plan.window);

	shape.shared = options->plan.forks || options->swap_ms > 0;
	/* as many as NEXT can have under way; auto may come to do with fewer slots, and then with fewer of these */
	shape.cuts = cuts(options, shape.slots) + apart(options, shape.slots);
	if (shape.cuts > CCP_CUTS_MAX)
		shape.cuts = CCP_CUTS_MAX;
	if (options->sink->key && ccp_claims_new(&run->claims, ccp_arena_inputs(&shape), err) < 0)
		return -1;

	struct ccp_next_options next_options = {
		.chunk_bytes = options->need.chunk_bytes,
		.lookahead = options->walk.urls ? options->fetch.depth : 0,
		.only = options->only,
		/* or digests would be told long after their sources are gone: results go out in this order */
		.shared_output = (options->sink->flags & CCP_SINK_SHARED) != 0 ||
				 (options->tee && options->sink_options.remove_source),
		.unordered = options->unordered,
		.source = &run->source,
		.claims = run->claims,
		.target_key = target_key,
		.target_arg = options,
		.refuse = options->sink->flags & CCP_SINK_BY_NAME ? admit : NULL,
		.refuse_arg = options,
		.enter = options->find_entry && options->transform->enter ? enter : NULL,
		.enter_arg = options,
	};

	if (options->walk.urls && ccp_fetcher_new(&run->fetcher, &options->fetch, err) < 0)
		return -1;
	if (options->archive.wanted && ccp_archive_new(&run->archive, &options->archive, &options->fetch, err) < 0)
		return -1;
	walk.archive = run->archive;
	run->source = options->source;
	run->source.fetcher = run->fetcher;
	run->source.archive = run->archive;
	run->source.idle = idle;
	run->source.idle_arg = run;
	if (options->sink->check) {
		run->source.admit = admit;
		run->source.admit_arg = options;
	}
	if (allocate_slots(run, &shape, err) < 0)
		return -1;
	next_options.cuts = cuts(options, shape.slots);
	next_options.apart = apart(options, shape.slots);
	if (ccp_walk_new(&run->walk, &walk, err) < 0 ||
	    ccp_next_new(&run->next, run->walk, run->arena, &next_options, err) < 0 ||
	    options->sink->create(&run->sink, &options->sink_options, err) < 0)
		return -1;
	if (options->profile) {
		if (ccp_meter_new(&run->meter, traced ? SPANS : 0, err) < 0)
			return -1;
		ccp_meter_limit(run->meter, spare_descriptors(run, shape.slots));
		options->profile->transform = options->transform->name;
		options->profile->sink = options->sink->name;
		options->profile->goes_ahead = options->transform->ahead != NULL;
		options->profile->sequential = ccp_transform_is_serial(options->transform);
		options->profile->shared_output = (options->sink->flags & CCP_SINK_SHARED) != 0;
		ccp_profile_begin(options->profile, &options->plan, run->meter,
				  ccp_arena_bytes(&shape) / shape.slots);
	}
	if (options->inject && ccp_inject_new(&run->inject, options->inject, err) < 0)
		return -1;

	struct ccp_flow_config config = {
		.next = run->next,
		.transform = options->transform,
		.transform_options = &options->transform_options,
		.need = &options->need,
		.fold = options->fold,
		.fold_options = options->fold_options,
		.source_options = &run->source,
		.sink_ops = options->sink,
		.sink_options = &options->sink_options,
		.sink = run->sink,
		.arena = run->arena,
		.claims = run->claims,
		.meter = run->meter,
		.inject = run->inject,
		.tee = options->tee,
		.window = is_automatic(run) ? 1 : 0,
		.unordered = options->unordered,
		.report = options->report,
		.report_arg = options->arg,
	};

	if (ccp_flow_new(&run->flow, &config, err) < 0)
		return -1;
	ccp_next_set_cancel_fd(run->next, ccp_flow_cancel_fd(run->flow));
	return 0;
}

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
	if (is_automatic(run)) {
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
	if (allocate(&run, err) == 0 && open_execs(&run, err) == 0) {
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
