/*
 * inflate_find.c: one pass over the data, in groups of six bytes.
 *
 * Dynamic blocks: from one word, shifts and ands give a mask of the 48 bit positions of a group where the first 13 bits
 * are right: not final, dynamic, at most 286 literals and lengths, at most 30 distances. About 11 % of random positions
 * are. At each, the 57 bits that describe the code of the code lengths are looked up in five parts, in a table of how
 * much of a code tree they fill; they must fill all of it: one in 250. Then the code lengths are walked, while they are
 * summed up in the same way, which mostly fails within a few of them. What is left goes to the decoder's own judge.
 *
 * Stored blocks: bytes where LEN is the complement of NLEN, compared eight at a time, behind three bits of zero.
 * Members: the bytes of their magic. Both are rare, so what makes the search slow or fast is the loop for the others.
 */
#include "pipeline/codec/inflate_find.h"

#include <string.h>

#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/inflate_bits.h"

#define GROUP 6 /* bytes: 48 positions and the 12 bits behind the last fit in a word */
#define GROUP_MASK ((UINT64_C(1) << 8 * GROUP) - 1)
#define AHEAD 16 /* bytes that are read from the start of a group on */

#define PRE_BITS 7
#define PRE_SYMBOLS 19
#define PRE_FULL (1u << PRE_BITS)
#define HEAD_BITS 17 /* final, type, and the three counts */
#define FULL (1u << 15)

/* So that data made to be slow cannot make it slow: longer names are not looked through, nor more fields of FEXTRA. */
#define NAME_MAX_BYTES 1024
#define FIELDS_MAX 64
#define FIXED_FIELDS 10 /* bytes of a gzip header before the optional fields */
#define BC_BYTES 2
#define MEMBER_MIN (FIXED_FIELDS + 2 + CCP_GZIP_TRAILER_BYTES)

/* How much four lengths of 3 bits each fill of a code tree of 7 levels: 128 is all. A length of 0 is no code. */
#define F1(n) ((n) ? PRE_FULL >> (n) : 0u)
#define F2(n) F1((n) & 7) + F1((n) >> 3 & 7)
#define F4(n) (uint16_t)(F2(n) + F2((n) >> 6))
#define T4(n) F4(n), F4((n) + 1), F4((n) + 2), F4((n) + 3)
#define T16(n) T4(n), T4((n) + 4), T4((n) + 8), T4((n) + 12)
#define T64(n) T16(n), T16((n) + 16), T16((n) + 32), T16((n) + 48)
#define T256(n) T64(n), T64((n) + 64), T64((n) + 128), T64((n) + 192)
#define T1024(n) T256(n), T256((n) + 256), T256((n) + 512), T256((n) + 768)

static const uint16_t fills[4096] = { T1024(0), T1024(1024), T1024(2048), T1024(3072) };

static inline uint64_t load(const uint8_t *data, size_t len, uint64_t at, bool inside)
{
	return inside ? ccp_load64(data + at) : ccp_load64_end(data, len, at);
}

/* The next bits, at least 57 of them. */
static inline uint64_t peek(const uint8_t *data, size_t len, uint64_t bit, bool inside)
{
	return load(data, len, bit >> 3, inside) >> (bit & 7);
}

/* A mask of the bits of `w` where a block begins as those we look for; good for the first 52. */
static inline uint64_t may_begin(uint64_t w)
{
	uint64_t m = ~w & ~(w >> 1) & w >> 2;

	m &= ~(w >> 4 & w >> 5 & w >> 6 & w >> 7);
	return m & ~(w >> 9 & w >> 10 & w >> 11 & w >> 12);
}

/* The lengths of the code of the code lengths, 3 bits each. */
static inline uint64_t precode(const uint8_t *data, size_t len, uint64_t bit, unsigned count, bool inside)
{
	return peek(data, len, bit + HEAD_BITS, inside) & ((UINT64_C(1) << 3 * (count + 4)) - 1);
}

static inline bool is_full(uint64_t pre)
{
	return fills[pre & 4095] + fills[pre >> 12 & 4095] + fills[pre >> 24 & 4095] + fills[pre >> 36 & 4095] +
	       fills[pre >> 48] == PRE_FULL;
}

/* A table of the code of the code lengths: by the next 7 bits, symbol << 3 | bits. The code is complete. */
static void build(uint64_t pre, uint8_t table[PRE_FULL])
{
	static const uint8_t order[PRE_SYMBOLS] = { 3, 17, 15, 13, 11, 9, 7, 5, 4, 6, 8, 10, 12, 14, 16, 18, 0, 1, 2 };
	unsigned next[PRE_BITS + 2] = { 0 };

	/* How many words of each length; then the first of each, as the place of its first 7 bits, high bit first. */
	for (uint64_t rest = pre; rest; rest >>= 3)
		next[(rest & 7) + 1]++;
	next[1] = 0;
	for (unsigned len = 1; len <= PRE_BITS; len++)
		next[len + 1] = next[len] + (next[len + 1] << (PRE_BITS - len));
	for (unsigned symbol = 0; symbol < PRE_SYMBOLS; symbol++) {
		unsigned len = (unsigned)(pre >> 3 * order[symbol]) & 7, word = next[len];

		if (len == 0)
			continue;
		next[len] += PRE_FULL >> len;
		/* The first bit of a word is read into the lowest: turned round as 8 bits, of which 7 are meant. */
		word = (word & 0x0f) << 4 | word >> 4;
		word = (word & 0x33) << 2 | (word >> 2 & 0x33);
		word = ((word & 0x55) << 1 | (word >> 1 & 0x55)) >> 1;
		for (; word < PRE_FULL; word += 1u << len)
			table[word] = (uint8_t)(symbol << 3 | len);
	}
}

/* Both codes of a block while their lengths are read. */
struct walk {
	unsigned at, end, total; /* lengths read, of the first code, of both */
	unsigned filled;         /* of the tree of the code that is being read */
};

/* Takes `n` lengths. Returns false if they make no code. That they do it does not promise. */
static inline bool take(struct walk *walk, unsigned len, unsigned n)
{
	unsigned share = len ? FULL >> len : 0;

	while (walk->at + n >= walk->end) {
		walk->filled += share * (walk->end - walk->at);
		/* A single word may have one bit; there may be no distances. */
		if (walk->filled != FULL && walk->filled != FULL / 2 && walk->filled != 0)
			return false;
		n -= walk->end - walk->at;
		walk->at = walk->end;
		walk->filled = 0;
		if (walk->end == walk->total)
			return n == 0;
		walk->end = walk->total;
	}
	walk->at += n;
	walk->filled += share * n;
	return walk->filled <= FULL;
}

/* Walks the code lengths of a dynamic block that has a complete code for them. Returns false if it cannot be one. */
static bool lengths_fit(const uint8_t *data, size_t len, uint64_t bit)
{
	static const uint8_t extra[3] = { 2, 3, 7 }, least[3] = { 3, 3, 11 };
	uint64_t bits = peek(data, len, bit, false);
	unsigned lits = (unsigned)(bits >> 3 & 31) + 257, dists = (unsigned)(bits >> 8 & 31) + 1, last = 16;
	unsigned count = (unsigned)(bits >> 13 & 15);
	struct walk walk = { .end = lits, .total = lits + dists };
	uint8_t table[PRE_FULL];

	build(precode(data, len, bit, count, false), table);
	bit += HEAD_BITS + 3 * (count + 4);
	while (bit <= (uint64_t)len * 8) {
		bits = peek(data, len, bit, false);
		/* 4 words of at most 7 bits and 7 more. */
		for (unsigned i = 0; i < 4; i++) {
			unsigned entry = table[bits & (PRE_FULL - 1)], symbol = entry >> 3, n = 1;

			bits >>= entry & 7;
			bit += entry & 7;
			if (symbol >= 16) {
				unsigned more = extra[symbol - 16];

				n = least[symbol - 16] + (unsigned)(bits & ((1u << more) - 1));
				bits >>= more;
				bit += more;
				if (symbol > 16)
					last = 0;
				else if (last == 16)
					return false;
			} else {
				last = symbol;
			}
			if (!take(&walk, last, n))
				return false;
			if (walk.at == walk.total)
				return true;
		}
	}
	return false;
}

/* Whether a dynamic block that is not final begins here, where the first 13 bits are right. */
static bool is_dynamic(const uint8_t *data, size_t len, uint64_t bit)
{
	struct ccp_inflate_head head;
	const char *wrong;

	return lengths_fit(data, len, bit) && ccp_inflate_read_head(data, len, bit, &head, NULL, &wrong) == 1;
}

/* Whether LEN of a stored block that is not final is at `at`. */
static bool is_stored(const uint8_t *data, size_t len, uint64_t at)
{
	struct ccp_inflate_head head;
	const char *wrong;
	uint64_t word, next;

	if (at == 0 || len - at < 4 || (data[at - 1] & 0xe0))
		return false;
	word = ccp_load64_end(data, len, at);
	if (((word ^ word >> 16) & 0xffff) != 0xffff)
		return false;
	/* By chance this is met once in half a megabyte; with one more header behind it, three to four times less. */
	next = at + 4 + (word & 0xffff);
	return next >= len || ccp_inflate_read_head(data, len, next * 8, &head, NULL, &wrong) >= 0;
}

/* Whether one of the fields of FEXTRA is that of BGZF, which says how long the member is. */
static bool names_its_size(const uint8_t *field, size_t left)
{
	for (unsigned i = 0; i < FIELDS_MAX && left >= 4; i++) {
		size_t bytes = 4 + (size_t)(field[2] | field[3] << 8);

		if (bytes > left)
			return false;
		if (field[0] == 'B' && field[1] == 'C' && bytes == 4 + BC_BYTES)
			return (field[4] | field[5] << 8) + 1 >= MEMBER_MIN;
		field += bytes;
		left -= bytes;
	}
	return false;
}

/* Passes over a name or a comment: returns where it ends, 0 if it does not. */
static size_t pass_over(const uint8_t *data, size_t len, size_t at)
{
	const uint8_t *zero = memchr(data + at, 0, len - at < NAME_MAX_BYTES ? len - at : NAME_MAX_BYTES);

	return zero ? (size_t)(zero - data) + 1 : 0;
}

static bool is_member(const uint8_t *data, size_t len, uint64_t at)
{
	struct ccp_inflate_head head;
	const char *wrong;
	size_t end = FIXED_FIELDS;
	unsigned flags;

	data += at;
	len -= (size_t)at;
	if (len < FIXED_FIELDS || data[0] != 0x1f || data[1] != 0x8b || data[2] != 8)
		return false;
	flags = data[3];
	if (flags & CCP_GZIP_RESERVED)
		return false;
	if (flags & CCP_GZIP_FEXTRA) {
		size_t bytes;

		if (len - end < 2)
			return false;
		bytes = (size_t)(data[end] | data[end + 1] << 8);
		end += 2;
		if (len - end < bytes)
			return false;
		if (names_its_size(data + end, bytes))
			return true;
		end += bytes;
	}
	if ((flags & CCP_GZIP_FNAME) && (end = pass_over(data, len, end)) == 0)
		return false;
	if ((flags & CCP_GZIP_FCOMMENT) && (end = pass_over(data, len, end)) == 0)
		return false;
	if (flags & CCP_GZIP_FHCRC)
		end += 2;
	return ccp_inflate_read_head(data, len, (uint64_t)end * 8, &head, NULL, &wrong) == 1;
}

/* The bytes of `w` that are zero, by their high bits. */
static inline uint64_t zero_bytes(uint64_t w)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

	return ~(((w & low) + low) | w | low);
}

/* The bytes of a group, by their high bits, where LEN may be or a member begin. `w` and `w2`: at it, and 2 behind. */
static inline uint64_t may_be_byte(uint64_t w, uint64_t w2)
{
	const uint64_t all = UINT64_C(0x0101010101010101);
	uint64_t same = zero_bytes(~(w ^ w2));
	uint64_t magic = zero_bytes((w ^ 0x1f * all) | (w >> 8 ^ 0x8b * all));

	return (same & same >> 8) | magic;
}

/* All that may begin in a group, lowest first: `dynamic` and `bytes` are masks of bits that may. */
static bool find_in(const uint8_t *data, size_t len, uint64_t bit, uint64_t dynamic, uint64_t bytes,
		    struct ccp_inflate_found *found)
{
	for (uint64_t left = dynamic | bytes; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		uint64_t place = bit + i;

		found->boundary = (struct ccp_inflate_boundary){ .bit = place };
		found->place = CCP_PLACE_BLOCK;
		if (dynamic >> i & 1) {
			unsigned count = (unsigned)(peek(data, len, place, false) >> 13 & 15);

			if (is_full(precode(data, len, place, count, false)) && is_dynamic(data, len, place))
				return true;
		}
		if (!(bytes >> i & 1))
			continue;
		if (is_stored(data, len, place / 8)) {
			found->boundary.stored = true;
			return true;
		}
		found->place = CCP_PLACE_MEMBER;
		if (is_member(data, len, place / 8))
			return true;
	}
	return false;
}

/* One group, from byte `at`: those of its positions that are in `wanted`. */
static inline bool search_group(const uint8_t *data, size_t len, uint64_t at, uint64_t wanted, bool inside,
				struct ccp_inflate_found *found)
{
	uint64_t w = load(data, len, at, inside);
	uint64_t dynamic = may_begin(w) & wanted;
	uint64_t bytes = may_be_byte(w, load(data, len, at + 2, inside)) >> 7 & wanted;

	if (!inside || __builtin_expect(bytes != 0, 0))
		return find_in(data, len, at * 8, dynamic, bytes, found);
	for (; dynamic; dynamic &= dynamic - 1) {
		unsigned i = (unsigned)__builtin_ctzll(dynamic);
		uint64_t bit = at * 8 + i;

		if (__builtin_expect(is_full(precode(data, len, bit, w >> (i + 13) & 15, inside)), 0) &&
		    is_dynamic(data, len, bit)) {
			*found = (struct ccp_inflate_found){ CCP_PLACE_BLOCK, { .bit = bit } };
			return true;
		}
	}
	return false;
}

struct ccp_inflate_found ccp_inflate_find(const uint8_t *data, size_t len, uint64_t from, uint64_t until)
{
	struct ccp_inflate_found found;
	uint64_t at = from / 8, wanted = GROUP_MASK << from % 8 & GROUP_MASK;

	if (until > (uint64_t)len * 8)
		until = (uint64_t)len * 8;
	for (; at * 8 + 8 * GROUP <= until && at + AHEAD <= len; at += GROUP) {
		if (search_group(data, len, at, wanted, true, &found))
			return found;
		wanted = GROUP_MASK;
	}
	for (; at * 8 < until; at += GROUP) {
		if (until - at * 8 < 8 * GROUP)
			wanted &= (UINT64_C(1) << (until - at * 8)) - 1;
		if (search_group(data, len, at, wanted, false, &found))
			return found;
		wanted = GROUP_MASK;
	}
	return (struct ccp_inflate_found){ .place = CCP_PLACE_NONE };
}
