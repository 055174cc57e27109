/*
 * measure.c: gives a run its profile, and reports it afterwards.
 *
 * auto measures for itself; everything else here is told to people. A run with a fixed strategy that nobody asks about
 * has no profile, and no clock is read for it.
 */
#include "cmd/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/profile.h"
#include "pipeline/profile.h"
#include "pipeline/sink.h"

static bool is_asked(const struct ccp_settings *s)
{
	return s->profiled || s->explain || s->save_plan != NULL ||
	       (s->verbose && !s->gnu && !s->list && s->progress != CCP_PROGRESS_JSON);
}

int ccp_measure_begin(struct ccp_run_options *run, const struct ccp_settings *s, struct ccp_err *err)
{
	if (!run->plan.automatic && !s->profiled && s->save_plan == NULL)
		return 0;
	run->profile = calloc(1, sizeof *run->profile);
	if (run->profile == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	run->measure = run->profile->detailed = is_asked(s);
	run->profile->host = s->host;
	run->trace = s->profile.trace != NULL || s->profile.html != NULL;
	if (s->explain) {
		run->explain = run->sink;
		run->sink = ccp_sink_find("null");
	}
	return 0;
}

/* ---- files of reports: never in the place of data ---------------------------------------------- */

static bool is_file(const struct stat *st, const char *path)
{
	struct stat other;

	return path != NULL && stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* Why this file must not be written, or NULL. */
static const char *why_not(const struct ccp_settings *s, const char *file)
{
	struct stat st, data;

	if (file == NULL || stat(file, &st) != 0 || S_ISCHR(st.st_mode))
		return NULL;
	if (fstat(STDOUT_FILENO, &data) == 0 && data.st_dev == st.st_dev && data.st_ino == st.st_ino)
		return "is standard output, which is for data";
	if (!S_ISREG(st.st_mode))
		return NULL;
	if (is_file(&st, s->output))
		return "is the output";
	for (size_t i = 0; i < s->name_count; i++)
		if (is_file(&st, s->names[i]))
			return "is an input";
	return NULL;
}

/* Whether it is a file that was made, perhaps as an output, since the command began. */
static bool is_new(const struct ccp_settings *s, const char *file)
{
	struct stat st;

	return file != NULL && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_ctim.tv_sec > s->began.tv_sec ||
		(st.st_ctim.tv_sec == s->began.tv_sec && st.st_ctim.tv_nsec >= s->began.tv_nsec));
}

int ccp_measure_check(struct ccp_settings *s)
{
	const struct {
		const char *option, *file;
	} list[] = { { "--profile", s->profile.json }, { "--profile", s->profile.trace },
		     { "--profile", s->profile.html }, { "--save-plan", s->save_plan } };

	clock_gettime(CLOCK_REALTIME_COARSE, &s->began); /* what file systems stamp with */
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		const char *why = why_not(s, list[i].file);

		if (why != NULL)
			return ccp_usage_error(s, "%s: %s %s", list[i].option, list[i].file, why);
	}
	return 0;
}

/* Whether the file may be written now, after the run; says so if not. The first run's own reports are no data. */
static bool may_write(const struct ccp_settings *s, const char *file, unsigned number)
{
	const char *why = number == 0 ? why_not(s, file) : NULL;

	if (number == 0 && why == NULL && is_new(s, file))
		why = "was written since this command began";
	if (why != NULL)
		fprintf(stderr, "%s: %s %s: it is left alone\n", s->program, file, why);
	return why == NULL;
}

/* The reports that may be written, of those that were asked for. */
static int report(const struct ccp_run_options *run, const struct ccp_settings *s, unsigned number)
{
	struct ccp_profile_request wanted = s->profile;
	int result = 0;

	if (!may_write(s, wanted.json, number))
		wanted.json = NULL, result = -1;
	if (!may_write(s, wanted.trace, number))
		wanted.trace = NULL, result = -1;
	if (!may_write(s, wanted.html, number))
		wanted.html = NULL, result = -1;
	if (ccp_profile_report(run->profile, &wanted, number, s->program) != 0)
		result = -1;
	return result;
}

/* The plan that the run ended with: what auto chose, or what was asked for. */
static void final_plan(const struct ccp_run_options *run, struct ccp_plan *plan)
{
	const struct ccp_profile *profile = run->profile;

	*plan = run->plan;
	if (!profile->automatic || !profile->decided)
		return;
	for (int s = 0; s < CCP_STAGES; s++) {
		const struct ccp_stage_choice *choice = &profile->final.stage[s];

		for (const struct ccp_strategy_ops *const *ops = run->strategies; *ops != NULL; ops++)
			if (strcmp((*ops)->name, ccp_kind_name(choice->kind)) == 0)
				plan->stage[s] = (struct ccp_stage_plan){ *ops, choice->degree, choice->exec };
	}
	plan->window = profile->final.window;
}

static int save_plan(const struct ccp_run_options *run, const struct ccp_settings *s, unsigned number)
{
	struct ccp_plan plan;
	struct ccp_err err;

	if (!may_write(s, s->save_plan, number))
		return -1;
	final_plan(run, &plan);
	if (ccp_plan_save(&plan, s->save_plan, &err) == 0)
		return 0;
	fprintf(stderr, "%s: --save-plan: %s\n", s->program, err.text);
	return -1;
}

int ccp_measure_end(struct ccp_run_options *run, const struct ccp_settings *s, unsigned number, bool ran)
{
	int result = 0;

	if (run->profile == NULL)
		return 0;
	if (ran) {
		if (s->explain)
			ccp_profile_explain(stdout, run->profile, s->program);
		else if (s->verbose && !s->gnu && !s->list && s->progress != CCP_PROGRESS_JSON)
			ccp_profile_line(stderr, run->profile, s->program);
		if (s->profiled && report(run, s, number) != 0)
			result = -1;
		if (s->save_plan != NULL && save_plan(run, s, number) != 0)
			result = -1;
	}
	ccp_profile_release(run->profile);
	free(run->profile);
	run->profile = NULL;
	return result;
}
