/*
 * test_gzip.c: the gzip transform against zlib: one member, right bytes, right trailer, for every level and cut.
 */
#include "tests/unit/codec_help.h"

#define CHUNK 4096u

/* zlib must read exactly the whole file as one member and give the content; it checks CRC and length itself. */
static void check(const struct drive *drive, struct bytes plain, struct bytes gz)
{
	struct bytes back;
	size_t used;
	int status = help_zlib(gz.data, gz.len, 31, &back, &used);

	cr_assert_eq(status, Z_STREAM_END, "level %d, %zu bytes: zlib says %d", drive->options.level, plain.len,
		     status);
	cr_assert_eq(used, gz.len, "level %d, %zu bytes: more than one member", drive->options.level, plain.len);
	cr_assert(help_same(plain, back), "level %d, %zu bytes: other content", drive->options.level, plain.len);
	free(back.data);
}

static struct bytes round_trip(const struct drive *drive, struct bytes plain)
{
	struct result r = help_run(drive, plain.data, plain.len);

	cr_assert_eq(r.status, 0, "%s", r.err.text);
	cr_assert_eq(r.plain_bytes, plain.len);
	check(drive, plain, r.out);
	return r.out;
}

Test(gzip, round_trip_of_all_levels_sizes_and_contents)
{
	static const size_t sizes[] = { 0, 1, 2, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7 };

	for (int level = 0; level <= 12; level++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			for (int kind = 0; kind < CONTENT_KINDS; kind++) {
				struct bytes plain = help_content((enum content)kind, sizes[i], i);
				struct drive drive = { .ops = &ccp_transform_gzip };

				drive.options = (struct ccp_transform_options){ .level = level, .chunk_bytes = CHUNK };
				drive.options.verify = i % 2;
				free(round_trip(&drive, plain).data);
				free(plain.data);
			}
		}
	}
}

Test(gzip, default_chunks)
{
	for (int level = 1; level <= 10; level += 3) {
		struct bytes plain = help_content(CONTENT_MIXED, (3u << 20) + 12345, 3);
		struct drive drive = { .ops = &ccp_transform_gzip, .options = { .level = level, .verify = true } };

		free(round_trip(&drive, plain).data);
		free(plain.data);
	}
}

Test(gzip, chunks_of_one_byte_and_other_odd_ones)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 100, 65535, 65536, 65537, 200000 };

	for (int level = 1; level <= 12; level++) {
		for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
			size_t len = chunks[i] < 50 ? 300 : chunks[i] * 2 + 5;
			struct bytes plain = help_content(i % 2 ? CONTENT_RANDOM : CONTENT_TEXT, len, i);
			struct drive drive = { .ops = &ccp_transform_gzip };

			drive.options = (struct ccp_transform_options){ .level = level, .chunk_bytes = chunks[i] };
			free(round_trip(&drive, plain).data);
			free(plain.data);
		}
	}
}

Test(gzip, an_empty_last_piece_ends_the_member)
{
	for (int level = 1; level <= 12; level++) {
		struct bytes plain = help_content(CONTENT_TEXT, 2 * CHUNK, 1);
		struct drive drive = { .ops = &ccp_transform_gzip, .late_end = true };

		drive.options = (struct ccp_transform_options){ .level = level, .chunk_bytes = CHUNK, .verify = true };
		free(round_trip(&drive, plain).data);
		free(plain.data);
	}
}

Test(gzip, header_holds_what_was_asked_for)
{
	struct drive drive = { .ops = &ccp_transform_gzip, .origin = { .name = "a name", .has_mtime = true } };
	struct bytes plain = help_content(CONTENT_TEXT, 100, 1), gz;
	static const uint8_t bare[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	static const uint8_t full[] = { 0x1f, 0x8b, 8, 8, 4, 3, 2, 1, 2, 3, 'a', ' ', 'n', 'a', 'm', 'e', 0 };

	drive.origin.mtime.tv_sec = 0x01020304;
	gz = round_trip(&drive, plain);
	cr_assert_arr_eq(gz.data, bare, sizeof bare);
	free(gz.data);
	drive.options = (struct ccp_transform_options){ .level = 9, .store_name = true, .store_time = true };
	gz = round_trip(&drive, plain);
	cr_assert_arr_eq(gz.data, full, sizeof full);
	free(gz.data);
	/* Times that do not fit are not stored. */
	static const int64_t times[] = { -1, 0, (int64_t)UINT32_MAX + 1 };
	drive.options = (struct ccp_transform_options){ .level = 1, .store_time = true };
	for (size_t i = 0; i < 3; i++) {
		drive.origin.mtime.tv_sec = times[i];
		gz = round_trip(&drive, plain);
		cr_assert_arr_eq(gz.data + 4, "\0\0\0\0\4", 5);
		free(gz.data);
	}
	/* The longest name there can be. */
	memset(drive.origin.name, 'n', sizeof drive.origin.name - 1);
	drive.options = (struct ccp_transform_options){ .level = 6, .store_name = true, .chunk_bytes = 1 };
	gz = round_trip(&drive, plain);
	cr_assert_eq(gz.data[10 + 255], 0);
	free(gz.data);
	free(plain.data);
}

Test(gzip, the_bytes_depend_on_level_and_chunk_only)
{
	struct bytes plain = help_content(CONTENT_MIXED, 5 * CHUNK, 9);
	struct bytes other = help_content(CONTENT_TEXT, CHUNK, 10);
	struct ccp_err err;

	for (int level = 1; level <= 12; level++) {
		struct drive drive = { .ops = &ccp_transform_gzip };
		struct bytes a, b;
		void *state;

		drive.options = (struct ccp_transform_options){ .level = level, .chunk_bytes = CHUNK };
		a = round_trip(&drive, plain);
		drive.options.verify = true;
		b = round_trip(&drive, plain);
		cr_assert(help_same(a, b), "level %d", level);
		free(b.data);

		/* A compressor that has done something else before gives the same. */
		cr_assert_eq(ccp_transform_gzip.open(&state, &drive.options, &err), 0);
		for (int i = 0; i < 2; i++) {
			struct ccp_piece piece = { .origin = &drive.origin, .first = true, .in = { 0 } };
			uint8_t room[2 * CHUNK];

			piece.in = (struct ccp_buf){ .data = i ? plain.data : other.data, .len = CHUNK, .cap = CHUNK };
			piece.out = (struct ccp_buf){ .data = room, .cap = sizeof room };
			cr_assert_eq(ccp_transform_gzip.map(state, NULL, &piece), 0);
			if (i)
				cr_assert_arr_eq(room, a.data, piece.out.len, "level %d", level);
		}
		ccp_transform_gzip.close(state);
		free(a.data);
	}
	free(plain.data);
	free(other.data);
}

Test(gzip, nonsense_options_are_refused)
{
	struct ccp_transform_options options = { .level = 13 };
	struct ccp_transform_need need;
	struct ccp_err err;
	void *state;

	cr_assert_eq(ccp_transform_gzip.need(&options, &need, &err), -1);
	cr_assert_eq(err.code, CCP_E_USAGE);
	cr_assert_eq(ccp_transform_gzip.open(&state, &options, &err), -1);
	options = (struct ccp_transform_options){ .level = -1 };
	cr_assert_eq(ccp_transform_gzip.need(&options, &need, &err), -1);
	options = (struct ccp_transform_options){ .chunk_bytes = (64u << 20) + 1 };
	cr_assert_eq(ccp_transform_gzip.need(&options, &need, &err), -1);
	cr_assert_eq(err.code, CCP_E_USAGE);
}

Test(gzip, a_piece_that_does_not_fit_is_an_error_not_an_overrun)
{
	struct bytes plain = help_content(CONTENT_RANDOM, 1000, 1);
	struct ccp_transform_options options = { .chunk_bytes = 1000 };
	struct ccp_piece piece = { .in = { plain.data, 1000, 1000 } };
	struct ccp_err err;
	uint8_t room[1000];
	void *state;

	piece.out = (struct ccp_buf){ .data = room, .cap = sizeof room };
	cr_assert_eq(ccp_transform_gzip.open(&state, &options, &err), 0);
	cr_assert_eq(ccp_transform_gzip.map(state, NULL, &piece), -1);
	cr_assert_eq(piece.err.code, CCP_E_OTHER);
	ccp_transform_gzip.close(state);
	free(plain.data);
}
