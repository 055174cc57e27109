/*
 * compare_html.c: the page of compare: the verdict, the picture, regret in words, the table.
 *
 * The picture has a bar for each plan, as long as its median, best first; below each a strip with a whisker from the
 * quickest to the slowest round and a dot for every round. Plans are told apart by pattern and outline, not by colour
 * alone. Names stand above their bars, so that a narrow screen has all its width for the bars.
 */
#include "cmd/compare.h"

#include <math.h>
#include <stdlib.h>

#include "cmd/html.h"
#include "cmd/text.h"
#include "strategies/strategies.h"

/* Heights in the picture, in pixels. */
enum { ROW = 62, NAME = 16, BAR_TOP = 22, BAR = 16, STRIP = 48, AXIS = 26 };

#define MARGIN 1.04 /* the axis is so much longer than the slowest round */
#define NS 1e9
#define MIB (1024.0 * 1024)

static enum ccp_html_fill fill_of(const struct ccp_compare *c, size_t place)
{
	if (place == c->ranking.best)
		return CCP_FILL_BEST;
	return c->plan[place].kind == CCP_COMPARE_FIXED ? CCP_FILL_OTHER : CCP_FILL_AUTO;
}

/* Prints an element with text that is made here. */
static void print_fact(FILE *out, const char *name, const char *figure, const char *more)
{
	fputs("<div><dt>", out);
	ccp_html_text(out, name);
	fputs("</dt><dd>", out);
	ccp_html_text(out, figure);
	if (more[0] != '\0') {
		fputs(" <small>", out);
		ccp_html_text(out, more);
		fputs("</small>", out);
	}
	fputs("</dd></div>\n", out);
}

static void print_facts(FILE *out, const struct ccp_compare *c)
{
	char text[CCP_HTML_TEXT], figure[64], model[128];
	const struct ccp_compare_plan *reference = &c->plan[c->reference];

	fputs("<dl class=\"facts\">\n", out);
	snprintf(figure, sizeof figure, "%zu", c->plan_count);
	print_fact(out, "plans", figure, "");
	snprintf(figure, sizeof figure, "%zu", c->round_count);
	print_fact(out, "rounds", figure, c->rounds_run > c->round_count ? "the quietest of more" : "");
	print_fact(out, "inputs", c->settings->cold ? "cold" : "cached", "");
	snprintf(figure, sizeof figure, "%u", c->host.cpus);
	print_fact(out, "CPUs", figure, ccp_compare_cpu_model(model, sizeof model));
	print_fact(out, "other programs", ccp_html_percent(c->ranking.external, text), "of all CPU time meanwhile");
	snprintf(figure, sizeof figure, "xxh3 %08x...", (unsigned)(reference->first.digest.high >> 32));
	print_fact(out, "outputs", "identical", figure);
	fputs("</dl>\n", out);
}

/* One plan in the picture, from `y` on. */
static void print_bar(FILE *out, const struct ccp_compare *c, size_t place, unsigned y, double scale)
{
	const struct ccp_compare_plan *plan = &c->plan[place];
	const struct ccp_compare_stats *s = &plan->stats;
	char text[CCP_HTML_TEXT];
	double left = s->min * scale, right = s->max * scale;
	bool automatic = plan->kind != CCP_COMPARE_FIXED;

	fprintf(out, "<g><text class=\"halo\" x=\"0\" y=\"%u\"%s>", y + NAME,
		place == c->ranking.best ? " font-weight=\"700\"" : "");
	ccp_html_text(out, plan->label);
	fprintf(out, "%s</text><text class=\"halo\" x=\"100%%\" y=\"%u\" text-anchor=\"end\">%s, %.2f</text>",
		s->noisy > 0 ? " ~" : "", y + NAME, ccp_html_time(s->median * NS, text), s->ratio);
	fprintf(out, "<rect y=\"%u\" width=\"%.2f%%\" height=\"%u\" fill=\"%s\"/>", y + BAR_TOP, s->median * scale, BAR,
		ccp_html_fill_paint(fill_of(c, place)));
	fprintf(out, "<rect class=\"frame\" y=\"%u\" width=\"%.2f%%\" height=\"%u\"%s/>", y + BAR_TOP,
		s->median * scale, BAR, automatic ? " style=\"stroke:var(--mark);stroke-width:2.5\"" : "");
	if (c->round_count > 1)
		fprintf(out,
			"<line class=\"frame\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%u\" y2=\"%u\"/>"
			"<line class=\"frame\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%u\" y2=\"%u\"/>"
			"<line class=\"frame\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%u\" y2=\"%u\"/>",
			left, right, y + STRIP, y + STRIP, left, left, y + STRIP - 5, y + STRIP + 5, right, right,
			y + STRIP - 5, y + STRIP + 5);
	for (size_t r = 0; r < c->round_count; r++) {
		const struct ccp_compare_run *run = &plan->runs[r];

		fprintf(out,
			"<circle cx=\"%.2f%%\" cy=\"%u\" r=\"3\" style=\"stroke:var(--text);fill:%s\">"
			"<title>round %zu: %s%s</title></circle>",
			run->wall * scale, y + STRIP, run->noisy ? "none" : "var(--text);fill-opacity:.45", r + 1,
			ccp_html_time(run->wall * NS, text), run->noisy ? ", noisy" : "");
	}
	fputs("</g>\n", out);
}

static void print_axis(FILE *out, unsigned y, double max, double scale)
{
	double step = ccp_html_step(max * NS, 5);
	char text[CCP_HTML_TEXT];

	fprintf(out, "<line class=\"frame\" x2=\"100%%\" y1=\"%u\" y2=\"%u\"/>", y, y);
	for (unsigned i = 0; i * step <= max * NS; i++) {
		double x = i * step / NS * scale;

		fprintf(out,
			"<line class=\"frame\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%u\" y2=\"%u\"/>"
			"<text class=\"small\" x=\"%.2f%%\" y=\"%u\" text-anchor=\"%s\">%s</text>",
			x, x, y, y + 5, x, y + 18,
			i == 0   ? "start"
			: x > 94 ? "end"
				 : "middle",
			ccp_html_tick(i * step, step, text));
	}
}

static void print_grid(FILE *out, unsigned height, double max, double scale)
{
	double step = ccp_html_step(max * NS, 5);

	for (unsigned i = 1; i * step <= max * NS; i++)
		fprintf(out, "<line class=\"axis\" x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%u\"/>", i * step / NS * scale,
			i * step / NS * scale, height);
}

static void print_picture(FILE *out, const struct ccp_compare *c)
{
	unsigned height = (unsigned)c->plan_count * ROW;
	bool others = false, automatic = false;
	double max = 0, scale;
	char desc[256], text[CCP_HTML_TEXT], slowest[CCP_HTML_TEXT];

	for (size_t i = 0; i < c->plan_count; i++) {
		max = fmax(max, c->plan[i].stats.max);
		others |= fill_of(c, i) == CCP_FILL_OTHER;
		automatic |= c->plan[i].kind != CCP_COMPARE_FIXED;
	}
	max *= MARGIN;
	scale = 100 / max;
	snprintf(desc, sizeof desc, "%zu plans by median, from %s to %s", c->plan_count,
		 ccp_html_time(c->plan[c->ranking.order[0]].stats.median * NS, text),
		 ccp_html_time(c->plan[c->ranking.order[c->plan_count - 1]].stats.median * NS, slowest));
	fputs("<section><h2>Time of each plan</h2>\n<ul class=\"legend\">", out);
	ccp_html_legend(out, CCP_FILL_BEST, NULL, NULL);
	if (others)
		ccp_html_legend(out, CCP_FILL_OTHER, NULL, NULL);
	if (automatic)
		ccp_html_legend(out, CCP_FILL_AUTO, "auto and its plan, fixed (outlined)", NULL);
	fputs("</ul>\n<figure class=\"chart\" style=\"margin:0\">", out);
	ccp_html_svg_begin(out, height + AXIS, "Time of each plan", desc);
	print_grid(out, height, max, scale);
	for (size_t i = 0; i < c->plan_count; i++)
		print_bar(out, c, c->ranking.order[i], (unsigned)i * ROW, scale);
	print_axis(out, height, max, scale);
	fputs("</svg></figure>\n<p class=\"note\">Bar: median; at the right its time, and how many times as long as "
	      "the best. "
	      "Below it: from the quickest to the slowest round, and a dot for each; a hollow one had company on the "
	      "CPUs."
	      "</p></section>\n",
	      out);
}

static void print_cell(FILE *out, const char *column, const char *text)
{
	fprintf(out, "<td class=\"num\" data-label=\"%s\"><span>", column);
	ccp_html_text(out, text);
	fputs("</span></td>", out);
}

static void print_row(FILE *out, const struct ccp_compare *c, size_t place)
{
	const struct ccp_compare_plan *plan = &c->plan[place];
	const struct ccp_compare_stats *s = &plan->stats;
	char text[CCP_HTML_TEXT], other[CCP_HTML_TEXT], both[3 * CCP_HTML_TEXT];

	fprintf(out, "<tr%s><th scope=\"row\">", place == c->ranking.best ? " class=\"best\"" : "");
	ccp_html_text(out, plan->label);
	fprintf(out, "%s</th>", s->noisy > 0 ? " ~" : "");
	print_cell(out, "median", ccp_html_time(s->median * NS, text));
	snprintf(both, sizeof both, c->round_count > 1 ? "%s \302\261 %s" : "%s", ccp_html_time(s->mean * NS, text),
		 ccp_html_time(s->sigma * NS, other));
	print_cell(out, c->round_count > 1 ? "mean \302\261 sigma" : "mean", both);
	snprintf(both, sizeof both, "%s to %s", ccp_html_time(s->min * NS, text), ccp_html_time(s->max * NS, other));
	print_cell(out, "min to max", both);
	print_cell(out, "CPU time", ccp_html_time((s->user + s->system) * NS, text));
	print_cell(out, "peak memory", ccp_html_bytes((double)s->peak_rss, text));
	if (place == c->ranking.best || c->round_count == 1)
		snprintf(both, sizeof both, "%.2f", s->ratio);
	else
		snprintf(both, sizeof both, "%.2f \302\261 %.2f", s->ratio, s->ratio_error);
	print_cell(out, "relative", both);
	snprintf(both, sizeof both, "%u", s->noisy);
	print_cell(out, "noisy rounds", both);
	fputs("</tr>\n", out);
}

static void print_table(FILE *out, const struct ccp_compare *c)
{
	const char *const heads[] = {
		"median", c->round_count > 1 ? "mean \302\261 sigma" : "mean", "min to max", "CPU time", "peak memory",
		"relative", "noisy rounds",
	};

	fputs("<section><h2>Figures</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures of "
	      "each plan\"><table class=\"stack\"><thead><tr><th scope=\"col\">plan</th>", out);
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		fprintf(out, "<th scope=\"col\" class=\"num\">%s</th>", heads[i]);
	fputs("</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < c->plan_count; i++)
		print_row(out, c, c->ranking.order[i]);
	fputs("</tbody></table></div>\n<p class=\"note\">CPU time is the mean of user and system time; peak memory is "
	      "that of "
	      "the largest process of a run. relative: median to the best one's, with one standard deviation. noisy: "
	      "other "
	      "programs used more than 5 % of the CPUs meanwhile.</p></section>\n",
	      out);
}

static void print_commands(FILE *out, const struct ccp_compare *c)
{
	char *text = NULL;
	size_t len;
	FILE *memory;

	fputs("<section><h2>Commands</h2>\n<ul>\n", out);
	for (size_t i = 0; i < c->plan_count; i++) {
		fputs("<li><code>", out);
		memory = open_memstream(&text, &len);
		if (memory != NULL) {
			ccp_compare_print_command(memory, c, &c->plan[c->ranking.order[i]]);
			fclose(memory);
			ccp_html_text(out, text);
			free(text);
		}
		fputs("</code></li>\n", out);
	}
	fputs("</ul>\n", out);
	for (size_t i = 0; c->left_out[i] != NULL; i++) {
		fputs("<p class=\"note\">Left out, because it cannot run here: ", out);
		ccp_html_text(out, c->left_out[i]->name);
		fputs(": ", out);
		ccp_html_text(out, c->left_out[i]->probe());
		fputs("</p>\n", out);
	}
	fputs("</section>\n", out);
}

static void print_verdict(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_ranking *ranking = &c->ranking;
	const struct ccp_compare_plan *best = &c->plan[ranking->best];
	char text[CCP_HTML_TEXT];

	fprintf(out, "<header>\n<h1>ccpipe compare: %s</h1>\n<p class=\"verdict\">Best: ", c->command.command->name);
	ccp_html_text(out, best->label);
	fprintf(out, ", %s</p>\n", ccp_html_time(best->stats.median * NS, text));
	if (ranking->has_regret && ranking->regret.plan != ranking->best)
		fprintf(out, "<p>auto takes %.2f times as long as the best plan by hand.</p>\n", ranking->regret.ratio);
	if (c->round_count > 1)
		fprintf(out, "<p>Differences below %.0f %% are noise on this machine.</p>\n",
			fmax(1, ceil(ranking->noise * 100)));
	else
		fputs("<p class=\"warn\">One round cannot tell what is noise.</p>\n", out);
}

void ccp_compare_html(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_ranking *ranking = &c->ranking;

	ccp_html_begin(out, "ccpipe compare");
	print_verdict(out, c);
	print_facts(out, c);
	fputs("</header>\n", out);
	print_picture(out, c);
	if (ranking->has_regret) {
		char *text = NULL;
		size_t len;
		FILE *memory = open_memstream(&text, &len);

		fputs("<section><h2>What auto cost</h2>\n<p>", out);
		if (memory != NULL) {
			ccp_compare_regret_words(memory, c);
			fclose(memory);
			ccp_html_text(out, text);
			free(text);
		}
		fputs(".</p></section>\n", out);
	}
	print_table(out, c);
	print_commands(out, c);
	ccp_html_end(out, NULL);
}
