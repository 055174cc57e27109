/*
 * mr_combine.c: a sorter of its own, whose lines become a block, and a crew for one program.
 */
#include "cmd/mr_combine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/command/block.h"
#include "pipeline/mr/feed.h"

struct run {
	const struct ccp_mr_combine *combine;
	struct ccp_block *block;   /* NULL once it was given to the crew */
	void *env;
	unsigned attempts;
};

/* ---- its input ----------------------------------------------------------------------------------- */

static int put_sorter(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	return ccp_sorter_add(arg, data, len, err);
}

static int put_block(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	return ccp_block_add(arg, data, len, err);
}

/* All lines of the output into the sorter: a last one without an end gets one there. */
static int fill_sorter(struct ccp_sorter *sorter, const struct ccp_kept *out, struct ccp_err *err)
{
	const struct ccp_mr_feed_options lines = { .parts = 1, .op = CCP_MR_NONE, .buffer_bytes = 256 << 10 };
	struct ccp_mr_feed *feed;
	int result;

	if (ccp_mr_feed_new(&feed, &lines, put_sorter, err) != 0)
		return -1;
	ccp_mr_feed_begin(feed, sorter);
	result = ccp_kept_each(out, ccp_mr_feed_take, feed, err);
	if (result == 0)
		result = ccp_mr_feed_end(feed, err);
	ccp_mr_feed_free(feed);
	return result;
}

static int sort(struct run *run, const struct ccp_kept *out, struct ccp_err *err)
{
	const struct ccp_sorter_taker taker = { put_block, run->block };
	struct ccp_sorter *sorter;
	int result;

	if (ccp_sorter_new(&sorter, run->combine->sorting, err) != 0)
		return -1;
	result = fill_sorter(sorter, out, err);
	if (result == 0)
		result = ccp_sorter_finish(sorter, err);
	if (result == 0)
		result = ccp_sorter_write(sorter, &taker, err);
	ccp_sorter_free(sorter);
	return result;
}

/* ---- the crew ------------------------------------------------------------------------------------ */

static int on_next(void *arg, bool ready, void **job, struct ccp_err *err)
{
	struct run *run = arg;

	(void)ready, (void)err;
	*job = run->block;
	run->block = NULL;
	return *job != NULL ? CCP_CREW_JOB : CCP_CREW_NONE;
}

static int on_program(void *arg, void *job, unsigned slot, struct ccp_crew_program *program, struct ccp_err *err)
{
	struct run *run = arg;
	struct ccp_block *block = job;
	struct ccp_mr_task task = run->combine->task;

	(void)slot;
	task.attempt = run->attempts++;
	if (ccp_mr_program(run->combine->program, &task, &run->env, program, err) != 0)
		return -1;
	program->input = block->fd;
	return ccp_block_rewind(block, err);
}

/* The words for a failure. */
static int fail(const struct ccp_mr_combine *combine, const struct ccp_crew_done *done, struct ccp_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL) {
		ccp_jobs_tell_end(out, combine->tell->jobs, done, combine->program->shown.text);
		if (fclose(out) != 0)
			len = 0;
	}
	if (len > 0)
		text[len - 1] = '\0'; /* a newline */
	ccp_err_set(err, CCP_E_OTHER, "%s: combiner: %s", combine->name, len > 0 ? text : "failed");
	free(text);
	return -1;
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	const struct run *run = arg;
	const struct ccp_mr_combine *combine = run->combine;
	bool well = done->end == CCP_CREW_EXITED && done->status == 0;

	ccp_mr_tell_task(combine->tell, done->err, well, combine->name);
	if (!well)
		return fail(combine, done, err);
	return ccp_kept_each(done->out, combine->take, combine->arg, err);
}

static void on_drop(void *arg, void *job)
{
	(void)arg;
	ccp_block_free(job);
}

int ccp_mr_combine(const struct ccp_mr_combine *combine, const struct ccp_kept *out, struct ccp_err *err)
{
	struct ccp_crew_options options = combine->tell->jobs->crew;
	struct run run = { .combine = combine, .block = ccp_block_new(combine->name, 0, err) };
	const struct ccp_crew_calls calls = { .next = on_next, .program = on_program, .done = on_done,
					      .drop = on_drop, .arg = &run };
	struct ccp_crew_totals totals;
	int result;

	if (run.block == NULL)
		return -1;
	options.degree = 1;
	options.halt = CCP_CREW_GO_ON;
	options.cancel_fd = combine->cancel_fd;
	options.later_fd = -1;
	options.groups = NULL; /* those are of the maps, by their slots */
	result = sort(&run, out, err);
	if (result == 0)
		result = ccp_crew_run(&options, &calls, &totals, err);
	ccp_block_free(run.block);
	free(run.env);
	return result;
}
