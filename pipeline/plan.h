/*
 * plan.h: every decision about a run, made once.
 */
#ifndef CCP_PIPELINE_PLAN_H
#define CCP_PIPELINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/exec.h"
#include "pipeline/job.h"
#include "pipeline/transform.h"

#define CCP_PLAN_DESCRIPTORS 24u /* beside files under way: standard ones, events, rings, folders of the walk */

/* CPUs and memory that this process may use. Units: bytes. */
struct ccp_host {
	unsigned cpus_online;
	unsigned cpus_affinity;      /* sched_getaffinity */
	double cpu_quota;            /* of the cgroup, v1 or v2, in CPUs; 0 = none */
	unsigned cpus;               /* usable: max(1, ceil(min(affinity, quota))) */
	uint64_t memory;             /* of the machine */
	uint64_t memory_limit; /* of the cgroup; 0 = none */
	uint64_t descriptors;  /* RLIMIT_NOFILE; 0 = unknown */
	uint64_t memory_available; /* of the machine, without swapping; 0 = unknown */
	uint64_t memory_usage; /* of the cgroup whose limit is memory_limit, caches included; 0 = unknown */
	int cgroup;            /* version of the cgroups that govern CPU and memory: 1 or 2; 0 = none */
	char kernel[64];       /* its release */
	char cpu_model[64];
	char simd[32];         /* best of what the CPU has: "avx512", "avx2", "avx", "sse4.2", "sse2", "sve2", "sve",
				  "neon"; "unknown" */
};

/* Reads the facts. Never fails: what cannot be read counts as no limit. */
void ccp_host_read(struct ccp_host *host);

/* What the user asked for. Strings are borrowed; NULL or 0 = not given. */
struct ccp_plan_options {
	const char *strategy;        /* NULL or "auto"; "S", or "read=S,work=S,write=S" with any of them */
	const char *jobs;            /* "N", "N%", "-N" (CPUs less N), "auto" */
	unsigned readers, writers;
	const char *max_mem;         /* "SIZE" with K, M, G, or "N%" of the machine's memory */
	size_t window;               /* slots */
	bool isolate;                /* WORK in worker processes, whatever it costs */
	const char *plan_file;       /* a plan that was saved: taken as it is */
};

struct ccp_stage_plan {
	const struct ccp_strategy_ops *strategy;
	unsigned degree;
	unsigned exec;               /* stages with the same number share one executor (fused) */
};

struct ccp_plan {
	struct ccp_stage_plan stage[CCP_STAGES];
	unsigned jobs;               /* what -j came to */
	size_t window;               /* slots, W */
	uint64_t max_mem;            /* the budget */
	uint64_t memory;             /* what the arena and the workers' states can come to hold: <= max_mem */
	bool forks;                  /* some stage's strategy forks */
	bool automatic;              /* auto chooses: the stages begin serial, the window is the largest there may be */
	bool isolate;
	bool replayed;               /* from a saved plan */
	char why[160];               /* where strategy, degree and window come from, in words */
};

/*
 * Decides. Errors: -1 with CCP_E_USAGE for a strategy that does not fit its stage (the message names those that do), a
 * number that cannot be read, a budget too small for one slot (the message names the least); CCP_E_UNSUPPORTED for a
 * strategy that cannot run here, with its reason.
 */
int ccp_plan_make(struct ccp_plan *plan, const struct ccp_plan_options *options, const struct ccp_transform_need *need,
		  const struct ccp_host *host, const struct ccp_strategy_ops *const *strategies, struct ccp_err *err);

/*
 * Reads a saved plan: what it says of stages, degrees and window, the rest of `plan` is untouched. The format is text:
 * a line "# ccpipe plan 1", then "read KIND DEGREE EXEC", "work ...", "write ..." and "window N"; stages with the same
 * EXEC share workers. Errors: -1 with CCP_E_USAGE that names the line.
 */
int ccp_plan_load(struct ccp_plan *plan, const char *path, const struct ccp_strategy_ops *const *strategies,
		  struct ccp_err *err);

/* Writes the file that ccp_plan_load reads, whole or not at all. */
int ccp_plan_save(const struct ccp_plan *plan, const char *path, struct ccp_err *err);

/* "512K", "1.5G", "4096" -> bytes. Returns 0, or -1 if it is no size. */
int ccp_size_parse(const char *text, uint64_t *bytes);

#endif
