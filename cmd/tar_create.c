/*
 * tar_create.c: ccpipe tar -c: names to a layout, and the layout to an archive.
 *
 * First everything is looked at and laid out; then one run reads and compresses the archive as if it were a file that
 * lay there. What turns out to be different while it is read is told after the run, in the order of the archive.
 */
#include "cmd/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/measure.h"
#include "cmd/prepare.h"
#include "cmd/report.h"
#include "cmd/signals.h"
#include "cmd/text.h"
#include "pipeline/net/upload.h"
#include "pipeline/net/url.h"
#include "pipeline/run.h"
#include "pipeline/tar_layout.h"
#include "pipeline/temp.h"
#include "pipeline/untar_disk.h"
#include "strategies/strategies.h"

struct create {
	struct ccp_settings *settings;
	struct ccp_report report;
	struct ccp_tar_layout *layout;
	struct ccp_input *input; /* carries a name to the report */
	struct stat archive;     /* the file that will be written, or is there now; st_mode 0 = none */
	bool list;               /* -v */
	FILE *names;             /* where it lists them, or NULL */
	bool told_cut;           /* that something is left out of names */
};

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

static bool is_url(const char *output)
{
	return output != NULL && ccp_url_kind(output) != CCP_URL_NONE;
}

/* Whether the archive is to be compressed with gzip: by its name, or because -z says so. Returns 0, or a status. */
static int choose_compression(const struct ccp_settings *s, bool *gzip)
{
	static const struct {
		const char *suffix, *compression; /* NULL = gzip */
	} list[] = {
		{ ".gz", NULL }, { ".tgz", NULL }, { ".taz", NULL }, { ".zst", "zstd" }, { ".tzst", "zstd" },
		{ ".xz", "xz" }, { ".txz", "xz" }, { ".bz2", "bzip2" }, { ".tbz2", "bzip2" }, { ".tbz", "bzip2" },
		{ ".tz2", "bzip2" }, { ".lz4", "lz4" }, { ".lz", "lzip" }, { ".lzma", "lzma" }, { ".tlz", "lzma" },
		{ ".lzo", "lzop" }, { ".Z", "compress" }, { ".taZ", "compress" },
	};

	*gzip = s->tar.gzip;
	for (size_t i = 0; i < sizeof list / sizeof list[0] && s->output != NULL && !*gzip; i++) {
		if (!ends_with(s->output, list[i].suffix))
			continue;
		if (list[i].compression != NULL)
			return ccp_usage_error(s, "%s: compression with %s is not built in; -z is gzip", s->output,
					       list[i].compression);
		*gzip = true;
	}
	if (s->level > 0 && !*gzip)
		return ccp_usage_error(s, "a level has no meaning without compression: name the archive .tar.gz, or "
				       "say -z");
	return 0;
}

/* Combinations that mean nothing. Makes -f the output. Returns 0, or a status. */
static int check_settings(struct ccp_settings *s)
{
	struct ccp_err err;

	if (s->output != NULL && s->tar.file != NULL)
		return ccp_usage_error(s, "-o and -f are the same: one is enough");
	if (s->output == NULL)
		s->output = s->tar.file;
	if (s->output != NULL && strcmp(s->output, "-") == 0)
		s->output = NULL;
	if (is_url(s->output) && ccp_upload_allowed(s->output, &err) != 0)
		return ccp_usage_error(s, "-o: %s", err.text);
	if (s->name_count == 0 && s->files_from == NULL)
		return ccp_usage_error(s, "an archive of nothing is none: name files or directories");
	if (s->nul_separated && s->files_from == NULL)
		return ccp_usage_error(s, "-0 has no meaning without --files-from");
	if (s->output == NULL && !s->explain && isatty(STDOUT_FILENO))
		return ccp_usage_error(s, "an archive is not written to a terminal: say -f ARCHIVE");
	return ccp_measure_check(s);
}

/* ---- the layout -------------------------------------------------------------------------------------------------- */

/* A line about a name, which counts and raises the status as that of any input does. */
static void tell(struct create *c, const char *path, const struct ccp_err *err)
{
	struct ccp_result result = { .input = c->input, .err = *err };

	result.outcome = ccp_err_is_error(err) ? CCP_FAILED : ccp_code_refuses(err->code) ? CCP_SKIPPED : CCP_DONE;
	snprintf(c->input->path, sizeof c->input->path, "%s", path);
	ccp_report_result(&c->report, &result);
}

static bool is_archive(const struct create *c, const struct stat *st)
{
	return S_ISREG(st->st_mode) && S_ISREG(c->archive.st_mode) && st->st_dev == c->archive.st_dev &&
	       st->st_ino == c->archive.st_ino;
}

/*
 * Whether a file is the output of a run of ccpipe that is not complete yet: it is locked, or has the name of a member
 * that is being unpacked. What a run has left that was killed is a file like any other.
 */
static bool is_unfinished(const char *path, const struct stat *st)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	bool locked;
	int fd;

	if (!S_ISREG(st->st_mode) || !ends_with(base, CCP_TEMP_SUFFIX))
		return false;
	if (ccp_untar_is_temp(base))
		return true;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

/* One name of the walk. Errors: -1 with `err` if there is no sense in going on. */
static int add(struct create *c, struct ccp_walk_entry *entry, struct ccp_err *err)
{
	if (entry->is_stdin)
		ccp_err_set(&entry->err, CCP_E_OTHER, "standard input has no place in an archive (a file: ./-)");
	else if (entry->err.code == CCP_OK && is_archive(c, &entry->st))
		ccp_err_set(&entry->err, CCP_W_SPECIAL, "is the archive");
	else if (entry->err.code == CCP_OK && is_unfinished(entry->path, &entry->st))
		ccp_err_set(&entry->err, CCP_W_SPECIAL, "is being written by another run of ccpipe");
	if (entry->err.code == CCP_OK &&
	    ccp_tar_layout_add(c->layout, entry->path, &entry->st, &entry->err) == 0) {
		ccp_tar_tell_cut(c->settings, entry->path, &c->told_cut);
		if (c->names != NULL) {
			ccp_text_path(c->names, ccp_tar_layout_name(c->layout, ccp_tar_layout_count(c->layout) - 1));
			putc('\n', c->names);
		}
		return 0;
	}
	if (entry->err.code == CCP_E_NO_MEMORY) {
		*err = entry->err;
		return -1;
	}
	tell(c, entry->path, &entry->err);
	return 0;
}

/* Looks at everything. The process stands where names are seen from. */
static int walk_names(struct create *c, struct ccp_walk *walk, struct ccp_err *err)
{
	struct ccp_walk_entry entry;

	while (ccp_signals_caught() == 0 && ccp_walk_next(walk, &entry) == 1)
		if (add(c, &entry, err) != 0)
			return -1;
	return ccp_signals_caught() == 0 ? 0 : ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
}

static int walk_from_dir(struct create *c, struct ccp_walk *walk, struct ccp_err *err)
{
	const char *dir = c->settings->tar.dir;
	int here, result;

	if (dir == NULL)
		return walk_names(c, walk, err);
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return ccp_err_sys(err, errno, "the current directory");
	if (chdir(dir) != 0) {
		ccp_err_sys(err, errno, "%s", dir);
		close(here);
		return -1;
	}
	result = walk_names(c, walk, err);
	if (fchdir(here) != 0)
		result = ccp_err_sys(err, errno, "going back from %s", dir);
	close(here);
	return result;
}

static int make_layout(struct create *c, struct ccp_err *err)
{
	const struct ccp_settings *s = c->settings;
	const struct ccp_tar_layout_options options = {
		.dir = s->tar.dir,
		.owner = s->tar.owner,
		.group = s->tar.group,
		.numeric_owner = s->tar.numeric_owner,
		.has_mtime = s->tar.has_mtime,
		.mtime = s->tar.mtime,
	};
	const struct ccp_walk_options names = {
		.names = s->names,
		.name_count = s->name_count,
		.files_from = s->files_from,
		.nul_separated = s->nul_separated,
		.recursive = true,
		.directories = true,
		.include = s->include[0] != NULL ? s->include : NULL,
		.exclude = s->exclude[0] != NULL ? s->exclude : NULL,
	};
	struct ccp_walk *walk = NULL;
	int result = -1;

	if ((s->output != NULL ? stat(s->output, &c->archive) : fstat(STDOUT_FILENO, &c->archive)) != 0)
		c->archive.st_mode = 0;
	if (c->list && s->progress != CCP_PROGRESS_JSON)
		c->names = s->output != NULL ? stdout : stderr;
	if (ccp_tar_layout_new(&c->layout, &options, err) == 0 && ccp_walk_new(&walk, &names, err) == 0 &&
	    walk_from_dir(c, walk, err) == 0)
		result = ccp_tar_layout_end(c->layout, err);
	ccp_walk_free(walk);
	return result;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* Of the archive itself only what went wrong is told. */
static void on_result(void *arg, const struct ccp_result *result)
{
	if (result->outcome != CCP_DONE || result->err.code != CCP_OK)
		ccp_report_result(arg, result);
}

static bool is_cancelled(void)
{
	return ccp_signals_caught() != 0;
}

static void fill_run(struct ccp_run_options *run, struct create *c, bool gzip)
{
	const struct ccp_settings *s = c->settings;

	*run = (struct ccp_run_options){
		.transform = ccp_transform_find(gzip ? "gzip" : "copy"),
		.transform_options = { .level = s->level, .chunk_bytes = s->chunk_bytes },
		.source = { .to_stdout = true },
		.sink = ccp_sink_find(is_url(s->output) ? "put" : s->output != NULL ? "single" : "stdout"),
		.sink_options = {
			.output = s->output,
			.force = s->tar.overwrite,
			.fsync = (enum ccp_fsync)s->fsync,
			.net = &s->fetch,
			.cancelled = is_cancelled,
		},
		.report = on_result,
		.tick = ccp_report_tick,
		.arg = &c->report,
		.fault = s->fault,
		.swap_ms = s->swap_ms,
		.inject = s->injects ? &s->inject : NULL,
		.strategies = ccp_strategies,
	};
}

/* What members turned out to be while they were read. Returns how many were not as they should be. */
static size_t tell_notes(struct create *c)
{
	size_t count = ccp_tar_layout_count(c->layout), told = 0;

	for (size_t i = 0; i < count; i++) {
		int sys;
		unsigned what = ccp_tar_layout_noted(c->layout, i, &sys);
		struct ccp_err err;

		if (what == 0)
			continue;
		told++;
		ccp_err_clear(&err);
		if (what & CCP_TAR_UNREAD)
			ccp_err_set(&err, CCP_E_OTHER, "%s: what could not be read is zeros in the archive",
				    strerrordesc_np(sys));
		else if (what & CCP_TAR_SHRANK)
			ccp_err_set(&err, CCP_E_CHANGED, "shrank while it was read: what is missing is zeros in the "
				    "archive");
		else
			ccp_err_set(&err, CCP_E_CHANGED, "changed while it was read");
		tell(c, ccp_tar_layout_path(c->layout, i), &err);
	}
	return told;
}

/* Writes the archive, whose layout is known. Errors: -1 with `err`. */
static int write_archive(struct create *c, struct ccp_run_options *run, struct ccp_err *err)
{
	struct ccp_settings *s = c->settings;
	const struct ccp_next_only only = {
		.source = &ccp_source_tar,
		.name = s->output != NULL ? s->output : "standard output",
		.bytes = ccp_tar_layout_bytes(c->layout),
	};
	char *dir[1], here[PATH_MAX];
	struct ccp_run_summary summary = { 0 };
	int result;

	/* "-" and what begins like a URL are names of directories here */
	if (s->tar.dir != NULL)
		snprintf(here, sizeof here, "%s%s", s->tar.dir[0] == '/' ? "" : "./", s->tar.dir);
	dir[0] = here;
	run->only = &only;
	run->source.tar = c->layout;
	run->walk.names = s->tar.dir != NULL ? dir : s->names; /* where auto looks what kind of files they are */
	run->walk.name_count = s->tar.dir != NULL ? 1 : s->name_count;
	if (ccp_measure_begin(run, s, err) != 0)
		return -1;
	fflush(stdout); /* now, because workers may be forked */
	ccp_signals_clean(s->output == NULL);
	result = ccp_run(run, &summary, err);
	ccp_signals_clean(false);
	if (result != 0 && err->code == CCP_E_SYS && err->sys == EPIPE && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	ccp_report_run_ended(&c->report, &summary, result);
	if (ccp_measure_end(run, s, 0, result == 0) != 0)
		ccp_report_raise(&c->report, CCP_EXIT_FAILED);
	if (result == 0 && ccp_signals_caught() == 0 && !s->explain) {
		size_t wrong = tell_notes(c);

		c->report.done = ccp_tar_layout_count(c->layout) - wrong;
	}
	return result;
}

int ccp_tar_create(struct ccp_settings *s)
{
	struct create c = { .settings = s, .list = s->verbose > 0 };
	struct ccp_run_options run;
	struct ccp_err err;
	bool gzip;
	int status = check_settings(s);

	if (status == 0)
		status = choose_compression(s, &gzip);
	if (status != 0)
		return status;
	if (s->verbose > 0) /* as tar has it, once is for the names; twice, for what other commands tell with one */
		s->verbose--;
	ccp_err_clear(&err);
	ccp_report_init(&c.report, s);
	fill_run(&run, &c, gzip);
	c.report.run = &run;
	status = ccp_prepare_plan(&run, s);
	if (status != 0)
		goto out;
	ccp_report_plan(&c.report, &run.plan);
	if (s->explain && !run.plan.automatic) /* it was said by hand, and has just been told */
		goto out;
	c.input = calloc(1, sizeof *c.input);
	if (c.input == NULL)
		ccp_err_set(&err, CCP_E_NO_MEMORY, "out of memory");
	else if (make_layout(&c, &err) == 0 &&
		 (ccp_tar_layout_count(c.layout) > 0 || c.report.status == CCP_EXIT_OK))
		write_archive(&c, &run, &err);
	if (err.code != CCP_OK && ccp_signals_caught() == 0 && err.code != CCP_E_CANCELLED)
		ccp_report_error(&c.report, &err);
	status = ccp_signals_caught() == 0 ? ccp_report_end(&c.report) : CCP_EXIT_FAILED;
out:
	ccp_tar_layout_free(c.layout);
	free(c.input);
	ccp_report_release(&c.report);
	return status;
}
