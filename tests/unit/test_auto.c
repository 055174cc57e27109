/*
 * test_auto.c: auto at work on real runs: what it decides about small, fast, waiting and changing work, what becomes of
 * the bytes, the threads, the memory and the times meanwhile, and what happens if it is stopped or cannot start
 * anything.
 */
#include "tests/unit/auto_help.h"

TestSuite(auto_runs, .init = help_set_up, .fini = help_tear_down, .timeout = 120);
TestSuite(accounts, .init = help_set_up, .fini = help_tear_down, .timeout = 120);

/* ---- small inputs ---------------------------------------------------------------------------------------------- */

static size_t count_accounts(void)
{
	size_t count;

	ccp_meter_accounts(auto_profile.meter, &count);
	return count;
}

/* No thread, no account, no clock: and it says why. */
Test(auto_runs, small_inputs_stay_serial)
{
	struct ccp_run_options options;

	for (int i = 0; i < 4; i++)
		help_file(65536);
	auto_options(&options, &auto_wide, "auto", "8", NULL);
	auto_run(&options, 65536, "4 files of 64 KiB");
	cr_expect_eq(atomic_load(&auto_tasks), auto_count_tasks(), "%d threads", atomic_load(&auto_tasks));
	cr_expect_eq(count_accounts(), 0, "%zu accounts were opened", count_accounts());
	cr_expect(auto_has_reason(&auto_profile.decision, CCP_WHY_SMALL));
	cr_expect_eq(auto_profile.execs, 1);
	ccp_profile_release(&auto_profile);
}

/* The same when somebody wants to know where the time went: measured, but still no thread. */
Test(auto_runs, small_inputs_that_are_measured)
{
	struct ccp_run_options options;

	for (int i = 0; i < 4; i++)
		help_file(65536);
	auto_options(&options, &auto_wide, "auto", "8", NULL);
	options.measure = true;
	auto_run(&options, 65536, "4 files of 64 KiB, measured");
	cr_expect_eq(atomic_load(&auto_tasks), auto_count_tasks(), "%d threads", atomic_load(&auto_tasks));
	cr_expect_eq(count_accounts(), 1);
	cr_expect_eq(auto_profile.stage[CCP_WORK].jobs, 8);
	cr_expect(auto_has_reason(&auto_profile.decision, CCP_WHY_SMALL));
	ccp_profile_release(&auto_profile);
}

/* One byte or one file more is not small: it is measured. */
Test(auto_runs, what_is_no_longer_small_is_measured)
{
	struct ccp_run_options options;

	for (int i = 0; i < 5; i++)
		help_file(100);
	auto_options(&options, &auto_wide, "auto", "2", NULL);
	auto_run(&options, 100, "5 files of 100 bytes");
	cr_expect_geq(count_accounts(), 1);
	cr_expect(!auto_has_reason(&auto_profile.decision, CCP_WHY_SMALL));
	ccp_profile_release(&auto_profile);
}

Test(auto_runs, one_byte_more_is_measured)
{
	struct ccp_run_options options;

	help_file((256 << 10) + 1);
	auto_options(&options, &auto_wide, "auto", "2", NULL);
	auto_run(&options, (256 << 10) + 1, "256 KiB and a byte");
	cr_expect_geq(count_accounts(), 1);
	cr_expect(!auto_has_reason(&auto_profile.decision, CCP_WHY_SMALL));
	ccp_profile_release(&auto_profile);
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static const char *const injections[] = {
	NULL,
	"read_delay_us=700",
	"work_delay_us=700",
	"write_delay_us=300",
	"read_delay_us=900,work_delay_us=900",
	"work_delay_us=1500,from_job=60",
	"read_delay_us=1500,until_job=40",
	"work_cpu_us=200",
	"read_bps=20M",
};
#define INJECTIONS (sizeof injections / sizeof injections[0])

#define BYTES (50 * HELP_CHUNK + 77)

static void check_bytes(const struct ccp_transform_ops *transform)
{
	static const struct {
		const char *jobs;
		size_t window;
	} shapes[] = { { "1", 0 }, { "2", 1 }, { "2", 0 }, { "8", 3 } };
	struct ccp_run_options options;
	char what[120];

	for (int i = 0; i < 2; i++)
		help_file(BYTES);
	for (size_t n = 0; n < INJECTIONS; n++) {
		for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
			auto_options(&options, transform, "auto", shapes[k].jobs, injections[n]);
			auto_plan(&options, shapes[k].jobs, shapes[k].window, NULL);
			snprintf(what, sizeof what, "%s, -j%s, window %zu, %s", transform->name, shapes[k].jobs,
				 shapes[k].window, injections[n] ? injections[n] : "nothing injected");
			auto_run(&options, BYTES, what);
			if (shapes[k].window > 0)
				cr_expect_leq(auto_profile.live_max, shapes[k].window, "%s", what);
			ccp_profile_release(&auto_profile);
		}
	}
}

Test(auto_runs, bytes_are_right)
{
	check_bytes(&help_mix);
}

Test(auto_runs, bytes_of_a_sequential_transform_are_right)
{
	check_bytes(&help_chain);
}

/* ---- changing work --------------------------------------------------------------------------------------------- */

#define PHASE_JOBS 380u

/* A run whose WORK waits from the 80th job on. The machine may be noisy: three tries. */
static void check_change(const struct ccp_transform_ops *transform, size_t bytes)
{
	struct ccp_run_options options;
	unsigned decided = 0, workers = 0;

	help_file(bytes);
	for (int attempt = 0; attempt < 3; attempt++) {
		auto_options(&options, transform, "auto", "2", "work_delay_us=12000,from_job=80");
		auto_plan(&options, "2", 0, NULL);
		auto_run(&options, bytes, "WORK waits from job 80 on");
		decided = auto_count_changes(CCP_WHY_CLASS_CHANGED);
		workers = auto_profile.stage[CCP_WORK].degree_max;
		ccp_profile_release(&auto_profile);
		if (decided == 1 && workers > 2)
			break;
	}
	cr_expect_eq(decided, 1, "decided %u times again, not once", decided);
	cr_expect_gt(workers, 2, "%u workers are too few for work that waits", workers);
}

Test(auto_runs, a_change_of_the_work_is_seen)
{
	check_change(&auto_wide, PHASE_JOBS * AUTO_CHUNK);
}

/* Small chunks of one large input: what is left is counted in jobs, and it is not one input. */
Test(auto_runs, a_change_is_seen_with_small_chunks_too)
{
	check_change(&help_mix, PHASE_JOBS * HELP_CHUNK);
}

/* Nothing changes: nothing is decided again. */
Test(auto_runs, steady_work_is_decided_once)
{
	struct ccp_run_options options;
	enum ccp_class class = CCP_CLASS_NONE;
	unsigned changes = 1, degree = 0;

	help_file(200 * AUTO_CHUNK);
	for (int attempt = 0; attempt < 8; attempt++) { /* the machine may be noisy */
		auto_options(&options, &auto_wide, "auto", "2", "work_delay_us=20000");
		auto_plan(&options, "2", 0, NULL);
		auto_run(&options, 200 * AUTO_CHUNK, "WORK waits all the time");
		changes = auto_count_changes(CCP_WHY_CLASS_CHANGED);
		class = auto_profile.decision.stage[CCP_WORK].class;
		degree = auto_profile.decision.stage[CCP_WORK].degree;
		ccp_profile_release(&auto_profile);
		if (changes == 0 && class == CCP_CLASS_WAIT_OPAQUE && degree > 2)
			break;
	}
	cr_expect_eq(changes, 0);
	cr_expect_eq(class, CCP_CLASS_WAIT_OPAQUE);
	cr_expect_gt(degree, 2);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* Workers that wait are worth having more of, but each has a state: --max-mem holds, whatever the controller tries. */
Test(auto_runs, growth_stays_within_the_memory)
{
	struct ccp_run_options options;

	auto_state_bytes = 1 << 20;
	help_file(300 * AUTO_CHUNK);
	for (int big = 0; big < 2; big++) {
		auto_options(&options, &auto_wide, "auto", "2", "work_delay_us=40000");
		auto_plan(&options, "2", 0, big ? "12M" : "8M");
		auto_run(&options, 300 * AUTO_CHUNK, big ? "--max-mem 12M" : "--max-mem 8M");
		ccp_profile_release(&auto_profile);
	}
}

Test(auto_runs, a_budget_for_one_worker)
{
	struct ccp_run_options options;

	auto_state_bytes = 1 << 20;
	help_file(40 * AUTO_CHUNK);
	auto_options(&options, &auto_wide, "auto", "8", "work_delay_us=2000");
	auto_plan(&options, "8", 0, "1200K");
	auto_run(&options, 40 * AUTO_CHUNK, "--max-mem 1200K");
	ccp_profile_release(&auto_profile);
}

/* Room for two: a pool of two has it all, and then the caller is to do it alone. Its state is one more. */
Test(auto_runs, a_budget_that_the_first_pool_uses_up)
{
	struct ccp_run_options options;

	auto_state_bytes = 1 << 20;
	help_file(40 * AUTO_CHUNK);
	auto_options(&options, &auto_wide, "auto", "2", "write_delay_us=2000");
	auto_plan(&options, "2", 0, "2400K");
	auto_run(&options, 40 * AUTO_CHUNK, "--max-mem 2400K");
	ccp_profile_release(&auto_profile);
}

/* ---- stopping -------------------------------------------------------------------------------------------------- */

/* Cancelled by WORK of a piece: in the probe, at the decision, and after that. Nothing is left over. */
Test(auto_runs, cancelled_at_any_moment)
{
	static const int moments[] = { 0, 1, 2, 4, 5, 6, 8, 12, 30, 80, 160 };
	struct ccp_run_options options;
	struct ccp_err err;

	help_file(170 * AUTO_CHUNK);
	help_file(10 * AUTO_CHUNK);
	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		auto_options(&options, &auto_wide, "auto", "3", "work_delay_us=1000");
		atomic_store(&auto_cancel_at, moments[i]);
		ccp_err_clear(&err);
		cr_assert(help_run(&options, &err) == 0, "%s", err.text);
		cr_expect(help.summary.cancelled, "cancelled at piece %d", moments[i]);
		for (size_t k = 0; k < help.count; k++)
			cr_expect(!help.input[k].open, "piece %d: output %zu is left open", moments[i], k);
		cr_expect(!help.input[0].committed, "piece %d: a part was taken for the whole", moments[i]);
		auto_check_times("cancelled");
		ccp_profile_release(&auto_profile);
	}
}

/* --explain: the run ends with the decision, and its output goes nowhere. */
Test(auto_runs, explain_ends_with_the_decision)
{
	struct ccp_run_options options;
	struct ccp_err err;

	help_file(200 * AUTO_CHUNK);
	auto_options(&options, &auto_wide, "auto", "2", "work_delay_us=2000");
	options.measure = true;
	options.explain = options.sink;
	options.sink = ccp_sink_find("null");
	cr_assert(help_run(&options, &err) == 0, "%s", err.text);
	cr_expect(auto_profile.decided && auto_profile.decision.reasons > 0);
	cr_expect_lt(atomic_load(&auto_pieces), 200, "all of it was done");
	cr_expect_eq(help.input[0].out_len, 0);
	ccp_profile_release(&auto_profile);
}

/* ---- executors that cannot be had ------------------------------------------------------------------------------ */

static int refuse_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		       struct ccp_err *err)
{
	(void)exec, (void)flow, (void)options;
	return ccp_err_sys(err, EAGAIN, "cannot start a thread");
}

/* The run goes on as it began, and says so. */
Test(auto_runs, no_executor_can_be_opened)
{
	struct ccp_strategy_ops threads = *ccp_strategy_find("threads");
	const struct ccp_strategy_ops *const table[] = { ccp_strategy_find("serial"), &threads, NULL };
	struct ccp_run_options options;

	threads.open = refuse_open;
	help_file(60 * AUTO_CHUNK);
	auto_options(&options, &auto_wide, "auto", "4", "work_delay_us=2000");
	options.strategies = table;
	auto_run(&options, 60 * AUTO_CHUNK, "no threads");
	cr_expect(auto_has_reason(&auto_profile.decision, CCP_WHY_NOT_STARTED));
	cr_expect_str_eq(auto_profile.stage[CCP_WORK].strategy, "serial");
	cr_expect_eq(auto_profile.decision.window, 1);
	ccp_profile_release(&auto_profile);
}

static _Atomic int opens;

/* The first pool can be had, and no other. */
static int open_once(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	if (atomic_fetch_add(&opens, 1) > 0)
		return refuse_open(exec, flow, options, err);
	return ccp_strategy_find("threads")->open(exec, flow, options, err);
}

/* What there is at the beginning stays, also where the decision wants more sets of workers than can be had. */
Test(auto_runs, no_second_executor_can_be_opened)
{
	struct ccp_strategy_ops threads = *ccp_strategy_find("threads"), omp = *ccp_strategy_find("omp");
	struct ccp_strategy_ops async = *ccp_strategy_find("async");
	const struct ccp_strategy_ops *const table[] = { ccp_strategy_find("serial"), &threads, &omp, &async, NULL };
	static const char *const some[] = { NULL, "work_delay_us=2000", "read_delay_us=2000", "write_delay_us=2000" };
	struct ccp_run_options options;

	threads.open = open_once;
	omp.open = async.open = refuse_open;
	for (int i = 0; i < 3; i++)
		help_file(60 * AUTO_CHUNK);
	for (size_t n = 0; n < sizeof some / sizeof some[0]; n++) {
		for (int first = 0; first < 2; first++) {
			atomic_store(&opens, first);
			auto_options(&options, &auto_wide, "auto", "4", some[n]);
			options.strategies = table;
			auto_run(&options, 60 * AUTO_CHUNK, some[n] ? some[n] : "nothing injected");
			ccp_profile_release(&auto_profile);
		}
	}
}

/* There is nothing but serial. */
Test(auto_runs, only_serial_is_there)
{
	const struct ccp_strategy_ops *const table[] = { ccp_strategy_find("serial"), NULL };
	struct ccp_run_options options;

	help_file(40 * AUTO_CHUNK);
	auto_options(&options, &auto_wide, "auto", "4", "work_delay_us=1000");
	options.strategies = table;
	auto_run(&options, 40 * AUTO_CHUNK, "serial alone");
	cr_expect_str_eq(auto_profile.stage[CCP_WORK].strategy, "serial");
	ccp_profile_release(&auto_profile);
}

/* ---- times ----------------------------------------------------------------------------------------------------- */

/* Under every strategy: the times of each worker are its life, and what the stages used is what the kernel saw. */
Test(accounts, times_add_up)
{
	static const char *const strategies[] = { "serial", "threads", "omp", "proc", "async", "auto",
						  "read=async,work=proc,write=threads",
						  "read=threads,work=omp,write=serial" };
	static const char *const some[] = { NULL, "work_delay_us=900", "read_delay_us=900", "work_cpu_us=900" };
	const struct ccp_strategy_ops *omp = ccp_strategy_find("omp");
	bool has_omp = omp && !omp->probe();
	struct ccp_run_options options;
	char what[120];

	for (int i = 0; i < 2; i++)
		help_file(60 * AUTO_CHUNK);
	for (size_t s = 0; s < sizeof strategies / sizeof strategies[0]; s++) {
		if (strstr(strategies[s], "omp") && !has_omp)
			continue;
		for (size_t n = 0; n < sizeof some / sizeof some[0]; n++) {
			snprintf(what, sizeof what, "%s, %s", strategies[s], some[n] ? some[n] : "nothing injected");
			auto_options(&options, &auto_wide, strategies[s], "2", some[n]);
			options.measure = true;
			auto_run(&options, 60 * AUTO_CHUNK, what);
			for (int stage = 0; stage < CCP_STAGES; stage++)
				cr_expect_eq(auto_profile.all.jobs[stage], 120, "%s: %llu jobs of stage %d", what,
					     (unsigned long long)auto_profile.all.jobs[stage], stage);
			cr_expect_eq(auto_profile.all.bytes_in[CCP_WORK], 120 * AUTO_CHUNK, "%s", what);
			ccp_profile_release(&auto_profile);
		}
	}
}
