/*
 * html.h: what the pages of --profile=html and compare share: frame and style sheet, escaping, one palette whose fills
 * differ in lightness and in pattern, axes, and numbers for people.
 *
 * A page is one file without scripts and without anything from elsewhere. All text that was not written in the source
 * goes through ccp_html_text. Pictures are SVG with positions in per cent of the width and in pixels of the height, so
 * that they fit any width and their text keeps its size.
 *
 * Errors: none are returned; the caller looks at ferror(out) at the end.
 *
 * Classes of the style sheet:
 *   section        a heading <h2> and what belongs to it
 *   verdict        the sentence to be read first
 *   facts          <dl class="facts"> of <div><dt>name</dt><dd>figure</dd></div>: the key figures, as tiles
 *   scroll         <div class="scroll" tabindex="0" role="region" aria-label="…"> around a table that may be too wide
 *   stack          a table whose rows become blocks on a narrow screen: each <td> has data-label="its column"
 *   num            a cell with a figure
 *   best           a row that stands out
 *   note, warn     small print; something that the reader should doubt
 *   none           a cell without a figure: left out on a narrow screen
 *   chart          <div class="chart"> or <figure class="chart"> around <svg>; with "gutter" too there is room to the
 *                  left for labels of a scale: <text class="small" x="-6" text-anchor="end">
 *   rows           <div class="rows"> of <span>label</span><svg>…</svg>: labels in one column, pictures in the other;
 *                  with "time" too the pictures begin where those in a gutter do
 *   legend         <ul class="legend"> of ccp_html_legend
 *   In SVG: axis (tick lines), frame (outlines), label (text), small (small text), line (a curve, no fill),
 *   line2 (another, dashed), step (a line in the colour of text), area (what lies under a line), mark (what points
 *   something out), onmark (text on it), markline (a line that points), halo (text that stays legible over lines),
 *   cover (invisible, but there for the pointer).
 */
#ifndef CCP_CMD_HTML_H
#define CCP_CMD_HTML_H

#include <stdint.h>
#include <stdio.h>

/* Room for each text that is made here. */
#define CCP_HTML_TEXT 40

/* Fills. The first seven are those of enum ccp_meter_state; the next three the parts of a time. */
enum ccp_html_fill {
	CCP_FILL_READ,
	CCP_FILL_WORK,
	CCP_FILL_WRITE,
	CCP_FILL_HUB,
	CCP_FILL_WAIT_IN,
	CCP_FILL_WAIT_OUT,
	CCP_FILL_PARKED,
	CCP_FILL_CPU,
	CCP_FILL_RUNQ,
	CCP_FILL_BLOCKED,
	CCP_FILL_UNKNOWN, /* not recorded */
	CCP_FILL_BEST,    /* bars of a comparison: the best, the others, auto */
	CCP_FILL_OTHER,
	CCP_FILL_AUTO,
	CCP_FILLS
};

/* "read", "waiting for input", "run queue", …: for legends. */
const char *ccp_html_fill_name(enum ccp_html_fill fill);

/* The paint, for fill="…" of any SVG in the page: "url(#f-read)". */
const char *ccp_html_fill_paint(enum ccp_html_fill fill);

/* Begins the page: head, style sheet, patterns, <body><main>. The caller goes on with <h1>. The title is escaped. */
void ccp_html_begin(FILE *out, const char *title);

/* Ends it: a footer that names the program, its version, and `about` (escaped, NULL = none), </main></body></html>. */
void ccp_html_end(FILE *out, const char *about);

/* Prints text for an element or for an attribute in "…". What is no UTF-8 or a control character becomes U+FFFD. */
void ccp_html_text(FILE *out, const char *text);

/* `<li>` with the fill's swatch, a name (NULL = the fill's) and a figure (NULL = none), both escaped. */
void ccp_html_legend(FILE *out, enum ccp_html_fill fill, const char *name, const char *figure);

/* One part of a bar. */
struct ccp_html_part {
	enum ccp_html_fill fill;
	double value;
};

/*
 * A horizontal bar as SVG, `height` pixels high: its parts, each with a <title>, as shares of `whole` (0 = of their
 * sum), from the left. `label` says what it is, for who cannot see it. Shape: `count` parts; negative ones count as 0.
 */
void ccp_html_bar(FILE *out, const char *label, const struct ccp_html_part *part, unsigned count, double whole,
		  unsigned height);

/* Begins a picture as wide as its box: `<svg role="img">` with <title> and <desc>, both escaped. End it by "</svg>". */
void ccp_html_svg_begin(FILE *out, unsigned height, const char *title, const char *desc);

/* A tick step of 1, 2 or 5 times a power of ten, so that 0 … max has at most `most` steps. 1 if max is not positive. */
double ccp_html_step(double max, unsigned most);

/* Words for figures. Shape: room for CCP_HTML_TEXT. Return `text`. */
const char *ccp_html_time(double ns, char *text);      /* "0 s", "302 us", "5.10 ms", "3.41 s", "12:05" */
const char *ccp_html_bytes(double bytes, char *text);  /* "812 B", "212 MB", "1.07 GB" */
const char *ccp_html_rate(double bytes_s, char *text); /* of bytes a second: "293 MB/s" */
const char *ccp_html_number(double value, char *text); /* three digits, or whole: "0.042", "1.25", "12,345" */
const char *ccp_html_percent(double share, char *text); /* "97%", "0.4%", "0%"; "-" if the share is negative or NAN */

/* The label of a tick on a time axis, as exact as its step: "0", "0.5 s", "20 ms". */
const char *ccp_html_tick(double ns, double step_ns, char *text);

#endif
