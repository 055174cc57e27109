/*
 * profile_html_log.c: the log of the decisions in words: what was known, what the probe measured, what was decided and
 * why, what else was weighed, and what changed while it ran.
 */
#include <math.h>
#include <string.h>

#include "cmd/html.h"
#include "cmd/profile.h"
#include "cmd/profile_html.h"
#include "cmd/profile_words.h"

#define REASON_TEXT 200

static void print_reason(FILE *out, const struct ccp_reason *reason)
{
	char text[REASON_TEXT];

	ccp_reason_text(reason, text, sizeof text);
	ccp_html_text(out, text);
	fputs(" <code>", out);
	ccp_html_text(out, ccp_reason_name(reason->code));
	fputs("</code>", out);
}

static const char *fs_name(enum ccp_fs fs)
{
	return fs == CCP_FS_LOCAL    ? "a local file system"
	       : fs == CCP_FS_MEMORY ? "memory"
	       : fs == CCP_FS_REMOTE ? "a remote file system"
				     : "an unknown file system";
}

static void print_input_facts(FILE *out, const struct ccp_facts *facts)
{
	char total[CCP_HTML_TEXT], chunk[CCP_HTML_TEXT], text[CCP_HTML_TEXT];

	ccp_profile_html_row(out, "inputs", "%s%s, %s%s in regular files, in chunks of %s",
			     facts->total_known ? "" : "at least ", ccp_html_number((double)facts->inputs, text),
			     facts->total_known ? "" : "at least ", ccp_html_bytes((double)facts->total_bytes, total),
			     ccp_html_bytes((double)facts->chunk_bytes, chunk));
	if (facts->stream)
		ccp_profile_html_row(out, "first input", "a pipe, socket or terminal: read in order, by one at a time");
	else if (facts->cached >= 0)
		ccp_profile_html_row(out, "first input", "on %s, %s of it in the page cache", fs_name(facts->fs),
				     ccp_html_percent(facts->cached, text));
	else
		ccp_profile_html_row(out, "first input", "on %s", fs_name(facts->fs));
	ccp_profile_html_row(out, "work", "%s%s", facts->sequential ? "in order within an input" : "in any order",
			     facts->isolate ? ", in worker processes as asked" : "");
	ccp_profile_html_row(out, "output",
			     facts->shared_output ? "one, in order over all inputs" : "one for each input");
}

static void print_facts(FILE *out, const struct ccp_facts *facts)
{
	char a[CCP_HTML_TEXT], b[CCP_HTML_TEXT], c[CCP_HTML_TEXT], kinds[100] = "";
	size_t len = 0;

	fputs("<h3>What was known before</h3>\n<table>\n<tbody>\n", out);
	if (facts->cpu_quota > 0)
		ccp_profile_html_row(out, "CPUs", "%u, by a quota of %s", facts->cpus,
				     ccp_html_number(facts->cpu_quota, a));
	else
		ccp_profile_html_row(out, "CPUs", "%u", facts->cpus);
	ccp_profile_html_row(out, "others", "%u other %s a CPU", facts->others,
			     facts->others == 1 ? "task wanted" : "tasks wanted");
	ccp_profile_html_row(out, "memory", "a budget of %s: at most %u slots of %s; a worker's state takes %s",
			     ccp_html_bytes((double)facts->mem_budget, a), facts->slots,
			     ccp_html_bytes((double)facts->slot_bytes, b),
			     ccp_html_bytes((double)facts->state_bytes, c));
	print_input_facts(out, facts);
	for (unsigned i = 0; i < CCP_KINDS; i++)
		if (facts->can[i])
			len += (size_t)snprintf(kinds + len, sizeof kinds - len, "%s%s", len > 0 ? ", " : "",
						ccp_kind_name((enum ccp_kind)i));
	ccp_profile_html_row(out, "can run here", "%s%s", kinds,
			     facts->can[CCP_KIND_ASYNC]
				     ? facts->async_ring ? "; async has io_uring" : "; async has no io_uring"
				     : "");
	fputs("</tbody>\n</table>\n", out);
}

static void print_vectors(FILE *out, const struct ccp_profile *profile)
{
	char text[CCP_HTML_TEXT];

	fputs("<table class=\"stack\">\n<caption>One job, as the probe measured it</caption>\n"
	      "<thead><tr><th scope=\"col\">stage</th><th scope=\"col\" class=\"num\">on a CPU</th>"
	      "<th scope=\"col\" class=\"num\">waits for CPU</th><th scope=\"col\" class=\"num\">waits in calls</th>"
	      "<th scope=\"col\" class=\"num\">input</th></tr></thead>\n<tbody>\n",
	      out);
	for (unsigned i = 0; i < CCP_STAGES; i++) {
		const struct ccp_vector *vector = &profile->probe_vector[i];

		if (vector->jobs == 0)
			continue;
		fprintf(out, "<tr><th scope=\"row\">%s</th>", ccp_stage_name((enum ccp_stage)i));
		ccp_profile_html_cell(out, "on a CPU", ccp_html_time(vector->cpu, text), true);
		ccp_profile_html_cell(out, "waits for CPU", ccp_html_time(vector->runq, text), true);
		ccp_profile_html_cell(out, "waits in calls", ccp_html_time(vector->blocked, text), true);
		ccp_profile_html_cell(out, "input", ccp_html_bytes(vector->bytes, text), true);
		fputs("</tr>\n", out);
	}
	fputs("</tbody>\n</table>\n", out);
}

static void print_probe(FILE *out, const struct ccp_profile *profile)
{
	char jobs[CCP_HTML_TEXT], time[CCP_HTML_TEXT];

	fputs("<h3>Probe</h3>\n", out);
	if (profile->probe_stop == CCP_PROBE_NONE) {
		fputs("<p>None: the facts alone decided.</p>\n", out);
		return;
	}
	fprintf(out, "<p>%s %s, by %u worker%s, in %s, until %s. Their output is part of the result.</p>\n",
		ccp_html_number((double)profile->probe_jobs, jobs), profile->probe_jobs == 1 ? "job" : "jobs",
		profile->probe_workers, profile->probe_workers == 1 ? "" : "s",
		ccp_html_time(profile->probe_s * 1e9, time), ccp_words_stop(profile->probe_stop));
	if (profile->probe_vector[0].jobs + profile->probe_vector[1].jobs + profile->probe_vector[2].jobs > 0)
		print_vectors(out, profile);
}

/* The reasons for a stage, or for the run if it is -1. */
static void print_reasons(FILE *out, const struct ccp_decision *decision, int stage)
{
	unsigned count = 0;
	char class[CCP_WORDS_TEXT];

	for (unsigned i = 0; i < decision->reasons; i++)
		count += decision->reason[i].stage == stage;
	if (count == 0 && stage < 0)
		return;
	fprintf(out, "<li><strong>%s</strong>", stage < 0 ? "the whole run" : ccp_stage_name((enum ccp_stage)stage));
	if (stage >= 0) {
		const struct ccp_stage_choice *choice = &decision->stage[stage];

		fprintf(out, ": %s, so %s x%u",
			choice->class == CCP_CLASS_NONE ? "not measured"
							: ccp_words_class(choice->class, choice->share, class),
			ccp_kind_name(choice->kind), choice->degree);
	}
	if (count > 0)
		fputs("<ul>", out);
	for (unsigned i = 0; i < decision->reasons; i++) {
		if (decision->reason[i].stage != stage)
			continue;
		fputs("<li>", out);
		print_reason(out, &decision->reason[i]);
		fputs("</li>", out);
	}
	fputs(count > 0 ? "</ul></li>\n" : "</li>\n", out);
}

/* A plan that was weighed: its time as a figure and as a bar, to one scale. */
static void print_plan(FILE *out, const char *plan, double ns, double chosen, double longest, bool taken)
{
	char time[CCP_HTML_TEXT], ratio[CCP_HTML_TEXT];
	struct ccp_html_part part = { taken ? CCP_FILL_BEST : CCP_FILL_OTHER, ns };

	fprintf(out, "<tr%s><th scope=\"row\">", taken ? " class=\"best\"" : "");
	ccp_html_text(out, plan);
	fputs(taken ? " (taken)</th>" : "</th>", out);
	ccp_profile_html_cell(out, "predicted", ccp_html_time(ns, time), true);
	snprintf(ratio, sizeof ratio, "%.2f", chosen > 0 ? ns / chosen : 1);
	ccp_profile_html_cell(out, "against it", ratio, true);
	fputs("<td class=\"bar\">", out);
	ccp_html_bar(out, plan, &part, 1, longest, 16);
	fputs("</td></tr>\n", out);
}

static void print_alternatives(FILE *out, const struct ccp_decision *decision)
{
	unsigned rejects = decision->rejects < CCP_DECISION_OTHERS ? decision->rejects : CCP_DECISION_OTHERS;
	double longest = decision->predicted_ns, chosen = decision->predicted_ns;
	bool serial = false;
	char plan[200];

	ccp_decision_text(decision, plan, sizeof plan);
	serial = strcmp(plan, "serial") == 0 || !(decision->serial_ns > 0);
	for (unsigned i = 0; i < rejects; i++) {
		longest = fmax(longest, decision->rejected[i].predicted_ns);
		serial = serial || strcmp(decision->rejected[i].plan, "serial") == 0;
	}
	if (!serial)
		longest = fmax(longest, decision->serial_ns);
	if (!(chosen > 0) || (rejects == 0 && serial))
		return;
	fputs("<h3>What was weighed</h3>\n<table class=\"stack\">\n<caption>Predicted times of the rest of the input, "
	      "when it "
	      "was decided</caption>\n<thead><tr><th scope=\"col\">plan</th>"
	      "<th scope=\"col\" class=\"num\">predicted</th><th scope=\"col\" class=\"num\">against it</th>"
	      "<td></td></tr></thead>\n<tbody>\n",
	      out);
	print_plan(out, plan, chosen, chosen, longest, true);
	for (unsigned i = 0; i < rejects; i++)
		print_plan(out, decision->rejected[i].plan, decision->rejected[i].predicted_ns, chosen, longest, false);
	if (!serial)
		print_plan(out, "serial", decision->serial_ns, chosen, longest, false);
	fputs("</tbody>\n</table>\n", out);
}

static void print_decision(FILE *out, const struct ccp_profile *profile)
{
	const struct ccp_decision *decision = &profile->decision;
	char plan[200], text[CCP_HTML_TEXT];

	fputs("<h3>Decision</h3>\n<p><strong>", out);
	ccp_decision_text(decision, plan, sizeof plan);
	ccp_html_text(out, plan);
	fprintf(out, "</strong>, with %u slots.", decision->window);
	if (decision->predicted_ns > 0)
		fprintf(out, " Predicted for the rest: %s. ", ccp_html_time(decision->predicted_ns, text));
	if (decision->predicted_ns > 0)
		fprintf(out, "It took %s.", ccp_html_time(fmax(0, profile->wall_s - profile->probe_s) * 1e9, text));
	fputs("</p>\n<ul>\n", out);
	for (int stage = -1; stage < CCP_STAGES; stage++)
		print_reasons(out, decision, stage);
	fputs("</ul>\n", out);
	print_alternatives(out, decision);
}

static void print_change(FILE *out, const struct ccp_change *change, unsigned number)
{
	char text[CCP_HTML_TEXT], b[CCP_HTML_TEXT], both[2 * CCP_HTML_TEXT + 8], stages[CCP_WORDS_TEXT];

	fprintf(out, "<tr><th scope=\"row\">%u</th>", number);
	ccp_profile_html_cell(out, "at", ccp_html_time((double)change->t_ns, text), true);
	ccp_profile_html_cell(out, "what", ccp_words_stages(change->stages, stages), false);
	ccp_profile_html_cell(out, "from", change->from[0] != '\0' ? change->from : "-", false);
	ccp_profile_html_cell(out, "to", change->to, false);
	snprintf(both, sizeof both, "%s to %s",
		 change->rate_before > 0 ? ccp_html_rate(change->rate_before, text) : "?",
		 change->rate_after > 0 ? ccp_html_rate(change->rate_after, b) : "?");
	ccp_profile_html_cell(out, "rate", change->rate_before > 0 || change->rate_after > 0 ? both : "-", true);
	if (isfinite(change->elasticity))
		snprintf(both, sizeof both, "%s (elasticity %.2f)", change->kept ? "kept" : "undone",
			 change->elasticity);
	else
		snprintf(both, sizeof both, "%s", !change->judged ? "-" : change->kept ? "kept" : "undone");
	ccp_profile_html_cell(out, "verdict", both, false);
	fputs("<td data-label=\"why\"><span>", out);
	print_reason(out, &change->reason);
	fputs("</span></td></tr>\n", out);
}

static void print_changes(FILE *out, const struct ccp_profile *profile)
{
	unsigned count = profile->changes < CCP_PROFILE_CHANGES ? profile->changes : CCP_PROFILE_CHANGES;

	fputs("<h3>While it ran</h3>\n", out);
	if (count == 0) {
		fputs("<p>Nothing was changed.</p>\n", out);
		return;
	}
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Changes\">\n<table class=\"stack\">\n"
	      "<thead><tr><th scope=\"col\">no.</th><th scope=\"col\" class=\"num\">at</th><th scope=\"col\">what</th>"
	      "<th scope=\"col\">from</th><th scope=\"col\">to</th><th scope=\"col\" class=\"num\">rate</th>"
	      "<th scope=\"col\">verdict</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n",
	      out);
	for (unsigned i = 0; i < count; i++)
		print_change(out, &profile->change[i], i + 1);
	fputs("</tbody>\n</table>\n</div>\n", out);
}

void ccp_profile_html_log(FILE *out, const struct ccp_profile *profile)
{
	fputs("<section>\n<h2>How the plan was found</h2>\n", out);
	if (profile->replayed)
		fputs("<p>The plan was given by a file; nothing was measured for it.</p>\n", out);
	else if (!profile->automatic)
		fputs("<p>The plan was given.</p>\n", out);
	if (profile->plan.why[0] != '\0') {
		fputs("<p>Settings: ", out);
		ccp_html_text(out, profile->plan.why);
		fputs("</p>\n", out);
	}
	if (profile->automatic) {
		print_facts(out, &profile->facts);
		print_probe(out, profile);
	}
	if (profile->decided)
		print_decision(out, profile);
	if (profile->automatic || profile->changes > 0)
		print_changes(out, profile);
	fputs("</section>\n", out);
}
