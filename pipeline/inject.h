/*
 * inject.h: delays on demand, so that slow devices, slow calls and changing work can be built without root. For tests
 * and benchmarks (--inject), never in the way otherwise: without it no call is made.
 */
#ifndef CCP_PIPELINE_INJECT_H
#define CCP_PIPELINE_INJECT_H

#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/job.h"

/*
 * "read_delay_us=5000,work_cpu_us=300": names and numbers. from_job and until_job bound all of them, so that a run can
 * change half way: they hold for jobs with from_job <= seq < until_job.
 */
struct ccp_inject_options {
	uint64_t delay_us[CCP_STAGES];  /* read_delay_us, work_delay_us, write_delay_us: sleeps, a job */
	uint64_t cpu_us[CCP_STAGES];    /* read_cpu_us, work_cpu_us, write_cpu_us: burns CPU, a job */
	uint64_t bps[CCP_STAGES];       /* read_bps, write_bps: bytes a second, of all workers together; 0 = no limit */
	uint64_t from_job, until_job;   /* 0 = no end */
};

/* Reads the text; bytes may be written as "20M". Errors: -1 with CCP_E_USAGE that names the word. */
int ccp_inject_parse(struct ccp_inject_options *options, const char *text, struct ccp_err *err);

struct ccp_inject;

/* Memory: returned; mapped shared, so that worker processes share the bandwidth. */
int ccp_inject_new(struct ccp_inject **inject, const struct ccp_inject_options *options, struct ccp_err *err);
void ccp_inject_free(struct ccp_inject *inject);

/*
 * What this job's stage has to wait: takes its share of the bandwidth (from now on) and returns how long the job must
 * be held, its delay included. Units: ns. For executors that hold jobs without sleeping. Threads, processes: any.
 */
uint64_t ccp_inject_delay(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job);

/* Burns the CPU of this job's stage, in the caller, and does not sleep. Goes with ccp_inject_delay. */
void ccp_inject_burn(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job);

/* Burns the CPU and sleeps, in the caller. */
void ccp_inject_apply(struct ccp_inject *inject, enum ccp_stage stage, const struct ccp_job *job);

#endif
