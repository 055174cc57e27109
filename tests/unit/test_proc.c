/*
 * test_proc.c: worker processes: they crash in every way and the run goes on, their number changes, they read streams,
 * and they end with their parent.
 */
#include "tests/unit/proc_help.h"

extern const struct ccp_strategy_ops ccp_strategy_proc;

TestSuite(proc, .init = help_set_up, .fini = help_tear_down, .timeout = 120);

static void run_fault(const struct ccp_transform_ops *transform, const char *strategy, const char *fault)
{
	struct ccp_run_options options;
	struct ccp_err err;

	help_options(&options, transform, strategy, "3");
	options.fault = fault;
	cr_assert(help_run(&options, &err) == 0, "%s", err.text);
}

Test(proc, right)
{
	add_files();
	run_fault(&help_mix, "proc", NULL);
	check_all(&help_mix, FILES);
	run_fault(&help_chain, "proc", NULL);
	check_all(&help_chain, FILES);
	run_fault(&help_mix, "read=threads,work=proc,write=threads", NULL);
	check_all(&help_mix, FILES);
	run_fault(&help_chain, "read=async,work=proc,write=serial", NULL);
	check_all(&help_chain, FILES);
}

static const struct {
	const char *kind, *words;
} faults[] = {
	{ "segv", "worker killed by signal 11 (Segmentation fault) on bytes" },
	{ "kill", "worker killed by signal 9 (Killed) on bytes" },
	{ "abort", "worker killed by signal 6 (Aborted) on bytes" },
	{ "exit", "worker exited with status 3 on bytes" },
	{ "oom", "worker killed by signal 9 (Killed) on bytes" },
};

Test(proc, fault_once_is_made_good)
{
	char fault[32];

	add_files();
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		for (unsigned seq = 0; seq < 42; seq += 7) {
			snprintf(fault, sizeof fault, "%s@%u", faults[i].kind, seq);
			run_fault(&help_mix, "proc", fault);
			check_all(&help_mix, FILES);
			run_fault(&help_chain, "proc", fault);
			check_all(&help_chain, FILES);
		}
}

Test(proc, fault_twice_is_the_inputs_error)
{
	char fault[32];

	add_files();
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		for (int chain = 0; chain < 2; chain++) {
			const struct ccp_transform_ops *transform = chain ? &help_chain : &help_mix;

			snprintf(fault, sizeof fault, "%s@3x2", faults[i].kind);
			run_fault(transform, i % 2 ? "proc" : "read=threads,work=proc,write=threads", fault);

			size_t bad = failed_input();
			cr_assert(bad < FILES);
			check_all(transform, bad);
			const struct ccp_err *err = &help.input[bad].err;
			cr_expect(err->code == CCP_E_WORKER);
			cr_expect(strncmp(err->text, faults[i].words, strlen(faults[i].words)) == 0, "%s", err->text);
			cr_expect(strstr(err->text, ", twice"), "%s", err->text);
			/* files that are worked on in order are cut in turn: a0 b0 a1 b1 */
			cr_expect(err->offset == (chain ? 1 : 3) * HELP_CHUNK, "%s", err->text);
			cr_expect(strstr(err->text, chain ? " 4096-8191," : " 12288-16383,"), "%s", err->text);
		}
}

Test(proc, malformed_fault_is_refused)
{
	static const char *const bad[] = { "", "segv", "segv@", "segv@x", "hang@1", "segv@1x", "segv@1y2", "segv@1x2 ",
					   "@1", "segv@-1", "segvv@1", "seg@1" };
	struct ccp_run_options options;
	struct ccp_err err;

	add_files();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		help_options(&options, &help_mix, "proc", "2");
		options.fault = bad[i];
		cr_expect(help_run(&options, &err) == -1 && err.code == CCP_E_USAGE, "'%s' is taken", bad[i]);
	}
}

/* ---- resize ---------------------------------------------------------------------------------------------------- */

static struct ccp_exec *resized;
static unsigned resizes, most_workers;

/* Opens proc with room to grow, and remembers it. */
static int open_wide(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct ccp_exec_options wide = *options;
	int result;

	wide.max_degree = 5;
	result = ccp_strategy_proc.open(exec, flow, &wide, err);
	resized = *exec;
	return result;
}

static unsigned count_workers(void)
{
	char path[64];
	unsigned count = 0;
	int child;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "r");
	while (fscanf(file, "%d", &child) == 1)
		if (has_name(child, "ccpipe-helper")) {
			snprintf(path, sizeof path, "/proc/%d/task/%d/children", child, child);
			FILE *below = fopen(path, "r");

			while (below && fscanf(below, "%d", &child) == 1)
				count += has_name(child, "ccpipe-worker");
			if (below)
				fclose(below);
		}
	fclose(file);
	return count;
}

static void resize_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	static const unsigned degrees[] = { 5, 1, 3, 2, 4, 1 };
	struct ccp_err err;
	unsigned now = count_workers();

	(void)arg, (void)flow, (void)next;
	if (now > most_workers)
		most_workers = now;
	cr_expect(resized->ops->resize(resized, degrees[resizes++ % 6], &err) == 0, "%s", err.text);
	cr_expect(resized->ops->resize(resized, 6, &err) == -1);
}

Test(proc, resize_up_and_down)
{
	struct ccp_strategy_ops wide = ccp_strategy_proc;
	struct ccp_run_options options;
	struct ccp_err err;

	wide.open = open_wide;
	add_files();
	help_delay_us = 10000;
	help_options(&options, &help_mix, "proc", "2");
	options.plan.stage[CCP_READ].strategy = options.plan.stage[CCP_WORK].strategy = &wide;
	options.tick = resize_tick;
	cr_assert(help_run(&options, &err) == 0);
	check_all(&help_mix, FILES);
	cr_expect(resizes > 2 && most_workers == 5, "%u resizes, %u workers", resizes, most_workers);
}

/* ---- odds and ends --------------------------------------------------------------------------------------------- */

static unsigned ticks;

static void cancel_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	(void)arg, (void)flow, (void)next;
	if (++ticks == 2)
		ccp_run_cancel();
}

Test(proc, cancelled_ends_soon)
{
	struct ccp_run_options options;
	struct ccp_err err;

	for (unsigned i = 0; i < 100; i++)
		help_file(5 * HELP_CHUNK);
	help_delay_us = 20000;
	help_options(&options, &help_mix, "proc", "2");
	options.tick = cancel_tick;
	cr_assert(help_run(&options, &err) == 0);
	cr_expect(help.summary.cancelled && help.summary.inputs_done < 100);
	cr_expect(help.summary.wall_ns < 3000000000u);
}

/* A stream is read in the parent, in proc's own thread, and worked on in a worker. */
Test(proc, streams)
{
	struct ccp_run_options options;
	struct ccp_err err;
	size_t bytes = 9 * HELP_CHUNK + 5;
	const char *path = help_name();
	uint8_t *in = malloc(bytes);

	help_file(HELP_CHUNK * 3);
	for (size_t i = 0; i < bytes; i++)
		in[i] = help_byte(i);
	cr_assert(mkfifo(path, 0600) == 0);
	for (int chain = 0; chain < 2; chain++) {
		const struct ccp_transform_ops *transform = chain ? &help_chain : &help_mix;
		pid_t writer = fork();

		if (writer == 0) {
			FILE *file = fopen(path, "wb");

			for (size_t i = 0; i < bytes; i += 5000) {
				fwrite(in + i, 1, bytes - i < 5000 ? bytes - i : 5000, file);
				fflush(file);
				help_sleep_us(3000);
			}
			fclose(file);
			_exit(0);
		}
		help_options(&options, transform, "proc", "2");
		options.fault = "segv@4";
		cr_assert(ccp_run(&options, &help.summary, &err) == 0);
		waitpid(writer, NULL, 0);
		cr_expect(help_right(transform, 0, in, bytes), "%s", help.input[0].err.text);
		cr_expect(help_file_right(transform, 1, HELP_CHUNK * 3));
	}
	free(in);
}

/* Nobody but the parent may keep our output open: who reads it waits for the last one to close it. */
Test(proc, workers_do_not_hold_stdout)
{
	int pipes[2];

	add_files();
	help_delay_us = 20000;
	cr_assert(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct ccp_run_options options;
		struct ccp_err err;

		dup2(pipes[1], 1);
		close(pipes[0]);
		close(pipes[1]);
		help_options(&options, &help_mix, "proc", "2");
		alarm(1); /* kills the parent only: helper and workers must go by themselves */
		ccp_run(&options, &help.summary, &err);
		pause();
		_exit(0);
	}
	close(pipes[1]);
	char byte;
	cr_expect(read(pipes[0], &byte, 1) == 0);
	waitpid(child, NULL, 0);
	close(pipes[0]);
	expect_alone();
}
