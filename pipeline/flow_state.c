/*
 * flow_state.c: what others may ask of a flow, and how it is stopped: no job passes here.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "pipeline/flow_internal.h"
#include "pipeline/next.h"

#define NEWS_MS 5 /* NEXT may say that it waits for news while we sleep */

bool ccp_flow_is_full(const struct ccp_flow *flow)
{
	return atomic_load_explicit(&flow->full, memory_order_relaxed);
}

void ccp_flow_stop_metering(struct ccp_flow *flow)
{
	flow->config.meter = NULL;
}

size_t ccp_flow_live_most(const struct ccp_flow *flow)
{
	return flow->live_most;
}

enum ccp_meter_state ccp_flow_idle_state(const struct ccp_flow *flow, const struct ccp_exec *exec)
{
	bool reads = atomic_load_explicit(&flow->reader, memory_order_relaxed) == exec;

	return reads && ccp_flow_is_full(flow) ? CCP_METER_WAIT_OUT : CCP_METER_WAIT_IN;
}

size_t ccp_flow_live(const struct ccp_flow *flow)
{
	return atomic_load_explicit(&flow->live, memory_order_relaxed);
}

void ccp_flow_resubmit(struct ccp_flow *flow, enum ccp_stage stage, struct ccp_job *job)
{
	pthread_mutex_lock(&flow->lock);
	flow->exec[stage]->ops->submit(flow->exec[stage], stage, job);
	pthread_mutex_unlock(&flow->lock);
}

bool ccp_flow_finished(const struct ccp_flow *flow)
{
	struct pollfd done = { .fd = flow->done_fd, .events = POLLIN };

	return poll(&done, 1, 0) == 1;
}

bool ccp_flow_wait(struct ccp_flow *flow, int timeout_ms)
{
	struct pollfd on[2] = { { .fd = flow->done_fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

	if (flow->config.unordered) {
		if (!ccp_flow_is_full(flow))
			ccp_next_waits_for_news(flow->config.next, &on[1].fd);
		timeout_ms = timeout_ms < NEWS_MS ? timeout_ms : NEWS_MS;
	}
	if (poll(on, 2, timeout_ms) <= 0)
		return false;
	if (on[1].revents != 0)
		ccp_flow_nudge(flow);
	return on[0].revents != 0;
}

int ccp_flow_done_fd(const struct ccp_flow *flow)
{
	return flow->done_fd;
}

void ccp_flow_cancel(struct ccp_flow *flow)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&flow->cancelled, true);
	if (write(flow->cancel_fd, &one, sizeof one) < 0)
		errno = saved; /* full: it is readable already */
}

bool ccp_flow_cancelled(const struct ccp_flow *flow)
{
	return atomic_load(&flow->cancelled);
}

int ccp_flow_cancel_fd(const struct ccp_flow *flow)
{
	return flow->cancel_fd;
}

void ccp_flow_fail(struct ccp_flow *flow, const struct ccp_err *err)
{
	pthread_mutex_lock(&flow->lock);
	if (!flow->has_fatal)
		flow->fatal = *err;
	flow->has_fatal = true;
	pthread_mutex_unlock(&flow->lock);
	ccp_flow_cancel(flow);
}

const struct ccp_err *ccp_flow_fatal(const struct ccp_flow *flow)
{
	return flow->has_fatal ? &flow->fatal : NULL;
}

const struct ccp_flow_config *ccp_flow_config(const struct ccp_flow *flow)
{
	return &flow->config;
}

struct ccp_flow_counts *ccp_flow_counts(struct ccp_flow *flow)
{
	return &flow->counts;
}

bool ccp_flow_fuses(const struct ccp_flow *flow)
{
	return !flow->sequential;
}
