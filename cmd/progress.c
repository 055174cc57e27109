/*
 * progress.c: on a terminal one line that is written over and over, after 0.3 s, so that short runs stay silent;
 * otherwise, if asked for, a line every two seconds.
 */
#include "cmd/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/text.h"
#include "pipeline/flow.h"
#include "pipeline/next.h"

#define MS 1000000ull
#define FIRST_NS (300 * MS)
#define LINE_NS (2000 * MS)
#define JSON_NS (1000 * MS)

uint64_t ccp_progress_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void ccp_progress_init(struct ccp_progress *p, const struct ccp_settings *settings)
{
	const char *term;

	memset(p, 0, sizeof *p);
	p->kind = (enum ccp_progress_kind)settings->progress;
	if (p->kind == CCP_PROGRESS_AUTO) {
		term = getenv("TERM");
		p->terminal = !settings->gnu && !settings->quiet && isatty(STDERR_FILENO) &&
			      !(term != NULL && strcmp(term, "dumb") == 0) &&
			      !(settings->list && isatty(STDOUT_FILENO));
		p->kind = CCP_PROGRESS_NONE;
	}
	p->start_ns = ccp_progress_now();
	p->last_ns = p->start_ns;
}

static void look(const struct ccp_progress *p, struct ccp_flow *flow, struct ccp_next *next,
		 struct ccp_progress_counts *now)
{
	struct ccp_flow_counts *counts = ccp_flow_counts(flow);

	ccp_next_totals(next, &now->inputs_total, &now->bytes_total, &now->complete);
	now->bytes_in = counts->bytes_in + p->base.bytes_in;
	now->bytes_out = counts->bytes_out + p->base.bytes_out;
	now->done = counts->inputs_done + p->base.done;
	now->skipped = counts->inputs_skipped + p->base.skipped;
	now->failed = counts->inputs_failed + p->base.failed;
	now->inputs_total += p->base.done + p->base.skipped + p->base.failed;
	now->bytes_total += p->base.bytes_in;
}

/* "61% 3.1 GiB/5.1 GiB  812 MiB/s  ETA 2 s  files 1204/1893+" */
static int describe(const struct ccp_progress_counts *now, double seconds, char *text, size_t room)
{
	char in[CCP_SIZE_TEXT], total[CCP_SIZE_TEXT], speed[CCP_SIZE_TEXT], left[CCP_SIZE_TEXT];
	double rate = seconds > 0 ? (double)now->bytes_in / seconds : 0;
	bool sized = now->complete && now->bytes_total > 0 && now->bytes_in <= now->bytes_total;
	int len = 0;

	if (sized)
		len = snprintf(text, room, "%3u%% %s/%s", (unsigned)(100.0 * (double)now->bytes_in /
								       (double)now->bytes_total),
			       ccp_text_size(now->bytes_in, in), ccp_text_size(now->bytes_total, total));
	else
		len = snprintf(text, room, "%s", ccp_text_size(now->bytes_in, in));
	len += snprintf(text + len, room - (size_t)len, "  %s/s", ccp_text_size((uint64_t)rate, speed));
	if (sized && rate > 0)
		len += snprintf(text + len, room - (size_t)len, "  ETA %s",
				ccp_text_seconds((double)(now->bytes_total - now->bytes_in) / rate, left));
	len += snprintf(text + len, room - (size_t)len, "  files %llu/%llu%s",
			(unsigned long long)(now->done + now->skipped + now->failed),
			(unsigned long long)now->inputs_total, now->complete ? "" : "+");
	if (now->failed > 0)
		len += snprintf(text + len, room - (size_t)len, "  %llu failed", (unsigned long long)now->failed);
	return len;
}

static void print_json(const struct ccp_progress_counts *now, double seconds)
{
	fprintf(stderr,
		"{\"v\":1,\"t\":\"progress\",\"elapsed_s\":%.3f,"
		"\"bytes_in\":%llu,\"bytes_out\":%llu,\"bytes_total\":%llu,"
		"\"files_done\":%llu,\"files_skipped\":%llu,\"files_failed\":%llu,"
		"\"files_total\":%llu,\"complete\":%s}\n",
		seconds, (unsigned long long)now->bytes_in, (unsigned long long)now->bytes_out,
		(unsigned long long)now->bytes_total, (unsigned long long)now->done, (unsigned long long)now->skipped,
		(unsigned long long)now->failed, (unsigned long long)now->inputs_total,
		now->complete ? "true" : "false");
}

static unsigned columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void ccp_progress_clear(struct ccp_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void ccp_progress_tick(struct ccp_progress *p, struct ccp_flow *flow, struct ccp_next *next, bool status,
		       const char *program)
{
	uint64_t now_ns = ccp_progress_now();
	uint64_t wait = p->kind == CCP_PROGRESS_JSON ? JSON_NS : LINE_NS;
	double seconds = (double)(now_ns - p->start_ns) / 1e9;
	struct ccp_progress_counts now;
	char text[256];

	if (!status && !(p->terminal && now_ns - p->start_ns >= FIRST_NS) &&
	    (p->kind == CCP_PROGRESS_NONE || now_ns - p->last_ns < wait))
		return;
	look(p, flow, next, &now);
	describe(&now, seconds, text, sizeof text);
	if (status || p->kind == CCP_PROGRESS_PLAIN) {
		ccp_progress_clear(p);
		if (p->kind == CCP_PROGRESS_JSON)
			print_json(&now, seconds);
		else
			fprintf(stderr, "%s: %s\n", program, text + strspn(text, " "));
	} else if (p->kind == CCP_PROGRESS_JSON) {
		print_json(&now, seconds);
	}
	if (p->kind != CCP_PROGRESS_NONE && now_ns - p->last_ns >= wait)
		p->last_ns = now_ns;
	if (p->terminal && now_ns - p->start_ns >= FIRST_NS) {
		fprintf(stderr, "\r%.*s\033[K", (int)columns() - 1, text);
		p->shown = true;
	}
}
