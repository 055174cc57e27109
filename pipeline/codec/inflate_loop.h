/*
 * inflate_loop.h: the fast loop of the byte decoder, for the middle of a step, where nothing can run out.
 *
 * Only inflate.c includes this; it makes a function of it for each kind of CPU.
 * One turn decodes up to three literals, or up to two and a match, from at least 56 bits. The entry of the next symbol
 * is looked up before the bits are filled up and before the match is copied, so that its load does not wait for them.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_LOOP_H
#define CCP_PIPELINE_CODEC_INFLATE_LOOP_H

#include <string.h>

#include "pipeline/codec/inflate_bits.h"
#include "pipeline/codec/inflate_run.h"

/* What one turn may read and write: three fill-ups; three pairs, the longest match and what a copy overshoots. */
#define CCP_LOOP_IN 32
#define CCP_LOOP_OUT (6 + 258 + 40)
#define CCP_LOOP_DIST_BITS (15 + 13) /* of a distance with its extra bits */

enum ccp_loop_end { CCP_LOOP_ROOM, CCP_LOOP_BLOCK, CCP_LOOP_WRONG };

static inline void ccp_copy8(uint8_t *to, const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof word);
	memcpy(to, &word, sizeof word);
}

static inline void ccp_copy16(uint8_t *to, const uint8_t *from)
{
	struct { uint64_t a, b; } word;

	memcpy(&word, from, sizeof word);
	memcpy(to, &word, sizeof word);
}

/* Copies a match; up to 40 bytes behind its end may be overwritten. */
static inline __attribute__((always_inline)) void ccp_copy_match(uint8_t *to, size_t distance, size_t length)
{
	const uint8_t *from = to - distance;
	uint8_t *end = to + length;

	if (__builtin_expect(distance >= 16, 1)) {
		ccp_copy16(to, from);
		ccp_copy16(to + 16, from + 16);
		if (__builtin_expect(length <= 32, 1))
			return;
		to += 32;
		from += 32;
		do {
			ccp_copy16(to, from);
			to += 16;
			from += 16;
		} while (to < end);
	} else if (distance >= 8) {
		do {
			ccp_copy8(to, from);
			ccp_copy8(to + 8, from + 8);
			to += 16;
			from += 16;
		} while (to < end);
	} else if (distance == 1) {
		uint64_t word = UINT64_C(0x0101010101010101) * *from;

		do {
			memcpy(to, &word, 8);
			memcpy(to + 8, &word, 8);
			to += 16;
		} while (to < end);
	} else {
		do {
			ccp_copy8(to, from);
			to += distance;
			from += distance;
		} while (to < end);
	}
}

#define CCP_FILL() CCP_BITS_FILL(bits, held, in)
#define CCP_TAKE(entry) CCP_BITS_TAKE(bits, held, entry)

/* Of a pair or a single literal both bytes are stored, and one or two count. */
#define CCP_PUT(literal)                                                                                              \
	do {                                                                                                          \
		*out = (uint8_t)((literal) >> 16);                                                                    \
		if (paired)                                                                                           \
			out[1] = (uint8_t)((literal) >> 8);                                                           \
		out += paired ? 1 + ((literal) >> 30 & 1) : 1;                                                        \
	} while (0)

/*
 * Decodes while there are CCP_LOOP_IN bytes of input and CCP_LOOP_OUT of room. At CCP_LOOP_WRONG the caller must begin
 * again from where it was, carefully: `r` is not changed then. `paired`, a constant: looks up in `pairs`.
 */
static inline __attribute__((always_inline)) enum ccp_loop_end ccp_inflate_loop(struct ccp_inflate_run *r,
								       bool paired)
{
	const uint32_t *const lit = r->state->tables.lit, *const dist = r->state->tables.dist;
	const uint32_t *const first = paired ? r->state->tables.pairs : lit;
	const unsigned first_bits = paired ? CCP_INFLATE_PAIR_BITS : CCP_INFLATE_LIT_BITS;
	const uint64_t first_mask = (1u << first_bits) - 1, dist_mask = (1u << CCP_INFLATE_DIST_BITS) - 1;
	const uint8_t *in = r->in, *const in_last = r->in_end - CCP_LOOP_IN;
	uint8_t *out = r->out, *const out_last = r->out_end - CCP_LOOP_OUT;
	const uint8_t *const low = r->low;
	uint64_t bits = r->bits, saved;
	uint32_t held = r->held, entry;
	enum ccp_loop_end status = CCP_LOOP_ROOM;

	CCP_FILL();
	entry = first[bits & first_mask];
	do {
		saved = bits;
		CCP_TAKE(entry);
		if (entry & CCP_ENTRY_LITERAL) {
			uint32_t literal = entry;

			entry = first[bits & first_mask];
			saved = bits;
			CCP_TAKE(entry);
			CCP_PUT(literal);
			if (entry & CCP_ENTRY_LITERAL) {
				literal = entry;
				entry = first[bits & first_mask];
				saved = bits;
				CCP_TAKE(entry);
				CCP_PUT(literal);
				if (entry & CCP_ENTRY_LITERAL) {
					CCP_PUT(entry);
					entry = first[bits & first_mask];
					CCP_FILL();
					continue;
				}
			}
		}
		if (__builtin_expect(entry & CCP_ENTRY_ODD, 0)) {
			if (entry & CCP_ENTRY_POINTER) {
				entry = lit[ccp_entry_second(entry, bits)];
				saved = bits;
				CCP_TAKE(entry);
				if (entry & CCP_ENTRY_LITERAL) {
					*out++ = (uint8_t)(entry >> 16);
					CCP_FILL();
					entry = first[bits & first_mask];
					continue;
				}
			}
			if (entry & CCP_ENTRY_ODD) {
				status = entry & CCP_ENTRY_END ? CCP_LOOP_BLOCK : CCP_LOOP_WRONG;
				break;
			}
		}

		size_t length = ccp_entry_value(entry, saved), distance;

		entry = dist[bits & dist_mask];
		/* Mostly there are bits enough; asking is faster than filling up for nothing. */
		if (__builtin_expect((uint8_t)held < CCP_LOOP_DIST_BITS + first_bits, 0))
			CCP_FILL();
		if (__builtin_expect(entry & CCP_ENTRY_ODD, 0)) {
			if (!(entry & CCP_ENTRY_POINTER)) {
				status = CCP_LOOP_WRONG;
				break;
			}
			CCP_TAKE(entry & 0xff);
			entry = dist[ccp_entry_second(entry, bits)];
			if (entry & CCP_ENTRY_ODD) {
				status = CCP_LOOP_WRONG;
				break;
			}
		}
		saved = bits;
		CCP_TAKE(entry);
		distance = ccp_entry_value(entry, saved);
		entry = first[bits & first_mask];
		CCP_FILL();
		if (__builtin_expect(distance > (size_t)(out - low), 0)) {
			size_t n = ccp_run_from_window(r, out, distance, length);

			if (n == 0) {
				status = CCP_LOOP_WRONG;
				break;
			}
			out += n;
			length -= n;
			if (length == 0)
				continue;
		}
		ccp_copy_match(out, distance, length);
		out += length;
	} while (in <= in_last && out <= out_last);
	if (status == CCP_LOOP_WRONG)
		return status;

	/* Whole bytes go back. */
	held &= 63;
	size_t back = held / 8 < (size_t)(in - r->in_begin) ? held / 8 : (size_t)(in - r->in_begin);

	r->in = in - back;
	r->held = held - 8 * (unsigned)back;
	r->bits = bits & ((UINT64_C(1) << r->held) - 1);
	r->out = out;
	return status;
}

#undef CCP_FILL
#undef CCP_TAKE
#undef CCP_PUT

#endif
