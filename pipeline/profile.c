/*
 * profile.c: records a run while it goes on, and adds up at its end.
 *
 * Every 50 ms the caller of ccp_run notes the totals, so that throughput and degrees can be shown over time; when the
 * table is full every second row goes and rows come half as often, so that a run of any length fits. The rest is
 * differences between the end and the beginning, and the meter's sums.
 */
#include "pipeline/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"

#define TICK_STEP_NS 50000000

static double seconds(const struct timeval *later, const struct timeval *earlier)
{
	return (double)(later->tv_sec - earlier->tv_sec) + (double)(later->tv_usec - earlier->tv_usec) / 1e6;
}

static uint64_t cpu_ns(const struct ccp_profile *profile)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return (uint64_t)((seconds(&self.ru_utime, &profile->own.self.ru_utime) +
			   seconds(&self.ru_stime, &profile->own.self.ru_stime) +
			   seconds(&children.ru_utime, &profile->own.children.ru_utime) +
			   seconds(&children.ru_stime, &profile->own.children.ru_stime)) * 1e9);
}

void ccp_profile_begin(struct ccp_profile *profile, const struct ccp_plan *plan, struct ccp_meter *meter,
		       uint64_t slot_bytes)
{
	profile->meter = meter;
	profile->plan = *plan;
	profile->slot_bytes = slot_bytes;
	profile->tick_step_ns = TICK_STEP_NS;
	profile->replayed = plan->replayed;
	getrusage(RUSAGE_SELF, &profile->own.self);
	getrusage(RUSAGE_CHILDREN, &profile->own.children);
	if (profile->detailed) {
		ccp_pressure_read(&profile->own.pressure);
		profile->own.busy_s = ccp_cpu_busy_s();
		profile->own.throttled_ns = ccp_throttled_ns();
	}
	profile->begun_ns = ccp_meter_now();
}

void ccp_profile_release(struct ccp_profile *profile)
{
	ccp_meter_free(profile->meter);
	profile->meter = NULL;
}

void ccp_profile_add_exec(struct ccp_profile *profile, const struct ccp_exec *exec)
{
	if (exec->number >= CCP_PROFILE_EXECS)
		return;
	profile->exec[exec->number] =
		(struct ccp_profile_exec){ .strategy = exec->ops->name, .degree = exec->degree };
	if (profile->execs <= exec->number)
		profile->execs = exec->number + 1;
}

/* Half as many rows, half as often. */
static void thin_out(struct ccp_profile *profile)
{
	for (unsigned i = 0; i < profile->ticks / 2; i++)
		profile->tick[i] = profile->tick[2 * i + 1];
	profile->ticks /= 2;
	profile->tick_step_ns *= 2;
}

/* Adds what has passed since the last look to the integrals over time. */
static void integrate(struct ccp_profile *profile, uint64_t t_ns, struct ccp_exec *const stage[CCP_STAGES],
		      unsigned live)
{
	double passed = (double)(t_ns - profile->own.last_ns);

	profile->own.last_ns = t_ns;
	profile->own.live_ns += passed * live;
	for (int s = 0; s < CCP_STAGES; s++) {
		unsigned degree = stage[s] ? stage[s]->degree : 0;

		profile->own.degree_ns[s] += passed * (profile->own.degree[s] ? profile->own.degree[s] : degree);
		profile->own.degree[s] = degree;
		if (degree > profile->stage[s].degree_max)
			profile->stage[s].degree_max = degree;
	}
}

/* Who has which stage now; an executor that lost all keeps what it had. */
static void note_stages(struct ccp_profile *profile, struct ccp_exec *const stage[CCP_STAGES])
{
	unsigned now[CCP_PROFILE_EXECS] = { 0 };

	for (int s = 0; s < CCP_STAGES; s++) {
		if (!stage[s] || stage[s]->number >= CCP_PROFILE_EXECS)
			continue;
		now[stage[s]->number] |= CCP_STAGE_BIT((unsigned)s);
		profile->exec[stage[s]->number].degree = stage[s]->degree;
		profile->stage[s].exec = stage[s]->number;
		profile->stage[s].strategy = stage[s]->ops->name;
		profile->stage[s].degree = stage[s]->degree;
		profile->stage[s].fused_with_previous = s > 0 && stage[s] == stage[s - 1];
	}
	for (unsigned i = 0; i < CCP_PROFILE_EXECS; i++)
		if (now[i])
			profile->exec[i].stages = now[i];
}

void ccp_profile_tick(struct ccp_profile *profile, struct ccp_flow *flow, struct ccp_exec *const stage[CCP_STAGES],
		      bool last)
{
	const struct ccp_flow_counts *counts = ccp_flow_counts(flow);
	uint64_t t_ns = ccp_meter_now() - profile->begun_ns;
	unsigned live = (unsigned)ccp_flow_live(flow);
	struct ccp_tick *tick = profile->ticks > 0 ? &profile->tick[profile->ticks - 1] : NULL;

	if (!last && tick && t_ns - tick->t_ns < profile->tick_step_ns * 9 / 10)
		return;
	integrate(profile, t_ns, stage, live);
	note_stages(profile, stage);
	if (profile->ticks == CCP_PROFILE_TICKS)
		thin_out(profile);
	tick = &profile->tick[profile->ticks++];
	*tick = (struct ccp_tick){
		.t_ns = t_ns,
		.bytes_in = atomic_load(&counts->bytes_in),
		.bytes_out = atomic_load(&counts->bytes_out),
		.jobs = atomic_load(&counts->jobs),
		.cpu_ns = cpu_ns(profile),
		.live = live,
	};
	for (int s = 0; s < CCP_STAGES; s++) {
		tick->degree[s] = stage[s] ? stage[s]->degree : 0;
		tick->kind[s] = stage[s] ? (uint8_t)stage[s]->number : 0;
	}
}

struct ccp_change *ccp_profile_change(struct ccp_profile *profile)
{
	struct ccp_change *change;

	if (profile->changes < CCP_PROFILE_CHANGES)
		profile->changes++;
	change = &profile->change[profile->changes - 1];
	*change = (struct ccp_change){ .t_ns = ccp_meter_now() - profile->begun_ns, .elasticity = NAN };
	return change;
}

/* ---- the end ------------------------------------------------------------------------------------- */

static double difference(double later, double earlier)
{
	return later < 0 || earlier < 0 ? -1 : later - earlier;
}

static void add_resources(struct ccp_profile *profile)
{
	struct rusage self, children;
	struct ccp_pressure pressure;
	double busy_s;

	profile->external_load = profile->psi_cpu_s = profile->psi_io_s = profile->psi_mem_s = -1;
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	profile->user_s = seconds(&self.ru_utime, &profile->own.self.ru_utime) +
			  seconds(&children.ru_utime, &profile->own.children.ru_utime);
	profile->sys_s = seconds(&self.ru_stime, &profile->own.self.ru_stime) +
			 seconds(&children.ru_stime, &profile->own.children.ru_stime);
	profile->peak_rss = (uint64_t)self.ru_maxrss * 1024;
	if (!profile->detailed)
		return;
	ccp_pressure_read(&pressure);
	profile->psi_cpu_s = difference(pressure.cpu_s, profile->own.pressure.cpu_s);
	profile->psi_io_s = difference(pressure.io_s, profile->own.pressure.io_s);
	profile->psi_mem_s = difference(pressure.mem_s, profile->own.pressure.mem_s);
	profile->throttled_ns = ccp_throttled_ns() - profile->own.throttled_ns;
	busy_s = difference(ccp_cpu_busy_s(), profile->own.busy_s);
	/* the machine's clock ticks every 10 ms: below a few ticks it says nothing */
	if (busy_s >= 0 && profile->wall_s >= 0.1)
		profile->external_load = fmax(0, busy_s - profile->user_s - profile->sys_s) / profile->wall_s;
}

/* How many jobs of a stage can run at once. */
static double at_once(const struct ccp_profile *profile, int s)
{
	double workers = profile->stage[s].degree_mean;

	if (s == CCP_WRITE && profile->shared_output)
		return 1;
	if (s == CCP_WORK && profile->sequential && profile->inputs_done > 0)
		return fmin(workers, (double)profile->inputs_done);
	return workers;
}

static void add_stage(struct ccp_profile *profile, int s)
{
	struct ccp_profile_stage *stage = &profile->stage[s];
	const struct ccp_meter_sum *all = &profile->all, *of_exec = &profile->exec[stage->exec].sum;
	double unparked = of_exec->life - of_exec->parked, jobs = (double)all->jobs[s], useful, rate;

	stage->time = all->busy[s];
	stage->jobs = all->jobs[s];
	stage->bytes_in = all->bytes_in[s];
	stage->bytes_out = all->bytes_out[s];
	stage->p50_ns = ccp_meter_quantile(profile->meter, -1, (enum ccp_stage)s, 0.5);
	stage->p95_ns = ccp_meter_quantile(profile->meter, -1, (enum ccp_stage)s, 0.95);
	stage->max_ns = ccp_meter_quantile(profile->meter, -1, (enum ccp_stage)s, 1);
	stage->degree_mean = profile->own.last_ns > 0 ? profile->own.degree_ns[s] / (double)profile->own.last_ns
						      : stage->degree;
	stage->utilisation = unparked > 0 ? of_exec->busy[s].wall / unparked : 0;

	struct ccp_vector vector = { .jobs = stage->jobs };

	if (jobs > 0) {
		/* of an event loop the thread's waits are idleness: what counts is how long its jobs took */
		double blocked = all->service[s] > 1.2 * stage->time.wall
					 ? all->service[s] - stage->time.cpu - stage->time.runq
					 : stage->time.blocked;

		vector.cpu = stage->time.cpu / jobs;
		vector.blocked = blocked / jobs;
	}
	stage->class = ccp_classify(&profile->facts, (enum ccp_stage)s, &vector, CCP_CLASS_NONE, &stage->share);
	useful = vector.cpu + vector.blocked;
	if (jobs > 0 && useful > 0 && profile->jobs > 0) {
		rate = at_once(profile, s) / useful; /* jobs a ns */
		if (vector.cpu > 0)
			rate = fmin(rate, profile->host.cpus / vector.cpu);
		stage->rate_alone = rate * 1e9 * (double)profile->bytes_in / (double)profile->jobs;
	}
}

void ccp_profile_end(struct ccp_profile *profile, struct ccp_flow *flow)
{
	const struct ccp_flow_counts *counts = ccp_flow_counts(flow);

	profile->wall_s = (double)(ccp_meter_now() - profile->begun_ns) / 1e9;
	profile->bytes_in = atomic_load(&counts->bytes_in);
	profile->bytes_out = atomic_load(&counts->bytes_out);
	profile->jobs = atomic_load(&counts->jobs);
	profile->inputs_done = atomic_load(&counts->inputs_done);
	profile->inputs_skipped = atomic_load(&counts->inputs_skipped);
	profile->inputs_failed = atomic_load(&counts->inputs_failed);
	profile->ahead = atomic_load(&counts->ahead);
	profile->ahead_used = atomic_load(&counts->ahead_used);
	profile->cancelled = ccp_flow_cancelled(flow);
	profile->live_mean = profile->own.last_ns > 0 ? profile->own.live_ns / (double)profile->own.last_ns : 0;
	profile->live_max = (unsigned)ccp_flow_live_most(flow);
	profile->buffers = profile->live_max * profile->slot_bytes;
	add_resources(profile);
	for (unsigned i = 0; i < profile->execs; i++)
		ccp_meter_read(profile->meter, (int)i, &profile->exec[i].sum);
	ccp_meter_read(profile->meter, -1, &profile->all);
	for (int s = 0; s < CCP_STAGES; s++)
		add_stage(profile, s);
	ccp_profile_judge(profile);
}
