/*
 * control_internal.h: what the two halves of the controller share: control.c watches, control_trial.c changes.
 */
#ifndef CCP_PIPELINE_AUTO_CONTROL_INTERNAL_H
#define CCP_PIPELINE_AUTO_CONTROL_INTERNAL_H

#include "pipeline/auto/control.h"

#define CCP_FREEZE 10u        /* windows without growth after a change that did not pay; doubled on each failure */
#define CCP_RUNQ_OTHERS 0.20  /* run-queue share past which a CPU is wanted by more than one */
#define CCP_MEMORY_SHORT 0.05 /* PSI some, share of a window */

/* Classes, as far as they make a difference to a degree. */
enum ccp_band { CCP_BAND_CPU, CCP_BAND_MIXED, CCP_BAND_WAIT };

static inline enum ccp_band ccp_band_of(enum ccp_class class)
{
	if (class == CCP_CLASS_CPU)
		return CCP_BAND_CPU;
	return class == CCP_CLASS_MIXED ? CCP_BAND_MIXED : CCP_BAND_WAIT;
}

/* Time that a job needs a stage for, were there CPUs for all. Units: ns. */
static inline double ccp_own_time(const struct ccp_vector *vector)
{
	return vector->jobs ? vector->cpu + vector->blocked : 0;
}

static inline bool ccp_group_may_change(const struct ccp_group *group)
{
	return group->used && !group->fixed_degree;
}

static inline unsigned ccp_control_workers(const struct ccp_control *control)
{
	unsigned sum = 0;

	for (int g = 0; g < CCP_STAGES; g++)
		sum += control->group[g].used ? control->group[g].degree : 0;
	return sum;
}

static inline void ccp_action_reason(struct ccp_action *action, enum ccp_reason_code code, int stage, double value,
				     double threshold)
{
	action->reason = (struct ccp_reason){ code, stage, value, threshold };
}

/* No growth of that group for so many windows after this one. */
void ccp_control_freeze(struct ccp_control *control, unsigned group, unsigned windows);

/* Gives a group another degree. */
void ccp_control_resize(struct ccp_control *control, unsigned group, unsigned degree, struct ccp_action *action);

/* The first window: is the plan what it promised? */
void ccp_control_verify(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action);

/* Tries more workers where they may pay; of waiting groups only, if asked for. */
void ccp_control_grow(struct ccp_control *control, const struct ccp_observation *seen, bool only_waiting,
		      struct ccp_action *action);

/* Tries one worker in the largest group, because the rate has fallen to `ratio` of the serial one. */
void ccp_control_fall(struct ccp_control *control, const struct ccp_observation *seen, double ratio,
		      struct ccp_action *action);

/* A change waits for its judgement: a window for or against it. */
void ccp_control_judge(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action);

#endif
