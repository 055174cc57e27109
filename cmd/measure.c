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

static int save_plan(const struct ccp_run_options *run, const struct ccp_settings *s)
{
	struct ccp_plan plan;
	struct ccp_err err;

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
		if (s->profiled && ccp_profile_report(run->profile, &s->profile, number, s->program) != 0)
			result = -1;
		if (s->save_plan != NULL && save_plan(run, s) != 0)
			result = -1;
	}
	ccp_profile_release(run->profile);
	free(run->profile);
	run->profile = NULL;
	return result;
}
