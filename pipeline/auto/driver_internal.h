/*
 * driver_internal.h: auto on one run, as driver.c (probe, decision, executors) and retune.c (windows, changes) see it.
 */
#ifndef CCP_PIPELINE_AUTO_DRIVER_INTERNAL_H
#define CCP_PIPELINE_AUTO_DRIVER_INTERNAL_H

#include "pipeline/auto/control.h"
#include "pipeline/auto/driver.h"
#include "pipeline/meter.h"
#include "pipeline/pressure.h"
#include "pipeline/profile.h"

/* Threads: the caller of ccp_run, all of it. */
struct ccp_auto {
	struct ccp_run *run;
	struct ccp_profile *profile;
	const struct ccp_strategy_ops *ops[CCP_KINDS];
	struct ccp_facts facts;
	struct ccp_decision decision; /* in force */
	bool measured;                /* not so small that nothing is */
	bool decided, pooled;         /* pooled: executors work, and the caller only watches */
	bool by_bytes;                /* rates are of bytes, not of jobs */

	/* the probe */
	uint64_t begun_ns;
	struct ccp_meter_sum first;   /* the first chunk */
	bool has_first;
	int first_failed;             /* errno, if no pool could be started to begin with */

	/* memory that was ever taken: neither slots nor states of workers go back before the end of the run */
	unsigned window_most;
	unsigned states[CCP_RUN_EXECS]; /* most workers that the executor ever had for WORK, by its number */

	/* in force, by number of the group */
	struct ccp_group group[CCP_STAGES];
	struct ccp_exec *exec[CCP_STAGES];

	/* the window that is being watched */
	struct ccp_control control;
	uint64_t window_ns, due_ns;   /* when it began; when the next step is due */
	struct ccp_meter_sum all, of_group[CCP_STAGES]; /* at its begin */
	struct ccp_pressure_watch pressure_watch;
	struct ccp_pressure pressure; /* at its begin */
	struct ccp_change *trial;     /* the change that is being judged, or NULL */
};

/* driver.c: sizes of what is there, again; vectors of a sum; jobs that are left. */
void ccp_auto_totals(struct ccp_auto *a);
void ccp_auto_vectors(const struct ccp_meter_sum *sum, struct ccp_vector vector[CCP_STAGES]);
double ccp_auto_chunks_left(const struct ccp_auto *a, const struct ccp_vector vector[CCP_STAGES]);

/*
 * staff.c: a decision comes into force. Errors: -1 with `err`, sys ENOMEM if it does not fit; what there was goes on.
 */
int ccp_auto_apply(struct ccp_auto *a, const struct ccp_decision *decision, struct ccp_err *err);

/*
 * The caller's jobs go to whoever has their stage now, unless that is the caller; before the window grows, because they
 * are the oldest, and all that come after them wait for them at the output.
 */
void ccp_auto_hand_over(struct ccp_auto *a);

/*
 * budget.c: what the budget allows beside what was ever taken: slots; workers of an executor for WORK; whether a
 * decision fits at all (`exec` by number of the group, NULL = to be opened). hold and set_window note what is taken.
 */
unsigned ccp_auto_most_slots(const struct ccp_auto *a);
uint64_t ccp_auto_budget_left(const struct ccp_auto *a); /* bytes, beside all states that are held */
unsigned ccp_auto_most_workers(const struct ccp_auto *a, const struct ccp_exec *exec);
bool ccp_auto_fits(const struct ccp_auto *a, const struct ccp_decision *decision,
		   struct ccp_exec *const exec[CCP_STAGES]);
void ccp_auto_hold(struct ccp_auto *a, const struct ccp_exec *exec, unsigned stages);
void ccp_auto_set_window(struct ccp_auto *a, unsigned slots);

/* retune.c: begins a window; ends it, if it was long enough, and does what the controller says. */
void ccp_auto_window(struct ccp_auto *a);
void ccp_auto_step(struct ccp_auto *a);

#endif
