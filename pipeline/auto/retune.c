/*
 * retune.c: while the run goes on: what a window showed, and what the controller wants of it.
 *
 * A window is the difference of two readings of the meter. It is handed to the pure controller, and what comes back is
 * one change at most: a resize, another window, or the question whether another plan would be better now. Every change
 * is recorded with its reason and, once it was judged, with what came of it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/auto/decide.h"
#include "pipeline/auto/driver_internal.h"

#define EXTEND_NS 20000000    /* a window that was too short to be judged is looked at again after that */
#define LAST_S 0.2            /* so close to the end nothing is changed any more */
#define SWITCH_GAIN 0.15      /* another strategy must promise that much */

void ccp_auto_window(struct ccp_auto *a)
{
	ccp_meter_read(a->run->meter, -1, &a->all);
	for (int g = 0; g < CCP_STAGES; g++)
		if (a->exec[g])
			ccp_meter_read(a->run->meter, (int)a->exec[g]->number, &a->of_group[g]);
	ccp_pressure_watch_read(&a->pressure_watch, &a->pressure);
	a->window_ns = ccp_meter_now();
	a->due_ns = a->window_ns + (uint64_t)(ccp_control_period(&a->control) * 1e9);
}

/* ---- what a window showed ------------------------------------------------------------------------ */

static void observe_group(struct ccp_auto *a, unsigned g, struct ccp_observation *seen)
{
	struct ccp_meter_sum sum;
	double busy = 0, unparked;

	if (!a->group[g].used)
		return;
	ccp_meter_read(a->run->meter, (int)a->exec[g]->number, &sum);
	ccp_meter_subtract(&sum, &a->of_group[g]);
	for (int s = 0; s < CCP_METER_BUSY; s++)
		busy += sum.busy[s].wall;
	unparked = sum.life - sum.parked;
	if (unparked <= 0)
		return;
	seen->busy[g] = busy / unparked;
	seen->wait_in[g] = sum.wait_in / unparked;
	seen->wait_out[g] = sum.wait_out / unparked;
	if (strcmp(a->exec[g]->ops->name, "async") == 0) /* one thread: busy is how much of its depth is in use */
		seen->busy[g] = fmin(1, sum.service[CCP_READ] / (seen->seconds * 1e9 * a->group[g].degree));
}

static void observe(struct ccp_auto *a, struct ccp_observation *seen)
{
	struct ccp_meter_sum sum;
	struct ccp_pressure now;
	double cpu = 0, runq = 0, blocked = 0, squeezed;

	*seen = (struct ccp_observation){ .seconds = (double)(ccp_meter_now() - a->window_ns) / 1e9 };
	ccp_meter_read(a->run->meter, -1, &sum);
	ccp_meter_subtract(&sum, &a->all);
	for (int s = 0; s < CCP_METER_BUSY; s++) {
		cpu += sum.busy[s].cpu;
		runq += sum.busy[s].runq;
		blocked += sum.busy[s].blocked;
	}
	seen->jobs = sum.jobs[CCP_WORK];
	seen->rate = (double)(a->by_bytes ? sum.bytes_in[CCP_WORK] : sum.jobs[CCP_WORK]) / seen->seconds;
	seen->cpu_share = cpu / (seen->seconds * 1e9 * a->facts.cpus);
	seen->runq_share = runq > 0 ? runq / (cpu + runq + blocked) : 0;
	ccp_auto_vectors(&sum, seen->vector);
	for (unsigned g = 0; g < CCP_STAGES; g++)
		observe_group(a, g, seen);

	ccp_pressure_watch_read(&a->pressure_watch, &now);
	squeezed = ccp_memory_pressure(&a->pressure, &now, seen->seconds);
	seen->memory_pressure = squeezed > 0 ? squeezed : 0;

	ccp_auto_totals(a);
	seen->last = a->facts.total_known &&
		     ccp_auto_chunks_left(a, seen->vector) < (double)seen->jobs / seen->seconds * LAST_S;
}

/* ---- changes ------------------------------------------------------------------------------------- */

static struct ccp_change *record(struct ccp_auto *a, const struct ccp_action *action, unsigned stages, double rate)
{
	struct ccp_change *change = ccp_profile_change(a->profile);

	change->stages = stages;
	change->rate_before = a->by_bytes ? rate : 0;
	change->elasticity = NAN;
	change->reason = action->reason;
	return change;
}

/* More workers want more slots, unless memory is short. */
static void widen(struct ccp_auto *a)
{
	unsigned workers = 0, window;

	for (int g = 0; g < CCP_STAGES; g++)
		workers += a->group[g].used ? a->group[g].degree : 0;
	window = 2 * workers + 2;
	if (window > ccp_auto_most_slots(a))
		window = ccp_auto_most_slots(a);
	if (a->control.squeezed || window <= a->decision.window)
		return;
	a->decision.window = a->control.window = window;
	ccp_auto_set_window(a, window);
}

static void resize(struct ccp_auto *a, const struct ccp_action *action, double rate)
{
	struct ccp_group *group = &a->group[action->group];
	struct ccp_exec *exec = a->exec[action->group];
	unsigned before = group->degree, degree = action->degree;
	struct ccp_change *change;
	struct ccp_err err;

	ccp_err_clear(&err);
	/*
	 * fewer workers than asked are no error: the group has what there is, and the next window shows what it brings
	 */
	if ((group->stages & CCP_STAGE_BIT(CCP_WORK)) && degree > ccp_auto_most_workers(a, exec))
		degree = ccp_auto_most_workers(a, exec);
	(void)exec->ops->resize(exec, degree, &err);
	ccp_auto_hold(a, exec, group->stages);
	group->degree = exec->degree;
	a->control.group[action->group].degree = exec->degree;
	for (int s = 0; s < CCP_STAGES; s++)
		if (group->stages & CCP_STAGE_BIT((unsigned)s))
			a->decision.stage[s].degree = a->control.decision.stage[s].degree = exec->degree;
	change = record(a, action, group->stages, rate);
	snprintf(change->from, sizeof change->from, "%s x%u", exec->ops->name, before);
	snprintf(change->to, sizeof change->to, "%s x%u", exec->ops->name, exec->degree);
	a->trial = change;
	if (a->control.phase == CCP_CONTROL_STEADY) /* undone, or fewer because they were idle: nothing to judge */
		change->kept = change->judged = true;
	if (exec->degree > before)
		widen(a);
}

static void set_window(struct ccp_auto *a, const struct ccp_action *action, double rate)
{
	struct ccp_change *change = record(a, action, 0, rate);

	snprintf(change->from, sizeof change->from, "window %u", a->decision.window);
	snprintf(change->to, sizeof change->to, "window %u", action->degree);
	change->kept = change->judged = true;
	a->decision.window = a->control.window = action->degree;
	ccp_auto_set_window(a, action->degree);
}

/* Whether two plans differ in more than degrees. */
static bool same_shape(const struct ccp_decision *a, const struct ccp_decision *b)
{
	for (int s = 0; s < CCP_STAGES; s++)
		if (a->stage[s].kind != b->stage[s].kind || a->stage[s].exec != b->stage[s].exec)
			return false;
	return true;
}

/* The work has changed: would another plan be better for what is left? */
static void redecide(struct ccp_auto *a, const struct ccp_action *action, const struct ccp_observation *seen)
{
	const struct ccp_costs *costs = &ccp_costs_default;
	double left = ccp_auto_chunks_left(a, seen->vector), as_it_is;
	unsigned redecided = a->control.redecided;
	struct ccp_decision decision;
	struct ccp_change *change;
	struct ccp_err err;
	bool changed = false;

	ccp_decide(&decision, &a->facts, CCP_PROBE_TIME, seen->vector, left, costs);
	as_it_is = ccp_predict(a->decision.stage, &a->facts, seen->vector, left, costs);
	change = record(a, action, 0, seen->rate);
	ccp_decision_text(&a->decision, change->from, sizeof change->from);

	ccp_err_clear(&err);
	if (same_shape(&a->decision, &decision) || decision.predicted_ns < as_it_is * (1 - SWITCH_GAIN))
		changed = ccp_auto_apply(a, &decision, &err) == 0;
	ccp_decision_text(&a->decision, change->to, sizeof change->to);
	change->kept = change->judged = true;
	/* the classes are those of now, whatever became of the plan: they do not flip again for the same reason */
	for (int s = 0; s < CCP_STAGES; s++) {
		a->decision.stage[s].class = decision.stage[s].class;
		a->decision.stage[s].share = decision.stage[s].share;
	}
	ccp_control_begin(&a->control, &a->facts, &a->decision, a->group, 0, 0);
	a->control.redecided = redecided;
	ccp_control_redecided(&a->control, changed);
}

/* What came of the change before. */
static void judge(struct ccp_auto *a, const struct ccp_action *action, const struct ccp_observation *seen)
{
	if (!a->trial || a->trial->judged || isnan(action->elasticity))
		return;
	a->trial->rate_after = a->by_bytes ? seen->rate : 0;
	a->trial->elasticity = action->elasticity;
	a->trial->judged = true;
	a->trial->kept = action->kept;
}

void ccp_auto_step(struct ccp_auto *a)
{
	struct ccp_observation seen;
	struct ccp_action action = { .kind = CCP_ACT_NONE, .elasticity = NAN };

	if (a->measured)
		observe(a, &seen);
	if (!a->measured || !ccp_control_step(&a->control, &seen, &action)) {
		a->due_ns = ccp_meter_now() + EXTEND_NS;
		return;
	}
	judge(a, &action, &seen);
	switch (action.kind) {
	case CCP_ACT_NONE:
		break;
	case CCP_ACT_RESIZE:
		resize(a, &action, seen.rate);
		break;
	case CCP_ACT_WINDOW:
		set_window(a, &action, seen.rate);
		break;
	case CCP_ACT_REDECIDE:
		redecide(a, &action, &seen);
		break;
	}
	a->profile->final = a->decision;
	ccp_auto_window(a);
}
