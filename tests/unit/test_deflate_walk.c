/*
 * test_deflate_walk.c: the walk over deflate blocks against zlib's inflate(Z_BLOCK), and its safety with any bytes.
 */
#include "tests/unit/codec_help.h"

#ifdef CCP_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef CCP_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "pipeline/codec/deflate_walk.h"

/* The oracle: returns zlib's status for the raw stream, and where the last block began. */
static int oracle(struct bytes raw, struct ccp_walk_result *result)
{
	static uint8_t room[65536];
	z_stream z = { .next_in = raw.data, .avail_in = (uInt)raw.len };
	uint64_t at = 0;
	int status;

	*result = (struct ccp_walk_result){ 0 };
	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	do {
		z.next_out = room;
		z.avail_out = sizeof room;
		status = inflate(&z, Z_BLOCK);
		if (z.data_type & 128) {
			uint64_t bit = (uint64_t)(z.next_in - raw.data) * 8 - (unsigned)(z.data_type & 7);

			if (bit > 0) { /* the first report is the start of the stream */
				result->last_header_bit = at;
				result->blocks++;
				at = bit;
			}
		}
	} while (status == Z_OK); /* Z_BUF_ERROR when nothing is left */
	result->end_bit = at;
	inflateEnd(&z);
	return status;
}

static void check(struct ccp_walk *walk, struct bytes raw, const char *what)
{
	struct ccp_walk_result ours, theirs;
	struct ccp_err err;
	uint8_t *exact = help_alloc(raw.len); /* so that a sanitizer sees reads behind the end */

	memcpy(exact, raw.data, raw.len);
	cr_assert_eq(oracle(raw, &theirs), Z_STREAM_END);
	cr_assert_eq(ccp_deflate_walk(walk, exact, raw.len, &ours, &err), 0, "%s: %s", what, err.text);
	cr_assert_eq(ours.last_header_bit, theirs.last_header_bit, "%s: %lu, not %lu", what, ours.last_header_bit,
		     theirs.last_header_bit);
	cr_assert_eq(ours.blocks, theirs.blocks, "%s", what);
	cr_assert_eq((ours.end_bit + 7) / 8, raw.len, "%s", what);
	free(exact);
}

#ifdef CCP_HAVE_LIBDEFLATE
static void check_libdeflate(struct ccp_walk *walk, struct bytes plain)
{
	for (int level = 1; level <= 12; level++) {
		struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
		struct bytes raw = { help_alloc(plain.len + 1000), 0, 0 };

		raw.len = libdeflate_deflate_compress(c, plain.data, plain.len, raw.data, plain.len + 1000);
		cr_assert_gt(raw.len, 0);
		check(walk, raw, "libdeflate");
		libdeflate_free_compressor(c);
		free(raw.data);
	}
}
#endif

#ifdef CCP_HAVE_ISAL
static void check_isal(struct ccp_walk *walk, struct bytes plain)
{
	uint8_t *buf = help_alloc(ISAL_DEF_LVL3_DEFAULT);
	struct isal_zstream *z = help_alloc(sizeof *z);

	for (uint32_t level = 0; level <= 3; level++) {
		struct bytes raw = { help_alloc(plain.len * 2 + 1000), 0, 0 };

		isal_deflate_init(z);
		z->level = level;
		z->level_buf = buf;
		z->level_buf_size = ISAL_DEF_LVL3_DEFAULT;
		z->end_of_stream = 1;
		z->next_in = plain.data;
		z->avail_in = (uint32_t)plain.len;
		z->next_out = raw.data;
		z->avail_out = (uint32_t)(plain.len * 2 + 1000);
		cr_assert_eq(isal_deflate(z), COMP_OK);
		raw.len = z->total_out;
		check(walk, raw, "ISA-L");
		free(raw.data);
	}
	free(buf);
	free(z);
}
#endif

Test(deflate_walk, finds_the_last_block_of_every_library)
{
	static const size_t sizes[] = { 0, 1, 10, 1000, 70000, 400000 };
	struct ccp_walk *walk = help_alloc(sizeof *walk);

	for (size_t i = 0; i < 6; i++) {
		for (int kind = 0; kind < CONTENT_KINDS; kind++) {
			struct bytes plain = help_content((enum content)kind, sizes[i], i + 1);

			for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++) {
				for (int level = 0; level <= 9; level += 3) {
					struct bytes raw = help_deflate(plain.data, plain.len, level, -15, strategy);

					check(walk, raw, "zlib");
					free(raw.data);
				}
			}
#ifdef CCP_HAVE_LIBDEFLATE
			check_libdeflate(walk, plain);
#endif
#ifdef CCP_HAVE_ISAL
			check_isal(walk, plain);
#endif
			free(plain.data);
		}
	}
	free(walk);
}

/*
 * Bytes that hardly compress: nearly every literal has a code of eight bits, which are walked in runs. In `percent` of
 * the places there is one of a few bytes, whose codes are shorter, and now and then something repeats.
 */
static struct bytes runs_content(size_t len, unsigned percent, uint64_t seed)
{
	struct bytes b = { help_alloc(len), len, len };

	seed = seed * 0x9e3779b97f4a7c15u + 1;
	for (size_t i = 0; i < len; i++) {
		uint64_t r = help_random(&seed) >> 8;

		b.data[i] = (uint8_t)(r % 100 < percent ? r / 100 % 3 : r >> 32);
		if (r % 4096 == 1 && i > 2000 && len - i > 50) {
			memcpy(b.data + i, b.data + i - 1000 - r / 4096 % 1000, 50);
			i += 49;
		}
	}
	return b;
}

Test(deflate_walk, finds_the_last_block_among_runs)
{
	struct ccp_walk *walk = help_alloc(sizeof *walk);

	for (unsigned i = 0; i < 12; i++) {
		struct bytes plain = runs_content(i < 6 ? 900000 : 20000 + 7001 * i, i % 6 * 2 + 1, i + 1);

		for (int level = 0; level <= 9; level += 3) {
			struct bytes raw = help_deflate(plain.data, plain.len, level, -15, Z_DEFAULT_STRATEGY);

			check(walk, raw, "zlib");
			free(raw.data);
		}
#ifdef CCP_HAVE_LIBDEFLATE
		check_libdeflate(walk, plain);
#endif
#ifdef CCP_HAVE_ISAL
		check_isal(walk, plain);
#endif
		free(plain.data);
	}
	free(walk);
}

/* What zlib accepts the walk accepts with the same result; what it refuses for any reason but a distance, too. */
static void check_damaged(struct ccp_walk *walk, struct bytes raw)
{
	struct ccp_walk_result ours, theirs;
	struct ccp_err err;
	uint8_t *exact = help_alloc(raw.len);
	struct bytes out;
	size_t used;
	int status = help_zlib(raw.data, raw.len, -15, &out, &used);

	memcpy(exact, raw.data, raw.len);
	ccp_err_clear(&err);
	int walked = ccp_deflate_walk(walk, exact, raw.len, &ours, &err);
	if (status == Z_STREAM_END) {
		oracle(raw, &theirs);
		cr_assert_eq(walked, 0, "%s", err.text);
		cr_assert_eq(ours.last_header_bit, theirs.last_header_bit);
		cr_assert_eq((ours.end_bit + 7) / 8, used);
	} else if (status != Z_DATA_ERROR) {
		cr_assert_eq(walked, -1);
	}
	if (walked)
		cr_assert(err.code == CCP_E_FORMAT || err.code == CCP_E_TRUNCATED);
	free(out.data);
	free(exact);
}

Test(deflate_walk, is_safe_with_damaged_and_random_bytes)
{
	struct ccp_walk *walk = help_alloc(sizeof *walk);
	unsigned long rounds = help_env("CCP_CAMPAIGN", 300 / help_less());
	uint64_t seed = 12345;

	for (unsigned long i = 0; i < rounds; i++) {
		/* Only streams of more than about 6 KB are walked at several places. */
		size_t most = i % 4 == 3 ? 100000 : 3000;
		size_t size = help_random(&seed) % most;
		struct bytes plain = i % 8 == 7 ? runs_content(size, 4, i)
						: help_content((enum content)(i / 4 % CONTENT_KINDS), size, i);
		struct bytes raw = help_deflate(plain.data, plain.len, (int)(i % 10), -15, (int)(i / 10 % 5));

		for (int k = 0; k < 20; k++) {
			uint64_t r = help_random(&seed);

			raw.data[r % raw.len] ^= (uint8_t)(1u << (r >> 32) % 8);
			check_damaged(walk, raw);
			if (k < 18)
				raw.data[r % raw.len] ^= (uint8_t)(1u << (r >> 32) % 8);
		}
		raw.len = help_random(&seed) % raw.len;
		check_damaged(walk, raw);
		for (size_t at = 0; at < raw.len; at++)
			raw.data[at] = (uint8_t)help_random(&seed);
		check_damaged(walk, raw);
		free(raw.data);
		free(plain.data);
	}
	free(walk);
}

static void check_truncations(struct bytes plain)
{
	struct ccp_walk *walk = help_alloc(sizeof *walk);
	struct bytes raw = help_deflate(plain.data, plain.len, 6, -15, Z_DEFAULT_STRATEGY);
	struct ccp_walk_result found;
	struct ccp_err err;

	for (size_t len = 0; len < raw.len; len += 1 + len / 64) {
		uint8_t *exact = help_alloc(len);

		memcpy(exact, raw.data, len);
		cr_assert_eq(ccp_deflate_walk(walk, exact, len, &found, &err), -1);
		cr_assert_eq(err.code, CCP_E_TRUNCATED);
		free(exact);
	}
	free(raw.data);
	free(plain.data);
	free(walk);
}

Test(deflate_walk, every_truncation_is_an_error)
{
	check_truncations(help_content(CONTENT_MIXED, 60000, 5));
	check_truncations(runs_content(200000, 4, 5));
}
