/*
 * test_rsync.c: content-defined cuts, and gzip that makes use of them.
 */
#include "tests/unit/codec_help.h"

#include "pipeline/codec/rsync.h"

#define LEN ((size_t)4 << 20)

/* Marks in `cuts` where the content ends a piece. Returns the number of pieces. */
static size_t cut_all(const uint8_t *data, size_t len, uint8_t *cuts)
{
	size_t count = 0;

	memset(cuts, 0, len + 1);
	for (size_t at = 0, n; at < len; at += n, count++) {
		n = ccp_rsync_cut(data + at, len - at);
		cr_assert_gt(n, 0);
		cr_assert_leq(n, len - at);
		cr_assert_leq(n, CCP_RSYNC_MAX);
		cr_assert(n >= CCP_RSYNC_MIN || at + n == len);
		cuts[at + n] = 1;
	}
	return count;
}

Test(rsync, cuts_come_into_step_after_a_change)
{
	for (int kind = CONTENT_TEXT; kind <= CONTENT_RANDOM; kind++) {
		struct bytes b = help_content((enum content)kind, LEN, 1);
		uint8_t *before = help_alloc(LEN + 1), *after = help_alloc(LEN + 1);
		size_t count = cut_all(b.data, LEN, before), same = 0;

		cr_assert(count > LEN / 70000 && count < LEN / 17000, "%zu pieces", count);
		cut_all(b.data + 1001, LEN - 1001, after); /* as if the first bytes were taken out */
		for (size_t i = 1001; i <= LEN; i++)
			same += before[i] && after[i - 1001];
		cr_assert_gt(same, count - 12, "%zu of %zu", same, count);
		free(before);
		free(after);
		free(b.data);
	}
}

Test(rsync, even_data_has_the_longest_pieces_or_the_shortest)
{
	struct bytes b = help_content(CONTENT_ZEROS, LEN, 1);

	for (int value = 0; value < 256; value++) {
		memset(b.data, value, LEN);

		size_t n = ccp_rsync_cut(b.data, LEN);

		cr_assert(n == CCP_RSYNC_MAX || n == CCP_RSYNC_MIN, "%zu", n);
	}
	cr_assert_eq(ccp_rsync_cut(b.data, 0), 0);
	cr_assert_eq(ccp_rsync_cut(b.data, 100), 100);
	free(b.data);
}

Test(rsync, gzip_reads_back_and_fits_at_every_level)
{
	static const size_t sizes[] = { 0, 1, 65536, 65537, 700001 };

	for (int level = 1; level <= 12; level++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bytes plain = help_content((enum content)(level % CONTENT_KINDS), sizes[i], i), back;
			struct drive drive = { .ops = &ccp_transform_gzip, .late_end = i % 2 };
			size_t used;

			drive.options = (struct ccp_transform_options){
				.level = level, .chunk_bytes = 65536, .rsyncable = true, .verify = true,
			};
			struct result r = help_run(&drive, plain.data, plain.len);

			cr_assert_eq(r.status, 0, "%s", r.err.text);
			cr_assert_eq(help_zlib(r.out.data, r.out.len, 31, &back, &used), Z_STREAM_END);
			cr_assert_eq(used, r.out.len);
			cr_assert(help_same(plain, back));
			free(back.data);
			free(r.out.data);
			free(plain.data);
		}
	}
}
