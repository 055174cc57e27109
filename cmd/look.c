/*
 * look.c: settings to one run with a fold.
 *
 * Standard output is the collector's, which prints in the order of the inputs; at every tick it is written out, so that
 * whoever reads it waits for nothing that is known. Collector, results and ticks hold the report's lock.
 */
#include "cmd/look.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/measure.h"
#include "cmd/prepare.h"
#include "cmd/printing.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"
#include "pipeline/net/url.h"
#include "pipeline/sink.h"
#include "strategies/strategies.h"

#define STDOUT_BYTES (256 << 10)

struct look {
	struct ccp_settings *settings;
	const struct ccp_look_for *what;
	struct ccp_printing print;
	struct ccp_err told; /* the last failure of an input */
	int status;
};

/* ---- the collector, with the lock ---------------------------------------------------------------- */

static int locked_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct look *look = arg;
	int result;

	pthread_mutex_lock(&look->print.report.lock);
	result = look->what->collector.begin(look->what->collector.arg, input, err);
	pthread_mutex_unlock(&look->print.report.lock);
	return result;
}

static int locked_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct look *look = arg;
	int result;

	pthread_mutex_lock(&look->print.report.lock);
	result = look->what->collector.take(look->what->collector.arg, input, part, err);
	if (part->lull)
		fflush(stdout);
	if (ferror(stdout)) {
		ccp_sum_stop(look->settings);
		result = 1;
	}
	pthread_mutex_unlock(&look->print.report.lock);
	return result;
}

static int locked_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct look *look = arg;
	int result;

	pthread_mutex_lock(&look->print.report.lock);
	ccp_progress_clear(&look->print.report.progress);
	result = look->what->collector.end(look->what->collector.arg, input, failed, err);
	pthread_mutex_unlock(&look->print.report.lock);
	return result;
}

/* ---- results ------------------------------------------------------------------------------------- */

/* Tells what is wrong with an input, if anything is. Returns the exit status that it makes. */
static int tell(struct look *look, const struct ccp_result *result)
{
	const struct ccp_settings *s = look->settings;
	const struct ccp_err *err = &result->err;
	bool failed = ccp_err_is_error(err) || err->code == CCP_W_DIRECTORY;
	enum ccp_look_hush hush = CCP_LOOK_TELL;

	if (err->code == CCP_OK || err->code == CCP_W_WALKED_LINK)
		return CCP_EXIT_OK;
	if (look->what->hush != NULL)
		hush = look->what->hush(s, result);
	if (hush == CCP_LOOK_PARDON)
		return CCP_EXIT_OK;
	if (hush == CCP_LOOK_HUSH || (!failed && s->quiet))
		return failed ? CCP_EXIT_FAILED : CCP_EXIT_WARNING;
	if (fflush(stdout) != 0)
		ccp_sum_stop(look->settings);
	flockfile(stderr);
	fprintf(stderr, "%s: ", s->program);
	result->input->is_stdin ? (void)fputs("standard input", stderr) : ccp_text_path(stderr, result->input->path);
	if (err->offset != CCP_NO_OFFSET)
		fprintf(stderr, ": at byte %llu", (unsigned long long)err->offset);
	fprintf(stderr, ": %s\n", err->code == CCP_W_DIRECTORY ? strerrordesc_np(EISDIR) : err->text);
	funlockfile(stderr);
	if (failed)
		look->told = *err;
	return failed ? CCP_EXIT_FAILED : CCP_EXIT_WARNING;
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct look *look = arg;
	int status;

	if (result->err.code == CCP_E_CANCELLED)
		return;
	pthread_mutex_lock(&look->print.report.lock);
	ccp_progress_clear(&look->print.report.progress);
	status = tell(look, result);
	if (look->status == CCP_EXIT_OK || status == CCP_EXIT_FAILED)
		look->status = status;
	if (look->what->result)
		look->what->result(look->what->arg, result);
	pthread_mutex_unlock(&look->print.report.lock);
}

static void on_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct look *look = arg;

	ccp_printing_tick(&look->print, flow, next);
}

/* ---- the run ------------------------------------------------------------------------------------- */

/* What makes no sense together. Returns 0, or an exit status after a message. */
static int check(const struct ccp_settings *s)
{
	bool has_stdin = s->name_count == 0 && s->files_from == NULL, has_stream;
	struct stat st;

	for (size_t i = 0; i < s->name_count; i++)
		has_stdin |= strcmp(s->names[i], "-") == 0;
	if (s->files_from != NULL && strcmp(s->files_from, "-") == 0 && has_stdin)
		return ccp_usage_error(s, "standard input cannot be both a list of files and an input");
	has_stream = has_stdin;
	for (size_t i = 0; i < s->name_count && s->explain; i++)
		has_stream |= (stat(s->names[i], &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) ||
			      ccp_url_kind(s->names[i]) > CCP_URL_FILE;
	if (s->explain && has_stream)
		return ccp_usage_error(s, "--explain measures real data, and would use up a stream: name files");
	return 0;
}

static int fill(struct ccp_run_options *run, struct look *look, const struct ccp_collector *collector)
{
	const struct ccp_settings *s = look->settings;
	struct ccp_fold_need need = { 0 };
	struct ccp_err err;

	if (look->what->fold->need(look->what->fold_options, &need, &err) != 0) {
		if (err.code == CCP_E_USAGE)
			return ccp_usage_error(s, "%s", err.text);
		fprintf(stderr, "%s: %s\n", s->program, err.text);
		return CCP_EXIT_FAILED;
	}
	*run = (struct ccp_run_options){
		.transform = ccp_transform_find("gunzip"),
		.transform_options = { .chunk_bytes = s->chunk_bytes > 0 ? s->chunk_bytes : need.chunk_bytes,
				       .passthrough = true, .views = true },
		.need = { .fold_bytes = need.note_bytes, .fold_state_bytes = need.state_bytes },
		.fold = look->what->fold,
		.fold_options = look->what->fold_options,
		.walk = ccp_prepare_walk(s),
		.fetch = s->fetch,
		/* links and devices are read like files */
		.source = { .to_stdout = true, .lulls = look->what->lulls },
		.sink = ccp_sink_find("collect"),
		.sink_options.collector = collector,
		.report = on_result,
		.tick = on_tick,
		.arg = look,
		.fault = s->fault,
		.swap_ms = s->swap_ms,
		.inject = s->injects ? &s->inject : NULL,
		.strategies = ccp_strategies,
	};
	return 0;
}

/* Whether what ended the run was told as the failure of the input at which it came up. */
static bool is_told(const struct look *look, const struct ccp_err *err)
{
	return look->told.code == err->code && strcmp(look->told.text, err->text) == 0;
}

/* The run itself, which is planned. Returns 0, or an exit status after a message. */
static int go(struct ccp_run_options *run, struct look *look)
{
	struct ccp_settings *s = look->settings;
	struct ccp_run_summary summary = { 0 };
	struct ccp_err err;
	bool enough;
	int result;

	ccp_err_clear(&err);
	if (ccp_printing_begin(&look->print, run, true) != 0)
		return CCP_EXIT_FAILED;
	result = ccp_run(run, &summary, &err);
	ccp_printing_end(&look->print);
	enough = look->what->stopped != NULL && *look->what->stopped;
	if (result != 0 && ccp_signals_caught() == 0 && err.code != CCP_E_CANCELLED && !enough && !is_told(look, &err))
		ccp_report_error(&look->print.report, &err);
	if (ccp_measure_end(run, s, 0, result == 0) != 0 || (result != 0 && !enough))
		return CCP_EXIT_FAILED;
	return CCP_EXIT_OK;
}

int ccp_look(struct ccp_settings *s, const struct ccp_look_for *what)
{
	static char dash[] = "-";
	struct look look = { .settings = s, .what = what, .print = { .settings = s, .out = stdout } };
	const struct ccp_collector locked = { locked_begin, locked_take, locked_end, &look };
	struct ccp_run_options run;
	int status = ccp_measure_check(s);

	if (status == 0)
		status = check(s);
	if (status != 0)
		return status;
	if (s->name_count == 0 && s->files_from == NULL)
		s->names[s->name_count++] = dash;
	ccp_report_init(&look.print.report, s);
	status = fill(&run, &look, what->apart ? &what->collector : &locked);
	look.print.report.run = &run;
	if (status == 0)
		status = ccp_prepare_plan(&run, s);
	if (status == 0) {
		if (!isatty(STDOUT_FILENO))
			setvbuf(stdout, NULL, _IOFBF, STDOUT_BYTES);
		ccp_report_plan(&look.print.report, &run.plan);
		if (!s->explain || run.plan.automatic) /* a plan that was said by hand has just been told */
			status = go(&run, &look);
		if (status == CCP_EXIT_OK)
			status = look.status;
		status = ccp_sum_flush(s, status);
	}
	ccp_report_release(&look.print.report);
	return status;
}
