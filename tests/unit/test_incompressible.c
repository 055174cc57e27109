/*
 * test_incompressible.c: what is stored at once, and what must not be. The yardstick is zlib.
 */
#include "tests/unit/codec_help.h"

#include "pipeline/codec/deflate.h"
#include "pipeline/codec/incompressible.h"

#define LEN ((size_t)1 << 20)

static bool judge(struct bytes b)
{
	return ccp_is_incompressible(b.data, b.len);
}

/* Random bytes; the caller changes what is not to be. */
static struct bytes random_bytes(size_t len, uint64_t seed)
{
	return help_content(CONTENT_RANDOM, len, seed);
}

Test(incompressible, random_bytes_are)
{
	for (size_t len = 16384; len <= 2 * LEN; len += len / 3 + 7) {
		for (uint64_t seed = 1; seed < 8; seed++) {
			struct bytes b = random_bytes(len, seed * 31 + len);

			cr_assert(judge(b), "%zu bytes, seed %lu", len, (unsigned long)seed);
			free(b.data);
		}
	}
}

Test(incompressible, short_chunks_are_left_to_the_engine)
{
	struct bytes b = random_bytes(16383, 1);

	for (size_t len = 0; len < 16384; len += 1 + len / 2)
		cr_assert_not(ccp_is_incompressible(b.data, len));
	free(b.data);
}

/* Nothing is stored that zlib would make 2 % smaller, and of compressed data most is. */
Test(incompressible, compressed_data_mostly_is)
{
	unsigned stored = 0, all = 0;

	for (int level = 1; level <= 9; level += 4) {
		struct bytes plain = help_content(CONTENT_TEXT, 16 * LEN, (uint64_t)level);
		struct bytes gz = help_gzip(plain.data, plain.len);

		for (size_t at = 0; at + 65280 <= gz.len; at += 65280, all++) {
			struct bytes again = help_deflate(gz.data + at, 65280, 6, -15, Z_DEFAULT_STRATEGY);
			bool is = ccp_is_incompressible(gz.data + at, 65280);

			stored += is;
			cr_assert(!is || again.len > 65280 * 98 / 100, "%zu bytes would do", again.len);
			free(again.data);
		}
		free(gz.data);
		free(plain.data);
	}
	cr_assert_gt(all, 20);
	cr_assert_gt(stored, all * 3 / 4, "%u of %u", stored, all);
}

Test(incompressible, what_compresses_is_not)
{
	struct bytes b = help_content(CONTENT_TEXT, LEN, 1), text = b;

	cr_assert_not(judge(b));
	b = help_content(CONTENT_ZEROS, LEN, 1);
	cr_assert_not(judge(b));
	free(b.data);

	/* one part in 32 of text, in one place or in 64 */
	b = random_bytes(LEN, 2);
	memcpy(b.data + 300000, text.data, LEN / 32);
	cr_assert_not(judge(b));
	free(b.data);
	b = random_bytes(LEN, 3);
	for (size_t i = 0; i < 64; i++)
		memcpy(b.data + i * 16384 + 5000, text.data + i * 512, 512);
	cr_assert_not(judge(b));
	free(b.data);

	/* 228 of the byte values, evenly: a code of 7 bits for some of them */
	b = random_bytes(LEN, 4);
	for (size_t i = 0; i < LEN; i++)
		b.data[i] = (uint8_t)(28 + b.data[i] % 228);
	cr_assert_not(judge(b));
	free(b.data);

	/* the halves use other bytes: even as a whole */
	b = random_bytes(LEN, 5);
	for (size_t i = 0; i < LEN; i++)
		b.data[i] = (uint8_t)((b.data[i] & 127) + (i < LEN / 2 ? 0 : 128));
	cr_assert_not(judge(b));
	free(b.data);
	free(text.data);
}

Test(incompressible, repeats_are_seen)
{
	struct bytes b = random_bytes(LEN, 1);

	/* the same 10,500 bytes again and again: no byte more often than another */
	for (size_t i = 10500; i < LEN; i++)
		b.data[i] = b.data[i - 10500];
	cr_assert_not(judge(b));
	free(b.data);

	/* a fortieth of the chunk, once more */
	b = random_bytes(LEN, 2);
	memcpy(b.data + 530000, b.data + 503000, LEN / 40);
	cr_assert_not(judge(b));
	free(b.data);

	/* but not out of reach */
	b = random_bytes(LEN, 3);
	memcpy(b.data + 530000, b.data + 453000, LEN / 40);
	cr_assert(judge(b));
	free(b.data);

	/* words of four bytes, each from a list of a thousand */
	b = random_bytes(LEN, 4);
	for (size_t i = 4000; i + 4 <= LEN; i += 4)
		memcpy(b.data + i, b.data + (b.data[i] + 256u * b.data[i + 1]) % 1000 * 4, 4);
	cr_assert_not(judge(b));
	free(b.data);
}

/* Compressing random bytes gives stored blocks of the largest size at every level, the last one final or none. */
Test(incompressible, every_level_stores_it)
{
	struct bytes b = random_bytes(3 * 65535 + 100, 1);
	struct ccp_buf out = { .cap = ccp_deflate_bound(b.len) };

	out.data = help_alloc(out.cap);
	for (int level = CCP_DEFLATE_MIN_LEVEL; level <= CCP_DEFLATE_MAX_LEVEL; level++) {
		for (int last = 0; last < 2; last++) {
			struct ccp_deflate *deflate;
			struct ccp_err err;
			size_t at = 0;

			out.len = 0;
			cr_assert_eq(ccp_deflate_open(&deflate, level, &err), 0);
			cr_assert_eq(ccp_deflate_chunk(deflate, b.data, b.len, last, &out, &err), 0);
			ccp_deflate_close(deflate);
			cr_assert_eq(out.len, b.len + 4 * 5, "level %d", level);
			for (size_t i = 0; i < 4; i++, at += 5 + 65535)
				cr_assert_eq(out.data[at], last && i == 3, "level %d, block %zu", level, i);
		}
	}
	free(out.data);
	free(b.data);
}
