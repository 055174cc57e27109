/*
 * control_trial.c: changes that have to prove themselves.
 *
 * The rate before a change is kept; the windows after it are averaged until their distance from what is wanted is
 * larger than the noise of the rate, or three have passed; then the change stays or is undone. There are three kinds:
 * growing the bottleneck (stays if its elasticity is at least CCP_ELASTIC), halving a group that waits and is slower
 * than predicted (stays if not more than a tenth of the rate is lost), and falling back to one worker (stays unless
 * more workers pay by that same elasticity: then it was the work that had become dearer, not the workers that were in
 * each other's way, and the rate of the one is the new serial rate).
 */
#include <math.h>

#include "pipeline/auto/control_internal.h"
#include "pipeline/auto/decide.h"

#define BUSY 0.90
#define NEIGHBOUR_WAIT 0.12 /* waiting for a neighbour more than an eighth of the time: the neighbour is the limit */
#define NEIGHBOUR_LIMITS 0.5
#define CPU_FULL 0.95
#define FREEZE_MAX 5120u
#define TRIAL_WINDOWS 3u
#define HALF_KEEPS 0.90
#define CLEAR_GAIN 0.5 /* elasticity that cannot be luck */
#define NOISE_LEAST 0.02

/* The stage of a group that takes most of its time; without measurements WORK, if it is there. */
static enum ccp_stage main_stage(const struct ccp_control *control, unsigned g, const struct ccp_observation *seen)
{
	unsigned stages = control->group[g].stages;
	enum ccp_stage best = CCP_WORK;

	if (!(stages & CCP_STAGE_BIT(CCP_WORK)))
		best = stages & CCP_STAGE_BIT(CCP_READ) ? CCP_READ : CCP_WRITE;
	for (int s = 0; s < CCP_STAGES; s++)
		if ((stages & CCP_STAGE_BIT(s)) && ccp_own_time(&seen->vector[s]) > ccp_own_time(&seen->vector[best]))
			best = (enum ccp_stage)s;
	return best;
}

/* What a group's workers spend their time on, all their stages together: they run one after the other in one worker. */
static enum ccp_band group_band(const struct ccp_control *control, unsigned g, const struct ccp_observation *seen)
{
	enum ccp_stage stage = main_stage(control, g, seen);
	struct ccp_vector sum = seen->vector[stage];
	double share;

	if (sum.jobs == 0)
		return ccp_band_of(control->decision.stage[stage].class);
	for (int s = 0; s < CCP_STAGES; s++) {
		if (s == (int)stage || !(control->group[g].stages & CCP_STAGE_BIT(s)) || seen->vector[s].jobs == 0)
			continue;
		sum.cpu += seen->vector[s].cpu;
		sum.blocked += seen->vector[s].blocked;
	}
	return ccp_band_of(ccp_classify(&control->facts, stage, &sum, CCP_CLASS_NONE, &share));
}

void ccp_control_resize(struct ccp_control *control, unsigned g, unsigned degree, struct ccp_action *action)
{
	action->kind = CCP_ACT_RESIZE;
	action->group = g;
	action->degree = degree;
	control->group[g].degree = degree;
	control->idle[g] = 0;
}

void ccp_control_freeze(struct ccp_control *control, unsigned g, unsigned windows)
{
	if (control->frozen[g] < windows + 1)
		control->frozen[g] = windows + 1;
}

/* The same after a growth that did not pay: twice as long each time. */
static void freeze_longer(struct ccp_control *control, unsigned g)
{
	ccp_control_freeze(control, g, control->backoff[g]);
	if (control->backoff[g] < FREEZE_MAX)
		control->backoff[g] *= 2;
}

static void begin_trial(struct ccp_control *control, enum ccp_control_phase phase, unsigned g, unsigned to, double rate,
			struct ccp_action *action)
{
	unsigned from = control->group[g].degree;

	control->phase = phase;
	control->trial = (struct ccp_trial){ .group = g, .from = from, .to = to, .origin = from, .rate = rate };
	ccp_control_resize(control, g, to, action);
}

/* Goes on with the rate that the windows of a trial have shown, or 0. */
static void end_trial(struct ccp_control *control, double rate)
{
	control->phase = CCP_CONTROL_STEADY;
	control->rate_mean = rate;
}

/* How far a trial's gain may be off by chance. */
static double gain_margin(const struct ccp_control *control)
{
	return 1.5 * fmax(control->noise, NOISE_LEAST) / sqrt(control->trial.windows);
}

/* Adds a window to the trial. Returns whether it can be told on which side of `limit` the gain, ln(X2/X1), is. */
static bool is_trial_clear(struct ccp_control *control, double rate, double limit, double *gain)
{
	struct ccp_trial *trial = &control->trial;

	trial->sum += rate;
	trial->windows++;
	*gain = log(fmax(trial->sum / trial->windows, trial->rate * 1e-3) / trial->rate);
	return trial->windows >= TRIAL_WINDOWS || fabs(*gain - limit) > gain_margin(control);
}

/* --- growing ----------------------------------------------------------------------------------------------------- */

/* The group that holds up the others: the busiest of those that do not wait for a neighbour; -1 = none. */
static int find_bottleneck(const struct ccp_control *control, const struct ccp_observation *seen)
{
	int best = -1;

	for (int g = 0; g < CCP_STAGES; g++) {
		if (!control->group[g].used || seen->wait_in[g] > NEIGHBOUR_WAIT || seen->wait_out[g] > NEIGHBOUR_WAIT)
			continue;
		if (best < 0 || seen->busy[g] > seen->busy[best])
			best = g;
	}
	return best;
}

/* The degree that a group should be tried with; its degree now = none. */
static unsigned next_degree(const struct ccp_control *control, unsigned g, enum ccp_band band,
			    const struct ccp_observation *seen)
{
	const struct ccp_group *group = &control->group[g];
	unsigned limit = group->max_degree;
	unsigned to = band == CCP_BAND_WAIT ? 2 * group->degree : group->degree + 1;

	if (band != CCP_BAND_WAIT && (seen->cpu_share >= CPU_FULL || seen->runq_share > CCP_RUNQ_OTHERS))
		return group->degree; /* there is no CPU for them: ours are all in use, or others want them */
	if (band == CCP_BAND_CPU && limit > control->facts.cpus)
		limit = control->facts.cpus;
	if (control->squeezed) {
		unsigned rest = ccp_control_workers(control) - group->degree + 1;

		if (control->window <= rest)
			return group->degree;
		if (limit > control->window - rest)
			limit = control->window - rest;
	}
	to = to < limit ? to : limit;
	return to > group->degree ? to : group->degree;
}

void ccp_control_grow(struct ccp_control *control, const struct ccp_observation *seen, bool only_waiting,
		      struct ccp_action *action)
{
	int best = find_bottleneck(control, seen);
	unsigned g = (unsigned)best;

	if (best < 0 || seen->busy[g] <= BUSY || !ccp_group_may_change(&control->group[g]) || control->frozen[g] > 0)
		return;
	if (seen->memory_pressure > CCP_MEMORY_SHORT || control->rate_mean <= 0)
		return;
	enum ccp_band band = group_band(control, g, seen);
	if (only_waiting && band != CCP_BAND_WAIT)
		return;
	unsigned to = next_degree(control, g, band, seen);
	if (to == control->group[g].degree)
		return;
	begin_trial(control, CCP_CONTROL_TRIAL, g, to, control->rate_mean, action);
	ccp_action_reason(action, CCP_WHY_BOTTLENECK, (int)main_stage(control, g, seen), seen->busy[g], BUSY);
}

static void judge_growth(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	struct ccp_trial *trial = &control->trial;
	double span = log((double)trial->to / trial->origin), limit = CCP_ELASTIC, gain;
	int stage = (int)main_stage(control, trial->group, seen);

	if (!is_trial_clear(control, seen->rate, CCP_ELASTIC * span, &gain))
		return;
	action->elasticity = gain / span;
	/* If it is still not clear, fewer workers have the benefit of the doubt. */
	if (gain >= limit * span && gain <= limit * span + gain_margin(control))
		limit += gain_margin(control) / span;
	action->kept = action->elasticity >= limit;
	if (action->kept) {
		/* A small gain may be luck; only a clear one makes good for earlier failures. */
		if (action->elasticity >= CLEAR_GAIN)
			control->backoff[trial->group] = CCP_FREEZE;
		end_trial(control, trial->sum / trial->windows);
	} else {
		ccp_control_resize(control, trial->group, trial->from, action);
		freeze_longer(control, trial->group);
		end_trial(control, trial->rate);
	}
	ccp_action_reason(action, action->kept ? CCP_WHY_ELASTIC : CCP_WHY_INELASTIC, stage, action->elasticity, limit);
}

/* --- verifying --------------------------------------------------------------------------------------------------- */

/* Fewer workers at a source that gives no more: the same rate with less memory and fewer seeks. */
static void try_half(struct ccp_control *control, const struct ccp_observation *seen, double ratio,
		     struct ccp_action *action)
{
	int best = -1;

	for (int g = 0; g < CCP_STAGES; g++) {
		const struct ccp_group *group = &control->group[g];

		if (!ccp_group_may_change(group) || group->degree < 3)
			continue;
		if (seen->wait_in[g] > NEIGHBOUR_LIMITS || seen->wait_out[g] > NEIGHBOUR_LIMITS)
			continue;
		if (group_band(control, (unsigned)g, seen) != CCP_BAND_CPU &&
		    (best < 0 || group->degree > control->group[best].degree))
			best = g;
	}
	if (best < 0)
		return;
	unsigned degree = control->group[best].degree, lowest = degree < 8 ? 2 : 4;

	begin_trial(control, CCP_CONTROL_HALVED, (unsigned)best, degree / 2 > lowest ? degree / 2 : lowest, seen->rate,
		    action);
	control->trial.lowest = lowest;
	ccp_action_reason(action, CCP_WHY_SLOWER, (int)main_stage(control, (unsigned)best, seen), ratio,
			  1 - CCP_VERIFY_BAND);
}

static void judge_half(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	struct ccp_trial *trial = &control->trial;
	double limit = log(HALF_KEEPS), span = log((double)trial->to / trial->origin), gain;
	int stage = (int)main_stage(control, trial->group, seen);

	/* All halves are held against the best rate so far: losing a tenth at each would be a third in the end. */
	if (!is_trial_clear(control, seen->rate, limit, &gain))
		return;
	action->elasticity = gain / span;
	action->kept = gain >= limit;
	if (!action->kept) {
		ccp_control_resize(control, trial->group, trial->from, action);
		ccp_action_reason(action, CCP_WHY_ELASTIC, stage, action->elasticity, limit / span);
		if (trial->halved) /* more were slower, or no faster */
			freeze_longer(control, trial->group);
		end_trial(control, trial->from == trial->origin ? trial->rate : 0);
		return;
	}
	ccp_action_reason(action, CCP_WHY_BANDWIDTH, stage, exp(gain), HALF_KEEPS);
	if (trial->to > trial->lowest) {
		if (gain > 0) {
			trial->rate = trial->sum / trial->windows;
			trial->origin = trial->to;
		}
		trial->halved = true;
		trial->from = trial->to;
		trial->to = trial->to / 2 > trial->lowest ? trial->to / 2 : trial->lowest;
		trial->sum = 0;
		trial->windows = 0;
		ccp_control_resize(control, trial->group, trial->to, action);
		return;
	}
	freeze_longer(control, trial->group); /* growing again is known not to pay */
	end_trial(control, trial->sum / trial->windows);
}

void ccp_control_verify(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	double ratio = control->predicted_rate > 0 ? seen->rate / control->predicted_rate : 0;

	end_trial(control, seen->rate);
	if (control->predicted_rate > 0 && fabs(ratio - 1) <= CCP_VERIFY_BAND)
		ccp_action_reason(action, CCP_WHY_VERIFIED, -1, ratio, CCP_VERIFY_BAND);
	else if (control->predicted_rate > 0 && ratio < 1)
		try_half(control, seen, ratio, action);
	else
		ccp_control_grow(control, seen, true, action);
}

/* --- falling back ------------------------------------------------------------------------------------------------ */

void ccp_control_fall(struct ccp_control *control, const struct ccp_observation *seen, double ratio,
		      struct ccp_action *action)
{
	int best = -1;

	for (int g = 0; g < CCP_STAGES; g++) {
		const struct ccp_group *group = &control->group[g];

		if (ccp_group_may_change(group) && group->degree > 1 &&
		    (best < 0 || group->degree > control->group[best].degree))
			best = g;
	}
	if (best < 0 || seen->rate <= 0)
		return;
	begin_trial(control, CCP_CONTROL_FALLEN, (unsigned)best, 1, seen->rate, action);
	control->fell_back = true;
	ccp_action_reason(action, CCP_WHY_WORSE_THAN_SERIAL, -1, ratio, 1);
}

static void judge_fall(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	struct ccp_trial *trial = &control->trial;
	double span = log((double)trial->to / trial->origin), gain;
	int stage = (int)main_stage(control, trial->group, seen);

	if (!is_trial_clear(control, seen->rate, CCP_ELASTIC * span, &gain))
		return;
	action->elasticity = gain / span;
	action->kept = action->elasticity < CCP_ELASTIC;
	if (!action->kept) {
		ccp_control_resize(control, trial->group, trial->from, action);
		ccp_action_reason(action, CCP_WHY_ELASTIC, stage, action->elasticity, CCP_ELASTIC);
		control->fell_back = false;
		control->serial_rate = trial->sum / trial->windows;
	}
	end_trial(control, action->kept ? trial->sum / trial->windows : trial->rate);
}

void ccp_control_judge(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action)
{
	struct ccp_trial *trial = &control->trial;

	/* The caller may have got fewer workers than it was asked for. */
	trial->to = control->group[trial->group].degree;
	if (trial->to == trial->from) {
		freeze_longer(control, trial->group);
		if (control->phase == CCP_CONTROL_FALLEN)
			control->serial_rate = 0; /* and not be asked again and again */
		control->fell_back = false;
		end_trial(control, seen->rate);
	} else if (control->phase == CCP_CONTROL_TRIAL)
		judge_growth(control, seen, action);
	else if (control->phase == CCP_CONTROL_HALVED)
		judge_half(control, seen, action);
	else if (control->phase == CCP_CONTROL_FALLEN)
		judge_fall(control, seen, action);
}
