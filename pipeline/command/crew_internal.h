/*
 * crew_internal.h: the inside of a run of many programs; between crew.c and crew_job.c.
 */
#ifndef CCP_PIPELINE_COMMAND_CREW_INTERNAL_H
#define CCP_PIPELINE_COMMAND_CREW_INTERNAL_H

#include "pipeline/command/child.h"
#include "pipeline/command/crew.h"

enum phase { PHASE_RUNS, PHASE_TERM, PHASE_KILL };
enum source { SOURCE_END, SOURCE_OUT, SOURCE_ERR, SOURCES };

/* A job from its start until it was handed over. */
struct crew_job {
	struct crew_job *next, *before; /* in the order of their starts */
	struct crew_job *held_next;
	void *item;
	unsigned slot;       /* from 0 */
	unsigned tries;
	struct ccp_child child;
	struct ccp_kept out, err;
	enum phase phase;
	bool timed_out;
	uint64_t shown_bytes;
	bool waits;          /* is through, but not handed over */
	enum ccp_crew_end end;
	uint64_t began_ns;   /* of the day */
	uint64_t start_ns, end_ns, took_ns; /* monotonic; end: when the next phase begins, UINT64_MAX = never */
	struct ccp_err why;
};

struct crew {
	const struct ccp_crew_options *options;
	const struct ccp_crew_calls *calls;
	struct ccp_crew_totals *totals;
	int epoll_fd, null_fd;
	struct crew_job **slots; /* options->degree; NULL = free */
	unsigned running;
	struct crew_job *first, *last;
	struct crew_job *held;   /* to be started next: once more, or for want of processes or descriptors only now */
	uint64_t held_until_ns;
	uint64_t memory_bytes;
	uint64_t waiting, waiting_bytes; /* jobs that are through but not handed over; in memory */
	uint64_t files, files_max;       /* spools of these that have one */
	bool more, later, stopping;
	unsigned cancels;
};

/* A clock in ns. */
uint64_t ccp_crew_clock(int clock);

/*
 * Starts a try of a job in a free slot. Returns 0, or 1 if there is no room for another process now; what cannot be
 * run at all is through at once. Errors: -1.
 */
int ccp_crew_start(struct crew *crew, struct crew_job *job, struct ccp_err *err);

/* Something happened to the child in a slot. Errors: -1. */
int ccp_crew_event(struct crew *crew, struct crew_job *job, enum source source, struct ccp_err *err);

/* What is due now: timeouts, and SIGKILL for those that go on after SIGTERM. Errors: -1. */
int ccp_crew_due(struct crew *crew, struct ccp_err *err);

/* No job is started any more; with `now` those that run are stopped, with `hard` without patience. */
void ccp_crew_stop(struct crew *crew, bool now, bool hard);

/* Lets a job be the next that is started. */
void ccp_crew_hold(struct crew *crew, struct crew_job *job, uint64_t until_ns);

/* Those that were to be started once more are through with what they came to. Errors: -1. */
int ccp_crew_give_up_held(struct crew *crew, struct ccp_err *err);

/* Hands over what it is the turn of. Errors: -1. */
int ccp_crew_hand_over(struct crew *crew, struct ccp_err *err);

/* Takes a job out of the list and forgets it. */
void ccp_crew_remove(struct crew *crew, struct crew_job *job);

#endif
