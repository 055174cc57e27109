/*
 * profile_limit.c: the verdict: what limits the run, and what would help.
 *
 * Rules in order, the first that holds is told: too short to say; the CPUs are full, by us or by others; the workers
 * wait, and then where they wait most says for what; one worker does what cannot be split; the window is full.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/profile.h"

#define SHORT_S 0.02
#define SHORT_JOBS 4
#define FULL 0.85       /* share of the CPUs */
#define WAITS 0.25      /* share of the time */

const char *ccp_limit_name(enum ccp_limit limit)
{
	static const char *const names[] = {
		[CCP_LIMIT_NONE] = "none",         [CCP_LIMIT_CPU] = "cpu",
		[CCP_LIMIT_SERIAL_CPU] = "serial", [CCP_LIMIT_OTHERS] = "others",
		[CCP_LIMIT_SOURCE] = "source",     [CCP_LIMIT_WORK_WAITS] = "work_waits",
		[CCP_LIMIT_OUTPUT] = "output",     [CCP_LIMIT_ORDER] = "order",
		[CCP_LIMIT_DEGREE] = "degree",     [CCP_LIMIT_MEMORY] = "memory",
	};

	return names[limit];
}

static void say(struct ccp_profile *profile, enum ccp_limit limit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct ccp_profile *profile, enum ccp_limit limit, const char *format, ...)
{
	va_list args;

	profile->limit = limit;
	va_start(args, format);
	vsnprintf(profile->limit_text, sizeof profile->limit_text, format, args);
	va_end(args);
}

/* Bytes a second, for people. */
static const char *rate_text(double rate, char text[32])
{
	if (rate >= 1e9)
		snprintf(text, 32, "%.1f GB/s", rate / 1e9);
	else
		snprintf(text, 32, "%.0f MB/s", rate / 1e6);
	return text;
}

static bool judge_cpu(struct ccp_profile *p, double rate)
{
	unsigned cpus = p->host.cpus;
	double used = (p->user_s + p->sys_s) / (p->wall_s * cpus);
	double others = p->external_load > 0 ? p->external_load / cpus : 0;
	double runq = p->all.busy[CCP_METER_WORK].runq / fmax(1, p->all.busy[CCP_METER_WORK].wall);
	char now[32], then[32];

	if (used > FULL) {
		p->ceiling_rate = rate / fmin(1, used);
		say(p, CCP_LIMIT_CPU,
		    "CPU: %u of %u busy %.0f %%; tuning could bring %s at most, twice the CPUs about %s; more workers "
		    "will not help", cpus, cpus, fmin(1, used) * 100, rate_text(p->ceiling_rate, now),
		    rate_text(2 * p->ceiling_rate, then));
		return true;
	}
	if (used + others > FULL && others > 0.15 && runq > 0.1) {
		p->ceiling_rate = used > 0 ? rate / used : 0;
		say(p, CCP_LIMIT_OTHERS, "CPU, taken by others: they use %.1f of %u CPUs; alone it could be %s",
		    p->external_load, cpus, rate_text(p->ceiling_rate, now));
		return true;
	}
	return false;
}

/*
 * The stage that waits most, as a share of the time that those who could be in it had: all of its workers, or one where
 * the order lets in no more. -1 if none waits much.
 */
static int waiting_stage(const struct ccp_profile *p, double *share)
{
	int found = -1;

	*share = WAITS;
	for (int s = 0; s < CCP_STAGES; s++) {
		bool one = (s == CCP_WRITE && p->shared_output) || (s == CCP_READ && p->facts.stream);
		double at_once = one || p->stage[s].degree_mean < 1 ? 1 : p->stage[s].degree_mean;
		double waits = p->stage[s].time.blocked / (p->wall_s * 1e9 * at_once);

		if (waits > *share) {
			*share = fmin(waits, 1);
			found = s;
		}
	}
	return found;
}

static bool judge_waits(struct ccp_profile *p)
{
	double share;
	int s = waiting_stage(p, &share);
	const struct ccp_profile_stage *stage = s >= 0 ? &p->stage[s] : NULL;

	if (s < 0)
		return false;
	if (s == CCP_READ && p->facts.stream)
		say(p, CCP_LIMIT_SOURCE, "the input: a pipe that gives no more; reading waits %.0f %% of its time",
		    share * 100);
	else if (s == CCP_READ && stage->degree < 4 && !p->automatic)
		say(p, CCP_LIMIT_DEGREE, "reading waits %.0f %% of the time, and %u read: --readers=16, or auto, would "
		    "wait for many at once", share * 100, stage->degree);
	else if (s == CCP_READ)
		say(p, CCP_LIMIT_SOURCE, "the source: reading waits %.0f %% of its time with %u at once; faster "
		    "storage would help", share * 100, stage->degree);
	else if (s == CCP_WORK)
		say(p, CCP_LIMIT_WORK_WAITS, "the transform waits %.0f %% of its time with %u at once%s", share * 100,
		    stage->degree, p->automatic ? "" : ": more workers (-j) would help");
	else
		say(p, CCP_LIMIT_OUTPUT, "the output: writing waits %.0f %% of its time; a faster target would help",
		    share * 100);
	return true;
}

void ccp_profile_judge(struct ccp_profile *p)
{
	double rate = p->wall_s > 0 ? (double)p->bytes_in / p->wall_s : 0;
	const struct ccp_profile_exec *reader = &p->exec[p->stage[CCP_READ].exec];
	double unparked = reader->sum.life - reader->sum.parked;
	char text[32];

	if (p->wall_s < SHORT_S || p->jobs < SHORT_JOBS) {
		say(p, CCP_LIMIT_NONE, "too short to say: %llu chunk%s in %.1f ms", (unsigned long long)p->jobs,
		    p->jobs == 1 ? "" : "s", p->wall_s * 1e3);
		return;
	}
	if (judge_cpu(p, rate) || judge_waits(p))
		return;
	if (p->stage[CCP_WORK].degree == 1 && p->stage[CCP_WORK].fused_with_previous) {
		p->ceiling_rate = rate * p->host.cpus;
		say(p, CCP_LIMIT_SERIAL_CPU, "one worker does everything%s; %u CPUs could bring up to %s",
		    p->automatic ? "" : " (your choice)", p->host.cpus, rate_text(p->ceiling_rate, text));
		return;
	}
	if (p->sequential && p->inputs_done < p->stage[CCP_WORK].degree) {
		say(p, CCP_LIMIT_SERIAL_CPU, "one input's %s goes in order, and there %s %llu: more inputs at once "
		    "would use more CPUs", p->transform ? p->transform : "work", p->inputs_done == 1 ? "was" : "were",
		    (unsigned long long)p->inputs_done);
		return;
	}
	if (unparked > 0 && reader->sum.wait_out / unparked > WAITS && !p->automatic) {
		size_t window = p->decided && p->final.window > 0 ? p->final.window : p->plan.window;
		bool order = p->shared_output && p->stage[CCP_WRITE].utilisation * p->stage[CCP_WRITE].degree > 0.8;

		say(p, order ? CCP_LIMIT_ORDER : CCP_LIMIT_MEMORY,
		    order ? "one output, written in order, by one at a time: it is busy all the time"
			  : "the window of %zu chunks is full %.0f %% of the time: --window or --max-mem lets more in",
		    window, reader->sum.wait_out / unparked * 100);
		return;
	}
	say(p, CCP_LIMIT_NONE, "nothing in particular: the CPUs are busy %.0f %%, no stage waits much",
	    (p->user_s + p->sys_s) / (p->wall_s * p->host.cpus) * 100);
}
