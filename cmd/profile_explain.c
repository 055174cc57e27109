/*
 * profile_explain.c: what auto chose, and why: in a line a stage for -v, at length for --explain.
 */
#include <math.h>
#include <string.h>

#include "cmd/profile.h"
#include "cmd/profile_words.h"
#include "cmd/text.h"

#define INDENT 10 /* of what belongs to a word of the first column */

static const char *name_of(int stage)
{
	return ccp_stage_name((enum ccp_stage)stage);
}

/* The stages that share the workers of `stage`: "read", "read and write", or "" if there are none. */
static const char *partners(const struct ccp_profile *profile, int stage, char *text)
{
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < CCP_STAGES; i++)
		if (i != stage && profile->stage[i].exec == profile->stage[stage].exec)
			len += (size_t)snprintf(text + len, CCP_WORDS_TEXT - len, "%s%s", len > 0 ? " and " : "",
						name_of(i));
	return text;
}

/* "CPU-bound (share 0.98)" */
static void add_class(struct ccp_words *words, enum ccp_class class, double share)
{
	static const char *const names[CCP_CLASSES] = {
		[CCP_CLASS_NONE] = "idle",
		[CCP_CLASS_CPU] = "CPU-bound",
		[CCP_CLASS_MIXED] = "mixed",
		[CCP_CLASS_WAIT_POLL] = "waits for a pipe, socket or terminal",
		[CCP_CLASS_WAIT_FILE] = "waits for files",
		[CCP_CLASS_WAIT_OPAQUE] = "waits in calls",
		[CCP_CLASS_STARVED] = "starved",
	};

	ccp_words_add(words, "%s", (unsigned)class < CCP_CLASSES ? names[class] : ccp_class_name(class));
	if (isfinite(share) && share >= 0)
		ccp_words_add(words, " (share %.2f)", share);
}

/* "; REASON; REASON" for one stage, or for the whole run (-1), if auto chose. */
static void add_reasons(struct ccp_words *words, const struct ccp_profile *profile, int stage)
{
	struct ccp_words reasons = { 0 };

	if (profile->automatic && profile->decided)
		ccp_words_add_reasons(&reasons, &profile->decision, stage);
	if (reasons.len > 0)
		ccp_words_add(words, "; %s", reasons.text);
}

void ccp_profile_line(FILE *out, const struct ccp_profile *profile, const char *program)
{
	char text[200];

	for (int i = 0; i < CCP_STAGES; i++) {
		const struct ccp_profile_stage *stage = &profile->stage[i];
		struct ccp_words words = { 0 };

		add_class(&words, stage->class, stage->share);
		ccp_words_add(&words, ": %s x%u", stage->strategy != NULL ? stage->strategy : "-", stage->degree);
		if (partners(profile, i, text)[0] != '\0')
			ccp_words_add(&words, ", fused with %s", text);
		add_reasons(&words, profile, i);
		fprintf(out, "%s: %s: %s\n", program, name_of(i), words.text);
	}
	if (profile->automatic && profile->decided) {
		struct ccp_words words = { 0 };

		ccp_decision_text(&profile->final, text, sizeof text);
		ccp_words_add(&words, "%s", text);
		if (profile->probe_jobs > 0)
			ccp_words_add(&words, ", after a probe of %llu chunk%s in %s",
				      (unsigned long long)profile->probe_jobs, profile->probe_jobs == 1 ? "" : "s",
				      ccp_words_duration(profile->probe_s, text));
		add_reasons(&words, profile, -1);
		fprintf(out, "%s: auto: %s\n", program, words.text);
	}
	if (profile->network.at_once > 0) {
		struct ccp_words words = { 0 };

		ccp_words_add_network(&words, &profile->network);
		fprintf(out, "%s: network: %s\n", program, words.text);
	}
	if (profile->limit_text[0] != '\0')
		fprintf(out, "%s: limit: %s\n", program, profile->limit_text);
}

static void print_label(struct ccp_words *words, const char *label)
{
	ccp_words_add(words, "%-*s", INDENT, label);
}

static void print_machine(FILE *out, const struct ccp_facts *facts)
{
	char budget[CCP_SIZE_TEXT], slot[CCP_SIZE_TEXT], state[CCP_SIZE_TEXT];
	struct ccp_words words = { 0 };

	print_label(&words, "machine");
	ccp_words_add(&words, "%u CPU%s", facts->cpus, facts->cpus == 1 ? "" : "s");
	if (facts->cpu_quota > 0)
		ccp_words_add(&words, " (quota %.2f)", facts->cpu_quota);
	ccp_words_add(&words, ", %u task%s of others ready to run; ", facts->others, facts->others == 1 ? "" : "s");
	ccp_words_add(&words, "memory for the run %s: at most %u slot%s of %s, %s a worker",
		      ccp_text_size(facts->mem_budget, budget), facts->slots, facts->slots == 1 ? "" : "s",
		      ccp_text_size(facts->slot_bytes, slot), ccp_text_size(facts->state_bytes, state));
	ccp_words_print(out, &words, INDENT);
}

static void print_input(FILE *out, const struct ccp_facts *facts)
{
	static const char *const file_systems[] = { "an unknown file system", "a local file system", "memory",
						    "a remote file system" }; /* enum ccp_fs */
	char total[CCP_WORDS_TEXT], chunk[CCP_SIZE_TEXT];
	struct ccp_words words = { 0 };

	print_label(&words, "input");
	ccp_words_add(&words, "%llu input%s seen, %s%s; chunks of %s; ", (unsigned long long)facts->inputs,
		      facts->inputs == 1 ? "" : "s", ccp_words_amount((double)facts->total_bytes, total),
		      facts->total_known ? " in all" : " or more", ccp_text_size(facts->chunk_bytes, chunk));
	if (facts->stream)
		ccp_words_add(&words, "a pipe, socket or terminal");
	else
		ccp_words_add(&words, "files on %s", file_systems[(unsigned)facts->fs < 4 ? facts->fs : 0]);
	if (isfinite(facts->cached) && facts->cached >= 0)
		ccp_words_add(&words, ", %.0f%% cached", 100 * facts->cached);
	if (facts->sequential)
		ccp_words_add(&words, "; the work on one input cannot be split");
	if (facts->shared_output)
		ccp_words_add(&words, "; one output in order");
	if (facts->isolate)
		ccp_words_add(&words, "; the work must be isolated");
	ccp_words_print(out, &words, INDENT);
	print_label(&words, "can run");
	for (int i = 0; i < CCP_KINDS; i++)
		if (facts->can[i])
			ccp_words_add(&words, "%s%s%s", words.len > INDENT ? ", " : "", ccp_kind_name((enum ccp_kind)i),
				      i != CCP_KIND_ASYNC ? "" : facts->async_ring ? " (io_uring)" : " (threads)");
	ccp_words_print(out, &words, INDENT);
}

static void print_probe(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_words words = { 0 };
	char time[4][CCP_WORDS_TEXT];
	bool measured = false;

	print_label(&words, "probe");
	if (profile->probe_jobs > 0)
		ccp_words_add(&words, "%llu chunk%s in %s, by %u worker%s: ", (unsigned long long)profile->probe_jobs,
			      profile->probe_jobs == 1 ? "" : "s", ccp_words_duration(profile->probe_s, time[0]),
			      profile->probe_workers, profile->probe_workers == 1 ? "" : "s");
	ccp_words_add(&words, "%s", ccp_words_stop(profile->probe_stop));
	ccp_words_print(out, &words, INDENT);
	for (int i = 0; i < CCP_STAGES; i++)
		measured = measured || profile->probe_vector[i].jobs > 0;
	if (measured)
		fprintf(out, "%*s%-6s%12s%12s%12s%12s%8s  %s\n", INDENT, "", "stage", "cpu/chunk", "run queue",
			"blocked", "bytes", "share", "class");
	for (int i = 0; i < CCP_STAGES && measured; i++) {
		const struct ccp_vector *vector = &profile->probe_vector[i];
		double share = profile->decided ? profile->decision.stage[i].share : -1;

		ccp_words_add(&words, "%*s%-6s%12s%12s%12s%12s", INDENT, "", name_of(i),
			      ccp_words_duration(vector->cpu / 1e9, time[0]),
			      ccp_words_duration(vector->runq / 1e9, time[1]),
			      ccp_words_duration(vector->blocked / 1e9, time[2]),
			      ccp_words_amount(vector->bytes, time[3]));
		if (isfinite(share) && share >= 0)
			ccp_words_add(&words, "%8.2f", share);
		else
			ccp_words_add(&words, "%8s", "-");
		if (profile->decided)
			ccp_words_add(&words, "  %s", ccp_class_name(profile->decision.stage[i].class));
		ccp_words_print(out, &words, INDENT);
	}
}

/* "CPU_SHARE (value 0.97, threshold 0.8)": each number if it is one. */
static void add_code(struct ccp_words *words, const struct ccp_reason *reason)
{
	ccp_words_add(words, " [%s", ccp_reason_name(reason->code));
	if (isfinite(reason->value))
		ccp_words_add(words, " value %.4g", reason->value);
	if (isfinite(reason->threshold))
		ccp_words_add(words, " threshold %.4g", reason->threshold);
	ccp_words_add(words, "]");
}

static void print_decision(FILE *out, const struct ccp_decision *decision)
{
	char text[200];
	struct ccp_words words = { 0 };

	ccp_decision_text(decision, text, sizeof text);
	print_label(&words, "decision");
	ccp_words_add(&words, "%s, window %u", text, decision->window);
	if (decision->predicted_ns > 0)
		ccp_words_add(&words, ": predicted %s", ccp_words_duration(decision->predicted_ns / 1e9, text));
	if (decision->predicted_ns > 0 && decision->serial_ns > 0)
		ccp_words_add(&words, ", serial %s", ccp_words_duration(decision->serial_ns / 1e9, text));
	ccp_words_print(out, &words, INDENT);
	for (unsigned i = 0; i < decision->reasons && i < CCP_DECISION_REASONS; i++) {
		const struct ccp_reason *reason = &decision->reason[i];

		print_label(&words, i == 0 ? "why" : "");
		if (reason->stage >= 0 && reason->stage < CCP_STAGES)
			ccp_words_add(&words, "%s: ", name_of(reason->stage));
		ccp_reason_text(reason, text, sizeof text);
		ccp_words_add(&words, "%s", text);
		add_code(&words, reason);
		ccp_words_print(out, &words, INDENT + 2);
	}
	for (unsigned i = 0; i < decision->rejects && i < CCP_DECISION_OTHERS; i++) {
		print_label(&words, i == 0 ? "not taken" : "");
		ccp_words_add(&words, "%s: predicted %s", decision->rejected[i].plan,
			      ccp_words_duration(decision->rejected[i].predicted_ns / 1e9, text));
		ccp_words_print(out, &words, INDENT + 2);
	}
}

void ccp_profile_explain(FILE *out, const struct ccp_profile *profile, const char *program)
{
	struct ccp_words words = { 0 };

	if (!profile->automatic) {
		print_label(&words, "plan");
		ccp_words_add(&words, "%s: auto was not asked: %s", program,
			      profile->plan.why[0] != '\0' ? profile->plan.why : "the strategy was given");
		ccp_words_print(out, &words, INDENT);
		return;
	}
	print_machine(out, &profile->facts);
	print_input(out, &profile->facts);
	print_probe(out, profile);
	if (profile->decided) {
		print_decision(out, &profile->decision);
		return;
	}
	print_label(&words, "decision");
	ccp_words_add(&words, "none: %s", ccp_words_stop(profile->probe_stop));
	ccp_words_print(out, &words, INDENT);
}
