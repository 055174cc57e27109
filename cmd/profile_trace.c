/*
 * profile_trace.c: what every worker did when, as a trace of events in JSON, for ui.perfetto.dev and chrome://tracing.
 *
 * A worker is a thread of its process: tid is the number of its account, counted from 1, since one thread can have had
 * several accounts. Its spans are complete events (X). The operations of an event loop overlap, so that they are
 * asynchronous (a pair of b and e with an id of its own). A chunk that goes from one worker to another takes an arrow
 * along (s to f). Degrees, slots, throughput and CPUs are counters (C), one value a tick; decisions are instants (i).
 *
 * Times are microseconds since the run began, with three digits after the point.
 *
 * Source: "Trace Event Format", the Chromium project.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/profile.h"
#include "cmd/profile_words.h"
#include "cmd/text.h"
#include "version.h"

#define RUN_TRACK (CCP_METER_ACCOUNTS + 1) /* tid of what happens to the run as a whole */
#define HOPS_MAX ((size_t)1 << 18)         /* chunks' stages that arrows are looked for in: 10 MiB */

/* A stage of a chunk: where an arrow may begin or end. */
struct hop {
	uint64_t seq, begin_ns, length_ns;
	int pid;
	unsigned tid;
	uint8_t stage;
};

struct trace {
	FILE *out;
	const struct ccp_profile *profile;
	bool comma;
	uint64_t id;                 /* of the last asynchronous event */
	struct hop *hops;            /* NULL = no arrows */
	size_t hop_count, spans;
	/* the worker whose spans are being visited */
	int pid;
	unsigned tid;
};

/* Begins an event on a line of its own; `}` is still to come. */
static void event(struct trace *trace, const char *phase, int pid, unsigned tid)
{
	fprintf(trace->out, "%s\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%u", trace->comma ? "," : "", phase, pid, tid);
	trace->comma = true;
}

/* A time as a member. Units: ns. */
static void time_of(struct trace *trace, const char *key, uint64_t ns)
{
	fprintf(trace->out, ",\"%s\":%" PRIu64 ".%03u", key, ns / 1000, (unsigned)(ns % 1000));
}

static void text_of(struct trace *trace, const char *key, const char *text)
{
	fprintf(trace->out, ",\"%s\":", key);
	ccp_text_json(trace->out, text);
}

/* Names a process, or one of its threads, for the viewer. */
static void metadata(struct trace *trace, int pid, unsigned tid, const char *what, const char *name)
{
	event(trace, "M", pid, tid);
	fprintf(trace->out, ",\"name\":\"%s\",\"args\":{\"name\":", what);
	ccp_text_json(trace->out, name);
	fputs("}}", trace->out);
}

static bool is_used(const struct ccp_meter_account *account)
{
	return atomic_load(&account->strategy) != NULL && atomic_load(&account->begun_ns) != 0;
}

static int pid_of(const struct ccp_meter_account *account)
{
	int pid = atomic_load(&account->pid);

	return pid > 0 ? pid : (int)getpid();
}

static void write_names(struct trace *trace, const struct ccp_meter_account *accounts, size_t count)
{
	char name[120];

	metadata(trace, (int)getpid(), RUN_TRACK, "process_name", "ccpipe");
	metadata(trace, (int)getpid(), RUN_TRACK, "thread_name", "run");
	for (size_t i = 0; i < count; i++) {
		const struct ccp_meter_account *account = &accounts[i];
		bool new_process = pid_of(account) != getpid();

		if (!is_used(account))
			continue;
		for (size_t k = 0; k < i && new_process; k++)
			new_process = !is_used(&accounts[k]) || pid_of(&accounts[k]) != pid_of(account);
		if (new_process) {
			snprintf(name, sizeof name, "ccpipe worker (%s)", atomic_load(&account->strategy));
			metadata(trace, pid_of(account), (unsigned)i + 1, "process_name", name);
		}
		snprintf(name, sizeof name, "%s %u #%u (thread %d)", atomic_load(&account->strategy), account->exec,
			 account->number, atomic_load(&account->tid));
		metadata(trace, pid_of(account), (unsigned)i + 1, "thread_name", name);
		event(trace, "M", pid_of(account), (unsigned)i + 1);
		fprintf(trace->out, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}",
			account->exec * CCP_METER_ACCOUNTS + account->number);
	}
}

/* Cuts off what lies before the run. */
static void clip(const struct trace *trace, const struct ccp_span *span, uint64_t *begin, uint64_t *length)
{
	uint64_t zero = trace->profile->begun_ns, end = span->begin_ns + span->length_ns;

	*begin = span->begin_ns > zero ? span->begin_ns - zero : 0;
	*length = end > zero ? end - zero - *begin : 0;
}

static void job_of(struct trace *trace, const struct ccp_span *span)
{
	if (span->seq != UINT64_MAX)
		fprintf(trace->out, ",\"args\":{\"chunk\":%" PRIu64 ",\"bytes\":%" PRIu32 "}", span->seq, span->bytes);
	fputc('}', trace->out);
}

static void write_span(void *arg, const struct ccp_span *span)
{
	struct trace *trace = arg;
	const char *name;
	uint64_t begin, length;

	if (span->state >= CCP_METER_STATES)
		return;
	name = ccp_meter_state_name((enum ccp_meter_state)span->state);
	clip(trace, span, &begin, &length);
	if (span->overlaps) {
		trace->id++;
		for (int end = 0; end < 2; end++) {
			event(trace, end ? "e" : "b", trace->pid, trace->tid);
			fprintf(trace->out, ",\"cat\":\"io\",\"id\":\"0x%" PRIx64 "\",\"name\":\"%s\"", trace->id,
				name);
			time_of(trace, "ts", begin + (end ? length : 0));
			end ? (void)fputc('}', trace->out) : job_of(trace, span);
		}
		return;
	}
	event(trace, "X", trace->pid, trace->tid);
	fprintf(trace->out, ",\"cat\":\"%s\",\"name\":\"%s\"", span->state < CCP_METER_BUSY ? name : "wait", name);
	time_of(trace, "ts", begin);
	time_of(trace, "dur", length);
	job_of(trace, span);
	if (trace->hops != NULL && trace->hop_count < HOPS_MAX && span->state < CCP_STAGES && span->seq != UINT64_MAX)
		trace->hops[trace->hop_count++] = (struct hop){ span->seq, begin, length, trace->pid, trace->tid,
								span->state };
}

static void count_span(void *arg, const struct ccp_span *span)
{
	(void)span;
	((struct trace *)arg)->spans++;
}

/* Of one chunk, in the order of their time. */
static int compare_hops(const void *left, const void *right)
{
	const struct hop *a = left, *b = right;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->begin_ns < b->begin_ns ? -1 : a->begin_ns > b->begin_ns;
}

/* An end of an arrow binds to the span around it: the first lies in the middle of one, the second where one begins. */
static void write_arrows(struct trace *trace)
{
	qsort(trace->hops, trace->hop_count, sizeof *trace->hops, compare_hops);
	for (size_t i = 1; i < trace->hop_count; i++) {
		const struct hop *from = &trace->hops[i - 1], *to = &trace->hops[i];

		if (from->seq != to->seq || from->stage >= to->stage || from->tid == to->tid ||
		    from->begin_ns + from->length_ns > to->begin_ns)
			continue;
		trace->id++;
		event(trace, "s", from->pid, from->tid);
		fprintf(trace->out, ",\"cat\":\"chunk\",\"name\":\"chunk\",\"id\":\"0x%" PRIx64 "\"", trace->id);
		time_of(trace, "ts", from->begin_ns + from->length_ns / 2);
		fputc('}', trace->out);
		event(trace, "f", to->pid, to->tid);
		fprintf(trace->out, ",\"bp\":\"e\",\"cat\":\"chunk\",\"name\":\"chunk\",\"id\":\"0x%" PRIx64 "\"",
			trace->id);
		time_of(trace, "ts", to->begin_ns);
		fputc('}', trace->out);
	}
}

static void counter(struct trace *trace, const char *name, uint64_t t_ns)
{
	event(trace, "C", (int)getpid(), RUN_TRACK);
	text_of(trace, "name", name);
	time_of(trace, "ts", t_ns);
	fputs(",\"args\":{", trace->out);
}

static double rate(uint64_t later, uint64_t earlier, double seconds)
{
	return later > earlier ? (double)(later - earlier) / seconds : 0;
}

static void write_counters(struct trace *trace)
{
	const struct ccp_profile *profile = trace->profile;

	for (unsigned i = 0; i < profile->ticks && i < CCP_PROFILE_TICKS; i++) {
		const struct ccp_tick *tick = &profile->tick[i];
		struct ccp_tick start = { 0 };
		const struct ccp_tick *last = i > 0 ? tick - 1 : &start;
		double seconds = (double)(tick->t_ns - last->t_ns) / 1e9;

		counter(trace, "degree", tick->t_ns);
		for (int s = 0; s < CCP_STAGES; s++)
			fprintf(trace->out, "%s\"%s\":%u", s > 0 ? "," : "", ccp_stage_name((enum ccp_stage)s),
				tick->degree[s]);
		fputs("}}", trace->out);
		counter(trace, "slots in use", tick->t_ns);
		fprintf(trace->out, "\"slots\":%u}}", tick->live);
		if (tick->t_ns <= last->t_ns)
			continue;
		/* a counter holds from its time on: what was measured since the last tick stands at that one */
		counter(trace, "throughput, MB/s", last->t_ns);
		fprintf(trace->out, "\"in\":%.3f,\"out\":%.3f}}",
			rate(tick->bytes_in, last->bytes_in, seconds) / 1e6,
			rate(tick->bytes_out, last->bytes_out, seconds) / 1e6);
		counter(trace, "CPUs busy", last->t_ns);
		fprintf(trace->out, "\"cpus\":%.3f}}", rate(tick->cpu_ns, last->cpu_ns, seconds * 1e9));
	}
}

static void instant(struct trace *trace, const char *name, uint64_t t_ns, const char *why)
{
	event(trace, "i", (int)getpid(), RUN_TRACK);
	fputs(",\"s\":\"p\",\"cat\":\"auto\"", trace->out);
	text_of(trace, "name", name);
	time_of(trace, "ts", t_ns);
	fputs(",\"args\":{\"why\":", trace->out);
	ccp_text_json(trace->out, why);
	fputs("}}", trace->out);
}

static void write_decisions(struct trace *trace)
{
	const struct ccp_profile *profile = trace->profile;
	char name[300], stages[CCP_WORDS_TEXT], text[200];

	if (profile->decided) {
		struct ccp_words why = { 0 };

		ccp_words_add_reasons(&why, &profile->decision, -2);
		ccp_decision_text(&profile->decision, text, sizeof text);
		snprintf(name, sizeof name, "auto: %s", text);
		instant(trace, name, profile->probe_s > 0 ? (uint64_t)(profile->probe_s * 1e9) : 0, why.text);
	}
	for (unsigned i = 0; i < profile->changes && i < CCP_PROFILE_CHANGES; i++) {
		const struct ccp_change *change = &profile->change[i];

		snprintf(name, sizeof name, "%s: %s -> %s%s", ccp_words_stages(change->stages, stages), change->from,
			 change->to, change->judged && !change->kept ? " (undone)" : "");
		ccp_reason_text(&change->reason, text, sizeof text);
		if (change->from[0] != '\0') /* else it is the first plan: see above */
			instant(trace, name, change->t_ns, text);
	}
}

static void write_head(struct trace *trace, uint64_t dropped)
{
	const struct ccp_profile *profile = trace->profile;

	fputs("{\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"program\":\"ccpipe\"", trace->out);
	text_of(trace, "version", CCP_VERSION);
	text_of(trace, "transform", profile->transform != NULL ? profile->transform : "");
	text_of(trace, "limit", profile->limit_text);
	fprintf(trace->out, ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64, profile->bytes_in, profile->bytes_out);
	fprintf(trace->out, ",\"spans\":%zu,\"dropped_spans\":%" PRIu64, trace->spans, dropped);
	fputs("},\n\"traceEvents\":[", trace->out);
}

int ccp_profile_write_trace(FILE *out, const struct ccp_profile *profile)
{
	struct trace trace = { .out = out, .profile = profile };
	struct ccp_meter_account *accounts = NULL;
	size_t count = 0;
	uint64_t dropped = 0;

	if (profile->meter != NULL)
		accounts = ccp_meter_accounts(profile->meter, &count);
	for (size_t i = 0; i < count; i++)
		dropped += ccp_meter_spans(profile->meter, &accounts[i], count_span, &trace);
	trace.hops = malloc((trace.spans < HOPS_MAX ? trace.spans + 1 : HOPS_MAX) * sizeof *trace.hops);

	write_head(&trace, dropped);
	write_names(&trace, accounts, count);
	for (size_t i = 0; i < count; i++) {
		if (!is_used(&accounts[i]))
			continue;
		trace.pid = pid_of(&accounts[i]);
		trace.tid = (unsigned)i + 1;
		ccp_meter_spans(profile->meter, &accounts[i], write_span, &trace);
	}
	if (trace.hops != NULL)
		write_arrows(&trace);
	write_counters(&trace);
	write_decisions(&trace);
	fputs("\n]}\n", out);
	free(trace.hops);
	return ferror(out) ? -1 : 0;
}
