/*
 * auto_help.h: runs under auto (and under fixed strategies) whose profile is kept, on top of strategy_help.h: a
 * transform with larger pieces that counts threads while it works, and what every profile of a run must satisfy.
 */
#ifndef CCP_TESTS_UNIT_AUTO_HELP_H
#define CCP_TESTS_UNIT_AUTO_HELP_H

#include <math.h>
#include <stdatomic.h>

#include "pipeline/inject.h"
#include "pipeline/profile.h"
#include "tests/unit/strategy_help.h"

#define AUTO_CHUNK 32768u /* from here on rates are of bytes, not of jobs */

static struct ccp_profile auto_profile;
static struct ccp_inject_options auto_inject;
static _Atomic int auto_tasks;           /* the most threads that this process was seen to have */
static _Atomic int auto_cancel_at;       /* WORK of that piece cancels the run; -1 = none. This process only */
static _Atomic int auto_pieces;
static size_t auto_state_bytes;
static _Atomic int auto_states, auto_states_most; /* of auto_wide, open at the same time in this process */

/* ---- a transform ----------------------------------------------------------------------------------------------- */

static int wide_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	*need = (struct ccp_transform_need){ .chunk_bytes = AUTO_CHUNK, .out_bytes = AUTO_CHUNK,
					     .state_bytes = auto_state_bytes };
	return 0;
}

static int wide_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	int states = atomic_fetch_add(&auto_states, 1) + 1, most = atomic_load(&auto_states_most);

	while (states > most && !atomic_compare_exchange_weak(&auto_states_most, &most, states))
		;
	return help_open(state, options, err);
}

static void wide_close(void *state)
{
	atomic_fetch_sub(&auto_states, 1);
	help_close(state);
}

static int auto_count_tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static int wide_map(void *state, void *carry, struct ccp_piece *piece)
{
	int tasks = auto_count_tasks();

	if (tasks > atomic_load(&auto_tasks))
		atomic_store(&auto_tasks, tasks);
	if (atomic_fetch_add(&auto_pieces, 1) == atomic_load(&auto_cancel_at))
		ccp_run_cancel();
	return mix_map(state, carry, piece);
}

/* The same bytes as help_mix, in pieces of AUTO_CHUNK. */
UNUSED static const struct ccp_transform_ops auto_wide = {
	.name = "wide", .help = "", .need = wide_need, .open = wide_open, .map = wide_map, .close = wide_close,
};

/* ---- a run ----------------------------------------------------------------------------------------------------- */

/* Options for a run with a profile; `inject` as on the command line, or NULL. */
UNUSED static void auto_options(struct ccp_run_options *options, const struct ccp_transform_ops *transform,
				const char *strategy, const char *jobs, const char *inject)
{
	struct ccp_err err;

	help_options(options, transform, strategy, jobs);
	auto_profile = (struct ccp_profile){ .detailed = true };
	ccp_host_read(&auto_profile.host);
	options->profile = &auto_profile;
	if (inject)
		cr_assert(ccp_inject_parse(&auto_inject, inject, &err) == 0, "%s", err.text);
	options->inject = inject ? &auto_inject : NULL;
	atomic_store(&auto_tasks, 0);
	atomic_store(&auto_pieces, 0);
	atomic_store(&auto_states_most, 0);
	atomic_store(&auto_cancel_at, -1);
}

/* The same with another wish for slots and memory. */
UNUSED static void auto_plan(struct ccp_run_options *options, const char *jobs, size_t window, const char *max_mem)
{
	struct ccp_plan_options wish = { .jobs = jobs, .window = window, .max_mem = max_mem };
	struct ccp_err err;

	cr_assert(ccp_plan_make(&options->plan, &wish, &options->need, &auto_profile.host, ccp_strategies, &err) == 0,
		  "%s", err.text);
	cr_assert(options->plan.automatic);
}

UNUSED static unsigned auto_count_changes(enum ccp_reason_code code)
{
	unsigned count = 0;

	for (unsigned i = 0; i < auto_profile.changes; i++)
		count += auto_profile.change[i].reason.code == code;
	return count;
}

UNUSED static bool auto_has_reason(const struct ccp_decision *decision, enum ccp_reason_code code)
{
	for (unsigned i = 0; i < decision->reasons; i++)
		if (decision->reason[i].code == code)
			return true;
	return false;
}

/* Times of a sum: the busy ones, and all. Units: ns. */
static double auto_busy_cpu(const struct ccp_meter_sum *sum)
{
	double cpu = 0;

	for (int s = 0; s < CCP_METER_BUSY; s++)
		cpu += sum->busy[s].cpu;
	return cpu;
}

static double auto_sum_states(const struct ccp_meter_sum *sum)
{
	double all = sum->wait_in + sum->wait_out + sum->parked;

	for (int s = 0; s < CCP_METER_BUSY; s++)
		all += sum->busy[s].wall;
	return all;
}

/* Whether `a` is within `share` of `b`, or `slack_ms`. Units: ns. */
static bool auto_near(double a, double b, double share, double slack_ms)
{
	return fabs(a - b) <= share * b + slack_ms * 1e6;
}

/* The seven times of each worker and each executor are its life; their CPU is what the kernel says. */
UNUSED static void auto_check_times(const char *what)
{
	const struct ccp_profile *p = &auto_profile;
	size_t count;
	struct ccp_meter_account *account = ccp_meter_accounts(p->meter, &count);
	double life_cpu = 0, used = (p->user_s + p->sys_s) * 1e9;

	for (size_t i = 0; i < count; i++) {
		double life = (double)(atomic_load(&account[i].ended_ns) - atomic_load(&account[i].begun_ns)), sum = 0;

		if (atomic_load(&account[i].begun_ns) == 0)
			continue;
		cr_expect(atomic_load(&account[i].ended_ns) != 0, "%s: account %zu was not closed", what, i);
		for (int s = 0; s < CCP_METER_STATES; s++)
			sum += (double)atomic_load(&account[i].wall_ns[s]);
		cr_expect(auto_near(sum, life, 0.02, 0.05), "%s: %s #%u lived %.0f us, its times are %.0f us", what,
			  atomic_load(&account[i].strategy), account[i].number, life / 1e3, sum / 1e3);
		life_cpu += (double)atomic_load(&account[i].life_cpu_ns);
	}
	for (unsigned e = 0; e < p->execs; e++) {
		const struct ccp_meter_sum *sum = &p->exec[e].sum;

		cr_expect(auto_near(auto_sum_states(sum), sum->life, 0.02, 0.05),
			  "%s: executor %u lived %.0f us, not %.0f", what, e, sum->life / 1e3,
			  auto_sum_states(sum) / 1e3);
		for (int s = 0; s < CCP_METER_BUSY; s++)
			cr_expect(auto_near(sum->busy[s].cpu + sum->busy[s].runq + sum->busy[s].blocked,
					    sum->busy[s].wall, 0.001, 0.001),
				  "%s: executor %u: the parts of %s are not its wall", what, e,
				  ccp_meter_state_name((enum ccp_meter_state)s));
	}
	cr_expect(auto_near(p->all.life_cpu, life_cpu, 0.001, 0.01), "%s", what);
	/* estimated by samples; a worker's CPU while it waits (a few us a wait) is in its life alone */
	cr_expect(auto_near(auto_busy_cpu(&p->all), p->all.life_cpu, 0.15, 30), "%s: stages %.1f ms CPU, workers %.1f",
		  what, auto_busy_cpu(&p->all) / 1e6, p->all.life_cpu / 1e6);
	cr_expect(p->all.life_cpu <= used * 1.05 + 30e6, "%s: workers %.1f ms CPU, the process %.1f", what,
		  p->all.life_cpu / 1e6, used / 1e6);
}

/* What holds of every run that came to its end. */
UNUSED static void auto_check_profile(const char *what)
{
	const struct ccp_profile *p = &auto_profile;
	const struct ccp_decision *final = &p->final;
	uint64_t t_ns = 0;

	for (unsigned i = 0; i < p->changes; i++) {
		cr_expect(p->change[i].t_ns >= t_ns && (double)p->change[i].t_ns <= p->wall_s * 1e9, "%s", what);
		t_ns = p->change[i].t_ns;
		cr_expect(p->change[i].from[0] && p->change[i].to[0], "%s: change %u says nothing", what, i);
	}
	cr_expect(auto_count_changes(CCP_WHY_CLASS_CHANGED) <= 2, "%s: decided %u times again", what,
		  auto_count_changes(CCP_WHY_CLASS_CHANGED));
	if (!p->automatic)
		return;
	cr_expect(p->decided && p->decision.reasons > 0, "%s: no decision, or no reason", what);
	cr_expect(final->window >= 1 && final->window <= p->facts.slots, "%s: window %u of %u", what, final->window,
		  p->facts.slots);
	for (int s = 0; s < CCP_STAGES; s++) {
		cr_expect_str_eq(p->stage[s].strategy, ccp_kind_name(final->stage[s].kind), "%s: stage %d ran under %s",
				 what, s, p->stage[s].strategy);
		cr_expect_eq(p->stage[s].degree, final->stage[s].degree, "%s: stage %d had %u workers, not %u", what, s,
			     p->stage[s].degree, final->stage[s].degree);
		cr_expect_eq(p->stage[s].jobs, p->all.jobs[s]);
	}
	/* memory is a contract: slots in use and states, also those of workers that have nothing to do any more */
	uint64_t states = (uint64_t)atomic_load(&auto_states_most);

	cr_expect(p->live_max * p->facts.slot_bytes + states * p->facts.state_bytes <= p->facts.mem_budget,
		  "%s: %u slots of %llu and %llu states of %llu are more than %llu bytes", what, p->live_max,
		  (unsigned long long)p->facts.slot_bytes, (unsigned long long)states,
		  (unsigned long long)p->facts.state_bytes, (unsigned long long)p->facts.mem_budget);
}

/* Runs, checks bytes (inputs are of `bytes` each) and the profile. */
UNUSED static void auto_run(const struct ccp_run_options *options, size_t bytes, const char *what)
{
	struct ccp_err err;

	ccp_err_clear(&err);
	cr_assert(help_run(options, &err) == 0, "%s: %s", what, err.text);
	for (size_t i = 0; i < help.count; i++)
		cr_expect(help_file_right(options->transform, i, bytes), "%s: input %zu is wrong: %s", what, i,
			  help.input[i].err.text);
	if (options->profile) {
		auto_check_profile(what);
		if (auto_profile.all.workers > 0)
			auto_check_times(what);
	}
}

#endif
