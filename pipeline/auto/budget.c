/*
 * budget.c: auto within --max-mem.
 *
 * A slot that was ever used keeps its pages, and a worker keeps its transform's state until its executor is closed,
 * also if it is parked or the executor was replaced. So what counts is the most that there ever was of each, and
 * whatever is added must fit beside that.
 */
#include "pipeline/auto/driver_internal.h"

static uint64_t states_held(const struct ccp_auto *a, const struct ccp_exec *but)
{
	uint64_t states = 0;

	for (unsigned i = 0; i < CCP_RUN_EXECS; i++)
		if (!but || i != but->number)
			states += a->states[i];
	return states;
}

/* What is left of the budget beside so many states and slots. Units: bytes. */
static uint64_t left(const struct ccp_auto *a, uint64_t states, uint64_t slots)
{
	uint64_t taken = states * a->facts.state_bytes + slots * a->facts.slot_bytes;

	return taken < a->facts.mem_budget ? a->facts.mem_budget - taken : 0;
}

uint64_t ccp_auto_budget_left(const struct ccp_auto *a)
{
	return left(a, states_held(a, NULL), 0);
}

unsigned ccp_auto_most_slots(const struct ccp_auto *a)
{
	uint64_t slots = a->facts.slot_bytes > 0 ? left(a, states_held(a, NULL), 0) / a->facts.slot_bytes
						 : a->facts.slots;

	if (slots < a->window_most)
		slots = a->window_most;
	return slots < a->facts.slots ? (unsigned)slots : a->facts.slots;
}

unsigned ccp_auto_most_workers(const struct ccp_auto *a, const struct ccp_exec *exec)
{
	uint64_t workers = CCP_DEGREE_MAX;

	if (a->facts.state_bytes > 0)
		workers = left(a, states_held(a, exec), a->window_most) / a->facts.state_bytes;
	if (workers < a->states[exec->number])
		workers = a->states[exec->number];
	return workers < 1 ? 1 : workers < CCP_DEGREE_MAX ? (unsigned)workers : CCP_DEGREE_MAX;
}

bool ccp_auto_fits(const struct ccp_auto *a, const struct ccp_decision *decision,
		   struct ccp_exec *const exec[CCP_STAGES])
{
	const struct ccp_stage_choice *work = &decision->stage[CCP_WORK];
	const struct ccp_exec *reused = exec[work->exec];
	unsigned window = decision->window > a->window_most ? decision->window : a->window_most;
	uint64_t states = states_held(a, reused), workers = work->degree;

	if (reused && a->states[reused->number] > workers)
		workers = a->states[reused->number];
	return (states + workers) * a->facts.state_bytes + window * a->facts.slot_bytes <= a->facts.mem_budget;
}

void ccp_auto_hold(struct ccp_auto *a, const struct ccp_exec *exec, unsigned stages)
{
	if ((stages & CCP_STAGE_BIT(CCP_WORK)) && exec->degree > a->states[exec->number])
		a->states[exec->number] = exec->degree;
}

void ccp_auto_set_window(struct ccp_auto *a, unsigned slots)
{
	if (slots > a->window_most)
		a->window_most = slots;
	ccp_flow_set_window(a->run->flow, slots);
}
