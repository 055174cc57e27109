/* test_spill.c: what was written to a temporary file is read from any place, packed or not. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/sort/spill.h"

#define BYTES ((size_t)3 * 1000 * 1000)

static uint32_t state;

static uint32_t any(uint32_t below)
{
	state = state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)(state ^ state >> 16) * below) >> 32);
}

/* Text at the beginning, noise at the end, both in the middle. Memory: returned. */
static uint8_t *make(void)
{
	uint8_t *data = malloc(BYTES);

	cr_assert_not_null(data);
	state = 1;
	for (size_t i = 0; i < BYTES; i++)
		data[i] = any(3000000) < i ? (uint8_t)any(256) : (uint8_t)("the same again\n"[i % 15]);
	return data;
}

static struct ccp_spill *open_spill(double write_ns)
{
	struct ccp_spill *spill = NULL;
	struct ccp_err err;

	cr_assert_eq(ccp_spill_open(&spill, NULL, &err), 0, "%s", err.text);
	spill->in_memory = false;
	spill->write_ns = write_ns;
	return spill;
}

/* Writes `data` in pieces of all sizes, as two runs; returns where the second one begins and how long the first is. */
static uint64_t fill(struct ccp_spill *spill, const uint8_t *data, size_t *first, double write_ns)
{
	size_t at = 0, half = BYTES / 2 + 77;
	uint64_t second = 0;
	struct ccp_err err;

	while (at < BYTES) {
		size_t most = at < half ? half - at : BYTES - at;
		size_t len = any(4) == 0 ? any(200000) : any(500);

		len = len < most ? len : most;
		spill->write_ns = write_ns; /* whatever this machine's disk does */
		cr_assert_eq(ccp_spill_write(spill, data + at, len, &err), 0, "%s", err.text);
		at += len;
		if (at == half && second == 0) {
			cr_assert_eq(ccp_spill_flush(spill, &err), 0);
			second = spill->end;
		}
	}
	cr_assert_eq(ccp_spill_flush(spill, &err), 0);
	*first = half;
	return second;
}

static void check(double write_ns)
{
	uint8_t *data = make(), *got = malloc(BYTES);
	struct ccp_spill *spill = open_spill(write_ns);
	struct ccp_spill_reader reader = { 0 };
	struct ccp_err err;
	size_t first;
	uint64_t second = fill(spill, data, &first, write_ns);

	cr_assert_eq(second % CCP_SPILL_BLOCK, 0);
	cr_assert_eq(ccp_spill_read(spill, &reader, 0, got, first, &err), 0, "%s", err.text);
	cr_assert_eq(memcmp(got, data, first), 0);
	cr_assert_eq(ccp_spill_read(spill, &reader, second, got, BYTES - first, &err), 0, "%s", err.text);
	cr_assert_eq(memcmp(got, data + first, BYTES - first), 0);
	for (int i = 0; i < 3000; i++) {
		size_t run = any(2), bytes = run == 0 ? first : BYTES - first;
		size_t from = any((uint32_t)bytes), len = any(3) == 0 ? any(300000) : any(600);

		if (len > bytes - from)
			len = bytes - from;
		cr_assert_eq(ccp_spill_read(spill, &reader, (run == 0 ? 0 : second) + from, got, len, &err), 0, "%s",
			     err.text);
		cr_assert_eq(memcmp(got, data + (run == 0 ? 0 : first) + from, len), 0, "%zu from %zu of run %zu", len,
			     from, run);
	}
	ccp_spill_reader_free(&reader);
	ccp_spill_close(spill);
	free(data);
	free(got);
}

Test(spill, as_it_is)
{
	check(0);
}

Test(spill, packed)
{
	check(100);
}

#ifdef CCP_HAVE_LZ4
Test(spill, packed_where_writing_is_slow)
{
	uint8_t *data = calloc(1, BYTES);
	struct ccp_spill *slow = open_spill(100), *fast = open_spill(0);
	size_t first;

	state = 1;
	fill(slow, data, &first, 100);
	fill(fast, data, &first, 0);
	cr_expect_lt(slow->stored, BYTES / 10);
	cr_expect_eq(fast->stored, BYTES);
	ccp_spill_close(slow);
	ccp_spill_close(fast);
	free(data);
}
#endif

/* Whatever is changed in the file: an error, or other bytes; never more of them. */
Test(spill, damage)
{
	uint8_t *data = make(), *got = malloc(BYTES);
	int errors = 0;

	for (int i = 0; i < 60; i++) {
		struct ccp_spill *spill = open_spill(100);
		struct ccp_spill_reader reader = { 0 };
		struct ccp_err err;
		size_t first;
		uint8_t noise[64];

		state = 1;
		fill(spill, data, &first, 100);
		state = (uint32_t)i;
		for (size_t k = 0; k < sizeof noise; k++)
			noise[k] = (uint8_t)any(256);
		if (i % 4 == 0)
			cr_assert_eq(ftruncate(spill->fd, (off_t)any((uint32_t)spill->stored / 2)), 0);
		else
			cr_assert_eq(pwrite(spill->fd, noise, sizeof noise, (off_t)any(100000)), (ssize_t)sizeof noise);
		if (ccp_spill_read(spill, &reader, 0, got, first, &err) != 0) {
			errors++;
			cr_expect_not_null(strstr(err.text, "temporary file"), "%s", err.text);
		}
		ccp_spill_reader_free(&reader);
		ccp_spill_close(spill);
	}
	cr_expect_geq(errors, 15);
	free(data);
	free(got);
}
