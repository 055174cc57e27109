/*
 * proc_box.h: what the parent, the helper and the workers of the strategy proc share: boxes in shared memory, one a
 * worker, through which jobs are handed over by number.
 *
 * A box is a ring of two entries with one writer and one reader: the parent fills an empty entry and says QUEUED, the
 * worker says BEGUN and later DONE, the parent takes the result and says EMPTY. There is no lock, so a worker that is
 * killed holds none, and the state of its entries tells which job it was running.
 */
#ifndef CCP_STRATEGIES_PROC_BOX_H
#define CCP_STRATEGIES_PROC_BOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/flow.h"
#include "pipeline/job.h"

/* One job runs, one waits, so that a worker need not sleep between two; more would only harm balance and retries. */
#define CCP_BOX_DEPTH 2

/*
 * EMPTY -> QUEUED (parent) -> BEGUN (worker) -> DONE (worker) -> EMPTY (parent); QUEUED -> EMPTY (parent takes it
 * back); EMPTY -> QUIT (parent).
 */
enum ccp_box_state { CCP_BOX_EMPTY, CCP_BOX_QUEUED, CCP_BOX_BEGUN, CCP_BOX_DONE, CCP_BOX_QUIT };

struct ccp_box_entry {
	_Atomic uint32_t state;      /* also the futex that the worker sleeps on */

	/* owned by the parent while EMPTY or DONE, by the worker while BEGUN */
	uint32_t slot;               /* of the job, in the arena */
	enum ccp_stage stage;        /* to run; when DONE, the last one that was run */
	bool fuse;                   /* go on with WORK after READ */
};

/* Aligned to two cache lines: the processor fetches them in pairs. */
struct ccp_box {
	_Alignas(128) struct ccp_box_entry entry[CCP_BOX_DEPTH];
};

/* Shape: one mapping, shared, before the fork. */
struct ccp_boxes {
	_Alignas(128) _Atomic uint32_t sleeping; /* the collector, or is about to: who clears it writes the bell */
	_Atomic uint32_t idle_state; /* enum ccp_meter_state: what a worker without a job waits for */
	_Atomic uint32_t wanted;     /* workers with this number or a higher one are parked, roughly: for accounts */
	struct ccp_box box[];
};

/* The hidden fault switch, "KIND@SEQ[xTIMES]". */
enum ccp_fault_kind {
	CCP_FAULT_NONE, CCP_FAULT_SEGV, CCP_FAULT_KILL, CCP_FAULT_ABORT, CCP_FAULT_EXIT, CCP_FAULT_OOM
};

struct ccp_fault {
	enum ccp_fault_kind kind;
	uint64_t seq;                /* of the job */
	unsigned times;              /* so many times WORK of that job kills its worker */
};

/* Reads a fault switch; NULL is none. Returns 0, or -1 if it is malformed. */
int ccp_fault_parse(struct ccp_fault *fault, const char *text);

/* What helper and workers need to know. Set before the fork, const afterwards. */
struct ccp_proc_setup {
	struct ccp_flow *flow;
	struct ccp_boxes *boxes;
	unsigned workers;            /* boxes there are */
	int bell;                    /* eventfd that wakes the collector */
	struct ccp_meter_account **account; /* of each worker; entries may be NULL */
	struct ccp_fault fault;
};

/* Wakes the collector if it sleeps. Threads, processes: any. */
void ccp_proc_ring(const struct ccp_proc_setup *setup);

/* Sleeps while *word is `value` (or for no reason); wakes whoever sleeps there. Across processes. */
void ccp_futex_wait(_Atomic uint32_t *word, uint32_t value);
void ccp_futex_wake(_Atomic uint32_t *word);

/* The life of worker number `index`: takes jobs out of its box until it says QUIT. */
_Noreturn void ccp_proc_worker(const struct ccp_proc_setup *setup, unsigned index);

/* Ends a forked process: no atexit, no flush of the parent's buffers, but coverage data are kept. */
_Noreturn void ccp_proc_leave(int status);

#endif
