/*
 * async_pool.c: see async_pool.h. One list, one condition; a thread is started when a job comes and none is idle.
 */
#include "strategies/async_pool.h"

#include "pipeline/thread.h"
#include "strategies/async_internal.h"

void ccp_pool_init(struct ccp_pool *pool, struct ccp_flow *flow, unsigned exec, unsigned limit,
		   void (*done)(void *arg, struct ccp_op *op), void *arg)
{
	*pool = (struct ccp_pool){ .flow = flow, .done = done, .arg = arg, .exec = exec };
	pool->limit = limit < CCP_POOL_MAX ? limit : CCP_POOL_MAX;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work_c, NULL);
}

void ccp_pool_release(struct ccp_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work_c);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->work_c);
	pthread_mutex_destroy(&pool->lock);
}

static void *work(void *arg)
{
	struct ccp_pool *pool = arg;
	const struct ccp_flow_config *config = ccp_flow_config(pool->flow);
	struct ccp_meter_account *account;
	unsigned number;

	pthread_mutex_lock(&pool->lock);
	number = ++pool->numbered;
	pthread_mutex_unlock(&pool->lock);
	account = ccp_meter_open(config->meter, "async", pool->exec, number);
	for (;;) {
		struct ccp_op *op;

		pthread_mutex_lock(&pool->lock);
		pool->idle++;
		while (!pool->first && !pool->quit) {
			ccp_meter_mark(account, CCP_METER_WAIT_IN);
			pthread_cond_wait(&pool->work_c, &pool->lock);
		}
		pool->idle--;
		op = pool->first;
		if (op) {
			pool->first = op->next_free;
			pool->waiting--;
		}
		pthread_mutex_unlock(&pool->lock);
		if (!op)
			break;
		ccp_meter_mark(account, CCP_METER_READ);
		/* the result is in piece.err as well */
		(void)ccp_source_load(op->job, config->source_options, ccp_flow_cancel_fd(pool->flow));
		pool->done(pool->arg, op); /* which counts the job */
	}
	ccp_meter_close(account);
	return NULL;
}

bool ccp_pool_give(struct ccp_pool *pool, struct ccp_op *op)
{
	bool more;

	pthread_mutex_lock(&pool->lock);
	more = pool->waiting >= pool->idle;
	pthread_mutex_unlock(&pool->lock);
	if (more && pool->started < pool->limit &&
	    ccp_thread_start(&pool->thread[pool->started], work, pool) == 0)
		pool->started++;
	if (pool->started == 0)
		return false;
	pthread_mutex_lock(&pool->lock);
	op->next_free = NULL;
	if (pool->first)
		pool->last->next_free = op;
	else
		pool->first = op;
	pool->last = op;
	pool->waiting++;
	pthread_cond_signal(&pool->work_c);
	pthread_mutex_unlock(&pool->lock);
	return true;
}
