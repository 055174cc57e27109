/*
 * control.h: what to change while the run goes on: a pure controller, stepped once a window.
 *
 * It first verifies the plan, then watches. At most one change a step. Growth must pay (elasticity), or it is undone
 * and not tried again for a while; shrinking is slow; below the serial rate it falls back to one worker.
 */
#ifndef CCP_PIPELINE_AUTO_CONTROL_H
#define CCP_PIPELINE_AUTO_CONTROL_H

#include "pipeline/auto/auto.h"

#define CCP_ELASTIC 0.15      /* ln(X2/X1) / ln(n2/n1) of a growth that is kept: a doubling must give 11 % */
#define CCP_VERIFY_BAND 0.25  /* rate against prediction */
#define CCP_CLASS_WINDOWS 3   /* consecutive windows before a class is believed to have changed */
#define CCP_REDECIDE_MAX 2    /* changes of strategy in a run */

/* A set of workers: the stages that share one executor. */
struct ccp_group {
	bool used;
	unsigned stages;      /* CCP_STAGE_BITs */
	unsigned degree, max_degree;
	bool fixed_degree;    /* serial */
};

/* What one window showed. */
struct ccp_observation {
	double seconds;
	double rate;                      /* units of work a second; the same unit as all other rates */
	uint64_t jobs;                    /* that left WORK */
	double busy[CCP_STAGES];          /* by group: busy share of its workers' unparked time */
	double wait_in[CCP_STAGES];       /* by group: share of unparked time */
	double wait_out[CCP_STAGES];
	double cpu_share;                 /* CPU of the process (and children) / (seconds * cpus) */
	double runq_share;                /* run queue / (cpu + run queue + blocked) of busy time */
	struct ccp_vector vector[CCP_STAGES];
	double memory_pressure;           /* PSI some, share of the window; 0 if unknown */
	bool last;                        /* no more than a window's worth is left: change nothing */
};

enum ccp_action_kind {
	CCP_ACT_NONE,
	CCP_ACT_RESIZE,       /* group -> degree */
	CCP_ACT_WINDOW,       /* slots -> degree */
	CCP_ACT_REDECIDE,     /* ask ccp_decide again with the observation's vectors */
};

struct ccp_action {
	enum ccp_action_kind kind;
	unsigned group;
	unsigned degree;
	struct ccp_reason reason;
	bool kept;            /* what the step says of the change before: it stays */
	double elasticity;    /* of that change; NAN = none was judged in this step */
};

/* VERIFY: nothing was judged yet; HALVED, TRIAL, FALLEN: a change waits for its judgement; STEADY: none does. */
enum ccp_control_phase {
	CCP_CONTROL_VERIFY,
	CCP_CONTROL_HALVED,
	CCP_CONTROL_TRIAL,
	CCP_CONTROL_FALLEN,
	CCP_CONTROL_STEADY
};

/* Opaque in use; plain so that it can lie on the stack and be copied. To be zeroed before its first begin. */
struct ccp_control {
	struct ccp_facts facts;
	struct ccp_decision decision;       /* its classes are those that the run is held against */
	struct ccp_group group[CCP_STAGES];
	double serial_rate, predicted_rate; /* 0 = unknown */
	unsigned window;
	bool squeezed;                      /* memory was short: the workers may not outgrow the window */
	enum ccp_control_phase phase;
	struct ccp_trial {
		unsigned group;
		unsigned from, to;          /* degrees; `from` is restored if the trial fails */
		unsigned origin;            /* the degree at which `rate` was seen: the best so far */
		unsigned lowest;            /* HALVED: where halving ends */
		bool halved;                /* a half was kept */
		double rate, sum;           /* there; of the windows since the last change */
		unsigned windows;
	} trial;
	unsigned frozen[CCP_STAGES];        /* windows until a group may grow again */
	unsigned backoff[CCP_STAGES];
	unsigned idle[CCP_STAGES];          /* windows in a row below half busy */
	unsigned below_serial;
	bool fell_back;                     /* to one worker; for good once that was seen to be no slower */
	unsigned flips[CCP_STAGES];         /* windows in a row of another class */
	unsigned redecided;
	double period_s;
	uint64_t steps;
	double rate_mean;                   /* of steady windows, smoothed; 0 = none yet */
	double noise;                       /* mean distance of a window's rate from it, as a share */
};

/*
 * Begins, or begins again after another decision. `serial_rate` and `predicted_rate` in the unit of observations; 0 =
 * unknown. Memory: *control is zeroed by the caller before the first time; later the count of decisions is kept.
 */
void ccp_control_begin(struct ccp_control *control, const struct ccp_facts *facts, const struct ccp_decision *decision,
		       const struct ccp_group group[CCP_STAGES], double serial_rate, double predicted_rate);

/*
 * One window is over. Returns whether it was long enough to be judged; if not (too few jobs for the number of workers:
 * (n - 1) / jobs >= 0.15, or less than 20 ms), the caller goes on collecting and steps again with the longer window. A
 * window of more than 2 s is always taken, and so is any that shows memory pressure. The change in *action counts as
 * done. An action can say two things: what became of the change before (elasticity is not NAN: it was judged; `kept`
 * tells how), and the next change. A trial takes up to three windows if they are noisy: until then nothing is judged.
 */
bool ccp_control_step(struct ccp_control *control, const struct ccp_observation *seen, struct ccp_action *action);

/*
 * Seconds until the next step is due: 0.03 at first and after a change, doubling up to 0.4 while nothing does, give or
 * take a fifth.
 */
double ccp_control_period(const struct ccp_control *control);

/*
 * Tells that a decision was made again and whether a change came of it (then ccp_control_begin is called, too, before
 * or after): the limit of CCP_REDECIDE_MAX counts either.
 */
void ccp_control_redecided(struct ccp_control *control, bool changed);

#endif
