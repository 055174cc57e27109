/*
 * async_pool.h: a few threads that load jobs with blocking calls, for what the event loop cannot wait for: regular
 * files where io_uring is missing.
 */
#ifndef CCP_STRATEGIES_ASYNC_POOL_H
#define CCP_STRATEGIES_ASYNC_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "pipeline/flow.h"

struct ccp_op;

#define CCP_POOL_MAX 16 /* where depth pays it has paid by then (5 ms of latency: 297 of 312 MB/s with 16) */

struct ccp_pool {
	/* set before the run */
	struct ccp_flow *flow;
	void (*done)(void *arg, struct ccp_op *op); /* called by a pool's thread */
	void *arg;
	unsigned limit;
	unsigned exec; /* the executor's number, for accounts */
	/* owned by the caller of give and release */
	pthread_t thread[CCP_POOL_MAX];
	unsigned started;

	pthread_mutex_t lock;
	/* guarded by lock */
	pthread_cond_t work_c;
	struct ccp_op *first, *last; /* linked by next_free */
	unsigned waiting, idle;      /* jobs in the list, threads without one */
	unsigned numbered;           /* threads that have an account: 1 and on, the loop's own is 0 */
	bool quit;
};

/* `exec` is the executor's number: each thread has an account, that tells its time but counts no jobs. */
void ccp_pool_init(struct ccp_pool *pool, struct ccp_flow *flow, unsigned exec, unsigned limit,
		   void (*done)(void *arg, struct ccp_op *op), void *arg);

/* Ends the threads, after the jobs that are in the list. */
void ccp_pool_release(struct ccp_pool *pool);

/* Has a job loaded. Threads are started as they are needed. False if there is no thread at all. Threads: one caller. */
bool ccp_pool_give(struct ccp_pool *pool, struct ccp_op *op);

#endif
