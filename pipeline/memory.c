/*
 * memory.c: the arena.
 *
 * One mapping holds, one after the other, all jobs, all inputs, all carries (each with a shadow and a tee beside it),
 * and the slots' buffers; it is mapped before any worker process is forked, so that all see it at the same address.
 * Free things stand on stacks, so that what was used last, and is still in the cache, is used next. Pages that were
 * never needed are never touched.
 */
#include "pipeline/memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)

struct ccp_arena {
	/* set before the run */
	struct ccp_arena_options options;
	size_t total_bytes;
	size_t inputs;
	uint8_t *base;
	struct ccp_job *jobs;
	struct ccp_input *input;
	uint8_t *carries;
	size_t carry_step; /* a carry, its shadow, and a tee */
	pthread_mutex_t lock;
	/* guarded by lock */
	uint32_t *free_jobs, *free_inputs;
	size_t free_job_count, free_input_count;
};

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

struct ccp_arena_options ccp_arena_shape(const struct ccp_transform_need *need, size_t slots)
{
	return (struct ccp_arena_options){
		.slots = slots,
		.in_bytes = need->chunk_bytes + 1,
		.out_bytes = need->out_bytes,
		.spare_bytes = need->spare_bytes,
		.note_bytes = need->note_bytes,
		.fold_bytes = need->fold_bytes,
		.carry_bytes = need->carry_bytes,
		.tee_bytes = need->tee_bytes,
		.cuts = need->cuts,
	};
}

size_t ccp_arena_inputs(const struct ccp_arena_options *options)
{
	return options->slots + (options->cuts > 1 ? options->cuts : 1) + 1;
}

/* Bytes of a carry, and as many again for its shadow. */
static size_t carry_room(const struct ccp_arena_options *o)
{
	return round_up(o->carry_bytes, CCP_CARRY_ALIGN);
}

/* Bytes of one input's carry and what stands beside it. */
static size_t carry_step(const struct ccp_arena_options *o)
{
	return 2 * carry_room(o) + round_up(o->tee_bytes, CCP_CARRY_ALIGN);
}

/* Bytes of one slot's buffers. */
static size_t slot_step(const struct ccp_arena_options *o)
{
	return round_up(o->in_bytes, PAGE_BYTES) + round_up(o->out_bytes, PAGE_BYTES) +
	       round_up(o->spare_bytes, PAGE_BYTES) + round_up(o->note_bytes, PAGE_BYTES) +
	       round_up(o->fold_bytes, PAGE_BYTES);
}

/* Offsets of the parts. Returns the total. */
static size_t layout(const struct ccp_arena_options *o, size_t *input_at, size_t *carry_at, size_t *buffer_at)
{
	size_t inputs = ccp_arena_inputs(o);
	size_t at = round_up(o->slots * sizeof(struct ccp_job), PAGE_BYTES);

	*input_at = at;
	at += round_up(inputs * sizeof(struct ccp_input), PAGE_BYTES);
	*carry_at = at;
	at += round_up(inputs * carry_step(o), PAGE_BYTES);
	*buffer_at = at;
	at += o->slots * slot_step(o);
	return at;
}

size_t ccp_arena_bytes(const struct ccp_arena_options *options)
{
	size_t a, b, c;

	return layout(options, &a, &b, &c);
}

/* Gives a buffer its memory. Returns what comes behind it. */
static uint8_t *place(struct ccp_buf *buf, uint8_t *at, size_t bytes)
{
	*buf = (struct ccp_buf){ .data = at, .cap = bytes };
	return at + round_up(bytes, PAGE_BYTES);
}

int ccp_arena_new(struct ccp_arena **out, const struct ccp_arena_options *options, struct ccp_err *err)
{
	struct ccp_arena *arena = calloc(1, sizeof *arena);
	size_t input_at, carry_at, buffer_at;

	if (!arena)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the arena");
	arena->options = *options;
	arena->inputs = ccp_arena_inputs(options);
	arena->total_bytes = layout(options, &input_at, &carry_at, &buffer_at);
	arena->free_jobs = calloc(options->slots, sizeof *arena->free_jobs);
	arena->free_inputs = calloc(arena->inputs, sizeof *arena->free_inputs);
	arena->base = mmap(NULL, arena->total_bytes, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | MAP_NORESERVE | (options->shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	if (!arena->free_jobs || !arena->free_inputs || arena->base == MAP_FAILED) {
		if (arena->base == MAP_FAILED)
			arena->base = NULL;
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an arena of %zu bytes", arena->total_bytes);
		ccp_arena_free(arena);
		return -1;
	}
	pthread_mutex_init(&arena->lock, NULL);
	arena->jobs = (struct ccp_job *)(void *)arena->base;
	arena->input = (struct ccp_input *)(void *)(arena->base + input_at);
	arena->carries = arena->base + carry_at;
	arena->carry_step = carry_step(options);
	for (size_t i = options->slots; i-- > 0;)
		arena->free_jobs[arena->free_job_count++] = (uint32_t)i;
	for (size_t i = arena->inputs; i-- > 0;)
		arena->free_inputs[arena->free_input_count++] = (uint32_t)i;
	for (size_t i = 0; i < options->slots; i++) {
		struct ccp_piece *piece = &arena->jobs[i].piece;
		uint8_t *at = arena->base + buffer_at + i * slot_step(options);

		arena->jobs[i].slot = (uint32_t)i;
		at = place(&piece->in, at, options->in_bytes);
		at = place(&piece->out, at, options->out_bytes);
		at = place(&piece->spare, at, options->spare_bytes);
		at = place(&piece->note, at, options->note_bytes);
		place(&arena->jobs[i].part.note, at, options->fold_bytes);
	}
	*out = arena;
	return 0;
}

void ccp_arena_free(struct ccp_arena *arena)
{
	if (!arena)
		return;
	if (arena->base) {
		munmap(arena->base, arena->total_bytes);
		pthread_mutex_destroy(&arena->lock);
	}
	free(arena->free_jobs);
	free(arena->free_inputs);
	free(arena);
}

struct ccp_job *ccp_arena_take_job(struct ccp_arena *arena)
{
	struct ccp_job *job = NULL;

	pthread_mutex_lock(&arena->lock);
	if (arena->free_job_count > 0)
		job = &arena->jobs[arena->free_jobs[--arena->free_job_count]];
	pthread_mutex_unlock(&arena->lock);
	if (!job)
		return NULL;

	struct ccp_buf in = job->piece.in, out = job->piece.out, spare = job->piece.spare, note = job->piece.note;
	struct ccp_buf fold = job->part.note;
	uint32_t slot = job->slot;

	in.len = out.len = spare.len = note.len = fold.len = 0;
	memset(job, 0, sizeof *job);
	job->piece.in = in;
	job->piece.out = out;
	job->piece.spare = spare;
	job->piece.note = note;
	job->part.note = fold;
	job->slot = slot;
	job->fd = -1;
	ccp_err_clear(&job->piece.err);
	return job;
}

void ccp_arena_give_job(struct ccp_arena *arena, struct ccp_job *job)
{
	pthread_mutex_lock(&arena->lock);
	assert(arena->free_job_count < arena->options.slots);
	arena->free_jobs[arena->free_job_count++] = job->slot;
	pthread_mutex_unlock(&arena->lock);
}

struct ccp_input *ccp_arena_take_input(struct ccp_arena *arena)
{
	pthread_mutex_lock(&arena->lock);
	assert(arena->free_input_count > 0);
	struct ccp_input *input = &arena->input[arena->free_inputs[--arena->free_input_count]];
	pthread_mutex_unlock(&arena->lock);

	memset(input, 0, offsetof(struct ccp_input, path));
	input->path[0] = '\0';
	input->fd = -1;
	input->peeked = -1;
	input->flow.stop_after = UINT64_MAX;
	ccp_err_clear(&input->err);
	return input;
}

void ccp_arena_give_input(struct ccp_arena *arena, struct ccp_input *input)
{
	pthread_mutex_lock(&arena->lock);
	assert(arena->free_input_count < arena->inputs);
	arena->free_inputs[arena->free_input_count++] = (uint32_t)(input - arena->input);
	pthread_mutex_unlock(&arena->lock);
}

void ccp_arena_take_carry(struct ccp_arena *arena, struct ccp_input *input)
{
	uint8_t *at = arena->carries + (size_t)(input - arena->input) * arena->carry_step;

	if (arena->options.tee_bytes > 0 && !input->tee)
		input->tee = at + 2 * carry_room(&arena->options);
	if (arena->options.carry_bytes == 0 || input->carry)
		return;
	input->carry = at;
	memset(input->carry, 0, arena->options.carry_bytes);
}

void *ccp_arena_carry_shadow(const struct ccp_arena *arena, const struct ccp_input *input)
{
	return arena->carries + (size_t)(input - arena->input) * arena->carry_step + carry_room(&arena->options);
}

struct ccp_job *ccp_arena_job(struct ccp_arena *arena, size_t slot)
{
	assert(slot < arena->options.slots);
	return &arena->jobs[slot];
}

size_t ccp_arena_slots(const struct ccp_arena *arena)
{
	return arena->options.slots;
}

size_t ccp_arena_carry_bytes(const struct ccp_arena *arena)
{
	return arena->options.carry_bytes;
}

void ccp_arena_balance(struct ccp_arena *arena, size_t *jobs, size_t *inputs)
{
	pthread_mutex_lock(&arena->lock);
	*jobs = arena->options.slots - arena->free_job_count;
	*inputs = arena->inputs - arena->free_input_count;
	pthread_mutex_unlock(&arena->lock);
}
