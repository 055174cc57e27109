/*
 * profile.h: what one run was like: filled while it runs and at its end, read by the reports (--profile, -v, compare).
 */
#ifndef CCP_PIPELINE_PROFILE_H
#define CCP_PIPELINE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "pipeline/auto/auto.h"
#include "pipeline/auto/decide.h"
#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/meter.h"
#include "pipeline/net/fetch.h"
#include "pipeline/plan.h"
#include "pipeline/pressure.h"

struct ccp_exec;
struct ccp_flow;

#define CCP_PROFILE_EXECS 16
#define CCP_PROFILE_TICKS 2048
#define CCP_PROFILE_CHANGES 64

/* The state of the run at one moment. Units: ns since the run began; totals so far. */
struct ccp_tick {
	uint64_t t_ns;
	uint64_t bytes_in, bytes_out, jobs; /* emitted */
	uint64_t cpu_ns;                    /* of this process and of ended children */
	unsigned live;                      /* slots in use */
	unsigned degree[CCP_STAGES];
	uint8_t kind[CCP_STAGES];           /* number of the stage's executor in `exec` */
};

/* One change while it ran, or the first plan. */
struct ccp_change {
	uint64_t t_ns;
	unsigned stages;                    /* CCP_STAGE_BITs; 0 = the window */
	char from[80], to[80];              /* "threads x2", "window 6" */
	double rate_before, rate_after;     /* bytes a second; 0 = unknown */
	double elasticity;                  /* NAN = not judged */
	bool kept, judged;
	struct ccp_reason reason;
};

/* One executor and its workers. */
struct ccp_profile_exec {
	const char *strategy;
	unsigned degree;                    /* at the end */
	unsigned stages;                    /* CCP_STAGE_BITs that it had at the end, or last */
	struct ccp_meter_sum sum;
};

struct ccp_profile_stage {
	const char *strategy;               /* at the end */
	unsigned exec;                      /* index in profile.exec, at the end */
	unsigned degree, degree_max;
	double degree_mean;                 /* over time */
	enum ccp_class class;               /* over the whole run */
	double share;                       /* CPU share f; -1 = no time was spent */
	struct ccp_meter_times time;        /* over all executors that ever had the stage. Units: ns */
	uint64_t jobs, bytes_in, bytes_out;
	double p50_ns, p95_ns, max_ns;      /* service times */
	double utilisation;                 /* of its workers' unparked time that was spent on this stage */
	double rate_alone;                  /* input bytes a second, if only this stage limited the run; 0 = none */
	bool fused_with_previous;           /* the same workers as the stage before */
};

/* What limits the run. */
enum ccp_limit {
	CCP_LIMIT_NONE,                     /* too short to say */
	CCP_LIMIT_CPU,                      /* all CPUs are busy */
	CCP_LIMIT_SERIAL_CPU,               /* one worker is busy, and the work cannot be split, or was not */
	CCP_LIMIT_OTHERS,                   /* other programs use the CPUs */
	CCP_LIMIT_SOURCE,                   /* reading waits */
	CCP_LIMIT_WORK_WAITS,               /* the transform waits in calls */
	CCP_LIMIT_OUTPUT,                   /* writing waits */
	CCP_LIMIT_ORDER,                    /* the one output in order */
	CCP_LIMIT_DEGREE,                   /* too few workers for the waits */
	CCP_LIMIT_MEMORY,                   /* the window is full: --max-mem or --window holds it back */
};

const char *ccp_limit_name(enum ccp_limit limit);

struct ccp_profile {
	/* set by whoever makes it */
	struct ccp_host host;
	bool detailed;                      /* somebody will read it: also what is only told, and never decided on */

	/* the run */
	struct ccp_plan plan;
	const char *transform, *sink;
	uint64_t begun_ns;
	double wall_s, user_s, sys_s;       /* CPU of this process and its children, during the run */
	uint64_t bytes_in, bytes_out, jobs, inputs_done, inputs_skipped, inputs_failed;
	uint64_t peak_rss;                  /* bytes; of this process */
	uint64_t buffers;                   /* bytes that the slots in use came to at most */
	double psi_cpu_s, psi_io_s, psi_mem_s; /* "some" during the run; -1 = the kernel does not tell */
	double external_load;               /* CPUs that others used meanwhile, 0 … ; -1 = unknown */
	uint64_t throttled_ns;              /* by the cgroup's quota */
	bool sequential, shared_output;     /* WORK of one input, or all WRITE, goes in order */
	uint64_t slot_bytes;
	bool goes_ahead;                    /* the transform can work on a chunk before its turn */
	uint64_t ahead, ahead_used;         /* chunks for which it did; and it was of use */
	double live_mean;
	unsigned live_max;
	bool cancelled;
	struct ccp_fetch_depth_info network; /* at_once is 0 if nothing came from there */

	/* where time went */
	struct ccp_profile_stage stage[CCP_STAGES];
	struct ccp_profile_exec exec[CCP_PROFILE_EXECS];
	unsigned execs;
	struct ccp_meter_sum all;           /* over all executors */
	struct ccp_meter *meter;            /* owned; for the trace */

	/* what its beginning looked like: the recorder's own */
	struct {
		struct rusage self, children;
		struct ccp_pressure pressure;
		double busy_s;
		uint64_t throttled_ns;
		double live_ns;                 /* integral of live over time */
		double degree_ns[CCP_STAGES];
		unsigned degree[CCP_STAGES];
		uint64_t last_ns;
	} own;

	/* over time */
	struct ccp_tick tick[CCP_PROFILE_TICKS];
	unsigned ticks;
	uint64_t tick_step_ns;              /* the least distance of two; doubled when the table is full */

	/* auto */
	bool automatic;                     /* auto chose */
	bool replayed;                      /* --plan */
	struct ccp_facts facts;
	enum ccp_probe_stop probe_stop;
	uint64_t probe_jobs;
	unsigned probe_workers;
	double probe_s;
	struct ccp_vector probe_vector[CCP_STAGES];
	struct ccp_decision decision;       /* the first one */
	struct ccp_decision final;          /* the last one, with the degrees at the end */
	bool decided;                       /* there was one */
	struct ccp_change change[CCP_PROFILE_CHANGES];
	unsigned changes;

	/* the verdict: ccp_profile_end */
	enum ccp_limit limit;
	double ceiling_rate;                /* bytes a second that tuning could reach at most; 0 = unknown */
	char limit_text[200];               /* what limits the run and what would help, one line */
};

/*
 * Begins: clocks, pressure. The profile is zero before, but for host and detailed. The meter becomes the profile's.
 * `slot_bytes` is what one slot holds.
 */
void ccp_profile_begin(struct ccp_profile *profile, const struct ccp_plan *plan, struct ccp_meter *meter,
		       uint64_t slot_bytes);
void ccp_profile_release(struct ccp_profile *profile);

/* An executor was opened: exec->number is its place in profile.exec. */
void ccp_profile_add_exec(struct ccp_profile *profile, const struct ccp_exec *exec);

/*
 * Records the state now, at most once a tick_step_ns unless it is the `last` time. `stage` are the stages' executors.
 * Threads: the caller of ccp_run.
 */
void ccp_profile_tick(struct ccp_profile *profile, struct ccp_flow *flow, struct ccp_exec *const stage[CCP_STAGES],
		      bool last);

/*
 * Records a change. Returns it, so that what came of it can be filled in, or the last one's place if there are too
 * many.
 */
struct ccp_change *ccp_profile_change(struct ccp_profile *profile);

/* Adds up, and finds what limited the run. All workers have ended. */
void ccp_profile_end(struct ccp_profile *profile, struct ccp_flow *flow);

/* profile_limit.c: the verdict from all the rest: limit, ceiling_rate, limit_text. */
void ccp_profile_judge(struct ccp_profile *profile);

#endif
