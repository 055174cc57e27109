/*
 * test_fold.c: the flow with a fold: parts come in order, each byte once, whatever the strategy; again and more; errors
 * of the transform and of the fold; a collector that wants no more, or that fails; workers that die in the fold.
 */
#include "tests/unit/fold_help.h"

TestSuite(fold, .init = fold_set_up, .fini = help_tear_down, .timeout = 120);

static void all_came(const char *what)
{
	for (size_t i = 0; i < INPUTS; i++) {
		cr_expect(help.input[i].outcome == CCP_DONE, "%s: input %zu: %s", what, i, help.input[i].err.text);
		expect_bytes(i, lens[i], 0, what);
	}
	cr_expect(got.begun == INPUTS && got.failed == 0);
	cr_expect(help.summary.inputs_done == INPUTS);
}

Test(fold, order_more_and_again)
{
	make_inputs(0);
	try_all(all_came, 0);
	cr_expect(atomic_load(&shared->maps) > 1000);
}

Test(fold, views)
{
	make_inputs(0);
	ask.shows = true;
	try_all(all_came, 0);
}

Test(fold, executors_are_replaced)
{
	const struct ccp_transform_ops *const transforms[] = { &thin, &thin_turn };

	make_inputs(0);
	ask.slow_us = 100;
	for (size_t t = 0; t < 2; t++) {
		struct ccp_run_options options;
		struct ccp_err err;

		prepare(&options, transforms[t], "threads");
		options.swap_ms = 3;
		cr_expect(help_run(&options, &err) == 0, "%s", err.text);
		all_came("replaced");
	}
}

/* Of the two inputs with the mark: what comes before its part, or a part of that, and the others whole. */
static void fold_failed(const char *what)
{
	for (size_t i = 0; i < INPUTS; i++) {
		if (lens[i] <= MARK_AT) {
			expect_bytes(i, lens[i], 0, what);
			continue;
		}
		cr_expect(help.input[i].outcome == CCP_FAILED);
		cr_expect_str_eq(help.input[i].err.text, "the fold fails");
		cr_expect(help.input[i].out_len <= MARK_AT && help.input[i].out_len > MARK_AT - HELP_CHUNK, "%s: %zu",
			  what, help.input[i].out_len);
		expect_bytes(i, help.input[i].out_len, 0xff, what);
	}
	cr_expect(got.failed == 2 && got.code == CCP_OK); /* the last input is right */
}

Test(fold, the_fold_fails)
{
	make_inputs(0xff);
	ask.fails = true;
	try_all(fold_failed, 0);
}

static void transform_failed(const char *what)
{
	for (size_t i = 0; i < INPUTS; i++) {
		expect_bytes(i, lens[i] < ask.wrong_at ? lens[i] : ask.wrong_at, 0, what);
		cr_expect(help.input[i].outcome == (lens[i] > ask.wrong_at ? CCP_FAILED : CCP_DONE));
	}
	cr_expect(got.failed == 2);
}

/* All that comes before is taken. */
Test(fold, the_transform_fails)
{
	make_inputs(0);
	ask.wrong_at = MARK_AT;
	try_all(transform_failed, 0);
	ask.wrong_at = (size_t)7 * HELP_CHUNK; /* right at the beginning of a piece */
	try_all(transform_failed, 0);
}

static void nothing_begun(const char *what)
{
	cr_expect(got.begun == 1 && help.input[2].outcome == CCP_DONE, "%s: %u", what, got.begun); /* the empty one */
}

Test(fold, nothing_is_decoded)
{
	make_inputs(0);
	ask.wrong_at = 0;
	try_all(nothing_begun, 0);
}

static void had_enough(const char *what)
{
	for (size_t i = 0; i < INPUTS; i++) {
		cr_expect(help.input[i].outcome == CCP_DONE, "%s: input %zu: %s", what, i, help.input[i].err.text);
		if (lens[i] < ask.enough)
			expect_bytes(i, lens[i], 0, what);
		else
			cr_expect(help.input[i].out_len >= ask.enough &&
				  help.input[i].out_len < ask.enough + HELP_CHUNK);
	}
}

/* In the middle of a piece, where the transform would go on, and an error behind that is nobody's. */
Test(fold, no_more_is_wanted)
{
	make_inputs(0xff);
	for (ask.enough = 1; ask.enough < 6 * HELP_CHUNK; ask.enough += 1501)
		try_all(had_enough, 0);
	ask.enough = MARK_AT - 2 * HELP_CHUNK;
	ask.fails = true;
	try_all(had_enough, 0);
	ask.fails = false;
	ask.wrong_at = MARK_AT;
	try_all(had_enough, 0);
}

static void ended(const char *what)
{
	cr_expect(help.input[0].outcome == CCP_FAILED, "%s", what);
	cr_expect_str_eq(help.input[0].err.text, "the collector has had it");
	cr_expect(got.begun == 1 && got.failed == 1);
}

Test(fold, the_collector_fails)
{
	make_inputs(0);
	ask.stop_at = 5 * HELP_CHUNK;
	try_all(ended, -1);
}

static void cancelled(const char *what)
{
	cr_expect(help.input[0].outcome == CCP_FAILED && help.input[0].err.code == CCP_E_CANCELLED, "%s", what);
	cr_expect(got.begun == 1 && got.failed == 1 && got.code == CCP_E_CANCELLED);
}

/* What was begun has its end, and the collector knows why. */
Test(fold, cancelled)
{
	make_inputs(0);
	ask.stop_at = 5 * HELP_CHUNK;
	ask.cancels = true;
	try_all(cancelled, 0);
}

static void not_begun(const char *what)
{
	for (size_t i = 0; i < INPUTS; i++)
		cr_expect(help.input[i].outcome == (i == 1 ? CCP_FAILED : CCP_DONE), "%s: input %zu", what, i);
	cr_expect(got.begun == INPUTS - 1);
}

Test(fold, begin_fails)
{
	make_inputs(0);
	ask.begin_fails = true;
	try_all(not_begun, 0);
}

/* ---- worker processes ------------------------------------------------------------------------------------------ */

/* The run number `turn`: in turn or not, and who reads. */
static void try_deaths(unsigned deaths, unsigned turn)
{
	struct ccp_run_options options;
	struct ccp_err err;

	prepare(&options, turn % 2 ? &thin : &thin_turn,
		turn / 2 % 2 ? "proc" : "read=threads,work=proc,write=threads");
	ask.deaths = deaths;
	atomic_store(&shared->died, 0);
	cr_expect(ccp_run(&options, &help.summary, &err) == 0, "%s", err.text);
	expect_alone();
	cr_expect(atomic_load(&shared->died) >= (deaths == 1 ? 1 : 4)); /* twice in each of two inputs */
	cr_expect(got.begun == got.ended);
}

/* The second try is right, and the input's next piece, whose turn had come, has not suffered. */
Test(fold, a_worker_dies_in_the_fold)
{
	make_inputs(0xfe);
	for (unsigned i = 0; i < 8; i++) {
		try_deaths(1, i);
		for (size_t k = 0; k < INPUTS; k++) {
			cr_expect(help.input[k].outcome == CCP_DONE, "input %zu: %s", k, help.input[k].err.text);
			expect_bytes(k, lens[k], 0xfe, "died");
		}
	}
}

/* Twice is the input's error; all that came before has been taken, and the run ends. */
Test(fold, workers_die_in_the_fold)
{
	make_inputs(0xfe);
	for (unsigned i = 0; i < 8; i++) {
		unsigned failed = 0;

		try_deaths(1000, i);
		for (size_t k = 0; k < INPUTS; k++) {
			failed += help.input[k].outcome == CCP_FAILED;
			if (lens[k] <= MARK_AT) {
				expect_bytes(k, lens[k], 0, "died twice");
				continue;
			}
			cr_expect(help.input[k].err.code == CCP_E_WORKER);
			cr_expect(strstr(help.input[k].err.text, ", twice"), "%s", help.input[k].err.text);
			expect_bytes(k, help.input[k].out_len, 0xfe, "died twice");
		}
		cr_expect(failed == 2);
	}
}

/* Before an error of the transform, in the same piece: that is still the input's error, not the death. */
Test(fold, a_worker_dies_before_an_error)
{
	make_inputs(0xfe);
	ask.wrong_at = MARK_AT + 50;
	for (unsigned i = 0; i < 8; i++) {
		try_deaths(1, i);
		for (size_t k = 0; k < INPUTS; k++) {
			expect_bytes(k, lens[k] > MARK_AT ? ask.wrong_at : lens[k], 0xfe, "before an error");
			if (lens[k] > MARK_AT)
				cr_expect_str_eq(help.input[k].err.text, "it is wrong");
		}
	}
}

/* Whatever was opened in this process is closed. */
Test(fold, states_are_closed)
{
	struct ccp_run_options options;
	struct ccp_err err;

	make_inputs(0);
	for (size_t k = 0; k < 3; k++) {
		if (!has_strategy(kinds[k]))
			continue;
		prepare(&options, &thin_turn, kinds[k]);
		cr_expect(help_run(&options, &err) == 0);
		cr_expect(atomic_load(&shared->opened) == atomic_load(&shared->closed));
	}
	cr_expect(atomic_load(&shared->opened) > 0);
}

/* ---- what it takes --------------------------------------------------------------------------------------------- */

/* Notes and states are part of what --max-mem bounds. */
Test(fold, memory)
{
	struct ccp_plan_options wish = { .strategy = "threads", .jobs = "3", .window = 6 };
	struct ccp_transform_need need = { .chunk_bytes = 4096, .out_bytes = 4096 };
	struct ccp_plan without, with;
	struct ccp_host host;
	struct ccp_err err;

	ccp_host_read(&host);
	cr_assert(ccp_plan_make(&without, &wish, &need, &host, ccp_strategies, &err) == 0);
	need.fold_bytes = 1 << 20;
	need.fold_state_bytes = 1000;
	cr_assert(ccp_plan_make(&with, &wish, &need, &host, ccp_strategies, &err) == 0);
	cr_expect(with.memory == without.memory + with.window * (1 << 20) + with.stage[CCP_WORK].degree * 1000);
}
