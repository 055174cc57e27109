/* test_control.c: what the controller of `auto` wants after each window: degrees, slots and periods. */
#include "tests/unit/control_help.h"

Test(control, short_windows_are_refused)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	help_begin(&rig);
	struct ccp_observation *seen = &rig.seen;

	seen->seconds = 0.019;
	cr_assert_not(ccp_control_step(&rig.control, seen, &rig.action));
	seen->seconds = 0.020;
	cr_assert(ccp_control_step(&rig.control, seen, &rig.action));
	seen->jobs = 20; /* 3 / 20 = 0.15 */
	cr_assert_not(ccp_control_step(&rig.control, seen, &rig.action));
	cr_assert_eq(rig.action.kind, CCP_ACT_NONE);
	seen->jobs = 21;
	cr_assert(ccp_control_step(&rig.control, seen, &rig.action));
	seen->jobs = 0;
	cr_assert_not(ccp_control_step(&rig.control, seen, &rig.action));
	seen->seconds = 2.1;
	cr_assert(ccp_control_step(&rig.control, seen, &rig.action));
}

Test(control, a_plan_that_does_what_it_promised_is_verified)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.predicted_rate = 100;
	help_begin(&rig);
	EXPECT_NONE(&rig, 80);
	cr_assert_eq(WHY(&rig), CCP_WHY_VERIFIED);
	cr_assert_float_eq(rig.action.reason.value, 0.80, 1e-9);
	cr_assert(isnan(rig.action.elasticity));
	EXPECT_NONE(&rig, 80);
	cr_assert_eq(WHY(&rig), CCP_WHY_NONE, "it is verified once");
}

Test(control, cpu_bound_work_is_not_halved)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.predicted_rate = 100;
	help_begin(&rig);
	for (int i = 0; i < 30; i++)
		EXPECT_NONE(&rig, 40);
	cr_assert_eq(help_degree(&rig), 4u);
}

Test(control, a_bandwidth_limit_ends_with_few_workers)
{
	struct rig rig;

	help_decide(&rig, 0.1, 32, 64);
	rig.predicted_rate = 100;
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 40, 16, CCP_WHY_SLOWER);
	cr_assert(isnan(rig.action.elasticity));
	EXPECT_RESIZE(&rig, 40, 8, CCP_WHY_BANDWIDTH);
	cr_assert(rig.action.kept);
	EXPECT_RESIZE(&rig, 40, 4, CCP_WHY_BANDWIDTH);
	EXPECT_NONE(&rig, 40);
	cr_assert(rig.action.kept);
	cr_assert_eq(WHY(&rig), CCP_WHY_BANDWIDTH);
	for (int i = 0; i < 10; i++)
		EXPECT_NONE(&rig, 40);
	cr_assert_eq(help_degree(&rig), 4u);
	/* Few to begin with: down to two. */
	help_decide(&rig, 0.1, 6, 64);
	rig.predicted_rate = 100;
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 40, 3, CCP_WHY_SLOWER);
	EXPECT_RESIZE(&rig, 40, 2, CCP_WHY_BANDWIDTH);
	EXPECT_NONE(&rig, 40);
	cr_assert_eq(help_degree(&rig), 2u);
}

Test(control, a_half_that_loses_more_than_a_tenth_is_undone)
{
	struct rig rig;

	help_decide(&rig, 0.1, 32, 32);
	rig.predicted_rate = 100;
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 40, 16, CCP_WHY_SLOWER);
	EXPECT_RESIZE(&rig, 25, 32, CCP_WHY_ELASTIC);
	cr_assert_not(rig.action.kept);
	EXPECT_NONE(&rig, 40);
	/* Two halves together may not lose more than that either. */
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 40, 16, CCP_WHY_SLOWER);
	EXPECT_RESIZE(&rig, 39.5, 8, CCP_WHY_BANDWIDTH);
	EXPECT_RESIZE(&rig, 30, 16, CCP_WHY_ELASTIC);
	cr_assert(rig.action.elasticity >= rig.action.reason.threshold);
	EXPECT_NONE(&rig, 39.5);
}

Test(control, waiting_work_without_a_prediction_is_doubled_while_it_pays)
{
	struct rig rig;

	help_decide(&rig, 0.1, 4, 24);
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 40, 8, CCP_WHY_BOTTLENECK);
	EXPECT_NONE(&rig, 80);
	cr_assert(rig.action.kept);
	cr_assert_eq(WHY(&rig), CCP_WHY_ELASTIC);
	cr_assert_float_eq(rig.action.elasticity, 1, 1e-9);
	EXPECT_RESIZE(&rig, 80, 16, CCP_WHY_BOTTLENECK);
	EXPECT_NONE(&rig, 160);
	EXPECT_RESIZE(&rig, 160, 24, CCP_WHY_BOTTLENECK); /* the most there may be */
	EXPECT_NONE(&rig, 240);
	for (int i = 0; i < 10; i++)
		EXPECT_NONE(&rig, 240);
}

Test(control, better_than_predicted_is_doubled_once)
{
	struct rig rig;

	help_decide(&rig, 0.1, 4, 64);
	rig.predicted_rate = 100;
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 150, 8, CCP_WHY_BOTTLENECK);
	EXPECT_RESIZE(&rig, 150, 4, CCP_WHY_INELASTIC);
	EXPECT_NONE(&rig, 150);
}

/* Growth that does not pay: undone, and then no growth for that many windows. */
static void expect_freeze(struct rig *rig, int windows)
{
	EXPECT_RESIZE(rig, 101, 4, CCP_WHY_INELASTIC);
	cr_assert(rig->action.elasticity < CCP_ELASTIC);
	cr_assert_not(rig->action.kept);
	for (int i = 0; i < windows; i++)
		EXPECT_NONE(rig, 100);
	EXPECT_RESIZE(rig, 100, 8, CCP_WHY_BOTTLENECK);
}

Test(control, growth_that_does_not_pay_is_frozen_longer_each_time)
{
	struct rig rig;

	help_decide(&rig, 0.1, 4, 64);
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 100, 8, CCP_WHY_BOTTLENECK);
	expect_freeze(&rig, 10);
	expect_freeze(&rig, 20);
	expect_freeze(&rig, 40);
}

Test(control, a_small_gain_in_noise_takes_more_windows)
{
	struct rig rig;

	help_decide(&rig, 0.5, 6, 8);
	help_begin(&rig);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 7, CCP_WHY_BOTTLENECK);
	/* 2.3 % more is wanted; neither 4 % more nor nothing can be told from it by one window. */
	EXPECT_NONE(&rig, 104);
	cr_assert(isnan(rig.action.elasticity));
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 6, CCP_WHY_INELASTIC);
	/* What is still not clear after three is undone. */
	help_begin(&rig);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 7, CCP_WHY_BOTTLENECK);
	EXPECT_NONE(&rig, 103);
	EXPECT_NONE(&rig, 103);
	EXPECT_RESIZE(&rig, 103, 6, CCP_WHY_INELASTIC);
	cr_assert(rig.action.elasticity < rig.action.reason.threshold);
}

Test(control, fewer_workers_than_asked_for)
{
	struct rig rig;

	help_decide(&rig, 0.1, 4, 64);
	help_begin(&rig);
	EXPECT_RESIZE(&rig, 100, 8, CCP_WHY_BOTTLENECK);
	rig.control.group[0].degree = 6; /* the caller got no more */
	EXPECT_NONE(&rig, 150);
	cr_assert_float_eq(rig.action.elasticity, 1, 1e-9);
	EXPECT_RESIZE(&rig, 150, 12, CCP_WHY_BOTTLENECK);
	rig.control.group[0].degree = 6; /* none at all */
	for (int i = 0; i < 11; i++) {
		EXPECT_NONE(&rig, 150);
		cr_assert(isnan(rig.action.elasticity));
	}
	EXPECT_RESIZE(&rig, 150, 12, CCP_WHY_BOTTLENECK);
}

Test(control, who_may_grow)
{
	struct rig rig;

	help_decide(&rig, 1, 2, 8); /* CPU-bound: one more, up to the CPUs */
	help_begin(&rig);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 3, CCP_WHY_BOTTLENECK);
	EXPECT_NONE(&rig, 150);
	EXPECT_RESIZE(&rig, 150, 4, CCP_WHY_BOTTLENECK);
	EXPECT_NONE(&rig, 200);
	EXPECT_NONE(&rig, 200);
	EXPECT_NONE(&rig, 200);

	static const struct {
		double share, busy, wait_in, wait_out, cpu_share, runq, memory;
	} rows[] = {
		{ 0.1, 0.90, 0, 0, 0.5, 0, 0 },    /* not busy enough */
		{ 0.1, 0.98, 0.13, 0, 0.5, 0, 0 }, /* waits for its input */
		{ 0.1, 0.98, 0, 0.13, 0.5, 0, 0 }, /* waits for space */
		{ 0.5, 0.98, 0, 0, 0.96, 0, 0 },   /* all CPUs are in use */
		{ 1.0, 0.98, 0, 0, 0.5, 0.3, 0 },  /* others want the CPUs */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		help_decide(&rig, rows[i].share, 2, 8);
		rig.predicted_rate = 100;
		rig.seen.busy[0] = rows[i].busy;
		rig.seen.wait_in[0] = rows[i].wait_in;
		rig.seen.wait_out[0] = rows[i].wait_out;
		rig.seen.cpu_share = rows[i].cpu_share;
		rig.seen.runq_share = rows[i].runq;
		help_begin(&rig);
		for (int k = 0; k < 5; k++)
			cr_assert_eq(help_step(&rig, 100), CCP_ACT_NONE, "row %zu", i);
	}
}

Test(control, the_busiest_group_grows)
{
	struct rig rig;

	help_decide(&rig, 1, 2, 8);
	rig.group[0].stages = CCP_STAGE_BIT(CCP_READ);
	rig.group[1] = (struct ccp_group){ true, CCP_STAGE_BIT(CCP_WORK), 2, 8, false };
	rig.group[2] = (struct ccp_group){ true, CCP_STAGE_BIT(CCP_WRITE), 1, 1, true };
	rig.predicted_rate = 100;
	rig.seen.busy[0] = 0.92;
	rig.seen.busy[1] = 0.97;
	rig.seen.busy[2] = 0.99;
	rig.seen.wait_in[2] = 0.2;
	help_begin(&rig);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 3, CCP_WHY_BOTTLENECK);
	cr_assert_eq(rig.action.group, 1u);
	cr_assert_eq(rig.action.reason.stage, CCP_WORK);
}

Test(control, idle_workers_go_one_by_one)
{
	struct rig rig;

	help_decide(&rig, 0.5, 8, 8);
	rig.predicted_rate = 100;
	rig.seen.busy[0] = 0.45; /* 3.6 of 8 */
	help_begin(&rig);
	EXPECT_NONE(&rig, 100);
	EXPECT_NONE(&rig, 100);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 7, CCP_WHY_IDLE);
	cr_assert(isnan(rig.action.elasticity));
	/* 7 * 0.49: four are needed, and one; then 6, then 5 are busier than half. */
	rig.seen.busy[0] = 0.49;
	EXPECT_NONE(&rig, 100);
	EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 6, CCP_WHY_IDLE);
	/* Busy again: it may grow, but not at once. */
	rig.seen.busy[0] = 0.98;
	for (int i = 0; i < 10; i++)
		EXPECT_NONE(&rig, 100);
	EXPECT_RESIZE(&rig, 100, 7, CCP_WHY_BOTTLENECK);
	/* What the work needs is never taken away. */
	help_decide(&rig, 0.5, 3, 8);
	rig.predicted_rate = 100;
	rig.seen.busy[0] = 0.40;
	help_begin(&rig);
	for (int i = 0; i < 20; i++)
		EXPECT_NONE(&rig, 100);
}

Test(control, memory_pressure_halves_the_window)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.decision.window = 40;
	rig.predicted_rate = 100;
	rig.seen.memory_pressure = 0.06;
	rig.seen.seconds = 0.001; /* no window is too short for that */
	help_begin(&rig);
	cr_assert_eq(help_step(&rig, 100), CCP_ACT_WINDOW);
	cr_assert_eq(rig.action.degree, 20u);
	cr_assert_eq(WHY(&rig), CCP_WHY_MEMORY_PRESSURE);
	cr_assert_eq(help_step(&rig, 100), CCP_ACT_WINDOW);
	cr_assert_eq(help_step(&rig, 100), CCP_ACT_WINDOW);
	cr_assert_eq(rig.action.degree, 5u, "one more than there are workers");
	rig.seen.seconds = 0.1;
	EXPECT_NONE(&rig, 100);
	EXPECT_NONE(&rig, 100);
	/* And the workers do not outgrow it. */
	help_decide(&rig, 0.1, 4, 64);
	rig.predicted_rate = 100;
	rig.seen.memory_pressure = 0.06;
	help_begin(&rig);
	cr_assert_eq(help_step(&rig, 100), CCP_ACT_WINDOW);
	rig.seen.memory_pressure = 0;
	for (int i = 0; i < 20; i++)
		EXPECT_NONE(&rig, 100);
}

Test(control, the_last_window_changes_nothing)
{
	struct rig rig;

	help_decide(&rig, 0.1, 4, 64);
	rig.serial_rate = 1000;
	rig.seen.memory_pressure = 0.5;
	rig.seen.last = true;
	help_begin(&rig);
	struct ccp_control before = rig.control;
	for (int i = 0; i < 5; i++)
		EXPECT_NONE(&rig, 10);
	cr_assert_eq(rig.control.phase, before.phase);
	cr_assert_eq(rig.control.below_serial, 0u);
	cr_assert_eq(help_degree(&rig), 4u);
}

/* The period is `period`, give or take a fifth. */
static void expect_period(const struct rig *rig, double period)
{
	double is = ccp_control_period(&rig->control);

	cr_assert(is >= 0.8 * period && is <= 1.2 * period, "%f instead of %f", is, period);
	cr_assert_eq(is, ccp_control_period(&rig->control));
}

Test(control, the_period_doubles_and_begins_again)
{
	struct rig rig;
	double period = 0.03, least = 0.4, most = 0;

	help_decide(&rig, 0.1, 4, 8);
	rig.predicted_rate = 100;
	rig.seen.busy[0] = 0.8;
	help_begin(&rig);
	expect_period(&rig, 0.03);
	for (int i = 0; i < 40; i++) {
		EXPECT_NONE(&rig, 100);
		period = fmin(2 * period, 0.4);
		expect_period(&rig, period);
		if (i >= 5) {
			least = fmin(least, ccp_control_period(&rig.control));
			most = fmax(most, ccp_control_period(&rig.control));
		}
	}
	cr_assert(most - least > 0.08, "two runs side by side would measure in step");
	rig.share = 1; /* another class, perhaps */
	EXPECT_NONE(&rig, 100);
	expect_period(&rig, 0.03);
	EXPECT_NONE(&rig, 100);
	expect_period(&rig, 0.06);
	rig.share = 0.1;
	EXPECT_NONE(&rig, 100);
	expect_period(&rig, 0.12);
	rig.seen.busy[0] = 0.98;
	EXPECT_RESIZE(&rig, 100, 8, CCP_WHY_BOTTLENECK);
	expect_period(&rig, 0.03);
}
