/*
 * threads.c: a pool of POSIX threads on one queue. Stages that share the executor are fused: a worker carries its job
 * as far as the pool goes. Threads up to the greatest degree are started when the degree first needs them; a smaller
 * degree parks the surplus. All signals are blocked in workers: the main thread takes them.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "strategies/queue.h"
#include "strategies/strategies.h"

extern const struct ccp_strategy_ops ccp_strategy_threads;

struct pool_thread {
	struct pool *pool;
	pthread_t id;
	unsigned number;
};

struct pool {
	struct ccp_exec exec; /* first: a pool is an executor */
	struct ccp_queue queue;
	/* owned by whoever calls open, resize and close: one caller */
	struct pool_thread *thread;
	unsigned started;
};

static void *work(void *arg)
{
	struct pool_thread *thread = arg;

	ccp_queue_work(&thread->pool->queue, &thread->pool->exec, thread->number);
	return NULL;
}

/* Starts threads until there are `degree`. Returns 0, or errno if one could not be started. */
static int start(struct pool *pool, unsigned degree)
{
	sigset_t all, before;
	int failed = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (pool->started < degree && !failed) {
		struct pool_thread *thread = &pool->thread[pool->started];

		thread->pool = pool;
		thread->number = pool->started;
		failed = pthread_create(&thread->id, NULL, work, thread);
		if (!failed)
			pool->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static void pool_close(struct ccp_exec *exec)
{
	struct pool *pool = (struct pool *)exec;

	ccp_queue_close(&pool->queue);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->thread[i].id, NULL);
	ccp_queue_release(&pool->queue);
	free(pool->thread);
	free(pool);
}

static int pool_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct pool *pool = calloc(1, sizeof *pool);

	if (!pool)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a thread pool");
	pool->exec.ops = &ccp_strategy_threads;
	pool->exec.flow = flow;
	pool->exec.degree = options->degree;
	pool->exec.max_degree = options->max_degree;
	pool->exec.number = options->number;
	ccp_queue_init(&pool->queue, options->degree);
	pool->thread = calloc(options->max_degree, sizeof *pool->thread);

	int failed = pool->thread ? start(pool, options->degree) : ENOMEM;

	if (pool->started == 0) {
		ccp_err_sys(err, failed, "cannot start a thread");
		pool_close(&pool->exec);
		return -1;
	}
	pool->exec.degree = pool->started; /* fewer than asked, perhaps */
	ccp_queue_resize(&pool->queue, pool->started);
	*exec = &pool->exec;
	return 0;
}

static void pool_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	ccp_queue_push(&((struct pool *)exec)->queue, stage, job);
}

static int pool_resize(struct ccp_exec *exec, unsigned degree, struct ccp_err *err)
{
	struct pool *pool = (struct pool *)exec;
	int failed = start(pool, degree);

	if (failed)
		ccp_err_sys(err, failed, "cannot start a thread");
	exec->degree = degree < pool->started ? degree : pool->started;
	ccp_queue_resize(&pool->queue, exec->degree);
	return failed ? -1 : 0;
}

const struct ccp_strategy_ops ccp_strategy_threads = {
	.name = "threads",
	.help = "a pool of POSIX threads; neighbouring stages are fused",
	.fits = CCP_STAGE_BIT(CCP_READ) | CCP_STAGE_BIT(CCP_WORK) | CCP_STAGE_BIT(CCP_WRITE),
	.open = pool_open,
	.submit = pool_submit,
	.resize = pool_resize,
	.close = pool_close,
};
