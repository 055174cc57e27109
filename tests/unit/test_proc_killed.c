/*
 * test_proc_killed.c: worker processes and their helper are killed from outside, and new ones cannot be forked: the run
 * goes on as long as anybody is left.
 */
#include <sys/resource.h>

#include "tests/unit/proc_help.h"

TestSuite(proc_killed, .init = help_set_up, .fini = help_tear_down, .timeout = 120);

/* ---- kills from outside ---------------------------------------------------------------------------------------- */

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

Test(proc_killed, workers_are_killed_from_outside)
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

Test(proc_killed, helper_is_killed)
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

Test(proc_killed, no_worker_can_be_forked)
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

Test(proc_killed, no_replacement_can_be_forked)
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
