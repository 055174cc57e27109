/* test_control_guard.c: the controller of `auto` and work that is not what was decided about. */
#include "tests/unit/control_help.h"

Test(control_guard, worse_than_serial_falls_back_once)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.serial_rate = 100;
	help_begin(&rig);
	EXPECT_NONE(&rig, 94);
	EXPECT_NONE(&rig, 96); /* two in a row are wanted */
	EXPECT_NONE(&rig, 60);
	EXPECT_RESIZE(&rig, 60, 1, CCP_WHY_WORSE_THAN_SERIAL);
	cr_assert_float_eq(rig.action.reason.value, 0.60, 1e-9);
	EXPECT_NONE(&rig, 100);
	cr_assert(rig.action.kept && rig.control.fell_back);
	rig.seen.memory_pressure = 0.5;
	for (int i = 0; i < 50; i++) {
		rig.share = i % 7 < 3 ? 1 : 0.05;
		EXPECT_NONE(&rig, i % 5 ? 100 : 10);
	}
}

Test(control_guard, dearer_work_is_not_worse_than_serial)
{
	struct rig rig;

	help_decide(&rig, 1, 2, 2);
	rig.serial_rate = 100;
	help_begin(&rig);
	EXPECT_NONE(&rig, 195);
	/* The rest of the input takes three times as long: the serial rate of now is 33. */
	EXPECT_NONE(&rig, 65);
	EXPECT_RESIZE(&rig, 65, 1, CCP_WHY_WORSE_THAN_SERIAL);
	EXPECT_RESIZE(&rig, 33, 2, CCP_WHY_ELASTIC);
	cr_assert_not(rig.action.kept);
	cr_assert_float_eq(rig.control.serial_rate, 33, 1e-9);
	for (int i = 0; i < 50; i++)
		EXPECT_NONE(&rig, 65);
	cr_assert_not(rig.control.fell_back);
}

Test(control_guard, others_are_no_reason_to_fall_back)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.serial_rate = 100;
	rig.seen.runq_share = 0.4;
	rig.seen.cpu_share = 0.3;
	help_begin(&rig);
	for (int i = 0; i < 20; i++)
		EXPECT_NONE(&rig, 50);
	/* Our own workers in each other's way are. */
	rig.seen.cpu_share = 1;
	EXPECT_NONE(&rig, 50);
	EXPECT_RESIZE(&rig, 50, 1, CCP_WHY_WORSE_THAN_SERIAL);
}

Test(control_guard, a_stream_that_waits_is_no_reason_to_fall_back)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.facts.stream = true;
	rig.decision.stage[CCP_READ].class = CCP_CLASS_WAIT_POLL;
	rig.serial_rate = 100;
	help_begin(&rig);
	rig.seen.rate = 10;
	rig.seen.vector[CCP_READ] = help_vector(0.01, 1e7);
	rig.seen.vector[CCP_WORK] = help_vector(1, 1e6);
	for (int i = 0; i < 10; i++) {
		cr_assert(ccp_control_step(&rig.control, &rig.seen, &rig.action));
		cr_assert_eq(rig.action.kind, CCP_ACT_NONE);
	}
}

Test(control_guard, a_change_of_class_is_decided_again_once)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	rig.serial_rate = 100;
	help_begin(&rig);
	EXPECT_NONE(&rig, 390);
	rig.share = 0.05;
	EXPECT_NONE(&rig, 20); /* and neither a fall back: the rates are of other work */
	EXPECT_NONE(&rig, 20);
	cr_assert_eq(help_step(&rig, 20), CCP_ACT_REDECIDE);
	cr_assert_eq(WHY(&rig), CCP_WHY_CLASS_CHANGED);
	cr_assert_eq(rig.action.reason.stage, CCP_WORK);
	cr_assert_float_eq(rig.action.reason.value, 0.05, 1e-9);
	cr_assert_float_eq(rig.action.reason.threshold, 0.75, 1e-9);
	ccp_control_redecided(&rig.control, false);
	for (int i = 0; i < 30; i++)
		EXPECT_NONE(&rig, 20);
}

Test(control_guard, what_is_no_change_of_class)
{
	struct rig rig;

	help_decide(&rig, 1, 4, 4);
	help_begin(&rig);
	for (int i = 0; i < 30; i++) { /* never three in a row */
		rig.share = i % 3 == 2 ? 1 : 0.05;
		EXPECT_NONE(&rig, 100);
	}
	help_begin(&rig);
	rig.share = 0.78; /* within the slack */
	for (int i = 0; i < 10; i++)
		EXPECT_NONE(&rig, 100);
	help_begin(&rig);
	rig.share = 0.05;
	rig.seen.runq_share = 0.6; /* noise */
	for (int i = 0; i < 10; i++)
		EXPECT_NONE(&rig, 100);
}

Test(control_guard, decided_again_twice_at_most)
{
	struct rig rig;
	unsigned asked = 0;

	help_decide(&rig, 1, 4, 4);
	help_begin(&rig);
	for (int i = 0; i < 60; i++) {
		rig.share = i / 5 % 2 ? 0.05 : 1;
		if (help_step(&rig, 100) == CCP_ACT_REDECIDE) {
			asked++;
			rig.decision.stage[CCP_WORK].class = help_class(rig.share);
			help_begin(&rig);
			ccp_control_redecided(&rig.control, true);
		}
	}
	cr_assert_eq(asked, (unsigned)CCP_REDECIDE_MAX);
}

/* Serial behind a slow source. */
static void decide_starved(struct rig *rig)
{
	help_decide(rig, 1, 1, 1);
	rig->group[0].fixed_degree = true;
	rig->facts.stream = true;
	rig->decision.stage[CCP_READ].class = CCP_CLASS_STARVED;
	rig->decision.stage[CCP_READ].share = 0.01;
	rig->seen.vector[CCP_WORK] = help_vector(1, 1e5);
	help_begin(rig);
}

static enum ccp_action_kind starved_step(struct rig *rig, double read_ns, double read_share)
{
	rig->seen.vector[CCP_READ] = help_vector(read_share, read_ns);
	cr_assert(ccp_control_step(&rig->control, &rig->seen, &rig->action));
	return rig->action.kind;
}

Test(control_guard, serial_is_left_when_the_source_is_no_longer_the_limit)
{
	static const struct {
		double read_ns, read_share;
		int stage;
	} rows[] = {
		{ 1e5, 0.01, -1 },      /* it waits as before, but only half of the time */
		{ 1e3, 0.01, -1 },      /* hardly at all */
		{ 1e6, 0.95, CCP_READ } /* it computes */
	};
	struct rig rig;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		decide_starved(&rig);
		rig.seen.memory_pressure = 0.5; /* there is nothing to give back */
		for (int k = 0; k < 10; k++)
			cr_assert_eq(starved_step(&rig, 1e6, 0.01), CCP_ACT_NONE);
		cr_assert_eq(starved_step(&rig, rows[i].read_ns, rows[i].read_share), CCP_ACT_NONE);
		cr_assert_eq(starved_step(&rig, rows[i].read_ns, rows[i].read_share), CCP_ACT_NONE);
		cr_assert_eq(starved_step(&rig, rows[i].read_ns, rows[i].read_share), CCP_ACT_REDECIDE, "row %zu", i);
		cr_assert_eq(WHY(&rig), CCP_WHY_CLASS_CHANGED);
		cr_assert_eq(rig.action.reason.stage, rows[i].stage, "row %zu: %d", i, rig.action.reason.stage);
		ccp_control_redecided(&rig.control, false);
		for (int k = 0; k < 10; k++)
			cr_assert_eq(starved_step(&rig, rows[i].read_ns, rows[i].read_share), CCP_ACT_NONE);
	}
}
