/*
 * test_gunzip_ahead.c: gunzip whose pieces are done ahead gives the bytes, the error and its place that it gives
 * without: whole files of many kinds and damaged ones, in pieces of many sizes.
 */
#include "tests/unit/inflate_help.h"

#include "pipeline/codec/gzip_ahead.h"

TestSuite(gunzip_ahead, .timeout = 200);

static uint64_t dice(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void append_gzip(struct bytes *to, struct bytes plain, unsigned kind)
{
	struct bytes raw = help_stream(plain, kind);
	uint32_t crc = (uint32_t)crc32(0, plain.data, (uInt)plain.len), len = (uint32_t)plain.len;
	uint8_t trailer[8];

	help_append(to, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
	help_append(to, raw.data, raw.len);
	for (int i = 0; i < 4; i++) {
		trailer[i] = (uint8_t)(crc >> 8 * i);
		trailer[4 + i] = (uint8_t)(len >> 8 * i);
	}
	help_append(to, trailer, 8);
	free(raw.data);
}

/* A file of number `kind`: one large member, or many of all sizes. */
static struct bytes make_file(unsigned kind)
{
	struct bytes file = { 0 };
	size_t members = kind < STREAM_KINDS ? 1 : 30;

	for (size_t i = 0; i < members; i++) {
		size_t len = members == 1 ? 700000 : i % 5 == 4 ? 0 : 700 * (i * i + 1);
		struct bytes plain = help_content(i % 4 == 3 ? CONTENT_MIXED : CONTENT_TEXT, len, 77 + i);

		append_gzip(&file, plain, kind + (unsigned)i);
		free(plain.data);
	}
	return file;
}

static void compare(const struct bytes *file, size_t piece_bytes, size_t out_bytes, uint64_t seed, const char *what)
{
	struct drive drive = {
		.ops = ccp_transform_find("gunzip"), .piece_bytes = piece_bytes, .out_bytes = out_bytes,
		.options = { .chunk_bytes = piece_bytes },
	};
	struct result want = help_run(&drive, file->data, file->len), got;

	drive.ahead = seed;
	got = help_run(&drive, file->data, file->len);
	cr_expect_eq(got.status, want.status, "%s: status %d, not %d", what, got.status, want.status);
	cr_expect(got.out.len == want.out.len && memcmp(got.out.data, want.out.data, want.out.len) == 0,
		  "%s: other bytes, %zu of them for %zu", what, got.out.len, want.out.len);
	cr_expect(got.err.code == want.err.code && got.err.offset == want.err.offset &&
			  strcmp(got.err.text, want.err.text) == 0,
		  "%s: %s at %llu, not %s at %llu", what, got.err.text, (unsigned long long)got.err.offset,
		  want.err.text, (unsigned long long)want.err.offset);
	cr_expect_eq(got.plain_bytes, want.plain_bytes, "%s", what);
	free(got.out.data);
	free(want.out.data);
}

Test(gunzip_ahead, whole_files)
{
	static const size_t pieces[] = { 700, 4096, 32768, 100000 };

	for (unsigned kind = 0; kind <= STREAM_KINDS; kind++) {
		struct bytes file = make_file(kind);

		for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
			char what[80];

			snprintf(what, sizeof what, "kind %u, pieces of %zu", kind, pieces[p]);
			compare(&file, pieces[p], 0, 1 + p, what);
			compare(&file, pieces[p], 5000, 99 + p, what);
		}
		free(file.data);
	}
}

Test(gunzip_ahead, damaged_files)
{
	uint64_t seed = 4;

	for (unsigned kind = 0; kind <= STREAM_KINDS; kind++) {
		struct bytes file = make_file(kind);

		for (int i = 0; i < 14; i++) {
			struct bytes bad = { 0 };
			size_t at = dice(&seed) % file.len;
			char what[80];

			help_append(&bad, file.data, file.len);
			if (i % 4 == 0)
				bad.len = at;
			else
				bad.data[at] ^= (uint8_t)(1u << dice(&seed) % 8);
			if (i % 4 == 3) /* the last trailer: all was right but that */
				bad.data[at] = file.data[at], bad.data[bad.len - 1 - dice(&seed) % 8] ^= 4;
			snprintf(what, sizeof what, "kind %u, damage %d at %zu", kind, i, at);
			compare(&bad, 1000 + dice(&seed) % 60000, 0, 1 + dice(&seed), what);
			free(bad.data);
		}
		free(file.data);
	}
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* What was done ahead is worth it: nearly all of a piece, and to its end. */
Test(gunzip_ahead, most_of_a_piece)
{
	struct bytes file = make_file(0);
	size_t out_cap = 8 << 20, from = file.len / 3;
	struct ccp_ahead *ahead = malloc(ccp_ahead_bytes(out_cap));
	struct ccp_guess_work *work = malloc(sizeof *work);
	uint8_t *out = malloc(out_cap);

	ccp_ahead_begin(ahead, out_cap);
	ccp_ahead_run(ahead, work, file.data + from, file.len - from - 1000, out, out_cap, never, NULL);
	cr_expect_eq(ahead->start.place, CCP_PLACE_BLOCK);
	cr_expect_lt(ahead->start.boundary.bit, 8 * 60000);
	cr_expect_eq(ahead->in_used, file.len - from - 1000);
	cr_expect_gt(ahead->out_len, 200000);
	cr_expect(!ahead->in_trailer && ahead->alone);
	free(out);
	free(work);
	free(ahead);
	free(file.data);
}
