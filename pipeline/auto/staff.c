/*
 * staff.c: puts a decision into force.
 *
 * Stages that the decision keeps together get one executor. One that does just that already is kept and resized; others
 * are opened, with room to grow if they wait. Then the stages' executors and the window are set: jobs that were
 * submitted before go on where they are, new ones go to the new executors.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "pipeline/auto/decide.h"
#include "pipeline/auto/driver_internal.h"

static unsigned most_workers(const struct ccp_auto *a, const struct ccp_stage_choice *choice)
{
	unsigned most = choice->degree;

	if ((choice->kind == CCP_KIND_THREADS && choice->class != CCP_CLASS_CPU) || choice->kind == CCP_KIND_ASYNC)
		most = CCP_DEGREE_MAX;
	else if (choice->kind == CCP_KIND_THREADS)
		most = a->facts.cpus;
	if (most > a->facts.slots)
		most = a->facts.slots;
	return most > choice->degree ? most : choice->degree;
}

/* What a decision says of one set of workers: how many, and of its classes the one that waits. */
static struct ccp_stage_choice choice_of(const struct ccp_decision *decision, unsigned number, unsigned *stages)
{
	struct ccp_stage_choice choice = { .class = CCP_CLASS_NONE };

	*stages = 0;
	for (int s = 0; s < CCP_STAGES; s++) {
		const struct ccp_stage_choice *stage = &decision->stage[s];

		if (stage->exec != number)
			continue;
		if (*stages == 0 || stage->class != CCP_CLASS_CPU)
			choice = *stage;
		*stages |= CCP_STAGE_BIT((unsigned)s);
	}
	return choice;
}

/* The executor in force that does just that already, or NULL. */
static struct ccp_exec *reusable(const struct ccp_auto *a, const struct ccp_stage_choice *choice, unsigned stages)
{
	if (choice->kind == CCP_KIND_SERIAL)
		return a->run->caller;
	for (int g = 0; g < CCP_STAGES; g++)
		if (a->group[g].used && a->group[g].stages == stages && a->exec[g]->ops == a->ops[choice->kind] &&
		    a->group[g].max_degree >= choice->degree)
			return a->exec[g];
	return NULL;
}

/* Opens what is missing, resizes what is there. Errors: -1; what was opened stays, with nothing to do. */
static int staff(struct ccp_auto *a, const struct ccp_decision *decision, struct ccp_exec *exec[CCP_STAGES],
		 struct ccp_group group[CCP_STAGES], struct ccp_err *err)
{
	struct ccp_stage_choice choice[CCP_STAGES];
	struct ccp_err ignored;

	for (unsigned g = 0; g < CCP_STAGES; g++) {
		choice[g] = choice_of(decision, g, &group[g].stages);
		if (group[g].stages == 0 || exec[g])
			continue;
		if (a->run->exec_count >= CCP_RUN_EXECS)
			return ccp_err_set(err, CCP_E_OTHER, "too many executors");
		if (ccp_run_open_exec(a->run, a->ops[choice[g].kind], choice[g].degree, most_workers(a, &choice[g]),
				      &exec[g], err) < 0)
			return -1;
	}
	for (unsigned g = 0; g < CCP_STAGES; g++) {
		if (group[g].stages == 0)
			continue;
		ccp_err_clear(&ignored); /* fewer workers than asked are no error: what there is works */
		if (exec[g]->degree != choice[g].degree)
			(void)exec[g]->ops->resize(exec[g], choice[g].degree, &ignored);
		ccp_auto_hold(a, exec[g], group[g].stages);
		group[g].used = true;
		group[g].degree = exec[g]->degree;
		group[g].max_degree = exec[g]->max_degree;
		group[g].fixed_degree = exec[g] == a->run->caller;
	}
	return 0;
}

void ccp_auto_hand_over(struct ccp_auto *a)
{
	struct ccp_exec *caller = a->run->caller;
	enum ccp_stage stage;
	struct ccp_job *job;

	while (a->pooled && caller->ops->give_up(caller, &stage, &job))
		ccp_flow_resubmit(a->run->flow, stage, job);
}

int ccp_auto_apply(struct ccp_auto *a, const struct ccp_decision *decision, struct ccp_err *err)
{
	struct ccp_exec *exec[CCP_STAGES] = { NULL };
	struct ccp_group group[CCP_STAGES] = { 0 };

	for (unsigned g = 0; g < CCP_STAGES; g++) {
		struct ccp_stage_choice choice = choice_of(decision, g, &group[g].stages);

		if (group[g].stages != 0)
			exec[g] = reusable(a, &choice, group[g].stages);
	}
	/* the caller alone always fits: the plan was made so */
	if (decision->stage[CCP_WORK].kind != CCP_KIND_SERIAL && !ccp_auto_fits(a, decision, exec)) {
		ccp_err_sys(err, ENOMEM, "--max-mem");
		return -1;
	}
	for (int s = 0; s < CCP_STAGES; s++) /* jobs in the caller's queue would wait for ever */
		assert((decision->stage[s].kind == CCP_KIND_SERIAL) ==
		       (decision->stage[CCP_WORK].kind == CCP_KIND_SERIAL));
	if (staff(a, decision, exec, group, err) < 0)
		return -1;
	a->decision = *decision;
	memcpy(a->group, group, sizeof group);
	memcpy(a->exec, exec, sizeof exec);
	for (int s = 0; s < CCP_STAGES; s++) {
		a->decision.stage[s].degree = group[decision->stage[s].exec].degree;
		ccp_run_set_exec(a->run, (enum ccp_stage)s, exec[decision->stage[s].exec]);
	}
	a->pooled = exec[decision->stage[CCP_WORK].exec] != a->run->caller;
	ccp_auto_hand_over(a);
	ccp_auto_set_window(a, a->pooled ? decision->window : 1);
	return 0;
}
