/*
 * profile_html.c: --profile=html: the page about one run. What it was and what limits it comes first, then the
 * pictures, then the figures, then how the plan was found; the parts stand in files of their own (profile_html.h).
 */
#include "cmd/profile_html.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd/html.h"
#include "cmd/profile.h"
#include "cmd/profile_words.h"
#include "pipeline/exec.h"

double ccp_profile_html_length(const struct ccp_profile *profile)
{
	double length = profile->wall_s * 1e9;

	if (profile->ticks > 0)
		length = fmax(length, (double)profile->tick[profile->ticks - 1].t_ns);
	return length > 1 ? length : 1;
}

void ccp_profile_html_axis(FILE *out, double length_ns)
{
	double step = ccp_html_step(length_ns, 6);
	char text[CCP_HTML_TEXT], desc[80];

	snprintf(desc, sizeof desc, "from 0 to %s", ccp_html_time(length_ns, text));
	ccp_html_svg_begin(out, 22, "Time axis", desc);
	fputs("<line class=\"frame\" x2=\"100%\" y1=\".5\" y2=\".5\"/>", out);
	for (unsigned i = 0; i * step <= length_ns * 1.0001; i++) {
		double x = 100 * i * step / length_ns;

		fprintf(out,
			"<line class=\"frame\" x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"5\"/>"
			"<text class=\"small\" x=\"%.2f%%\" y=\"18\" text-anchor=\"%s\">%s</text>",
			x, x, x,
			i == 0   ? "start"
			: x > 94 ? "end"
				 : "middle",
			ccp_html_tick(i * step, step, text));
	}
	fputs("</svg>\n", out);
}

void ccp_profile_html_cell(FILE *out, const char *column, const char *text, bool figure)
{
	fprintf(out, "<td class=\"%s%s\" data-label=\"", figure ? "num" : "", strcmp(text, "-") == 0 ? " none" : "");
	ccp_html_text(out, column);
	fputs("\"><span>", out);
	ccp_html_text(out, text);
	fputs("</span></td>", out);
}

void ccp_profile_html_row(FILE *out, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fputs("<tr><th scope=\"row\">", out);
	ccp_html_text(out, name);
	fputs("</th><td>", out);
	ccp_html_text(out, text);
	fputs("</td></tr>\n", out);
}

void ccp_profile_html_plan(const struct ccp_profile *profile, char *text, size_t size)
{
	const struct ccp_profile_stage *stage = profile->stage;
	size_t len = 0;

	text[0] = '\0';
	if (stage[CCP_WORK].fused_with_previous && stage[CCP_WRITE].fused_with_previous) {
		snprintf(text, size, "%s x%u", stage->strategy != NULL ? stage->strategy : "?", stage->degree);
		return;
	}
	for (unsigned i = 0; i < CCP_STAGES && len < size; i++) {
		const char *strategy = stage[i].strategy != NULL ? stage[i].strategy : "?";
		const char *joint = len > 0 ? ", " : "";

		if (i > 0 && stage[i].fused_with_previous)
			continue;
		len += (size_t)snprintf(text + len, size - len, "%s", joint);
		for (unsigned last = i; last < CCP_STAGES && len < size; last++) {
			if (last > i && !stage[last].fused_with_previous)
				break;
			len += (size_t)snprintf(text + len, size - len, "%s%s", last > i ? "+" : "",
						ccp_stage_name((enum ccp_stage)last));
		}
		if (len < size)
			len += (size_t)snprintf(text + len, size - len, " %s x%u", strategy, stage[i].degree);
	}
}

/* A tile; `small` may be "". */
static void print_tile(FILE *out, const char *name, const char *figure, const char *small)
{
	fputs("<div><dt>", out);
	ccp_html_text(out, name);
	fputs("</dt><dd>", out);
	ccp_html_text(out, figure);
	if (small[0] != '\0') {
		fputs(" <small>", out);
		ccp_html_text(out, small);
		fputs("</small>", out);
	}
	fputs("</dd></div>\n", out);
}

static void print_bytes_tiles(FILE *out, const struct ccp_profile *profile)
{
	char a[CCP_HTML_TEXT], b[CCP_HTML_TEXT], c[CCP_HTML_TEXT], small[200] = "";

	snprintf(small, sizeof small, "%s inputs done%s%s%s%s", ccp_html_number((double)profile->inputs_done, a),
		 profile->inputs_skipped > 0 ? ", skipped " : "",
		 profile->inputs_skipped > 0 ? ccp_html_number((double)profile->inputs_skipped, b) : "",
		 profile->inputs_failed > 0 ? ", failed " : "",
		 profile->inputs_failed > 0 ? ccp_html_number((double)profile->inputs_failed, c) : "");
	if (profile->inputs_done == 1 && profile->inputs_skipped + profile->inputs_failed == 0)
		snprintf(small, sizeof small, "1 input");
	print_tile(out, "read", ccp_html_bytes((double)profile->bytes_in, a), small);
	small[0] = '\0';
	if (profile->bytes_in > 0)
		snprintf(small, sizeof small, "%s of the input",
			 ccp_html_percent((double)profile->bytes_out / (double)profile->bytes_in, a));
	print_tile(out, "written", ccp_html_bytes((double)profile->bytes_out, a), small);
}

static void print_tiles(FILE *out, const struct ccp_profile *profile)
{
	double cpu = profile->user_s + profile->sys_s, wall = profile->wall_s;
	double rate = wall > 0 ? (double)profile->bytes_in / wall : 0;
	unsigned cpus = profile->host.cpus > 0 ? profile->host.cpus : 1;
	char a[CCP_HTML_TEXT], b[CCP_HTML_TEXT], share[CCP_HTML_TEXT], small[200] = "";

	fputs("<dl class=\"facts\">\n", out);
	print_tile(out, "time", ccp_html_time(wall * 1e9, a), profile->cancelled ? "until it was cancelled" : "");
	if (profile->ceiling_rate > 0)
		snprintf(small, sizeof small, "tuning could reach %s", ccp_html_rate(profile->ceiling_rate, a));
	print_tile(out, "throughput", ccp_html_rate(rate, b), small);
	print_bytes_tiles(out, profile);
	small[0] = '\0';
	if (wall > 0)
		snprintf(small, sizeof small, "%s of %u %s; user %s, system %s",
			 ccp_html_percent(cpu / wall / cpus, share), cpus, cpus == 1 ? "CPU" : "CPUs",
			 ccp_html_time(profile->user_s * 1e9, a), ccp_html_time(profile->sys_s * 1e9, b));
	print_tile(out, "CPU time", ccp_html_time(cpu * 1e9, a), small);
	snprintf(small, sizeof small, "buffers at most %s", ccp_html_bytes((double)profile->buffers, a));
	print_tile(out, "peak memory", ccp_html_bytes((double)profile->peak_rss, b), small);
	fputs("</dl>\n", out);
}

static void print_headline(FILE *out, const struct ccp_profile *profile)
{
	char plan[200];

	fputs("<header>\n<h1>ccpipe profile: ", out);
	ccp_html_text(out, profile->transform != NULL ? profile->transform : "?");
	if (profile->sink != NULL) {
		fputs(", output to ", out);
		ccp_html_text(out, profile->sink);
	}
	fputs("</h1>\n<p class=\"verdict\">", out);
	ccp_html_text(out, profile->limit_text[0] != '\0' ? profile->limit_text
							  : "The run was too short to say what limits it.");
	fputs("</p>\n", out);
	if (profile->cancelled)
		fputs("<p class=\"warn\">The run was cancelled: the figures cover what was done until then.</p>\n",
		      out);
	if (profile->inputs_failed > 0)
		fprintf(out, "<p class=\"warn\">%llu of the inputs failed.</p>\n",
			(unsigned long long)profile->inputs_failed);
	fputs("<p>Ran as <strong>", out);
	ccp_profile_html_plan(profile, plan, sizeof plan);
	ccp_html_text(out, plan);
	fprintf(out, "</strong>, %s.</p>\n",
		profile->replayed    ? "a plan from a file"
		: profile->automatic ? "chosen by auto"
				     : "as asked for");
	print_tiles(out, profile);
	fputs("</header>\n", out);
}

static void print_pressure(FILE *out, const struct ccp_profile *profile)
{
	char a[CCP_HTML_TEXT], b[CCP_HTML_TEXT], c[CCP_HTML_TEXT];

	if (profile->psi_cpu_s < 0 && profile->psi_io_s < 0 && profile->psi_mem_s < 0)
		ccp_profile_html_row(out, "pressure", "the kernel does not tell");
	else
		ccp_profile_html_row(out, "pressure",
				     "something waited for a CPU for %s, for I/O for %s, for memory for %s",
				     ccp_html_time(fmax(profile->psi_cpu_s, 0) * 1e9, a),
				     ccp_html_time(fmax(profile->psi_io_s, 0) * 1e9, b),
				     ccp_html_time(fmax(profile->psi_mem_s, 0) * 1e9, c));
	if (profile->external_load >= 0)
		ccp_profile_html_row(out, "other programs", "used %s CPUs meanwhile",
				     ccp_html_number(floor(profile->external_load * 100 + 0.5) / 100, a));
	if (profile->throttled_ns > 0)
		ccp_profile_html_row(out, "quota", "held the run back for %s",
				     ccp_html_time((double)profile->throttled_ns, a));
}

static void print_machine(FILE *out, const struct ccp_profile *profile)
{
	const struct ccp_host *host = &profile->host;
	char a[CCP_HTML_TEXT], b[CCP_HTML_TEXT];
	struct utsname name;

	fputs("<section>\n<h2>Machine and memory</h2>\n<table>\n<tbody>\n", out);
	ccp_profile_html_row(out, "CPUs", "%u usable, of %u online%s%s", host->cpus, host->cpus_online,
			     host->cpu_quota > 0 ? "; quota " : "",
			     host->cpu_quota > 0 ? ccp_html_number(host->cpu_quota, a) : "");
	ccp_profile_html_row(out, "memory", "%s%s%s", ccp_html_bytes((double)host->memory, a),
			     host->memory_limit > 0 ? ", limited to " : "",
			     host->memory_limit > 0 ? ccp_html_bytes((double)host->memory_limit, b) : "");
	if (uname(&name) == 0)
		ccp_profile_html_row(out, "kernel", "%s %s, %s", name.sysname, name.release, name.machine);
	ccp_profile_html_row(out, "slots", "%zu planned; in use %s on average, %u at most", profile->plan.window,
			     ccp_html_number(floor(profile->live_mean * 10 + 0.5) / 10, a), profile->live_max);
	ccp_profile_html_row(out, "memory budget", "%s, of which the plan can come to hold %s",
			     ccp_html_bytes((double)profile->plan.max_mem, a),
			     ccp_html_bytes((double)profile->plan.memory, b));
	ccp_profile_html_row(out, "switches", "%llu times a worker waited, %llu times it was interrupted",
			     (unsigned long long)profile->all.switches_vol,
			     (unsigned long long)profile->all.switches_inv);
	print_pressure(out, profile);
	fputs("</tbody>\n</table>\n</section>\n", out);
}

int ccp_profile_write_html(FILE *out, const struct ccp_profile *profile)
{
	char title[120];

	snprintf(title, sizeof title, "ccpipe profile: %s", profile->transform != NULL ? profile->transform : "?");
	ccp_html_begin(out, title);
	print_headline(out, profile);
	ccp_profile_html_timeline(out, profile);
	ccp_profile_html_rates(out, profile);
	ccp_profile_html_shares(out, profile);
	ccp_profile_html_log(out, profile);
	print_machine(out, profile);
	ccp_html_end(out, "Times are of the machine's monotonic clock, from the beginning of the run");
	return ferror(out) ? -1 : 0;
}
