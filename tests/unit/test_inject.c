/*
 * test_inject.c: the words of --inject, whom they concern, and how a bandwidth is shared. Times are bounded from the
 * side on which a slow machine cannot fall.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/inject.h"

TestSuite(inject, .timeout = 60);

#define SECOND UINT64_C(1000000000)

static struct ccp_inject *inject_new(const char *text)
{
	struct ccp_inject_options options;
	struct ccp_inject *inject;
	struct ccp_err err;

	cr_assert(ccp_inject_parse(&options, text, &err) == 0, "%s", err.text);
	cr_assert(ccp_inject_new(&inject, &options, &err) == 0, "%s", err.text);
	return inject;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* ---- the text -------------------------------------------------------------------------------------------------- */

Test(inject, every_word)
{
	struct ccp_inject_options options;
	struct ccp_err err;

	memset(&options, 0x55, sizeof options);
	cr_assert(ccp_inject_parse(&options,
				   "read_delay_us=1,work_delay_us=2,write_delay_us=3,read_cpu_us=4,work_cpu_us=5,"
				   "write_cpu_us=6,read_bps=20M,write_bps=8,from_job=9,until_job=10",
				   &err) == 0,
		  "%s", err.text);
	for (unsigned stage = 0; stage < CCP_STAGES; stage++) {
		cr_expect_eq(options.delay_us[stage], 1 + stage);
		cr_expect_eq(options.cpu_us[stage], 4 + stage);
	}
	cr_expect_eq(options.bps[CCP_READ], 20u << 20);
	cr_expect_eq(options.bps[CCP_WORK], 0);
	cr_expect_eq(options.bps[CCP_WRITE], 8);
	cr_expect_eq(options.from_job, 9);
	cr_expect_eq(options.until_job, 10);
}

Test(inject, what_is_not_named_is_nothing)
{
	struct ccp_inject_options options, want = { .delay_us = { [CCP_WORK] = 7 } };
	struct ccp_err err;

	memset(&options, 0x55, sizeof options);
	cr_assert(ccp_inject_parse(&options, "work_delay_us=5,work_delay_us=7", &err) == 0, "%s", err.text);
	cr_expect(memcmp(&options, &want, sizeof want) == 0, "the last of two holds, and all else is 0");
}

Test(inject, sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = { { "read_bps=0", 0 },	   { "read_bps=1500", 1500 },
		      { "read_bps=64K", 65536 },   { "read_bps=1.5m", 3u << 19 },
		      { "read_bps=2G", 2ull << 30 } };
	struct ccp_inject_options options;
	struct ccp_err err;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		cr_assert(ccp_inject_parse(&options, sizes[i].text, &err) == 0, "%s", err.text);
		cr_expect_eq(options.bps[CCP_READ], sizes[i].bytes, "%s", sizes[i].text);
	}
}

Test(inject, unknown_words_are_named_with_those_that_are_known)
{
	static const char *const names[] = { "read_delay_us", "work_delay_us", "write_delay_us", "read_cpu_us",
					     "work_cpu_us",   "write_cpu_us",  "read_bps",	 "write_bps",
					     "from_job",      "until_job" };
	static const struct {
		const char *text, *word;
	} wrong[] = { { "", "''" },
		      { "read_delay_us=1,", "''" },
		      { ",read_delay_us=1", "''" },
		      { "read_delay_us", "'read_delay_us'" },
		      { "read_delay=1", "'read_delay=1'" },
		      { "read_delay_us =1", "'read_delay_us =1'" },
		      { "read_delay_usx=1", "'read_delay_usx=1'" },
		      { "=1", "'=1'" },
		      { "work_bps=1", "'work_bps=1'" },
		      { "from_job=1,what=2,until_job=3", "'what=2'" },
		      { "a-word-that-is-far-longer-than-any-of-those-that-are-in-the-table=1", "'a-word-that-is-" } };
	struct ccp_inject_options options;
	struct ccp_err err;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ccp_err_clear(&err);
		cr_expect(ccp_inject_parse(&options, wrong[i].text, &err) == -1, "%s", wrong[i].text);
		cr_expect_eq(err.code, CCP_E_USAGE);
		cr_expect(strstr(err.text, wrong[i].word), "%s: %s", wrong[i].text, err.text);
		for (size_t n = 0; n < sizeof names / sizeof *names; n++)
			cr_expect(strstr(err.text, names[n]), "%s: %s is missing", err.text, names[n]);
	}
}

Test(inject, malformed_numbers)
{
	static const char *const wrong[] = {
		"read_delay_us=",    "read_delay_us=x",	     "read_delay_us=-1",       "read_delay_us= 1",
		"read_delay_us=1 ",  "read_delay_us=1K",     "read_delay_us=0x10",     "read_delay_us=1.5",
		"work_cpu_us=+1",    "work_cpu_us=1=1",	     "write_cpu_us=3600000001", "read_bps=",
		"read_bps=fast",     "write_bps=-1",	     "write_bps=1Q",	       "from_job=1M",
		"until_job=99999999999999999999",
	};
	struct ccp_inject_options options = { .from_job = 77 };
	struct ccp_err err;
	char quoted[64];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ccp_err_clear(&err);
		snprintf(quoted, sizeof quoted, "'%s'", wrong[i]);
		cr_expect(ccp_inject_parse(&options, wrong[i], &err) == -1, "%s", wrong[i]);
		cr_expect_eq(err.code, CCP_E_USAGE);
		cr_expect(strstr(err.text, quoted), "%s: %s", wrong[i], err.text);
	}
	cr_expect(ccp_inject_parse(&options, "from_job=5,until_job=5", &err) == -1);
	cr_expect_eq(options.from_job, 77, "an error leaves the options alone");
}

/* ---- delays ---------------------------------------------------------------------------------------------------- */

Test(inject, jobs_from_and_until)
{
	static const struct {
		const char *text;
		bool held[4]; /* seq 0, 4, 5, 8 */
	} cases[] = { { "read_delay_us=3", { true, true, true, true } },
		      { "read_delay_us=3,from_job=5", { false, false, true, true } },
		      { "read_delay_us=3,until_job=5", { true, true, false, false } },
		      { "read_delay_us=3,from_job=4,until_job=8", { false, true, true, false } } };
	static const uint64_t seqs[] = { 0, 4, 5, 8 };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ccp_inject *inject = inject_new(cases[i].text);

		for (size_t k = 0; k < 4; k++) {
			struct ccp_job job = { .seq = seqs[k] };

			cr_expect_eq(ccp_inject_delay(inject, CCP_READ, &job), cases[i].held[k] ? 3000 : 0, "%s: %zu",
				     cases[i].text, k);
			cr_expect_eq(ccp_inject_delay(inject, CCP_WORK, &job), 0);
		}
		ccp_inject_free(inject);
	}
}

Test(inject, none_is_nothing)
{
	struct ccp_job job = { .seq = 1 };

	cr_expect_eq(ccp_inject_delay(NULL, CCP_READ, &job), 0);
	ccp_inject_apply(NULL, CCP_READ, &job);
	ccp_inject_free(NULL);
}

/* A second for each job: the last one's share ends after all of them, however long the test itself has taken. */
static void expect_shares(uint64_t begun_ns, uint64_t delay_ns, uint64_t shares)
{
	cr_expect(delay_ns <= shares * SECOND, "%llu ns for %llu shares", (unsigned long long)delay_ns,
		  (unsigned long long)shares);
	cr_expect(now_ns(CLOCK_MONOTONIC) + delay_ns >= begun_ns + shares * SECOND, "%llu ns for %llu shares",
		  (unsigned long long)delay_ns, (unsigned long long)shares);
}

Test(inject, bandwidth_is_shared_by_stage)
{
	struct ccp_inject *inject = inject_new("read_bps=1000,write_bps=10");
	uint64_t begun_ns = now_ns(CLOCK_MONOTONIC);
	struct ccp_job job = { .piece = { .in.len = 1000, .out.len = 10 } };

	for (uint64_t i = 1; i <= 100; i++) {
		expect_shares(begun_ns, ccp_inject_delay(inject, CCP_READ, &job), i);
		if (i % 2 == 0)
			expect_shares(begun_ns, ccp_inject_delay(inject, CCP_WRITE, &job), i / 2);
		cr_expect_eq(ccp_inject_delay(inject, CCP_WORK, &job), 0);
	}
	ccp_inject_free(inject);
}

Test(inject, bandwidth_and_delay_add_up)
{
	struct ccp_inject *inject = inject_new("read_bps=1000,read_delay_us=5000000");
	struct ccp_job job = { .piece.in.len = 2000 };
	uint64_t first = ccp_inject_delay(inject, CCP_READ, &job);

	cr_expect_eq(first, 7 * SECOND);
	job.piece.in.len = 0;
	cr_expect(ccp_inject_delay(inject, CCP_READ, &job) <= first, "a job without bytes waits for those before it");
	ccp_inject_free(inject);
}

#define WORKERS 4
#define SHARES 5000

Test(inject, bandwidth_is_shared_by_processes)
{
	struct ccp_inject *inject = inject_new("read_bps=1000");
	struct ccp_job job = { .piece.in.len = 1000 };
	uint64_t begun_ns = now_ns(CLOCK_MONOTONIC);
	int status;

	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		cr_assert(pid >= 0);
		if (pid > 0)
			continue;
		for (int k = 0; k < SHARES; k++)
			ccp_inject_delay(inject, CCP_READ, &job);
		_exit(0);
	}
	for (int i = 0; i < WORKERS; i++)
		cr_assert(wait(&status) > 0 && status == 0);
	expect_shares(begun_ns, ccp_inject_delay(inject, CCP_READ, &job), WORKERS * SHARES + 1);
	ccp_inject_free(inject);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

Test(inject, apply_burns_and_sleeps_to_the_end)
{
	struct ccp_inject *inject = inject_new("work_cpu_us=3000,work_delay_us=30000");
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t wall_ns = now_ns(CLOCK_MONOTONIC), cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	struct ccp_job job = { .seq = 1 };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	ccp_inject_apply(inject, CCP_WORK, &job);
	setitimer(ITIMER_REAL, &never, NULL);
	wall_ns = now_ns(CLOCK_MONOTONIC) - wall_ns;
	cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	cr_expect(alarms > 0);
	cr_expect(cpu_ns >= 3000000, "%llu ns", (unsigned long long)cpu_ns);
	cr_expect(wall_ns >= 33000000, "%llu ns", (unsigned long long)wall_ns);
	ccp_inject_free(inject);
}

Test(inject, burn_does_not_wait)
{
	struct ccp_inject *inject = inject_new("read_cpu_us=2000,read_delay_us=3600000000,from_job=1");
	uint64_t cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	struct ccp_job job = { .seq = 1 };

	ccp_inject_burn(inject, CCP_READ, &job); /* an hour, if it did */
	cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	cr_expect(cpu_ns >= 2000000, "%llu ns", (unsigned long long)cpu_ns);
	ccp_inject_free(inject);
}
