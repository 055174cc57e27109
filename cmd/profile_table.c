/*
 * profile_table.c: the table of --profile: a row a stage, where the time of each executor's workers went, what limits
 * the run, and what auto did. At most CCP_PROFILE_COLUMNS wide: rows by their layout, all other lines are wrapped.
 */
#include <math.h>
#include <string.h>

#include "cmd/profile.h"
#include "cmd/profile_words.h"
#include "cmd/text.h"

#define INDENT 7 /* of what belongs to a word of the first column */
#define COLOUR_ON "\033[1;33m"
#define COLOUR_OFF "\033[0m"

int ccp_profile_bottleneck(const struct ccp_profile *profile)
{
	int slowest = -1;

	switch (profile->limit) {
	case CCP_LIMIT_NONE:
		return -1;
	case CCP_LIMIT_SOURCE:
		return CCP_READ;
	case CCP_LIMIT_WORK_WAITS:
		return CCP_WORK;
	case CCP_LIMIT_OUTPUT:
	case CCP_LIMIT_ORDER:
		return CCP_WRITE;
	default:
		break;
	}
	/* a stage that would be slowest alone is what all others wait for */
	for (int i = 0; i < CCP_STAGES; i++) {
		double rate = profile->stage[i].rate_alone;

		if (isfinite(rate) && rate > 0 && (slowest < 0 || rate < profile->stage[slowest].rate_alone))
			slowest = i;
	}
	return slowest;
}

static bool is_fused(const struct ccp_profile *profile, int stage)
{
	for (int i = 0; i < CCP_STAGES; i++)
		if (i != stage && profile->stage[i].exec == profile->stage[stage].exec)
			return true;
	return false;
}

static const char *percent_text(double share, char *text, size_t room)
{
	if (isfinite(share) && share >= 0)
		snprintf(text, room, "%.0f%%", 100 * fmin(share, 1));
	else
		snprintf(text, room, "-");
	return text;
}

/* "302 / 341 us": both in the unit that suits the second. */
static const char *service_text(const struct ccp_profile_stage *stage, char *text, size_t room)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double first = stage->p50_ns, second = stage->p95_ns;
	size_t unit = 0;

	if (stage->jobs == 0 || !isfinite(first) || !isfinite(second)) {
		snprintf(text, room, "-");
		return text;
	}
	while (second >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
		first /= 1000;
		second /= 1000;
		unit++;
	}
	snprintf(text, room, "%.*f / %.*f %s", unit == 0 || first >= 9.95 ? 0 : first >= 0.95 ? 1 : 2, first,
		 unit == 0 || second >= 9.95 ? 0 : 1, second, units[unit]);
	return text;
}

static void print_stage(FILE *out, const struct ccp_profile *profile, int number, bool slowest, bool colour)
{
	const struct ccp_profile_stage *stage = &profile->stage[number];
	double parts[3] = { stage->time.cpu, stage->time.runq, stage->time.blocked };
	char degree[12], util[12], share[3][12], service[40], rate[CCP_WORDS_TEXT + 2], class[CCP_WORDS_TEXT];
	unsigned percent[3];

	ccp_words_percent(parts, 3, percent);
	for (int i = 0; i < 3; i++)
		if (percent[0] + percent[1] + percent[2] > 0)
			snprintf(share[i], sizeof share[i], "%u%%", percent[i]);
		else
			snprintf(share[i], sizeof share[i], "-");
	snprintf(degree, sizeof degree, "%u%s", stage->degree, is_fused(profile, number) ? "*" : "");
	if (isfinite(stage->rate_alone) && stage->rate_alone > 0)
		snprintf(rate, sizeof rate, "%s/s", ccp_words_amount(stage->rate_alone, class));
	else
		snprintf(rate, sizeof rate, "-");
	ccp_words_class(stage->class, stage->share, class);
	fprintf(out, "%s%-5.5s %-8.8s%4.4s%5s%5s%5s%6s %17.17s %13.13s  %s%s%s\n", colour && slowest ? COLOUR_ON : "",
		ccp_stage_name((enum ccp_stage)number), stage->strategy != NULL ? stage->strategy : "-", degree,
		percent_text(stage->utilisation, util, sizeof util), share[0], share[1], share[2],
		service_text(stage, service, sizeof service), rate, class, slowest ? " < bottleneck" : "",
		colour && slowest ? COLOUR_OFF : "");
}

static void print_stages(FILE *out, const struct ccp_profile *profile, bool colour)
{
	int slowest = ccp_profile_bottleneck(profile);
	bool fused = false;

	fprintf(out, "%-5s %-8s%4s%5s%5s%5s%6s %17s %13s  %s\n", "stage", "strategy", "n", "util", "cpu", "runq",
		"block", "svc/chunk p50/p95", "rate if alone", "verdict");
	for (int i = 0; i < CCP_STAGES; i++) {
		print_stage(out, profile, i, i == slowest, colour);
		fused = fused || is_fused(profile, i);
	}
	if (fused)
		fprintf(out, "%*s(* the same workers carry a chunk through)\n", INDENT, "");
}

/* "workers omp x2: read 2% work 90% write 3% hub 1% waiting in 3% out 1% parked 0%" */
static void print_workers(FILE *out, const struct ccp_profile *profile)
{
	static const char *const names[CCP_METER_STATES] = { "read", "work", "write", "hub",
								     "waiting in", "out", "parked" };

	for (unsigned i = 0; i < profile->execs && i < CCP_PROFILE_EXECS; i++) {
		const struct ccp_profile_exec *exec = &profile->exec[i];
		double time[CCP_METER_STATES] = { [CCP_METER_WAIT_IN] = exec->sum.wait_in,
						  [CCP_METER_WAIT_OUT] = exec->sum.wait_out,
						  [CCP_METER_PARKED] = exec->sum.parked };
		struct ccp_words words = { 0 };
		unsigned percent[CCP_METER_STATES], sum = 0;

		for (int s = 0; s < CCP_METER_BUSY; s++)
			time[s] = exec->sum.busy[s].wall;
		ccp_words_percent(time, CCP_METER_STATES, percent);
		ccp_words_add(&words, "workers %s x%u:", exec->strategy != NULL ? exec->strategy : "-", exec->degree);
		for (int s = 0; s < CCP_METER_STATES; s++) {
			ccp_words_add(&words, " %s %u%%", names[s], percent[s]);
			sum += percent[s];
		}
		if (sum > 0)
			ccp_words_print(out, &words, INDENT);
	}
}

/* "ccpipe profile  1.00 GB in, 212 MB out, 4096 chunks   wall 3.41 s   293 MB/s   CPU 6.52 s (96% of 2)" */
static void print_head(FILE *out, const struct ccp_profile *profile, const char *program)
{
	double cpu = profile->user_s + profile->sys_s, wall = profile->wall_s;
	unsigned cpus = profile->host.cpus > 0 ? profile->host.cpus : 1;
	char in[CCP_WORDS_TEXT], produced[CCP_WORDS_TEXT], time[CCP_WORDS_TEXT], rate[CCP_WORDS_TEXT];
	struct ccp_words words = { 0 };

	ccp_words_add(&words, "%s profile  %s in, %s out, %llu chunk%s   wall %s", program,
		      ccp_words_amount((double)profile->bytes_in, in),
		      ccp_words_amount((double)profile->bytes_out, produced), (unsigned long long)profile->jobs,
		      profile->jobs == 1 ? "" : "s", ccp_words_duration(wall, time));
	if (wall > 0)
		ccp_words_add(&words, "   %s/s", ccp_words_amount((double)profile->bytes_in / wall, rate));
	ccp_words_add(&words, "   CPU %s", ccp_words_duration(cpu, time));
	if (wall > 0)
		ccp_words_add(&words, " (%.0f%% of %u)", 100 * cpu / (wall * cpus), cpus);
	if (profile->cancelled)
		ccp_words_add(&words, "   cancelled");
	ccp_words_print(out, &words, INDENT);
}

static void print_window(FILE *out, const struct ccp_profile *profile)
{
	/* with auto the plan's is only the largest that there may be */
	size_t window = profile->decided && profile->final.window > 0 ? profile->final.window : profile->plan.window;
	char used[CCP_SIZE_TEXT], budget[CCP_SIZE_TEXT];
	struct ccp_words words = { 0 };

	ccp_words_add(&words, "window %zu slot%s%s, %.1f in use on average, %u at most; buffers %s of %s", window,
		      window == 1 ? "" : "s", profile->live_max > window ? " at the end" : "", profile->live_mean,
		      profile->live_max, ccp_text_size(profile->buffers, used),
		      ccp_text_size(profile->plan.max_mem, budget));
	ccp_words_print(out, &words, INDENT);
}

static void add_pressure(struct ccp_words *words, const struct ccp_profile *profile)
{
	const struct {
		const char *name;
		double seconds;
	} list[] = { { "cpu", profile->psi_cpu_s }, { "io", profile->psi_io_s }, { "memory", profile->psi_mem_s } };
	const char *joint = "; pressure";
	char time[CCP_WORDS_TEXT];

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		if (isfinite(list[i].seconds) && list[i].seconds >= 0) {
			ccp_words_add(words, "%s %s %s", joint, list[i].name,
				      ccp_words_duration(list[i].seconds, time));
			joint = "";
		}
}

/* "CPU    util 96% of 2, run queue 2%, others 0.1 CPUs; memory peak 19 MiB; pressure cpu 100 ms io 0 s memory 0 s" */
static void print_system(FILE *out, const struct ccp_profile *profile)
{
	unsigned cpus = profile->host.cpus > 0 ? profile->host.cpus : 1;
	double cpu = 0, runq = 0;
	char text[CCP_WORDS_TEXT];
	struct ccp_words words = { 0 };
	const char *joint = "";

	for (int i = 0; i < CCP_METER_BUSY; i++) {
		cpu += profile->all.busy[i].cpu;
		runq += profile->all.busy[i].runq;
	}
	ccp_words_add(&words, "%-*s", INDENT, "CPU");
	if (profile->wall_s > 0) {
		ccp_words_add(&words, "util %.0f%% of %u",
			      100 * (profile->user_s + profile->sys_s) / (profile->wall_s * cpus), cpus);
		joint = ", ";
	}
	if (cpu + runq > 0) {
		ccp_words_add(&words, "%srun queue %.0f%%", joint, 100 * runq / (cpu + runq));
		joint = ", ";
	}
	if (profile->host.cpu_quota > 0 || profile->throttled_ns > 0) {
		ccp_words_add(&words, "%sthrottled %s", joint,
			      ccp_words_duration((double)profile->throttled_ns / 1e9, text));
		joint = ", ";
	}
	if (isfinite(profile->external_load) && profile->external_load >= 0) {
		ccp_words_add(&words, "%sothers %.1f CPUs", joint, profile->external_load);
		joint = ", ";
	}
	if (profile->peak_rss > 0)
		ccp_words_add(&words, "%smemory peak %s", joint[0] != '\0' ? "; " : "",
			      ccp_text_size(profile->peak_rss, text));
	add_pressure(&words, profile);
	ccp_words_print(out, &words, INDENT);
}

/* "ahead  170 of 276 chunks were begun before their turn, 150 of these rightly" */
static void print_ahead(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_words words = { 0 };

	if (!profile->goes_ahead || profile->jobs < 2)
		return;
	ccp_words_add(&words, "%-*s", INDENT, "ahead");
	if (profile->ahead == 0)
		ccp_words_add(&words, "no chunk was begun before its turn: one worker at a time decoded each input");
	else
		ccp_words_add(&words, "%llu of %llu chunks were begun before their turn, %llu of these rightly",
			      (unsigned long long)profile->ahead, (unsigned long long)profile->jobs,
			      (unsigned long long)profile->ahead_used);
	ccp_words_print(out, &words, INDENT);
}

/* "net    64 ahead (learned; 128 gave 3% more), 64 at once, 64 a host, 0 refused" */
static void print_network(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_words words = { 0 };

	if (profile->network.at_once == 0)
		return;
	ccp_words_add(&words, "%-*s", INDENT, "net");
	ccp_words_add_network(&words, &profile->network);
	ccp_words_print(out, &words, INDENT);
}

static void print_change(FILE *out, const struct ccp_change *change)
{
	char time[CCP_WORDS_TEXT], stages[CCP_WORDS_TEXT], text[200];
	struct ccp_words words = { 0 };

	ccp_words_add(&words, "%-*s%s %s: %s -> %s", INDENT, "change",
		      ccp_words_duration((double)change->t_ns / 1e9, time), ccp_words_stages(change->stages, stages),
		      change->from, change->to);
	if (change->rate_before > 0 && change->rate_after > 0) {
		ccp_words_add(&words, ", %s/s", ccp_words_amount(change->rate_before, text));
		ccp_words_add(&words, " -> %s/s", ccp_words_amount(change->rate_after, text));
	}
	ccp_reason_text(&change->reason, text, sizeof text);
	ccp_words_add(&words, ", %s: %s", !change->judged ? "not judged" : change->kept ? "kept" : "undone", text);
	ccp_words_print(out, &words, INDENT);
}

/* The plan as --strategy would ask for it: "omp", or "read=async,work=omp,write=threads". */
static void add_strategy(struct ccp_words *words, const struct ccp_profile *profile)
{
	const char *name[CCP_STAGES];
	bool same = true;

	for (int i = 0; i < CCP_STAGES; i++) {
		name[i] = profile->plan.stage[i].strategy != NULL ? profile->plan.stage[i].strategy->name : "-";
		same = same && strcmp(name[i], name[0]) == 0;
	}
	ccp_words_add(words, "--strategy=");
	for (int i = 0; i < CCP_STAGES && !same; i++)
		ccp_words_add(words, "%s%s=%s", i > 0 ? "," : "", ccp_stage_name((enum ccp_stage)i), name[i]);
	if (same)
		ccp_words_add(words, "%s", name[0]);
}

static void print_auto(FILE *out, const struct ccp_profile *profile)
{
	char text[200], serial[CCP_WORDS_TEXT];
	struct ccp_words words = { 0 };
	unsigned changes = 0;

	ccp_words_add(&words, "%-*s", INDENT, "auto");
	if (!profile->automatic && !profile->replayed) {
		ccp_words_add(&words, "not asked: ");
		add_strategy(&words, profile);
		ccp_words_add(&words, " (fixed)");
		ccp_words_print(out, &words, INDENT);
		return;
	}
	if (profile->replayed)
		ccp_words_add(&words, "replayed by --plan");
	else if (profile->probe_jobs == 0)
		ccp_words_add(&words, "no probe");
	else
		ccp_words_add(&words, "probe %llu chunk%s %s", (unsigned long long)profile->probe_jobs,
			      profile->probe_jobs == 1 ? "" : "s", ccp_words_duration(profile->probe_s, text));
	if (profile->decided) {
		ccp_decision_text(&profile->decision, text, sizeof text);
		ccp_words_add(&words, " -> %s", text);
		if (profile->decision.predicted_ns > 0)
			ccp_words_add(&words, " (predicted %s, serial %s)",
				      ccp_words_duration(profile->decision.predicted_ns / 1e9, text),
				      ccp_words_duration(profile->decision.serial_ns / 1e9, serial));
	} else {
		ccp_words_add(&words, ": %s, nothing was to be decided", ccp_words_stop(profile->probe_stop));
	}
	/* the first plan has nothing that it changed from */
	for (unsigned i = 0; i < profile->changes && i < CCP_PROFILE_CHANGES; i++)
		changes += profile->change[i].from[0] != '\0';
	if (changes == 0)
		ccp_words_add(&words, "   changes: none");
	else
		ccp_words_add(&words, "   changes: %u", changes);
	ccp_words_print(out, &words, INDENT);
	for (unsigned i = 0; i < profile->changes && i < CCP_PROFILE_CHANGES; i++)
		if (profile->change[i].from[0] != '\0')
			print_change(out, &profile->change[i]);
}

static void print_limit(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_words words = { 0 };

	ccp_words_add(&words, "%-*s%s", INDENT, "limit", profile->limit_text);
	ccp_words_print(out, &words, INDENT);
}

static void print_why(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_words words = { 0 };
	size_t label;

	ccp_words_add(&words, "%-*s", INDENT, "why");
	label = words.len;
	if (profile->automatic && profile->decided)
		ccp_words_add_reasons(&words, &profile->decision, -2);
	else
		ccp_words_add(&words, "%s", profile->plan.why);
	if (words.len > label)
		ccp_words_print(out, &words, INDENT);
}

void ccp_profile_table(FILE *out, const struct ccp_profile *profile, const char *program, bool brief, bool colour)
{
	if (!brief) {
		print_head(out, profile, program);
		print_stages(out, profile, colour);
		print_workers(out, profile);
		print_window(out, profile);
		print_ahead(out, profile);
		print_network(out, profile);
		print_system(out, profile);
	}
	print_limit(out, profile);
	if (!brief)
		print_auto(out, profile);
	print_why(out, profile);
}
