/*
 * test_inflate_find.c: the search for blocks against zlib's inflate(Z_BLOCK), and at the edges of memory.
 */
#include "tests/unit/find_help.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/codec/gzip_header.h"

TestSuite(inflate_find, .timeout = 200);

struct count {
	unsigned dynamic, stored, members;
};

/* Finds all. `found` may be NULL; else it has room for `room`. */
static size_t find_all(const uint8_t *data, size_t len, struct ccp_inflate_found *found, size_t room,
		       struct count *count)
{
	size_t n = 0;

	*count = (struct count){ 0 };
	for (uint64_t from = 0;; n++) {
		struct ccp_inflate_found one = ccp_inflate_find(data, len, from, UINT64_MAX);

		if (one.place == CCP_PLACE_NONE)
			return n;
		cr_assert(one.boundary.bit >= from && one.boundary.bit < (uint64_t)len * 8);
		if (one.place == CCP_PLACE_MEMBER)
			count->members++;
		else if (one.boundary.stored)
			count->stored++;
		else
			count->dynamic++;
		if (found) {
			cr_assert_lt(n, room);
			found[n] = one;
		}
		from = one.boundary.bit + 1;
	}
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

/* Asks that all of the blocks that zlib meets and we look for are found. Adds to `seen` and to the bits of `phases`. */
static void check_recall(struct bytes raw, const char *what, struct count *seen, unsigned *phases)
{
	static uint8_t room[65536];
	struct ccp_inflate_found *found = help_alloc(raw.len * sizeof *found);
	struct ccp_inflate_head head;
	struct count count;
	size_t n = find_all(raw.data, raw.len, found, raw.len, &count), at = 0;
	z_stream z = { .next_in = raw.data, .avail_in = (uInt)raw.len };
	int status;

	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	do {
		struct ccp_inflate_boundary want = { .bit = 0 };

		z.next_out = room;
		z.avail_out = sizeof room;
		status = inflate(&z, Z_BLOCK);
		if (!(z.data_type & 128) || (z.data_type & 64) || status != Z_OK)
			continue;
		want.bit = (uint64_t)(z.next_in - raw.data) * 8 - (unsigned)(z.data_type & 7);
		cr_assert_eq(judge(raw.data, raw.len, want.bit, &head), 1, "%s: bit %lu", what, want.bit);
		if (head.final || head.type == CCP_BLOCK_FIXED)
			continue;
		if (head.type == CCP_BLOCK_STORED) {
			*phases |= 1u << want.bit % 8;
			want = (struct ccp_inflate_boundary){ true, (want.bit + 3 + 7) / 8 * 8 };
			seen->stored++;
		} else {
			seen->dynamic++;
		}
		while (at < n && found[at].boundary.bit < want.bit)
			at++;
		cr_assert(at < n && found[at].place == CCP_PLACE_BLOCK && found[at].boundary.bit == want.bit &&
				  found[at].boundary.stored == want.stored,
			  "%s: block at bit %lu not found", what, want.bit);
	} while (status == Z_OK);
	cr_assert_eq(status, Z_STREAM_END, "%s", what);
	inflateEnd(&z);
	free(found);
}

static struct bytes read_self(void)
{
	struct bytes b = { help_alloc(2u << 20), 0, 2u << 20 };
	FILE *f = fopen("/proc/self/exe", "rb");

	cr_assert_not_null(f);
	b.len = fread(b.data, 1, b.cap, f);
	fclose(f);
	return b;
}

Test(inflate_find, finds_every_block_of_zlib)
{
	static const int levels[] = { 1, 6, 9, 0 }, mem_levels[] = { 8, 1 };
	struct count seen = { 0 };
	unsigned phases = 0;

	for (unsigned kind = 0; kind <= CONTENT_KINDS; kind++) {
		struct bytes plain = kind < CONTENT_KINDS ? help_content((enum content)kind, 1u << 20, 5) : read_self();

		for (unsigned i = 0; i < 8; i++) {
			int level = levels[i / 2], mem_level = mem_levels[i % 2];
			struct bytes raw = make_raw(plain, level, mem_level, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0);
			char what[80];

			snprintf(what, sizeof what, "content %u, level %d, memory %d", kind, level, mem_level);
			check_recall(raw, what, &seen, &phases);
			free(raw.data);
		}
		free(plain.data);
	}
	cr_assert_gt(seen.dynamic, 1000);
	cr_assert_gt(seen.stored, 100);
}

Test(inflate_find, finds_every_block_between_flushes)
{
	static const int flushes[] = { Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_BLOCK };
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE, Z_FILTERED, Z_FIXED };
	struct count seen = { 0 };
	unsigned phases = 0;

	for (unsigned kind = 0; kind < CONTENT_KINDS; kind++) {
		struct bytes plain = help_content((enum content)kind, 1u << 19, 6);

		for (unsigned i = 0; i < 20; i++) {
			struct bytes raw = make_raw(plain, 6, 8, strategies[i / 4], flushes[i % 4], i % 3 ? 3000 : 200);
			char what[80];

			snprintf(what, sizeof what, "content %u, flush %u, strategy %u", kind, i % 4, i / 4);
			check_recall(raw, what, &seen, &phases);
			free(raw.data);
		}
		free(plain.data);
	}
	cr_assert_gt(seen.dynamic, 1000);
	cr_assert_gt(seen.stored, 1000);
	cr_assert_eq(phases, 0xff, "stored blocks were met at the phases %02x only", phases);
}

/* --- members ------------------------------------------------------------------------------------------------------ */

/* A gzip member with the header given. `bc`: where BSIZE is in it, or 0. Returns where it begins. */
static size_t add_member(struct bytes *to, const void *header, size_t header_len, size_t bc, struct bytes raw)
{
	size_t start = to->len;

	help_append(to, header, header_len);
	help_append(to, raw.data, raw.len);
	help_append(to, "\1\2\3\4\5\6\7\10", CCP_GZIP_TRAILER_BYTES);
	if (bc) {
		to->data[start + bc] = (uint8_t)(to->len - start - 1);
		to->data[start + bc + 1] = (uint8_t)((to->len - start - 1) >> 8);
	}
	return start;
}

#define HEADER(text, bc) { text, sizeof(text) - 1, bc }

Test(inflate_find, finds_members)
{
	static const struct {
		const char *text;
		size_t len, bc;
	} headers[] = {
		HEADER(GZ("\4") "\6\0BC\2\0\0\0", 16), /* BGZF */
		HEADER(GZ("\4") "\14\0xy\2\0zzBC\2\0\0\0", 22),
		HEADER(GZ("\4") "\6\0XX\2\0\0\0", 0),
		HEADER(GZ("\0"), 0),
		HEADER(GZ("\x8") "name\0", 0),
		HEADER(GZ("\x18") "name\0comment\0", 0),
		HEADER(GZ("\1"), 0),
		HEADER(GZ("\x1e") "\3\0abcname\0comment\0HC", 0),
	};
	struct bytes text = help_content(CONTENT_TEXT, 60000, 3), file = { help_alloc(1), 0, 1 };
	uint64_t seed = 9;
	struct count count;

	for (unsigned i = 0; i < 400; i++) {
		size_t n = i % 16 == 15 ? 0 : help_random(&seed) % (i % 4 ? 300 : text.len);
		struct bytes raw = help_deflate(text.data, n, i % 5 ? 6 : 0, -15, Z_DEFAULT_STRATEGY);
		struct ccp_inflate_found found;
		size_t h = help_random(&seed) % (sizeof headers / sizeof headers[0]);
		size_t at = add_member(&file, headers[h].text, headers[h].len, headers[h].bc, raw);

		found = ccp_inflate_find(file.data, file.len, (uint64_t)at * 8, (uint64_t)at * 8 + 1);
		cr_assert(found.place == CCP_PLACE_MEMBER && found.boundary.bit == (uint64_t)at * 8, "header %zu", h);
		free(raw.data);
	}
	find_all(file.data, file.len, NULL, 0, &count);
	cr_assert_eq(count.members, 400);
	free(file.data);
	free(text.data);
}

Test(inflate_find, no_member_where_something_is_wrong)
{
	static const struct {
		const char *what, *text;
		size_t len, bc;
	} wrong[] = {
		{ "reserved flag", GZ("\x20") "\3\0", 12, 0 },
		{ "method", "\x1f\x8b\x07\0\0\0\0\0\0\3\3\0", 12, 0 },
		{ "block of type 3", GZ("\0") "\7\0", 12, 0 },
		{ "lengths of a stored block", GZ("\0") "\0\5\0\6\0", 15, 0 },
		{ "header cut", GZ("\x8") "name", 14, 0 },
		{ "block cut", GZ("\0"), 10, 0 },
		{ "field beyond the end", GZ("\4") "\6\0BC\2\0\0", 17, 0 },
		{ "size too small for a member", GZ("\4") "\6\0BC\2\0\5\0\7\0", 20, 0 },
		{ "BC of another length", GZ("\4") "\7\0BC\3\0\xff\0\0\7\0", 21, 0 },
		{ "BC in front of the end of its field", GZ("\4") "\5\0BC\2\0\xff\7\0", 19, 0 },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint8_t *exact = help_alloc(wrong[i].len);

		memcpy(exact, wrong[i].text, wrong[i].len);
		cr_expect_eq(ccp_inflate_find(exact, wrong[i].len, 0, 1).place, CCP_PLACE_NONE, "%s", wrong[i].what);
		free(exact);
	}
}

Test(inflate_find, no_dynamic_block_in_random_data)
{
	size_t len = help_env("CCP_RANDOM_BYTES", 4u << 20);
	struct bytes noise = help_content(CONTENT_RANDOM, len, help_env("CCP_RANDOM_SEED", 1));
	struct count count;

	find_all(noise.data, noise.len, NULL, 0, &count);
	cr_log_info("%zu bytes: %u dynamic, %u stored, %u members\n", len, count.dynamic, count.stored, count.members);
	cr_assert_eq(count.dynamic, 0);
	cr_assert_eq(count.members, 0);
	cr_assert_lt(count.stored, 4 + len / 250000);
	free(noise.data);
}

Test(inflate_find, header_behind_a_stored_block)
{
	static const struct {
		const char *text; /* a byte with the header, LEN and NLEN of 2, two bytes, what is behind */
		size_t len;
		bool found;
	} cases[] = {
		{ "\0\2\0\xfd\xff" "ab\3", 8, true },  /* fixed, final */
		{ "\0\2\0\xfd\xff" "ab\2", 8, true },  /* fixed */
		{ "\0\2\0\xfd\xff" "ab\6", 8, false }, /* no type */
		{ "\0\2\0\xfd\xff" "ab\7", 8, false },
		{ "\0\2\0\xfd\xff" "ab\1\1\0\xfe\xff", 12, true },
		{ "\0\2\0\xfd\xff" "ab\1\1\0\xff\xff", 12, false }, /* lengths do not agree */
		{ "\0\2\0\xfd\xff" "ab\1\1\0\xff", 11, true },      /* cannot be told */
		{ "\0\2\0\xfd\xff" "ab\xfc\xff\xff\xff\xff", 12, false }, /* too many symbols */
		{ "\0\2\0\xfd\xff" "ab", 7, true },
		{ "\0\2\0\xfd\xff", 5, true },
		{ "\0\2\0\xfd", 4, false },
		{ "\0\0\0\xff\xff", 5, true },
		{ "\x1f\0\0\xff\xff", 5, true }, /* other bits in front of the header */
		{ "\x20\0\0\xff\xff", 5, false }, /* final */
		{ "\x40\0\0\xff\xff", 5, false }, /* fixed */
		{ "\x80\0\0\xff\xff", 5, false }, /* dynamic */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t *exact = help_alloc(cases[i].len);
		struct ccp_inflate_found found;

		memcpy(exact, cases[i].text, cases[i].len);
		found = ccp_inflate_find(exact, cases[i].len, 0, 16);
		cr_expect_eq(found.place, cases[i].found ? CCP_PLACE_BLOCK : CCP_PLACE_NONE, "case %zu", i);
		if (cases[i].found)
			cr_expect(found.boundary.stored && found.boundary.bit == 8, "case %zu", i);
		free(exact);
	}
	/* LEN is there, and the header is before the data. */
	cr_assert_eq(ccp_inflate_find((const uint8_t *)"\0\0\xff\xff", 4, 0, 32).place, CCP_PLACE_NONE);
}

/* --- the edges of memory ------------------------------------------------------------------------------------------ */

/* Between two pages that may not be touched, at the end of one and at the beginning. */
Test(inflate_find, reads_nothing_beyond_its_data)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bytes content[4] = { help_content(CONTENT_TEXT, 20000, 2), help_content(CONTENT_RANDOM, 20000, 2) };
	struct bytes streams[4];
	struct count count;

	cr_assert_neq(map, MAP_FAILED);
	cr_assert_eq(mprotect(map, page, PROT_NONE), 0);
	cr_assert_eq(mprotect(map + 2 * page, page, PROT_NONE), 0);
	streams[0] = make_raw(content[0], 6, 8, Z_DEFAULT_STRATEGY, Z_FULL_FLUSH, 20);
	streams[1] = make_raw(content[0], 6, 1, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0);
	streams[2] = help_gzip(content[0].data, content[0].len);
	streams[3] = content[1];
	for (size_t i = 0; i < 4; i++) {
		struct ccp_inflate_head head;
		bool dynamic = judge(streams[i].data, streams[i].len, 0, &head) == 1 && head.type == CCP_BLOCK_DYNAMIC;

		for (size_t len = 0; len <= 600; len++) {
			for (unsigned end = 0; end < 2; end++) {
				uint8_t *data = end ? map + 2 * page - len : map + page;
				struct ccp_inflate_found first;

				memcpy(data, streams[i].data, len);
				find_all(data, len, NULL, 0, &count);
				/* A dynamic block at the start is found as soon as its header is whole. */
				first = ccp_inflate_find(data, len, 0, 1);
				if (dynamic && !head.final)
					cr_assert_eq(first.place == CCP_PLACE_BLOCK, len * 8 >= head.bits, "%zu", len);
				memcpy(data, streams[i].data + streams[i].len - len, len);
				find_all(data, len, NULL, 0, &count);
			}
		}
	}
	cr_assert_eq(ccp_inflate_find(NULL, 0, 0, UINT64_MAX).place, CCP_PLACE_NONE);
	cr_assert_eq(ccp_inflate_find(map + page, page, UINT64_MAX, UINT64_MAX).place, CCP_PLACE_NONE);
	munmap(map, 3 * page);
	for (size_t i = 0; i < 4; i++)
		free(streams[i].data);
	free(content[0].data);
}
