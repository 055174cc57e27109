/*
 * inflate.c: decodes deflate data, resumable at any bit and byte.
 *
 * A step takes block after block. Symbols are decoded by a fast loop (inflate_loop.h) while enough input and room are
 * left that nothing can run out, and by a careful one (inflate_careful.c) for the rest. When the fast loop meets an
 * error, it changes nothing, and the careful one goes the way again to find the exact place. A block header is read in
 * one piece: if the end of the input cuts it, its bytes are collected first.
 *
 * Matches reach back into the caller's buffer as far as it goes and then into the window, a copy of the last 32 KiB,
 * which is renewed at the end of each step.
 */
#include "pipeline/codec/inflate.h"

#include <string.h>

#include "pipeline/codec/inflate_loop.h"
#include "pipeline/codec/inflate_run.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

#ifdef __x86_64__
__attribute__((target("bmi2"), noinline)) static enum ccp_loop_end loop_bmi2(struct ccp_inflate_run *r)
{
	return ccp_inflate_loop(r, false);
}

__attribute__((target("bmi2"), noinline)) static enum ccp_loop_end loop_pairs_bmi2(struct ccp_inflate_run *r)
{
	return ccp_inflate_loop(r, true);
}
#endif

__attribute__((noinline)) static enum ccp_loop_end loop_plain(struct ccp_inflate_run *r)
{
	return ccp_inflate_loop(r, false);
}

__attribute__((noinline)) static enum ccp_loop_end loop_pairs_plain(struct ccp_inflate_run *r)
{
	return ccp_inflate_loop(r, true);
}

static enum ccp_loop_end loop(struct ccp_inflate_run *r)
{
	bool paired = r->state->tables.paired;

#ifdef __x86_64__
	if (__builtin_cpu_supports("bmi2"))
		return paired ? loop_pairs_bmi2(r) : loop_bmi2(r);
#endif
	return paired ? loop_pairs_plain(r) : loop_plain(r);
}

/* Decodes symbols until the block ends or the step does. Returns false, with *status, at the end of the step. */
static bool step_codes(struct ccp_inflate_run *r, struct ccp_inflate_io *io, enum ccp_inflate_status *status)
{
	bool wrong = false;

	while (r->state->phase == CCP_IN_CODES) {
		if (r->state->match_left > 0) {
			ccp_run_copy_match(r);
			*status = CCP_INFLATE_OUTPUT;
			if (r->state->match_left > 0)
				return false;
		}
		if (!wrong && r->in_end - r->in >= CCP_LOOP_IN && r->out_end - r->out >= CCP_LOOP_OUT) {
			enum ccp_loop_end end = loop(r);

			wrong = end == CCP_LOOP_WRONG;
			if (end == CCP_LOOP_BLOCK)
				r->state->phase = CCP_IN_BETWEEN;
			continue;
		}
		if (!ccp_run_symbol(r, io, status))
			return false;
	}
	return true;
}

/* Returns false, with *status, at the end of the step. */
static bool step_stored(struct ccp_inflate_run *r, enum ccp_inflate_status *status)
{
	struct ccp_inflate *state = r->state;
	size_t n;

	/* Bytes that are held come first; they are whole, because LEN is. */
	ccp_run_give_back(r);
	while (r->held > 0 && state->stored_left > 0 && r->out < r->out_end) {
		*r->out++ = (uint8_t)r->bits;
		ccp_run_drop(r, 8);
		state->stored_left--;
	}
	if (r->held == 0) {
		n = MIN(MIN((size_t)(r->in_end - r->in), (size_t)(r->out_end - r->out)), state->stored_left);
		if (n > 0)
			memcpy(r->out, r->in, n);
		r->in += n;
		r->out += n;
		state->stored_left -= (unsigned)n;
	}
	if (state->stored_left == 0) {
		state->phase = CCP_IN_BETWEEN;
		return true;
	}
	*status = r->held == 0 && r->in == r->in_end ? CCP_INFLATE_INPUT : CCP_INFLATE_OUTPUT;
	return false;
}

/* Whether the boundary that a block header could begin at here is the one asked for. */
static bool is_stop(const struct ccp_inflate_run *r, const struct ccp_inflate_boundary *stop)
{
	const struct ccp_inflate *state = r->state;
	int64_t at = ccp_run_position(r);
	unsigned known = r->held, bits = (unsigned)r->bits & 7;

	if (!stop->stored)
		return at >= 0 && (uint64_t)at == stop->bit;
	if (known < 3) {
		if (state->head_len == 0 && r->in == r->in_end)
			return false;
		bits |= (unsigned)(state->head_len > 0 ? state->head[0] : *r->in) << known;
	}
	at = (at + 3 + 7) & ~INT64_C(7);
	return (bits & 7) == 0 && at >= 0 && (uint64_t)at == stop->bit;
}

/*
 * Reads the header from the bits held, the bytes collected and the input together, none of which need be from this
 * step. Returns as ccp_inflate_read_head; if it is cut, what there is of it is collected.
 */
static int read_pieces(struct ccp_inflate_run *r, struct ccp_inflate_head *head, const char **wrong)
{
	struct ccp_inflate *state = r->state;
	uint8_t all[8 + CCP_INFLATE_HEAD];
	unsigned pad = (8 - r->held % 8) % 8, n = (r->held + pad) / 8;
	size_t more = MIN((size_t)(r->in_end - r->in), CCP_INFLATE_HEAD - state->head_len);
	uint64_t bits = r->bits;
	int status;

	for (unsigned i = 0; i < n; i++) {
		all[i] = (uint8_t)(i == 0 ? bits << pad : bits);
		bits >>= i == 0 ? 8 - pad : 8;
	}
	memcpy(all + n, state->head, state->head_len);
	if (more > 0)
		memcpy(all + n + state->head_len, r->in, more);
	status = ccp_inflate_read_head(all, n + state->head_len + more, pad, head, &state->tables, wrong);
	if (status == 0) {
		memcpy(state->head + state->head_len, all + n + state->head_len, more);
		state->head_len += more;
		r->in += more;
	} else if (status == 1 && head->bits <= r->held) {
		ccp_run_drop(r, (unsigned)head->bits);
	} else if (status == 1) {
		/* It ends behind the bytes collected, else it had been whole before. */
		uint64_t end = pad + head->bits;

		r->in += (end + 7) / 8 - n - state->head_len;
		r->held = (unsigned)(-end & 7);
		r->bits = r->held ? (uint64_t)all[end / 8] >> (end & 7) : 0;
		state->head_len = 0;
	}
	return status;
}

/* Reads a block header. Returns false, with *status, at the end of the step. */
static bool step_between(struct ccp_inflate_run *r, struct ccp_inflate_io *io, enum ccp_inflate_status *status)
{
	struct ccp_inflate *state = r->state;
	struct ccp_inflate_head head;
	const char *wrong;
	int found;

	if (state->final) {
		state->phase = CCP_IN_END;
		return true;
	}
	if (state->head_len == 0)
		ccp_run_give_back(r);
	if (io->stop_next || (io->stop && is_stop(r, io->stop))) {
		*status = CCP_INFLATE_STOP;
		return false;
	}
	if (state->head_len == 0 && r->held < 8 && (r->held == 0 || r->in > r->in_begin)) {
		uint64_t end = (uint64_t)ccp_run_position(r);

		found = ccp_inflate_read_head(r->in_begin, (size_t)(r->in_end - r->in_begin), end, &head,
					      &state->tables, &wrong);
		if (found == 1) {
			end += head.bits;
			r->in = r->in_begin + (end + 7) / 8;
			r->held = (unsigned)(-end & 7);
			r->bits = r->held ? (uint64_t)r->in[-1] >> (end & 7) : 0;
		} else if (found == 0) {
			state->head_len = (size_t)(r->in_end - r->in);
			if (state->head_len > 0)
				memcpy(state->head, r->in, state->head_len);
			r->in = r->in_end;
		}
	} else {
		found = read_pieces(r, &head, &wrong);
	}
	*status = CCP_INFLATE_INPUT;
	if (found < 0)
		*status = ccp_run_fail(r, io, 0, wrong);
	if (found != 1)
		return false;
	state->final = head.final;
	state->stored_left = head.stored_len;
	state->match_left = 0;
	state->phase = head.type == CCP_BLOCK_STORED ? CCP_IN_STORED : CCP_IN_CODES;
	return true;
}

/* The stream is over: what was taken too early goes back to the input or, if it was not this step's, to `held`. */
static void end_stream(struct ccp_inflate_run *r, struct ccp_inflate_io *io)
{
	ccp_run_drop(r, r->held % 8);
	ccp_run_give_back(r);
	for (; r->held > 0; ccp_run_drop(r, 8))
		io->held[io->held_len++] = (uint8_t)r->bits;
}

/* Makes the last bytes of the output the window. */
static void renew_window(struct ccp_inflate_run *r)
{
	struct ccp_inflate *state = r->state;
	size_t n = (size_t)(r->out - r->out_begin), keep;

	if (n == 0)
		return;
	if ((size_t)(r->out - r->low) >= CCP_INFLATE_WINDOW)
		n = CCP_INFLATE_WINDOW;
	keep = MIN(state->window_len, CCP_INFLATE_WINDOW - n);
	memmove(state->window, state->window + state->window_len - keep, keep);
	memcpy(state->window + keep, r->out - n, n);
	state->window_len = (unsigned)(keep + n);
}

void ccp_inflate_start(struct ccp_inflate *state)
{
	state->phase = CCP_IN_BETWEEN;
	state->final = false;
	state->bits_held = 0;
	state->bits = 0;
	state->stored_left = 0;
	state->match_left = 0;
	state->match_distance = 0;
	state->head_len = 0;
	state->tables.fixed = false;
	state->tables.paired = false;
	state->window_len = 0;
}

void ccp_inflate_set_window(struct ccp_inflate *state, const uint8_t *data, size_t len)
{
	size_t n = MIN(len, (size_t)CCP_INFLATE_WINDOW);

	if (n > 0)
		memcpy(state->window, data + (len - n), n);
	state->window_len = (unsigned)n;
}

enum ccp_inflate_status ccp_inflate_step(struct ccp_inflate *state, struct ccp_inflate_io *io)
{
	struct ccp_inflate_run r = {
		.state = state, .in_begin = io->in, .in = io->in, .in_end = io->in + io->in_len,
		.out_begin = io->out, .out = io->out, .out_end = io->out + io->out_len,
		.low = io->out - io->before_out, .bits = state->bits, .held = state->bits_held,
	};
	enum ccp_inflate_status status = CCP_INFLATE_END;
	bool going = true;

	io->held_len = 0;
	io->wrong = NULL;
	io->before = 0;
	while (going) {
		if (state->phase == CCP_IN_BETWEEN)
			going = step_between(&r, io, &status);
		else if (state->phase == CCP_IN_STORED)
			going = step_stored(&r, &status);
		else if (state->phase == CCP_IN_CODES)
			going = step_codes(&r, io, &status);
		else
			break;
	}
	if (going) {
		status = CCP_INFLATE_END;
		end_stream(&r, io);
	} else if (status == CCP_INFLATE_OUTPUT || status == CCP_INFLATE_STOP) {
		ccp_run_give_back(&r);
	}
	renew_window(&r);
	state->bits = r.bits;
	state->bits_held = r.held;
	io->in = r.in;
	io->in_len = (size_t)(r.in_end - r.in);
	io->out = r.out;
	io->out_len = (size_t)(r.out_end - r.out);
	return status;
}
