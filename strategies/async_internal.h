/*
 * async_internal.h: the executor of the strategy async, as async.c (its thread and the calls of a strategy),
 * async_job.c (the steps of one job) and async_hold.c (injected delays) see it.
 */
#ifndef CCP_STRATEGIES_ASYNC_INTERNAL_H
#define CCP_STRATEGIES_ASYNC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "pipeline/meter.h"
#include "pipeline/source.h"
#include "strategies/async_pool.h"
#include "strategies/async_ring.h"
#include "strategies/queue.h"

/* A job under way and what it waits for. Owned by the loop's thread. */
struct ccp_op {
	struct ccp_job *job;
	struct ccp_want want;
	bool polled;             /* its descriptor is in the epoll set */
	uint64_t begin_ns;       /* when the job was begun; for its account */
	uint64_t due_ns;         /* while it is held: until when, by CLOCK_MONOTONIC */
	struct ccp_op *next_free;
};

struct ccp_loop {
	struct ccp_exec exec;    /* first: a loop is an executor; exec.degree: guarded by lock */

	/* set before the run */
	struct ccp_ring *ring;   /* NULL: the pool reads files */
	int epoll, wake;
	int timer;               /* for held ops; -1: no delays are injected */
	struct ccp_meter_account *account; /* the loop's thread's, or NULL */
	pthread_t thread;
	bool runs;

	pthread_mutex_t lock;
	/* guarded by lock */
	struct ccp_list submitted;
	struct ccp_op *loaded;   /* by the pool; linked by next_free */
	bool asleep;             /* or about to be: `wake` must be written */
	bool closing;

	/* owned by the loop's thread */
	struct ccp_pool pool;
	struct ccp_op *op;       /* max_degree of them */
	struct ccp_op *free_op;
	struct ccp_op *held;     /* loaded, not yet due; the first due first, linked by next_free */
	uint64_t armed_ns;       /* what the timer is set to; 0 = not set */
	_Atomic unsigned held_count; /* read by tests */
	struct ccp_list ready;
	unsigned flying;         /* jobs that were begun and are not done, held ones included */
	unsigned limit;          /* of flying */
	bool cancel_seen;
};

/* All of these: Threads: the loop's. A job that is done goes on to the flow and its op is free again. */

/* Begins a job; flying < limit. */
void ccp_loop_begin(struct ccp_loop *loop, struct ccp_job *job);

/* Goes on with the result of what the op wanted, >= 0 or -errno. */
void ccp_op_result(struct ccp_loop *loop, struct ccp_op *op, int64_t result);

/* Goes on with a stream that epoll says is readable. */
void ccp_op_readable(struct ccp_loop *loop, struct ccp_op *op);

/* The rest of the job was loaded elsewhere. */
void ccp_op_loaded(struct ccp_loop *loop, struct ccp_op *op);

/* READ is over, also the time that it was held: the job goes on to the flow. */
void ccp_op_done(struct ccp_loop *loop, struct ccp_op *op);

/* Makes the timer, if delays are injected. Returns -1 with errno. Threads: before the loop's. */
int ccp_hold_open(struct ccp_loop *loop);

/* Applies what is injected for the loaded job of an op. Returns whether it is held; if not, it is done. */
bool ccp_op_hold(struct ccp_loop *loop, struct ccp_op *op);

/* Lets go on what is due; all, if the run is cancelled. */
void ccp_hold_release(struct ccp_loop *loop);

/* Sets the timer, before the loop sleeps. */
void ccp_hold_arm(struct ccp_loop *loop);

/* The timer has rung. */
void ccp_hold_rung(struct ccp_loop *loop);

#endif
