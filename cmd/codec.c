/*
 * codec.c: from settings to runs.
 *
 * Usually there is one run. Where "-" stands among files, its output goes to standard output and theirs beside them, so
 * that the command line is cut into runs of the same kind, in order; so it is where the user allowed some targets to be
 * replaced.
 */
#include "cmd/codec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/index.h"
#include "cmd/measure.h"
#include "cmd/operands.h"
#include "cmd/prepare.h"
#include "cmd/range.h"
#include "cmd/report.h"
#include "cmd/signals.h"
#include "cmd/tar_into.h"
#include "pipeline/net/upload.h"
#include "pipeline/net/url.h"
#include "pipeline/run.h"
#include "pipeline/temp.h"
#include "strategies/strategies.h"

#define GNU_MAX_SUFFIX 30

static bool is_url(const char *output)
{
	return output != NULL && ccp_url_kind(output) != CCP_URL_NONE;
}

/* Outputs on servers. Returns 0, or a status. */
static int check_urls(const struct ccp_settings *s)
{
	const char *const output[] = { s->output, s->output_dir };
	const char *const option[] = { "-o", "--output-dir" };
	struct ccp_err err;

	for (int i = 0; i < 2; i++) {
		if (!is_url(output[i]))
			continue;
		if (ccp_upload_allowed(output[i], &err) != 0)
			return ccp_usage_error(s, "%s: %s", option[i], err.text);
		if (s->index)
			return ccp_usage_error(s, "--index has no meaning with a URL as output");
	}
	if (is_url(s->output_dir) && !ccp_url_is_s3(s->output_dir) && strpbrk(s->output_dir, "?#") != NULL)
		return ccp_usage_error(s, "--output-dir: a URL with a '?' or '#' is no folder");
	return 0;
}

/* Combinations that would lose data or mean nothing. */
static int check_settings(const struct ccp_settings *s)
{
	bool stdin_named = s->name_count == 0 && s->files_from == NULL;
	size_t suffix_len = strlen(s->suffix);
	int status;

	if ((suffix_len == 0 && !s->decompress) || suffix_len > GNU_MAX_SUFFIX || strchr(s->suffix, '/') != NULL) {
		fprintf(stderr, "%s: invalid suffix '%s'\n", s->program, s->suffix);
		return s->gnu ? CCP_EXIT_FAILED : CCP_EXIT_USAGE;
	}
	for (size_t i = 0; i < s->name_count; i++)
		stdin_named |= strcmp(s->names[i], "-") == 0;
	if (s->remove && (s->to_stdout || s->output != NULL || stdin_named))
		return ccp_usage_error(s, "--rm has no meaning with %s",
				       s->test ? "-t" : s->list ? "-l" : s->output != NULL ? "-o" :
				       s->to_stdout ? "-c" : "standard input");
	if (s->into != NULL && ccp_tar_into_check(s) != 0)
		return CCP_EXIT_USAGE;
	if (s->remove && s->keep)
		return ccp_usage_error(s, "--rm and -k exclude each other");
	if (s->output != NULL && (s->to_stdout || s->output_dir != NULL) && !s->passthrough)
		return ccp_usage_error(s, "-o has no meaning with %s", s->output_dir != NULL ? "--output-dir" :
				       s->test ? "-t" : s->list ? "-l" : "-c");
	if (s->output_dir != NULL && s->to_stdout)
		return ccp_usage_error(s, "--output-dir has no meaning with %s",
				       s->test ? "-t" : s->list ? "-l" : "-c");
	if (!s->gnu && check_urls(s) != 0)
		return CCP_EXIT_USAGE;
	if (s->files_from != NULL && strcmp(s->files_from, "-") == 0 && s->name_count > 0 && stdin_named)
		return ccp_usage_error(s, "standard input cannot be both --files-from and an input");
	for (size_t i = 0; i < s->name_count && s->explain; i++) {
		struct stat st;

		stdin_named |= stat(s->names[i], &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
		stdin_named |= !s->gnu && ccp_url_kind(s->names[i]) > CCP_URL_FILE;
	}
	if (s->explain && stdin_named)
		return ccp_usage_error(s, "--explain measures real data, and would use up a stream: name files");
	if (s->members + s->rsyncable + s->bgzf > 1 && !s->decompress)
		return ccp_usage_error(s, "--members, --rsyncable and --bgzf exclude each other");
	if (s->index && (s->to_stdout || (stdin_named && s->output == NULL)) && !s->decompress)
		return ccp_usage_error(s, "--index has no meaning with %s", s->to_stdout ? "-c" : "standard output");
	if (s->sums.count > 0 && s->decompress)
		return ccp_usage_error(s, "--sum has no meaning with %s", s->test ? "-t" : s->list ? "-l" : "-d");
	status = ccp_settings_refuse_names(s, "-0");
	if (status != 0)
		return status;
	if (s->archive && !s->to_stdout && s->output == NULL && s->into == NULL)
		return ccp_usage_error(s, "--archive needs -c, -o or --into: there is no place beside a member");
	if (s->archive && s->explain)
		return ccp_usage_error(s, "--explain measures real data in files: it has no meaning with --archive");
	return 0;
}

/* Nobody wants to see compressed data, or to type it. GNU gzip looks at this for standard input alone. */
static bool refuse_terminal(const struct ccp_settings *s)
{
	bool from_stdin = false, to_stdout = (s->to_stdout && !s->test && !s->list) && s->output == NULL;

	for (size_t i = 0; i < s->name_count; i++)
		from_stdin |= strcmp(s->names[i], "-") == 0;
	if (s->force || s->list)
		return false;
	if (s->decompress) {
		if (!from_stdin || !(s->presume_tty || isatty(STDIN_FILENO)))
			return false;
	} else if (!(from_stdin || (to_stdout && !s->gnu)) || s->output != NULL ||
		   !(s->presume_tty || isatty(STDOUT_FILENO))) {
		return false;
	}
	if (!s->quiet)
		fprintf(stderr, "%s: compressed data not %s a terminal. Use -f to force %scompression.\n"
			"For help, type: %s%s%s -h\n", s->program, s->decompress ? "read from" : "written to",
			s->decompress ? "de" : "", s->program, s->gnu ? "" : " ", s->gnu ? "" : s->command);
	return true;
}

static bool is_cancelled(void)
{
	return ccp_signals_caught() != 0;
}

static void fill_run(struct ccp_run_options *run, const struct ccp_settings *s, struct ccp_report *report)
{
	bool remove = s->remove || (s->gnu && !s->keep && !s->to_stdout);

	*run = (struct ccp_run_options){
		.transform = ccp_transform_find(s->decompress ? "gunzip" : "gzip"),
		.transform_options = {
			.level = s->level,
			.chunk_bytes = s->chunk_bytes,
			.verify = s->verify || remove,
			.store_name = s->drop_name <= 0,
			.store_time = s->drop_time <= 0,
			.members = s->members,
			.rsyncable = s->rsyncable,
			.bgzf = s->bgzf,
			.ranged = s->by_range || s->by_lines,
			.range = s->range,
			.passthrough = s->passthrough || (s->force && s->to_stdout && !s->list) ||
				       (s->archive && (s->test || s->list)),
		},
		.walk = { .nul_separated = s->nul_separated, .recursive = s->recursive,
			  .skip_dir = is_url(s->output_dir) ? NULL : s->output_dir,
			  .urls = !s->gnu,
			  .skip_name_suffix = CCP_TEMP_SUFFIX, .max_depth = s->max_depth,
			  .include = s->include[0] != NULL ? s->include : NULL,
			  .exclude = s->exclude[0] != NULL ? s->exclude : NULL },
		.fetch = s->fetch,
		.unordered = s->unordered != 0,
		.source = { .force = s->force, .refuse_setid = s->gnu, .remove_source = remove || s->gnu },
		.sink_options = {
			.naming = s->decompress ? CCP_NAME_STRIP_SUFFIX : CCP_NAME_ADD_SUFFIX,
			.suffix = s->suffix,
			.restore_name = s->decompress && s->drop_name == 0,
			.output = s->into != NULL ? ccp_tar_into_output(s) : s->output,
			.output_dir = s->output_dir,
			.force = s->force,
			.force_suffix = s->force,
			.remove_source = remove,
			.fsync = (enum ccp_fsync)s->fsync,
			.salvage = s->salvage && s->decompress,
			.keep_metadata = true,
			.net = &s->fetch,
			.cancelled = is_cancelled,
		},
		.report = ccp_report_result,
		.tick = ccp_report_tick,
		.arg = report,
		.fault = s->fault,
		.swap_ms = s->swap_ms,
		.inject = s->injects ? &s->inject : NULL,
		.strategies = ccp_strategies,
	};
}

/* Where this run's outputs go. */
static void choose_sink(struct ccp_run_options *run, const struct ccp_settings *s, struct ccp_report *report,
			bool from_stdin)
{
	const char *sink = s->into != NULL ? "into" : s->test || s->list ? "null" : s->output != NULL ? "single" :
			   s->to_stdout || from_stdin ? "stdout" : "file";

	if (strcmp(sink, "single") == 0 && is_url(s->output))
		sink = "put";
	else if (strcmp(sink, "file") == 0 && is_url(s->output_dir))
		sink = "put_each";
	run->sink = ccp_sink_find(sink);
	report->to_file = strcmp(sink, "file") == 0 || strcmp(sink, "put_each") == 0;
	run->source.to_stdout = !report->to_file;
	run->tee = ccp_sum_tee_of(&report->tee, run->sink);
	if (from_stdin && !s->gnu) {
		/* GNU gzip stores the time of standard input if that is a file; the same data gives the same bytes */
		run->transform_options.store_name = s->drop_name == 0;
		run->transform_options.store_time = s->drop_time == 0;
	}
	if (!report->to_file) {
		run->source.remove_source = false;
		run->sink_options.remove_source = false;
	}
}

/* One run over operands of the same kind. Returns 0, or -1 if there is no sense in going on. */
static int run_some(const struct ccp_run_options *base, struct ccp_report *report, const struct ccp_operand *list,
		    size_t count, const char *files_from)
{
	struct ccp_run_options run = *base;
	struct ccp_run_summary summary = { 0 };
	struct ccp_err err;
	char **names = calloc(count + 1, sizeof *names);
	int result = -1;

	ccp_err_clear(&err);
	if (names == NULL) {
		ccp_err_set(&err, CCP_E_NO_MEMORY, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		names[i] = list[i].name;
	run.walk.names = names;
	run.walk.name_count = count;
	run.walk.files_from = files_from;
	choose_sink(&run, report->settings, report, count > 0 && list[0].is_stdin);
	run.sink_options.force |= count > 0 && list[0].force;
	report->run = &run;
	if (ccp_measure_begin(&run, report->settings, &err) != 0)
		goto out;
	ccp_signals_clean(strcmp(run.sink->name, "stdout") == 0 || strcmp(run.sink->name, "null") == 0 ||
			  (report->settings->into != NULL && run.sink_options.output == NULL));
	result = ccp_run(&run, &summary, &err);
	ccp_signals_clean(false);
	/* a worker that writes may have signals blocked: then EPIPE is all there is to tell */
	if (result != 0 && err.code == CCP_E_SYS && err.sys == EPIPE && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	if (report->settings->index && run.sink_options.output != NULL && result == 0 && summary.inputs_failed == 0 &&
	    report->output_err.code == CCP_OK)
		ccp_index_make(report, NULL);
	ccp_report_run_ended(report, &summary, result);
	if (ccp_measure_end(&run, report->settings, report->runs++, result == 0) != 0)
		ccp_report_raise(report, CCP_EXIT_FAILED);
out:
	free(names);
	if (result != 0 && ccp_signals_caught() == 0 && err.code != CCP_E_CANCELLED)
		ccp_report_error(report, &err);
	report->run = base;
	return result;
}

/* Not after a signal, nor when the lines of --sum cannot be written. */
static bool goes_on(const struct ccp_report *report)
{
	return ccp_signals_caught() == 0 && report->tee.error == 0;
}

static void run_all(const struct ccp_run_options *base, struct ccp_report *report, const struct ccp_operands *operands)
{
	const struct ccp_settings *s = report->settings;
	bool cut = s->output == NULL && s->into == NULL && !s->passthrough;
	const char *files_from = s->files_from;
	size_t begin = 0, end;

	for (; begin < operands->count && goes_on(report); begin = end) {
		const struct ccp_operand *first = &operands->list[begin];
		bool list_too;

		for (end = begin + 1; end < operands->count; end++)
			if (cut && (operands->list[end].is_stdin != first->is_stdin ||
				    operands->list[end].force != first->force))
				break;
		/* the names of a list come after those of the command line, with the last of them if they are alike */
		list_too = end == operands->count && !(cut && (first->is_stdin || first->force));
		if (run_some(base, report, first, end - begin, list_too ? files_from : NULL) != 0)
			return;
		if (list_too)
			files_from = NULL;
	}
	if (files_from != NULL && goes_on(report))
		run_some(base, report, NULL, 0, files_from);
}

int ccp_codec_main(struct ccp_settings *s)
{
	static char dash[] = "-";
	struct ccp_operands operands = { .list = NULL };
	struct ccp_run_options base;
	struct ccp_range_finder finder = { .range = &s->range };
	struct ccp_report report;
	struct ccp_tar_into into;
	int status = ccp_range_settle(s);

	if (status == 0)
		status = check_settings(s);
	if (status == 0)
		status = ccp_measure_check(s);
	if (status != 0)
		return status;
	if (s->decompress || s->explain) /* nothing is made that could have one */
		s->index = 0;
	if (s->name_count == 0 && s->files_from == NULL)
		s->names[s->name_count++] = dash;
	if (refuse_terminal(s))
		return CCP_EXIT_FAILED;
	ccp_report_init(&report, s);
	fill_run(&base, s, &report);
	if (s->into != NULL)
		ccp_tar_into_attach(&into, &report, &base);
	report.run = &base;
	status = ccp_prepare_plan(&base, s);
	if (status != 0)
		goto out;
	ccp_report_plan(&report, &base.plan);
	if (s->by_range || s->by_lines) {
		finder.least = base.need.chunk_bytes;
		base.find_entry = ccp_range_find;
		base.find_arg = &finder;
	}
	if (s->explain && !base.plan.automatic) /* it was said by hand, and has just been told */
		goto out;
	if (ccp_operands_init(&operands, &report, !s->to_stdout && s->output == NULL && s->into == NULL) != 0) {
		fprintf(stderr, "%s: out of memory\n", s->program);
		status = CCP_EXIT_FAILED;
		goto out;
	}
	run_all(&base, &report, &operands);
	status = ccp_signals_caught() == 0 ? ccp_report_end(&report) : CCP_EXIT_FAILED;
out:
	ccp_operands_release(&operands);
	ccp_report_release(&report);
	return status;
}
