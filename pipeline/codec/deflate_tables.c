/*
 * deflate_tables.c: the tables of the walk.
 *
 * The first table is indexed by the next 10 bits; an entry says how many bits all the whole tokens in there take: any
 * number of literals, then perhaps a length with its extra bits. The second look-up takes the distance that follows a
 * length. To spare a branch that no predictor guesses it is always made: after an entry without a length it goes to the
 * other half of the second table, which takes one more literal, or nothing. (As many literals as fit, as in the first
 * table, did not pay: building that took a fifth of the whole walk.) Codes longer than an index are rare and are
 * decoded canonically, bit by bit.
 *
 * Entries for several tokens are composed from entries for one: the tail of an index is a smaller index, whose own
 * entry is already known; it counts if it does not use more bits than the tail has.
 */
#include "pipeline/codec/deflate_tokens.h"

#define LIT_BITS CCP_WALK_LIT_BITS
#define SECOND_BITS CCP_WALK_SECOND_BITS
#define MAX_LEN CCP_WALK_MAX_LEN
#define LITERALS CCP_WALK_LITERALS
#define LENGTH CCP_WALK_LENGTH
#define SPECIAL CCP_WALK_SPECIAL
#define KIND (LENGTH | SPECIAL)
#define RUN_CODES 200u /* of the 256 possible codes of eight bits: 180 to 240 make no difference */
#define KNOWN(entry) ((unsigned)(entry) >> 11)

const uint8_t ccp_walk_length_extra[29] = {
	0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
};

int ccp_walk_canon_build(struct ccp_walk_canon *canon, const uint8_t *lens, unsigned n, unsigned *max_len)
{
	uint16_t place[MAX_LEN + 2], counts[4][MAX_LEN + 1];
	unsigned code = 0, at = 0;
	int left = 1 << MAX_LEN;

	/* Four sets of counters: neighbours are often equal, and one counter would wait for itself. */
	memset(counts, 0, sizeof counts);
	for (unsigned i = 0; i < n; i++)
		counts[i % 4][lens[i]]++;
	for (unsigned len = 1; len <= MAX_LEN; len++)
		canon->count[len] = (uint16_t)(counts[0][len] + counts[1][len] + counts[2][len] + counts[3][len]);
	canon->count[0] = 0;
	*max_len = 0;
	for (unsigned len = 1; len <= MAX_LEN; len++) {
		code = (code + canon->count[len - 1]) << 1;
		canon->first[len] = (uint16_t)code;
		canon->index[len] = place[len] = (uint16_t)at;
		at += canon->count[len];
		left -= canon->count[len] << (MAX_LEN - len);
		if (canon->count[len])
			*max_len = len;
	}
	if (left < 0)
		return left;
	for (unsigned i = 0; i < n; i++)
		if (lens[i])
			canon->sorted[place[lens[i]]++] = (uint16_t)i;
	return left;
}

/* A table and no comparisons: literals and lengths follow each other at random in the order of the codes. */
static const uint16_t lit_kind[286] = {
	[256] = SPECIAL,
	[257] = LENGTH, LENGTH, LENGTH, LENGTH, LENGTH, LENGTH, LENGTH, LENGTH,
	LENGTH + 1, LENGTH + 1, LENGTH + 1, LENGTH + 1, LENGTH + 2, LENGTH + 2, LENGTH + 2, LENGTH + 2,
	LENGTH + 3, LENGTH + 3, LENGTH + 3, LENGTH + 3, LENGTH + 4, LENGTH + 4, LENGTH + 4, LENGTH + 4,
	LENGTH + 5, LENGTH + 5, LENGTH + 5, LENGTH + 5, LENGTH,
};

static unsigned lit_entry(unsigned symbol, unsigned len)
{
	if (symbol > 285)
		return SPECIAL;
	return (lit_kind[symbol] + len) | len << 11;
}

/*
 * Composes entries for several tokens for the first table, and the literals' half of the second. No branch depends
 * on the codes, which would be mispredicted all the time. An entry that knows 0 bits (long or invalid) cannot be added:
 * with 1 subtracted its number of bits is larger than any room.
 */
static void compose(struct ccp_walk *walk)
{
	const uint16_t *single = walk->single;
	uint16_t *lit = walk->lit;
	uint8_t *more = walk->second;

	lit[0] = single[0];
	for (unsigned i = 0; i < 1u << LIT_BITS; i++) {
		unsigned one = single[i], known = KNOWN(one), room = LIT_BITS - known, tail = i >> known;
		unsigned add = lit[tail], other = single[tail];

		add = KNOWN(add) - 1u < room ? add : other;
		add = KNOWN(add) - 1u < room ? add : 0;
		add = one & KIND ? 0 : add;
		lit[i] = (uint16_t)(one + add);
	}
	_Static_assert(SECOND_BITS == LIT_BITS, "an index of the first table is one of the second");
	for (unsigned i = 0; i < 1u << SECOND_BITS; i++)
		more[i] = (uint8_t)(single[i] & KIND ? 0 : KNOWN(single[i]));
}

static void lit_build(struct ccp_walk *walk, unsigned max_len)
{
	const struct ccp_walk_canon *canon = &walk->lit_canon;
	uint16_t *single = walk->single;
	unsigned top = max_len < LIT_BITS ? max_len : LIT_BITS;
	const uint16_t *symbol = canon->sorted;

	/* A table of the shortest codes, doubled for each length. */
	unsigned size = 1;
	single[0] = SPECIAL;
	for (unsigned len = 1; len <= top; len++) {
		memcpy(single + size, single, size * sizeof *single);
		size *= 2;
		for (unsigned i = 0; i < canon->count[len]; i++)
			single[bits_reverse(canon->first[len] + i, len)] = (uint16_t)lit_entry(*symbol++, len);
	}
	for (; size < 1u << LIT_BITS; size *= 2)
		memcpy(single + size, single, size * sizeof *single);

	compose(walk);
}

static void dist_build(struct ccp_walk *walk, unsigned max_len)
{
	const struct ccp_walk_canon *canon = &walk->dist_canon;
	uint8_t *table = walk->second + (1u << SECOND_BITS);
	unsigned top = max_len < SECOND_BITS ? max_len : SECOND_BITS;
	const uint16_t *symbol = canon->sorted;
	unsigned size = 1;

	table[0] = CCP_WALK_LONG_DIST;
	for (unsigned len = 1; len <= top; len++) {
		memcpy(table + size, table, size);
		size *= 2;
		for (unsigned i = 0; i < canon->count[len]; i++, symbol++) {
			unsigned extra = *symbol < 4 ? 0 : *symbol / 2u - 1;

			table[bits_reverse(canon->first[len] + i, len)] =
				(uint8_t)(*symbol > 29 ? CCP_WALK_LONG_DIST : len + extra);
		}
	}
	for (; size < 1u << SECOND_BITS; size *= 2)
		memcpy(table + size, table, size);
}

/* Of the codes of one length those of literals come first. */
static void runs_note(struct ccp_walk *walk)
{
	const struct ccp_walk_canon *canon = &walk->lit_canon;
	unsigned n = 0;

	while (n < canon->count[8] && canon->sorted[canon->index[8] + n] < 256)
		n++;
	walk->runs = n >= RUN_CODES && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	walk->run_first = (uint8_t)canon->first[8];
	walk->run_span = (uint8_t)(n - 1);
}

const char *ccp_walk_tables_build(struct ccp_walk *walk, const uint8_t *lens, unsigned n_lit, unsigned n_dist)
{
	unsigned max_len;
	int left = ccp_walk_canon_build(&walk->lit_canon, lens, n_lit, &max_len);

	if (left < 0 || (left > 0 && max_len != 1))
		return "invalid literal/lengths set";
	lit_build(walk, max_len);
	runs_note(walk);
	left = ccp_walk_canon_build(&walk->dist_canon, lens + n_lit, n_dist, &max_len);
	/* One code of one bit may stand alone, and a block without matches needs no distance code. */
	if (left < 0 || (left > 0 && max_len > 1))
		return "invalid distances set";
	dist_build(walk, max_len);
	return NULL;
}
