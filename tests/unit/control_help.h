/*
 * control_help.h: a controller with one group of workers for all stages, and windows to show it.
 */
#ifndef CCP_TESTS_UNIT_CONTROL_HELP_H
#define CCP_TESTS_UNIT_CONTROL_HELP_H

#include <criterion/criterion.h>
#include <math.h>

#include "pipeline/auto/control.h"
#include "pipeline/auto/decide.h"

#define ALL_STAGES (CCP_STAGE_BIT(CCP_READ) | CCP_STAGE_BIT(CCP_WORK) | CCP_STAGE_BIT(CCP_WRITE))

struct rig {
	struct ccp_control control;
	struct ccp_action action;
	struct ccp_facts facts;
	struct ccp_decision decision;
	struct ccp_group group[CCP_STAGES];
	double serial_rate, predicted_rate;
	double share;                /* CPU share of WORK, which is 96 % of a job's time */
	struct ccp_observation seen; /* the next window */
};

/* A job that takes `ns`, not counting what it waits for a CPU. */
static inline struct ccp_vector help_vector(double share, double ns)
{
	return (struct ccp_vector){ .jobs = 100, .cpu = share * ns, .blocked = (1 - share) * ns, .bytes = 1e5 };
}

static inline enum ccp_class help_class(double share)
{
	struct ccp_vector vector = help_vector(share, 1e6);
	struct ccp_facts facts = { .cpus = 2 };
	double ignored;

	return ccp_classify(&facts, CCP_WORK, &vector, CCP_CLASS_NONE, &ignored);
}

/* What was decided: `degree` workers for work of that CPU share; 4 CPUs. */
static inline void help_decide(struct rig *rig, double share, unsigned degree, unsigned max_degree)
{
	*rig = (struct rig){ .facts = { .cpus = 4, .slots = 256 }, .share = share };
	rig->decision.window = 2 * degree + 2;
	rig->group[0] = (struct ccp_group){ true, ALL_STAGES, degree, max_degree, false };
	for (int s = 0; s < CCP_STAGES; s++)
		rig->decision.stage[s] = (struct ccp_stage_choice){
			.kind = CCP_KIND_THREADS, .degree = degree, .class = CCP_CLASS_CPU, .share = 1
		};
	rig->decision.stage[CCP_WORK].class = help_class(share);
	rig->decision.stage[CCP_WORK].share = share;
	rig->seen = (struct ccp_observation){ .seconds = 0.1, .rate = 100, .jobs = 1000, .cpu_share = 0.5 };
	rig->seen.busy[0] = 0.98;
}

static inline void help_begin(struct rig *rig)
{
	ccp_control_begin(&rig->control, &rig->facts, &rig->decision, rig->group, rig->serial_rate,
			  rig->predicted_rate);
}

static inline unsigned help_degree(const struct rig *rig)
{
	return rig->control.group[0].degree;
}

/* Shows rig->seen with that rate; returns what is to be done. */
static inline enum ccp_action_kind help_step(struct rig *rig, double rate)
{
	rig->seen.rate = rate;
	rig->seen.vector[CCP_READ] = help_vector(1, 2e4);
	rig->seen.vector[CCP_WORK] = help_vector(rig->share, 96e4);
	rig->seen.vector[CCP_WRITE] = help_vector(1, 2e4);
	cr_assert(ccp_control_step(&rig->control, &rig->seen, &rig->action), "the window was refused");
	cr_assert(help_degree(rig) >= 1 && help_degree(rig) <= rig->group[0].max_degree);
	if (rig->action.kind == CCP_ACT_RESIZE)
		cr_assert_eq(rig->action.degree, rig->control.group[rig->action.group].degree);
	return rig->action.kind;
}

#define WHY(rig) ((rig)->action.reason.code)

#define EXPECT_NONE(rig, rate) cr_assert_eq(help_step(rig, rate), CCP_ACT_NONE)

/* The next window must ask for that degree, for that reason. */
#define EXPECT_RESIZE(rig, rate, to, why)                                                       \
	do {                                                                                    \
		cr_assert_eq(help_step(rig, rate), CCP_ACT_RESIZE);                             \
		cr_assert_eq((rig)->action.degree, (unsigned)(to), "%u", (rig)->action.degree); \
		cr_assert_eq(WHY(rig), why, "reason %d", (int)WHY(rig));                        \
	} while (0)

#endif
