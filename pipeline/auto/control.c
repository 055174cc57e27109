/*
 * control.c: windows in, at most one change out.
 *
 * A window is first asked whether it is long enough, then whether it still shows the work that was decided about: a
 * rate can only be compared with one of the same work. So its CPU shares are held against the classes of the decision;
 * while they differ nothing is judged, and when they have differed for three windows it is time to decide again. After
 * that comes the guard against being slower than one worker, and then what the phase wants: verify the plan, judge the
 * change before, or watch for idle workers and a bottleneck (control_trial.c).
 */
#include "pipeline/auto/control.h"

#include <math.h>

#include "pipeline/auto/control_internal.h"
#include "pipeline/auto/decide.h"

#define WINDOW_SHORT_S 0.020 /* below it a window is mostly timer noise */
#define WINDOW_LONG_S 2.0
#define WINDOW_PARTIAL 0.15 /* jobs in flight at the ends of a window, as a share of its jobs */
#define PERIOD_FIRST_S 0.03
#define PERIOD_LAST_S 0.4 /* a step costs some 20 us; a change of the work is to be noticed within a second */
#define PERIOD_JITTER 0.2
#define IDLE 0.50
#define IDLE_WINDOWS 3
#define CPU_OURS 0.90 /* below it there is a run queue because others use the CPUs */
#define RUNQ_NOISE 0.50
#define SERIAL_KEEPS 0.95
#define SERIAL_WINDOWS 2
#define SOURCE_WAITS 0.50 /* of a job's time, for a source that only one can read */
#define SHARE_COUNTS 0.10 /* of a job's time: a smaller stage's class does not matter */
#define STARVED_ENDS 0.70 /* of a job's time that is spent waiting for the source */
#define CLASS_SLACK 0.05  /* as in ccp_classify */
#define NOISE_FIRST 0.05
#define RATE_JUMP 0.25 /* past it a mean of earlier windows means nothing */

static double job_time(const struct ccp_observation *seen)
{
	double sum = 0;

	for (int s = 0; s < CCP_STAGES; s++)
		sum += ccp_own_time(&seen->vector[s]);
	return sum;
}

static bool is_all_fixed(const struct ccp_control *control)
{
	for (int g = 0; g < CCP_STAGES; g++)
		if (ccp_group_may_change(&control->group[g]))
			return false;
	return true;
}

static bool is_long_enough(const struct ccp_control *control, const struct ccp_observation *seen)
{
	unsigned workers = ccp_control_workers(control);

	if (seen->seconds > WINDOW_LONG_S)
		return true;
	if (seen->seconds < WINDOW_SHORT_S || seen->jobs == 0)
		return false;
	return workers <= 1 || (double)(workers - 1) / (double)seen->jobs < WINDOW_PARTIAL;
}

/* --- classes ------------------------------------------------------------------------------------------------------ */

struct finding {
	enum ccp_class class[CCP_STAGES];
	double share[CCP_STAGES];
	bool differs[CCP_STAGES];
};

/* The limit of the CPU share that was passed between two bands. */
static double passed(enum ccp_band from, enum ccp_band to)
{
	switch (from) {
	case CCP_BAND_CPU:
		return CCP_SHARE_CPU - CLASS_SLACK;
	case CCP_BAND_WAIT:
		return CCP_SHARE_WAIT + CLASS_SLACK;
	default:
		return to == CCP_BAND_CPU ? CCP_SHARE_CPU + CLASS_SLACK : CCP_SHARE_WAIT - CLASS_SLACK;
	}
}

static void find_class(struct ccp_control *control, const struct ccp_observation *seen, enum ccp_stage stage,
		       double total, struct finding *found)
{
	const struct ccp_vector *vector = &seen->vector[stage];
	struct ccp_stage_choice *choice = &control->decision.stage[stage];
	enum ccp_class was = choice->class;
	bool starved = was == CCP_CLASS_STARVED;

	found->class[stage] = was;
	found->share[stage] = choice->share;
	found->differs[stage] = starved && vector->blocked < STARVED_ENDS * total;
	if (ccp_own_time(vector) < SHARE_COUNTS * total && !found->differs[stage])
		return;
	if (starved)
		was = control->facts.stream ? CCP_CLASS_WAIT_POLL : CCP_CLASS_WAIT_OPAQUE;
	enum ccp_class now = ccp_classify(&control->facts, stage, vector, was, &found->share[stage]);
	if (now == CCP_CLASS_NONE)
		return;
	if (choice->class == CCP_CLASS_NONE) {
		/* Nothing was measured before: this is what later windows are held against. */
		choice->class = found->class[stage] = now;
		choice->share = found->share[stage];
		return;
	}
	if (ccp_band_of(now) != ccp_band_of(was))
		found->differs[stage] = true;
	if (found->differs[stage])
		found->class[stage] = now;
}

/* Goes on with other work: no rate of before means anything. */
static void forget_rates(struct ccp_control *control, const struct finding *found)
{
	for (int s = 0; s < CCP_STAGES; s++) {
		control->decision.stage[s].class = found->class[s];
		control->decision.stage[s].share = found->share[s];
		control->flips[s] = 0;
		control->frozen[s] = 0;
		control->backoff[s] = CCP_FREEZE;
		control->idle[s] = 0;
	}
	control->serial_rate = control->predicted_rate = control->rate_mean = 0;
	control->below_serial = 0;
	control->fell_back = false;
	control->phase = CCP_CONTROL_STEADY;
}

/* Returns whether the window shows work of another class than was decided about. */
static bool is_other_work(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	double total = job_time(seen);
	struct finding found;
	bool differs = false;
	int worst = -1;

	if (total <= 0 || seen->runq_share > RUNQ_NOISE)
		return false;
	for (int s = 0; s < CCP_STAGES; s++) {
		find_class(control, seen, (enum ccp_stage)s, total, &found);
		control->flips[s] = found.differs[s] ? control->flips[s] + 1 : 0;
		differs |= found.differs[s];
		if (control->flips[s] == 1)
			control->period_s = 0; /* look again soon */
		if (control->flips[s] >= CCP_CLASS_WINDOWS &&
		    (worst < 0 || ccp_own_time(&seen->vector[s]) > ccp_own_time(&seen->vector[worst])))
			worst = s;
	}
	if (worst < 0)
		return differs;
	enum ccp_class was = control->decision.stage[worst].class;
	enum ccp_band now = ccp_band_of(found.class[worst]);
	forget_rates(control, &found);
	if (control->redecided >= CCP_REDECIDE_MAX)
		return true;
	action->kind = CCP_ACT_REDECIDE;
	if (was == CCP_CLASS_STARVED && now == CCP_BAND_WAIT) /* it waits as before, but the rest has become dearer */
		ccp_action_reason(action, CCP_WHY_CLASS_CHANGED, -1, 1 - seen->vector[worst].blocked / total,
				  1 - STARVED_ENDS);
	else
		ccp_action_reason(action, CCP_WHY_CLASS_CHANGED, worst, found.share[worst],
				  passed(ccp_band_of(was), now));
	return true;
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

/* Short of memory: half the slots, but one more than there are workers. */
static bool is_squeezed(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	unsigned least = ccp_control_workers(control) + 1;

	if (seen->memory_pressure <= CCP_MEMORY_SHORT || control->window <= least || is_all_fixed(control))
		return false;
	control->window = control->window / 2 > least ? control->window / 2 : least;
	control->squeezed = true;
	action->kind = CCP_ACT_WINDOW;
	action->degree = control->window;
	ccp_action_reason(action, CCP_WHY_MEMORY_PRESSURE, -1, seen->memory_pressure, CCP_MEMORY_SHORT);
	return true;
}

/* Whether something else than the number of workers explains a low rate. */
static bool is_slowed_from_outside(const struct ccp_control *control, const struct ccp_observation *seen)
{
	if (seen->runq_share > CCP_RUNQ_OTHERS && seen->cpu_share < CPU_OURS)
		return true;
	/* A stream has one reader at a time, whatever the degree: if it waits, there was nothing to read. */
	return control->facts.stream && seen->vector[CCP_READ].jobs &&
	       seen->vector[CCP_READ].blocked > SOURCE_WAITS * job_time(seen);
}

/* Never worse than serial. Returns whether it had to step in. */
static bool is_guarded(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	if (control->serial_rate <= 0 || control->phase == CCP_CONTROL_FALLEN ||
	    seen->rate >= SERIAL_KEEPS * control->serial_rate || is_slowed_from_outside(control, seen)) {
		control->below_serial = 0;
		return false;
	}
	if (++control->below_serial < SERIAL_WINDOWS)
		return false;
	control->below_serial = 0;
	ccp_control_fall(control, seen, seen->rate / control->serial_rate, action);
	return action->kind != CCP_ACT_NONE;
}

/* --- watching ----------------------------------------------------------------------------------------------------- */

static void note_rate(struct ccp_control *control, double rate)
{
	double off = control->rate_mean > 0 ? fabs(rate / control->rate_mean - 1) : RATE_JUMP + 1;

	if (off > RATE_JUMP) {
		control->rate_mean = rate;
		return;
	}
	control->rate_mean += 0.3 * (rate - control->rate_mean);
	control->noise += 0.2 * (off - control->noise);
}

/* One worker less of a group that was idle for a while, but never less than its work needs (Little's law) and one. */
static void shrink(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	for (unsigned g = 0; g < CCP_STAGES; g++) {
		const struct ccp_group *group = &control->group[g];

		if (!ccp_group_may_change(group))
			continue;
		control->idle[g] = seen->busy[g] < IDLE ? control->idle[g] + 1 : 0;
		unsigned need = (unsigned)ceil(fmax(seen->busy[g], 0) * group->degree) + 1;
		if (action->kind != CCP_ACT_NONE || control->idle[g] < IDLE_WINDOWS || group->degree <= need)
			continue;
		ccp_control_resize(control, g, group->degree - 1, action);
		ccp_control_freeze(control, g, CCP_FREEZE);
		control->rate_mean = 0;
		ccp_action_reason(action, CCP_WHY_IDLE, -1, seen->busy[g], IDLE);
		for (int s = 0; s < CCP_STAGES && action->reason.stage < 0; s++)
			if (group->stages & CCP_STAGE_BIT(s))
				action->reason.stage = s;
	}
}

static void watch(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	if (control->fell_back && control->phase != CCP_CONTROL_FALLEN)
		return;
	if (seen->jobs == 0 || is_other_work(control, seen, action) || is_all_fixed(control))
		return;
	if (is_guarded(control, seen, action))
		return;
	if (control->phase == CCP_CONTROL_VERIFY) {
		ccp_control_verify(control, seen, action);
	} else if (control->phase != CCP_CONTROL_STEADY) {
		ccp_control_judge(control, seen, action);
	} else {
		note_rate(control, seen->rate);
		shrink(control, seen, action);
		if (action->kind == CCP_ACT_NONE)
			ccp_control_grow(control, seen, false, action);
	}
}

/* --- public ------------------------------------------------------------------------------------------------------- */

void ccp_control_begin(struct ccp_control *control, const struct ccp_facts *facts, const struct ccp_decision *decision,
		       const struct ccp_group group[CCP_STAGES], double serial_rate, double predicted_rate)
{
	unsigned redecided = control->redecided;

	*control = (struct ccp_control){
		.facts = *facts,
		.decision = *decision,
		.serial_rate = serial_rate,
		.predicted_rate = predicted_rate,
		.window = decision->window ? decision->window : facts->slots,
		.phase = CCP_CONTROL_VERIFY,
		.redecided = redecided,
		.period_s = PERIOD_FIRST_S,
		.noise = NOISE_FIRST,
	};
	for (int g = 0; g < CCP_STAGES; g++) {
		control->group[g] = group[g];
		control->backoff[g] = CCP_FREEZE;
		if (control->group[g].degree == 0)
			control->group[g].degree = 1;
		if (control->group[g].max_degree < control->group[g].degree)
			control->group[g].max_degree = control->group[g].degree;
	}
}

bool ccp_control_step(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	*action = (struct ccp_action){ .reason.stage = -1, .elasticity = NAN };
	if (seen->last)
		return is_long_enough(control, seen);
	bool frozen_out = control->fell_back && control->phase != CCP_CONTROL_FALLEN;
	if (frozen_out || !is_squeezed(control, seen, action)) {
		if (!is_long_enough(control, seen))
			return false;
		for (int g = 0; g < CCP_STAGES; g++)
			control->frozen[g] -= control->frozen[g] > 0;
		watch(control, seen, action);
	}
	control->steps++;
	control->period_s = action->kind == CCP_ACT_NONE ? fmin(2 * control->period_s, PERIOD_LAST_S) : PERIOD_FIRST_S;
	if (control->period_s < PERIOD_FIRST_S)
		control->period_s = PERIOD_FIRST_S;
	return true;
}

double ccp_control_period(const struct ccp_control *control)
{
	/* Two runs side by side should not measure in step. Knuth's multiplier for linear congruences modulo 2^64. */
	uint64_t seed = control->facts.total_bytes ^ (control->facts.inputs << 32);
	uint64_t x = (seed + control->steps + 1) * 6364136223846793005u + 1442695040888963407u;
	double unit = (double)(x >> 40) / (double)(1u << 24);

	return control->period_s * (1 + PERIOD_JITTER * (2 * unit - 1));
}

void ccp_control_redecided(struct ccp_control *control, bool changed)
{
	control->redecided++;
	(void)changed; /* a decision that confirms the plan is paid for like any other */
}
