/*
 * inflate_careful.c: decodes symbol by symbol, where input or room may run out and where errors are.
 *
 * A symbol is taken with all that belongs to it or not at all: at most 48 bits, so that what is left over waits in the
 * bits held. Of a match it takes what there is room for. Errors are told as soon as the bits that show them are there.
 */
#include "pipeline/codec/inflate_run.h"

#include <string.h>

#include "pipeline/codec/inflate_bits.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Bytes before the step's first that can be reached. */
static size_t reach(const struct ccp_inflate_run *r)
{
	size_t before = (size_t)(r->out_begin - r->low);

	return before > r->state->window_len ? before : r->state->window_len;
}

size_t ccp_run_from_window(const struct ccp_inflate_run *r, uint8_t *out, size_t distance, size_t length)
{
	size_t done = (size_t)(out - r->out_begin), n;

	if (distance > done + reach(r))
		return 0;
	n = MIN(length, distance - done);
	memcpy(out, r->state->window + r->state->window_len - (distance - done), n);
	return n;
}

/* A symbol as far as it is known. */
struct symbol {
	uint32_t entry;
	unsigned code, total; /* bits: of the code; and of the extra bits too */
};

/* Looks up the code at the start of `bits`. Returns false if more than `held` bits are needed for that. */
static bool look_up(const uint32_t *table, unsigned index, uint64_t bits, unsigned held, struct symbol *s)
{
	unsigned first = 0;

	s->entry = table[bits & ((1u << index) - 1)];
	if ((s->entry & CCP_ENTRY_ODD) && (s->entry & CCP_ENTRY_POINTER)) {
		bits >>= index;
		first = index;
		s->entry = table[ccp_entry_second(s->entry, bits)];
	}
	s->code = first + (s->entry >> 8 & 31);
	s->total = first + (s->entry & 0xff);
	return s->code <= held;
}

/* The value of a length or a distance at the start of `bits`. */
static unsigned value(const struct symbol *s, uint64_t bits)
{
	return (s->entry >> 16) + (unsigned)(bits >> s->code & ((1u << (s->total - s->code)) - 1));
}

/* Copies what there is room for of the match that is due. */
void ccp_run_copy_match(struct ccp_inflate_run *r)
{
	struct ccp_inflate *state = r->state;
	size_t distance = state->match_distance, n, length = MIN(state->match_left, (size_t)(r->out_end - r->out));

	state->match_left -= (unsigned)length;
	if (distance > (size_t)(r->out - r->low)) {
		n = ccp_run_from_window(r, r->out, distance, length);
		r->out += n;
		length -= n;
	}
	if (distance >= length) {
		memcpy(r->out, r->out - distance, length);
		r->out += length;
	} else {
		for (; length > 0; length--, r->out++)
			*r->out = r->out[-(ptrdiff_t)distance];
	}
}

/* One symbol or an error; sets *status and returns false if that ends the step. */
bool ccp_run_symbol(struct ccp_inflate_run *r, struct ccp_inflate_io *io, enum ccp_inflate_status *status)
{
	struct ccp_inflate *state = r->state;
	struct symbol length, distance;

	ccp_run_fill(r);
	*status = CCP_INFLATE_INPUT;
	if (!look_up(state->tables.lit, CCP_INFLATE_LIT_BITS, r->bits, r->held, &length))
		return false;
	if (length.entry & CCP_ENTRY_LITERAL) {
		*status = CCP_INFLATE_OUTPUT;
		if (r->out == r->out_end)
			return false;
		*r->out++ = (uint8_t)(length.entry >> 16);
		ccp_run_drop(r, length.total);
		return true;
	}
	if (length.entry & CCP_ENTRY_END) {
		ccp_run_drop(r, length.total);
		state->phase = CCP_IN_BETWEEN;
		return true;
	}
	if (length.entry & CCP_ENTRY_ODD) {
		*status = ccp_run_fail(r, io, 0, "invalid literal/length code");
		return false;
	}
	if (length.total > r->held)
		return false;

	uint64_t bits = r->bits >> length.total;
	unsigned held = r->held - length.total;

	if (!look_up(state->tables.dist, CCP_INFLATE_DIST_BITS, bits, held, &distance))
		return false;
	if (distance.entry & CCP_ENTRY_ODD) {
		*status = ccp_run_fail(r, io, length.total, "invalid distance code");
		return false;
	}
	if (distance.total > held)
		return false;
	if (value(&distance, bits) > (size_t)(r->out - r->out_begin) + reach(r)) {
		*status = ccp_run_fail(r, io, length.total, "invalid distance too far back");
		return false;
	}
	*status = CCP_INFLATE_OUTPUT;
	if (r->out == r->out_end)
		return false;
	state->match_left = value(&length, r->bits);
	state->match_distance = value(&distance, bits);
	ccp_run_drop(r, length.total + distance.total);
	ccp_run_copy_match(r);
	return true;
}
