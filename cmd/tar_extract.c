/*
 * tar_extract.c: ccpipe tar -t and -x: a run that decompresses the archive, and an unpacker that takes what comes out.
 *
 * Lines about members come from the unpacker's thread, in the order of the archive, while the run goes on; what ended
 * it all is told afterwards, once: what the unpacker found wrong counts before what the decompressor said, because it
 * came earlier in the archive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/measure.h"
#include "cmd/prepare.h"
#include "cmd/printing.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "cmd/tar.h"
#include "cmd/tar_list.h"
#include "cmd/tar_out.h"
#include "cmd/text.h"
#include "pipeline/net/url.h"
#include "pipeline/run.h"
#include "pipeline/untar.h"
#include "pipeline/untar_disk.h"
#include "strategies/strategies.h"

#define GUARDED_CHUNK (4u << 20) /* how much becomes of a chunk is judged when all of it has */

/* A member that was asked for. */
struct wanted {
	char *name; /* without "/" and "./" before it and "/" behind it; "." = all */
	bool found;
};

struct extraction {
	struct ccp_settings *settings;
	struct ccp_printing print; /* names */
	const char *file; /* the archive; "-" = standard input */
	struct ccp_result result; /* of the one input; its `input` is not valid */

	/* owned by the unpacker's thread, while there is one */
	struct ccp_tar_list list;
	struct wanted *wanted;
	size_t wanted_count;
};

/* ---- lines --------------------------------------------------------------------------------------- */

/* "ccpipe: NAME: at byte N of the archive: TEXT" */
static void print_line(const struct extraction *x, const char *name, const char *unit, const struct ccp_err *err)
{
	char shown[PATH_MAX];

	ccp_url_show(x->file, shown, sizeof shown);
	flockfile(stderr);
	fprintf(stderr, "%s: ", x->settings->program);
	if (name == NULL && strcmp(x->file, "-") == 0)
		fputs("standard input", stderr);
	else
		ccp_text_path(stderr, name != NULL ? name : shown);
	if (err->offset != CCP_NO_OFFSET)
		fprintf(stderr, ": at byte %llu%s", (unsigned long long)err->offset, unit);
	fprintf(stderr, ": %s\n", err->text);
	funlockfile(stderr);
}

static void on_tell(void *arg, enum ccp_untar_word word, const char *name, const struct ccp_err *why)
{
	struct extraction *x = arg;

	pthread_mutex_lock(&x->print.report.lock);
	ccp_progress_clear(&x->print.report.progress);
	if (word == CCP_UNTAR_REFUSED || !x->settings->quiet)
		print_line(x, name, " of the archive", why);
	ccp_report_raise(&x->print.report, word == CCP_UNTAR_NOTE    ? CCP_EXIT_OK :
					   word == CCP_UNTAR_WARNING ? CCP_EXIT_WARNING : CCP_EXIT_FAILED);
	pthread_mutex_unlock(&x->print.report.lock);
}

static int on_member(void *arg, const struct ccp_untar_member *member)
{
	struct extraction *x = arg;
	int result = 0;

	if (x->settings->tar.mode == 'x' && !x->settings->verbose)
		return 0;
	pthread_mutex_lock(&x->print.report.lock);
	ccp_progress_clear(&x->print.report.progress);
	ccp_tar_list_member(x->print.out, &x->list, member);
	if (ferror(x->print.out)) {
		ccp_sum_stop(x->settings);
		result = -1;
	}
	pthread_mutex_unlock(&x->print.report.lock);
	return result;
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct extraction *x = arg;

	x->result = *result;
	x->result.input = NULL;
}

static void on_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct extraction *x = arg;

	ccp_printing_tick(&x->print, flow, next);
}

/* ---- names --------------------------------------------------------------------------------------- */

static bool on_wants(void *arg, const char *name)
{
	struct extraction *x = arg;
	bool wanted = false;

	for (size_t i = 0; i < x->wanted_count; i++) {
		struct wanted *w = &x->wanted[i];
		size_t len = strlen(w->name);

		if (strcmp(w->name, ".") != 0 &&
		    (strncmp(w->name, name, len) != 0 || (name[len] != '\0' && name[len] != '/')))
			continue;
		w->found = wanted = true;
	}
	return wanted;
}

/* The archive, and what is asked of it. Returns 0, or an exit status after a message. */
static int choose_names(struct extraction *x)
{
	struct ccp_settings *s = x->settings;
	size_t first = s->tar.file == NULL && s->name_count > 0;
	char path[PATH_MAX];
	struct ccp_err err;
	bool absolute;

	x->file = s->tar.file != NULL ? s->tar.file : first > 0 ? s->names[0] : "-";
	x->wanted = calloc(s->name_count + 1, sizeof *x->wanted);
	if (x->wanted == NULL)
		goto no_memory;
	for (size_t i = first; i < s->name_count; i++) {
		bool clean = ccp_untar_clean(s->names[i], path, &absolute, &err) == 0;

		x->wanted[x->wanted_count].name = strdup(clean ? path : s->names[i]);
		if (x->wanted[x->wanted_count++].name == NULL)
			goto no_memory;
	}
	return 0;
no_memory:
	fprintf(stderr, "%s: out of memory\n", s->program);
	return CCP_EXIT_FAILED;
}

static void tell_not_found(struct extraction *x)
{
	struct ccp_err err;

	ccp_err_set(&err, CCP_E_OTHER, "not found in the archive");
	for (size_t i = 0; i < x->wanted_count; i++)
		if (!x->wanted[i].found)
			on_tell(x, CCP_UNTAR_REFUSED, x->wanted[i].name, &err);
}

/* ---- the run --------------------------------------------------------------------------------------- */

static int check_settings(const struct extraction *x)
{
	const struct ccp_settings *s = x->settings;
	bool from_stdin = strcmp(x->file, "-") == 0;
	const char *wrong = s->output != NULL ? "-o" : s->level != 0 ? "a level" : s->files_from != NULL ? "-T" :
			    s->include[0] != NULL ? "--include" : s->exclude[0] != NULL ? "--exclude" :
			    s->tar.has_mtime ? "--mtime" : NULL;

	if (wrong != NULL)
		return ccp_usage_error(s, "%s has no meaning with -%c", wrong, s->tar.mode);
	if (s->tar.mode == 'x' && s->chunk_bytes > GUARDED_CHUNK && s->tar.max_size == 0)
		return ccp_usage_error(s, "-x with a --chunk of more than 4M needs --max-size");
	if (s->explain && (from_stdin || ccp_url_kind(x->file) > CCP_URL_FILE))
		return ccp_usage_error(s, "--explain measures real data, and would use up a stream: name files");
	if (from_stdin && (s->presume_tty || isatty(STDIN_FILENO))) {
		fprintf(stderr, "%s: archive not read from a terminal; is -f missing?\n", s->program);
		return CCP_EXIT_FAILED;
	}
	return 0;
}

static void fill(struct ccp_run_options *run, struct extraction *x)
{
	const struct ccp_settings *s = x->settings;

	*run = (struct ccp_run_options){
		.transform = ccp_transform_find("gunzip"),
		.transform_options = { .chunk_bytes = s->chunk_bytes, .passthrough = true },
		.source = { .to_stdout = true }, /* links and devices are read like files */
		.fetch = s->fetch,
		.sink = ccp_sink_find("taker"),
		.report = on_result,
		.tick = on_tick,
		.arg = x,
		.fault = s->fault,
		.swap_ms = s->swap_ms,
		.inject = s->injects ? &s->inject : NULL,
		.strategies = ccp_strategies,
	};
}

/*
 * What ended it early: the archive's own fault, then its file's, then the run's. Whatever was told already, or comes
 * of another cause, has the code CANCELLED.
 */
static void tell_end(struct extraction *x, const struct ccp_err *own, const struct ccp_err *of_run)
{
	const struct ccp_err *file = &x->result.err, *cause = NULL;
	const char *unit = "";

	if (ccp_signals_caught() != 0)
		return;
	if (own->code != CCP_OK) {
		cause = own;
		unit = " of the archive";
	} else if (file->code != CCP_OK && file->code != CCP_E_CANCELLED) {
		cause = file;
	} else if (of_run->code != CCP_OK && of_run->code != CCP_E_CANCELLED) {
		ccp_report_error(&x->print.report, of_run);
		return;
	}
	if (cause == NULL)
		return;
	if (cause->code != CCP_E_CANCELLED && (ccp_err_is_error(cause) || !x->settings->quiet))
		print_line(x, NULL, unit, cause);
	ccp_report_raise(&x->print.report, ccp_err_is_error(cause) || x->result.outcome != CCP_DONE
						   ? CCP_EXIT_FAILED : CCP_EXIT_WARNING);
}

/* The run itself, which is planned. */
static void go(struct extraction *x, struct ccp_run_options *run, struct ccp_untar *untar)
{
	struct ccp_settings *s = x->settings;
	struct ccp_run_summary summary = { 0 };
	struct ccp_err err, own;
	bool failed;
	int result;

	ccp_err_clear(&err);
	ccp_err_clear(&own);
	if (ccp_printing_begin(&x->print, run, s->tar.mode == 't') != 0) {
		ccp_untar_end(untar, true, &own);
		return;
	}
	result = ccp_run(run, &summary, &err);
	failed = result != 0 || summary.cancelled || summary.inputs_done != 1 || s->explain;
	if (ccp_untar_end(untar, failed, &own) != 0)
		failed = true;
	ccp_printing_end(&x->print);
	tell_end(x, &own, &err);
	if (!failed)
		tell_not_found(x);
	if (ccp_measure_end(run, s, 0, result == 0) != 0 || (failed && !s->explain))
		ccp_report_raise(&x->print.report, CCP_EXIT_FAILED);
}

static void extract(struct extraction *x)
{
	struct ccp_settings *s = x->settings;
	const struct ccp_untar_options options = {
		.extract = s->tar.mode == 'x',
		.dir = s->tar.dir,
		.overwrite = s->tar.overwrite,
		.devices = s->tar.devices,
		.keep_setid = s->tar.keep_setid,
		.same_owner = s->tar.same_owner,
		.drop_mtime = s->tar.drop_mtime,
		.max_bytes = s->tar.max_size,
		.wants = x->wanted_count > 0 ? on_wants : NULL,
		.member = on_member,
		.tell = on_tell,
		.arg = x,
	};
	struct ccp_untar *untar;
	struct ccp_run_options run;
	struct ccp_err err;
	char *name = (char *)(uintptr_t)x->file;
	int status;

	fill(&run, x);
	run.walk = (struct ccp_walk_options){ .names = &name, .name_count = 1, .follow = true, .only_regular = true,
					       .urls = true };
	x->print.report.run = &run;
	status = ccp_prepare_plan(&run, s);
	if (status != 0) {
		ccp_report_raise(&x->print.report, status);
		return;
	}
	ccp_report_plan(&x->print.report, &run.plan);
	if (s->explain && !run.plan.automatic) /* it was said by hand, and has just been told */
		return;
	if (ccp_untar_new(&untar, &options, &err) != 0) {
		if (s->tar.dir != NULL && err.code == CCP_E_SYS)
			on_tell(x, CCP_UNTAR_REFUSED, s->tar.dir, &err);
		else
			ccp_report_error(&x->print.report, &err);
		return;
	}
	run.sink_options.taker = (struct ccp_taker){ ccp_untar_take, untar };
	go(x, &run, untar);
	ccp_untar_free(untar);
}

int ccp_tar_extract(struct ccp_settings *s)
{
	struct extraction x = {
		.settings = s,
		.print.settings = s,
		.list = { .details = s->verbose > 0 && (s->tar.mode == 't' || s->verbose > 1),
			  .numeric_owner = s->tar.numeric_owner },
	};
	int status;

	if (ccp_untar_probe() != NULL) {
		fprintf(stderr, "%s: tar: not built: %s\n", s->program, ccp_untar_probe());
		return CCP_EXIT_FAILED;
	}
	s->list = 1; /* standard output is for names, and -v is about them, not about the run */
	status = choose_names(&x);
	if (status == 0)
		status = check_settings(&x);
	if (status == 0)
		status = ccp_measure_check(s);
	if (status == 0) {
		ccp_report_init(&x.print.report, s);
		x.print.out = ccp_tar_out_open();
		if (x.print.out != NULL)
			extract(&x);
		if (x.print.out == NULL || ccp_tar_out_close(x.print.out) != 0)
			ccp_sum_stop(s);
		status = ccp_sum_flush(s, x.print.report.status);
		ccp_report_release(&x.print.report);
	}
	for (size_t i = 0; i < x.wanted_count; i++)
		free(x.wanted[i].name);
	free(x.wanted);
	return status;
}
