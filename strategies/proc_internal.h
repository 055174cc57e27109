/*
 * proc_internal.h: the executor of the strategy proc, as proc.c (calls of a strategy) and proc_collect.c (its thread)
 * see it.
 */
#ifndef CCP_STRATEGIES_PROC_INTERNAL_H
#define CCP_STRATEGIES_PROC_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "strategies/proc_box.h"
#include "strategies/proc_helper.h"
#include "strategies/queue.h"

enum ccp_proc_life {
	CCP_PROC_ABSENT,
	CCP_PROC_FORKING,            /* the helper was asked */
	CCP_PROC_LIVING,
	CCP_PROC_GIVEN_UP,           /* fork fails, or it dies again and again without any job */
};

/* What the parent knows of one worker. */
struct ccp_proc_worker {
	enum ccp_proc_life life;
	unsigned put, get;           /* entries ever filled and emptied; put - get <= CCP_BOX_DEPTH are in the box */
	struct ccp_job *job[CCP_BOX_DEPTH];
	enum ccp_stage stage[CCP_BOX_DEPTH];
	struct ccp_job *retry;       /* killed the one before and waits for the next to be born */
	enum ccp_stage retry_stage;
	unsigned stillborn;          /* deaths in a row that no job can be blamed for */
};

/* What the parent knows of a job while a worker has it: how it was, for a second try. */
struct ccp_proc_slot {
	struct ccp_job saved;
	bool stopped; /* nothing after it mattered already: what is to be folded came before an error or the end */
	unsigned deaths;
};

struct ccp_proc {
	/* set before the run; exec.degree: guarded by lock */
	struct ccp_exec exec;
	struct ccp_proc_setup setup;
	size_t boxes_bytes;
	struct ccp_meter_account *collector_account, *reader_account; /* or NULL; idle, they count as parked */
	size_t carry_bytes;          /* of an input, to be saved before WORK; 0 if WORK does not change it */
	bool fuses;
	pthread_t collector;
	bool collector_runs;

	pthread_mutex_t lock;

	/* guarded by lock */
	struct ccp_list submitted[CCP_STAGES];
	bool changed;                /* any of these since the collector looked */
	bool closing;
	struct ccp_list streams; /* READs that a worker cannot do: the reader thread's queue */
	unsigned streaming;          /* jobs in that queue or being read */
	bool reader_quit;
	pthread_cond_t reader_wake;

	/* owned by the collector (by open and close while there is none) */
	struct ccp_helper helper;
	bool helper_gone;
	bool heard;                  /* the helper's socket is readable */
	struct ccp_proc_worker *worker;
	struct ccp_proc_slot *slot;
	struct ccp_list ready[CCP_STAGES];
	unsigned wanted;             /* degree, as last seen */
	unsigned living, forking;
	bool broken;                 /* no worker, and none to come: all jobs fail with `broken_err` */
	struct ccp_err broken_err;
	pthread_t reader;
	bool reader_runs;
};

/* Hands a job over; the `submit` of the strategy. */
void ccp_proc_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job);

/* The collector: hands jobs to workers and takes them back, until the executor closes and is empty. */
void *ccp_proc_collect(void *proc);

/* Reads streams in the parent, one at a time, until reader_quit. */
void *ccp_proc_read_streams(void *proc);

/* Asks for workers as wanted. Gives up if there is none and none can be had. Threads: the collector or open. */
void ccp_proc_staff(struct ccp_proc *proc);

/* proc_death.c: listens to the helper: births, deaths and what becomes of the jobs. `wait` for one message at least. */
void ccp_proc_hear(struct ccp_proc *proc, bool wait);

/* Puts a job at the head of those that are ready. */
void ccp_proc_make_ready(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job);

/* For proc_death.c: puts a job in a worker's box; takes results out of it; passes a job on to the flow. */
void ccp_proc_put(struct ccp_proc *proc, struct ccp_proc_worker *worker, enum ccp_stage stage, struct ccp_job *job);
void ccp_proc_harvest(struct ccp_proc *proc, struct ccp_proc_worker *worker);
void ccp_proc_pass_on(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job);

/* Fails a job with `err`, whose offset becomes the job's, and passes it on. */
void ccp_proc_fail(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job, const struct ccp_err *err);

#endif
