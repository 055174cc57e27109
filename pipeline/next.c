/*
 * next.c: names to jobs.
 *
 * An input that needs more than one job is being cut until its last job is handed out. Usually that is one input at a
 * time. Where the work on one input cannot be shared, several are cut in turn, a job of each, so that there is work for
 * as many workers.
 */
#include "pipeline/next.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/claims.h"
#include "pipeline/memory.h"
#include "pipeline/next_internal.h"

#define CLAIM_TRIES 16u /* inputs that are asked for one whose files nobody uses */
#define LOOKS_HOLD_NS UINT64_C(100000000) /* a file that was just looked at is as it was */

int ccp_next_new(struct ccp_next **out, struct ccp_walk *walk, struct ccp_arena *arena,
		 const struct ccp_next_options *options, struct ccp_err *err)
{
	struct ccp_next *next = calloc(1, sizeof *next);

	assert(options->chunk_bytes > 0 && options->cuts <= CCP_CUTS_MAX && options->apart <= CCP_CUTS_MAX);
	assert(options->lookahead <= CCP_LOOKAHEAD_MOST);
	if (next != NULL)
		next->most = options->lookahead > CCP_LOOKAHEAD ? options->lookahead : CCP_LOOKAHEAD;
	for (unsigned i = 0; i < 2 && next != NULL; i++) {
		next->batch[i].looks = malloc(next->most * sizeof *next->batch[i].looks);
		next->batch[i].text = malloc(next->most * CCP_NEXT_TEXT_EACH);
		if (next->batch[i].looks == NULL || next->batch[i].text == NULL) {
			ccp_next_free(next);
			next = NULL;
		}
	}
	if (next == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the names of inputs");
	next->in = &next->batch[0];
	next->out = &next->batch[1];
	next->probe = calloc(1, sizeof *next->probe);
	if (options->claims != NULL)
		next->seen = malloc(next->most * CCP_NEXT_SEEN_EACH * sizeof *next->seen);
	if (next->probe == NULL || (options->claims != NULL && next->seen == NULL)) {
		ccp_next_free(next);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the names of inputs");
	}
	next->cancel_fd = -1;
	next->walk = walk;
	next->arena = arena;
	next->options = *options;
	*out = next;
	return 0;
}

void ccp_next_free(struct ccp_next *next)
{
	if (next == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		free(next->batch[i].looks);
		free(next->batch[i].text);
	}
	free(next->probe);
	free(next->seen);
	free(next);
}

void ccp_next_set_cancel_fd(struct ccp_next *next, int fd)
{
	next->cancel_fd = fd;
	ccp_walk_set_cancel_fd(next->walk, fd);
}

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

static void start_job(struct ccp_job *job, struct ccp_input *input, uint64_t number, uint64_t offset)
{
	job->number = number;
	job->input = input;
	job->whole = false;
	job->final = false;
	job->step = CCP_LOAD_START;
	job->piece.origin = &input->origin;
	job->piece.offset = offset;
	job->piece.first = number == 0;
	job->piece.last = false;
	job->piece.lull = false;
}

/* The job of an input that cannot be one: piece.err is set. */
static void spoil_job(struct ccp_job *job)
{
	job->step = CCP_LOAD_DONE;
	job->load_bytes = 0;
	job->piece.last = true;
	job->final = true;
}

static void next_of_cut(const struct ccp_next *next, struct ccp_cut *cut, struct ccp_job *job)
{
	struct ccp_input *input = cut->input;
	size_t chunk = next->options.chunk_bytes;

	start_job(job, input, cut->number++, cut->offset);
	if (input->source->flags & CCP_SOURCE_STREAM) {
		job->load_bytes = chunk + 1;
		cut->loading = true;
	} else {
		uint64_t left = input->size - cut->offset;

		job->load_bytes = left < chunk ? (size_t)left : chunk;
		job->piece.last = left <= chunk;
		job->final = job->piece.last;
		if (job->final)
			cut->input = NULL;
	}
	cut->offset += chunk;
}

/* Opens an input of several jobs. Errors: -1 with `err`; it is closed then. */
static int open_input(const struct ccp_next *next, struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_source_options *options = next->options.source;

	if (input->source->open(input, options, err) != 0)
		return -1;
	if (options->admit != NULL && options->admit(options->admit_arg, input, err) != 0) {
		input->source->close(input);
		return -1;
	}
	return 0;
}

/* Whether no live input is in this one's way. Standard input and what has no file behind it never are. */
static bool claim(const struct ccp_next *next, const struct ccp_look *look, const struct ccp_input *input)
{
	if (next->options.claims == NULL || look->err_at != CCP_NO_ERR)
		return true;

	struct ccp_claim claim = {
		.owner = input,
		.dev = look->dev,
		.ino = look->ino,
		.source = look->source_key,
		.target = look->target_key,
	};

	return ccp_claims_try(next->options.claims, &claim);
}

/* A file may have outgrown a chunk since it was looked at: near that size, or after a while, it is asked again. */
static uint64_t size_now(const struct ccp_next *next, const struct ccp_look *look, const char *path)
{
	size_t chunk = next->options.chunk_bytes;
	struct stat st;

	if (look->size > chunk ||
	    (look->size < chunk / 4 && ccp_next_now_ns() - next->out->since_ns < LOOKS_HOLD_NS) ||
	    stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return look->size;
	return (uint64_t)st.st_size;
}

/* Where the first job of an input of several begins, which is open. */
static uint64_t begin_of(const struct ccp_next *next, struct ccp_input *input)
{
	if (next->options.enter == NULL || (input->source->flags & CCP_SOURCE_STREAM))
		return 0;
	ccp_arena_take_carry(next->arena, input);
	input->begin = next->options.enter(next->options.enter_arg, input);
	assert(input->begin == 0 || input->begin < input->size);
	return input->begin;
}

/*
 * The first job of a name; if it needs more than one it is cut in `cut`, which is free. Returns 1, or -1 if an input
 * that is under way touches the same file.
 */
static int start_input(struct ccp_next *next, struct ccp_cut *cut, const struct ccp_look *look, struct ccp_job *job)
{
	struct ccp_input *input = ccp_arena_take_input(next->arena);
	const char *path = next->out->text + look->path_at;
	size_t chunk = next->options.chunk_bytes;

	input->index = look->index;
	input->is_stdin = look->is_stdin;
	input->source = look->source;
	memcpy(input->path, path, strlen(path) + 1);
	if (!claim(next, look, input)) {
		ccp_arena_give_input(next->arena, input);
		return -1;
	}
	start_job(job, input, 0, 0);
	if (look->err_at != CCP_NO_ERR) {
		memcpy(&job->piece.err, next->out->text + look->err_at, sizeof job->piece.err);
		spoil_job(job);
	} else if (!(look->source->flags & CCP_SOURCE_STREAM) && next->options.only == NULL &&
		   size_now(next, look, path) <= chunk) {
		job->whole = true;
		job->final = true;
		job->piece.last = true;
		job->load_bytes = chunk + 1;
	} else if (open_input(next, input, &job->piece.err) != 0) {
		spoil_job(job);
	} else {
		*cut = (struct ccp_cut){ .input = input, .offset = begin_of(next, input) };
		next_of_cut(next, cut, job);
	}
	return 1;
}

static unsigned most_cuts(const struct ccp_next *next)
{
	return next->options.cuts > 1 ? next->options.cuts : 1;
}

/*
 * Whether one more input may be cut now. Two names can be the same stream ("-" twice), whose bytes are the first one's:
 * no two of them are cut at a time. Streams that are apart are counted apart.
 */
static bool may_start(const struct ccp_next *next, const struct ccp_look *look)
{
	unsigned flags = look->err_at == CCP_NO_ERR ? look->source->flags : 0, alike = 0;
	bool apart = (flags & CCP_SOURCE_APART) != 0;

	for (unsigned i = 0; i < CCP_CUTS_MAX; i++) {
		const struct ccp_input *input = next->cut[i].input;

		if (input == NULL || ((input->source->flags & CCP_SOURCE_APART) != 0) != apart)
			continue;
		if (!apart && (flags & CCP_SOURCE_STREAM) && (input->source->flags & CCP_SOURCE_STREAM))
			return false;
		alike++;
	}
	return alike < (apart && next->options.apart > 0 ? next->options.apart : most_cuts(next));
}

/* The first job of the next of the names that come in order. Returns 1, or -1 if it has to wait for others. */
static int start_near(struct ccp_next *next, struct ccp_cut *cut, struct ccp_job *job)
{
	const struct ccp_look *look = &next->out->looks[next->out->at];

	if (!may_start(next, look) || start_input(next, cut, look, job) != 1)
		return -1;
	next->out->at++;
	if (next->options.unordered)
		ccp_next_drop_text(next, look);
	return 1;
}

/*
 * The same of those that come as they arrive. One whose files others use is passed over, and asked again the next time.
 * Returns 1, 0 if none has arrived, -1 if it has to wait for others.
 */
static int start_far(struct ccp_next *next, struct ccp_cut *cut, struct ccp_job *job)
{
	struct ccp_batch *out = next->out;
	size_t held = out->count, place;
	int result = -1;

	if (out->far_at < out->count && !may_start(next, &out->looks[out->far_at]))
		return -1;
	for (unsigned tries = 0; tries < CLAIM_TRIES && result == -1; tries++) {
		place = ccp_next_find_ready(next);
		if (place == out->count) {
			result = 0;
		} else if (start_input(next, cut, &out->looks[place], job) == 1) {
			result = 1;
			ccp_next_take_far(next, place);
			held += held < place; /* it has moved up */
		} else {
			held = place < held ? place : held;
			next->scan_at = place + 1;
		}
	}
	if (held < out->count)
		next->scan_at = held;
	return result;
}

/* The first job of a name that has arrived, or of one that is there anyway. Returns as start_next. */
static int start_unordered(struct ccp_next *next, struct ccp_cut *cut, struct ccp_job *job)
{
	for (;;) {
		bool near = next->out->at < next->out->near_end;
		int result;

		if (near && start_near(next, cut, job) == 1)
			return 1;
		result = start_far(next, cut, job);
		if (result == 1)
			return 1;
		ccp_next_set_dry(next, result == 0 && next->out->far_at < next->out->count);
		if (near || result == -1)
			return -1;
		result = ccp_next_turn_batch(next);
		if (result == 0 || (result == -1 && ccp_next_others_are_out(next)))
			return result;
		if (result == -1) { /* nobody but us will ask again */
			ccp_next_set_dry(next, false);
			if (!ccp_next_wait(next))
				return 0;
		}
	}
}

/* The first job of the next name. Returns 1, 0 at the end of names, -1 if there is none now. */
static int start_next(struct ccp_next *next, struct ccp_cut *cut, struct ccp_job *job)
{
	if (next->options.unordered)
		return start_unordered(next, cut, job);
	if (next->out->at == next->out->near_end) {
		int result = ccp_next_turn_batch(next);

		if (result != 1)
			return result;
	}
	return start_near(next, cut, job);
}

int ccp_next_job(struct ccp_next *next, bool crowded, struct ccp_job *job)
{
	unsigned cuts = most_cuts(next) + next->options.apart;
	bool asked = crowded, waits = crowded;

	if (cuts > CCP_CUTS_MAX)
		cuts = CCP_CUTS_MAX;
	ccp_next_set_dry(next, false);
	ccp_next_look_on(next);
	for (unsigned i = 0; i < cuts; i++) {
		struct ccp_cut *cut = &next->cut[(next->turn + i) % cuts];
		int result = -1;

		if (cut->input != NULL && !cut->loading) {
			next_of_cut(next, cut, job);
			result = 1;
		} else if (cut->input == NULL && !asked) {
			result = start_next(next, cut, job);
			asked = true;
		} else if (cut->input == NULL) {
			continue;
		}
		if (result == 1) {
			next->turn = (next->turn + i + 1) % cuts;
			return 1;
		}
		waits |= result == -1;
	}
	return waits ? -1 : 0;
}

void ccp_next_loaded(struct ccp_next *next, struct ccp_input *input, bool last)
{
	for (unsigned i = 0; i < CCP_CUTS_MAX; i++) {
		struct ccp_cut *cut = &next->cut[i];

		if (cut->input != input)
			continue;
		cut->loading = false;
		if (last)
			cut->input = NULL;
	}
}

void ccp_next_stop(struct ccp_next *next, struct ccp_input *input)
{
	ccp_next_loaded(next, input, true);
}

struct ccp_input *ccp_next_current(struct ccp_next *next)
{
	for (unsigned i = 0; i < CCP_CUTS_MAX; i++)
		if (next->cut[i].input != NULL)
			return next->cut[i].input;
	return NULL;
}

void ccp_next_totals(struct ccp_next *next, uint64_t *inputs, uint64_t *bytes, bool *complete)
{
	/* complete first: true then means that the numbers are the final ones */
	*complete = atomic_load_explicit(&next->complete, memory_order_acquire);
	*inputs = atomic_load_explicit(&next->inputs, memory_order_relaxed);
	*bytes = atomic_load_explicit(&next->bytes, memory_order_relaxed);
}

uint64_t ccp_next_streams(const struct ccp_next *next)
{
	return atomic_load_explicit(&next->streams, memory_order_relaxed);
}
