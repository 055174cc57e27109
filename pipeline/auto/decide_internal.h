/*
 * decide_internal.h: what decide.c, decide_candidates.c, model.c and reasons.c share.
 */
#ifndef CCP_PIPELINE_AUTO_DECIDE_INTERNAL_H
#define CCP_PIPELINE_AUTO_DECIDE_INTERNAL_H

#include "pipeline/auto/decide.h"

#define CCP_NO_LIMIT UINT32_MAX
#define CCP_CANDIDATES_MAX 16
#define CCP_CANDIDATE_REASONS 6

/* The question, with what follows from the vectors at once. Times in ns a job. */
struct ccp_question {
	const struct ccp_facts *facts;
	const struct ccp_vector *vector; /* by enum ccp_stage */
	const struct ccp_costs *costs;
	double chunks;
	unsigned cpus;                   /* at least 1 */
	enum ccp_class class[CCP_STAGES];
	double share[CCP_STAGES];
	double cpu[CCP_STAGES];
	double service[CCP_STAGES];      /* cpu + blocked */
	bool idle[CCP_STAGES];           /* its time, or its waiting, is too little to matter */
	double cpu_sum, service_sum;
};

/* A plan that can be had. */
struct ccp_candidate {
	struct ccp_stage_choice stage[CCP_STAGES]; /* kind, degree, exec */
	unsigned rank;                             /* the simpler, the lower */
	unsigned window;
	double predicted_ns;
	struct ccp_reason reason[CCP_CANDIDATE_REASONS]; /* for the degrees */
	unsigned reasons;
};

/* How many jobs may be in a stage at once because of the order of bytes; CCP_NO_LIMIT = any number. */
unsigned ccp_stage_at_once(const struct ccp_facts *facts, enum ccp_stage stage);

/* First touch of the buffers of one more job under way. Units: ns. */
double ccp_slot_touch(const struct ccp_facts *facts, const struct ccp_vector vector[CCP_STAGES], double page);

/* All three stages in the caller. */
void ccp_candidate_serial(const struct ccp_question *question, struct ccp_candidate *candidate);

/* READ and WORK in worker processes, WRITE in threads. */
void ccp_candidate_proc(const struct ccp_question *question, struct ccp_candidate *candidate);

/*
 * Every plan that is legal and worth a look, with its prediction, in the order of rank; serial first, and none with
 * worker processes. Shape: room for CCP_CANDIDATES_MAX. Returns how many.
 */
unsigned ccp_candidates_make(const struct ccp_question *question, struct ccp_candidate *candidate);

/* The stages' kinds and degrees in words, as ccp_decision_text. */
void ccp_choice_text(const struct ccp_stage_choice choice[CCP_STAGES], char *text, size_t size);

#endif
