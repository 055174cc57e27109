/*
 * flow.h: the hub. It takes slots in sequence order, hands a job from stage to stage, restores order at EMIT, and
 * stops on cancel.
 *
 * Life of a job:  NEXT (the flow itself) -> READ -> WORK -> WRITE -> its slot is free, and NEXT runs again.
 * An executor takes a job that was submitted to it, runs the stage with ccp_flow_run(), and then says so with
 * ccp_flow_advance(), which answers whether the same executor goes on with the next stage at once (fused) or not.
 */
#ifndef CCP_PIPELINE_FLOW_H
#define CCP_PIPELINE_FLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/meter.h"

struct ccp_exec;
struct ccp_flow;
struct ccp_next;
struct ccp_arena;
struct ccp_claims;
struct ccp_inject;
struct ccp_sink;
struct ccp_sink_ops;
struct ccp_source_options;
struct ccp_sink_options;
struct ccp_tee;

/*
 * One worker's own things: the transform's state, opened at its first WORK, and where its time is accounted. One a
 * thread or process. Zero at first, but for `account`.
 */
struct ccp_worker {
	void *state;
	bool opened;
	void *fold_state; /* the fold's, opened at its first map */
	bool fold_opened;
	struct ccp_meter_account *account; /* NULL = its time is not accounted */
};

/* Closes what the worker holds. */
void ccp_worker_release(struct ccp_flow *flow, struct ccp_worker *worker);

/*
 * What became of one input, told in the order of the inputs' index, or with `unordered` as they end, one at a time.
 * Memory: borrowed during the call.
 */
struct ccp_result {
	/*
	 * path, is_stdin, begin, meta, found, bytes, record, outcome and err; nothing else is kept. A record that is
	 * missing where there should be one was lost for want of memory.
	 */
	const struct ccp_input *input;
	enum ccp_outcome outcome;
	struct ccp_err err; /* code CCP_OK, a warning or an error */
};

/* Everything that a flow is made of; const during the run. Pointers are borrowed until ccp_flow_free. */
struct ccp_flow_config {
	struct ccp_next *next; /* yields jobs: next.h */
	const struct ccp_transform_ops *transform;
	const struct ccp_transform_options *transform_options;
	const struct ccp_transform_need *need;
	const struct ccp_fold_ops *fold; /* looks at what the transform gives: fold.h; NULL = it is written */
	const void *fold_options;
	const struct ccp_source_options *source_options;
	const struct ccp_sink_ops *sink_ops;
	const struct ccp_sink_options *sink_options;
	struct ccp_sink *sink;
	struct ccp_arena *arena;   /* slots: memory.h */
	struct ccp_claims *claims; /* dropped when an input ends; NULL = none: claims.h */
	struct ccp_meter *meter;   /* accounts of workers: meter.h; NULL = none */
	struct ccp_inject *inject; /* delays for tests: inject.h; NULL = none */
	const struct ccp_tee *tee; /* digests of what goes in and out: tee.h; NULL = none */
	size_t window;             /* slots in use at first; 0 = all that the arena has */
	bool unordered;            /* results are told as inputs end */
	void (*report)(void *arg, const struct ccp_result *result);
	void *report_arg;
};

/* Counters for progress and the summary; read at any time. */
struct ccp_flow_counts {
	_Atomic uint64_t bytes_in, bytes_out;
	_Atomic uint64_t inputs_done, inputs_skipped, inputs_failed;
	_Atomic uint64_t inputs_salvaged; /* of the failed ones: what came before the damage was kept */
	_Atomic uint64_t jobs;
	_Atomic uint64_t ahead, ahead_used; /* jobs that were worked on before their turn; and it was of use */
};

int ccp_flow_new(struct ccp_flow **flow, const struct ccp_flow_config *config, struct ccp_err *err);
void ccp_flow_free(struct ccp_flow *flow);

/*
 * Sets or replaces the executor of a stage, before the run or while it goes on: new jobs go to the new one, the old one
 * drains. Threads: any. Memory: `exec` is borrowed until the flow has finished and is closed by the caller after that.
 */
void ccp_flow_set_exec(struct ccp_flow *flow, enum ccp_stage stage, struct ccp_exec *exec);

/* Submits the first jobs. All executors are open. */
void ccp_flow_start(struct ccp_flow *flow);

/*
 * Sets how many slots may be in use, within 1 and what the arena has: a larger window is filled at once, a smaller one
 * empties as jobs come back. Threads: any that holds no job.
 */
void ccp_flow_set_window(struct ccp_flow *flow, size_t slots);

/* Whether all slots of the window are in use: who has nothing to do then waits for the output. Threads: any. */
bool ccp_flow_is_full(const struct ccp_flow *flow);

/*
 * What a worker of `exec` that has nothing to do waits for: space if `exec` reads and the window is full, else input.
 * Threads: any, in the process that runs the flow.
 */
enum ccp_meter_state ccp_flow_idle_state(const struct ccp_flow *flow, const struct ccp_exec *exec);

/* No account is opened any more: for inputs that are too small to be measured. Before any executor runs. */
void ccp_flow_stop_metering(struct ccp_flow *flow);

/* Slots in use. Threads: any. */
size_t ccp_flow_live(const struct ccp_flow *flow);

/* The most slots that were ever in use. After the flow has finished. */
size_t ccp_flow_live_most(const struct ccp_flow *flow);

/*
 * Submits a job that an executor gave up (exec.h) to the stage's executor of now. Threads: any that holds no other job.
 */
void ccp_flow_resubmit(struct ccp_flow *flow, enum ccp_stage stage, struct ccp_job *job);

/* Whether every job is back. */
bool ccp_flow_finished(const struct ccp_flow *flow);

/* Waits until the flow has finished or `timeout_ms` has passed, or a signal came; nudges it. True if finished. */
bool ccp_flow_wait(struct ccp_flow *flow, int timeout_ms);

/*
 * Asks NEXT once more if it has said that there was nothing until something arrives (next.h): no job may come back
 * meanwhile, which would do the same. To be called now and then. Threads: any.
 */
void ccp_flow_nudge(struct ccp_flow *flow);

/* The eventfd that becomes readable when the flow has finished (for executors that run in the caller). */
int ccp_flow_done_fd(const struct ccp_flow *flow);

/* Stops the run: NEXT ends, queued jobs do nothing, outputs are aborted. Async-signal-safe. */
void ccp_flow_cancel(struct ccp_flow *flow);
bool ccp_flow_cancelled(const struct ccp_flow *flow);

/* A descriptor that is readable once the run is cancelled, for whoever sleeps on other descriptors. */
int ccp_flow_cancel_fd(const struct ccp_flow *flow);

/* The error that ended the whole run (a shared output could not be written), or NULL. After the flow has finished. */
const struct ccp_err *ccp_flow_fatal(const struct ccp_flow *flow);

const struct ccp_flow_config *ccp_flow_config(const struct ccp_flow *flow);
struct ccp_flow_counts *ccp_flow_counts(struct ccp_flow *flow);

/*
 * Runs the verb of a stage for a job, in the caller. Errors stay in the job (piece.err).
 * Threads: the holder of the job. READ and WORK may run in a worker process, WRITE may not.
 */
void ccp_flow_run(struct ccp_flow *flow, struct ccp_worker *worker, enum ccp_stage stage, struct ccp_job *job);

/*
 * READ in steps, for an executor that waits by itself: begin decides whether there is anything to read at all
 * (false: go straight to ccp_flow_advance); then source->want, source->got as in source.h; then end.
 */
bool ccp_flow_read_begin(struct ccp_flow *flow, struct ccp_job *job);
void ccp_flow_read_end(struct ccp_flow *flow, struct ccp_job *job);

/*
 * Whether WORK may follow READ on the same worker without asking the flow: not for a sequential transform.
 * For executors whose workers cannot call ccp_flow_advance (processes).
 */
bool ccp_flow_fuses(const struct ccp_flow *flow);

/*
 * Tells the flow that `exec` has run *stage of *job. Returns true if `exec` is to run *stage (changed) of *job (perhaps
 * another one) at once; false if the job went elsewhere.
 * Threads: the holder of the job, in the process that runs the flow; afterwards no longer the holder, unless true.
 */
bool ccp_flow_advance(struct ccp_flow *flow, struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job **job);

#endif
