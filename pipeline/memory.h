/*
 * memory.h: the arena: all slots, buffers, inputs and carries of a run, allocated once, shared with worker processes,
 * recycled.
 */
#ifndef CCP_PIPELINE_MEMORY_H
#define CCP_PIPELINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"
#include "pipeline/job.h"

/* Shape of an arena. Units: bytes. */
struct ccp_arena_options {
	size_t slots;                /* W, the window */
	size_t in_bytes;             /* capacity of a slot's `in`: chunk + 1 */
	size_t out_bytes;            /* capacity of a slot's `out` */
	size_t spare_bytes;          /* capacity of a slot's `spare`; 0 = none */
	size_t note_bytes;           /* capacity of a slot's `note`; 0 = none */
	size_t fold_bytes;           /* capacity of a slot's part.note; 0 = none */
	size_t carry_bytes;          /* of each input's carry; 0 = none */
	size_t tee_bytes;            /* of each input's tee; 0 = none */
	unsigned cuts;               /* inputs that NEXT cuts in turn; 0 = 1 */
	bool shared;                 /* worker processes will be forked: map it shared */
};

struct ccp_arena;

/* The shape of an arena whose slots are what a transform needs. */
struct ccp_arena_options ccp_arena_shape(const struct ccp_transform_need *need, size_t slots);

/*
 * How many inputs can be under way: one for each slot; those that NEXT is cutting, of which no job need be live; and
 * one on its way.
 */
size_t ccp_arena_inputs(const struct ccp_arena_options *options);

/* Bytes that an arena of this shape can come to hold, everything included. */
size_t ccp_arena_bytes(const struct ccp_arena_options *options);

/*
 * Maps the arena. Memory is touched only as it is used. Errors: -1 if it cannot be mapped.
 * Threads: take and give may be called by any.
 */
int ccp_arena_new(struct ccp_arena **arena, const struct ccp_arena_options *options, struct ccp_err *err);
void ccp_arena_free(struct ccp_arena *arena);

/* A free slot with empty buffers, or NULL. The job is zero but for its buffers, its number and fd = -1. */
struct ccp_job *ccp_arena_take_job(struct ccp_arena *arena);
void ccp_arena_give_job(struct ccp_arena *arena, struct ccp_job *job);

/* A free input, zero but for fd = -1, peeked = -1; never NULL: there are enough (ccp_arena_inputs). */
struct ccp_input *ccp_arena_take_input(struct ccp_arena *arena);
void ccp_arena_give_input(struct ccp_arena *arena, struct ccp_input *input);

/*
 * Gives the input a zeroed carry of carry_bytes, and a tee of tee_bytes that is not zeroed (input->carry and input->tee
 * stay NULL if that is 0), if it has none yet. They go back with the input.
 */
void ccp_arena_take_carry(struct ccp_arena *arena, struct ccp_input *input);

/* Where a copy of an input's carry can be kept, for a retry: carry_bytes of room beside it. */
void *ccp_arena_carry_shadow(const struct ccp_arena *arena, const struct ccp_input *input);

/* Job number `slot`. */
struct ccp_job *ccp_arena_job(struct ccp_arena *arena, size_t slot);
size_t ccp_arena_slots(const struct ccp_arena *arena);
size_t ccp_arena_carry_bytes(const struct ccp_arena *arena);

/* How many jobs and inputs are out; 0 and 0 at the end of a run (invariant Balance). Threads: any. */
void ccp_arena_balance(struct ccp_arena *arena, size_t *jobs, size_t *inputs);

#endif
