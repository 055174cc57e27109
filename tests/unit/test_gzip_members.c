/*
 * test_gzip_members.c: gzip with a member for each chunk, and blocked gzip with its index.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/codec_help.h"

#include "pipeline/codec/bgzf.h"
#include "pipeline/codec/gzip_header.h"

#define CHUNK 4096u

static const uint8_t end_marker[CCP_BGZF_END_BYTES] = {
	0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2, 0, 27, 0, 3,
};

/* Compresses; the bytes are the caller's. */
static struct bytes compress_as(const struct drive *drive, struct bytes plain)
{
	struct result r = help_run(drive, plain.data, plain.len);

	cr_assert_eq(r.status, 0, "%s", r.err.text);
	cr_assert_eq(r.plain_bytes, plain.len);
	return r.out;
}

/* Reads member after member. `each` is the content of all but the last. Returns how many there are. */
static size_t read_members(struct bytes gz, struct bytes plain, size_t each)
{
	size_t at = 0, done = 0, count = 0;

	while (at < gz.len) {
		struct bytes part;
		size_t used;

		cr_assert_eq(help_zlib(gz.data + at, gz.len - at, 31, &part, &used), Z_STREAM_END, "member %zu", count);
		cr_assert(part.len == each || done + part.len == plain.len, "member %zu has %zu bytes", count,
			  part.len);
		cr_assert_leq(part.len, plain.len - done);
		cr_assert_eq(memcmp(part.data, plain.data + done, part.len), 0, "member %zu", count);
		done += part.len;
		at += used;
		count++;
		free(part.data);
	}
	cr_assert_eq(done, plain.len);
	return count;
}

Test(gzip_members, each_chunk_is_a_member)
{
	static const size_t sizes[] = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7 };

	for (int level = 1; level <= 12; level++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bytes plain = help_content((enum content)(i % CONTENT_KINDS), sizes[i], i), gz, late;
			struct drive drive = { .ops = &ccp_transform_gzip };

			drive.options = (struct ccp_transform_options){
				.level = level, .chunk_bytes = CHUNK, .members = true, .verify = i % 2,
			};
			gz = compress_as(&drive, plain);
			cr_assert_eq(read_members(gz, plain, CHUNK), sizes[i] ? (sizes[i] + CHUNK - 1) / CHUNK : 1);
			if (sizes[i] > 0) { /* that the end is noticed late makes no empty member */
				drive.late_end = true;
				late = compress_as(&drive, plain);
				cr_assert(help_same(gz, late));
				free(late.data);
			}
			free(gz.data);
			free(plain.data);
		}
	}
}

Test(gzip_members, name_and_time_stand_in_the_first)
{
	static const uint8_t bare[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	struct drive drive = { .ops = &ccp_transform_gzip, .origin = { .name = "name", .has_mtime = true } };
	struct bytes plain = help_content(CONTENT_TEXT, 2 * CHUNK, 1), gz, first;
	size_t used;

	drive.origin.mtime.tv_sec = 0x01020304;
	drive.options = (struct ccp_transform_options){
		.chunk_bytes = CHUNK, .members = true, .store_name = true, .store_time = true,
	};
	gz = compress_as(&drive, plain);
	cr_assert_eq(gz.data[3], CCP_GZIP_FNAME);
	cr_assert_eq(ccp_le32(gz.data + 4), 0x01020304);
	cr_assert_eq(help_zlib(gz.data, gz.len, 31, &first, &used), Z_STREAM_END);
	cr_assert_lt(used + sizeof bare, gz.len);
	cr_assert_arr_eq(gz.data + used, bare, sizeof bare);
	free(first.data);
	free(gz.data);
	free(plain.data);
}

/* Goes from block to block by their own lengths. Returns how many hold something. */
static size_t walk_blocks(struct bytes gz)
{
	size_t at = 0, count = 0, bytes = 0;

	while (at < gz.len) {
		cr_assert_arr_eq(gz.data + at, end_marker, 16, "block %zu", count);
		bytes = gz.data[at + 16] + 256u * gz.data[at + 17] + 1u;
		cr_assert_leq(bytes, gz.len - at);
		at += bytes;
		if (at < gz.len) {
			cr_assert_leq(ccp_le32(gz.data + at - 4), CCP_BGZF_BLOCK_BYTES);
			cr_assert_gt(ccp_le32(gz.data + at - 4), 0);
			count++;
		}
	}
	cr_assert_eq(at, gz.len);
	cr_assert_eq(bytes, sizeof end_marker);
	cr_assert_arr_eq(gz.data + gz.len - bytes, end_marker, bytes);
	return count;
}

Test(gzip_members, blocked_gzip_does_not_depend_on_the_cut)
{
	static const size_t sizes[] = { 0, 1, CCP_BGZF_BLOCK_BYTES - 1, CCP_BGZF_BLOCK_BYTES, CCP_BGZF_BLOCK_BYTES + 1,
					5 * CCP_BGZF_BLOCK_BYTES + 77 };
	static const size_t chunks[] = { 1, 65536, 200000, 1 << 20 };

	for (int level = 1; level <= 12; level++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bytes plain = help_content((enum content)((i + (size_t)level) % CONTENT_KINDS), sizes[i],
							  i);
			struct drive drive = { .ops = &ccp_transform_gzip };
			struct bytes gz = { .data = NULL }, other;

			for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
				drive.late_end = k % 2;
				drive.options = (struct ccp_transform_options){
					.level = level, .chunk_bytes = chunks[k], .bgzf = true, .verify = k % 2,
				};
				other = compress_as(&drive, plain);
				if (k == 0) {
					gz = other;
					continue;
				}
				cr_assert(help_same(gz, other), "level %d, chunks of %zu", level, chunks[k]);
				free(other.data);
			}
			size_t blocks = (sizes[i] + CCP_BGZF_BLOCK_BYTES - 1) / CCP_BGZF_BLOCK_BYTES;

			cr_assert_eq(walk_blocks(gz), blocks);
			cr_assert_eq(read_members(gz, plain, CCP_BGZF_BLOCK_BYTES), blocks + 1);
			free(gz.data);
			free(plain.data);
		}
	}
}

Test(gzip_members, both_at_once_are_refused)
{
	struct ccp_transform_options options = { .members = true, .bgzf = true };
	struct ccp_transform_need need;
	struct ccp_err err;

	cr_assert_eq(ccp_transform_gzip.need(&options, &need, &err), -1);
	cr_assert_eq(err.code, CCP_E_USAGE);
}

static uint64_t number(FILE *file)
{
	uint8_t b[8];

	cr_assert_eq(fread(b, 1, sizeof b, file), sizeof b);
	return ccp_le32(b) | (uint64_t)ccp_le32(b + 4) << 32;
}

/* A temporary file with these bytes. */
static FILE *file_of(const void *data, size_t len)
{
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(data, 1, len, file), len);
	cr_assert_eq(fflush(file), 0);
	return file;
}

Test(gzip_members, the_index_leads_to_every_block)
{
	/* more blocks than the index writer holds at once */
	struct bytes plain = help_content(CONTENT_ZEROS, 600 * (size_t)CCP_BGZF_BLOCK_BYTES + 5, 1), gz;
	struct drive drive = { .ops = &ccp_transform_gzip, .options = { .level = 1, .bgzf = true } };
	struct ccp_err err;

	for (size_t i = 0; i < plain.len; i += 1000)
		plain.data[i] = (uint8_t)(i / 1000 * 7);
	gz = compress_as(&drive, plain);
	FILE *in = file_of(gz.data, gz.len), *index = tmpfile();

	cr_assert_eq(ccp_bgzf_index(fileno(in), fileno(index), &err), 0, "%s", err.text);
	rewind(index);
	cr_assert_eq(number(index), 600);
	for (size_t i = 1; i <= 600; i++) {
		uint64_t stored = number(index), content = number(index);
		struct bytes part;
		size_t used;

		cr_assert_eq(content, i * CCP_BGZF_BLOCK_BYTES);
		cr_assert_lt(stored, gz.len);
		cr_assert_eq(help_zlib(gz.data + stored, gz.len - stored, 31, &part, &used), Z_STREAM_END);
		cr_assert_arr_eq(part.data, plain.data + content, part.len);
		free(part.data);
	}
	cr_assert_eq(fgetc(index), EOF);
	fclose(in);
	fclose(index);
	free(gz.data);
	free(plain.data);
}

Test(gzip_members, what_is_not_blocked_gzip_has_no_index)
{
	struct bytes plain = help_content(CONTENT_TEXT, 70000, 1), gz;
	struct drive drive = { .ops = &ccp_transform_gzip, .options = { .bgzf = true } };
	struct ccp_err err;

	gz = compress_as(&drive, plain);
	for (size_t len = 0; len <= gz.len; len += len < 60 || len + 60 > gz.len ? 1 : 5000) {
		size_t first = gz.data[16] + 256u * gz.data[17] + 1u;
		size_t second = first + gz.data[first + 16] + 256u * gz.data[first + 17] + 1u;
		bool whole = len == 0 || len == first || len == second || len == gz.len;
		FILE *in = file_of(gz.data, len), *index = tmpfile();

		cr_assert_eq(ccp_bgzf_index(fileno(in), fileno(index), &err), whole ? 0 : -1, "%zu bytes", len);
		fclose(in);
		fclose(index);
		if (len + 5000 > gz.len && len + 60 < gz.len)
			len = gz.len - 60;
	}
	gz.data[12] = 'X';
	FILE *in = file_of(gz.data, gz.len), *index = tmpfile();

	cr_assert_eq(ccp_bgzf_index(fileno(in), fileno(index), &err), -1);
	cr_assert_eq(err.code, CCP_E_FORMAT);
	fclose(in);
	fclose(index);
	free(gz.data);
	free(plain.data);
}
