/* The sorter against qsort: any blocks, in memory and in files, in one or several passes, by one or several threads. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sort/lines.h"
#include "pipeline/sort/sorter.h"

#define LINES 60000

static const struct ccp_sort_order *comparing; /* for qsort */

struct text {
	char *data;
	size_t len;
	const char **lines;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t x_len = (size_t)((const char *)rawmemchr(x, '\n') - x);
	size_t y_len = (size_t)((const char *)rawmemchr(y, '\n') - y);
	int diff = ccp_sort_compare(comparing, (const uint8_t *)x, x_len, (const uint8_t *)y, y_len);

	return diff != 0 ? diff : (x > y) - (x < y);
}

static struct text make_text(size_t count, unsigned kinds)
{
	struct text text = { .data = malloc(count * 64), .lines = calloc(count, sizeof *text.lines), .count = count };

	srand(7);
	for (size_t i = 0; i < count; i++) {
		text.lines[i] = text.data + text.len;
		text.len += (size_t)sprintf(text.data + text.len, "%.*scommon%u %u\n", rand() % 20,
					    "aaaaaaaaaaaaaaaaaaaa", (unsigned)rand() % kinds, (unsigned)rand() % 100);
	}
	return text;
}

struct taken {
	char *data;
	size_t len;
};

static int take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct taken *taken = arg;

	(void)err;
	memcpy(taken->data + taken->len, data, len);
	taken->len += len;
	return 0;
}

static struct taken expected_of(struct text *text, const struct ccp_sort_order *order)
{
	struct taken expected = { .data = malloc(text->len) };
	const char *last = NULL;

	comparing = order;
	if (text->count > 0)
		qsort(text->lines, text->count, sizeof *text->lines, compare);
	for (size_t i = 0; i < text->count; i++) {
		const char *line = text->lines[i];
		size_t len = strcspn(line, "\n");

		if (order->unique && last != NULL &&
		    ccp_sort_compare(order, (const uint8_t *)last, strcspn(last, "\n"), (const uint8_t *)line,
				     len) == 0)
			continue;
		take(&expected, line, len + 1, NULL);
		last = line;
	}
	return expected;
}

static void fill(struct ccp_sorter *sorter, const struct text *text, const struct ccp_sort_order *order, size_t piece)
{
	struct ccp_sort_lines lines;
	uint8_t *room = malloc(piece + 64);
	struct ccp_err err;
	bool sorted = false;

	cr_assert_eq(ccp_sort_lines_init(&lines, order, piece, &err), 0);
	for (size_t at = 0; at < text->len;) {
		size_t len = text->len - at < piece ? text->len - at : piece;

		while (text->data[at + len - 1] != '\n')
			len++;
		if (sorted) { /* every other piece, the first line on its own */
			size_t first = strcspn(text->data + at, "\n") + 1;
			struct ccp_buf out = { .data = room, .cap = piece + 64 };

			cr_assert_eq(ccp_sort_lines(&lines, (uint8_t *)text->data + at + first, len - first, &out),
				     len - first);
			cr_assert_eq(ccp_sorter_add_sorted(sorter, text->data + at, first, out.data, out.len, &err), 0,
				     "%s", err.text);
		} else {
			cr_assert_eq(ccp_sorter_add(sorter, text->data + at, len, &err), 0, "%s", err.text);
		}
		sorted = !sorted;
		at += len;
	}
	ccp_sort_lines_release(&lines);
	free(room);
}

static void expect_sorted(struct text *text, const struct ccp_sort_order *order, uint64_t max_bytes, unsigned threads,
			  size_t piece, bool by_line)
{
	const struct ccp_sorter_options options = { .order = order, .max_bytes = max_bytes, .threads = threads };
	struct taken expected = expected_of(text, order), got = { .data = malloc(text->len) };
	const struct ccp_sorter_taker taker = { take, &got };
	struct ccp_sorter *sorter;
	const uint8_t *line;
	struct ccp_err err;
	size_t len;

	cr_assert_eq(ccp_sorter_new(&sorter, &options, &err), 0);
	fill(sorter, text, order, piece);
	cr_assert_eq(ccp_sorter_finish(sorter, &err), 0, "%s", err.text);
	if (by_line)
		while (ccp_sorter_next(sorter, &line, &len, &err) == 1)
			take(&got, line, len, &err);
	else
		cr_assert_eq(ccp_sorter_write(sorter, &taker, &err), 0, "%s", err.text);
	cr_expect(got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0,
		  "%zu bytes, not %zu: memory %llu, %u threads, pieces of %zu", got.len, expected.len,
		  (unsigned long long)max_bytes, threads, piece);
	if (!order->unique) { /* of which some were dropped before they were added */
		cr_expect_eq(ccp_sorter_counts(sorter).bytes, text->len);
		cr_expect_eq(ccp_sorter_counts(sorter).spilled_bytes > 0, max_bytes < text->len);
	}
	ccp_sorter_free(sorter);
	free(expected.data);
	free(got.data);
}

static void expect_all_ways(const struct ccp_sort_order *order, unsigned kinds)
{
	struct text text = make_text(LINES, kinds);

	for (unsigned way = 0; way < 12; way++)
		expect_sorted(&text, order, way % 2 ? 1 << 20 : 64 << 20, 1 + way % 3, way % 4 < 2 ? 300 : 100000,
			      way % 3 == 0);
	free(text.data);
	free(text.lines);
}

Test(sorter, whole_lines)
{
	const struct ccp_sort_order order = { .separator = -1, .end = '\n', .settled = true };

	expect_all_ways(&order, 1000000);
	expect_all_ways(&order, 2);
}

Test(sorter, stable_keys)
{
	struct ccp_sort_order order = { .separator = -1, .end = '\n', .stable = true };
	struct ccp_err err;

	cr_assert_eq(ccp_sort_order_add(&order, "2n,2", &err), 0);
	ccp_sort_order_settle(&order);
	expect_all_ways(&order, 5);
}

Test(sorter, unique)
{
	struct ccp_sort_order order = { .separator = -1, .end = '\n', .unique = true };
	struct ccp_err err;

	expect_all_ways(&order, 2);
	cr_assert_eq(ccp_sort_order_add(&order, "2,2", &err), 0);
	ccp_sort_order_settle(&order);
	expect_all_ways(&order, 100);
}

Test(sorter, reverse_many_keys)
{
	struct ccp_sort_order order = { .separator = -1, .end = '\n', .manner.reverse = true };
	struct ccp_err err;

	expect_all_ways(&order, 30);
	cr_assert_eq(ccp_sort_order_add(&order, "1,1r", &err), 0);
	cr_assert_eq(ccp_sort_order_add(&order, "2nr", &err), 0);
	ccp_sort_order_settle(&order);
	expect_all_ways(&order, 30);
}

/* So many runs that they are merged in passes. */
Test(sorter, passes)
{
	const struct ccp_sort_order order = { .separator = -1, .end = '\n', .settled = true };
	const struct ccp_sorter_options options = { .order = &order, .max_bytes = 1 << 20, .threads = 2 };
	struct ccp_sorter *sorter;
	const uint8_t *line;
	struct ccp_err err;
	uint64_t last = 0, count = 0;
	char text[32];
	size_t len;

	cr_assert_eq(ccp_sorter_new(&sorter, &options, &err), 0);
	for (unsigned i = 0; i < 2500000; i++) {
		snprintf(text, sizeof text, "%020u\n", i * 2654435761u);
		cr_assert_eq(ccp_sorter_add(sorter, text, strlen(text), &err), 0);
	}
	cr_assert_eq(ccp_sorter_finish(sorter, &err), 0);
	cr_expect_gt(ccp_sorter_counts(sorter).passes, 0);
	for (; ccp_sorter_next(sorter, &line, &len, &err) == 1; count++) {
		uint64_t now = strtoull((const char *)line, NULL, 10);

		cr_assert(len == 21 && (count == 0 || now > last));
		last = now;
	}
	cr_expect_eq(count, 2500000);
	ccp_sorter_free(sorter);
}

Test(sorter, nothing)
{
	const struct ccp_sort_order order = { .separator = -1, .end = '\n', .settled = true };
	struct text text = { .data = (char[]){ "" } };

	expect_sorted(&text, &order, 1 << 20, 2, 100, true);
	expect_sorted(&text, &order, 1 << 20, 2, 100, false);
}

/* A folder where no file can be made is told. */
Test(sorter, no_folder)
{
	const struct ccp_sort_order order = { .separator = -1, .end = '\n', .settled = true };
	const struct ccp_sorter_options options = { .order = &order, .max_bytes = 1, .tmpdir = "/nonexistent" };
	struct text text = make_text(LINES, 10);
	struct ccp_sorter *sorter;
	struct ccp_err err = { 0 };

	cr_assert_eq(ccp_sorter_new(&sorter, &options, &err), 0);
	cr_expect_eq(ccp_sorter_add(sorter, text.data, text.len, &err), -1);
	cr_expect_eq(err.code, CCP_E_SYS);
	cr_expect_not_null(strstr(err.text, "/nonexistent"));
	ccp_sorter_free(sorter);
	free(text.data);
	free(text.lines);
}
