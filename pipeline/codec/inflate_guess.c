/*
 * inflate_guess.c: drives the decoding of a guess.
 *
 * Symbols of 16 bits are decoded into a ring that fits a core's own cache, some thousand at a time and never across
 * the end of a block; after each such step they are narrowed to the output at once, so that the ring is but the
 * history of 32 Ki symbols and room for more. What a step would put into a list that is full is found out when it is
 * narrowed: then the step is taken back, and done again with just the room that there is. When the last 32 KiB have no
 * marker, the byte decoder goes on with the block from there, and the output is its history.
 */
#include "pipeline/codec/inflate_guess.h"

#include <string.h>

#include "pipeline/codec/inflate_guess_patch.h"
#include "pipeline/codec/inflate_guess_symbols.h"

#define STEP 8192 /* symbols decoded at a time */
/* Symbols that a step may go beyond STEP: more than the longest match. */
#define STEP_OVER 600
#define BYTES_STEP (128u << 10) /* bytes decoded at a time when there are no markers */

#define RING(work) (sizeof(work)->ring / sizeof *(work)->ring)
#define MIN(a, b) ((a) < (b) ? (a) : (b))

struct run {
	struct ccp_guess_work *work;
	struct ccp_guess *guess;
	const uint8_t *in;
	bool (*called)(void *arg);
	void *arg;
	struct ccp_symbols at;
	struct ccp_guess_narrow narrow;
};

/* What a part of the run came to: GO, or how it ends. */
enum { GO = -1 };

static bool is_called(const struct run *run)
{
	return run->called && run->called(run->arg);
}

static void hand_over(struct run *run)
{
	run->guess->after.bits = run->at.bits;
	run->guess->after.bits_held = run->at.held;
}

/* The header of a block is cut by the end of the input: the byte decoder knows how to keep it. */
static int keep_head(struct run *run)
{
	uint8_t none;
	struct ccp_inflate_io io = { .in = run->at.in,
				     .in_len = (size_t)(run->at.in_end - run->at.in),
				     .out = &none,
				     .out_len = sizeof none };

	hand_over(run);
	ccp_inflate_step(&run->guess->after, &io);
	run->at.in = io.in;
	run->at.bits = run->guess->after.bits;
	run->at.held = run->guess->after.bits_held;
	return CCP_GUESS_INPUT;
}

static int next_block(struct run *run)
{
	struct ccp_inflate *after = &run->guess->after;
	uint64_t bit = (uint64_t)(run->at.in - run->in) * 8 - run->at.held;
	struct ccp_inflate_head head;
	const char *wrong;
	size_t len = (size_t)(run->at.in_end - run->in);

	if (after->final) {
		after->phase = CCP_IN_END;
		run->at.bits = 0;
		run->at.held = 0;
		return CCP_GUESS_END;
	}
	switch (ccp_inflate_read_head(run->in, len, bit, &head, &after->tables, &wrong)) {
	case 0:
		return keep_head(run);
	case 1:
		break;
	default:
		return CCP_GUESS_ERROR;
	}
	ccp_symbols_set(&run->at, run->in, bit + head.bits);
	after->final = head.final;
	after->stored_left = head.stored_len;
	after->phase = head.type == CCP_BLOCK_STORED ? CCP_IN_STORED : CCP_IN_CODES;
	return GO;
}

/* At most `limit` symbols of a stored block; the input is at a byte, and nothing is held. */
static int step_stored(struct run *run, size_t limit)
{
	struct ccp_inflate *after = &run->guess->after;
	size_t left = (size_t)(run->at.in_end - run->at.in);
	size_t n = MIN(MIN(limit, STEP), MIN(left, after->stored_left));

	for (size_t i = 0; i < n; i++)
		run->at.out[i] = run->at.in[i];
	run->at.in += n;
	run->at.out += n;
	after->stored_left -= (unsigned)n;
	if (after->stored_left == 0) {
		after->phase = CCP_IN_BETWEEN;
		return GO;
	}
	if (n == STEP)
		return GO;
	return n == left ? CCP_GUESS_INPUT : CCP_GUESS_FULL;
}

static int step_codes(struct run *run, size_t limit)
{
	struct ccp_inflate *after = &run->guess->after;

	switch (ccp_symbols_decode(&run->at, &after->tables, run->at.out + STEP,
				   run->at.out + MIN(limit, STEP + STEP_OVER))) {
	case CCP_SYMBOLS_BLOCK:
		after->phase = CCP_IN_BETWEEN;
		return GO;
	case CCP_SYMBOLS_ENOUGH:
		return GO;
	case CCP_SYMBOLS_ROOM:
		return CCP_GUESS_FULL;
	case CCP_SYMBOLS_INPUT:
		return CCP_GUESS_INPUT;
	case CCP_SYMBOLS_WRONG:
		break;
	}
	return CCP_GUESS_ERROR;
}

/* Some symbols of the block, at most `limit`. */
static int decode_some(struct run *run, size_t limit)
{
	return run->guess->after.phase == CCP_IN_STORED ? step_stored(run, limit) : step_codes(run, limit);
}

static int step(struct run *run)
{
	struct ccp_guess *guess = run->guess;
	struct ccp_guess_work *work = run->work;
	enum ccp_inflate_phase phase = guess->after.phase;
	unsigned stored_left = guess->after.stored_left;
	size_t fits, n;
	int result;

	if (run->at.out + STEP + STEP_OVER + CCP_SYMBOLS_SLACK > work->ring + RING(work)) {
		memcpy(work->ring, run->at.out - CCP_INFLATE_WINDOW, CCP_INFLATE_WINDOW * sizeof *work->ring);
		run->at.out = work->ring + CCP_INFLATE_WINDOW;
	}

	struct ccp_symbols before = run->at;

	result = decode_some(run, guess->out_cap - guess->out_len);
	n = (size_t)(run->at.out - before.out);
	fits = ccp_guess_narrow(&run->narrow, before.out, n);
	if (fits == n)
		return result;
	run->at = before;
	guess->after.phase = phase;
	guess->after.stored_left = stored_left;
	decode_some(run, fits);
	ccp_guess_narrow(&run->narrow, before.out, (size_t)(run->at.out - before.out));
	return CCP_GUESS_FULL;
}

/* The last 32 KiB are bytes: goes on with those. */
static int run_bytes(struct run *run)
{
	struct ccp_guess *guess = run->guess;
	struct ccp_inflate_io io = { .in = run->at.in, .in_len = (size_t)(run->at.in_end - run->at.in) };
	int result = GO;

	hand_over(run);
	while (result == GO) {
		io.out = run->narrow.out + guess->out_len;
		io.out_len = MIN(guess->out_cap - guess->out_len, BYTES_STEP);
		io.before_out = guess->out_len;
		switch (ccp_inflate_step(&guess->after, &io)) {
		case CCP_INFLATE_INPUT:
			result = CCP_GUESS_INPUT;
			break;
		case CCP_INFLATE_END:
			result = CCP_GUESS_END;
			io.in -= io.held_len;
			break;
		case CCP_INFLATE_OUTPUT:
		case CCP_INFLATE_STOP:
			if (io.out == run->narrow.out + guess->out_cap)
				result = CCP_GUESS_FULL;
			else if (is_called(run))
				result = CCP_GUESS_CALLED;
			break;
		case CCP_INFLATE_ERROR:
			result = CCP_GUESS_ERROR;
			break;
		}
		guess->out_len = (size_t)(io.out - run->narrow.out);
	}
	run->at.in = io.in;
	run->at.bits = guess->after.bits;
	run->at.held = guess->after.bits_held;
	return result;
}

static int run_markers(struct run *run)
{
	int result;

	for (;;) {
		if (run->guess->after.phase == CCP_IN_BETWEEN) {
			result = next_block(run);
			if (result != GO)
				return result;
		}
		result = step(run);
		if (result != GO)
			return result;
		if (is_called(run))
			return CCP_GUESS_CALLED;
		if (run->narrow.clean >= CCP_INFLATE_WINDOW)
			return run_bytes(run);
	}
}

void ccp_guess_begin(struct ccp_guess *guess, size_t out_cap, size_t groups_cap, size_t values_cap)
{
	guess->out_cap = MIN(out_cap, UINT32_MAX);
	guess->groups_cap = MIN(groups_cap, UINT32_MAX);
	guess->values_cap = MIN(values_cap, UINT32_MAX);
	guess->out_len = 0;
	guess->group_count = 0;
	guess->value_count = 0;
	guess->in_used = 0;
	guess->reach = 0;
	ccp_inflate_start(&guess->after);
}

enum ccp_guess_status ccp_guess_run(struct ccp_guess_work *work, struct ccp_guess *guess, const uint8_t *in,
				    size_t in_len, uint64_t bit, uint8_t *out, struct ccp_patch_group *groups,
				    uint16_t *values, bool (*called)(void *arg), void *arg)
{
	struct run run = {
		.work = work, .guess = guess, .in = in, .called = called, .arg = arg,
		.at = { .in_end = in + in_len, .out = work->ring + CCP_INFLATE_WINDOW },
		.narrow = { .guess = guess, .out = out, .groups = groups, .values = values,
			    .pick = (const uint8_t(*)[16])work->pick },
	};
	int result;

	if (bit >= (uint64_t)in_len * 8)
		return CCP_GUESS_INPUT;
	for (unsigned i = 0; i < CCP_INFLATE_WINDOW; i++)
		work->ring[i] = (uint16_t)(CCP_GUESS_MARKER + i);
	ccp_guess_make_pick(work->pick);
	ccp_symbols_set(&run.at, in, bit);
	result = run_markers(&run);
	hand_over(&run);
	guess->in_used = (size_t)(run.at.in - (in + bit / 8));
	return (enum ccp_guess_status)result;
}
