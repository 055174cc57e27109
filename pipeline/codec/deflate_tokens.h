/*
 * deflate_tokens.h: the bit reader and the token tables of the walk; private to pipeline/codec.
 */
#ifndef CCP_PIPELINE_CODEC_DEFLATE_TOKENS_H
#define CCP_PIPELINE_CODEC_DEFLATE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "pipeline/codec/deflate_walk.h"

/*
 * An entry: bits 0-5 what to consume, 7 and 10 what it ends with, 11-14 how many of the index bits it needs to know.
 * Bit 10 is also what selects the half of the second table.
 */
enum {
	CCP_WALK_CONSUME = 63,
	CCP_WALK_LITERALS = 0,
	CCP_WALK_LENGTH = 1 << CCP_WALK_SECOND_BITS,
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

/* The bits at a position, at least 57. The caller knows that eight bytes are there. */
static inline uint64_t peek(const uint8_t *data, uint64_t at)
{
	return bits_load64(data + (at >> 3)) >> (at & 7);
}

#define CCP_WALK_RUN_BYTES 32u

typedef uint64_t ccp_words __attribute__((vector_size(16)));
typedef uint8_t ccp_octets __attribute__((vector_size(16)));

/*
 * Which of the 16 bytes that begin `phase` bits after p are not in the run, one bit each. Codes are packed with their
 * first bit lowest: turned round, those of one length are a range. Reads 17 bytes.
 */
static inline __attribute__((always_inline)) unsigned run_breaks(const uint8_t *p, unsigned phase, ccp_octets first,
								 ccp_octets span)
{
	ccp_words a, b;

	memcpy(&a, p, sizeof a);
	memcpy(&b, p + 1, sizeof b);
	a = a >> phase | b << (8 - phase);
	a = (a & 0x5555555555555555) << 1 | (a >> 1 & 0x5555555555555555);
	a = (a & 0x3333333333333333) << 2 | (a >> 2 & 0x3333333333333333);
	a = (a & 0x0f0f0f0f0f0f0f0f) << 4 | (a >> 4 & 0x0f0f0f0f0f0f0f0f);
	ccp_words in = (ccp_words)((ccp_octets)a - first <= span);
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8((__m128i)in) ^ 0xffff;
#else
	/* One bit of each byte, gathered into the highest byte. */
	in = (in & 0x0101010101010101) * 0x0102040810204080 >> 56;
	return (unsigned)(in[0] | in[1] << 8) ^ 0xffff;
#endif
}

/* How many bits of literals of eight bits follow, up to CCP_WALK_RUN_BYTES of them. Little-endian machines only. */
static inline __attribute__((always_inline)) unsigned run_bits(const uint8_t *data, uint64_t at, uint8_t first,
							       uint8_t span)
{
	ccp_octets firsts = (ccp_octets){ 0 } + first, spans = (ccp_octets){ 0 } + span;
	const uint8_t *p = data + (at >> 3);
	unsigned phase = (unsigned)at & 7;
	uint64_t breaks = (uint64_t)1 << CCP_WALK_RUN_BYTES;

	breaks |= run_breaks(p, phase, firsts, spans) | (uint64_t)run_breaks(p + 16, phase, firsts, spans) << 16;
	return (unsigned)__builtin_ctzll(breaks) * 8;
}

/* Sorts the symbols by code. Returns how much of the code space (1 << 15) is left, negative if over-subscribed. */
int ccp_walk_canon_build(struct ccp_walk_canon *canon, const uint8_t *lens, unsigned n, unsigned *max_len);

/* Builds the tables for the code lengths of a block. Returns what is wrong with them, or NULL. */
const char *ccp_walk_tables_build(struct ccp_walk *walk, const uint8_t *lens, unsigned n_lit, unsigned n_dist);

/* Skips the tokens of a block with the tables. Returns what is wrong, or NULL; the caller looks for an overrun. */
const char *ccp_walk_tokens_skip(struct ccp_walk *walk, struct ccp_bits *bits);

#endif
