/*
 * deflate_tokens.h: the bit reader and the token tables of the walk; private to pipeline/codec.
 */
#ifndef CCP_PIPELINE_CODEC_DEFLATE_TOKENS_H
#define CCP_PIPELINE_CODEC_DEFLATE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pipeline/codec/deflate_walk.h"

/* An entry: bits 0-5 what to consume, 6-7 what it ends with, 8-11 how many of the index bits it needs to know. */
enum {
	CCP_WALK_CONSUME = 63,
	CCP_WALK_LITERALS = 0,
	CCP_WALK_LENGTH = 64,
	CCP_WALK_SPECIAL = 128, /* end of block if it consumes bits, else a long or invalid code */
};

#define CCP_WALK_LONG_DIST 128u /* in the second table: a long or invalid code; also tested as CCP_WALK_SPECIAL */

extern const uint8_t ccp_walk_length_extra[29];

/* Units: `window` holds the next `count` bits of the stream, the next one lowest. */
struct ccp_bits {
	const uint8_t *start, *next, *end;
	uint64_t window;
	unsigned count;   /* valid bits in window; the bits above are zero or will be loaded again */
	unsigned phantom; /* zero bits put in after the end of the data */
};

static inline uint64_t bits_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void bits_refill_slowly(struct ccp_bits *b)
{
	b->window &= b->count ? UINT64_MAX >> (64 - b->count) : 0;
	while (b->count <= 56) {
		if (b->next < b->end)
			b->window |= (uint64_t)*b->next++ << b->count;
		else
			b->phantom += 8;
		b->count += 8;
	}
}

/* Afterwards at least 56 bits are there; past the end they are zero and counted in `phantom`. */
static inline void bits_refill(struct ccp_bits *b)
{
	if (__builtin_expect(b->end - b->next >= 8, 1)) {
		b->window |= bits_load64(b->next) << b->count;
		b->next += (63 - b->count) >> 3;
		b->count |= 56;
	} else {
		bits_refill_slowly(b);
	}
}

static inline void bits_skip(struct ccp_bits *b, unsigned n)
{
	b->window >>= n;
	b->count -= n;
}

static inline unsigned bits_take(struct ccp_bits *b, unsigned n)
{
	unsigned v = (unsigned)b->window & ((1u << n) - 1);

	bits_skip(b, n);
	return v;
}

/* True if bits beyond the end of the data were consumed. */
static inline bool bits_overrun(const struct ccp_bits *b)
{
	return b->phantom > b->count;
}

static inline uint64_t bits_position(const struct ccp_bits *b)
{
	return (uint64_t)(b->next - b->start) * 8 + b->phantom - b->count;
}

static inline unsigned bits_reverse(unsigned code, unsigned len)
{
	code = (code & 0x5555) << 1 | (code & 0xaaaa) >> 1;
	code = (code & 0x3333) << 2 | (code & 0xcccc) >> 2;
	code = (code & 0x0f0f) << 4 | (code & 0xf0f0) >> 4;
	code = (code & 0x00ff) << 8 | (code & 0xff00) >> 8;
	return code >> (16 - len);
}

/* Sorts the symbols by code. Returns how much of the code space (1 << 15) is left, negative if over-subscribed. */
int ccp_walk_canon_build(struct ccp_walk_canon *canon, const uint8_t *lens, unsigned n, unsigned *max_len);

/* Builds the tables for the code lengths of a block. Returns what is wrong with them, or NULL. */
const char *ccp_walk_tables_build(struct ccp_walk *walk, const uint8_t *lens, unsigned n_lit, unsigned n_dist);

/* Skips the tokens of a block with the tables. Returns what is wrong, or NULL; the caller looks for an overrun. */
const char *ccp_walk_tokens_skip(struct ccp_walk *walk, struct ccp_bits *bits);

#endif
