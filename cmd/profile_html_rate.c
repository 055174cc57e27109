/*
 * profile_html_rate.c: how fast the run was over time, and below, how many workers the stages had.
 *
 * The ticks hold totals; a rate is the difference of two of them. Jobs leave in lumps, so differences are taken over at
 * least 1/PARTS of the run, and drawn as steps: each is the mean of its interval. Curves are drawn in a box of 1000 by
 * 1000 that is stretched to the picture; all else in per cent and pixels.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/html.h"
#include "cmd/profile_html.h"

#define PARTS 120
#define POINTS (PARTS + 2)
#define MARKS 24 /* height of the strip of marks over the curves; all Units: pixels */
#define PLOT 170
#define STRIP 40   /* of a degree */
#define LISTED 12u /* changes that are told below the picture */

struct curve {
	unsigned count;
	double end[POINTS];             /* of the interval. Units: ns since the run began */
	double in[POINTS], out[POINTS]; /* bytes a second */
	double max;
};

static void measure(struct curve *curve, const struct ccp_profile *profile, double length)
{
	struct ccp_tick from = { 0 };

	memset(curve, 0, sizeof *curve);
	for (unsigned i = 0; i < profile->ticks; i++) {
		const struct ccp_tick *to = &profile->tick[i];
		double span = (double)to->t_ns - (double)from.t_ns;
		bool last = i + 1 == profile->ticks;

		if (!(span > 0) || (span < length / PARTS && !(last && curve->count == 0)) ||
		    to->bytes_in < from.bytes_in || to->bytes_out < from.bytes_out || curve->count == POINTS)
			continue;
		curve->end[curve->count] = (double)to->t_ns;
		curve->in[curve->count] = (double)(to->bytes_in - from.bytes_in) / span * 1e9;
		curve->out[curve->count] = (double)(to->bytes_out - from.bytes_out) / span * 1e9;
		curve->max = fmax(curve->max, fmax(curve->in[curve->count], curve->out[curve->count]));
		curve->count++;
		from = *to;
	}
}

static double per_mille(double value, double whole)
{
	return whole > 0 ? 1000 * fmin(fmax(value / whole, 0), 1) : 0;
}

static void begin_box(FILE *out, unsigned y, unsigned height)
{
	fprintf(out,
		"<svg y=\"%u\" width=\"100%%\" height=\"%u\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\">",
		y, height);
}

/* Steps through the values; `area` closes them to the ground. */
static void print_steps(FILE *out, const struct curve *curve, const double *value, double top, double length,
			const char *class, bool area)
{
	double last = 0;

	fprintf(out, "<path class=\"%s\" d=\"M0,%s", class, area ? "1000" : "");
	if (!area)
		fprintf(out, "%.0f", 1000 - per_mille(value[0], top));
	for (unsigned i = 0; i < curve->count; i++) {
		fprintf(out, "V%.0fH%.1f", 1000 - per_mille(value[i], top), per_mille(curve->end[i], length));
		last = per_mille(curve->end[i], length);
	}
	if (area)
		fprintf(out, "V1000H0z");
	else
		fprintf(out, "M%.1f,1000", last);
	fputs("\"/>", out);
}

static double percent_of(double t, double length)
{
	return 100 * fmin(fmax(t / length, 0), 1);
}

/* What is marked: where auto decided first ("A"), and the changes ("1", "2", and so on). */
struct mark {
	double x; /* per cent */
	char label[8];
	char text[240];
};

/* Mark `number` from 0; the first is auto's decision if it made one. Returns false after the last. */
static bool find_mark(struct mark *mark, const struct ccp_profile *profile, double length, unsigned number)
{
	bool decided = profile->decided && profile->automatic;
	char at[CCP_HTML_TEXT], plan[120];

	if (decided && number == 0) {
		ccp_decision_text(&profile->decision, plan, sizeof plan);
		mark->x = percent_of(profile->probe_s * 1e9, length);
		snprintf(mark->label, sizeof mark->label, "A");
		snprintf(mark->text, sizeof mark->text, "%s: auto chose %s", ccp_html_time(profile->probe_s * 1e9, at),
			 plan);
		return true;
	}
	number -= decided;
	if (number >= profile->changes || number >= CCP_PROFILE_CHANGES)
		return false;

	const struct ccp_change *change = &profile->change[number];

	mark->x = percent_of((double)change->t_ns, length);
	snprintf(mark->label, sizeof mark->label, "%u", number + 1);
	snprintf(mark->text, sizeof mark->text, "%s: %s to %s%s", ccp_html_time((double)change->t_ns, at), change->from,
		 change->to,
		 !change->judged ? ""
		 : change->kept  ? ", kept"
				 : ", undone");
	return true;
}

static void print_mark_lines(FILE *out, const struct ccp_profile *profile, double length)
{
	struct mark mark;

	for (unsigned i = 0; find_mark(&mark, profile, length, i); i++)
		fprintf(out, "<line class=\"markline\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", mark.x,
			mark.x, MARKS, MARKS + PLOT);
}

/* A label in a circle, or a dot where that would cover the one before. */
static void print_marks(FILE *out, const struct ccp_profile *profile, double length)
{
	double last = -100;
	struct mark mark;

	for (unsigned i = 0; find_mark(&mark, profile, length, i); i++) {
		bool room = mark.x - last >= 9;

		if (room) {
			fprintf(out,
				"<circle class=\"mark\" cx=\"%.2f%%\" cy=\"11\" r=\"10\"/>"
				"<text class=\"onmark\" x=\"%.2f%%\" y=\"15\" text-anchor=\"middle\">%s<title>",
				mark.x, mark.x, mark.label);
			last = mark.x;
		} else {
			fprintf(out, "<circle class=\"mark\" cx=\"%.2f%%\" cy=\"%d\" r=\"3\"><title>", mark.x,
				MARKS - 4);
		}
		ccp_html_text(out, mark.text);
		fprintf(out, "</title></%s>", room ? "text" : "circle");
	}
}

/* The marks in words. */
static void list_marks(FILE *out, const struct ccp_profile *profile, double length)
{
	struct mark mark;
	unsigned i = 0;

	if (!find_mark(&mark, profile, length, 0))
		return;
	fputs("<ul class=\"marks\">\n", out);
	for (; i < LISTED && find_mark(&mark, profile, length, i); i++) {
		fprintf(out, "<li><strong>%s</strong> ", mark.label);
		ccp_html_text(out, mark.text);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
	if (find_mark(&mark, profile, length, i))
		fputs("<p class=\"note\">The others stand in the log below.</p>\n", out);
}

static double scale_y(double value, double top)
{
	return MARKS + PLOT * (1 - value / top);
}

static void print_grid(FILE *out, double top, double step)
{
	for (unsigned i = 0; i * step <= top * 1.001; i++)
		fprintf(out, "<line class=\"axis\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>", scale_y(i * step, top),
			scale_y(i * step, top));
}

/* In the gutter, at the lines that they belong to. */
static void print_scale(FILE *out, double top, double step)
{
	char text[CCP_HTML_TEXT], *point, *unit;

	for (unsigned i = 1; i * step <= top * 1.001; i++) {
		ccp_html_rate(i * step, text);
		point = strchr(text, '.');
		unit = strchr(text, ' ');
		if (point != NULL && unit != NULL && strspn(point + 1, "0") == (size_t)(unit - point - 1))
			memmove(point, unit, strlen(unit) + 1); /* "50.0 MB/s" */
		fprintf(out, "<text class=\"small\" x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
			scale_y(i * step, top) + 4, text);
	}
}

static void print_throughput(FILE *out, const struct ccp_profile *profile, const struct curve *curve, double length)
{
	double step = ccp_html_step(curve->max, 4), top = step * ceil(curve->max / step);
	char desc[200], in[CCP_HTML_TEXT], max[CCP_HTML_TEXT];

	snprintf(desc, sizeof desc, "%s of input on average, at most %s over one step",
		 ccp_html_rate(profile->wall_s > 0 ? (double)profile->bytes_in / profile->wall_s : 0, in),
		 ccp_html_rate(curve->max, max));
	fputs("<div class=\"chart gutter\">\n", out);
	ccp_html_svg_begin(out, MARKS + PLOT + 2, "Throughput over time", desc);
	print_mark_lines(out, profile, length);
	begin_box(out, MARKS, PLOT);
	print_steps(out, curve, curve->in, top, length, "area", true);
	fputs("</svg>", out);
	print_grid(out, top, step);
	begin_box(out, MARKS, PLOT);
	print_steps(out, curve, curve->in, top, length, "line", false);
	print_steps(out, curve, curve->out, top, length, "line2", false);
	fputs("</svg>", out);
	print_scale(out, top, step);
	print_marks(out, profile, length);
	fputs("</svg>\n", out);
	ccp_profile_html_axis(out, length);
	fputs("</div>\n<ul class=\"legend\"><li><svg width=\"28\" height=\"12\" aria-hidden=\"true\">"
	      "<path class=\"line\" d=\"M0,6h28\"/></svg>read</li><li>"
	      "<svg width=\"28\" height=\"12\" aria-hidden=\"true\"><path class=\"line2\" "
	      "d=\"M0,6h28\"/></svg>written</li>",
	      out);
	if (profile->changes > 0 || profile->decided)
		fputs("<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><circle class=\"mark\" cx=\"8\" "
		      "cy=\"8\" r=\"8\"/>"
		      "</svg>decided or changed</li>",
		      out);
	fputs("</ul>\n", out);
}

/* Whether two stages had the same workers all the time. */
static bool same_degrees(const struct ccp_profile *profile, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < profile->ticks; i++)
		if (profile->tick[i].degree[a] != profile->tick[i].degree[b] ||
		    profile->tick[i].kind[a] != profile->tick[i].kind[b])
			return false;
	return true;
}

static const char *strategy_at(const struct ccp_profile *profile, unsigned tick, unsigned stage)
{
	unsigned exec = profile->tick[tick].kind[stage];
	const char *name = exec < profile->execs && exec < CCP_PROFILE_EXECS ? profile->exec[exec].strategy : NULL;

	return name != NULL ? name : profile->stage[stage].strategy != NULL ? profile->stage[stage].strategy : "?";
}

/* Names the strategy and degree of each stretch of time that has room for the words. */
static void print_segments(FILE *out, const struct ccp_profile *profile, unsigned stage, double length)
{
	unsigned begin = 0;

	for (unsigned i = 1; i <= profile->ticks; i++) {
		const struct ccp_tick *tick = &profile->tick[begin];
		double x = begin == 0 ? 0 : percent_of((double)tick->t_ns, length), end = 100;

		if (i < profile->ticks) {
			if (profile->tick[i].kind[stage] == tick->kind[stage] &&
			    profile->tick[i].degree[stage] == tick->degree[stage])
				continue;
			end = percent_of((double)profile->tick[i].t_ns, length);
		}
		if (end - x >= 20) {
			fprintf(out, "<text class=\"small halo\" dx=\"4\" x=\"%.2f%%\" y=\"%d\">", x, STRIP - 8);
			ccp_html_text(out, strategy_at(profile, begin, stage));
			fprintf(out, " x%u</text>", tick->degree[stage]);
		}
		begin = i;
	}
}

/* The step line of a degree: `from` is the stage whose ticks are drawn. */
static void print_degree(FILE *out, const struct ccp_profile *profile, unsigned from, const char *name, double length)
{
	unsigned max = 1, last = 0;
	char desc[160];

	for (unsigned i = 0; i < profile->ticks; i++)
		max = profile->tick[i].degree[from] > max ? profile->tick[i].degree[from] : max;
	snprintf(desc, sizeof desc, "at most %u, %.1f on average, %u at the end", max, profile->stage[from].degree_mean,
		 profile->stage[from].degree);
	fputs("<p><strong>", out);
	ccp_html_text(out, name);
	fprintf(out, "</strong> <span class=\"note\">%s</span></p>\n<div class=\"chart gutter\">", desc);
	ccp_html_svg_begin(out, STRIP, name, desc);
	fprintf(out, "<line class=\"axis\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", STRIP - 1, STRIP - 1);
	fprintf(out,
		"<text class=\"small\" x=\"-6\" y=\"10\" text-anchor=\"end\">%u</text>"
		"<text class=\"small\" x=\"-6\" y=\"%d\" text-anchor=\"end\">0</text>",
		max, STRIP);
	begin_box(out, 3, STRIP - 4);
	fputs("<path class=\"step\" d=\"", out);
	for (unsigned i = 0; i < profile->ticks; i++) {
		unsigned now = profile->tick[i].degree[from];

		if (i > 0 && now == last)
			continue;
		fprintf(out, i == 0 ? "M0,%.0f" : "H%.1f",
			i == 0 ? 1000 - per_mille(now, max) : per_mille((double)profile->tick[i].t_ns, length));
		if (i > 0)
			fprintf(out, "V%.0f", 1000 - per_mille(now, max));
		last = now;
	}
	fputs("H1000\"/></svg>", out);
	print_segments(out, profile, from, length);
	fputs("</svg></div>\n", out);
}

static void print_degrees(FILE *out, const struct ccp_profile *profile, double length)
{
	bool done[CCP_STAGES] = { false };

	fputs("<h3>Workers over time</h3>\n", out);
	for (unsigned stage = 0; stage < CCP_STAGES; stage++) {
		char name[60];
		size_t len;

		if (done[stage])
			continue;
		len = (size_t)snprintf(name, sizeof name, "%s", ccp_stage_name((enum ccp_stage)stage));
		for (unsigned other = stage + 1; other < CCP_STAGES; other++) {
			if (done[other] || !same_degrees(profile, stage, other))
				continue;
			done[other] = true;
			len += (size_t)snprintf(name + len, sizeof name - len, ", %s",
						ccp_stage_name((enum ccp_stage)other));
		}
		print_degree(out, profile, stage, name, length);
	}
}

void ccp_profile_html_rates(FILE *out, const struct ccp_profile *profile)
{
	double length = ccp_profile_html_length(profile);
	struct curve curve;

	measure(&curve, profile, length);
	fputs("<section>\n<h2>Throughput over time</h2>\n", out);
	if (curve.count >= 2 && curve.max > 0) {
		print_throughput(out, profile, &curve, length);
		list_marks(out, profile, length);
		print_degrees(out, profile, length);
	} else {
		fputs("<p>The run was too short for a curve.</p>\n", out);
		list_marks(out, profile, length);
	}
	fputs("</section>\n", out);
}
