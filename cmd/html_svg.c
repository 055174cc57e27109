/*
 * html_svg.c: the palette with its patterns, bars, and the steps of axes; see html.h.
 *
 * A fill is a pattern in units of pixels of the page. Pictures are drawn in per cent of the width instead of in a
 * scaled viewBox, so that a pattern looks the same in a bar, in the legend beside it and on every screen.
 */
#include "cmd/html_svg.h"

#include <math.h>

#include "cmd/html.h"

/* --NAME is the ground, --NAME2 what is drawn on it: a path of lines, or of areas if `solid`. */
static const struct {
	const char *id, *name, *colour;
	unsigned width, height;
	const char *path;
	double line; /* width of the lines; 0 = the path is filled */
} fills[CCP_FILLS] = {
	[CCP_FILL_READ] = { "f-read", "read", "read", 7, 7, "M-2,2l4,-4M0,7l7,-7M5,9l4,-4", 1.6 },
	[CCP_FILL_WORK] = { "f-work", "work", "work", 8, 8, "", 0 },
	[CCP_FILL_WRITE] = { "f-write", "write", "write", 8, 5, "M0,2.5h8", 1.4 },
	[CCP_FILL_HUB] = { "f-hub", "hand-off and order", "hub", 6, 6, "M0,0h2v2h-2zM3,3h2v2h-2z", 0 },
	[CCP_FILL_WAIT_IN] = { "f-in", "waiting for input", "in", 7, 7, "M-2,5l4,4M0,0l7,7M5,-2l4,4", 1.2 },
	[CCP_FILL_WAIT_OUT] = { "f-out", "waiting for output", "out", 6, 6, "M0,0l6,6M0,6l6,-6", 1 },
	[CCP_FILL_PARKED] = { "f-park", "parked", "park", 7, 7, "M3,3h1.6v1.6h-1.6z", 0 },
	[CCP_FILL_CPU] = { "f-cpu", "on a CPU", "work", 8, 8, "", 0 },
	[CCP_FILL_RUNQ] = { "f-runq", "waiting for a CPU", "read", 7, 7, "M-2,2l4,-4M0,7l7,-7M5,9l4,-4", 1.6 },
	[CCP_FILL_BLOCKED] = { "f-blocked", "waiting in a call", "out", 6, 6, "M0,0l6,6M0,6l6,-6", 1 },
	[CCP_FILL_UNKNOWN] = { "f-gone", "not recorded", "gone", 8, 8, "M4,0v8", 1 },
	[CCP_FILL_BEST] = { "f-best", "best", "work", 8, 8, "", 0 },
	[CCP_FILL_OTHER] = { "f-other", "other", "in", 7, 7, "M-2,5l4,4M0,0l7,7M5,-2l4,4", 1.2 },
	[CCP_FILL_AUTO] = { "f-auto", "auto", "read", 7, 7, "M-2,2l4,-4M0,7l7,-7M5,9l4,-4", 1.6 },
};

const char *ccp_html_fill_name(enum ccp_html_fill fill)
{
	return fills[fill].name;
}

const char *ccp_html_fill_paint(enum ccp_html_fill fill)
{
	static const char *const paints[CCP_FILLS] = {
		[CCP_FILL_READ] = "url(#f-read)",    [CCP_FILL_WORK] = "url(#f-work)",
		[CCP_FILL_WRITE] = "url(#f-write)",  [CCP_FILL_HUB] = "url(#f-hub)",
		[CCP_FILL_WAIT_IN] = "url(#f-in)",   [CCP_FILL_WAIT_OUT] = "url(#f-out)",
		[CCP_FILL_PARKED] = "url(#f-park)",  [CCP_FILL_CPU] = "url(#f-cpu)",
		[CCP_FILL_RUNQ] = "url(#f-runq)",    [CCP_FILL_BLOCKED] = "url(#f-blocked)",
		[CCP_FILL_UNKNOWN] = "url(#f-gone)", [CCP_FILL_BEST] = "url(#f-best)",
		[CCP_FILL_OTHER] = "url(#f-other)",  [CCP_FILL_AUTO] = "url(#f-auto)",
	};

	return paints[fill];
}

void ccp_html_patterns(FILE *out)
{
	fputs("<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>", out);
	for (unsigned i = 0; i < CCP_FILLS; i++) {
		fprintf(out,
			"<pattern id=\"%s\" width=\"%u\" height=\"%u\" patternUnits=\"userSpaceOnUse\">"
			"<rect width=\"%u\" height=\"%u\" style=\"fill:var(--%s)\"/>",
			fills[i].id, fills[i].width, fills[i].height, fills[i].width, fills[i].height, fills[i].colour);
		if (fills[i].line > 0)
			fprintf(out, "<path d=\"%s\" style=\"fill:none;stroke:var(--%s2);stroke-width:%g\"/>",
				fills[i].path, fills[i].colour, fills[i].line);
		else if (fills[i].path[0] != '\0')
			fprintf(out, "<path d=\"%s\" style=\"fill:var(--%s2)\"/>", fills[i].path, fills[i].colour);
		fputs("</pattern>", out);
	}
	fputs("</defs></svg>\n", out);
}

void ccp_html_legend(FILE *out, enum ccp_html_fill fill, const char *name, const char *figure)
{
	fprintf(out,
		"<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\">"
		"<rect width=\"16\" height=\"16\" fill=\"%s\"/>"
		"<rect class=\"frame\" x=\".5\" y=\".5\" width=\"15\" height=\"15\"/></svg><span>",
		ccp_html_fill_paint(fill));
	ccp_html_text(out, name != NULL ? name : fills[fill].name);
	if (figure != NULL) {
		fputs(" <strong>", out);
		ccp_html_text(out, figure);
		fputs("</strong>", out);
	}
	fputs("</span></li>", out);
}

void ccp_html_svg_begin(FILE *out, unsigned height, const char *title, const char *desc)
{
	fprintf(out, "<svg role=\"img\" width=\"100%%\" height=\"%u\"><title>", height);
	ccp_html_text(out, title);
	fputs("</title><desc>", out);
	ccp_html_text(out, desc);
	fputs("</desc>", out);
}

void ccp_html_bar(FILE *out, const char *label, const struct ccp_html_part *part, unsigned count, double whole,
		  unsigned height)
{
	double sum = 0, at = 0;
	char share[CCP_HTML_TEXT];

	for (unsigned i = 0; i < count; i++)
		sum += part[i].value > 0 ? part[i].value : 0;
	if (!(whole > sum))
		whole = sum;
	fprintf(out, "<svg role=\"img\" width=\"100%%\" height=\"%u\"><title>", height);
	ccp_html_text(out, label);
	fputs("</title>", out);
	for (unsigned i = 0; i < count; i++) {
		double width = part[i].value > 0 ? 100 * part[i].value / whole : 0;

		if (width < 0.01)
			continue;
		fprintf(out, "<rect x=\"%.2f%%\" width=\"%.2f%%\" height=\"%u\" fill=\"%s\"><title>", at, width, height,
			ccp_html_fill_paint(part[i].fill));
		ccp_html_text(out, fills[part[i].fill].name);
		fprintf(out, " %s</title></rect>", ccp_html_percent(width / 100, share));
		/* an edge, so that neighbours of the same lightness are two */
		fprintf(out, "<line class=\"edge\" x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%u\"/>", at + width, at + width,
			height);
		at += width;
	}
	if (at > 0)
		fprintf(out, "<rect class=\"frame\" y=\".5\" width=\"%.2f%%\" height=\"%u\"/>", at, height - 1);
	fputs("</svg>\n", out);
}

double ccp_html_step(double max, unsigned most)
{
	double least, power, digit;

	if (!(max > 0) || !isfinite(max) || most == 0)
		return 1;
	least = max / most;
	power = pow(10, floor(log10(least)));
	digit = least / power;
	return power * (digit <= 1.0000001 ? 1 : digit <= 2.0000001 ? 2 : digit <= 5.0000001 ? 5 : 10);
}
