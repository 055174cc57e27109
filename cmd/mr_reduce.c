/*
 * mr_reduce.c: the reducers: sorted lines are dealt out to their parts, each of which is written, or becomes the
 * standard input of a copy of the command, as a file without a name, while the next one is filled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/mr.h"
#include "cmd/mr_env.h"
#include "pipeline/mr/deal.h"

struct reduce {
	struct ccp_mr *mr;
	struct ccp_blocks blocks;
	struct ccp_block *block;  /* is being filled */
};

/* ---- the crew's thread --------------------------------------------------------------------------- */

static int on_program(void *arg, struct ccp_work *work, unsigned slot, struct ccp_crew_program *program,
		      struct ccp_err *err)
{
	const struct reduce *reduce = arg;
	const struct ccp_mr *mr = reduce->mr;
	const struct ccp_mr_task task = { .number = work->number, .reducers = mr->parts, .attempt = work->attempts++,
					  .dir = mr->settings->output };

	(void)slot;
	return ccp_mr_program(&mr->reduce, &task, &work->extra, program, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	struct reduce *reduce = arg;
	struct ccp_mr *mr = reduce->mr;
	const struct ccp_work *work = done->job;
	const bool well = done->end == CCP_CREW_EXITED && done->status == 0;

	ccp_mr_tell_task(&mr->tell, done->err, well, work->block->name);
	if (!well) {
		ccp_mr_tell_end(&mr->tell, done, work->block->name, mr->reduce.shown.text);
		return ccp_err_set(err, CCP_E_CANCELLED, "a reducer has failed");
	}
	if (ccp_mr_output_begin(&mr->output, (unsigned)work->number, err) != 0 ||
	    ccp_kept_each(done->out, ccp_mr_output_take, &mr->output, err) != 0)
		return -1;
	return ccp_mr_output_end(&mr->output, err);
}

/* ---- dealing ------------------------------------------------------------------------------------- */

static int begin_block(void *arg, unsigned part, struct ccp_err *err)
{
	struct reduce *reduce = arg;
	char name[40];

	snprintf(name, sizeof name, "reducer %u", part);
	reduce->block = ccp_block_new(name, 0, err);
	return reduce->block != NULL ? 0 : -1;
}

static int fill_block(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	const struct reduce *reduce = arg;

	return ccp_block_add(reduce->block, data, len, err);
}

static int end_block(void *arg, struct ccp_err *err)
{
	struct reduce *reduce = arg;
	struct ccp_work *work = ccp_work_new(reduce->block, NULL, err);
	int result;

	reduce->block = NULL;
	result = work != NULL ? ccp_blocks_submit(&reduce->blocks, work, err) : -1;
	return result > 0 ? ccp_err_set(err, CCP_E_CANCELLED, "a reducer has failed") : result;
}

/* Sorts, and deals out to the sink. Memory goes back as soon as that is done. */
static int deal_out(struct ccp_mr *mr, const struct ccp_mr_sink *sink, struct ccp_err *err)
{
	struct ccp_sorter_taker taker = { .take = ccp_mr_deal_take };
	struct ccp_mr_deal *deal;
	int result;

	if (ccp_mr_deal_new(&deal, mr->parts, mr->deal_op, sink, err) != 0)
		return -1;
	taker.arg = deal;
	result = ccp_sorter_finish(mr->sorter, err);
	if (result == 0)
		result = ccp_sorter_write(mr->sorter, &taker, err);
	if (result == 0)
		result = ccp_mr_deal_end(deal, err);
	ccp_mr_deal_free(deal);
	ccp_sorter_free(mr->sorter);
	mr->sorter = NULL;
	return result;
}

/* With a command. Returns an exit status. */
static int run_reducers(struct ccp_mr *mr)
{
	struct reduce reduce = { .mr = mr };
	const struct ccp_blocks_calls calls = { on_program, NULL, on_done, &reduce };
	const struct ccp_mr_sink sink = { begin_block, fill_block, end_block, &reduce };
	const uint64_t one = 1;
	struct ccp_err err;
	int result;

	if (ccp_blocks_open(&reduce.blocks, &mr->jobs.crew, &calls, &err) != 0)
		return ccp_mr_fail(mr, &err);
	result = deal_out(mr, &sink, &err);
	ccp_block_free(reduce.block);
	if (result != 0 && err.code != CCP_E_CANCELLED) /* nobody waits for those that run */
		(void)!write(mr->jobs.crew.cancel_fd, &one, sizeof one);
	ccp_blocks_end(&reduce.blocks);
	if (reduce.blocks.submitted > 0 && reduce.blocks.result != 0 &&
	    (result == 0 || err.code == CCP_E_CANCELLED)) {
		err = reduce.blocks.err; /* dealing stopped for that */
		result = -1;
	}
	ccp_blocks_close(&reduce.blocks);
	return result == 0 ? CCP_EXIT_OK : ccp_mr_fail(mr, &err);
}

int ccp_mr_reduce_all(struct ccp_mr *mr)
{
	const struct ccp_mr_sink sink = { ccp_mr_output_begin, ccp_mr_output_take, ccp_mr_output_end, &mr->output };
	struct ccp_err err;

	if (mr->reduce.template != NULL)
		return run_reducers(mr);
	return deal_out(mr, &sink, &err) == 0 ? CCP_EXIT_OK : ccp_mr_fail(mr, &err);
}
