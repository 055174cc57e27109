/*
 * flow.c: the hub.
 *
 * A slot is taken in sequence order and goes NEXT, READ, WORK, WRITE, and back. The pump takes free slots and submits
 * their jobs; it runs whenever a slot comes back, in whoever brought it. A worker that has run a stage asks where the
 * job goes next (ccp_flow_advance): to its own executor at once if it has the next stage too, else by submit to the
 * one that has. Order is kept at two places: a sequential transform's jobs wait for their turn before WORK, and all
 * jobs wait for their turn before WRITE, each output on a lane of its own, so that one caller at a time emits. The
 * oldest live job always has a slot, because slots are handed out in sequence order: nothing that waits for a turn
 * can keep the one whose turn it is from running, so there is no deadlock. An executor is looked up, and submitted
 * to, under the flow's lock: replacing one is a store.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipeline/claims.h"
#include "pipeline/flow_internal.h"
#include "pipeline/memory.h"
#include "pipeline/meter.h"
#include "pipeline/next.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"

int ccp_flow_new(struct ccp_flow **out, const struct ccp_flow_config *config, struct ccp_err *err)
{
	struct ccp_flow *flow = calloc(1, sizeof *flow);

	if (!flow)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the flow");
	flow->config = *config;
	flow->sequential = (config->transform->flags & CCP_TRANSFORM_SEQUENTIAL) != 0;
	flow->shared_output = (config->sink_ops->flags & CCP_SINK_SHARED) != 0;
	flow->window = config->window > 0 ? config->window : ccp_arena_slots(config->arena);
	pthread_mutex_init(&flow->lock, NULL);
	pthread_mutex_init(&flow->next_lock, NULL);
	flow->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	flow->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (flow->cancel_fd < 0 || flow->done_fd < 0) {
		ccp_err_sys(err, errno, "eventfd");
		ccp_flow_free(flow);
		return -1;
	}
	if (ccp_results_new(&flow->results, config->unordered, config->report, config->report_arg, err) < 0) {
		ccp_flow_free(flow);
		return -1;
	}
	*out = flow;
	return 0;
}

void ccp_flow_free(struct ccp_flow *flow)
{
	if (!flow)
		return;
	if (flow->cancel_fd >= 0)
		close(flow->cancel_fd);
	if (flow->done_fd >= 0)
		close(flow->done_fd);
	ccp_results_free(flow->results);
	pthread_mutex_destroy(&flow->lock);
	pthread_mutex_destroy(&flow->next_lock);
	free(flow);
}

void ccp_flow_set_exec(struct ccp_flow *flow, enum ccp_stage stage, struct ccp_exec *exec)
{
	pthread_mutex_lock(&flow->lock);
	flow->exec[stage] = exec;
	if (stage == CCP_READ)
		atomic_store_explicit(&flow->reader, exec, memory_order_relaxed);
	pthread_mutex_unlock(&flow->lock);
}

/* Hands a job to the stage's executor: true if that is `self`, which then runs it at once. */
static bool route_locked(struct ccp_flow *flow, struct ccp_exec *self, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_exec *exec = flow->exec[stage];

	if (exec == self)
		return true;
	exec->ops->submit(exec, stage, job);
	return false;
}

/* ---- NEXT ---------------------------------------------------------------------------------------- */

static void finish_if_done_locked(struct ccp_flow *flow)
{
	uint64_t one = 1;

	if (flow->finished || !flow->ended || flow->live > 0 || flow->pumping)
		return;
	flow->finished = true;
	if (write(flow->done_fd, &one, sizeof one) < 0)
		assert(errno == EAGAIN);
}

/*
 * Asks NEXT for a job and submits it. Returns NEXT's word.
 * The job is counted as its input's before next_lock is released, so that whoever tells NEXT to stop an input (under
 * the same lock) knows all of its jobs.
 */
static int pump_one(struct ccp_flow *flow, bool crowded, struct ccp_job *job)
{
	pthread_mutex_lock(&flow->next_lock);
	int result = ccp_next_job(flow->config.next, crowded, job);
	if (result == 1) {
		struct ccp_input *input = job->input;

		pthread_mutex_lock(&flow->lock);
		job->seq = flow->next_seq++;
		flow->live++;
		if (flow->live > flow->live_most)
			flow->live_most = flow->live;
		input->flow.live++;
		if (job->final)
			input->flow.cut = true;
		ccp_arena_take_carry(flow->config.arena, input);
		flow->exec[CCP_READ]->ops->submit(flow->exec[CCP_READ], CCP_READ, job);
		pthread_mutex_unlock(&flow->lock);
	}
	pthread_mutex_unlock(&flow->next_lock);
	return result;
}

static void finish_input(struct ccp_flow *flow, struct ccp_input *input);

/* The run is cancelled: the inputs that NEXT was cutting end here, also those of which no job is out. */
static void abandon_current(struct ccp_flow *flow)
{
	for (;;) {
		bool over = false;

		pthread_mutex_lock(&flow->next_lock);
		struct ccp_input *input = ccp_next_current(flow->config.next);
		if (input) {
			ccp_next_stop(flow->config.next, input);
			pthread_mutex_lock(&flow->lock);
			input->flow.cut = true;
			over = input->flow.live == 0;
			pthread_mutex_unlock(&flow->lock);
		}
		pthread_mutex_unlock(&flow->next_lock);
		if (!input)
			return;
		if (over)
			finish_input(flow, input);
	}
}

/* Takes free slots in sequence order until there is no more slot or no more work, now or for ever. */
static void pump(struct ccp_flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	flow->pump_again = true;
	if (flow->pumping) {
		pthread_mutex_unlock(&flow->lock);
		return;
	}
	flow->pumping = true;
	while (flow->pump_again && !flow->ended) {
		flow->pump_again = false;
		while (!flow->ended) {
			if (atomic_load(&flow->cancelled)) {
				flow->ended = true;
				pthread_mutex_unlock(&flow->lock);
				abandon_current(flow);
				pthread_mutex_lock(&flow->lock);
				break;
			}
			/* those that are waited for may be among the inputs that are being cut: they go on */
			bool crowded = ccp_results_crowded(flow->results);
			struct ccp_job *job =
				flow->live < flow->window ? ccp_arena_take_job(flow->config.arena) : NULL;
			atomic_store_explicit(&flow->full, job == NULL, memory_order_relaxed);
			if (!job)
				break;
			pthread_mutex_unlock(&flow->lock);
			int result = pump_one(flow, crowded, job);
			if (result != 1)
				ccp_arena_give_job(flow->config.arena, job);
			pthread_mutex_lock(&flow->lock);
			if (result == 0)
				flow->ended = true;
			if (result != 1)
				break;
		}
	}
	flow->pumping = false;
	finish_if_done_locked(flow);
	pthread_mutex_unlock(&flow->lock);
}

/* A stream's job is loaded: NEXT may cut the next one. */
static void stream_loaded(struct ccp_flow *flow, struct ccp_job *job)
{
	bool last = job->piece.last || ccp_err_is_error(&job->piece.err) || ccp_job_is_moot(flow, job);

	pthread_mutex_lock(&flow->next_lock);
	ccp_next_loaded(flow->config.next, job->input, last);
	pthread_mutex_lock(&flow->lock);
	if (last)
		job->input->flow.cut = true;
	pthread_mutex_unlock(&flow->lock);
	pthread_mutex_unlock(&flow->next_lock);
}

/* Nothing after this job matters: NEXT need not cut the rest of its input. */
static void stop_input(struct ccp_flow *flow, struct ccp_job *job)
{
	pthread_mutex_lock(&flow->next_lock);
	ccp_next_stop(flow->config.next, job->input);
	pthread_mutex_lock(&flow->lock);
	job->input->flow.cut = true;
	pthread_mutex_unlock(&flow->lock);
	pthread_mutex_unlock(&flow->next_lock);
}

/* ---- advance ------------------------------------------------------------------------------------- */

/* WORK of a sequential transform: now, if it is the job's turn, else the job waits for it. */
static bool work_in_turn_locked(struct ccp_flow *flow, struct ccp_exec *exec, struct ccp_job *job)
{
	job->urgent = ccp_turn_is_now(job);
	if (job->urgent)
		return route_locked(flow, exec, CCP_WORK, job);
	ccp_turn_wait(&job->input->flow.waiting_work, job);
	return false;
}

static bool after_read(struct ccp_flow *flow, struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job *job)
{
	bool mine = false;

	*stage = CCP_WORK;
	pthread_mutex_lock(&flow->lock);
	job->ahead = flow->sequential && !ccp_turn_is_now(job) && ccp_turn_may_go_ahead(flow);
	if (flow->sequential && !job->ahead)
		mine = work_in_turn_locked(flow, exec, job);
	else
		mine = route_locked(flow, exec, CCP_WORK, job);
	pthread_mutex_unlock(&flow->lock);
	return mine;
}

static bool after_work(struct ccp_flow *flow, struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job *job)
{
	struct ccp_input *input = job->input;
	struct ccp_lane *lane = ccp_lane_of(flow, job);
	bool mine = false;

	pthread_mutex_lock(&flow->lock);
	if (job->ahead) {
		job->ahead = false;
		mine = work_in_turn_locked(flow, exec, job);
		pthread_mutex_unlock(&flow->lock);
		return mine;
	}
	if (ccp_err_is_error(&job->piece.err)) /* also one that WORK did not tell itself: its worker died */
		ccp_input_stop_after(input, job->number);
	if (flow->sequential && !job->more && !job->passed) {
		ccp_turn_pass(flow, input);
		job->passed = true;
	}
	if (job->fold_step == CCP_FOLD_DUE) { /* out of turn, while the next piece has it */
		mine = route_locked(flow, exec, CCP_WORK, job);
		pthread_mutex_unlock(&flow->lock);
		return mine;
	}
	*stage = CCP_WRITE;
	if (lane->emitting || ccp_lane_key(flow, job) != lane->next) {
		ccp_turn_wait(&lane->waiting, job);
	} else {
		lane->emitting = true;
		mine = route_locked(flow, exec, CCP_WRITE, job);
	}
	pthread_mutex_unlock(&flow->lock);
	return mine;
}

/* The last job of an input is back: its result is told and its handle is free again. */
static void finish_input(struct ccp_flow *flow, struct ccp_input *input)
{
	_Atomic uint64_t *counter[] = { [CCP_PENDING] = &flow->counts.inputs_failed,
					[CCP_DONE] = &flow->counts.inputs_done,
					[CCP_SKIPPED] = &flow->counts.inputs_skipped,
					[CCP_FAILED] = &flow->counts.inputs_failed };

	if (input->outcome == CCP_PENDING) { /* the run was cancelled between two of its jobs */
		ccp_err_set(&input->err, CCP_E_CANCELLED, "interrupted");
		if (input->sink_open)
			flow->config.sink_ops->abort(flow->config.sink, input);
		input->sink_open = false;
		input->outcome = CCP_FAILED;
	}
	if (input->source && input->fd >= 0)
		input->source->close(input);
	atomic_fetch_add(counter[input->outcome], 1);
	if (flow->config.claims)
		ccp_claims_drop(flow->config.claims, input);
	ccp_results_put(flow->results, input);
	ccp_arena_give_input(flow->config.arena, input);
}

static bool after_write(struct ccp_flow *flow, struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job **jobp)
{
	struct ccp_job *job = *jobp;
	struct ccp_input *input = job->input;
	struct ccp_lane *lane = ccp_lane_of(flow, job);
	struct ccp_job *turn;
	bool mine = false, input_done;

	if (ccp_job_goes_on(job) && input->outcome == CCP_PENDING) { /* the same piece goes on where it was full */
		*stage = CCP_WORK;
		pthread_mutex_lock(&flow->lock);
		lane->emitting = false;
		mine = route_locked(flow, exec, CCP_WORK, job);
		pthread_mutex_unlock(&flow->lock);
		return mine;
	}

	/* given up in the middle, or at its end before NEXT knew */
	bool over = input->outcome != CCP_PENDING;

	if (over)
		ccp_input_stop_after(input, job->number);
	pthread_mutex_lock(&flow->lock);
	bool cut = input->flow.cut;
	if (flow->sequential && !job->passed) /* the transform would go on, but WORK of this job will not */
		ccp_turn_pass(flow, input);
	pthread_mutex_unlock(&flow->lock);
	if (over && !cut)
		stop_input(flow, job);

	pthread_mutex_lock(&flow->lock);
	turn = ccp_turn_take(flow, &lane->waiting, ++lane->next, false);
	lane->emitting = turn != NULL;
	input_done = --input->flow.live == 0 && input->flow.cut;
	pthread_mutex_unlock(&flow->lock);

	if (input_done)
		finish_input(flow, input);
	ccp_arena_give_job(flow->config.arena, job);

	pthread_mutex_lock(&flow->lock);
	flow->live--;
	if (turn) {
		*stage = CCP_WRITE;
		*jobp = turn;
		mine = route_locked(flow, exec, CCP_WRITE, turn);
	}
	pthread_mutex_unlock(&flow->lock);
	pump(flow);
	return mine;
}

bool ccp_flow_advance(struct ccp_flow *flow, struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job **job)
{
	switch (*stage) {
	case CCP_READ:
		if ((*job)->input->source && ((*job)->input->source->flags & CCP_SOURCE_STREAM) && !(*job)->final) {
			stream_loaded(flow, *job);
			pump(flow);
		}
		return after_read(flow, exec, stage, *job);
	case CCP_WORK:
		return after_work(flow, exec, stage, *job);
	case CCP_WRITE:
		return after_write(flow, exec, stage, job);
	}
	return false;
}

void ccp_flow_run(struct ccp_flow *flow, struct ccp_worker *worker, enum ccp_stage stage, struct ccp_job *job)
{
	if (worker->account)
		ccp_meter_mark(worker->account, (enum ccp_meter_state)stage);
	switch (stage) {
	case CCP_READ:
		ccp_verb_read(flow, job);
		break;
	case CCP_WORK:
		ccp_verb_work(flow, worker, job);
		break;
	case CCP_WRITE:
		ccp_verb_write(flow, job);
		break;
	}
	if (!worker->account)
		return;
	if (ccp_job_goes_on(job) || job->ahead || job->fold_step == CCP_FOLD_DUE) /* it comes back: counted then */
		ccp_meter_mark(worker->account, CCP_METER_HUB);
	else
		ccp_meter_mark_job(worker->account, CCP_METER_HUB, stage, job);
}

/* ---- the run ------------------------------------------------------------------------------------- */

void ccp_flow_start(struct ccp_flow *flow)
{
	pump(flow);
}

void ccp_flow_nudge(struct ccp_flow *flow)
{
	int fd;

	if (ccp_next_waits_for_news(flow->config.next, &fd))
		pump(flow);
}

void ccp_flow_set_window(struct ccp_flow *flow, size_t slots)
{
	size_t most = ccp_arena_slots(flow->config.arena);

	pthread_mutex_lock(&flow->lock);
	flow->window = slots < 1 ? 1 : slots < most ? slots : most;
	pthread_mutex_unlock(&flow->lock);
	pump(flow);
}
