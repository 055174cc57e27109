/*
 * plan_internal.h: between plan.c (which decides) and plan_numbers.c (which reads what was typed).
 */
#ifndef CCP_PIPELINE_PLAN_INTERNAL_H
#define CCP_PIPELINE_PLAN_INTERNAL_H

#include "pipeline/plan.h"

#define CCP_JOBS_MAX 1024u

/* -j: "auto" or NULL, N, -N (CPUs less N), N% of the CPUs. Errors: CCP_E_USAGE. */
int ccp_plan_parse_jobs(const char *text, const struct ccp_host *host, unsigned *jobs, struct ccp_err *err);

/* --max-mem, or a quarter of the machine's memory and at most half of the cgroup's limit. Errors: CCP_E_USAGE. */
int ccp_plan_parse_budget(const char *text, const struct ccp_host *host, uint64_t *bytes, struct ccp_err *err);

#endif
