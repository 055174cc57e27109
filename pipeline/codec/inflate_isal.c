/*
 * inflate_isal.c: the streaming decoder with ISA-L.
 *
 * What ISA-L leaves to its caller, and is done here:
 * - It reads up to eight bytes ahead into `read_in`. At the end of the stream the whole bytes there are given back.
 * - Its counters have 32 bits, and `total_out` is what distances are checked against: it is kept small but above a
 *   window.
 * - When it finds an error its fast loop has gone on a little: the place and the bytes depend on how the input was
 *   cut. So every step begins with a copy of the state (a few microseconds), and after an error the step is done
 *   again from there, in small portions and at last byte by byte. Then the place depends on the data alone, and no
 *   byte from behind the error comes out.
 * - After an error, decoded bytes may be left in its own buffer; they are delivered first.
 * - It may return without progress; that is an error, not a reason to call it again.
 * Its state has no pointers but next_in and next_out, which are set at every step.
 */
#include "pipeline/codec/inflate.h"

#ifdef CCP_HAVE_ISAL

#include <stddef.h>
#include <string.h>

#include <isa-l/igzip_lib.h>

#define STEP_MAX (1u << 30)
#define COARSE 1024u /* portions of the second try; the portion with the error is tried once more in single bytes */

struct ccp_inflate {
	struct inflate_state isal;
	int failed; /* ISA-L's error, kept while decoded bytes are delivered */
	size_t before;
	struct inflate_state saved;
};

size_t ccp_inflate_bytes(void)
{
	return sizeof(struct ccp_inflate);
}

void ccp_inflate_start(struct ccp_inflate *state, bool fresh)
{
	(void)fresh;
	isal_inflate_init(&state->isal); /* sets a few dozen fields; the big arrays need none */
	state->isal.crc_flag = ISAL_DEFLATE;
	state->isal.hist_bits = 0;
	state->failed = 0;
	state->before = 0;
}

static const char *reason(int failed)
{
	switch (failed) {
	case ISAL_INVALID_BLOCK:
		return "invalid block header";
	case ISAL_INVALID_SYMBOL:
		return "invalid code";
	case ISAL_INVALID_LOOKBACK:
		return "invalid distance";
	default:
		return "no progress";
	}
}

/* Delivers what ISA-L decoded before it failed. */
static enum ccp_inflate_status drain(struct ccp_inflate *state, struct ccp_inflate_io *io)
{
	struct inflate_state *s = &state->isal;
	size_t n = (size_t)(s->tmp_out_valid - s->tmp_out_processed);

	if (n > io->out_len)
		n = io->out_len;
	memcpy(io->out, s->tmp_out_buffer + s->tmp_out_processed, n);
	s->tmp_out_processed += (int32_t)n;
	io->out += n;
	io->out_len -= n;
	if (s->tmp_out_processed < s->tmp_out_valid)
		return CCP_INFLATE_OUTPUT;
	io->wrong = reason(state->failed);
	io->before = state->before;
	return CCP_INFLATE_ERROR;
}

static void give_back(struct ccp_inflate *state, struct ccp_inflate_io *io)
{
	struct inflate_state *s = &state->isal;
	unsigned bits = s->read_in_length > 0 ? (unsigned)s->read_in_length : 0;
	uint64_t rest = s->read_in >> (bits % 8);

	io->held_len = bits / 8;
	for (size_t i = 0; i < io->held_len; i++, rest >>= 8)
		io->held[i] = (uint8_t)rest;
	s->read_in = 0;
	s->read_in_length = 0;
}

/* One call of ISA-L. Returns its status. */
static int call(struct inflate_state *s, struct ccp_inflate_io *io)
{
	uint32_t in_len = io->in_len < STEP_MAX ? (uint32_t)io->in_len : STEP_MAX;
	uint32_t out_len = io->out_len < STEP_MAX ? (uint32_t)io->out_len : STEP_MAX;
	int status;

	if (s->total_out > STEP_MAX)
		s->total_out = STEP_MAX / 2;
	s->next_in = (uint8_t *)(uintptr_t)io->in;
	s->avail_in = in_len;
	s->next_out = io->out;
	s->avail_out = out_len;
	status = isal_inflate(s);
	io->in += in_len - s->avail_in;
	io->in_len -= in_len - s->avail_in;
	io->out += out_len - s->avail_out;
	io->out_len -= out_len - s->avail_out;
	s->next_in = s->next_out = NULL;
	return status;
}

/* Copies what matters of the state: tables only inside a block, and of the output buffer what is in use. */
static void copy_state(struct inflate_state *to, const struct inflate_state *from)
{
	size_t tables = offsetof(struct inflate_state, lit_huff_code);
	size_t rest = offsetof(struct inflate_state, block_state);
	size_t buffer = offsetof(struct inflate_state, tmp_out_buffer);

	memcpy(to, from, tables);
	if (from->block_state == ISAL_BLOCK_CODED)
		memcpy((uint8_t *)to + tables, (const uint8_t *)from + tables, rest - tables);
	memcpy((uint8_t *)to + rest, (const uint8_t *)from + rest, buffer - rest);
	memcpy(to->tmp_out_buffer, from->tmp_out_buffer, (size_t)from->tmp_out_valid);
}

/* Decodes until something is used up or happens. Returns ISA-L's status; ISAL_END_INPUT for no progress. */
static int advance(struct inflate_state *s, struct ccp_inflate_io *io)
{
	for (;;) {
		size_t in_before = io->in_len, out_before = io->out_len;
		int status = call(s, io);

		if (status < 0)
			return status;
		if (s->block_state == ISAL_BLOCK_FINISH || io->out_len == 0 || io->in_len == 0)
			return ISAL_DECOMP_OK;
		if (io->in_len == in_before && io->out_len == out_before)
			return ISAL_END_INPUT;
	}
}

/* Advances in portions of `size` bytes until something fails; `state->saved` is the state before the last portion. */
static int advance_portions(struct ccp_inflate *state, struct ccp_inflate_io *io, size_t size,
			    struct ccp_inflate_io *last)
{
	for (;;) {
		size_t all = io->in_len;
		int status;

		copy_state(&state->saved, &state->isal);
		*last = *io;
		io->in_len = all < size ? all : size;
		all -= io->in_len;
		status = advance(&state->isal, io);
		io->in_len += all;
		if (status != ISAL_DECOMP_OK || io->in_len == 0 || io->out_len == 0 ||
		    state->isal.block_state == ISAL_BLOCK_FINISH)
			return status;
	}
}

/* True if the input has ended in the middle of the stream. */
static bool is_cut(const struct ccp_inflate *state, const struct ccp_inflate_io *io)
{
	return io->no_more && io->out_len > 0 && state->isal.block_state != ISAL_BLOCK_FINISH;
}

/* After an error or a cut: goes back to `start` and finds its exact place. */
static int try_again(struct ccp_inflate *state, struct ccp_inflate_io *io, const struct ccp_inflate_io *start)
{
	struct ccp_inflate_io last;
	int status;

	copy_state(&state->isal, &state->saved);
	*io = *start;
	status = advance_portions(state, io, COARSE, &last);
	if (status == ISAL_DECOMP_OK && !is_cut(state, io))
		return status;
	copy_state(&state->isal, &state->saved);
	*io = last;
	return advance_portions(state, io, 1, &last);
}

enum ccp_inflate_status ccp_inflate_step(struct ccp_inflate *state, struct ccp_inflate_io *io)
{
	struct inflate_state *s = &state->isal;
	struct ccp_inflate_io start;
	int status;

	io->held_len = 0;
	io->wrong = NULL;
	io->before = 0;
	if (state->failed)
		return drain(state, io);
	start = *io;
	copy_state(&state->saved, s);
	status = advance(s, io);
	if (status != ISAL_DECOMP_OK || is_cut(state, io))
		status = try_again(state, io, &start);
	if (status != ISAL_DECOMP_OK) {
		state->failed = status;
		state->before = s->read_in_length > 0 ? (size_t)s->read_in_length / 8 : 0;
		return drain(state, io);
	}
	if (s->block_state == ISAL_BLOCK_FINISH) {
		give_back(state, io);
		return CCP_INFLATE_END;
	}
	return io->out_len == 0 ? CCP_INFLATE_OUTPUT : CCP_INFLATE_INPUT;
}

#endif
