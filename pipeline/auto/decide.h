/*
 * decide.h: from facts and measured vectors to a plan: a pure function.
 */
#ifndef CCP_PIPELINE_AUTO_DECIDE_H
#define CCP_PIPELINE_AUTO_DECIDE_H

#include "pipeline/auto/auto.h"

/* Limits of the classes and of the choice. The manual page names them. */
#define CCP_SHARE_CPU 0.80
#define CCP_SHARE_WAIT 0.20
#define CCP_SMALL_BYTES (256u << 10)
#define CCP_SMALL_INPUTS 4u
#define CCP_TIE_SHARE 0.03
#define CCP_TIE_NS 1e6
#define CCP_DEGREE_MAX 64u

/* How the probe ended. */
enum ccp_probe_stop {
	CCP_PROBE_NONE,       /* no probe: facts alone decide (small, isolate) */
	CCP_PROBE_END,        /* the input ended */
	CCP_PROBE_TIME,       /* enough was seen */
	CCP_PROBE_BLOCKED,    /* a chunk blocked for more than 1 ms */
	CCP_PROBE_LONG,       /* it took long; few chunks were seen */
};

/* Whether these inputs are so small that nothing is measured at all. */
bool ccp_facts_small(const struct ccp_facts *facts);

/*
 * Class of a stage by its vector: share f = cpu / (cpu + blocked). `previous` is its class so far: to leave it, f must
 * pass the limit by 0.05 (CCP_CLASS_NONE = none yet). What kind of waiting it is comes from the facts, never from
 * timing; for WORK and WRITE it is OPAQUE. Returns the class and sets *share (-1 if the vector is empty).
 */
enum ccp_class ccp_classify(const struct ccp_facts *facts, enum ccp_stage stage, const struct ccp_vector *vector,
			    enum ccp_class previous, double *share);

/*
 * Decides for `chunks_left` jobs (a guess if the total is not known: large). `vector` is by enum ccp_stage; the costs
 * of the hub are in WRITE's. Never fails; always gives at least one reason. Pure: no clock, no state, no call of the
 * system.
 */
void ccp_decide(struct ccp_decision *decision, const struct ccp_facts *facts, enum ccp_probe_stop stop,
		const struct ccp_vector vector[CCP_STAGES], double chunks_left, const struct ccp_costs *costs);

/*
 * The model: predicted time of `chunks` jobs under the stage choices (kind, degree, exec) of a decision. Units: ns.
 * Used by ccp_decide, by tests, and to forecast ("4 CPUs would give").
 */
double ccp_predict(const struct ccp_stage_choice choice[CCP_STAGES], const struct ccp_facts *facts,
		   const struct ccp_vector vector[CCP_STAGES], double chunks, const struct ccp_costs *costs);

#endif
