/*
 * html.c: the frame of a page, its style sheet, escaping, and figures for people; see html.h.
 *
 * All colours are custom properties, set once for light and once for dark, so that the patterns in html_svg.c follow
 * the reader's scheme without knowing of it. Text colours are chosen for a contrast of 4.5 at least on both grounds.
 * Paper takes the light ones.
 */
#include "cmd/html.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cmd/html_svg.h"
#include "cmd/profile_words.h"
#include "cmd/text.h"
#include "version.h"

_Static_assert(CCP_HTML_TEXT >= CCP_WORDS_TEXT, "room for the words");

/* Fill and pattern colours: --x, --x2. In grey they are apart too: about 10 steps of lightness, or the pattern. */
static const char light[] =
	"--bg:#fff;--card:#f4f6f8;--text:#1b1f24;--soft:#525c67;--edge:#cfd6dd;--grid:#d9dfe5;--link:#0a58a6;"
	"--mark:#a3330b;--hot:#fff3d6;--read:#e69f00;--read2:#7a5200;--work:#0a64a4;--work2:#0a64a4;--write:#009e73;"
	"--write2:#d8f5ea;--hub:#cc79a7;--hub2:#5c1f45;--in:#e3e7eb;--in2:#a9b2bc;--out:#c3cad2;--out2:#717c88;"
	"--park:#f7f8f9;--park2:#b7bfc8;--gone:#fff;--gone2:#d0d0d0;";

static const char dark[] =
	"--bg:#14181d;--card:#1e242b;--text:#e6e9ed;--soft:#aab4bf;--edge:#3d4650;--grid:#333b44;--link:#86bff7;"
	"--mark:#ff9d6b;--hot:#3a2f12;--read:#e69f00;--read2:#6b4700;--work:#4aa8e8;--work2:#4aa8e8;--write:#0b8a66;"
	"--write2:#bff0df;--hub:#cc79a7;--hub2:#4d1a3a;--in:#2f3740;--in2:#5b6773;--out:#46515c;--out2:#8593a1;"
	"--park:#1a1f25;--park2:#4a545f;--gone:#14181d;--gone2:#39414a;";

static const char style[] =
	"*{box-sizing:border-box}"
	"html{-webkit-text-size-adjust:100%;text-size-adjust:100%}"
	"body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
	"'Noto Sans','DejaVu Sans',sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}"
	"main{max-width:70rem;margin:0 auto;padding:1rem 1rem 2rem}"
	"h1{font-size:1.15rem;line-height:1.3;margin:.5rem 0 0;font-weight:600}"
	"h2{font-size:1.15rem;line-height:1.3;margin:2.25rem 0 .5rem;padding-top:.75rem;"
	"border-top:1px solid var(--edge)}"
	"h3{font-size:1rem;margin:1.25rem 0 .35rem}"
	"p{margin:.4rem 0;max-width:46rem}"
	"a{color:var(--link)}"
	"code{font:.92em ui-monospace,'DejaVu Sans Mono',monospace}"
	".verdict{font-size:clamp(1.3rem,1rem + 1.6vw,1.9rem);line-height:1.3;font-weight:650;margin:.5rem 0 1rem;"
	"max-width:none}"
	".verdict::first-letter{text-transform:uppercase}"
	".note{color:var(--soft);font-size:.88rem;font-weight:400}"
	".warn{border-left:4px solid var(--mark);padding:.35rem .75rem;background:var(--card)}"
	".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.75rem,1fr));gap:.5rem;margin:1rem 0}"
	".facts>div{background:var(--card);border:1px solid var(--edge);border-radius:6px;padding:.45rem .7rem}"
	".facts dt{color:var(--soft);font-size:.82rem}"
	".facts dd{margin:0;font-size:1.2rem;font-weight:600;line-height:1.3}"
	".facts dd small{display:block;font-size:.8rem;font-weight:400;color:var(--soft);line-height:1.35}"
	".scroll{overflow-x:auto;max-width:100%}"
	".scroll:focus-visible{outline:2px solid var(--link)}"
	"table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.92rem}"
	"caption{text-align:left;color:var(--soft);font-size:.88rem;padding:.2rem 0}"
	"th,td{padding:.35rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}"
	"thead th{font-size:.82rem;color:var(--soft);font-weight:600;vertical-align:bottom;line-height:1.3}"
	"td.num{white-space:nowrap}"
	"td.num,th.num{text-align:right}"
	"tr.best>*{background:var(--hot)}"
	".chart{margin:.75rem 0}"
	"svg{display:block;max-width:100%;overflow:visible}"
	".chart.gutter{padding-left:6.2rem}"
	".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:.4rem 0 .9rem;padding:0;"
	"font-size:.88rem}"
	".legend li{display:flex;align-items:center;gap:.4rem}"
	".legend svg{flex:none}"
	".marks{list-style:none;padding:0}.marks strong{display:inline-block;min-width:1.4rem;color:var(--mark)}"
	".rows{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px .6rem;align-items:center;"
	"font-size:.85rem}"
	".rows.time{grid-template-columns:5.6rem minmax(0,1fr)}.rows>span{overflow-wrap:anywhere}"
	"ul,ol{padding-left:1.4rem;margin:.4rem 0}li{margin:.15rem 0}.legend li{margin:0}"
	"footer{margin-top:2.5rem;border-top:1px solid var(--edge);padding-top:.6rem;color:var(--soft);"
	"font-size:.85rem}"
	"svg text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif;"
	"fill:var(--text)}"
	"svg .small{font-size:12px;fill:var(--soft)}"
	"svg .halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round}"
	".axis{stroke:var(--grid);stroke-width:1}"
	".frame{fill:none;stroke:var(--soft);stroke-width:1}"
	".cover{fill:transparent}"
	".edge{stroke:var(--bg);stroke-width:1.5}"
	".line,.line2,.step{fill:none;stroke:var(--work);stroke-width:2;vector-effect:non-scaling-stroke}"
	".line2{stroke:var(--mark);stroke-dasharray:6 3}"
	".step{stroke:var(--text)}"
	".area{fill:var(--work);fill-opacity:.16}"
	".mark{fill:var(--mark)}"
	".markline{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:2 3}"
	"svg text.onmark{fill:var(--bg);font-weight:700;font-size:12px}";

/* Narrow screens, and paper. */
static const char media[] =
	"@media (max-width:40rem){main{padding:.75rem .75rem 1.5rem}"
	".facts{grid-template-columns:repeat(2,minmax(0,1fr))}"
	".chart.gutter{padding-left:5.4rem}.rows.time{grid-template-columns:4.8rem minmax(0,1fr);font-size:.75rem}"
	"table.stack,.stack caption,.stack tbody,.stack tr,.stack th,.stack td{display:block}"
	".stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
	".stack tr{border:1px solid var(--edge);border-radius:6px;margin:.5rem 0;padding:.3rem .6rem}"
	".stack th,.stack td,.stack td.num{border:0;padding:.12rem 0;text-align:left;white-space:normal}"
	".stack td[data-label]{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:.5rem}"
	".stack td[data-label]::before{content:attr(data-label);color:var(--soft)}"
	".stack td.none{display:none}"
	".stack tr.best{background:var(--hot)}}"
	"@media print{body{font-size:11pt}main{max-width:none;padding:0}h2,h3{break-after:avoid}"
	"tr,.chart,.facts>div{break-inside:avoid}.scroll{overflow:visible}"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

/* What HTML does not allow in text, or shows in another order than it stands (U+202A to U+202E, U+2066 to U+2069). */
static bool is_forbidden(const unsigned char *s, size_t len)
{
	if (len == 1)
		return (s[0] < 0x20 && s[0] != '\t' && s[0] != '\n') || s[0] == 0x7f;
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	return len == 0 ||
	       (len == 3 && s[0] == 0xe2 &&
		((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)));
}

void ccp_html_text(FILE *out, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
		size_t len = ccp_text_utf8(s);

		if (is_forbidden(s, len)) {
			fputs("\xef\xbf\xbd", out);
		} else if (strchr("&<>\"'", *s) != NULL) {
			fprintf(out, "&#%u;", *s);
		} else {
			fwrite(s, 1, len, out);
		}
		s += len == 0 ? 1 : len;
	}
}

void ccp_html_begin(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	ccp_html_text(out, title);
	fprintf(out,
		"</title>\n<style>\n:root{color-scheme:light dark;%s}\n"
		"@media screen and (prefers-color-scheme:dark){:root{%s}}\n%s\n%s\n</style>\n</head>\n<body>\n",
		light, dark, style, media);
	ccp_html_patterns(out);
	fputs("<main>\n", out);
}

void ccp_html_end(FILE *out, const char *about)
{
	fputs("<footer>ccpipe ", out);
	ccp_html_text(out, CCP_VERSION);
	if (about != NULL) {
		fputs(". ", out);
		ccp_html_text(out, about);
	}
	fputs("</footer>\n</main>\n</body>\n</html>\n", out);
}

const char *ccp_html_time(double ns, char *text)
{
	return ccp_words_duration(ns / 1e9, text);
}

const char *ccp_html_tick(double ns, double step_ns, char *text)
{
	double unit = step_ns < 1e3 ? 1 : step_ns < 1e6 ? 1e3 : step_ns < 1e9 && ns < 1e9 ? 1e6 : 1e9;
	const char *name = unit < 1e3 ? "ns" : unit < 1e6 ? "us" : unit < 1e9 ? "ms" : "s";
	int digits = 0;

	if (!(ns > 0)) {
		snprintf(text, CCP_HTML_TEXT, "0");
		return text;
	}
	for (double step = step_ns / unit; step < 0.999 && digits < 9; step *= 10)
		digits++;
	snprintf(text, CCP_HTML_TEXT, "%.*f %s", digits, ns / unit, name);
	return text;
}

const char *ccp_html_bytes(double bytes, char *text)
{
	return ccp_words_amount(bytes, text);
}

const char *ccp_html_rate(double bytes_s, char *text)
{
	ccp_html_bytes(bytes_s, text);
	snprintf(text + strlen(text), CCP_HTML_TEXT - strlen(text), "/s");
	return text;
}

const char *ccp_html_number(double value, char *text)
{
	char digits[CCP_HTML_TEXT];
	size_t len, at = 0;

	if (!isfinite(value) || fabs(value) >= 1e18) {
		snprintf(text, CCP_HTML_TEXT, isfinite(value) ? "%.2e" : "-", value);
	} else if (value == floor(value) || fabs(value) >= 99.95) {
		len = (size_t)snprintf(digits, sizeof digits, "%.0f", fabs(value));
		if (value < 0)
			text[at++] = '-';
		for (size_t i = 0; i < len; i++) {
			if (i > 0 && (len - i) % 3 == 0)
				text[at++] = ',';
			text[at++] = digits[i];
		}
		text[at] = '\0';
	} else {
		snprintf(text, CCP_HTML_TEXT, "%.*f", fabs(value) < 0.0995 ? 3 : fabs(value) < 9.995 ? 2 : 1, value);
	}
	return text;
}

const char *ccp_html_percent(double share, char *text)
{
	if (!(share >= 0) || share > 1e9)
		snprintf(text, CCP_HTML_TEXT, "-");
	else
		snprintf(text, CCP_HTML_TEXT, "%.*f%%", share > 0.0005 && share < 0.0095 ? 1 : 0, 100 * share);
	return text;
}
