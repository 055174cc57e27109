/*
 * ends.c: the beginning or the end of each input.
 *
 * What is not compressed is read here: the end of a file is looked for from its end, and of a pipe no more is read than
 * there is. Compressed inputs, those with a URL, and all of them once anything was said of how the work is run, go
 * through a run whose collector takes the decoded bytes. Few lines at the beginning are not worth any worker: for them
 * the run is serial, in small chunks.
 */
#include "cmd/ends.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "pipeline/net/url.h"

#define FEW_LINES 10000
#define FEW_BYTES (1 << 20)
#define FEW_CHUNK_BYTES (64 << 10)

/* ---- output -------------------------------------------------------------------------------------- */

static void print(void *arg, const uint8_t *data, size_t len)
{
	struct ccp_ends_run *run = arg;

	if (!run->broken && fwrite(data, 1, len, stdout) != len) {
		run->broken = true;
		ccp_sum_stop(run->settings);
	}
}

struct ccp_ends_taker ccp_ends_taker(struct ccp_ends_run *run)
{
	return (struct ccp_ends_taker){ print, run };
}

void ccp_ends_header(struct ccp_ends_run *run, const char *name)
{
	if (!run->headers)
		return;
	printf("%s==> %s <==\n", run->any_header ? "\n" : "", name);
	run->any_header = true;
}

/* ---- collecting ---------------------------------------------------------------------------------- */

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct ccp_ends_run *run = arg;

	(void)err;
	run->failed = false;
	ccp_ends_release(&run->ends);
	ccp_ends_header(run, input->is_stdin ? "standard input" : input->path);
	return 0;
}

/* Whether no other input comes after this one. */
static bool is_last(const struct ccp_settings *s, const struct ccp_input *input)
{
	return !s->recursive && s->files_from == NULL && !s->archive && !s->unordered &&
	       input->index + 1 == s->name_count;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_ends_run *run = arg;
	struct ccp_ends_taker taker = ccp_ends_taker(run);
	size_t used;
	int result = run->failed ? 1 : ccp_ends_feed(&run->ends, part->data, part->len, &taker, &used, &run->err);

	(void)err;
	if (result < 0) { /* of this input; the others go on */
		run->failed = true;
		ccp_ends_release(&run->ends);
		return 1;
	}
	if (result == 1 && is_last(run->settings, input)) {
		run->stopped = 1; /* who writes into a pipe may be waiting, and so would we */
		ccp_run_cancel();
	}
	return run->broken ? 1 : result;
}

/* Of what is damaged, the end of what could be decoded. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct ccp_ends_run *run = arg;
	struct ccp_ends_taker taker = ccp_ends_taker(run);

	if ((failed && input->err.code == CCP_E_CANCELLED) || run->failed)
		ccp_ends_release(&run->ends);
	else
		ccp_ends_finish(&run->ends, &taker);
	if (!run->broken && fflush(stdout) != 0) {
		run->broken = true;
		ccp_sum_stop(run->settings);
	}
	if (run->failed)
		*err = run->err;
	return run->failed ? -1 : 0;
}

/* ---- inputs -------------------------------------------------------------------------------------- */

static void add_status(struct ccp_ends_run *run, int status)
{
	if (run->status == CCP_EXIT_OK || status == CCP_EXIT_FAILED || status == CCP_EXIT_USAGE)
		run->status = status;
}

static bool goes_on(const struct ccp_ends_run *run)
{
	return !run->broken && run->status != CCP_EXIT_USAGE && ccp_signals_caught() == 0;
}

/* The names [from, to) in one run. */
static void look_at(struct ccp_ends_run *run, size_t from, size_t to)
{
	struct ccp_settings *s = run->settings;
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("lines"),
		.collector = { on_begin, on_take, on_end, run },
		.stopped = &run->stopped,
	};
	char **names = s->names;
	size_t count = s->name_count;

	if ((from == to && count > 0) || !goes_on(run))
		return;
	run->stopped = 0;
	s->names += from;
	s->name_count = to - from;
	add_status(run, ccp_look(s, &look));
	s->names = names;
	s->name_count = count;
}

/* Whether nothing was said that only a run can do. */
static bool is_simple(const struct ccp_settings *s)
{
	const struct ccp_plan_options *plan = &s->plan;

	return !s->recursive && s->files_from == NULL && !s->archive && !s->explain && !s->profiled && !s->injects &&
	       s->save_plan == NULL && s->fault == NULL && !s->isolate && s->chunk_bytes == 0 &&
	       s->progress == CCP_PROGRESS_AUTO && !s->verbose && plan->strategy == NULL && plan->jobs == NULL &&
	       plan->max_mem == NULL && plan->plan_file == NULL;
}

static void print_all(struct ccp_ends_run *run, bool simple)
{
	const struct ccp_settings *s = run->settings;
	size_t done = 0; /* names that have been looked at */

	for (size_t i = 0; i < s->name_count && goes_on(run); i++) {
		struct ccp_plain plain = { .fd = -1 };
		bool is_stdin = strcmp(s->names[i], "-") == 0;
		struct stat st;

		if (is_stdin && run->stdin_ended) { /* what is left may begin anywhere in a compressed stream */
			look_at(run, done, i);
			done = i + 1;
			if (goes_on(run))
				ccp_ends_header(run, "standard input");
			continue;
		}
		if (!simple || ccp_url_kind(s->names[i]) != CCP_URL_NONE) {
			run->stdin_ended |= is_stdin;
			continue;
		}
		/* to open a pipe may take long, and eat what is to come later */
		if (is_stdin || (stat(s->names[i], &st) == 0 && !S_ISREG(st.st_mode))) {
			look_at(run, done, i);
			done = i;
		}
		if (goes_on(run) && ccp_plain_open(&plain, s->names[i])) {
			look_at(run, done, i);
			done = i + 1;
			if (goes_on(run))
				ccp_plain_print(run, &plain);
		} else {
			run->stdin_ended |= is_stdin;
			if (plain.fd >= 0 && !plain.regular) {
				look_at(run, done, i + 1);
				done = i + 1;
			}
		}
		ccp_plain_close(&plain);
	}
	look_at(run, done, s->name_count);
}

/* Settings for a run that is over before workers would have begun. */
static void make_small(struct ccp_settings *s, const struct ccp_ends_want *want)
{
	if (want->kind != CCP_ENDS_FIRST || want->count > (want->bytes ? FEW_BYTES : FEW_LINES) ||
	    s->plan.strategy != NULL || s->plan.jobs != NULL || s->plan.plan_file != NULL || s->isolate)
		return;
	s->plan.strategy = "serial";
	if (s->chunk_bytes == 0)
		s->chunk_bytes = FEW_CHUNK_BYTES;
}

int ccp_ends_main(struct ccp_settings *s, const struct ccp_ends_want *want)
{
	static char dash[] = "-";
	struct ccp_ends_run run = { .settings = s, .want = *want, .ends.want = *want };
	bool simple = is_simple(s);
	int status;

	status = ccp_settings_refuse_names(s, "--null");
	if (status != 0)
		return status;
	if (s->name_count == 0 && s->files_from == NULL)
		s->names[s->name_count++] = dash; /* there is room: names and options are never more than argv */
	run.headers = s->ends.headers == 'v' || (s->ends.headers == 0 && (s->name_count > 1 || s->recursive ||
									   s->files_from != NULL || s->archive));
	make_small(s, want);
	print_all(&run, simple);
	ccp_ends_release(&run.ends);
	return ccp_sum_flush(s, run.status);
}
