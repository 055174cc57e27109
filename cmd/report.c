/*
 * report.c: one line for each input that has something to say, and one status for all of them.
 *
 * The run delivers results one at a time, from whatever thread: in the order of the names, or with --unordered as they
 * come. The main thread ticks meanwhile. Both hold the lock while they print, and a message takes the progress line
 * away first.
 */
#include "cmd/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gnu.h"
#include "cmd/index.h"
#include "cmd/signals.h"
#include "cmd/text.h"

void ccp_report_init(struct ccp_report *report, const struct ccp_settings *settings)
{
	memset(report, 0, sizeof *report);
	report->settings = settings;
	pthread_mutex_init(&report->lock, NULL);
	ccp_progress_init(&report->progress, settings);
	ccp_sum_tee_init(&report->tee, settings);
}

void ccp_report_release(struct ccp_report *report)
{
	pthread_mutex_destroy(&report->lock);
}

void ccp_report_raise(struct ccp_report *report, int status)
{
	if (report->status == CCP_EXIT_OK || status == CCP_EXIT_FAILED)
		report->status = status;
}

const char *ccp_report_target(const struct ccp_report *report, const struct ccp_input *input, char *target)
{
	struct ccp_err err;

	if (ccp_target_name(&report->run->sink_options, input, target, &err) != 0)
		snprintf(target, PATH_MAX, "%s", input->path);
	return target;
}

static bool is_json(const struct ccp_report *report)
{
	return report->progress.kind == CCP_PROGRESS_JSON;
}

static void print_json(const struct ccp_result *result)
{
	static const char *const states[] = { "pending", "done", "skipped", "failed" }; /* enum ccp_outcome */

	fprintf(stderr, "{\"v\":1,\"t\":\"file\",");
	ccp_text_json_path(stderr, result->input->path);
	fprintf(stderr, ",\"state\":\"%s\",\"bytes_in\":%llu,\"bytes_out\":%llu", states[result->outcome],
		(unsigned long long)result->input->bytes_in, (unsigned long long)result->input->bytes_out);
	if (result->err.code != CCP_OK) {
		fprintf(stderr, ",\"%s\":", ccp_err_is_error(&result->err) ? "error" : "warning");
		ccp_text_json(stderr, result->err.text);
		if (result->err.offset != CCP_NO_OFFSET)
			fprintf(stderr, ",\"offset\":%llu", (unsigned long long)result->err.offset);
	}
	fputs("}\n", stderr);
}

/* "ccpipe: PATH: at byte N: TEXT -- skipped" */
static void print_line(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_err *err = &result->err;

	flockfile(stderr);
	fprintf(stderr, "%s: ", report->settings->program);
	result->input->is_stdin ? (void)fputs("standard input", stderr) : ccp_text_path(stderr, result->input->path);
	if (err->offset != CCP_NO_OFFSET)
		fprintf(stderr, ": at byte %llu", (unsigned long long)err->offset);
	fprintf(stderr, ": %s%s\n", err->text, result->outcome == CCP_SKIPPED ? " -- skipped" : "");
	funlockfile(stderr);
}

/* Of a range a ratio would say nothing: what -v tells of it. */
static void print_begin(const struct ccp_result *result)
{
	const struct ccp_input *input = result->input;

	if (input->is_stdin)
		return;
	flockfile(stderr);
	ccp_text_path(stderr, input->path);
	if (input->begin > 0)
		fprintf(stderr, ":\tdecoded from byte %llu on, by its index\n", (unsigned long long)input->begin);
	else
		fputs(":\tdecoded from its start\n", stderr);
	funlockfile(stderr);
}

/*
 * Our own words. In a tree that is walked, files that have the suffix already, or not yet, go without saying and a
 * status, and so do links: they are what one expects to find there; the summary counts them. That an index was of no
 * use is told, and has no status.
 */
static int plain_result(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_settings *s = report->settings;
	enum ccp_code code = result->err.code;
	bool expected = s->recursive && (code == CCP_W_HAS_SUFFIX || code == CCP_W_NO_SUFFIX ||
					  code == CCP_W_WALKED_LINK);
	bool failed = ccp_err_is_error(&result->err);

	if (is_json(report)) {
		print_json(result);
	} else {
		if (failed || (code != CCP_OK && !s->quiet && (!expected || s->verbose)))
			print_line(report, result);
		if (s->verbose && result->outcome == CCP_DONE && (s->by_range || s->by_lines))
			print_begin(result);
		else if (s->verbose && result->outcome == CCP_DONE)
			ccp_gnu_verbose(report, result, "");
	}
	return failed ? CCP_EXIT_FAILED :
	       code == CCP_OK || code == CCP_W_INDEX || expected ? CCP_EXIT_OK : CCP_EXIT_WARNING;
}

/* Whether a path stands on the command line itself. */
static bool is_named(const struct ccp_settings *s, const char *path)
{
	for (size_t i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i], path) == 0)
			return true;
	return false;
}

/* What a walk meets and nobody would call a failure: links in the tree; with -t and -l, files without the suffix. */
static bool is_passed_over(const struct ccp_report *report, const struct ccp_result *result, struct ccp_err *why)
{
	const struct ccp_settings *s = report->settings;
	struct ccp_sink_options strip = report->run->sink_options;
	enum ccp_code code = result->err.code;
	char target[PATH_MAX];

	if (!s->recursive || result->input->is_stdin)
		return false;
	if (code == CCP_E_SYMLINK && !s->gnu && !is_named(s, result->input->path)) {
		ccp_err_set(why, CCP_W_WALKED_LINK, "%s", result->err.text);
		return true;
	}
	if (!(s->test || s->list) || (code != CCP_E_NOT_GZIP && code != CCP_E_TRUNCATED))
		return false;
	strip.naming = CCP_NAME_STRIP_SUFFIX;
	return ccp_target_name(&strip, result->input, target, why) != 0 && why->code == CCP_W_NO_SUFFIX;
}

/* An output that all inputs share has failed: it is told once, as the end of the run, and not for each input. */
static bool is_of_shared_output(const struct ccp_report *report, const struct ccp_err *err)
{
	if (!(report->run->sink->flags & CCP_SINK_SHARED))
		return false;
	return err->code == CCP_W_EXISTS ||
	       (err->code == CCP_E_SYS && strcmp(err->text, strerrordesc_np(err->sys)) != 0);
}

void ccp_report_result(void *arg, const struct ccp_result *result)
{
	struct ccp_report *report = arg;
	const struct ccp_settings *s = report->settings;
	struct ccp_result changed = *result;
	char target[PATH_MAX];
	int status;

	if (s->index && report->to_file && result->outcome == CCP_DONE)
		ccp_index_make(report, result->input);
	/* after Ctrl-C nobody wants to read about every file that was under way */
	if (result->err.code == CCP_E_CANCELLED)
		return;
	pthread_mutex_lock(&report->lock);
	report->plain_bytes += result->input->plain_bytes;
	if (is_passed_over(report, result, &changed.err))
		changed.outcome = CCP_SKIPPED;
	report->done += changed.outcome == CCP_DONE;
	report->skipped += changed.outcome == CCP_SKIPPED;
	report->failed += changed.outcome == CCP_FAILED;
	if (is_of_shared_output(report, &changed.err)) {
		report->output_err = changed.err;
		goto out;
	}
	ccp_progress_clear(&report->progress);
	status = s->gnu ? ccp_gnu_result(report, &changed) : plain_result(report, &changed);
	ccp_report_raise(report, status);
	if (s->sums.count > 0) {
		const char *name = report->to_file ? ccp_report_target(report, changed.input, target) : NULL;

		ccp_report_raise(report, ccp_sum_tee_result(&report->tee, &changed, name));
	}
	if (s->list && changed.outcome == CCP_DONE && !(s->gnu && changed.err.code == CCP_W_TRAILING))
		ccp_listing_row(&report->listing, s, &report->run->sink_options, changed.input);
out:
	pthread_mutex_unlock(&report->lock);
}

void ccp_report_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct ccp_report *report = arg;

	/* a signal may have come before there was a run to cancel */
	if (ccp_signals_caught() != 0)
		ccp_run_cancel();

	pthread_mutex_lock(&report->lock);
	ccp_sum_tee_flush(&report->tee);
	ccp_progress_tick(&report->progress, flow, next, ccp_signals_status_asked(), report->settings->program);
	pthread_mutex_unlock(&report->lock);
}

void ccp_report_run_ended(struct ccp_report *report, const struct ccp_run_summary *summary, int result)
{
	struct ccp_progress_counts *base = &report->progress.base;

	ccp_progress_clear(&report->progress);
	report->bytes_in += summary->bytes_in;
	report->bytes_out += summary->bytes_out;
	ccp_sum_tee_run_ended(&report->tee, report->run->sink, summary, result);
	base->bytes_in = report->bytes_in;
	base->bytes_out = report->bytes_out;
	base->done += summary->inputs_done;
	base->skipped += summary->inputs_skipped;
	base->failed += summary->inputs_failed;
	if (result == 0 && report->output_err.code != CCP_OK)
		ccp_report_error(report, &report->output_err);
	ccp_err_clear(&report->output_err);
}

void ccp_report_error(struct ccp_report *report, const struct ccp_err *err)
{
	const struct ccp_settings *s = report->settings;

	ccp_progress_clear(&report->progress);
	if (is_json(report)) {
		fputs("{\"v\":1,\"t\":\"error\",\"error\":", stderr);
		ccp_text_json(stderr, err->text);
		fputs("}\n", stderr);
	} else if (s->gnu && err->code == CCP_E_SYS && report->run != NULL && report->run->sink != NULL &&
		   strcmp(report->run->sink->name, "stdout") == 0) {
		fprintf(stderr, "\n%s: stdout: %s\n", s->program, strerrordesc_np(err->sys));
	} else {
		fprintf(stderr, "%s: %s\n", s->program, err->text);
	}
	ccp_report_raise(report, ccp_err_is_error(err) ? CCP_EXIT_FAILED : CCP_EXIT_WARNING);
}

void ccp_report_plan(struct ccp_report *report, const struct ccp_plan *plan)
{
	const struct ccp_settings *s = report->settings;
	char memory[CCP_SIZE_TEXT], limit[CCP_SIZE_TEXT];
	const struct ccp_strategy_ops *noted = NULL;

	if (plan->automatic) /* told after the run, when it is known: measure.c */
		return;
	if (!s->explain && (!s->verbose || s->gnu || s->list || is_json(report)))
		return;
	fprintf(stderr, "%s: plan:", s->program);
	for (int i = 0; i < CCP_STAGES; i++)
		fprintf(stderr, "%s%s=%s x%u",
			i == 0 ? " " : plan->stage[i].exec == plan->stage[i - 1].exec ? "+" : ", ",
			ccp_stage_name((enum ccp_stage)i), plan->stage[i].strategy->name, plan->stage[i].degree);
	fprintf(stderr, "; window %zu, memory %s of %s", plan->window, ccp_text_size(plan->memory, memory),
		ccp_text_size(plan->max_mem, limit));
	fprintf(stderr, "%s%s\n", plan->why[0] != '\0' ? "; " : "", plan->why);
	for (int i = 0; i < CCP_STAGES; i++) {
		const struct ccp_strategy_ops *ops = plan->stage[i].strategy;

		if (ops != noted && ops->note != NULL && ops->note() != NULL)
			fprintf(stderr, "%s: %s: %s\n", s->program, ops->name, ops->note());
		noted = ops;
	}
}

static void print_summary(const struct ccp_report *report, double seconds)
{
	const struct ccp_settings *s = report->settings;
	char in[CCP_SIZE_TEXT], out[CCP_SIZE_TEXT], time[CCP_SIZE_TEXT], speed[CCP_SIZE_TEXT];
	uint64_t bytes_out = s->test || s->list ? report->plain_bytes : report->bytes_out;
	uint64_t bytes = s->decompress ? bytes_out : report->bytes_in; /* speeds are of plain data */
	uint64_t inputs = report->done + report->skipped + report->failed;

	fprintf(stderr, "%s: %llu file%s, %s -> %s", s->program, (unsigned long long)inputs, inputs == 1 ? "" : "s",
		ccp_text_size(report->bytes_in, in), ccp_text_size(bytes_out, out));
	if (report->bytes_in > 0)
		fprintf(stderr, " (%.1f%%)", 100.0 * (double)bytes_out / (double)report->bytes_in);
	fprintf(stderr, ", %s", ccp_text_seconds(seconds, time));
	if (seconds > 0)
		fprintf(stderr, ", %s/s", ccp_text_size((uint64_t)((double)bytes / seconds), speed));
	fprintf(stderr, "; %llu skipped, %llu failed\n", (unsigned long long)report->skipped,
		(unsigned long long)report->failed);
}

static void print_summary_json(const struct ccp_report *report, double seconds)
{
	fprintf(stderr,
		"{\"v\":1,\"t\":\"summary\",\"elapsed_s\":%.6f,"
		"\"bytes_in\":%llu,\"bytes_out\":%llu,\"bytes_plain\":%llu,"
		"\"files_done\":%llu,\"files_skipped\":%llu,\"files_failed\":%llu,\"status\":%d}\n",
		seconds, (unsigned long long)report->bytes_in, (unsigned long long)report->bytes_out,
		(unsigned long long)report->plain_bytes, (unsigned long long)report->done,
		(unsigned long long)report->skipped, (unsigned long long)report->failed, report->status);
}

int ccp_report_end(struct ccp_report *report)
{
	const struct ccp_settings *s = report->settings;
	double seconds = (double)(ccp_progress_now() - report->progress.start_ns) / 1e9;
	/* on a terminal, too, but not for a filter or a few small files that are done at once */
	bool worth = report->progress.terminal &&
		     (seconds >= 0.3 || report->done + report->skipped + report->failed > 1);

	if (s->list && ccp_listing_end(&report->listing, s) != 0) {
		fprintf(stderr, "%s%s: stdout: %s\n", s->gnu ? "\n" : "", s->program,
			errno != 0 ? strerrordesc_np(errno) : "write error");
		ccp_report_raise(report, CCP_EXIT_FAILED);
	}
	ccp_report_raise(report, ccp_sum_tee_end(&report->tee));
	if (s->explain)
		return report->status;
	if (is_json(report))
		print_summary_json(report, seconds);
	else if (!s->gnu && !s->quiet && !s->list && (s->verbose || worth))
		print_summary(report, seconds);
	return report->status;
}
