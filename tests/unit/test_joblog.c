/*
 * test_joblog.c: what a log of jobs remembers, and what it does not take for its own.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/command/joblog.h"

static char dir[] = "/tmp/ccpipe-joblog-XXXXXX";
static char *command[] = { (char[]){ "cat" } };

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
}

static void teardown(void)
{
	unlink("log");
	unlink("file");
	cr_assert_eq(chdir("/"), 0);
	rmdir(dir);
}

TestSuite(joblog, .init = setup, .fini = teardown);

static void write_file(const char *name, const char *text, int flags)
{
	int fd = open(name, O_WRONLY | O_CREAT | flags, 0600);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct ccp_joblog *open_log(bool go_on)
{
	struct ccp_joblog *log = NULL;
	struct ccp_err err;

	cr_assert_eq(ccp_joblog_open(&log, "log", go_on, &err), 0, "%s", err.text);
	return log;
}

static struct ccp_joblog_key key_of(struct ccp_joblog *log, const char *arg)
{
	char *args[] = { (char *)(uintptr_t)arg };

	return ccp_joblog_key(log, command, 1, args, 1);
}

static void add(struct ccp_joblog *log, const char *arg, int status, int signal)
{
	const struct ccp_joblog_line line = { .number = 1, .status = status, .signal = signal, .command = "a\tb\nc",
					      .key = key_of(log, arg) };
	struct ccp_err err;

	cr_assert_eq(ccp_joblog_add(log, &line, &err), 0);
}

static enum ccp_joblog_known known(struct ccp_joblog *log, const char *arg)
{
	return ccp_joblog_known(log, key_of(log, arg));
}

Test(joblog, remembers)
{
	struct ccp_joblog *log = open_log(false);

	for (int i = 0; i < 3000; i++) {
		char arg[16];

		snprintf(arg, sizeof arg, "n%d", i);
		add(log, arg, i % 3 == 1, i % 3 == 2 ? 9 : 0);
	}
	ccp_joblog_close(log);
	log = open_log(true);
	for (int i = 0; i < 3000; i++) {
		char arg[16];

		snprintf(arg, sizeof arg, "n%d", i);
		cr_assert_eq(known(log, arg), i % 3 == 0 ? CCP_JOBLOG_WELL : CCP_JOBLOG_FAILED, "%s", arg);
	}
	cr_assert_eq(known(log, "other"), CCP_JOBLOG_NEW);
	ccp_joblog_close(log);
}

Test(joblog, the_last_line_counts_and_the_same_twice_is_two)
{
	struct ccp_joblog *log = open_log(false);

	add(log, "a", 1, 0);
	ccp_joblog_close(log);
	log = open_log(true);
	add(log, "a", 0, 0);
	ccp_joblog_close(log);
	log = open_log(true);
	cr_expect_eq(known(log, "a"), CCP_JOBLOG_WELL);
	cr_expect_eq(known(log, "a"), CCP_JOBLOG_NEW);
	ccp_joblog_close(log);
}

Test(joblog, a_changed_file_is_another)
{
	struct ccp_joblog *log = open_log(false);

	write_file("file", "1", 0);
	add(log, "file", 0, 0);
	ccp_joblog_close(log);
	log = open_log(true);
	cr_expect_eq(known(log, "file"), CCP_JOBLOG_WELL);
	ccp_joblog_close(log);
	write_file("file", "2", O_APPEND);
	log = open_log(true);
	cr_expect_eq(known(log, "file"), CCP_JOBLOG_NEW);
	ccp_joblog_close(log);
}

Test(joblog, half_a_line_goes)
{
	struct ccp_joblog *log = open_log(false);
	struct stat before, after;

	add(log, "a", 0, 0);
	ccp_joblog_close(log);
	cr_assert_eq(stat("log", &before), 0);
	write_file("log", "2\t:\t1.0", O_APPEND);
	log = open_log(true);
	cr_expect_eq(known(log, "a"), CCP_JOBLOG_WELL);
	ccp_joblog_close(log);
	cr_assert_eq(stat("log", &after), 0);
	cr_expect_eq(after.st_size, before.st_size);
	/* half of the first line of all */
	cr_assert_eq(truncate("log", 5), 0);
	log = open_log(true);
	cr_expect_eq(known(log, "a"), CCP_JOBLOG_NEW);
	ccp_joblog_close(log);
}

Test(joblog, what_is_not_ours_stays)
{
	static const char *const texts[] = { "dear diary\n", "dear", "Seq\tHost\n", "\n", "1\t:\t0\n" };
	struct ccp_joblog *log = NULL;
	struct ccp_err err;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct stat st;

		write_file("log", texts[i], O_TRUNC);
		cr_expect_eq(ccp_joblog_open(&log, "log", true, &err), -1, "%s", texts[i]);
		cr_expect_eq(ccp_joblog_open(&log, "log", false, &err), -1);
		cr_expect_eq(err.code, CCP_W_EXISTS);
		cr_assert_eq(stat("log", &st), 0);
		cr_expect_eq(st.st_size, (off_t)strlen(texts[i]));
	}
}

Test(joblog, two_runs_do_not_share)
{
	struct ccp_joblog *log = open_log(false), *other = NULL;
	struct ccp_err err;

	cr_expect_eq(ccp_joblog_open(&other, "log", true, &err), -1);
	ccp_joblog_close(log);
}
