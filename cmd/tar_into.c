/*
 * tar_into.c: see tar_into.h. What is written, and how, is the sink's matter (pipeline/write/into.c).
 */
#include "cmd/tar_into.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/tar.h"
#include "cmd/text.h"
#include "pipeline/net/url.h"
#include "pipeline/sink.h"
#include "pipeline/tar_layout.h"

/*
 * The first of the names that is the file which the archive would replace, or NULL. In the run it would be refused like
 * any input that fails, and then be lost, since the others go on.
 */
static const char *replaced(const struct ccp_settings *s)
{
	struct stat into, st;

	if (strcmp(s->into, "-") == 0 || stat(s->into, &into) != 0 || !S_ISREG(into.st_mode))
		return NULL;
	for (size_t i = 0; i < s->name_count; i++)
		if (stat(s->names[i], &st) == 0 && st.st_dev == into.st_dev && st.st_ino == into.st_ino)
			return s->names[i];
	return NULL;
}

int ccp_tar_into_check(const struct ccp_settings *s)
{
	const char *wrong = s->test ? "-t" : s->list ? "-l" : s->to_stdout ? "-c" : s->output != NULL ? "-o" :
			    s->output_dir != NULL ? "--output-dir" : s->remove ? "--rm" :
			    s->index && !s->decompress ? "--index" : s->sums.count > 0 ? "--sum" : NULL;

	if (wrong != NULL)
		return ccp_usage_error(s, "--into has no meaning with %s", wrong);
	if (s->into[0] == '\0')
		return ccp_usage_error(s, "--into: the archive has no name");
	if (s->name_count == 0 && s->files_from == NULL)
		return ccp_usage_error(s, "--into: standard input has no name for a member: name files");
	if (strcmp(s->into, "-") == 0 && !s->force && !s->explain && (s->presume_tty || isatty(STDOUT_FILENO)))
		return ccp_usage_error(s, "an archive is not written to a terminal: say --into FILE.tar");
	if (replaced(s) != NULL)
		return ccp_usage_error(s, "--into: the archive would replace the input %s", replaced(s));
	return 0;
}

const char *ccp_tar_into_output(const struct ccp_settings *s)
{
	return strcmp(s->into, "-") == 0 ? NULL : s->into;
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct ccp_tar_into *into = arg;
	struct ccp_report *report = into->report;
	char name[PATH_MAX];
	struct ccp_err err;

	if (result->outcome == CCP_DONE && !into->told_cut && ccp_url_kind(result->input->path) <= CCP_URL_FILE &&
	    ccp_sink_into_name(&report->run->sink_options, result->input, name, &err) == 0) {
		pthread_mutex_lock(&report->lock);
		ccp_progress_clear(&report->progress);
		ccp_tar_tell_cut(report->settings, name, &into->told_cut);
		pthread_mutex_unlock(&report->lock);
	}
	ccp_report_result(report, result);
}

static void on_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct ccp_tar_into *into = arg;

	ccp_report_tick(into->report, flow, next);
}

void ccp_tar_into_attach(struct ccp_tar_into *into, struct ccp_report *report, struct ccp_run_options *run)
{
	*into = (struct ccp_tar_into){ .report = report };
	run->report = on_result;
	run->tick = on_tick;
	run->arg = into;
}

void ccp_tar_tell_cut(const struct ccp_settings *s, const char *path, bool *told)
{
	size_t cut = ccp_tar_name_cut(path);
	char prefix[PATH_MAX];

	if (cut == 0 || *told || s->quiet || s->progress == CCP_PROGRESS_JSON)
		return;
	*told = true;
	snprintf(prefix, sizeof prefix, "%.*s", (int)cut, path);
	flockfile(stderr);
	fprintf(stderr, "%s: names are stored without ", s->program);
	ccp_text_path(stderr, prefix);
	fputs(" at their beginning\n", stderr);
	funlockfile(stderr);
}
