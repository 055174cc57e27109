/*
 * test_proc.c: worker processes: they crash in every way, are killed from outside, cannot be forked, and the run goes
 * on.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/strategy_help.h"

extern const struct ccp_strategy_ops ccp_strategy_proc;

static const size_t sizes[] = { 40 * HELP_CHUNK + 17, 100, 0, HELP_CHUNK, 7 * HELP_CHUNK, HELP_CHUNK - 1 };
#define FILES (sizeof sizes / sizeof *sizes)

TestSuite(proc, .init = help_set_up, .fini = help_tear_down, .timeout = 120);

static void add_files(void)
{
	for (size_t i = 0; i < FILES; i++)
		help_file(sizes[i]);
}

/* Checks all inputs but `bad` (FILES = none). */
static void check_all(const struct ccp_transform_ops *transform, size_t bad)
{
	for (size_t i = 0; i < FILES; i++)
		cr_expect(i == bad || help_file_right(transform, i, sizes[i]), "input %zu: %s", i,
			  help.input[i].err.text);
	cr_expect(help.summary.inputs_failed == (bad < FILES));
}

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

/* The one that failed; FILES if none did. */
static size_t failed_input(void)
{
	for (size_t i = 0; i < FILES; i++)
		if (help.input[i].outcome == CCP_FAILED)
			return i;
	return FILES;
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
			cr_expect(err->offset == 3 * HELP_CHUNK && strstr(err->text, " 12288-16383,"), "%s", err->text);
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

/* ---- kills from outside ---------------------------------------------------------------------------------------- */

/* The name of a process, and whether it is one. */
static bool has_name(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(comm, sizeof comm, file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* The oldest descendant of `pid` with that name, or 0. */
static pid_t oldest(pid_t pid, const char *name)
{
	char path[300];
	struct dirent *entry;
	pid_t best = 0;
	DIR *dir;
	int child;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, entry->d_name);
		FILE *file = fopen(path, "r");

		while (file && fscanf(file, "%d", &child) == 1) {
			pid_t deeper = oldest(child, name);

			if (has_name(child, name) && (best == 0 || child < best))
				best = child;
			if (deeper > 0 && (best == 0 || deeper < best))
				best = deeper;
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return best;
}

/* Starts a process that kills again and again: the oldest, because a fresh one may be at a second try. */
static pid_t start_killer(const char *name, unsigned pause_us, unsigned times)
{
	pid_t victim = getpid(), killer = fork();

	if (killer != 0)
		return killer;
	for (unsigned i = 0; i < times; i++) {
		pid_t pid;

		help_sleep_us(pause_us + (unsigned)rand() % (pause_us + 1));
		pid = oldest(victim, name);
		if (pid > 0)
			kill(pid, SIGKILL);
	}
	_exit(0);
}

/*
 * Nobody is left, or only who is about to be gone: workers whose helper was killed, and which we, the subreaper, have
 * to bury.
 */
static void expect_alone(void)
{
	for (int i = 0; i < 300; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return;
		help_sleep_us(10000);
	}
	cr_expect(false, "a process is left over");
}

/* On a busy machine a job may be hit twice: that must be said, and all other inputs must be right. Returns how many. */
static unsigned check_killed(const struct ccp_transform_ops *transform)
{
	unsigned unlucky = 0;

	for (size_t i = 0; i < FILES; i++) {
		const struct help_input *input = &help.input[i];

		if (input->outcome == CCP_FAILED && input->err.code == CCP_E_WORKER &&
		    strstr(input->err.text, "killed by signal 9 (Killed) on bytes") &&
		    strstr(input->err.text, ", twice"))
			unlucky++;
		else
			cr_expect(help_file_right(transform, i, sizes[i]), "input %zu: %s", i, input->err.text);
	}
	cr_expect(help.summary.inputs_failed == unlucky);
	return unlucky;
}

Test(proc, workers_are_killed_from_outside)
{
	struct ccp_run_options options;
	struct ccp_err err;
	unsigned unlucky = 0;

	add_files();
	help_delay_us = 2000;
	for (unsigned i = 0; i < 12; i++) {
		const struct ccp_transform_ops *transform = i % 2 ? &help_chain : &help_mix;

		help_options(&options, transform, i % 3 ? "proc" : "read=threads,work=proc,write=threads", "3");
		size_t before = help_descriptors();
		pid_t killer = start_killer("ccpipe-worker", 15000, 1000);
		cr_assert(ccp_run(&options, &help.summary, &err) == 0, "%s", err.text);
		kill(killer, SIGKILL);
		waitpid(killer, NULL, 0);
		expect_alone();
		cr_expect(help_descriptors() == before);
		unlucky += check_killed(transform);
	}
	cr_expect(unlucky <= 3, "%u of %zu inputs failed", unlucky, 12 * FILES);
}

static unsigned ticks;

static void kill_helper_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	(void)arg, (void)flow, (void)next;
	if (ticks++ == 0)
		kill(oldest(getpid(), "ccpipe-helper"), SIGKILL);
}

Test(proc, helper_is_killed)
{
	struct ccp_run_options options;
	struct ccp_err err;

	add_files();
	help_delay_us = 10000;
	for (unsigned i = 0; i < 4; i++) {
		help_options(&options, &help_mix, i % 2 ? "proc" : "read=threads,work=proc,write=threads", "2");
		options.tick = kill_helper_tick;
		ticks = 0;
		cr_assert(ccp_run(&options, &help.summary, &err) == 0);
		expect_alone();
		cr_expect(help.summary.inputs_done + help.summary.inputs_failed == FILES);
		cr_expect(help.summary.inputs_failed > 0);
		for (size_t k = 0; k < FILES; k++)
			if (help.input[k].outcome == CCP_FAILED) {
				cr_expect(help.input[k].err.code == CCP_E_WORKER, "%s", help.input[k].err.text);
				cr_expect_str_eq(help.input[k].err.text,
						 "helper of the worker processes killed by signal 9 (Killed)");
			} else {
				cr_expect(help_file_right(&help_mix, k, sizes[k]));
			}
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

/* ---- fork fails ------------------------------------------------------------------------------------------------ */

/* Becomes a user that nobody is, to whom limits apply. False if we may not. */
static bool become_nobody(void)
{
	uid_t uid = 1000000000u + (uid_t)getpid();

	if (getuid() != 0 || chown(help.dir, uid, uid) != 0)
		return false;
	for (size_t i = 0; i < help.count; i++)
		if (chown(help.input[i].path, uid, uid) != 0)
			return false;
	if (setresuid(uid, uid, uid) != 0)
		return false;
	prctl(PR_SET_DUMPABLE, 1); /* else /proc/self is root's */
	return true;
}

Test(proc, no_worker_can_be_forked)
{
	struct rlimit limit = { 0, 0 };
	struct ccp_run_options options;
	struct ccp_err err;

	add_files();
	if (!become_nobody())
		cr_skip_test("not root");
	help_options(&options, &help_mix, "proc", "2");
	DIR *threads = opendir("/proc/self/task");
	while (readdir(threads))
		limit.rlim_cur++;
	closedir(threads);
	limit.rlim_max = --limit.rlim_cur; /* but for `.` and `..`, and with the helper */
	cr_assert(setrlimit(RLIMIT_NPROC, &limit) == 0);
	cr_expect(help_run(&options, &err) == -1);
	cr_expect(err.code == CCP_E_WORKER, "%s", err.text);
	cr_expect_str_eq(err.text, "no worker process can be started: Resource temporarily unavailable");
}

/* From the first tick on no worker can be forked; `deaths` of the two are killed. */
static unsigned deaths;
static bool begun; /* the tick before the first job has been: workers may not all be born then */

static void limit_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct rlimit one = { 1, 1 };
	pid_t helper = oldest(getpid(), "ccpipe-helper"), worker;

	(void)arg, (void)flow, (void)next;
	if (!begun || helper == 0 || ticks > deaths) {
		begun = true;
		return;
	}
	cr_expect(prlimit(helper, RLIMIT_NPROC, &one, NULL) == 0);
	worker = oldest(helper, "ccpipe-worker");
	if (ticks++ < deaths && worker > 0)
		kill(worker, SIGKILL);
}

Test(proc, no_replacement_can_be_forked)
{
	struct ccp_run_options options;
	struct ccp_err err;

	add_files();
	if (!become_nobody())
		cr_skip_test("not root");
	help_delay_us = 10000;
	for (deaths = 1; deaths <= 2; deaths++) {
		ticks = 0;
		begun = false;
		help_options(&options, &help_mix, "proc", "2");
		options.tick = limit_tick;
		cr_assert(help_run(&options, &err) == 0);
		cr_expect(ticks > deaths);
		if (deaths == 1) { /* the other one goes on */
			check_all(&help_mix, FILES);
			continue;
		}
		size_t bad = failed_input();
		cr_assert(bad < FILES);
		cr_expect(help.input[bad].err.code == CCP_E_WORKER);
		cr_expect_str_eq(help.input[bad].err.text,
				 "no worker process can be started: Resource temporarily unavailable");
	}
}
