/*
 * wc.c: the command wc: lines, words, characters, bytes and the longest line of each input, and of all.
 *
 * The counts of an input travel in its record, so that rows come in the order of the names, between the messages about
 * those that cannot be read. Columns are as wide as coreutils makes them: as the digits of the sizes of all files.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "pipeline/fold/wc.h"
#include "pipeline/net/url.h"

#define STREAM_WIDTH 7 /* where a size is not known beforehand */

struct wc {
	struct ccp_settings *settings;
	struct ccp_wc_options options;
	struct ccp_wc_kinds kinds;
	struct ccp_wc_sum now, total;
	int width;
	bool named;              /* rows have names */
	uint64_t rows;
};

_Static_assert(sizeof(struct ccp_wc_sum) <= CCP_RECORD_BYTES, "counts too large");

/* ---- collecting ---------------------------------------------------------------------------------- */

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct wc *wc = arg;

	(void)input, (void)err;
	wc->now = (struct ccp_wc_sum){ 0 };
	return 0;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct wc *wc = arg;
	struct ccp_wc_found found;

	(void)input, (void)err;
	memcpy(&found, part->found, sizeof found);
	if (part->len > 0)
		ccp_wc_add(&wc->now, &wc->options, &wc->kinds, part->data, part->len, &found);
	return 0;
}

static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct wc *wc = arg;

	(void)failed, (void)err;
	ccp_wc_end(&wc->now);
	memcpy(input->record, &wc->now, sizeof wc->now);
	input->record_len = sizeof wc->now;
	return 0;
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static void print_row(const struct wc *wc, const struct ccp_wc_sum *sum, const char *name)
{
	const uint64_t counts[] = { sum->lines, sum->words, sum->chars, sum->bytes, sum->longest };
	static const unsigned kinds[] = { CCP_WC_LINES, CCP_WC_WORDS, CCP_WC_CHARS, CCP_WC_BYTES, CCP_WC_LONGEST };
	const char *before = "";

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!(wc->options.want & kinds[i]))
			continue;
		printf("%s%*llu", before, wc->width, (unsigned long long)counts[i]);
		before = " ";
	}
	if (name != NULL) {
		putchar(' ');
		/* as coreutils does: a name with a newline must not look like two rows */
		strchr(name, '\n') != NULL ? ccp_sum_name(stdout, wc->settings, name) : (void)fputs(name, stdout);
	}
	putchar('\n');
}

static void add_row(struct wc *wc, const struct ccp_wc_sum *sum, const char *name)
{
	print_row(wc, sum, wc->named ? name : NULL);
	wc->rows++;
	wc->total.lines += sum->lines;
	wc->total.words += sum->words;
	wc->total.chars += sum->chars;
	wc->total.bytes += sum->bytes;
	if (wc->total.longest < sum->longest)
		wc->total.longest = sum->longest;
}

/* Whether it was opened, and then not a byte could be read of it: a directory, or what fails at its start. */
static bool is_unreadable(const struct ccp_err *err)
{
	return err->code == CCP_W_DIRECTORY || (err->code == CCP_E_SYS && err->offset == 0);
}

/* As coreutils does, there are zeros for what can be opened but not read. */
static void on_result(void *arg, const struct ccp_result *result)
{
	struct wc *wc = arg;
	struct ccp_wc_sum sum = { 0 };

	if (wc->settings->explain)
		return;
	if (result->input->record_len == sizeof sum)
		memcpy(&sum, result->input->record, sizeof sum);
	else if (!is_unreadable(&result->err))
		return;
	add_row(wc, &sum, result->input->path);
}

/* ---- sizes alone --------------------------------------------------------------------------------- */

/* The size of a plain file, which says how many bytes it has; 0 if it must be read for that, or was not opened. */
static uint64_t size_of(const char *name)
{
	uint64_t bytes = 0;
	uint8_t start[2], end;
	struct stat st;
	int fd;

	if (strcmp(name, "-") == 0 || stat(name, &st) != 0 || !S_ISREG(st.st_mode)) /* a FIFO's writer would notice */
		return 0;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	/* of files that a kernel makes up the size says nothing: their last byte is not there */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 2 &&
	    pread(fd, start, sizeof start, 0) == sizeof start && !(start[0] == 0x1f && start[1] == 0x8b) &&
	    pread(fd, &end, 1, st.st_size - 1) == 1)
		bytes = (uint64_t)st.st_size;
	close(fd);
	return bytes;
}

/* Whether nothing but sizes is asked for, nothing was said of how to get them, and all files tell theirs. */
static bool only_sizes(const struct ccp_settings *s, unsigned want, uint64_t *sizes)
{
	const struct ccp_plan_options *plan = &s->plan;

	if ((want & CCP_WC_CHARS) && MB_CUR_MAX == 1)
		want = (want & ~(unsigned)CCP_WC_CHARS) | CCP_WC_BYTES; /* as many */
	if (want != CCP_WC_BYTES || s->recursive || s->files_from != NULL || s->explain || s->profiled ||
	    s->verbose || s->injects || s->save_plan != NULL || plan->strategy != NULL || plan->jobs != NULL ||
	    plan->max_mem != NULL || plan->plan_file != NULL || plan->isolate)
		return false;
	for (size_t i = 0; i < s->name_count; i++) {
		sizes[i] = size_of(s->names[i]);
		if (sizes[i] == 0)
			return false;
	}
	return s->name_count > 0;
}

/* Returns the exit status, or -1: everything has to be read. */
static int print_sizes(struct wc *wc)
{
	struct ccp_settings *s = wc->settings;
	uint64_t *sizes = calloc(s->name_count + 1, sizeof *sizes);

	if (sizes == NULL || !only_sizes(s, wc->options.want, sizes)) {
		free(sizes);
		return -1;
	}
	for (size_t i = 0; i < s->name_count; i++)
		add_row(wc, &(struct ccp_wc_sum){ .bytes = sizes[i], .chars = sizes[i] }, s->names[i]);
	free(sizes);
	return CCP_EXIT_OK;
}

/* ---- before -------------------------------------------------------------------------------------- */

/* Source: coreutils 9.1, wc.c, compute_number_width, found by experiment. */
static int width_of(const struct ccp_settings *s, unsigned want)
{
	unsigned long long bytes = 0;
	int width = 1, least = 1;

	if (s->files_from != NULL || s->recursive)
		return STREAM_WIDTH;
	if (s->name_count <= 1 && __builtin_popcount(want) == 1)
		return 1;
	if (s->name_count == 0)
		return STREAM_WIDTH;
	for (size_t i = 0; i < s->name_count; i++) {
		struct stat st;

		if (strcmp(s->names[i], "-") == 0 ? fstat(STDIN_FILENO, &st) != 0 : stat(s->names[i], &st) != 0) {
			if (ccp_url_kind(s->names[i]) != CCP_URL_NONE)
				least = STREAM_WIDTH;
			continue;
		}
		if (S_ISREG(st.st_mode))
			bytes += (unsigned long long)st.st_size;
		else
			least = STREAM_WIDTH;
	}
	for (; bytes >= 10; bytes /= 10)
		width++;
	return width < least ? least : width;
}

static int run(struct ccp_settings *settings)
{
	unsigned want = settings->wc;
	struct wc wc = { .settings = settings };
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("wc"),
		.fold_options = &wc.options,
		.collector = { on_begin, on_take, on_end, &wc },
		.result = on_result,
		.arg = &wc,
	};
	const char *encoding;
	int status;

	status = ccp_settings_refuse_names(settings, "-0");
	if (status != 0)
		return status;
	if (want == 0)
		want = CCP_WC_LINES | CCP_WC_WORDS | CCP_WC_BYTES;
	setlocale(LC_CTYPE, "");
	encoding = ccp_wc_options(&wc.options, want);
	if (encoding != NULL && (want | CCP_WC_LINES | CCP_WC_BYTES) != (CCP_WC_LINES | CCP_WC_BYTES)) {
		fprintf(stderr, "%s: the encoding %s is not supported, only UTF-8 and those of single bytes\n",
			settings->program, encoding);
		return CCP_EXIT_FAILED;
	}
	wc.named = settings->name_count > 0 || settings->files_from != NULL;
	wc.width = width_of(settings, want);
	status = print_sizes(&wc);
	if (status < 0)
		status = ccp_look(settings, &look);
	if ((wc.rows > 1 || (settings->name_count > 1 && status != CCP_EXIT_USAGE)) && !settings->explain &&
	    ccp_signals_caught() == 0) /* a total of all, or none */
		print_row(&wc, &wc.total, "total");
	ccp_wc_kinds_release(&wc.kinds);
	return ccp_sum_flush(settings, status);
}

const struct ccp_command ccp_command_wc = {
	.name = "wc",
	.help = "count lines, words and bytes of files, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_WC,
	.run = run,
};
