/*
 * gunzip_take.c: the machine's cursor; doing ahead, and taking over what was done so.
 *
 * The input is first the bytes that the decoder gave back, if any, then the piece. What was done ahead lies in the
 * piece's spare buffer: once the decoder has come to where it began, the buffer takes the place of `out`.
 */
#include "pipeline/transform/gunzip_run.h"

#include <stdlib.h>

#include "pipeline/codec/crc.h"

#define MISSES_FREE 3u /* guesses for nothing in a row that cost nothing yet; then 1, 2, 4 … */
#define REST_MAX 5u    /* … and at last 32 pieces are decoded in order before another one is tried */

const uint8_t *ccp_gunzip_input(const struct ccp_gunzip_run *r, size_t *len)
{
	if (r->carry->held_len > 0) {
		*len = r->carry->held_len;
		return r->carry->held;
	}
	*len = r->piece->in.len - r->piece->in_used;
	return r->piece->in.data + r->piece->in_used;
}

void ccp_gunzip_advance(struct ccp_gunzip_run *r, size_t n)
{
	struct ccp_gunzip_carry *c = r->carry;

	if (c->held_len > 0) {
		c->held_len -= n;
		memmove(c->held, c->held + n, c->held_len);
	} else {
		r->piece->in_used += n;
	}
}

uint64_t ccp_gunzip_offset(const struct ccp_gunzip_run *r)
{
	return r->piece->offset + r->piece->in_used - r->carry->held_len;
}

void ccp_gunzip_unread(struct ccp_gunzip_run *r, const uint8_t *bytes, size_t n)
{
	struct ccp_gunzip_carry *c = r->carry;

	if (c->held_len == 0 && n <= r->piece->in_used) {
		r->piece->in_used -= n;
		return;
	}
	/* Either they are all from before this piece, or the rest of what was held lies behind them. */
	if (n + c->held_len > sizeof c->held)
		abort();
	memmove(c->held + n, c->held, c->held_len);
	memcpy(c->held, bytes, n);
	c->held_len += n;
}

/* ---- taking over -------------------------------------------------------------------------------- */

int ccp_gunzip_check(struct ccp_gunzip_run *r, uint32_t crc, uint32_t length, uint64_t at)
{
	if (r->carry->unchecked) {
		r->carry->unchecked = false;
		return 0;
	}
	if (crc != r->carry->crc)
		return ccp_err_at(&r->piece->err, CCP_E_CRC, at, "invalid compressed data--crc error");
	if (length != (uint32_t)r->carry->member_bytes)
		return ccp_err_at(&r->piece->err, CCP_E_LENGTH, at + 4, "invalid compressed data--length error");
	return 0;
}

void ccp_gunzip_count(struct ccp_gunzip_run *r, const uint8_t *data, size_t len)
{
	r->carry->crc = ccp_crc32(r->carry->crc, data, len);
	r->carry->member_bytes += len;
	r->piece->plain_bytes += len;
}

static void exchange(struct ccp_piece *piece)
{
	struct ccp_buf out = piece->out;

	piece->out = piece->spare;
	piece->spare = out;
}

void ccp_gunzip_choose_buffer(struct ccp_piece *piece, bool ahead)
{
	if (piece->spare.cap > 0 && (piece->spare.data < piece->out.data) != ahead)
		exchange(piece);
}

int ccp_gunzip_take_over(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;
	struct ccp_ahead *ahead = r->ahead;
	struct ccp_piece *piece = r->piece;
	size_t at = 0;

	c->taking = piece->out.len > 0;
	if (c->taking)
		return 2;
	c->taken = piece->ahead_used = true;
	r->ahead = NULL;
	ccp_ahead_settle(ahead, piece->spare.data, c->inflate.window, c->inflate.window_len);
	exchange(piece);
	piece->in_used = ahead->in_used;
	for (size_t i = 0; i < ahead->member_count; i++) {
		const struct ccp_ahead_member *member = &ahead->member[i];

		ccp_gunzip_count(r, piece->out.data + at, member->out_end - at);
		piece->out.len = at = member->out_end;
		if (ccp_gunzip_check(r, member->crc, member->length, piece->offset + member->trailer) < 0)
			return -1;
		c->crc = 0;
		c->member_bytes = 0;
	}
	ccp_gunzip_count(r, piece->out.data + at, ahead->out_len - at);
	piece->out.len = ahead->out_len;
	c->phase = ahead->in_trailer ? CCP_GUNZIP_TRAILER : CCP_GUNZIP_BODY;
	c->word_len = 0;
	if (!ahead->in_trailer)
		c->inflate = *ccp_ahead_state(ahead);
	r->member_at = ahead->last_out;
	return 1;
}

bool ccp_gunzip_guess_at(const struct ccp_gunzip_run *r, struct ccp_inflate_boundary *boundary)
{
	uint64_t used = 8 * (uint64_t)r->piece->in_used;

	if (!r->ahead || r->ahead->start.place != CCP_PLACE_BLOCK || r->carry->held_len > 0 ||
	    r->ahead->start.boundary.bit < used)
		return false;
	*boundary = r->ahead->start.boundary;
	boundary->bit -= used;
	return true;
}

bool ccp_gunzip_is_guessed_member(const struct ccp_gunzip_run *r)
{
	return r->ahead && r->ahead->start.place == CCP_PLACE_MEMBER && r->carry->held_len == 0 &&
	       r->ahead->start.boundary.bit == 8 * (uint64_t)r->piece->in_used;
}

/* ---- doing ahead -------------------------------------------------------------------------------- */

static bool is_due(void *piece)
{
	return ccp_piece_is_due(piece);
}

bool ccp_gunzip_ahead(void *state, const void *carry, struct ccp_piece *piece)
{
	struct ccp_gunzip *g = state;
	const struct ccp_gunzip_carry *c = carry;
	struct ccp_ahead *ahead = (struct ccp_ahead *)(void *)piece->note.data;

	ccp_gunzip_choose_buffer(piece, true);
	ccp_ahead_begin(ahead, piece->spare.cap);
	if (atomic_load_explicit(&c->ahead_from, memory_order_relaxed) <= piece->number)
		ccp_ahead_run(ahead, &g->work, piece->in.data, piece->in.len, piece->spare.data, piece->spare.cap,
			      is_due, piece);
	return ahead->searched;
}

static unsigned rests(unsigned misses)
{
	return misses - MISSES_FREE - 1 < REST_MAX ? misses - MISSES_FREE - 1 : REST_MAX;
}

void ccp_gunzip_learn(struct ccp_gunzip_carry *c, const struct ccp_piece *piece)
{
	if (c->taken)
		c->misses = 0;
	else if (piece->was_ahead && ++c->misses > MISSES_FREE)
		atomic_store_explicit(&c->ahead_from, piece->number + 1 + ((uint64_t)1 << rests(c->misses)),
				      memory_order_relaxed);
	c->taken = false;
}
