/*
 * test_inflate_find_exact.c: the search for blocks against one that tries every bit by the decoder's own judge; and
 * headers made by hand that zlib reads but never writes.
 */
#include "tests/unit/find_help.h"

#include "pipeline/codec/gzip_header.h"

TestSuite(inflate_find_exact, .timeout = 200);

static bool same(struct ccp_inflate_found a, struct ccp_inflate_found b)
{
	if (a.place == CCP_PLACE_NONE || b.place == CCP_PLACE_NONE)
		return a.place == b.place;
	return a.place == b.place && a.boundary.bit == b.boundary.bit && a.boundary.stored == b.boundary.stored;
}

static bool is_stored(const uint8_t *data, size_t len, size_t at)
{
	struct ccp_inflate_head head;
	size_t end;

	/* The last place where the header may be. */
	if (at == 0 || judge(data, len, (uint64_t)at * 8 - 3, &head) != 1)
		return false;
	if (head.type != CCP_BLOCK_STORED || head.final)
		return false;
	end = at + 4 + head.stored_len;
	return end > len || judge(data, len, (uint64_t)end * 8, &head) >= 0;
}

static bool is_member(const uint8_t *data, size_t len, size_t at)
{
	struct ccp_gzip_header header = { 0 };
	struct ccp_inflate_head head;
	struct ccp_err err;
	size_t used, left = len - at;
	const uint8_t *p = data + at;

	if (left >= 18 && !memcmp(p, "\x1f\x8b\x08\x04", 4) && !memcmp(p + 10, "\6\0BC\2\0", 6))
		return true;
	switch (ccp_gzip_header_read(&header, p, left, 0, &used, &err)) {
	case 1:
		break;
	case 0:
		return false;
	default:
		if (err.code != CCP_E_CRC)
			return false;
		used = (size_t)header.bytes + 1; /* its last byte; the search does not look at the header's checksum */
	}
	return judge(p, left, (uint64_t)used * 8, &head) == 1;
}

static struct ccp_inflate_found slow_find(const uint8_t *data, size_t len, uint64_t from, uint64_t until)
{
	struct ccp_inflate_found found = { 0 };
	struct ccp_inflate_head head;

	for (uint64_t bit = from; bit < until && bit < (uint64_t)len * 8; bit++) {
		found.boundary.bit = bit;
		found.place = CCP_PLACE_BLOCK;
		if (judge(data, len, bit, &head) == 1 && head.type == CCP_BLOCK_DYNAMIC && !head.final)
			return found;
		if (bit % 8)
			continue;
		found.boundary.stored = true;
		if (is_stored(data, len, (size_t)(bit / 8)))
			return found;
		found.boundary.stored = false;
		found.place = CCP_PLACE_MEMBER;
		if (is_member(data, len, (size_t)(bit / 8)))
			return found;
	}
	return (struct ccp_inflate_found){ .place = CCP_PLACE_NONE };
}

/* From each bit on, and up to each bit around what is found. */
static void check_exact(const uint8_t *data, size_t len, const char *what)
{
	uint64_t end = (uint64_t)len * 8;
	struct ccp_inflate_found found, want = slow_find(data, len, 0, UINT64_MAX);

	for (uint64_t from = 0; from <= end + 70; from++) {
		if (want.place != CCP_PLACE_NONE && want.boundary.bit < from)
			want = slow_find(data, len, from, UINT64_MAX);
		found = ccp_inflate_find(data, len, from, UINT64_MAX);
		cr_assert(same(found, want), "%s: from bit %lu: place %d at %lu instead of %d at %lu", what, from,
			  found.place, found.boundary.bit, want.place, want.boundary.bit);
		if (want.place == CCP_PLACE_NONE || want.boundary.bit - from > 130)
			continue;
		for (uint64_t until = from > 3 ? from - 3 : 0; until < want.boundary.bit + 60; until++) {
			found = ccp_inflate_find(data, len, from, until);
			if (until > want.boundary.bit)
				cr_assert(same(found, want), "%s: bits %lu to %lu", what, from, until);
			else
				cr_assert_eq(found.place, CCP_PLACE_NONE, "%s: bits %lu to %lu", what, from, until);
		}
	}
}

Test(inflate_find_exact, same_as_trying_every_bit)
{
	for (unsigned kind = 0; kind < CONTENT_KINDS; kind++) {
		struct bytes plain = help_content((enum content)kind, 20000, 8), raw, gz;

		raw = make_raw(plain, 6, 1, Z_DEFAULT_STRATEGY, kind % 2 ? Z_FULL_FLUSH : Z_PARTIAL_FLUSH, 900);
		check_exact(raw.data, raw.len, "deflate");
		gz = help_gzip(plain.data, plain.len);
		for (unsigned cut = 0; cut < 20; cut++)
			check_exact(gz.data, gz.len < 1000 ? gz.len - cut : 1000 - cut, "gzip");
		free(plain.data);
		free(raw.data);
		free(gz.data);
	}
}

/*
 * Data in which a lot is nearly right: what is found is right, and what is right is found, also where several kinds lie
 * close together.
 */
Test(inflate_find_exact, same_as_trying_every_bit_of_odd_data)
{
	static const struct {
		const char *text;
		size_t len;
	} parts[] = {
		{ "\0\0\0\xff\xff", 5 },
		{ "\0\3\0\xfc\xff", 5 },
		{ GZ("\0") "\3\0", 12 },
		{ GZ("\x8") "a\0\3", 13 },
		{ "\x1f\x8b", 2 },
		{ "\x1f\x8b\x08", 3 },
		{ GZ("\4") "\6\0BC\2\0\xff\1", 18 },
		{ "\xff\xff", 2 },
		{ "\x04\0\xe0\x80", 4 },
	};
	struct bytes text = help_content(CONTENT_TEXT, 3000, 4);
	struct bytes raw = make_raw(text, 6, 8, Z_HUFFMAN_ONLY, Z_FULL_FLUSH, 900);
	uint64_t seed = 31;

	for (unsigned round = 0; round < 60; round++) {
		struct bytes odd = { help_alloc(1), 0, 1 };

		while (odd.len < 400) {
			uint64_t r = help_random(&seed);
			size_t i = r % (sizeof parts / sizeof parts[0] + 1);

			if (i == sizeof parts / sizeof parts[0])
				help_append(&odd, raw.data, 20 + (r >> 20) % 150);
			else
				help_append(&odd, parts[i].text, parts[i].len);
			help_append(&odd, &r, r >> 61);
		}
		check_exact(odd.data, odd.len, "odd data");
		free(odd.data);
	}
	free(raw.data);
	free(text.data);
}

struct writer {
	uint8_t data[256];
	size_t bits;
};

static void put(struct writer *w, unsigned bits, unsigned n)
{
	for (unsigned i = 0; i < n; i++, w->bits++)
		w->data[w->bits / 8] |= (uint8_t)((bits >> i & 1) << w->bits % 8);
}

/* A header that is not final, of code lengths 0, 1 and 2, which are written as 0, 10 and 11. */
static void put_header(struct writer *w, const uint8_t *lits, unsigned lit_count, const uint8_t *dists,
		       unsigned dist_count)
{
	static const uint8_t words[3] = { 0, 1, 3 }; /* first bit lowest */

	put(w, 2 << 1, 3);
	put(w, lit_count - 257, 5);
	put(w, dist_count - 1, 5);
	put(w, 18 - 4, 4);
	for (unsigned i = 0; i < 18; i++) /* 0 is the fourth in their order, 2 the sixteenth, 1 the last but one */
		put(w, i == 3 ? 1 : i == 15 || i == 17 ? 2 : 0, 3);
	for (unsigned i = 0; i < lit_count + dist_count; i++) {
		unsigned len = i < lit_count ? lits[i] : dists[i - lit_count];

		put(w, words[len], len ? 2 : 1);
	}
}

/* Also those that end with the data, and not if a bit is missing. */
Test(inflate_find_exact, codes_of_few_words)
{
	static const struct {
		uint8_t first, second, end, more; /* lengths of the first two literals, the end, the first length */
		bool right;
	} lits[8] = {
		{ 0, 0, 1, 0, true },  { 1, 0, 1, 0, true },  { 2, 2, 1, 0, true },  { 2, 1, 2, 0, true },
		{ 0, 1, 0, 1, false }, { 0, 0, 2, 0, false }, { 1, 1, 1, 0, false }, { 2, 2, 2, 0, false },
	};
	static const struct {
		uint8_t lens[4];
		unsigned count;
		bool right;
	} dists[] = {
		{ { 0 }, 1, true },       { { 0, 0 }, 2, true },       { { 1 }, 1, true },
		{ { 0, 0, 1 }, 3, true }, { { 1, 1 }, 2, true },       { { 2, 1, 2 }, 3, true },
		{ { 2 }, 1, false },      { { 2, 2, 2, 2 }, 4, true }, { { 1, 2 }, 2, false },
		{ { 2, 2 }, 2, false },   { { 1, 1, 1 }, 3, false },
	};

	for (size_t i = 0; i < 8 * 8 * (sizeof dists / sizeof dists[0]); i++) {
		size_t l = i / 8 % 8, d = i / 64, phase = i % 8, len;
		uint8_t lens[258] = { lits[l].first, lits[l].second, [256] = lits[l].end, [257] = lits[l].more };
		bool right = lits[l].right && dists[d].right;
		struct ccp_inflate_found found;
		struct writer w = { .bits = phase };
		uint8_t *exact;

		put_header(&w, lens, 258, dists[d].lens, dists[d].count);
		len = (w.bits + 7) / 8;
		exact = help_alloc(len);
		memcpy(exact, w.data, len);
		found = ccp_inflate_find(exact, len, phase, phase + 1);
		cr_assert_eq(found.place, right ? CCP_PLACE_BLOCK : CCP_PLACE_NONE, "%zu, %zu at %zu", l, d, phase);
		cr_assert(same(found, slow_find(exact, len, phase, phase + 1)), "%zu, %zu at %zu", l, d, phase);
		found = ccp_inflate_find(exact, len - 1, phase, phase + 1);
		cr_assert_eq(found.place, CCP_PLACE_NONE, "%zu, %zu at %zu, cut", l, d, phase);
		free(exact);
	}
}
