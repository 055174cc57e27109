/*
 * test_ahead.c: work that is done before its turn: the bytes are those of work in order, under every strategy, whatever
 * was done ahead or not; also when a worker dies of it, an input fails, or the run is cancelled.
 */
#include "tests/unit/strategy_help.h"

TestSuite(ahead, .init = help_set_up, .fini = help_tear_down, .timeout = 200);

#define FILES 6u

static const size_t sizes[FILES] = { 40 * HELP_CHUNK + 5, 1, 3 * HELP_CHUNK, 0, 17 * HELP_CHUNK - 1, 5 * HELP_CHUNK };

static void add_files(void)
{
	for (size_t i = 0; i < FILES; i++)
		help_file(sizes[i]);
}

static void run(const char *strategy, const char *jobs, size_t window, const char *fault)
{
	struct ccp_run_options options;
	struct ccp_host host;
	struct ccp_err err;

	help_options(&options, &help_ahead, strategy, jobs);
	ccp_host_read(&host);
	if (window > 0) {
		struct ccp_plan_options wish = { .strategy = strategy, .jobs = jobs, .window = window };

		cr_assert(ccp_plan_make(&options.plan, &wish, &options.need, &host, ccp_strategies, &err) == 0);
	}
	options.fault = fault;
	cr_assert(help_run(&options, &err) == 0, "%s", err.text);
}

static void check_all(const char *what)
{
	for (size_t i = 0; i < FILES; i++)
		cr_expect(help_file_right(&help_ahead, i, sizes[i]), "%s: input %zu: %s", what, i,
			  help.input[i].err.text);
	cr_expect_eq(help.summary.inputs_failed, 0, "%s", what);
}

static const char *const strategies[] = { "threads", "omp", "proc", "async", "read=async,work=threads,write=threads",
					  "read=threads,work=proc,write=threads", "read=threads,work=omp,write=serial",
					  "read=threads,work=serial,write=threads" };

static bool is_there(const char *strategy)
{
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops; ops++)
		if ((*ops)->probe && (*ops)->probe() && strstr(strategy, (*ops)->name))
			return false;
	return true;
}

Test(ahead, right_under_every_strategy)
{
	static const char *const jobs[] = { "1", "2", "3", "8" };
	static const size_t windows[] = { 0, 1, 2, 5 };

	add_files();
	for (size_t s = 0; s < sizeof strategies / sizeof strategies[0]; s++)
		for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++)
			for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
				char what[100];

				if (!is_there(strategies[s]))
					continue;
				snprintf(what, sizeof what, "%s -j%s --window %zu", strategies[s], jobs[j], windows[w]);
				run(strategies[s], jobs[j], windows[w], NULL);
				check_all(what);
			}
}

/* It is done at all where there are workers for it, and not where there are none. */
Test(ahead, done_where_it_can_be)
{
	add_files();
	for (int attempt = 0; attempt < 20 && atomic_load(&help_aheads) == 0; attempt++)
		run("threads", "4", 0, NULL);
	cr_expect_gt(atomic_load(&help_aheads), 0);
	atomic_store(&help_aheads, 0);
	run("serial", "1", 0, NULL);
	run("threads", "1", 0, NULL);
	run("read=threads,work=serial,write=threads", "4", 0, NULL);
	cr_expect_eq(atomic_load(&help_aheads), 0);
}

/* A worker process that dies, ahead or in its turn: the job is done again, and its carry is its own. */
Test(ahead, deaths_are_made_good)
{
	char fault[32];

	add_files();
	for (unsigned seq = 0; seq < 66; seq += 3)
		for (int twice = 0; twice < 2; twice++) {
			snprintf(fault, sizeof fault, "kill@%u", seq);
			run(twice ? "proc" : "read=threads,work=proc,write=threads", "3", 0, fault);
			check_all(fault);
		}
}

/* Whoever goes ahead dies of it: then all is done in its turn. */
Test(ahead, deaths_ahead_do_no_harm)
{
	add_files();
	help_ahead_kills = getpid();
	run("proc", "3", 0, NULL);
	check_all("all die that go ahead");
}

/* Executors are replaced all the time. */
Test(ahead, replaced_executors)
{
	struct ccp_run_options options;
	struct ccp_err err;

	add_files();
	for (int i = 0; i < 30; i++) {
		help_options(&options, &help_ahead, "threads", "3");
		options.swap_ms = 1;
		cr_assert(help_run(&options, &err) == 0, "%s", err.text);
		check_all("swapped");
	}
}
