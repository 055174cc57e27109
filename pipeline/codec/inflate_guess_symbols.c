/*
 * inflate_guess_symbols.c: a fast loop and a careful one.
 *
 * The fast loop runs while much input and room are left: it fills up 64 bits without a branch, takes up to three
 * literals for one filling, looks the next symbol up before it copies, and copies 16 symbols whatever the length. It
 * knows no errors: if it meets one, all is decoded again from its start by the careful loop, which checks before each
 * symbol that all of its bits are there and that it has room.
 */
#include "pipeline/codec/inflate_guess_symbols.h"

#include <string.h>

#include "pipeline/codec/inflate_bits.h"

#define FAST_IN 32   /* bytes that one round of the fast loop may look at */
#define FAST_OUT 264 /* symbols that it may write: two literals and the longest match, and some */
#define DIST_MOST 28 /* bits of the longest distance */

#define LIT_MASK ((1u << CCP_INFLATE_LIT_BITS) - 1)
#define DIST_MASK ((1u << CCP_INFLATE_DIST_BITS) - 1)

static inline void copy8(uint16_t *to, const uint16_t *from)
{
	uint64_t two[2];

	memcpy(two, from, sizeof two);
	memcpy(to, two, sizeof two);
}

/* Copies to[0, length), with up to 24 symbols of scrap behind it. */
static inline void copy_match(uint16_t *to, uint32_t length, uint32_t distance)
{
	const uint16_t *from = to - distance;
	const uint16_t *end = to + length;

	/* A short period is doubled until it is as long as a copy. */
	while (distance < 8) {
		copy8(to, from);
		to += distance;
		distance *= 2;
	}
	copy8(to, from);
	copy8(to + 8, from + 8);
	for (to += 16, from += 16; to < end; to += 16, from += 16) {
		copy8(to, from);
		copy8(to + 8, from + 8);
	}
}

/* Gives whole bytes back. The bits above `held` need not be zero. */
static inline void give_back(struct ccp_symbols *at, const uint8_t *in, uint64_t bits, unsigned held)
{
	at->in = in - (held >> 3);
	at->held = held & 7;
	at->bits = bits & ((1u << at->held) - 1);
}

#define FILL() CCP_BITS_FILL(bits, held, in)
#define TAKE()                                                                                                         \
	do {                                                                                                           \
		saved = bits;                                                                                          \
		CCP_BITS_TAKE(bits, held, entry);                                                                      \
	} while (0)

/* Returns CCP_SYMBOLS_BLOCK, _WRONG (then `at` is as it was), or _ENOUGH: out >= end or the input nears its end. */
static inline __attribute__((always_inline)) enum ccp_symbols_status
decode_fast(struct ccp_symbols *at, const struct ccp_inflate_tables *tables, const uint16_t *end)
{
	const uint32_t *lit = tables->lit, *dist = tables->dist;
	const uint8_t *in = at->in, *in_end = at->in_end - FAST_IN;
	uint16_t *out = at->out, *to;
	uint64_t bits = at->bits, saved;
	uint32_t held = at->held, entry, length, distance;
	enum ccp_symbols_status status = CCP_SYMBOLS_ENOUGH;

	FILL();
	entry = lit[bits & LIT_MASK];
	do {
		TAKE();
		if (entry & CCP_ENTRY_LITERAL) {
			*out++ = (uint8_t)(entry >> 16);
			entry = lit[bits & LIT_MASK];
			TAKE();
			if (entry & CCP_ENTRY_LITERAL) {
				*out++ = (uint8_t)(entry >> 16);
				entry = lit[bits & LIT_MASK];
				TAKE();
				if (entry & CCP_ENTRY_LITERAL)
					goto literal;
			}
		}
		if (__builtin_expect(entry & CCP_ENTRY_ODD, 0)) {
			if (entry & CCP_ENTRY_POINTER) {
				entry = lit[ccp_entry_second(entry, bits)];
				TAKE();
				if (entry & CCP_ENTRY_LITERAL)
					goto literal;
			}
			if (entry & CCP_ENTRY_END) {
				status = CCP_SYMBOLS_BLOCK;
				break;
			}
			if (entry & CCP_ENTRY_ODD)
				return CCP_SYMBOLS_WRONG;
		}
		length = ccp_entry_value(entry, saved);
		entry = dist[bits & DIST_MASK];
		if ((uint8_t)held < DIST_MOST + CCP_INFLATE_LIT_BITS)
			FILL();
		TAKE();
		if (__builtin_expect(entry & CCP_ENTRY_ODD, 0)) {
			if (!(entry & CCP_ENTRY_POINTER))
				return CCP_SYMBOLS_WRONG;
			entry = dist[ccp_entry_second(entry, bits)];
			TAKE();
			if (entry & CCP_ENTRY_ODD)
				return CCP_SYMBOLS_WRONG;
		}
		distance = ccp_entry_value(entry, saved);
		to = out;
		out += length;
		entry = lit[bits & LIT_MASK];
		FILL();
		copy_match(to, length, distance);
		continue;
literal:
		*out++ = (uint8_t)(entry >> 16);
		entry = lit[bits & LIT_MASK];
		FILL();
	} while (in < in_end && out < end);
	give_back(at, in, bits, held & 0xff);
	at->out = out;
	return status;
}

static enum ccp_symbols_status decode_fast_plain(struct ccp_symbols *at, const struct ccp_inflate_tables *tables,
						 const uint16_t *end)
{
	return decode_fast(at, tables, end);
}

#ifdef __x86_64__
__attribute__((target("bmi,bmi2"))) static enum ccp_symbols_status
decode_fast_bmi2(struct ccp_symbols *at, const struct ccp_inflate_tables *tables, const uint16_t *end)
{
	return decode_fast(at, tables, end);
}
#endif

static enum ccp_symbols_status choose_fast(struct ccp_symbols *at, const struct ccp_inflate_tables *tables,
					   const uint16_t *end)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("bmi2"))
		return decode_fast_bmi2(at, tables, end);
#endif
	return decode_fast_plain(at, tables, end);
}

/* One symbol; of a length, with its distance. */
struct symbol {
	uint32_t entry;    /* CCP_ENTRY_LITERAL, CCP_ENTRY_END, or of a length */
	uint32_t length, distance;
	unsigned used; /* bits */
};

/* Returns false if the symbol does not exist. If symbol->used > held it is not known, whatever is returned. */
static bool read_symbol(const struct ccp_inflate_tables *tables, uint64_t bits, unsigned held, struct symbol *symbol)
{
	uint32_t entry = tables->lit[bits & LIT_MASK];
	uint64_t rest = bits;

	symbol->used = 0;
	if (entry & CCP_ENTRY_POINTER) {
		rest >>= CCP_INFLATE_LIT_BITS;
		symbol->used = CCP_INFLATE_LIT_BITS;
		entry = tables->lit[ccp_entry_second(entry, rest)];
	}
	symbol->entry = entry;
	symbol->used += (uint8_t)entry;
	if (entry & (CCP_ENTRY_LITERAL | CCP_ENTRY_END) || symbol->used > held)
		return true;
	if (entry & CCP_ENTRY_ODD)
		return false;
	symbol->length = ccp_entry_value(entry, rest);
	rest = bits >> symbol->used;
	entry = tables->dist[rest & DIST_MASK];
	if (entry & CCP_ENTRY_POINTER) {
		rest >>= CCP_INFLATE_DIST_BITS;
		symbol->used += CCP_INFLATE_DIST_BITS;
		entry = tables->dist[ccp_entry_second(entry, rest)];
	}
	symbol->used += (uint8_t)entry;
	if (entry & CCP_ENTRY_ODD)
		return false;
	symbol->distance = ccp_entry_value(entry, rest);
	return true;
}

static enum ccp_symbols_status decode_carefully(struct ccp_symbols *at, const struct ccp_inflate_tables *tables,
						const uint16_t *enough, const uint16_t *limit)
{
	struct symbol symbol;

	while (at->out < enough) {
		while (at->held < 56 && at->in < at->in_end) {
			at->bits |= (uint64_t)*at->in++ << at->held;
			at->held += 8;
		}

		bool exists = read_symbol(tables, at->bits, at->held, &symbol);

		/* At most 48 bits: there is no more input. */
		if (symbol.used > at->held)
			return CCP_SYMBOLS_INPUT;
		if (!exists)
			return CCP_SYMBOLS_WRONG;
		if (symbol.entry & CCP_ENTRY_LITERAL) {
			if (at->out == limit)
				return CCP_SYMBOLS_ROOM;
			*at->out++ = (uint8_t)(symbol.entry >> 16);
		} else if (!(symbol.entry & CCP_ENTRY_END)) {
			if ((size_t)(limit - at->out) < symbol.length)
				return CCP_SYMBOLS_ROOM;
			for (; symbol.length > 0; symbol.length--, at->out++)
				*at->out = *(at->out - symbol.distance);
		}
		at->bits >>= symbol.used;
		at->held -= symbol.used;
		if (symbol.entry & CCP_ENTRY_END)
			return CCP_SYMBOLS_BLOCK;
	}
	return CCP_SYMBOLS_ENOUGH;
}

enum ccp_symbols_status ccp_symbols_decode(struct ccp_symbols *at, const struct ccp_inflate_tables *tables,
					   const uint16_t *enough, const uint16_t *limit)
{
	enum ccp_symbols_status status = CCP_SYMBOLS_ENOUGH;

	if (limit - at->out > FAST_OUT && at->in_end - at->in > FAST_IN) {
		const uint16_t *end = limit - FAST_OUT < enough ? limit - FAST_OUT : enough;

		status = choose_fast(at, tables, end);
	}
	if (status != CCP_SYMBOLS_BLOCK)
		status = decode_carefully(at, tables, enough, limit);
	if (status != CCP_SYMBOLS_INPUT)
		give_back(at, at->in, at->bits, at->held);
	return status;
}

void ccp_symbols_set(struct ccp_symbols *at, const uint8_t *data, uint64_t bit)
{
	at->in = data + (bit >> 3);
	at->held = 0;
	at->bits = 0;
	if (bit & 7) {
		at->bits = (uint64_t)(*at->in++ >> (bit & 7));
		at->held = 8 - (unsigned)(bit & 7);
	}
}
