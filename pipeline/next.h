/*
 * next.h: NEXT, the verb that turns names into jobs: it walks, looks ahead, puts big inputs first, and cuts.
 *
 * Names come from arguments, lists and directories (walk.h). Up to CCP_LOOKAHEAD of them are looked at together and, if
 * inputs have outputs of their own, sorted by size, biggest first, so that a big one is not left for the end. An input
 * of at most one chunk is one whole job, opened by LOAD; a bigger one is opened here and cut at multiples of the chunk;
 * a stream gives a job only after the one before has been loaded.
 *
 * With `unordered`, inputs from elsewhere are begun in the order in which their first bytes, or their ends, arrive; the
 * others are in order among each other. Both come as soon as there is room for one of their kind.
 */
#ifndef CCP_PIPELINE_NEXT_H
#define CCP_PIPELINE_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/source.h"
#include "pipeline/walk.h"

#define CCP_LOOKAHEAD 4096
#define CCP_LOOKAHEAD_MOST 16384

struct ccp_next;
struct ccp_arena;
struct ccp_claims;

/* An input that no name leads to. Strings are borrowed. */
struct ccp_next_only {
	const struct ccp_source_ops *source; /* no stream; its input is cut, however small it is */
	const char *name;            /* for messages */
	uint64_t bytes;              /* its size, for progress */
};

struct ccp_next_options {
	size_t chunk_bytes;
	unsigned lookahead;          /* names that are looked at together, if more than CCP_LOOKAHEAD: at most …_MOST */
	const struct ccp_next_only *only; /* the one input there is, and nothing is walked; NULL = names are */
	bool shared_output;          /* keep the order of names: one output for all, or results must not wait */
	bool unordered;              /* inputs of sources that know when they are ready come then */
	unsigned cuts;               /* inputs that are cut in turn, a job of each; 0 = 1; 1 with shared_output */
	unsigned apart;              /* the same for streams that are apart (source.h); 0 = `cuts` */
	const struct ccp_source_options *source; /* borrowed until ccp_next_free */
	struct ccp_claims *claims;   /* what live inputs touch; NULL = they cannot be in each other's way */
	uint64_t (*target_key)(const void *arg, const struct ccp_input *input); /* with claims: sink.h, key */
	const void *target_arg;
	/*
	 * Whether an input whose source could get it ahead is to be refused by its name alone, so that nobody is asked
	 * for it. NULL = that is not known yet. Errors: -1 with `err`, as of source->admit, which is asked later again.
	 */
	int (*refuse)(const void *arg, const struct ccp_input *input, struct ccp_err *err);
	const void *refuse_arg;
	/*
	 * Where an input of several jobs that is not a stream begins: 0 at its start, else less than its size. It is
	 * open and has its carry, which enter prepares then. NULL = all begin at their start.
	 */
	uint64_t (*enter)(const void *arg, struct ccp_input *input);
	const void *enter_arg;
};

int ccp_next_new(struct ccp_next **next, struct ccp_walk *walk, struct ccp_arena *arena,
		 const struct ccp_next_options *options, struct ccp_err *err);
void ccp_next_free(struct ccp_next *next);

/* A descriptor that becomes readable when the run is cancelled, or -1: NEXT then no longer waits for a slow list. */
void ccp_next_set_cancel_fd(struct ccp_next *next, int fd);

/*
 * Fills `job` with the next piece of work: all that is marked "set by NEXT" in job.h, and its input's; with `crowded`,
 * of an input that is being cut, for no other may begin. Returns 1; 0 at
 * the end; -1 if there is none *now*: a stream's job is still being loaded, or the list of names has dried up while
 * other jobs are out, or (unordered) nothing has arrived. So it is to be called again when a job has been loaded or
 * emitted, or when there is news (below). If no other job is out it waits. A name that cannot become an input yields a
 * job all the same: with piece.err set, first, last and final, CCP_LOAD_DONE.
 * Threads: one caller at a time (the flow's next_lock).
 * Memory: an input is taken from the arena with its first job, and NEXT is through with it when it hands out a job that
 * is `final` (or was told by loaded or stop): the input may then be given back as soon as none of its jobs is live.
 */
int ccp_next_job(struct ccp_next *next, bool crowded, struct ccp_job *job);

/*
 * Whether NEXT could hand out a job when something arrives from elsewhere (unordered): if so it is to be called then.
 * `fd` is a descriptor that is readable from then on until NEXT is called, or -1 for now. Threads: any.
 */
bool ccp_next_waits_for_news(struct ccp_next *next, int *fd);

/*
 * Tells that a stream's job was loaded: whether it was the last (piece.last; also after an error). If it was, NEXT is
 * through with the input. Does nothing for an input that NEXT is through with. Same caller rule; the job is still live.
 */
void ccp_next_loaded(struct ccp_next *next, struct ccp_input *input, bool last);

/*
 * Tells that nothing more is wanted of an input: it failed or ended. NEXT is through with it. Does nothing for an input
 * that NEXT is through with. Same caller rule; the input has not been given back.
 */
void ccp_next_stop(struct ccp_next *next, struct ccp_input *input);

/*
 * An input that NEXT is not yet through with, or NULL: when a run is cancelled between two of its jobs, none of them is
 * live to end it. Same caller rule.
 */
struct ccp_input *ccp_next_current(struct ccp_next *next);

/*
 * What is known of the whole so far, for progress: inputs and bytes seen by the walk, and whether the walk is complete.
 * Threads: any.
 */
void ccp_next_totals(struct ccp_next *next, uint64_t *inputs, uint64_t *bytes, bool *complete);

/* How many of the inputs so far are streams, whose size is not in the totals. Threads: any. */
uint64_t ccp_next_streams(const struct ccp_next *next);

#endif
