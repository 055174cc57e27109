/*
 * profile_html_share.c: where the time went: for each executor the states of its workers as one bar, for each stage a
 * row with its strategy, the parts of its time and its service times.
 */
#include <math.h>
#include <string.h>

#include "cmd/html.h"
#include "cmd/profile.h"
#include "cmd/profile_html.h"
#include "cmd/profile_words.h"

static void print_exec(FILE *out, const struct ccp_profile_exec *exec, unsigned number)
{
	const struct ccp_meter_sum *sum = &exec->sum;
	struct ccp_html_part part[CCP_METER_STATES];
	unsigned percent[CCP_METER_STATES];
	double value[CCP_METER_STATES];
	char stages[CCP_WORDS_TEXT], life[CCP_HTML_TEXT], label[120], figure[CCP_HTML_TEXT];

	for (unsigned i = 0; i < CCP_METER_STATES; i++) {
		value[i] = i < CCP_METER_BUSY        ? sum->busy[i].wall
			   : i == CCP_METER_WAIT_IN  ? sum->wait_in
			   : i == CCP_METER_WAIT_OUT ? sum->wait_out
						     : sum->parked;
		part[i] = (struct ccp_html_part){ (enum ccp_html_fill)i, value[i] };
	}
	ccp_words_percent(value, CCP_METER_STATES, percent);
	snprintf(label, sizeof label, "%s x%u", exec->strategy != NULL ? exec->strategy : "?", exec->degree);
	fprintf(out, "<h3>");
	ccp_html_text(out, label);
	fprintf(out, " <span class=\"note\">executor %u%s%s: %u %s, %s of time together</span></h3>\n", number,
		exec->stages != 0 ? ", " : "", exec->stages != 0 ? ccp_words_stages(exec->stages, stages) : "",
		sum->workers, sum->workers == 1 ? "worker" : "workers", ccp_html_time(sum->life, life));
	ccp_html_bar(out, label, part, CCP_METER_STATES, 0, 28);
	fputs("<ul class=\"legend\">", out);
	for (unsigned i = 0; i < CCP_METER_STATES; i++) {
		if (!(value[i] > 0))
			continue;
		snprintf(figure, sizeof figure, percent[i] > 0 ? "%u%%" : "< 1%%", percent[i]);
		ccp_html_legend(out, (enum ccp_html_fill)i, NULL, figure);
	}
	fputs("</ul>\n", out);
}

/* The share of a part of the stage's time, for a cell. */
static void print_share(FILE *out, const char *column, double part, double whole)
{
	char text[CCP_HTML_TEXT];

	ccp_profile_html_cell(out, column, whole > 0 ? ccp_html_percent(part / whole, text) : "-", true);
}

static void print_stage(FILE *out, const struct ccp_profile *profile, unsigned number, bool slowest)
{
	const struct ccp_profile_stage *stage = &profile->stage[number];
	const struct ccp_meter_times *time = &stage->time;
	char text[200], a[CCP_HTML_TEXT], b[CCP_HTML_TEXT];

	fprintf(out, "<tr%s><th scope=\"row\">%s%s</th>", slowest ? " class=\"best\"" : "",
		ccp_stage_name((enum ccp_stage)number), slowest ? " (bottleneck)" : "");
	snprintf(text, sizeof text, "%s%s", stage->strategy != NULL ? stage->strategy : "?",
		 stage->fused_with_previous ? ", same workers as above" : "");
	ccp_profile_html_cell(out, "strategy", text, false);
	snprintf(text, sizeof text, stage->degree_max > stage->degree ? "%u (at most %u)" : "%u", stage->degree,
		 stage->degree_max);
	ccp_profile_html_cell(out, "workers", text, true);
	ccp_profile_html_cell(out, "kind of work", ccp_words_class(stage->class, stage->share, a), false);
	print_share(out, "on a CPU", time->cpu, time->wall);
	print_share(out, "waits for CPU", time->runq, time->wall);
	print_share(out, "waits in calls", time->blocked, time->wall);
	ccp_profile_html_cell(out, "busy", ccp_html_percent(stage->utilisation, a), true);
	if (stage->jobs > 0)
		snprintf(text, sizeof text, "%s / %s", ccp_html_time(stage->p50_ns, a),
			 ccp_html_time(stage->p95_ns, b));
	else
		snprintf(text, sizeof text, "-");
	ccp_profile_html_cell(out, "a job, p50 / p95", text, true);
	ccp_profile_html_cell(out, "rate if alone", stage->rate_alone > 0 ? ccp_html_rate(stage->rate_alone, a) : "-",
			      true);
	fputs("</tr>\n", out);
}

/* The times of the stages side by side, to one scale. */
static void print_times(FILE *out, const struct ccp_profile *profile)
{
	double whole = 0;
	char life[CCP_HTML_TEXT];

	for (unsigned i = 0; i < CCP_STAGES; i++)
		whole = fmax(whole, profile->stage[i].time.wall);
	if (!(whole > 0))
		return;
	fputs("<div class=\"rows chart\">\n", out);
	for (unsigned i = 0; i < CCP_STAGES; i++) {
		const struct ccp_meter_times *time = &profile->stage[i].time;
		struct ccp_html_part part[] = { { CCP_FILL_CPU, time->cpu },
						{ CCP_FILL_RUNQ, time->runq },
						{ CCP_FILL_BLOCKED, time->blocked } };

		fprintf(out, "<span>%s <span class=\"note\">%s</span></span>", ccp_stage_name((enum ccp_stage)i),
			ccp_html_time(time->wall, life));
		ccp_html_bar(out, ccp_stage_name((enum ccp_stage)i), part, 3, whole, 22);
	}
	fputs("</div>\n<ul class=\"legend\">", out);
	ccp_html_legend(out, CCP_FILL_CPU, NULL, NULL);
	ccp_html_legend(out, CCP_FILL_RUNQ, NULL, NULL);
	ccp_html_legend(out, CCP_FILL_BLOCKED, NULL, NULL);
	fputs("</ul>\n", out);
}

static void print_stages(FILE *out, const struct ccp_profile *profile)
{
	static const char *const columns[] = { "strategy", "workers",          "kind of work",
					       "on a CPU", "waits for CPU",    "waits in calls",
					       "busy",     "a job, p50 / p95", "rate if alone" };
	static const bool figure[] = { false, true, false, true, true, true, true, true, true };
	int slowest = ccp_profile_bottleneck(profile);

	fputs("<h2>Stages</h2>\n", out);
	print_times(out, profile);
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Stages\">\n<table class=\"stack\">\n"
	      "<thead><tr><th scope=\"col\">stage</th>",
	      out);
	for (unsigned i = 0; i < sizeof columns / sizeof columns[0]; i++)
		fprintf(out, "<th scope=\"col\"%s>%s</th>", figure[i] ? " class=\"num\"" : "", columns[i]);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (unsigned i = 0; i < CCP_STAGES; i++)
		print_stage(out, profile, i, slowest == (int)i);
	fputs("</tbody>\n</table>\n</div>\n"
	      "<p class=\"note\">What the time of the stage was spent on: computing on a CPU, ready but no CPU was "
	      "free, "
	      "waiting inside a call of the system. Busy: the stage's share of its workers' time. Rate if alone: of "
	      "the "
	      "run's input, if nothing but this stage limited it.</p>\n",
	      out);
}

void ccp_profile_html_shares(FILE *out, const struct ccp_profile *profile)
{
	unsigned execs = profile->execs < CCP_PROFILE_EXECS ? profile->execs : CCP_PROFILE_EXECS;

	fputs("<section>\n<h2>Where the workers' time went</h2>\n", out);
	for (unsigned i = 0; i < execs; i++)
		if (profile->exec[i].sum.life > 0)
			print_exec(out, &profile->exec[i], i);
	if (!(profile->all.life > 0))
		fputs("<p>No worker's time was measured.</p>\n", out);
	fputs("</section>\n<section>\n", out);
	print_stages(out, profile);
	fputs("</section>\n", out);
}
