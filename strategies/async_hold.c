/*
 * async_hold.c: jobs of the strategy async that are loaded and held back, because a delay was injected (inject.h). The
 * loop does not sleep for them: they stand in a list in the order of the time that each is due, and a timer that epoll
 * watches is set to the first of them. A job that is held counts as in flight, as it would on a slow device.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "pipeline/inject.h"
#include "pipeline/meter.h"
#include "strategies/async_internal.h"

#define SECOND_NS UINT64_C(1000000000)

int ccp_hold_open(struct ccp_loop *loop)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &loop->timer };

	if (!ccp_flow_config(loop->exec.flow)->inject)
		return 0;
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer < 0)
		return -1;
	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &event);
}

/* A cancelled run waits for nothing, and nobody for a job after the one that failed. */
static bool is_waited_for(const struct ccp_loop *loop, const struct ccp_op *op)
{
	return !ccp_flow_cancelled(loop->exec.flow) && !ccp_job_is_past_end(op->job);
}

bool ccp_op_hold(struct ccp_loop *loop, struct ccp_op *op)
{
	struct ccp_inject *inject = ccp_flow_config(loop->exec.flow)->inject;
	struct ccp_op **at = &loop->held;
	uint64_t delay_ns;

	if (!inject || !is_waited_for(loop, op))
		return false;
	ccp_inject_burn(inject, CCP_READ, op->job);
	delay_ns = ccp_inject_delay(inject, CCP_READ, op->job);
	if (delay_ns == 0)
		return false;
	op->due_ns = ccp_meter_now() + delay_ns;
	while (*at && (*at)->due_ns <= op->due_ns)
		at = &(*at)->next_free;
	op->next_free = *at;
	*at = op;
	atomic_fetch_add_explicit(&loop->held_count, 1, memory_order_relaxed);
	return true;
}

void ccp_hold_arm(struct ccp_loop *loop)
{
	struct itimerspec when = { 0 };
	uint64_t due_ns;

	if (!loop->held || loop->held->due_ns == loop->armed_ns)
		return;
	due_ns = loop->held->due_ns;
	when.it_value.tv_sec = (time_t)(due_ns / SECOND_NS);
	when.it_value.tv_nsec = (long)(due_ns % SECOND_NS);
	if (timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0) /* in the past: readable at once */
		loop->armed_ns = due_ns;
}

void ccp_hold_rung(struct ccp_loop *loop)
{
	uint64_t times;

	while (read(loop->timer, &times, sizeof times) < 0 && errno == EINTR)
		;
	loop->armed_ns = 0;
}

void ccp_hold_release(struct ccp_loop *loop)
{
	bool all = ccp_flow_cancelled(loop->exec.flow);
	uint64_t now_ns = loop->held && !all ? ccp_meter_now() : 0;
	struct ccp_op *op;

	while ((op = loop->held) && (all || op->due_ns <= now_ns)) {
		loop->held = op->next_free;
		atomic_fetch_sub_explicit(&loop->held_count, 1, memory_order_relaxed);
		ccp_op_done(loop, op);
	}
}
