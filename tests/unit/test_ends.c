/* test_ends.c: beginnings and ends of streams, in portions of all kinds, and of files, against what is cut by hand. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/fold/ends.h"

#define MOST 300000

static uint8_t data[MOST], out[MOST];
static size_t out_len;

static void take(void *arg, const uint8_t *bytes, size_t len)
{
	(void)arg;
	cr_assert(len > 0 && out_len + len <= sizeof out);
	memcpy(out + out_len, bytes, len);
	out_len += len;
}

static const struct ccp_ends_taker taker = { take, NULL };

/* Where line `number` begins, counted from 0; `len` if there are not so many. */
static size_t line_at(size_t len, uint64_t number, char end)
{
	size_t at = 0;

	for (; number > 0 && at < len; number--) {
		while (at < len && data[at] != (uint8_t)end)
			at++;
		at += at < len;
	}
	return at;
}

static uint64_t line_count(size_t len, char end)
{
	uint64_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += data[i] == (uint8_t)end || i + 1 == len;
	return count;
}

/* What is wanted of the first `len` bytes of data: [from, to). */
static void cut(const struct ccp_ends_want *want, size_t len, size_t *from, size_t *to)
{
	bool last = want->kind == CCP_ENDS_LAST || want->kind == CCP_ENDS_BUT_LAST;
	uint64_t units = want->bytes ? len : line_count(len, want->end);
	uint64_t number = last ? (units > want->count ? units - want->count : 0) : want->count;
	size_t at = want->bytes ? (number < len ? (size_t)number : len) : line_at(len, number, want->end);
	bool before = want->kind == CCP_ENDS_FIRST || want->kind == CCP_ENDS_BUT_LAST;

	*from = before ? 0 : at;
	*to = before ? at : len;
}

static void expect(const struct ccp_ends_want *want, size_t len, size_t portion, bool random)
{
	struct ccp_ends ends = { .want = *want };
	struct ccp_err err;
	size_t from, to, at = 0;
	int enough = 0;

	out_len = 0;
	while (at < len && !enough) {
		size_t size = random ? 1 + (size_t)rand() % portion : portion, used;

		if (size > len - at)
			size = len - at;
		enough = ccp_ends_feed(&ends, data + at, size, &taker, &used, &err);
		cr_assert(enough >= 0 && used <= size && (enough || used == size));
		at += used;
	}
	ccp_ends_finish(&ends, &taker);
	cut(want, len, &from, &to);
	cr_assert(out_len == to - from && memcmp(out, data + from, out_len) == 0,
		  "kind %d, %llu %s of %zu, portions of %zu: %zu bytes, not %zu", want->kind,
		  (unsigned long long)want->count, want->bytes ? "bytes" : "lines", len, portion, out_len, to - from);
	if (enough)
		cr_assert(want->kind == CCP_ENDS_FIRST && at == to, "it read %zu bytes for %zu", at, to);
}

static void fill(size_t len, unsigned line, char end, bool ended)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)((unsigned)rand() % line == 0 ? end : 'a' + rand() % 3);
	if (len > 0)
		data[len - 1] = (uint8_t)(ended ? end : 'z');
}

static void expect_all(size_t len, char end, uint64_t count, size_t portion, bool random)
{
	static const enum ccp_ends_kind kinds[] = { CCP_ENDS_FIRST, CCP_ENDS_PAST, CCP_ENDS_LAST, CCP_ENDS_BUT_LAST };

	for (size_t k = 0; k < 4; k++) {
		expect(&(struct ccp_ends_want){ kinds[k], false, count, end }, len, portion, random);
		expect(&(struct ccp_ends_want){ kinds[k], true, count, end }, len, portion, random);
	}
}

Test(ends, small_streams_in_every_portion)
{
	srand(1);
	for (size_t len = 0; len < 24; len++)
		for (unsigned line = 1; line < 8; line += 2)
			for (int ended = 0; ended < 2; ended++) {
				fill(len, line, '\n', ended);
				for (uint64_t count = 0; count < 27; count++)
					for (size_t portion = 1; portion < 9; portion++)
						expect_all(len, '\n', count, portion, false);
			}
}

Test(ends, large_streams)
{
	static const size_t portions[] = { 100, 70000, MOST };
	static const uint64_t counts[] = { 0, 1, 100, 2000, 65536, 100000, UINT64_MAX / 4 };

	srand(2);
	for (int i = 0; i < 4; i++) {
		char end = i % 2 ? '\0' : '\n';

		fill(MOST - 7, i < 2 ? 2 : 100, end, i % 3 == 0);
		for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
			for (size_t p = 0; p < sizeof portions / sizeof portions[0]; p++)
				expect_all(MOST - 7, end, counts[k], portions[p], true);
	}
}

Test(ends, a_line_longer_than_any_portion)
{
	memset(data, 'x', MOST);
	data[10] = data[200000] = data[MOST - 1] = '\n';
	for (uint64_t count = 0; count < 5; count++)
		expect_all(MOST, '\n', count, 1000, false);
}

Test(ends, nothing_is_wanted)
{
	const struct ccp_ends_want none = { CCP_ENDS_LAST, false, 0, '\n' }, all = { CCP_ENDS_PAST, false, 0, '\n' };

	cr_assert(ccp_ends_is_nothing(&none));
	cr_assert(!ccp_ends_is_nothing(&all));
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void expect_located(int fd, size_t begin, size_t len, const struct ccp_ends_want *want)
{
	size_t from, to;
	off_t at;

	memmove(data, data + begin, len - begin);
	cr_assert_eq(ccp_ends_locate(want, fd, (off_t)begin, (off_t)len, &at), 0);
	cut(want, len - begin, &from, &to);
	cr_assert_eq((size_t)at, begin + from, "%llu of [%zu, %zu): %lld, not %zu",
		     (unsigned long long)want->count, begin, len, (long long)at, begin + from);
	cr_assert_eq(pread(fd, data, len, 0), (ssize_t)len);
}

Test(ends, files_are_searched_from_their_ends)
{
	static const size_t lens[] = { 1, 2, 1000, 32767, 32768, 32769, 65536, 100000 };
	static const size_t begins[] = { 0, 1, 500, 40000 };
	static const uint64_t counts[] = { 0, 1, 2, 10, 500, 1000, 200000 };
	int fd = memfd_create("ends", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	srand(3);
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
		for (int way = 0; way < 4; way++) {
			fill(lens[i], way < 2 ? 100 : 1000000, '\n', way % 2);
			cr_assert(ftruncate(fd, 0) == 0 && pwrite(fd, data, lens[i], 0) == (ssize_t)lens[i]);
			for (size_t b = 0; b < 4 && begins[b] <= lens[i]; b++)
				for (size_t k = 0; k < 7; k++) {
					const struct ccp_ends_want lines = {
						CCP_ENDS_LAST, false, counts[k], '\n'
					};
					const struct ccp_ends_want bytes = {
						CCP_ENDS_LAST, true, counts[k], '\n'
					};

					expect_located(fd, begins[b], lens[i], &lines);
					expect_located(fd, begins[b], lens[i], &bytes);
				}
		}
	close(fd);
}
