/*
 * prepare.c: settings to a plan, and to a walk. What is said on the command line goes before the environment.
 */
#include "cmd/prepare.h"

#include <stdlib.h>

#include "pipeline/tee.h"
#include "strategies/strategies.h"

#define PARTS_OF_MEMORY 4

/* The child that decompresses an archive runs as we do. What the environment says it is told by that. */
static void fill_archive(struct ccp_archive_options *archive, const struct ccp_settings *s)
{
	const char *const pairs[] = { "--jobs", s->plan.jobs, "--strategy", s->plan.strategy,
				      "--max-mem", s->plan.max_mem };
	size_t count = 0;

	archive->wanted = s->archive != 0;
	/* of digests and tests nothing fills up */
	archive->guarded = s->bit != CCP_FOR_SUM && !s->test && !s->list;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i += 2) {
		if (pairs[i + 1] == NULL)
			continue;
		archive->child[count++] = pairs[i];
		archive->child[count++] = pairs[i + 1];
	}
	if (s->isolate)
		archive->child[count++] = "--isolate";
}

struct ccp_walk_options ccp_prepare_walk(const struct ccp_settings *s)
{
	return (struct ccp_walk_options){
		.names = s->names,
		.name_count = s->name_count,
		.files_from = s->files_from,
		.nul_separated = s->nul_separated,
		.recursive = s->recursive,
		.urls = !s->gnu,
		.follow = true,
		.max_depth = s->max_depth,
		.include = s->include[0] != NULL ? s->include : NULL,
		.exclude = s->exclude[0] != NULL ? s->exclude : NULL,
		.only_regular = true,
	};
}

int ccp_prepare_plan(struct ccp_run_options *run, struct ccp_settings *s)
{
	struct ccp_err err;

	if (s->window > 0)
		s->plan.window = (size_t)s->window;
	s->plan.isolate = s->isolate;
	if ((s->isolate || s->plan.plan_file != NULL) && s->plan.strategy == getenv("CCPIPE_STRATEGY"))
		s->plan.strategy = NULL;
	fill_archive(&run->archive, s);
	if (run->transform == NULL)
		ccp_err_set(&err, CCP_E_UNSUPPORTED, "%s: what it needs is not built in", s->command);
	else if (run->transform->probe != NULL && run->transform->probe() != NULL)
		ccp_err_set(&err, CCP_E_UNSUPPORTED, "%s: %s", run->transform->name, run->transform->probe());
	else if (run->transform->need(&run->transform_options, &run->need, &err) == 0) {
		run->need.tee_bytes = ccp_tee_bytes(&s->sums);
		ccp_host_read(&s->host);
		if (ccp_plan_make(&run->plan, &s->plan, &run->need, &s->host, ccp_strategies, &err) == 0) {
			if (s->plan.max_mem != NULL) /* parts of objects come on top of it, but not as many */
				run->fetch.part_bytes = run->plan.max_mem / PARTS_OF_MEMORY;
			return 0;
		}
	}
	if (err.code == CCP_E_USAGE)
		return ccp_usage_error(s, "%s", err.text);
	fprintf(stderr, "%s: %s\n", s->program, err.text);
	return CCP_EXIT_FAILED;
}
