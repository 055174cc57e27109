/*
 * mr_map.c: the maps: a copy of the command for each split of the inputs.
 *
 * A map that fails ends the job. Those before it are waited for, so that whatever runs at the same time, it is the
 * first one that is told, and so do the lines of those before it have to be sound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cutter.h"
#include "cmd/mr.h"
#include "cmd/mr_env.h"

static int on_program(void *arg, struct ccp_work *work, unsigned slot, struct ccp_crew_program *program,
		      struct ccp_err *err)
{
	const struct ccp_mr *mr = arg;
	const struct ccp_mr_task task = {
		.map = true, .number = work->number, .reducers = mr->parts, .attempt = work->attempts++,
		.path = work->path, .begin = work->block->at, .len = work->block->len, .dir = mr->settings->output,
	};

	(void)slot;
	return ccp_mr_program(&mr->map, &task, &work->extra, program, err);
}

/* Without reducers, what a map wrote is a part of the output. */
static int write_part(struct ccp_mr *mr, const struct ccp_work *work, const struct ccp_kept *out, struct ccp_err *err)
{
	if (work->number >= CCP_MR_PARTS_MOST)
		return ccp_err_set(err, CCP_E_OTHER, "there are more than %u splits: --split", CCP_MR_PARTS_MOST);
	if (ccp_mr_output_begin(&mr->output, (unsigned)work->number, err) != 0 ||
	    ccp_kept_each(out, ccp_mr_output_take, &mr->output, err) != 0)
		return -1;
	return ccp_mr_output_end(&mr->output, err);
}

/* A map has ended, which messages know by `name`. */
static int take(struct ccp_mr *mr, const struct ccp_crew_done *done, const char *name, struct ccp_err *err)
{
	const struct ccp_work *work = done->job;
	const bool well = done->end == CCP_CREW_EXITED && done->status == 0;
	int result;

	ccp_mr_tell_task(&mr->tell, done->err, well, name);
	if (!well) {
		if (mr->gather != NULL && ccp_mr_gather_drain(mr->gather, err) != 0)
			return -1;
		ccp_mr_tell_end(&mr->tell, done, name, mr->map.shown.text);
		return ccp_err_set(err, CCP_E_CANCELLED, "a map has failed");
	}
	if (mr->parts == 0)
		return write_part(mr, work, done->out, err);
	result = ccp_mr_gather_submit(mr->gather, work, name, done->out, err);
	return result <= 0 ? result : ccp_mr_gather_drain(mr->gather, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	const struct ccp_work *work = done->job;
	char *name;
	int result;

	if (asprintf(&name, "%s: split at byte %llu", work->block->name, (unsigned long long)work->block->at) < 0)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a name");
	result = take(arg, done, name, err);
	free(name);
	return result;
}

int ccp_mr_map_all(struct ccp_mr *mr)
{
	const struct ccp_blocks_calls calls = { on_program, NULL, on_done, mr };
	struct ccp_blocks blocks;
	struct ccp_cutter cutter = { .blocks = &blocks, .by = 's', .count = mr->split_bytes };
	struct ccp_err err;
	int status;

	ccp_err_clear(&err);
	if (ccp_blocks_open(&blocks, &mr->jobs.crew, &calls, &err) != 0)
		return ccp_mr_fail(mr, &err);
	status = ccp_cutter_run(&cutter, mr->settings);
	if (blocks.submitted > 0 && blocks.result != 0) {
		if (mr->gather != NULL)
			ccp_mr_gather_stop(mr->gather);
		status = ccp_mr_fail(mr, &blocks.err);
	} else if (mr->gather != NULL && ccp_mr_gather_drain(mr->gather, &err) != 0) {
		status = ccp_mr_fail(mr, &err);
	}
	ccp_blocks_close(&blocks);
	return status;
}
