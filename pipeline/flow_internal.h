/*
 * flow_internal.h: what flow.c (the hub), flow_turn.c (whose turn it is), verbs.c (what a stage does) and results.c
 * (reports in order) share.
 */
#ifndef CCP_PIPELINE_FLOW_INTERNAL_H
#define CCP_PIPELINE_FLOW_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "pipeline/job.h"

struct ccp_results;

struct ccp_flow {
	/* set before the run */
	struct ccp_flow_config config;
	bool sequential;        /* the transform's map runs in order within an input */
	bool shared_output;     /* one output for all inputs */
	int cancel_fd, done_fd; /* eventfds */
	struct ccp_results *results;
	struct ccp_flow_counts counts;
	_Atomic bool cancelled;
	_Atomic(const struct ccp_exec *) reader; /* exec[CCP_READ], to be looked at without the lock */

	/* one caller of ccp_next_* at a time; taken before `lock`, never while holding it */
	pthread_mutex_t next_lock;

	/* guarded by lock */
	pthread_mutex_t lock;
	struct ccp_exec *exec[CCP_STAGES];
	uint64_t next_seq;
	size_t window;            /* slots that may be in use */
	_Atomic size_t live;      /* jobs that hold a slot; written under the lock, read by any */
	size_t live_most;         /* that there ever were */
	_Atomic bool full;        /* live >= window and NEXT has more; the same */
	bool ended;               /* NEXT has no more */
	bool pumping, pump_again; /* one caller of the pump at a time; the others leave a note */
	bool finished;
	struct ccp_lane shared_lane; /* EMIT, if shared_output; its key is the job's seq */
	bool has_fatal;
	struct ccp_err fatal;
};

/* verbs.c: WORK and WRITE of a job; READ. Threads: the holder of the job. */
void ccp_verb_read(struct ccp_flow *flow, struct ccp_job *job);
void ccp_verb_work(struct ccp_flow *flow, struct ccp_worker *worker, struct ccp_job *job);
void ccp_verb_write(struct ccp_flow *flow, struct ccp_job *job);

/* True if the job has nothing to do: an earlier one failed or was the last to matter, or the run is over. */
bool ccp_job_is_moot(struct ccp_flow *flow, const struct ccp_job *job);

/* Remembers that jobs after this one need not do anything. Threads: any. */
void ccp_input_stop_after(struct ccp_input *input, uint64_t number);

/* Ends the run because of an error that is not one input's. */
void ccp_flow_fail(struct ccp_flow *flow, const struct ccp_err *err);

/*
 * flow_turn.c: whose turn it is. Threads: with the flow's lock held, but for ccp_turn_is_now, which any may ask.
 *
 * ccp_lane_of, ccp_lane_key   the lane on which a job waits to EMIT, and its place there
 * ccp_turn_take               the waiting job whose turn it is, taken off the list; NULL if it is not there
 * ccp_turn_is_now             whether WORK of a sequential transform may run for the job
 * ccp_turn_may_go_ahead       whether jobs of one input can be worked on at the same time: the transform can, and there
 *                             may be two workers
 * ccp_turn_pass               WORK of an input's job is over: the next one goes, if it waits; it may be ahead
 */
struct ccp_lane *ccp_lane_of(struct ccp_flow *flow, struct ccp_job *job);
uint64_t ccp_lane_key(const struct ccp_flow *flow, const struct ccp_job *job);
struct ccp_job *ccp_turn_take(const struct ccp_flow *flow, struct ccp_job **list, uint64_t key, bool by_number);
void ccp_turn_wait(struct ccp_job **list, struct ccp_job *job);
bool ccp_turn_is_now(const struct ccp_job *job);
bool ccp_turn_may_go_ahead(const struct ccp_flow *flow);
void ccp_turn_pass(struct ccp_flow *flow, struct ccp_input *input);

/*
 * results.c: results come in any order and go out in the order of their index, or with `unordered` at once.
 * ccp_results_put: Memory: `input` is borrowed; a copy is kept if it is not yet its turn. Threads: any; `report` is
 * called by one at a time, without any lock of the flow.
 * ccp_results_free first delivers what still waits (for an input that a cancelled run never began), in order.
 */
int ccp_results_new(struct ccp_results **results, bool unordered, void (*report)(void *, const struct ccp_result *),
		    void *arg, struct ccp_err *err);
void ccp_results_free(struct ccp_results *results);
void ccp_results_put(struct ccp_results *results, const struct ccp_input *input);

/* True if so many results wait for an earlier one that no new inputs should be begun. */
bool ccp_results_crowded(struct ccp_results *results);

#endif
