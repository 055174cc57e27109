/*
 * async.c: one event loop that reads for many jobs at once.
 *
 * Each job is a state machine: ask the source what it wants, start that, and go on with the result. Opening, reading
 * and closing of files go through io_uring, all that came up in one round in one system call; where there is none a
 * file's job goes to a few helper threads as a whole. Streams (pipes, sockets, terminals) are waited for by epoll in
 * either case, and so are the ring itself, new jobs, loaded ones, held ones that are due, and the end of the run: the
 * loop sleeps in one place only. A stream that epoll does not take (a regular file on standard input) is read like a
 * file, from its own position.
 *
 * The thread's time is HUB inside the flow, WAIT while it sleeps with nothing in flight, and READ else: also while it
 * sleeps with jobs in flight, because then it waits for a device.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipeline/thread.h"
#include "strategies/async_internal.h"

extern const struct ccp_strategy_ops ccp_strategy_async;

#define DEGREE_DEFAULT 32
#define EVENTS 64        /* taken from epoll at once */
#define RETRY_MS 1       /* until a ring that was too busy is asked again */
#define LOOK_MS 100      /* how often streams are looked at that may be over */

static void wake_locked(struct ccp_loop *loop)
{
	uint64_t one = 1;

	if (!loop->asleep)
		return;
	loop->asleep = false;
	while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

/* How many jobs may be in flight: the degree, and no more than the ring takes. */
static unsigned limit_locked(const struct ccp_loop *loop)
{
	unsigned depth = loop->ring ? ccp_ring_depth(loop->ring) : UINT_MAX;

	return loop->exec.degree < depth ? loop->exec.degree : depth;
}

static bool may_begin(const struct ccp_loop *loop)
{
	return loop->ready.head && loop->flying < loop->limit;
}

/* Takes what other threads left. Returns whether the loop is to end. */
static bool look(struct ccp_loop *loop)
{
	struct ccp_op *loaded, *op;
	struct ccp_job *job;
	bool closing;

	pthread_mutex_lock(&loop->lock);
	loop->asleep = false;
	while ((job = ccp_list_pop(&loop->submitted)))
		ccp_list_push(&loop->ready, job);
	loaded = loop->loaded;
	loop->loaded = NULL;
	loop->limit = limit_locked(loop);
	closing = loop->closing;
	pthread_mutex_unlock(&loop->lock);

	while ((op = loaded)) {
		loaded = op->next_free;
		ccp_op_loaded(loop, op);
	}
	return closing && !loop->ready.head && loop->flying == 0;
}

/* Goes on with all that the ring has done. Returns whether there was anything. */
static bool reap(struct ccp_loop *loop)
{
	int64_t result;
	bool any = false;
	void *tag;

	while (loop->ring && ccp_ring_take(loop->ring, &tag, &result)) {
		struct ccp_op *op = tag;

		/* old kernels say so for a descriptor with O_NONBLOCK, whatever it is; asking again would spin */
		if (result == -EAGAIN && op->want.kind == CCP_WANT_READ) {
			ssize_t n = pread(op->want.fd, op->want.data, op->want.len, (off_t)op->want.offset);

			result = n >= 0 ? n : -errno;
		}
		ccp_op_result(loop, op, result);
		any = true;
	}
	return any;
}

static void unpoll(struct ccp_loop *loop, struct ccp_op *op)
{
	op->polled = false;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, op->want.fd, NULL);
}

/* The run was cancelled: nobody waits for a silent stream any more. Streams that come later are not begun (step). */
static void drop_polled(struct ccp_loop *loop)
{
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, ccp_flow_cancel_fd(loop->exec.flow), NULL);
	loop->cancel_seen = true;
	for (unsigned i = 0; i < loop->exec.max_degree; i++)
		if (loop->op[i].polled) {
			unpoll(loop, &loop->op[i]);
			ccp_op_result(loop, &loop->op[i], -ECANCELED);
		}
}

/*
 * A stream whose decoder has given up is not waited for, nor one that is due. Returns whether any stream is still
 * waited for.
 */
static bool drop_past_end(struct ccp_loop *loop)
{
	bool waiting = false;

	for (unsigned i = 0; i < loop->exec.max_degree; i++) {
		struct ccp_op *op = &loop->op[i];

		if (op->polled && ccp_job_is_past_end(op->job)) {
			unpoll(loop, op);
			ccp_op_result(loop, op, -ECANCELED);
		} else if (op->polled && op->want.due_ns > 0 && op->want.due_ns <= ccp_meter_now()) {
			unpoll(loop, op);
			ccp_op_result(loop, op, -ETIME);
		}
		waiting = waiting || op->polled;
	}
	return waiting;
}

/* Sleeps until there is news, if nothing is left to do. Returns how many events there are. */
static int sleep_for_news(struct ccp_loop *loop, bool busy, bool retry, struct epoll_event events[EVENTS])
{
	int count, timeout_ms;

	pthread_mutex_lock(&loop->lock);
	busy = busy || loop->submitted.head || loop->loaded || limit_locked(loop) != loop->limit ||
	       (loop->closing && !loop->ready.head && loop->flying == 0);
	loop->asleep = !busy;
	pthread_mutex_unlock(&loop->lock);

	timeout_ms = busy ? 0 : retry ? RETRY_MS : drop_past_end(loop) ? LOOK_MS : -1;
	if (may_begin(loop)) /* in the place of one that was dropped */
		timeout_ms = 0;
	ccp_hold_arm(loop);
	if (busy || loop->flying > 0)
		return epoll_wait(loop->epoll, events, EVENTS, timeout_ms);
	ccp_meter_mark(loop->account, ccp_flow_idle_state(loop->exec.flow, &loop->exec));
	count = epoll_wait(loop->epoll, events, EVENTS, timeout_ms);
	ccp_meter_mark(loop->account, CCP_METER_READ);
	return count;
}

/* Sleeps, and takes what has come. */
static void nap(struct ccp_loop *loop, bool busy, bool retry)
{
	struct epoll_event events[EVENTS];
	int count = sleep_for_news(loop, busy, retry, events);
	uint64_t rung;

	for (int i = 0; i < count; i++) {
		void *tag = events[i].data.ptr;
		struct ccp_op *op = tag;

		if (tag == &loop->wake) {
			while (read(loop->wake, &rung, sizeof rung) < 0 && errno == EINTR)
				;
		} else if (tag == &loop->timer) {
			ccp_hold_rung(loop);
		} else if (tag != &loop->ring && tag != &loop->cancel_seen && op->polled) {
			unpoll(loop, op);
			ccp_op_readable(loop, op);
		}
	}
	if (!loop->cancel_seen && ccp_flow_cancelled(loop->exec.flow))
		drop_polled(loop);
	ccp_hold_release(loop);
}

static void *run(void *arg)
{
	struct ccp_loop *loop = arg;

	ccp_meter_mark(loop->account, CCP_METER_READ);
	while (!look(loop)) {
		while (may_begin(loop))
			ccp_loop_begin(loop, ccp_list_pop(&loop->ready));
		bool all = !loop->ring || ccp_ring_submit(loop->ring);
		bool busy = reap(loop);
		nap(loop, busy || may_begin(loop), !all);
	}
	ccp_meter_close(loop->account);
	return NULL;
}

/* A thread of the pool has loaded a job. */
static void pool_done(void *arg, struct ccp_op *op)
{
	struct ccp_loop *loop = arg;

	pthread_mutex_lock(&loop->lock);
	op->next_free = loop->loaded;
	loop->loaded = op;
	wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
}

/* ---- the calls of a strategy ----------------------------------------------------------------------------------- */

static void loop_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_loop *loop = (struct ccp_loop *)exec;

	assert(stage == CCP_READ);
	(void)stage;
	pthread_mutex_lock(&loop->lock);
	ccp_list_push(&loop->submitted, job);
	wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
}

static int loop_resize(struct ccp_exec *exec, unsigned degree, struct ccp_err *err)
{
	struct ccp_loop *loop = (struct ccp_loop *)exec;

	if (degree < 1 || degree > exec->max_degree)
		return ccp_err_set(err, CCP_E_USAGE, "a depth of %u is not within 1 to %u", degree, exec->max_degree);
	pthread_mutex_lock(&loop->lock);
	exec->degree = degree;
	wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

static void loop_close(struct ccp_exec *exec)
{
	struct ccp_loop *loop = (struct ccp_loop *)exec;

	pthread_mutex_lock(&loop->lock);
	loop->closing = true;
	wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
	if (loop->runs)
		pthread_join(loop->thread, NULL);
	ccp_pool_release(&loop->pool);
	ccp_ring_free(loop->ring);
	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->wake >= 0)
		close(loop->wake);
	if (loop->timer >= 0)
		close(loop->timer);
	pthread_mutex_destroy(&loop->lock);
	free(loop->op);
	free(loop);
}

static int watch(struct ccp_loop *loop, int fd, void *tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = tag };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Makes descriptors and the thread. Returns 0, or an error number. */
static int start(struct ccp_loop *loop)
{
	int failed;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll < 0 || loop->wake < 0 || watch(loop, loop->wake, &loop->wake) < 0 ||
	    watch(loop, ccp_flow_cancel_fd(loop->exec.flow), &loop->cancel_seen) < 0 ||
	    (loop->ring && watch(loop, ccp_ring_fd(loop->ring), &loop->ring) < 0) || ccp_hold_open(loop) < 0)
		return errno;
	loop->account = ccp_meter_open(ccp_flow_config(loop->exec.flow)->meter, ccp_strategy_async.name,
				       loop->exec.number, 0);
	if (loop->account)
		loop->account->loop = true;
	failed = ccp_thread_start(&loop->thread, run, loop);
	loop->runs = failed == 0;
	return failed;
}

static int loop_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct ccp_loop *loop = calloc(1, sizeof *loop);
	unsigned degree = options->degree > 0 ? options->degree : DEGREE_DEFAULT;
	const char *why;
	int failed;

	if (!loop)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an event loop");
	loop->exec = (struct ccp_exec){ .ops = &ccp_strategy_async, .flow = flow, .degree = degree };
	loop->exec.number = options->number;
	loop->exec.max_degree = options->max_degree > degree ? options->max_degree : degree;
	loop->epoll = loop->wake = loop->timer = -1;
	pthread_mutex_init(&loop->lock, NULL);
	ccp_pool_init(&loop->pool, flow, options->number, loop->exec.max_degree, pool_done, loop);
	if (ccp_ring_new(&loop->ring, loop->exec.max_degree, &why) < 0)
		loop->ring = NULL;
	loop->op = calloc(loop->exec.max_degree, sizeof *loop->op);
	for (unsigned i = 0; loop->op && i < loop->exec.max_degree; i++) {
		loop->op[i].next_free = loop->free_op;
		loop->free_op = &loop->op[i];
	}
	failed = loop->op ? start(loop) : ENOMEM;
	if (failed) {
		ccp_err_sys(err, failed, "an event loop cannot be started");
		loop_close(&loop->exec);
		return -1;
	}
	*exec = &loop->exec;
	return 0;
}

static const char *loop_probe(void)
{
	return NULL;
}

static const char *loop_note(void)
{
	struct ccp_ring *ring;
	const char *why;

	if (ccp_ring_new(&ring, 1, &why) < 0)
		return why;
	ccp_ring_free(ring);
	return NULL;
}

const struct ccp_strategy_ops ccp_strategy_async = {
	.name = "async",
	.help = "one event loop: io_uring for files, epoll for streams",
	.fits = CCP_STAGE_BIT(CCP_READ),
	.probe = loop_probe,
	.note = loop_note,
	.open = loop_open,
	.submit = loop_submit,
	.resize = loop_resize,
	.close = loop_close,
};
