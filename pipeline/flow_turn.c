/*
 * flow_turn.c: whose turn it is.
 *
 * Jobs of an output are written in order, each output on a lane of its own, and a sequential transform's jobs are
 * worked on in order within their input. Who comes too early waits on a list that is at most a window long.
 */
#include "pipeline/flow_internal.h"

struct ccp_lane *ccp_lane_of(struct ccp_flow *flow, struct ccp_job *job)
{
	return flow->shared_output ? &flow->shared_lane : &job->input->flow.lane;
}

uint64_t ccp_lane_key(const struct ccp_flow *flow, const struct ccp_job *job)
{
	return flow->shared_output ? job->seq : job->number;
}

struct ccp_job *ccp_turn_take(const struct ccp_flow *flow, struct ccp_job **list, uint64_t key, bool by_number)
{
	for (struct ccp_job **at = list; *at; at = &(*at)->link) {
		struct ccp_job *job = *at;

		if ((by_number ? job->number : ccp_lane_key(flow, job)) == key) {
			*at = job->link;
			job->link = NULL;
			return job;
		}
	}
	return NULL;
}

void ccp_turn_wait(struct ccp_job **list, struct ccp_job *job)
{
	job->link = *list;
	*list = job;
}

bool ccp_turn_is_now(const struct ccp_job *job)
{
	return job->number == atomic_load_explicit(&job->input->flow.next_work, memory_order_relaxed);
}

bool ccp_turn_may_go_ahead(const struct ccp_flow *flow)
{
	const struct ccp_exec *exec = flow->exec[CCP_WORK];

	return flow->config.transform->ahead && exec->max_degree > 1 && !(exec->ops->flags & CCP_STRATEGY_CALLER);
}

void ccp_turn_pass(struct ccp_flow *flow, struct ccp_input *input)
{
	uint64_t next = atomic_fetch_add_explicit(&input->flow.next_work, 1, memory_order_relaxed) + 1;
	struct ccp_job *turn = ccp_turn_take(flow, &input->flow.waiting_work, next, true);

	if (!turn)
		return;
	turn->urgent = true;
	flow->exec[CCP_WORK]->ops->submit(flow->exec[CCP_WORK], CCP_WORK, turn);
}
