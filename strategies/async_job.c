/*
 * async_job.c: the steps of one job of the strategy async: what its source wants, who does it, and on with the result.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "strategies/async_internal.h"

/*
 * ThreadSanitizer follows descriptors by the calls that it intercepts: one that the ring has closed looks to it as if
 * it were used on when another thread is given the number again.
 */
#if defined(__SANITIZE_THREAD__)
#define CLOSE_BY_CALL true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CLOSE_BY_CALL true
#endif
#endif
#ifndef CLOSE_BY_CALL
#define CLOSE_BY_CALL false
#endif

static const struct ccp_source_options *source_options(const struct ccp_loop *loop)
{
	return ccp_flow_config(loop->exec.flow)->source_options;
}

/* READ is over: from here on the job is somebody else's. */
static void pass_on(struct ccp_loop *loop, struct ccp_job *job, uint64_t begin_ns)
{
	enum ccp_stage stage = CCP_READ;
	bool mine;

	ccp_meter_note(loop->account, CCP_READ, job, begin_ns);
	ccp_meter_mark(loop->account, CCP_METER_HUB);
	mine = ccp_flow_advance(loop->exec.flow, &loop->exec, &stage, &job);
	ccp_meter_mark(loop->account, CCP_METER_READ);
	assert(!mine); /* it fits no other stage */
	(void)mine;
}

void ccp_op_done(struct ccp_loop *loop, struct ccp_op *op)
{
	struct ccp_job *job = op->job;
	uint64_t begin_ns = op->begin_ns;

	op->job = NULL;
	op->next_free = loop->free_op;
	loop->free_op = op;
	loop->flying--;
	ccp_flow_read_end(loop->exec.flow, job);
	pass_on(loop, job, begin_ns);
}

/* The job is loaded, or given up. */
static void finish(struct ccp_loop *loop, struct ccp_op *op)
{
	if (!ccp_op_hold(loop, op))
		ccp_op_done(loop, op);
}

/* Tells the source a result. Returns whether the job goes on. */
static bool tell(struct ccp_loop *loop, struct ccp_op *op, int64_t result)
{
	if (ccp_source_got(op->job, source_options(loop), result) == 0)
		return true;
	finish(loop, op);
	return false;
}

/* For what neither epoll nor the ring can do: a thread loads the rest of the job, or, if there is none, the loop. */
static void load_elsewhere(struct ccp_loop *loop, struct ccp_op *op)
{
	if (ccp_pool_give(&loop->pool, op))
		return;
	(void)ccp_source_load(op->job, source_options(loop), ccp_flow_cancel_fd(loop->exec.flow));
	finish(loop, op);
}

static void start_in_ring(struct ccp_loop *loop, struct ccp_op *op)
{
	if (loop->ring)
		ccp_ring_want(loop->ring, &op->want, op);
	else
		load_elsewhere(loop, op);
}

/* A stream has bytes, or has ended. Returns whether the job goes on. */
static bool read_stream(struct ccp_loop *loop, struct ccp_op *op)
{
	ssize_t n = read(op->want.fd, op->want.data, op->want.len);

	return tell(loop, op, n >= 0 ? n : -errno);
}

/* Waits for a stream, unless it is readable already: that saves two system calls. Returns whether the job goes on. */
static bool wait_stream(struct ccp_loop *loop, struct ccp_op *op)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = op };
	struct pollfd now = { .fd = op->want.fd, .events = POLLIN };
	mode_t mode = op->job->input->meta.st_mode;

	if (S_ISREG(mode) || S_ISBLK(mode)) { /* always "readable", and then it blocks */
		start_in_ring(loop, op);
		return false;
	}
	if (poll(&now, 1, 0) == 1)
		return read_stream(loop, op);
	if (op->want.due_ns > 0 && op->want.due_ns <= ccp_meter_now())
		return tell(loop, op, -ETIME);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, op->want.fd, &event) == 0)
		op->polled = true;
	else
		load_elsewhere(loop, op);
	return false;
}

/* Gives up what is wanted because the run was cancelled; a descriptor is closed all the same. */
static bool cancelled(struct ccp_loop *loop, struct ccp_op *op)
{
	return op->want.kind != CCP_WANT_CLOSE && op->want.kind != CCP_WANT_NOTHING &&
	       ccp_flow_cancelled(loop->exec.flow);
}

/* Carries a job as far as it goes without waiting. */
static void step(struct ccp_loop *loop, struct ccp_op *op)
{
	for (;;) {
		if (op->job->input->source->want(op->job, source_options(loop), &op->want) != 0) {
			finish(loop, op);
			return;
		}
		if (cancelled(loop, op)) {
			ccp_err_set(&op->job->piece.err, CCP_E_CANCELLED, "interrupted");
			finish(loop, op);
			return;
		}
		switch (op->want.kind) {
		case CCP_WANT_NOTHING:
			finish(loop, op);
			return;
		case CCP_WANT_STREAM:
			if (!wait_stream(loop, op))
				return;
			break;
		case CCP_WANT_CLOSE:
			if (!CLOSE_BY_CALL) {
				start_in_ring(loop, op);
				return;
			}
			if (!tell(loop, op, close(op->want.fd) == 0 ? 0 : -errno))
				return;
			break;
		default:
			start_in_ring(loop, op);
			return;
		}
	}
}

void ccp_loop_begin(struct ccp_loop *loop, struct ccp_job *job)
{
	uint64_t begin_ns = loop->account ? ccp_meter_now() : 0;
	struct ccp_op *op = loop->free_op;

	if (!ccp_flow_read_begin(loop->exec.flow, job)) {
		pass_on(loop, job, begin_ns);
		return;
	}
	loop->free_op = op->next_free;
	*op = (struct ccp_op){ .job = job, .begin_ns = begin_ns };
	loop->flying++;
	step(loop, op);
}

void ccp_op_result(struct ccp_loop *loop, struct ccp_op *op, int64_t result)
{
	if (tell(loop, op, result))
		step(loop, op);
}

void ccp_op_readable(struct ccp_loop *loop, struct ccp_op *op)
{
	if (read_stream(loop, op))
		step(loop, op);
}

void ccp_op_loaded(struct ccp_loop *loop, struct ccp_op *op)
{
	finish(loop, op);
}
