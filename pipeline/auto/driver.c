/*
 * driver.c: auto at work.
 *
 * Inputs that are small are carried by the caller, and nothing is measured. All others begin with a pool of threads,
 * one for each CPU, or with the caller alone if there is one CPU or one chunk: whatever they do is kept, so that
 * measuring costs nothing but the clock. After a few milliseconds, or when the first chunks blocked, what the meter
 * says is turned into vectors, and ccp_decide is asked. What it wants is put into force: executors that fit are kept
 * and resized, others are opened and the old ones drain. From then on the caller sleeps and steps ccp_control once a
 * window, unless it has the jobs itself; then it looks between two of them.
 *
 * Beginning with the caller alone, always, would be simpler. It loses (1 - 1/CPUs) of what it takes to see enough: 8 ms
 * of a job of 24 ms. Two threads cost 0.06 ms.
 */
#include "pipeline/auto/driver.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "pipeline/auto/control.h"
#include "pipeline/auto/decide.h"
#include "pipeline/auto/driver_internal.h"
#include "pipeline/auto/facts.h"
#include "pipeline/memory.h"
#include "pipeline/next.h"

/* A probe is over after PROBE_NS, if it saw so many chunks after the first, or chunks so long that one is enough. */
#define PROBE_NS 5e6
#define PROBE_CHUNKS 4
#define PROBE_BLOCKED_NS 1e6   /* a chunk that blocked for that long ends it at once */
#define PROBE_LOOK_MS 1         /* how often a pool is looked at meanwhile */
#define PROBE_LONG_NS 50e6     /* it took so long that few chunks were seen */
#define UNKNOWN_NS 1e9         /* serial time that is assumed to be left of an input without a known end */

static double since(uint64_t begun_ns)
{
	return (double)(ccp_meter_now() - begun_ns);
}

/* ---- facts and vectors --------------------------------------------------------------------------- */

static const char *first_path(const struct ccp_run *run)
{
	const struct ccp_walk_options *walk = &run->options->walk;

	return walk->name_count > 0 ? walk->names[0] : NULL;
}

static void add_totals(struct ccp_facts *facts, struct ccp_run *run)
{
	uint64_t streams = ccp_next_streams(run->next);
	bool complete;

	ccp_next_totals(run->next, &facts->inputs, &facts->total_bytes, &complete);
	facts->total_known = complete && streams == 0;
	facts->stream = streams > 0 && streams == facts->inputs;
}

void ccp_auto_totals(struct ccp_auto *a)
{
	add_totals(&a->facts, a->run);
}

/* The strategies of the table by their kinds; NULL where there is none. */
static void find_strategies(const struct ccp_run_options *options, const struct ccp_strategy_ops *of_kind[CCP_KINDS])
{
	for (const struct ccp_strategy_ops *const *ops = options->strategies; ops && *ops; ops++)
		for (int kind = 0; kind < CCP_KINDS; kind++)
			if (strcmp((*ops)->name, ccp_kind_name((enum ccp_kind)kind)) == 0)
				of_kind[kind] = *ops;
}

void ccp_auto_gather(struct ccp_facts *facts, struct ccp_run *run)
{
	const struct ccp_run_options *options = run->options;
	const struct ccp_plan *plan = &options->plan;
	const struct ccp_strategy_ops *strategy[CCP_KINDS] = { NULL };
	struct ccp_arena_options slot = ccp_arena_shape(&options->need, 1);

	*facts = (struct ccp_facts){
		.cpus = plan->jobs,
		.mem_budget = plan->max_mem,
		.slot_bytes = ccp_arena_bytes(&slot),
		.state_bytes = options->need.state_bytes + options->need.fold_state_bytes,
		.slots = (unsigned)ccp_arena_slots(run->arena),
		.chunk_bytes = options->need.chunk_bytes,
		.cached = -1,
		.sequential = ccp_transform_is_serial(options->transform),
		.shared_output = ((options->explain ? options->explain : options->sink)->flags & CCP_SINK_SHARED) != 0,
		.isolate = plan->isolate,
	};
	find_strategies(options, strategy);
	for (int kind = 0; kind < CCP_KINDS; kind++)
		facts->can[kind] = strategy[kind] && (!strategy[kind]->probe || !strategy[kind]->probe());
	if (strategy[CCP_KIND_ASYNC]) /* its note says why there is no ring */
		facts->async_ring = !strategy[CCP_KIND_ASYNC]->note || !strategy[CCP_KIND_ASYNC]->note();
	ccp_facts_machine(facts, &options->profile->host);
	if (first_path(run))
		ccp_facts_look(facts, first_path(run));
	add_totals(facts, run);
}

/* What a job cost each stage, on average. The hub's work is the writer's. */
void ccp_auto_vectors(const struct ccp_meter_sum *sum, struct ccp_vector vector[CCP_STAGES])
{
	for (int s = 0; s < CCP_STAGES; s++) {
		double jobs = (double)sum->jobs[s];
		struct ccp_meter_times time = sum->busy[s];

		vector[s] = (struct ccp_vector){ .jobs = sum->jobs[s] };
		if (sum->jobs[s] == 0)
			continue;
		if (s == CCP_WRITE) {
			time.cpu += sum->busy[CCP_METER_HUB].cpu;
			time.runq += sum->busy[CCP_METER_HUB].runq;
			time.blocked += sum->busy[CCP_METER_HUB].blocked;
		} else if (sum->service[s] > 1.2 * time.wall) {
			/* an event loop: jobs overlap, and its thread's own waits are idleness */
			time.blocked = sum->service[s] - time.cpu - time.runq;
		}
		vector[s].cpu = time.cpu / jobs;
		vector[s].runq = time.runq / jobs;
		vector[s].blocked = time.blocked > 0 ? time.blocked / jobs : 0;
		vector[s].bytes = (double)sum->bytes_in[s] / jobs;
	}
}

double ccp_auto_chunks_left(const struct ccp_auto *a, const struct ccp_vector vector[CCP_STAGES])
{
	const struct ccp_flow_counts *counts = ccp_flow_counts(a->run->flow);
	double done = (double)atomic_load(&counts->bytes_in), bytes = vector[CCP_WORK].bytes;
	double inputs = (double)(atomic_load(&counts->inputs_done) + atomic_load(&counts->inputs_skipped) +
				 atomic_load(&counts->inputs_failed));
	double left = bytes >= 1 ? ((double)a->facts.total_bytes - done) / bytes : 0;
	double serial = 0;

	for (int s = 0; s < CCP_STAGES; s++)
		serial += vector[s].cpu + vector[s].blocked;
	if (left < (double)a->facts.inputs - inputs)
		left = (double)a->facts.inputs - inputs;
	if (!a->facts.total_known && left * serial < UNKNOWN_NS && serial > 0)
		left = UNKNOWN_NS / serial;
	return left > 0 ? left : 0;
}

/* ---- the beginning ------------------------------------------------------------------------------ */

/* The plan to begin with: fused, `degree` threads, or the caller. */
static void first_plan(struct ccp_decision *plan, enum ccp_kind kind, unsigned degree)
{
	*plan = (struct ccp_decision){ .window = kind == CCP_KIND_SERIAL ? 1 : 2 * degree + 2 };
	for (int s = 0; s < CCP_STAGES; s++)
		plan->stage[s] = (struct ccp_stage_choice){ .kind = kind, .degree = degree, .share = -1 };
}

/* Whether the inputs are worth a pool before anything was measured: more than one chunk, for more than one CPU. */
static bool worth_a_pool(const struct ccp_auto *a)
{
	bool one_chunk = a->facts.total_known && a->facts.inputs <= 1 && a->facts.total_bytes <= a->facts.chunk_bytes;

	return a->measured && !one_chunk && !ccp_facts_small(&a->facts) && a->facts.cpus > 1 && a->facts.slots > 1 &&
	       a->facts.can[CCP_KIND_THREADS];
}

/* A pool of a thread for each CPU, or fewer, down to two, if memory is short. Returns 0, or an errno. */
static int begin_with_pool(struct ccp_auto *a)
{
	unsigned degree = a->facts.cpus < a->facts.slots ? a->facts.cpus : a->facts.slots;
	struct ccp_decision plan;
	struct ccp_err err;

	for (; degree >= 2; degree--) {
		first_plan(&plan, CCP_KIND_THREADS, degree);
		if (plan.window > a->facts.slots)
			plan.window = a->facts.slots;
		while (plan.window > degree && !ccp_auto_fits(a, &plan, (struct ccp_exec *[CCP_STAGES]){ NULL }))
			plan.window--;
		ccp_err_clear(&err);
		if (ccp_auto_apply(a, &plan, &err) == 0)
			return 0;
		if (err.sys != ENOMEM)
			return err.sys != 0 ? err.sys : EAGAIN;
	}
	return 0;
}

static void begin(struct ccp_auto *a)
{
	struct ccp_decision plan;
	struct ccp_err err;

	a->states[a->run->caller->number] = 1; /* it may have jobs, now or later */
	if (worth_a_pool(a))
		a->first_failed = begin_with_pool(a);
	if (a->pooled)
		return;
	first_plan(&plan, CCP_KIND_SERIAL, 1);
	ccp_auto_apply(a, &plan, &err);
}

/* ---- the probe ----------------------------------------------------------------------------------- */

/* What was wanted could not be started: the run goes on as it is, and says so. */
static void note_failure(struct ccp_auto *a, int sys)
{
	struct ccp_decision *d = &a->decision;

	if (d->reasons == CCP_DECISION_REASONS)
		d->reasons--;
	d->reason[d->reasons++] = (struct ccp_reason){ CCP_WHY_NOT_STARTED, -1, sys, 0 };
}

/* The best that fits beside what the first workers hold. */
static int apply_smaller(struct ccp_auto *a, enum ccp_probe_stop stop, struct ccp_err *err)
{
	const struct ccp_vector *vector = a->profile->probe_vector;
	struct ccp_facts facts = a->facts;
	struct ccp_decision decision;

	facts.mem_budget = ccp_auto_budget_left(a);
	ccp_decide(&decision, &facts, stop, vector, ccp_auto_chunks_left(a, vector), &ccp_costs_default);
	return ccp_auto_apply(a, &decision, err);
}

/* The decision comes into force, or what there is stays. */
static void put_into_force(struct ccp_auto *a, enum ccp_probe_stop stop, const struct ccp_decision *decision)
{
	struct ccp_decision before = a->decision;
	struct ccp_err err;

	ccp_err_clear(&err);
	if (ccp_auto_apply(a, decision, &err) == 0 || (err.sys == ENOMEM && apply_smaller(a, stop, &err) == 0)) {
		if (a->first_failed)
			note_failure(a, a->first_failed);
		return;
	}
	a->decision = *decision;
	memcpy(a->decision.stage, before.stage, sizeof before.stage);
	for (int s = 0; s < CCP_STAGES; s++) {
		a->decision.stage[s].class = decision->stage[s].class;
		a->decision.stage[s].share = decision->stage[s].share;
	}
	a->decision.window = before.window;
	a->decision.predicted_ns = a->decision.predicted_rate = 0;
	note_failure(a, err.sys);
}

/* Decides, and does it. */
static void conclude(struct ccp_auto *a, enum ccp_probe_stop stop, const struct ccp_meter_sum *seen, double probe_ns)
{
	struct ccp_profile *profile = a->profile;
	struct ccp_vector *vector = profile->probe_vector;
	struct ccp_decision decision;
	double serial_ns = 0, left, unit;

	ccp_auto_vectors(seen, vector);
	ccp_auto_totals(a);
	left = ccp_auto_chunks_left(a, vector);
	if (stop != CCP_PROBE_NONE && a->facts.total_known && left <= 0)
		stop = CCP_PROBE_END;
	ccp_decide(&decision, &a->facts, stop, vector, stop == CCP_PROBE_END ? 0 : left, &ccp_costs_default);
	profile->probe_stop = stop;
	profile->probe_jobs = seen->jobs[CCP_WORK];
	profile->probe_s = probe_ns / 1e9;
	profile->probe_workers = a->pooled ? a->group[0].degree : 1;
	for (int s = 0; s < CCP_STAGES; s++)
		serial_ns += vector[s].cpu + vector[s].blocked;
	a->by_bytes = vector[CCP_WORK].bytes >= 32 << 10;
	unit = a->by_bytes ? vector[CCP_WORK].bytes : 1;
	a->decided = true;
	if (a->run->options->explain) {
		a->decision = decision;
		ccp_flow_cancel(a->run->flow);
	} else if (stop == CCP_PROBE_END) { /* what there is has done it */
		memcpy(decision.stage, a->decision.stage, sizeof decision.stage);
		decision.window = a->decision.window;
		a->decision = decision;
		a->due_ns = UINT64_MAX; /* nothing is left to be controlled */
	} else {
		put_into_force(a, stop, &decision);
		ccp_control_begin(&a->control, &a->facts, &a->decision, a->group,
				  serial_ns > 0 ? 1e9 / serial_ns * unit : 0, a->decision.predicted_rate * unit);
		ccp_auto_window(a);
	}
	profile->facts = a->facts;
	profile->decision = profile->final = a->decision;
	profile->decided = true;
}

/* Whether enough was seen. The sum is over all so far. */
static enum ccp_probe_stop enough(struct ccp_auto *a, const struct ccp_meter_sum *sum)
{
	double elapsed = since(a->begun_ns), blocked = 0, wall = 0;
	uint64_t chunks = sum->jobs[CCP_WORK], workers = a->pooled ? a->group[0].degree : 1;

	if (sum->jobs[CCP_WRITE] == 0)
		return CCP_PROBE_NONE;
	for (int s = 0; s < CCP_STAGES; s++) {
		blocked += sum->busy[s].blocked / (double)sum->jobs[s];
		wall += sum->busy[s].wall / (double)sum->jobs[s];
	}
	if (blocked > PROBE_BLOCKED_NS && blocked > (1 - CCP_SHARE_CPU) * wall)
		return CCP_PROBE_BLOCKED;
	if (elapsed >= PROBE_NS && chunks >= workers &&
	    (chunks > PROBE_CHUNKS * workers || elapsed * (double)workers / (double)chunks >= PROBE_NS / PROBE_CHUNKS))
		return elapsed >= PROBE_LONG_NS && chunks <= PROBE_CHUNKS ? CCP_PROBE_LONG : CCP_PROBE_TIME;
	return CCP_PROBE_NONE;
}

/* Looks whether it is time to decide. */
static void probe(struct ccp_auto *a)
{
	struct ccp_meter_sum sum;
	enum ccp_probe_stop stop;

	ccp_meter_read(a->run->meter, -1, &sum);
	stop = enough(a, &sum);
	if (sum.jobs[CCP_WORK] == 1 && !a->has_first) { /* it pays for first touches: it does not count if others do */
		a->first = sum;
		a->has_first = true;
	}
	if (stop == CCP_PROBE_NONE)
		return;
	if (a->has_first && sum.jobs[CCP_WORK] > 1 && stop != CCP_PROBE_BLOCKED && !a->pooled)
		ccp_meter_subtract(&sum, &a->first);
	conclude(a, stop, &sum, since(a->begun_ns));
}

/* ---- serving ------------------------------------------------------------------------------------- */

static void look(struct ccp_auto *a)
{
	ccp_run_tick(a->run);
	if (!a->measured || ccp_flow_cancelled(a->run->flow))
		return;
	if (!a->decided)
		probe(a);
	else if (ccp_meter_now() >= a->due_ns)
		ccp_auto_step(a);
}

/* Between two jobs of the caller. False: it is to stop carrying jobs, others do. */
static bool after_job(void *arg)
{
	struct ccp_auto *a = arg;

	look(a);
	return !a->pooled;
}

/* The caller sleeps, ticks and controls until the run is over or the jobs are its own. Returns whether it is over. */
static bool watch(struct ccp_auto *a)
{
	while (a->pooled) {
		uint64_t now = ccp_meter_now(), wait_ms = PROBE_LOOK_MS;

		if (a->decided)
			wait_ms = now < a->due_ns ? (a->due_ns - now) / 1000000 + 1 : 1;
		if (ccp_flow_wait(a->run->flow, (int)(wait_ms < CCP_RUN_TICK_MS ? wait_ms : CCP_RUN_TICK_MS)))
			return true;
		look(a);
		ccp_auto_hand_over(a); /* nobody else would ever take a job that came to the caller's queue late */
	}
	return false;
}

void ccp_auto_serve(struct ccp_run *run)
{
	struct ccp_auto a = { .run = run, .profile = run->options->profile };
	struct ccp_meter_sum sum;

	assert(run->caller && run->meter);
	a.profile->automatic = true;
	ccp_pressure_watch_open(&a.pressure_watch);
	ccp_flow_start(run->flow);
	find_strategies(run->options, a.ops);
	ccp_auto_gather(&a.facts, run);
	a.measured = run->options->measure || !ccp_facts_small(&a.facts);
	a.begun_ns = ccp_meter_now();
	begin(&a);
	if (!a.measured) {
		ccp_flow_stop_metering(run->flow);
		memset(&sum, 0, sizeof sum);
		conclude(&a, CCP_PROBE_NONE, &sum, 0);
	}
	while (!(a.pooled && watch(&a)) && !ccp_flow_finished(run->flow))
		run->caller->ops->serve(run->caller, after_job, &a);
	if (!a.decided) { /* the input ended first */
		ccp_meter_read(run->meter, -1, &sum);
		conclude(&a, CCP_PROBE_END, &sum, since(a.begun_ns));
	}
	ccp_pressure_watch_close(&a.pressure_watch);
}
