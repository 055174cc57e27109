/*
 * meter.h: where the time of every worker went.
 *
 * A worker (a thread, a process, the caller) has one account and is in exactly one state at any moment. Each change of
 * state is marked with the monotonic clock, so the states' wall times add up to the worker's life by construction. The
 * four busy states are told apart further, into CPU, run queue and blocked, by samples:
 *
 *   cpu      CLOCK_THREAD_CPUTIME_ID
 *   runq     field 2 of /proc/thread-self/schedstat: ready to run, but no CPU was free
 *   blocked  what is left of the wall, if a voluntary context switch happened (ru_nvcsw); if none did, what is left is
 *            time that a hypervisor or an interrupt took, and counts as runq: a call that blocks always switches
 *
 * A sampled stage call costs up to 10 us, so calls are sampled as seldom as keeps that below 0.5 % of their time: the
 * first 8 of each stage, then every k-th on average. What was not sampled is estimated from what was, in proportion to
 * its wall. Calls block in bursts (one read ahead of 8 MiB serves a hundred reads), and samples would miss most of
 * them; so a long interval (0.5 ms, or much more than the average) is always measured at its end, and counts as itself
 * only.
 *
 * Source: getrusage(2), clock_gettime(2), Linux Documentation/scheduler/sched-stats.rst.
 */
#ifndef CCP_PIPELINE_METER_H
#define CCP_PIPELINE_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"
#include "pipeline/job.h"

/* What a worker is doing. The first three are the stages, in the order of enum ccp_stage; the first four are busy. */
enum ccp_meter_state {
	CCP_METER_READ,
	CCP_METER_WORK,
	CCP_METER_WRITE,
	CCP_METER_HUB,      /* the flow: NEXT, names and folders, order, hand-off */
	CCP_METER_WAIT_IN,  /* nothing to do: no input, or an earlier stage is not yet through */
	CCP_METER_WAIT_OUT, /* nothing to do: all slots are taken, the output is behind */
	CCP_METER_PARKED,   /* beyond the degree */
	CCP_METER_STATES
};
#define CCP_METER_BUSY 4

#define CCP_METER_ACCOUNTS 512 /* workers that can be told apart in one run */
#define CCP_METER_BINS 192     /* of service times: four to each doubling, from 1 ns */

/* One interval of a worker, for the trace. Units: ns of CLOCK_MONOTONIC. */
struct ccp_span {
	uint64_t begin_ns;
	uint64_t length_ns;
	uint64_t seq;       /* of the job; UINT64_MAX = none */
	uint32_t bytes;     /* of the job's input, at most 4 GiB less one */
	uint8_t state;      /* enum ccp_meter_state */
	uint8_t overlaps;   /* an operation of an event loop: spans of one account may overlap */
	uint16_t reserved;
};

/*
 * One worker's account. Threads: written by its worker alone, read by any at any time. since_ns is 0 while a mark
 * changes the figures, so that a reader can tell that it has seen all of them between two marks.
 */
struct ccp_meter_account {
	/* set by ccp_meter_open */
	_Alignas(64) _Atomic(const char *) strategy; /* its name; NULL = not in use */
	unsigned exec;                  /* number of the executor that it works for, from 0 in the order of opening */
	unsigned number;                /* of the worker in its executor */
	bool loop;                      /* an event loop: READ holds many jobs at once, ccp_meter_note counts them */
	bool aside;                     /* a helper of its executor: only what it does counts, not that it waits */

	_Atomic uint64_t begun_ns, since_ns, ended_ns; /* first mark; last mark; 0 = lives */
	_Atomic unsigned state;                        /* since since_ns */
	_Atomic int pid, tid;

	_Atomic uint64_t wall_ns[CCP_METER_STATES];
	/* of sampled intervals that are not long: parts of sampled_ns, which is a part of wall_ns */
	_Atomic uint64_t sampled_ns[CCP_METER_BUSY];
	_Atomic uint64_t cpu_ns[CCP_METER_BUSY], runq_ns[CCP_METER_BUSY], blocked_ns[CCP_METER_BUSY];
	/* of all long intervals: they add up to another part of wall_ns */
	_Atomic uint64_t long_cpu_ns[CCP_METER_BUSY], long_runq_ns[CCP_METER_BUSY], long_blocked_ns[CCP_METER_BUSY];
	_Atomic bool sampling;                       /* the interval since since_ns is sampled */
	_Atomic uint64_t cpu_clock, runq_clock;      /* what the thread's two clocks said at the last sample */
	_Atomic uint64_t jobs[CCP_STAGES];
	_Atomic uint64_t bytes_in[CCP_STAGES], bytes_out[CCP_STAGES];
	_Atomic uint64_t service_ns[CCP_STAGES]; /* sum over jobs; equals wall_ns unless `loop` */
	_Atomic uint32_t bins[CCP_STAGES][CCP_METER_BINS];
	_Atomic uint64_t switches_vol, switches_inv; /* over its life, as of its last sample */
	_Atomic uint64_t life_cpu_ns;                /* CPU of its life so far, as of its last sample or its end */

	/* the trace: spans[0 … first_kept) stay, the rest is a ring of the latest */
	struct ccp_span *spans; /* NULL = no trace */
	size_t span_capacity;
	_Atomic uint64_t span_count; /* ever written */

	/* the worker's own */
	struct {
		int schedstat_fd;                  /* of the thread `tid`; -1 = none */
		bool deaf;               /* no descriptor is left for it */
		unsigned countdown;                /* stretches to pass over before the next sample */
		uint32_t random;
		uint64_t stretches;                /* busy ones so far, sampled or not */
		uint64_t long_ns;                  /* from this length on an interval is long */
		uint8_t firsts[CCP_METER_BUSY];    /* sampled because they were the first */
		uint64_t slept;                    /* waits since the last sample that will have switched */
		uint64_t wall[CCP_METER_BUSY];     /* wall_ns at the last sample */
		uint64_t cpu, nvcsw;               /* the thread's, at the last sample */
		uint64_t cpu0, nvcsw0, nivcsw0;    /* the thread's, when it took the account over */
		uint64_t life0, vol0, inv0;        /* the account's then */
	} own;
};

struct ccp_meter;

/*
 * Maps the accounts (shared, so that worker processes forked later write into them). `spans` per account are kept for a
 * trace, 0 = none; if there is no address space for so many, only the first accounts have a trace, or none has.
 * Memory: returned; untouched accounts take none.
 */
int ccp_meter_new(struct ccp_meter **meter, size_t spans, struct ccp_err *err);
void ccp_meter_free(struct ccp_meter *meter);

/*
 * How many workers may keep a descriptor open (of schedstat): the first ones do; the run queue of the others counts as
 * blocked time if they switched, else as CPU. Before any account is opened.
 */
void ccp_meter_limit(struct ccp_meter *meter, unsigned descriptors);

/*
 * An account for worker `number` of executor `exec`. NULL if `meter` is NULL or all accounts are taken: all calls below
 * accept NULL and do nothing. Its life begins with the first mark. Threads: any.
 */
struct ccp_meter_account *ccp_meter_open(struct ccp_meter *meter, const char *strategy, unsigned exec, unsigned number);

/* The worker is in `state` from now on. Threads: the account's worker. */
void ccp_meter_mark(struct ccp_meter_account *account, enum ccp_meter_state state);

/*
 * The same, and the interval that ends was spent on this job: counts it, its bytes and its service time. A job of which
 * only a part was done (job->more) is counted, with the bytes of its input, when its last part is done.
 */
void ccp_meter_mark_job(struct ccp_meter_account *account, enum ccp_meter_state state, enum ccp_stage done,
			const struct ccp_job *job);

/* An event loop has finished READ of a job that it began at begin_ns. Threads: the account's worker. */
void ccp_meter_note(struct ccp_meter_account *account, enum ccp_stage done, const struct ccp_job *job,
		    uint64_t begin_ns);

/*
 * The worker ends. A later mark opens the account again (a process that was replaced); the time between counts as
 * parked. Threads: the account's worker, or, once it is dead, any: its CPU time since its last sample is then not in
 * life_cpu_ns.
 */
void ccp_meter_close(struct ccp_meter_account *account);

/* Parts of a time. Units: ns. wall = cpu + runq + blocked. */
struct ccp_meter_times {
	double wall, cpu, runq, blocked;
};

/* Sums over accounts, at one moment. Differences of two are the vectors of a window. */
struct ccp_meter_sum {
	unsigned workers; /* accounts that were marked at all */
	double life;      /* ns, over workers */
	struct ccp_meter_times busy[CCP_METER_BUSY];
	double wait_in, wait_out, parked; /* ns; life = all walls of `busy` and these three */
	uint64_t jobs[CCP_STAGES], bytes_in[CCP_STAGES], bytes_out[CCP_STAGES];
	double service[CCP_STAGES]; /* ns, sum over jobs */
	double life_cpu;            /* ns */
	uint64_t switches_vol, switches_inv;
};

/*
 * Adds up the accounts of executor `exec`, or of all if it is negative. Open intervals count up to now. A busy one is
 * divided as its state was so far; if it is long and sampled, by what the kernel tells of its thread now.
 * Threads: any.
 */
void ccp_meter_read(struct ccp_meter *meter, int exec, struct ccp_meter_sum *sum);

/*
 * later - earlier, field by field; negative differences (an estimate that was corrected) become 0, and sums are made to
 * agree with their parts again. `workers` stays the later one's.
 */
void ccp_meter_subtract(struct ccp_meter_sum *later, const struct ccp_meter_sum *earlier);

/*
 * Quantile q (0 … 1) of a stage's service time over all accounts of `exec` (negative = all), within an eighth or so.
 * Units: ns. 0 = no job.
 */
double ccp_meter_quantile(struct ccp_meter *meter, int exec, enum ccp_stage stage, double q);

/* The accounts that were opened, for reports. Shape: `count` of them. */
struct ccp_meter_account *ccp_meter_accounts(struct ccp_meter *meter, size_t *count);

/*
 * Visits the kept spans of an account in the order of their end. Returns how many were dropped in the middle.
 * Threads: after the worker has ended.
 */
uint64_t ccp_meter_spans(struct ccp_meter *meter, const struct ccp_meter_account *account,
			 void (*visit)(void *arg, const struct ccp_span *span), void *arg);

/* "read", "work", "write", "hub", "wait_in", "wait_out", "parked" */
const char *ccp_meter_state_name(enum ccp_meter_state state);

/* CLOCK_MONOTONIC. Units: ns. */
uint64_t ccp_meter_now(void);

#endif
