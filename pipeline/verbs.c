/*
 * verbs.c: what READ, WORK and WRITE do for one job.
 *
 * An error stays in the job and travels in order with it; only WRITE, which sees an input's jobs in order, makes it the
 * input's. A job that comes after the one that failed (or that was the last to matter) is moot: it passes through every
 * stage untouched, so that all the rules about order and slots hold for it as for any other.
 */
#include <assert.h>
#include <unistd.h>

#include "pipeline/flow_internal.h"
#include "pipeline/inject.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/tee.h"

void ccp_input_stop_after(struct ccp_input *input, uint64_t number)
{
	uint64_t now = atomic_load(&input->flow.stop_after);

	while (number < now && !atomic_compare_exchange_weak(&input->flow.stop_after, &now, number))
		;
}

bool ccp_job_is_moot(struct ccp_flow *flow, const struct ccp_job *job)
{
	return atomic_load_explicit(&flow->cancelled, memory_order_relaxed) ||
	       ccp_job_is_past_end(job);
}

/* A job that is given up before its end must not keep its descriptor. */
static void drop_descriptor(struct ccp_job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	job->fd = -1;
	job->step = CCP_LOAD_DONE;
}

bool ccp_flow_read_begin(struct ccp_flow *flow, struct ccp_job *job)
{
	if (job->step == CCP_LOAD_DONE)
		return false; /* NEXT found out already why there is nothing to read */
	if (!ccp_job_is_moot(flow, job))
		return true;
	job->step = CCP_LOAD_DONE;
	job->moot = true;
	return false;
}

void ccp_flow_read_end(struct ccp_flow *flow, struct ccp_job *job)
{
	(void)flow;
	drop_descriptor(job);
	if (ccp_err_is_error(&job->piece.err) || ccp_code_refuses(job->piece.err.code))
		ccp_input_stop_after(job->input, job->number);
}

void ccp_verb_read(struct ccp_flow *flow, struct ccp_job *job)
{
	if (!ccp_flow_read_begin(flow, job))
		return;
	/* the result is in piece.err as well, where it belongs */
	(void)ccp_source_load(job, flow->config.source_options, job->reopen ? -1 : flow->cancel_fd);
	if (flow->config.inject)
		ccp_inject_apply(flow->config.inject, CCP_READ, job);
	ccp_flow_read_end(flow, job);
}

/* WORK of a job whose turn has not come. Its turn may have come since: then there is nothing to be gained. */
static void go_ahead(const struct ccp_flow_config *config, struct ccp_worker *worker, struct ccp_job *job)
{
	struct ccp_piece *piece = &job->piece;

	piece->number = job->number;
	piece->turn = &job->input->flow.next_work;
	if (ccp_piece_is_due(piece))
		return;
	piece->was_ahead = config->transform->ahead(worker->state, job->input->carry, piece);
}

/* What the transform has given becomes the fold's part, if there is anything. */
static void begin_fold(struct ccp_job *job)
{
	struct ccp_piece *piece = &job->piece;
	struct ccp_part *part = &job->part;

	part->data = piece->view != NULL ? piece->view : piece->out.data;
	part->len = piece->view != NULL ? piece->view_len : piece->out.len;
	part->first = piece->first && !job->parted;
	job->parted |= part->len > 0;
	part->last = !job->more && (piece->last || piece->ended);
	part->lull = !job->more && piece->lull;
	part->used = part->from = 0;
	part->note.len = 0;
	job->fold_step = part->len > 0 ? CCP_FOLD_DUE : CCP_FOLD_NOT_YET;
}

/* WORK of a part. An error of the transform stays: this is what came before it. */
static void fold(struct ccp_flow *flow, struct ccp_worker *worker, struct ccp_job *job)
{
	const struct ccp_flow_config *config = &flow->config;
	struct ccp_part *part = &job->part;
	struct ccp_err err;
	int result = 0;

	job->moot |= atomic_load_explicit(&flow->cancelled, memory_order_relaxed) || ccp_job_is_past_end(job);
	job->fold_step = CCP_FOLD_NOT_YET;
	part->from = part->used;
	part->note.len = 0;
	if (job->moot)
		return;
	ccp_err_clear(&err);
	if (!worker->fold_opened) {
		result = config->fold->open(&worker->fold_state, config->fold_options, &err);
		worker->fold_opened = result == 0;
	}
	if (result == 0)
		result = config->fold->map(worker->fold_state, part, &err);
	assert(part->note.len <= part->note.cap && part->used <= part->len);
	if (result == 1)
		job->fold_step = CCP_FOLD_AGAIN;
	if (result >= 0)
		return;
	job->piece.err = err;
	job->more = false;
	ccp_job_drop_part(job);
	ccp_input_stop_after(job->input, job->number);
}

void ccp_verb_work(struct ccp_flow *flow, struct ccp_worker *worker, struct ccp_job *job)
{
	const struct ccp_flow_config *config = &flow->config;
	struct ccp_piece *piece = &job->piece;
	struct ccp_err load_warning = piece->err;

	if (job->fold_step != CCP_FOLD_NOT_YET) {
		fold(flow, worker, job);
		return;
	}
	job->more = false;
	ccp_job_drop_part(job);
	piece->view = NULL;
	if (!job->ahead)
		piece->out.len = 0;
	job->moot |= ccp_job_is_moot(flow, job);
	if (job->moot || ccp_err_is_error(&piece->err) || ccp_code_refuses(piece->err.code))
		return;
	if (!worker->opened) {
		if (config->transform->open(&worker->state, config->transform_options, &piece->err) < 0)
			goto failed;
		worker->opened = true;
	}
	if (job->ahead) {
		go_ahead(config, worker, job);
		return;
	}
	piece->origin = &job->input->origin;
	piece->found = &job->input->found;

	if (config->inject)
		ccp_inject_apply(config->inject, CCP_WORK, job);

	int result = config->transform->map(worker->state, flow->sequential ? job->input->carry : NULL, piece);

	assert(piece->out.len <= piece->out.cap);
	job->more = result == 1;
	if (config->fold)
		begin_fold(job);
	if (result < 0)
		goto failed;
	if (piece->err.code == CCP_OK)
		piece->err = load_warning;
	if (piece->ended && !job->more)
		ccp_input_stop_after(job->input, job->number);
	return;
failed:
	assert(ccp_err_is_error(&piece->err));
	ccp_input_stop_after(job->input, job->number);
}

void ccp_worker_release(struct ccp_flow *flow, struct ccp_worker *worker)
{
	if (worker->opened)
		flow->config.transform->close(worker->state);
	if (worker->fold_opened)
		flow->config.fold->close(worker->fold_state);
	worker->opened = worker->fold_opened = false;
	worker->state = worker->fold_state = NULL;
}

/* The input's result is known: what was begun is given up. */
static void fail_input(struct ccp_flow *flow, struct ccp_input *input, const struct ccp_err *err)
{
	input->err = *err;
	input->record_len = 0;
	if (input->sink_open)
		flow->config.sink_ops->abort(flow->config.sink, input);
	input->sink_open = false;
	input->outcome = ccp_code_refuses(err->code) ? CCP_SKIPPED : CCP_FAILED;
}

/* Whether what was decoded of this input before it turned out to be damaged is to be kept. */
static bool is_salvage(const struct ccp_flow *flow, const struct ccp_err *err)
{
	bool damaged = err->code == CCP_E_TRUNCATED || err->code == CCP_E_FORMAT || err->code == CCP_E_CRC ||
		       err->code == CCP_E_LENGTH;

	return damaged && flow->config.sink_options->salvage;
}

/* The input is damaged, and ends here: its output takes its name all the same, if it was begun. */
static void salvage_input(struct ccp_flow *flow, struct ccp_input *input, const struct ccp_err *err)
{
	struct ccp_err late;

	ccp_err_clear(&late);
	if (!input->sink_open) {
		fail_input(flow, input, err);
		return;
	}
	input->salvaged = true;
	input->sink_open = false;
	input->err = *err;
	input->outcome = CCP_FAILED;
	if (flow->config.sink_ops->commit(flow->config.sink, input, &late) < 0) {
		input->err = late;
		return;
	}
	atomic_fetch_add(&flow->counts.inputs_salvaged, 1);
	ccp_err_add(&input->err, "; what came before was kept");
}

/* The first warning counts; one about an index, which is only a note, gives way to any. */
static void warn_input(struct ccp_input *input, const struct ccp_err *err)
{
	if (err->code != CCP_OK && (input->err.code == CCP_OK || input->err.code == CCP_W_INDEX))
		input->err = *err;
}

/* Hands the collector what the fold has found. Returns -1 with `err`. */
static int take_part(struct ccp_flow *flow, struct ccp_job *job, struct ccp_err *err)
{
	const struct ccp_flow_config *config = &flow->config;
	int result = config->sink_ops->take(config->sink, job->input, &job->part, err);

	if (result < 0)
		ccp_flow_fail(flow, err);
	if (result != 1)
		return result;
	/* nothing more is wanted: whatever may be wrong with the rest, nobody has asked for it */
	job->piece.ended = true;
	job->more = false;
	job->fold_step = CCP_FOLD_NOT_YET;
	ccp_err_clear(&job->piece.err);
	ccp_input_stop_after(job->input, job->number);
	return 0;
}

/* Whether the job has bytes that came before its error. */
static bool has_output(const struct ccp_flow *flow, const struct ccp_job *job)
{
	return flow->config.fold ? job->part.len > 0 : job->piece.out.len > 0;
}

/* Writes what the job has, opening the output with the input's first. Returns -1 with `err`. */
static int write_piece(struct ccp_flow *flow, struct ccp_job *job, struct ccp_err *err)
{
	const struct ccp_flow_config *config = &flow->config;
	struct ccp_input *input = job->input;
	struct ccp_piece *piece = &job->piece;

	if (config->tee && !input->sink_open)
		ccp_tee_start(config->tee, input);
	if (config->tee && !job->more)
		ccp_tee_in(config->tee, input, &piece->in);
	if (config->transform->carry && !ccp_err_is_error(&piece->err) &&
	    config->transform->carry(input->carry, piece) < 0) {
		*err = piece->err;
		return -1;
	}
	if (!input->sink_open) {
		if (config->sink_ops->open(config->sink, input, err) < 0)
			return -1;
		input->sink_open = true;
	}
	if (config->inject)
		ccp_inject_apply(config->inject, CCP_WRITE, job);
	if (config->fold)
		return take_part(flow, job, err);
	if (piece->out.len > 0 &&
	    config->sink_ops->write(config->sink, input, piece->out.data, piece->out.len, err) < 0) {
		if (flow->shared_output)
			ccp_flow_fail(flow, err);
		return -1;
	}
	if (config->tee)
		ccp_tee_out(config->tee, input, &piece->out);
	input->bytes_out += piece->out.len;
	atomic_fetch_add(&flow->counts.bytes_out, piece->out.len);
	return 0;
}

void ccp_verb_write(struct ccp_flow *flow, struct ccp_job *job)
{
	const struct ccp_flow_config *config = &flow->config;
	struct ccp_input *input = job->input;
	struct ccp_piece *piece = &job->piece;
	struct ccp_err err;

	ccp_err_clear(&err);
	if (input->outcome != CCP_PENDING)
		return;
	if (atomic_load(&flow->cancelled)) {
		ccp_err_set(&err, CCP_E_CANCELLED, "interrupted");
		fail_input(flow, input, &err);
		return;
	}
	if (ccp_code_refuses(piece->err.code)) {
		fail_input(flow, input, &piece->err);
		return;
	}
	if (job->moot) { /* it was left alone because of an error that then did not come: never an output with a hole */
		ccp_err_at(&err, CCP_E_OTHER, piece->offset, "a chunk was passed over after an error before it");
		fail_input(flow, input, &err);
		return;
	}

	bool failed = ccp_err_is_error(&piece->err), salvage = failed && is_salvage(flow, &piece->err);

	/* what was decoded before an error is shown by an output that many share; a file is given up whole */
	if ((!failed || ((flow->shared_output || salvage) && has_output(flow, job))) &&
	    write_piece(flow, job, &err) < 0) {
		fail_input(flow, input, failed ? &piece->err : &err);
		ccp_input_stop_after(input, job->number);
		return;
	}
	if (!ccp_job_goes_on(job)) {
		input->bytes_in += piece->in.len;
		input->plain_bytes += piece->plain_bytes;
		atomic_fetch_add(&flow->counts.bytes_in, piece->in.len);
		atomic_fetch_add(&flow->counts.jobs, 1);
		atomic_fetch_add(&flow->counts.ahead, piece->was_ahead);
		atomic_fetch_add(&flow->counts.ahead_used, piece->ahead_used);
	}
	if (salvage) {
		salvage_input(flow, input, &piece->err);
		return;
	}
	if (job->fold_step == CCP_FOLD_AGAIN)
		return;
	if (ccp_err_is_error(&piece->err)) {
		fail_input(flow, input, &piece->err);
		return;
	}
	warn_input(input, &piece->err);
	if (job->more || !(piece->last || piece->ended))
		return;
	if (config->tee)
		ccp_tee_finish(config->tee, input);
	input->sink_open = false;
	if (config->sink_ops->commit(config->sink, input, &err) < 0) {
		fail_input(flow, input, &err);
		return;
	}
	warn_input(input, &err);
	input->outcome = CCP_DONE;
}
