/*
 * inject.c: see inject.h.
 *
 * CPU is burnt until the thread's own CPU clock says so, so that a busy machine does not make it less. A bandwidth is
 * one point in time for each stage, in memory that all workers share: when the device is free again. A job takes its
 * share by moving that point on by bytes / bandwidth, with compare-exchange, and waits until its own share has ended:
 * so any number of workers together get the bandwidth, and none of them waits for a lock.
 */
#include "pipeline/inject.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "pipeline/plan.h"

#define SECOND_NS UINT64_C(1000000000)
#define TIME_MAX_US (UINT64_C(3600) * 1000000) /* more is a slip of the pen; sums of it do not overflow */
#define SHARE_MAX_NS 1e15                      /* 11 days: a bandwidth of next to nothing */

struct ccp_inject {
	/* set before the run */
	struct ccp_inject_options options;
	/* shared by all workers. Units: ns of CLOCK_MONOTONIC */
	_Atomic uint64_t free_ns[CCP_STAGES];
};

enum kind { KIND_TIME, KIND_SIZE, KIND_JOB };

#define AT(field) offsetof(struct ccp_inject_options, field)

static const struct word {
	const char *name;
	enum kind kind;
	size_t at; /* of a uint64_t in struct ccp_inject_options */
} words[] = {
	{ "read_delay_us", KIND_TIME, AT(delay_us[CCP_READ]) },
	{ "work_delay_us", KIND_TIME, AT(delay_us[CCP_WORK]) },
	{ "write_delay_us", KIND_TIME, AT(delay_us[CCP_WRITE]) },
	{ "read_cpu_us", KIND_TIME, AT(cpu_us[CCP_READ]) },
	{ "work_cpu_us", KIND_TIME, AT(cpu_us[CCP_WORK]) },
	{ "write_cpu_us", KIND_TIME, AT(cpu_us[CCP_WRITE]) },
	{ "read_bps", KIND_SIZE, AT(bps[CCP_READ]) },
	{ "write_bps", KIND_SIZE, AT(bps[CCP_WRITE]) },
	{ "from_job", KIND_JOB, AT(from_job) },
	{ "until_job", KIND_JOB, AT(until_job) },
};

#define WORDS (sizeof words / sizeof *words)

/* ---- the text -------------------------------------------------------------------------------------------------- */

static int unknown(const char *word, struct ccp_err *err)
{
	char list[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < WORDS && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", words[i].name);
	return ccp_err_set(err, CCP_E_USAGE, "--inject: '%s' is not NAME=NUMBER with one of %s", word, list);
}

/* A whole number, and nothing after it. */
static int parse_number(const char *text, uint64_t most, uint64_t *number)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text)) /* strtoull would take spaces and signs */
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > most)
		return -1;
	*number = value;
	return 0;
}

/* "NAME=NUMBER" */
static int parse_word(struct ccp_inject_options *options, const char *text, struct ccp_err *err)
{
	static const char *const what[] = {
		[KIND_TIME] = "a number of microseconds, at most an hour",
		[KIND_SIZE] = "a number of bytes a second (with K, M or G)",
		[KIND_JOB] = "the number of a job",
	};
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	for (size_t i = 0; equals && i < WORDS; i++) {
		const struct word *word = &words[i];
		uint64_t *field = (uint64_t *)(void *)((char *)options + word->at);
		int result;

		if (strlen(word->name) != len || memcmp(word->name, text, len) != 0)
			continue;
		if (word->kind == KIND_SIZE)
			result = ccp_size_parse(equals + 1, field);
		else
			result = parse_number(equals + 1, word->kind == KIND_TIME ? TIME_MAX_US : UINT64_MAX, field);
		if (result == 0)
			return 0;
		return ccp_err_set(err, CCP_E_USAGE, "--inject: '%s' is not %s", text, what[word->kind]);
	}
	return unknown(text, err);
}

int ccp_inject_parse(struct ccp_inject_options *options, const char *text, struct ccp_err *err)
{
	struct ccp_inject_options read = { .from_job = 0 };
	char word[64]; /* longer than any that is right */

	for (;;) {
		size_t len = strcspn(text, ",");
		size_t kept = len < sizeof word ? len : sizeof word - 1;

		memcpy(word, text, kept);
		word[kept] = '\0';
		if (kept < len)
			return unknown(word, err);
		if (parse_word(&read, word, err) < 0)
			return -1;
		if (!text[len])
			break;
		text += len + 1;
	}
	if (read.until_job > 0 && read.until_job <= read.from_job)
		return ccp_err_set(err, CCP_E_USAGE, "--inject: until_job=%llu is not after from_job=%llu",
				   (unsigned long long)read.until_job, (unsigned long long)read.from_job);
	*options = read;
	return 0;
}

/* ---- delays ---------------------------------------------------------------------------------------------------- */

int ccp_inject_new(struct ccp_inject **out, const struct ccp_inject_options *options, struct ccp_err *err)
{
	struct ccp_inject *inject;

	inject = mmap(NULL, sizeof *inject, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inject == MAP_FAILED)
		return ccp_err_sys(err, errno, "no memory for injected delays");
	inject->options = *options;
	*out = inject;
	return 0;
}

void ccp_inject_free(struct ccp_inject *inject)
{
	if (inject)
		munmap(inject, sizeof *inject);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static bool concerns(const struct ccp_inject *inject, const struct ccp_job *job)
{
	const struct ccp_inject_options *options = &inject->options;

	return job->seq >= options->from_job && (options->until_job == 0 || job->seq < options->until_job);
}

/* Takes the share of a job of so many bytes. Returns how long it is until the share ends. */
static uint64_t share_ns(struct ccp_inject *inject, enum ccp_stage stage, size_t bytes)
{
	double exact = (double)bytes * (double)SECOND_NS / (double)inject->options.bps[stage];
	uint64_t own = (uint64_t)(exact < SHARE_MAX_NS ? exact : SHARE_MAX_NS);
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint64_t free_at = atomic_load(&inject->free_ns[stage]), end;

	do
		end = (free_at > now ? free_at : now) + own;
	while (!atomic_compare_exchange_weak(&inject->free_ns[stage], &free_at, end));
	return end - now;
}

uint64_t ccp_inject_delay(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job)
{
	uint64_t delay_ns;

	if (!inject || !concerns(inject, job))
		return 0;
	delay_ns = inject->options.delay_us[stage] * 1000;
	if (inject->options.bps[stage] > 0)
		delay_ns += share_ns(inject, stage, stage == CCP_WRITE ? job->piece.out.len : job->piece.in.len);
	return delay_ns;
}

void ccp_inject_burn(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job)
{
	uint64_t end;

	if (!inject || inject->options.cpu_us[stage] == 0 || !concerns(inject, job))
		return;
	end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + inject->options.cpu_us[stage] * 1000;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

void ccp_inject_apply(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job)
{
	struct timespec until;
	uint64_t delay_ns, end;

	ccp_inject_burn(inject, stage, job);
	delay_ns = ccp_inject_delay(inject, stage, job);
	if (delay_ns == 0)
		return;
	end = clock_ns(CLOCK_MONOTONIC) + delay_ns;
	until = (struct timespec){ .tv_sec = (time_t)(end / SECOND_NS), .tv_nsec = (long)(end % SECOND_NS) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}
