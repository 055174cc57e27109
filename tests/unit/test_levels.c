/*
 * test_levels.c: the deflate engines behind the levels: bounds, order of sizes, and for ISA-L that the bytes do not
 * depend on where its state lies (its level 1 fails that, which is why no level uses it).
 */
#include <sys/mman.h>

#include "tests/unit/codec_help.h"

#ifdef CCP_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "pipeline/codec/crc.h"
#include "pipeline/codec/deflate.h"

static struct bytes compress_chunk(int level, struct bytes plain, bool last)
{
	struct ccp_deflate *deflate;
	struct ccp_buf out = { .cap = ccp_deflate_bound(plain.len) };
	struct ccp_err err;

	out.data = help_alloc(out.cap);
	cr_assert_eq(ccp_deflate_open(&deflate, level, &err), 0);
	cr_assert_eq(ccp_deflate_chunk(deflate, plain.data, plain.len, last, &out, &err), 0, "%s", err.text);
	ccp_deflate_close(deflate);
	return (struct bytes){ out.data, out.len, out.cap };
}

Test(levels, every_level_has_an_engine_and_a_size)
{
	for (int level = CCP_DEFLATE_MIN_LEVEL; level <= CCP_DEFLATE_MAX_LEVEL; level++) {
		cr_assert(ccp_deflate_engine(level)[0]);
		cr_assert_gt(ccp_deflate_state_bytes(level), 100000);
	}
	cr_assert_eq(ccp_deflate_state_bytes(0), 0);
	cr_assert_eq(ccp_deflate_state_bytes(13), 0);
	cr_assert_str_eq(ccp_deflate_engine(13), "");
}

Test(levels, incompressible_chunks_stay_within_stored_blocks)
{
	for (int level = 1; level <= 12; level++) {
		for (size_t len = 1; len < 300000; len = len * 3 + 1) {
			struct bytes plain = help_content(CONTENT_RANDOM, len, len);

			for (int last = 0; last < 2; last++) {
				struct bytes raw = compress_chunk(level, plain, last);

				cr_assert_leq(raw.len, len + 5 * (len / 65535 + 1), "level %d, %zu bytes", level, len);
				free(raw.data);
			}
			free(plain.data);
		}
	}
}

Test(levels, a_higher_level_is_not_much_larger)
{
	struct bytes plain = help_content(CONTENT_TEXT, 500000, 1);
	size_t before = SIZE_MAX / 2;

	for (int level = 1; level <= 12; level++) {
		struct bytes raw = compress_chunk(level, plain, true);

		cr_assert_lt(raw.len, before + before / 20, "level %d", level);
		before = raw.len;
		free(raw.data);
	}
	free(plain.data);
}

Test(levels, crc_agrees_with_zlib)
{
	struct bytes b = help_content(CONTENT_RANDOM, 5000, 1);

	for (size_t len = 0; len < 5000; len += 1 + len / 8) {
		uint32_t whole = (uint32_t)crc32(0, b.data, (uInt)len);
		size_t half = len / 3;

		cr_assert_eq(ccp_crc32(0, b.data, len), whole);
		cr_assert_eq(ccp_crc32(ccp_crc32(0, b.data, half), b.data + half, len - half), whole);
		cr_assert_eq(ccp_crc32_combine(ccp_crc32(0, b.data, half), ccp_crc32(0, b.data + half, len - half),
					       len - half), whole);
	}
	free(b.data);
}

#ifdef CCP_HAVE_ISAL
/* As deflate_isal.c does it, with the state at a given address. */
static size_t isal_at(struct isal_zstream *z, uint8_t *buf, struct bytes plain, uint8_t *out, size_t room)
{
	isal_deflate_init(z);
	z->level = 3;
	z->level_buf = buf;
	z->level_buf_size = (uint32_t)(ISAL_DEF_LVL3_DEFAULT);
	z->flush = FULL_FLUSH;
	z->end_of_stream = 0;
	z->next_in = plain.data;
	z->avail_in = (uint32_t)plain.len;
	z->next_out = out;
	z->avail_out = (uint32_t)room;
	cr_assert_eq(isal_deflate(z), COMP_OK);
	return z->total_out;
}

Test(levels, isal_gives_the_same_bytes_at_any_address)
{
	unsigned long rounds = help_env("CCP_CAMPAIGN", 300);
	const size_t most = 200000, room = 2 * most;
	const size_t need = sizeof(struct isal_zstream) + ISAL_DEF_LVL3_DEFAULT + 128;
	uint8_t *out = help_alloc(room), *again = help_alloc(room);
	uint64_t seed = help_env("CCP_SEED", 1) * 77777 + 1;

	for (unsigned long i = 0; i < rounds; i++) {
		size_t len = i % 4 < 3 ? 4096 : most; /* small chunks: what differs, differs by the chunk */
		struct bytes plain = help_content(i % 2 ? CONTENT_TEXT : CONTENT_MIXED, len, i + seed);
		size_t first = 0;

		for (int k = 0; k < 2; k++) {
			/* A hint somewhere in 46 bits of address space, and any 64-byte place in its page. */
			uint64_t hint = help_random(&seed) & 0x3ffffffff000u;
			size_t skew = (help_random(&seed) & 63) * 64;
			uint8_t *map = mmap((void *)(uintptr_t)hint, need + 4096, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			cr_assert_neq(map, MAP_FAILED);
			memset(map, (int)(help_random(&seed) & 255), need + 4096);
			uint8_t *buf = map + skew + (sizeof(struct isal_zstream) + 63) / 64 * 64;
			size_t n = isal_at((void *)(map + skew), buf, plain, k ? again : out, room);
			munmap(map, need + 4096);
			if (k == 0) {
				first = n;
			} else {
				cr_assert_eq(n, first, "round %lu", i);
				cr_assert_arr_eq(out, again, n, "round %lu", i);
			}
		}
		free(plain.data);
	}
	free(out);
	free(again);
}
#endif
