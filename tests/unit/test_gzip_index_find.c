/*
 * Reading the index of a gzip file: bgzip's and gztool's in all its kinds; damaged ones are errors, and nothing worse.
 */
#include "tests/unit/index_help.h"

/* ---- blocked gzip ----------------------------------------------------------------------------------------------- */

static void le_put(struct bytes *to, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++, v >>= 8)
		help_append(to, &(uint8_t){ (uint8_t)v }, 1);
}

#define PAIRS 700u

static struct bytes make_pairs(void)
{
	struct bytes index = { 0 };

	le_put(&index, PAIRS);
	for (uint64_t i = 1; i <= PAIRS; i++) {
		le_put(&index, i * 1000 + i % 7);
		le_put(&index, i * 65280);
	}
	return index;
}

Test(gzip_index_find, blocked_gzip)
{
	struct bytes index = make_pairs();
	struct ccp_index_place place;
	struct ccp_err err;
	int fd = help_fd(index);

	cr_assert_eq(ccp_index_find(fd, false, 0, &place, &err), 0);
	cr_assert_eq(ccp_index_find(fd, false, 65279, &place, &err), 0);
	cr_assert_eq(ccp_index_find(fd, true, 1000, &place, &err), 0, "it has no lines");
	for (uint64_t i = 1; i <= PAIRS; i++) {
		for (uint64_t in = 0; in < 65280; in += 65279) {
			cr_assert_eq(ccp_index_find(fd, false, i * 65280 + in, &place, &err), 1);
			cr_assert(place.out == i * 65280 && place.in == i * 1000 + i % 7 && place.member);
			cr_assert(place.bits == 0 && place.window_len == 0 && !place.has_line);
		}
	}
	cr_assert_eq(ccp_index_find(fd, false, UINT64_MAX, &place, &err), 1);
	cr_assert_eq(place.out, PAIRS * 65280);
	close(fd);
	for (size_t len = 0; len < index.len; len += 5) {
		fd = help_fd((struct bytes){ index.data, len, 0 });
		cr_assert_eq(ccp_index_find(fd, false, 1u << 30, &place, &err), -1, "%zu bytes", len);
		cr_assert_eq(err.code, CCP_E_FORMAT);
		close(fd);
	}
	fd = help_fd((struct bytes){ (uint8_t[8]){ 0 }, 8, 0 });
	cr_assert_eq(ccp_index_find(fd, false, 1u << 30, &place, &err), 0, "one block only");
	close(fd);
	free(index.data);
}

/* ---- damaged indexes -------------------------------------------------------------------------------------------- */

/* Looks for many places; there must be an answer, and a sound one. Returns that for the last. */
static int look(struct bytes index)
{
	static const uint64_t where[] = { 0, 1, 999, 30000, 90000, 200000, UINT64_MAX };
	struct ccp_index_place place;
	struct ccp_err err;
	int fd = help_fd(index), result = 0;

	for (size_t i = 0; i < 2 * sizeof where / sizeof *where; i++) {
		ccp_err_clear(&err);
		result = ccp_index_find(fd, i % 2 == 0, where[i / 2], &place, &err);
		cr_assert(result >= -1 && result <= 1);
		if (result == -1)
			cr_assert(err.code == CCP_E_FORMAT && err.offset <= index.len, "%s", err.text);
		if (result == 1)
			cr_assert(place.bits < 8 && place.in > 0 && place.in <= INT64_MAX &&
				  place.window_len <= sizeof place.window && (!place.member || !place.window_len));
		if (result == 1 && i % 2)
			cr_assert(place.out <= where[i / 2]);
	}
	close(fd);
	return result;
}

static struct bytes some_index(void)
{
	struct bytes plain = help_content(CONTENT_MIXED, 200000, 7), file = { 0 }, index;

	add_member(&file, plain, 8);
	index = make_index(file, 60000);
	cr_assert_geq(be(index.data + 20, 8), 3);
	free(plain.data);
	free(file.data);
	return index;
}

Test(gzip_index_find, cut_indexes)
{
	struct bytes index = some_index();

	cr_assert_eq(look(index), 1);
	for (size_t len = 0; len < index.len - 16; len += len < 100 ? 1 : 7)
		if (len != 8) /* the first eight bytes are bgzip's index of one block */
			cr_assert_eq(look((struct bytes){ index.data, len, 0 }), -1, "%zu of %zu", len, index.len);
	free(index.data);
}

Test(gzip_index_find, flipped_bits)
{
	struct bytes index = some_index();
	uint64_t seed = 99, at = HEADER;
	unsigned wrong = 0;

	/* every bit of header and places, and some of the windows */
	for (uint64_t i = 0; i < be(index.data + 20, 8); i++) {
		uint64_t begin = i == 0 ? 0 : at, packed = be(index.data + at + 20, 4);

		at += POINT;
		for (uint64_t bit = begin * 8; bit < at * 8; bit++) {
			index.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			wrong += look(index) < 0;
			index.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		at += packed + 8;
	}
	cr_assert_gt(wrong, 200);
	for (unsigned i = 0; i < 2000; i++) {
		size_t byte = help_random(&seed) % index.len;
		uint8_t mask = (uint8_t)(1 + help_random(&seed) % 255);

		index.data[byte] ^= mask;
		look(index);
		index.data[byte] ^= mask;
	}
	free(index.data);
}

/* Numbers that a reader might believe. */
Test(gzip_index_find, wild_sizes)
{
	static const uint8_t huge[8] = { 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct bytes index = some_index(), zeros = help_content(CONTENT_ZEROS, 10000000, 1), bomb = { 0 };
	struct bytes pairs = make_pairs();
	uLongf len = compressBound(zeros.len);
	uint8_t *packed = help_alloc(len);

	memcpy(index.data + 20, huge, 8);
	cr_assert_eq(look(index), -1, "two numbers of places");
	memcpy(index.data + 28, huge, 8);
	cr_assert_eq(look(index), -1, "more places than bytes");
	memcpy(pairs.data, huge, 8);
	cr_assert_eq(look(pairs), -1);
	/* a window that becomes 10 MB */
	cr_assert_eq(compress2(packed, &len, zeros.data, zeros.len, 9), Z_OK);
	help_append(&bomb, "\0\0\0\0\0\0\0\0gzipindx\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 32);
	help_append(&bomb, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\0\0\0", 22);
	help_append(&bomb, (uint8_t[]){ (uint8_t)(len >> 8), (uint8_t)len }, 2);
	help_append(&bomb, packed, len);
	help_append(&bomb, "\0\0\0\0\0\0\0\1", 8);
	cr_assert_eq(look(bomb), -1, "a window of 10 MB");
	free(packed);
	free(bomb.data);
	free(zeros.data);
	free(pairs.data);
	free(index.data);
}

/* The kind without lines, and the one with another newline. */
Test(gzip_index_find, other_kinds)
{
	struct bytes index = some_index(), bare = { 0 };
	struct ccp_index_place place, same;
	struct ccp_err err;
	uint64_t at = HEADER;
	int fd;

	help_append(&bare, index.data, 15);
	help_append(&bare, "x", 1);
	help_append(&bare, index.data + 20, 16);
	for (uint64_t i = 0; i < be(index.data + 20, 8); i++) {
		size_t n = POINT + be(index.data + at + 20, 4);

		help_append(&bare, index.data + at, n);
		at += n + 8;
	}
	help_append(&bare, index.data + at, 8);
	fd = help_fd(index);
	cr_assert_eq(ccp_index_find(fd, false, 150000, &place, &err), 1);
	close(fd);
	fd = help_fd(bare);
	cr_assert_eq(ccp_index_find(fd, false, 150000, &same, &err), 1, "%s", err.text);
	cr_assert(same.out == place.out && same.in == place.in && same.bits == place.bits && !same.has_line);
	cr_assert(same.window_len == place.window_len && memcmp(same.window, place.window, same.window_len) == 0);
	cr_assert_eq(ccp_index_find(fd, true, 1u << 30, &same, &err), 0);
	close(fd);
	index.data[19] = 1;
	fd = help_fd(index);
	cr_assert_eq(ccp_index_find(fd, false, 150000, &same, &err), 1);
	cr_assert(same.out == place.out && !same.has_line);
	cr_assert_eq(ccp_index_find(fd, true, 1u << 30, &same, &err), 0);
	close(fd);
	free(index.data);
	free(bare.data);
}
