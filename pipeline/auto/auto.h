/*
 * auto.h: the words of `auto`: facts, measured vectors, classes, a decision and its reasons. Plain data; what is done
 * with it stands in decide.h (which plan), control.h (what to change while it runs) and driver.h (doing it).
 */
#ifndef CCP_PIPELINE_AUTO_AUTO_H
#define CCP_PIPELINE_AUTO_AUTO_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/job.h"

/* The strategies that auto chooses from; the order breaks ties: the simpler first. */
enum ccp_kind { CCP_KIND_SERIAL, CCP_KIND_OMP, CCP_KIND_THREADS, CCP_KIND_ASYNC, CCP_KIND_PROC, CCP_KINDS };

/* "serial", "omp", "threads", "async", "proc": names in ccp_strategies[] */
const char *ccp_kind_name(enum ccp_kind kind);

/* What a stage's time is spent on. */
enum ccp_class {
	CCP_CLASS_NONE,        /* not measured */
	CCP_CLASS_CPU,         /* CPU share >= 0.80 */
	CCP_CLASS_MIXED,       /* between */
	CCP_CLASS_WAIT_POLL,   /* <= 0.20, waits for a pipe, socket or terminal */
	CCP_CLASS_WAIT_FILE,   /* <= 0.20, waits for a regular file of a local file system that is not cached */
	CCP_CLASS_WAIT_OPAQUE, /* <= 0.20, waits in a call that nobody else can wait for */
	CCP_CLASS_STARVED,     /* the source is slower than one serial worker: no degree helps */
	CCP_CLASSES
};

/* "none", "cpu", "mixed", "wait_poll", "wait_file", "wait_opaque", "starved" */
const char *ccp_class_name(enum ccp_class class);

enum ccp_fs { CCP_FS_UNKNOWN, CCP_FS_LOCAL, CCP_FS_MEMORY, CCP_FS_REMOTE };

/* What is known before a byte is read. */
struct ccp_facts {
	/* the machine */
	unsigned cpus;          /* usable, or what -j said: P */
	double cpu_quota;       /* of the cgroup, in CPUs; 0 = none */
	unsigned others;        /* tasks of others that want a CPU just now (/proc/loadavg) */
	/* memory. Units: bytes. */
	uint64_t mem_budget;    /* for slots and workers' states */
	uint64_t slot_bytes;    /* one slot, both buffers */
	uint64_t state_bytes;   /* one worker's state */
	unsigned slots;         /* slots that there are: the largest window */
	/* the inputs */
	uint64_t total_bytes;   /* of the regular files seen so far */
	uint64_t inputs;        /* seen so far */
	bool total_known;       /* the walk is complete and nothing is a stream */
	uint64_t chunk_bytes;
	bool stream;            /* the (first) input is a pipe, socket or terminal: read in order, by one at a time */
	enum ccp_fs fs;         /* of the first input */
	double cached;          /* share of its pages in the page cache, -1 = unknown */
	/* the work */
	bool sequential;        /* WORK of one input goes in order: parallel across inputs only */
	bool shared_output;     /* WRITE goes in order over all inputs */
	bool isolate;           /* WORK must run in worker processes */
	/* what can run here */
	bool can[CCP_KINDS];
	bool async_ring;        /* async has io_uring, not helper threads */
};

/* What one job costs one stage, measured in the probe or a window. Units: ns a job. */
struct ccp_vector {
	uint64_t jobs;          /* that were measured; 0 = not measured */
	double cpu, runq, blocked;
	double bytes;           /* of input, a job */
};

/* Costs of the machine that the model uses. Units: ns, unless said otherwise. */
struct ccp_costs {
	double thread;          /* start and join a thread */
	double omp;             /* the change to an OpenMP team, without its threads */
	double fork;            /* start a worker process */
	double loop;            /* start an event loop */
	double handoff;         /* a job through a queue to another thread */
	double ring;            /* a job through shared memory to another process, both ways */
	double op;              /* one more operation of an event loop */
	double page;            /* first touch of 4 KiB of private memory */
	double page_shared;     /* the same, shared */
};

/* The compiled defaults; measured on a 2-CPU virtual machine of 2024. */
extern const struct ccp_costs ccp_costs_default;

/* Why; the numbers stand beside it. Names and words: reasons.c, documented in the manual page. */
enum ccp_reason_code {
	CCP_WHY_NONE,
	CCP_WHY_SMALL,            /* all inputs together are at most `threshold` bytes */
	CCP_WHY_DONE_IN_PROBE,    /* the input ended within the probe */
	CCP_WHY_LOW_CONFIDENCE,   /* the probe saw `value` chunks only */
	CCP_WHY_CPU_SHARE,        /* CPU share `value` >= `threshold` */
	CCP_WHY_MIXED_SHARE,      /* CPU share `value` between 0.20 and 0.80 */
	CCP_WHY_WAIT_SHARE,       /* CPU share `value` <= `threshold` */
	CCP_WHY_POLLABLE,         /* the input is a pipe, socket or terminal */
	CCP_WHY_COLD_FILE,        /* `value` of the pages are cached, < `threshold` */
	CCP_WHY_OPAQUE,           /* the waits are inside a call: remote file system, or cached and waiting still */
	CCP_WHY_STARVED,          /* the source takes `value` of the serial time, > `threshold` */
	CCP_WHY_BUSY,             /* run-queue share `value` > `threshold`: others use the CPUs */
	CCP_WHY_CPUS,             /* degree = CPUs: `value` */
	CCP_WHY_GOETZ,            /* degree `value`: CPUs / CPU share `threshold`, and some to spare */
	CCP_WHY_LITTLE,           /* degree `value`: so many are busy at `threshold` jobs a second */
	CCP_WHY_FEW_LEFT,         /* degree `value`: more would not pay for their start, `threshold` s are left */
	CCP_WHY_SEQUENTIAL,       /* one input's work cannot be split: at most `value` inputs at once */
	CCP_WHY_MEMORY,           /* degree or window held to `value` by the memory budget of `threshold` bytes */
	CCP_WHY_ISOLATE,          /* --isolate: worker processes */
	CCP_WHY_PREDICTED,        /* predicted time of the choice `value` s; serial `threshold` s */
	CCP_WHY_SIMPLER,          /* simpler than the best, within `value` (share of time) of it, limit `threshold` */
	CCP_WHY_NO_GAIN,          /* no plan beats serial by more than 3 % or 1 ms */
	CCP_WHY_FUSED,            /* the stages share workers: a hand-off would cost `value` s */
	CCP_WHY_PROC_PRICE,       /* proc was not taken: `value` s more */
	CCP_WHY_NOT_STARTED,      /* the workers could not be started (errno `value`): serial */
	/* while it runs */
	CCP_WHY_VERIFIED,         /* rate is `value` of the predicted, within `threshold` */
	CCP_WHY_SLOWER,           /* rate is `value` of the predicted, below `threshold`: half the workers are tried */
	CCP_WHY_BANDWIDTH,        /* half the workers gave `value` of the rate: the source's bandwidth is the limit */
	CCP_WHY_ELASTIC,          /* more workers pay: elasticity `value` >= `threshold` */
	CCP_WHY_INELASTIC,        /* they do not: `value` < `threshold`; undone */
	CCP_WHY_BOTTLENECK,       /* workers are busy `value` > `threshold` */
	CCP_WHY_IDLE,             /* workers are busy `value` < `threshold` */
	CCP_WHY_WORSE_THAN_SERIAL,/* rate is `value` of the probe's serial rate, twice */
	CCP_WHY_CLASS_CHANGED,    /* the CPU share is now `value`, past `threshold` for three windows */
	CCP_WHY_MEMORY_PRESSURE,  /* the system is short of memory: `value` > `threshold` */
	CCP_WHYS
};

/* "SMALL", "CPU_SHARE", …: the code in JSON and in the manual page. */
const char *ccp_reason_name(enum ccp_reason_code code);

struct ccp_reason {
	enum ccp_reason_code code;
	int stage;              /* enum ccp_stage; -1 = the whole run */
	double value, threshold;
};

/* The reason in words with its numbers: "CPU share 0.97 >= 0.80". Shape: `size` bytes with the final NUL. */
void ccp_reason_text(const struct ccp_reason *reason, char *text, size_t size);

struct ccp_stage_choice {
	enum ccp_kind kind;
	unsigned degree;
	unsigned exec;          /* stages with the same number share workers (fused) */
	enum ccp_class class;   /* what was found */
	double share;           /* CPU share f; -1 = not measured */
};

#define CCP_DECISION_REASONS 16
#define CCP_DECISION_OTHERS 8

/* A plan that was weighed and not taken. */
struct ccp_rejected {
	char plan[64];          /* "threads x2", "read async x16, work omp x2" */
	double predicted_ns;
};

struct ccp_decision {
	struct ccp_stage_choice stage[CCP_STAGES];
	unsigned window;        /* slots */
	double predicted_ns;    /* for the chunks that are left; 0 = nothing was measured */
	double predicted_rate;  /* jobs a second */
	double serial_ns;       /* the same chunks, serial */
	struct ccp_reason reason[CCP_DECISION_REASONS];
	unsigned reasons;
	struct ccp_rejected rejected[CCP_DECISION_OTHERS];
	unsigned rejects;
};

/* "serial", "omp x2", "read threads x16, work omp x2, write with work" */
void ccp_decision_text(const struct ccp_decision *decision, char *text, size_t size);

#endif
