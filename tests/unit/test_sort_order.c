/* Keys: definitions, places, numbers, and that prefixes agree with comparisons. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sort/order.h"

static struct ccp_sort_order order_of(const char *key, int separator)
{
	struct ccp_sort_order order = { .separator = separator, .end = '\n' };
	struct ccp_err err;

	if (key != NULL)
		cr_assert_eq(ccp_sort_order_add(&order, key, &err), 0, "%s", err.text);
	ccp_sort_order_settle(&order);
	return order;
}

static int compare(const struct ccp_sort_order *order, const char *a, const char *b)
{
	return ccp_sort_compare(order, (const uint8_t *)a, strlen(a), (const uint8_t *)b, strlen(b));
}

static void expect_key(const char *definition, int separator, const char *line, const char *key)
{
	struct ccp_sort_order order = order_of(definition, separator);
	const uint8_t *at;
	size_t len = ccp_sort_key_find(&order, &order.keys[0], (const uint8_t *)line, strlen(line), &at);

	cr_expect(len == strlen(key) && memcmp(at, key, len) == 0, "-k%s of '%s': '%.*s', not '%s'", definition, line,
		  (int)len, (const char *)at, key);
}

Test(sort_order, definitions)
{
	struct ccp_sort_order order = order_of("3.2bn,5.4r", -1);
	const struct ccp_sort_key *key = &order.keys[0];

	cr_expect_eq(order.key_count, 1);
	cr_expect_eq(key->from_field, 2);
	cr_expect_eq(key->from_char, 1);
	cr_expect_eq(key->to_field, 4);
	cr_expect_eq(key->to_char, 4);
	cr_expect(key->manner.numeric && key->manner.reverse && key->manner.skip_start && !key->manner.skip_end);
	order = order_of("2", -1);
	cr_expect_eq(order.keys[0].to_field, CCP_SORT_REST);
}

Test(sort_order, definitions_that_are_none)
{
	static const char *const wrong[] = { "",   "x",	 "0",  "1.0", "1,", "1,0",  "1.",
					     "1,2.", "1q", "1 ", "-1",	"1d", "1,2M" };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct ccp_sort_order order = { .separator = -1 };
		struct ccp_err err;

		cr_expect_eq(ccp_sort_order_add(&order, wrong[i], &err), -1, "'%s' was taken", wrong[i]);
		cr_expect_eq(err.code, CCP_E_USAGE);
		cr_expect_eq(order.key_count, 0);
	}
}

Test(sort_order, what_keys_take_from_the_order)
{
	struct ccp_sort_order order = { .separator = -1, .end = '\n', .manner = { .numeric = true, .reverse = true } };
	struct ccp_err err;

	cr_assert_eq(ccp_sort_order_add(&order, "2", &err), 0);
	cr_assert_eq(ccp_sort_order_add(&order, "1r", &err), 0);
	ccp_sort_order_settle(&order);
	cr_expect(order.keys[0].manner.numeric && order.keys[0].manner.reverse);
	cr_expect(!order.keys[1].manner.numeric && order.keys[1].manner.reverse);
}

Test(sort_order, places)
{
	expect_key("2", -1, "a bb  cc", " bb  cc");
	expect_key("2,2", -1, "a bb  cc", " bb");
	expect_key("2b,2", -1, "a bb  cc", "bb");
	expect_key("3,3", -1, "a bb  cc", "  cc");
	expect_key("3b,3", -1, "a bb  cc d", "cc");
	expect_key("1,1", -1, "  a b", "  a");
	expect_key("1.2,1.3", -1, "abcdef", "bc");
	expect_key("2.2b,2.3b", -1, "a  bcde f", "cd");
	expect_key("4", -1, "a b c", "");
	expect_key("2,1", -1, "a b c", "");
	expect_key("2", ',', "a,b,c", "b,c");
	expect_key("2,2", ',', "a,,c", "");
	expect_key("3,3", ',', "a,,c", "c");
	expect_key("1.3,2.1", ',', "abcd,xyz", "cd,x");
	expect_key("1.9", ',', "abc", "");
	expect_key("2.1,2.0", ',', "a,bcd,e", "bcd");
}

/* From the smallest to the largest; those in a row are equal. */
static const char *const numbers[] = {
	"-100000000000000000000", "\n", "-99999999999999999999", "\n", "-12", "\n", "-1.5", "-01.50", " -1.5x", "\n",
	"-1.05", "\n", "-.5", "\n", "-.00000000000000000000001", "\n", "0", "-0", "", "x", "-", "--1", "+1", ".", "-.0",
	"- 1", "\n", ".00000000000000000000001", "\n", ".00000000000000000000002", "\n", "0.1", ".10", "\n", "1", "01",
	"1.0", "\t1", "1e9", "1,5", "\n", "1.00000000000000000001", "\n", "9", "\n", "10", "\n", "1234567890123456.6",
	"\n", "1234567890123456.7", "\n", "12345678901234567", "\n", "12345678901234568",
};

Test(sort_order, numbers)
{
	const size_t count = sizeof numbers / sizeof numbers[0];

	for (size_t i = 0, row = 0; i < count; i++) {
		if (numbers[i][0] == '\n') {
			row++;
			continue;
		}
		for (size_t k = 0, other = 0; k < count; k++) {
			const uint8_t *a = (const uint8_t *)numbers[i], *b = (const uint8_t *)numbers[k];
			bool a_exact, b_exact;
			uint64_t a_number, b_number;
			int expected, got;

			if (numbers[k][0] == '\n') {
				other++;
				continue;
			}
			expected = (row > other) - (row < other);
			got = ccp_sort_compare_numbers(a, strlen(numbers[i]), b, strlen(numbers[k]));
			cr_expect_eq((got > 0) - (got < 0), expected, "'%s' and '%s': %d", numbers[i], numbers[k], got);
			a_number = ccp_sort_number(a, strlen(numbers[i]), &a_exact);
			b_number = ccp_sort_number(b, strlen(numbers[k]), &b_exact);
			cr_expect(a_number == b_number || (a_number > b_number) == (expected > 0), "'%s' and '%s'",
				  numbers[i], numbers[k]);
			cr_expect(a_number == b_number || expected != 0, "'%s' and '%s'", numbers[i], numbers[k]);
			cr_expect(a_number != b_number || !a_exact || !b_exact || expected == 0, "'%s' and '%s'",
				  numbers[i], numbers[k]);
		}
	}
}

Test(sort_order, last_resort)
{
	struct ccp_sort_order order = order_of("2,2", -1);

	cr_expect_lt(compare(&order, "a x", "b x"), 0);
	cr_expect_gt(compare(&order, "a y", "b x"), 0);
	order.manner.reverse = true;
	cr_expect_gt(compare(&order, "a x", "b x"), 0);
	order.stable = true;
	cr_expect_eq(compare(&order, "a x", "b x"), 0);
	order = order_of(NULL, -1);
	cr_expect_lt(compare(&order, "a", "ab"), 0);
	cr_expect_lt(compare(&order, "", "a"), 0);
	cr_expect_lt(ccp_sort_compare(&order, (const uint8_t *)"a", 1, (const uint8_t *)"a\0", 2), 0);
	cr_expect_lt(compare(&order, "a", "\xff"), 0, "bytes have signs");
}

Test(sort_order, prefixes_agree)
{
	static const char *const keys[] = { NULL, "1", "1r", "2", "2,2f", "2n", "2nr", "1.2,1.3", "1f,1", "2b,2" };
	static const char letters[] = "aAbB 12.-\t";

	srand(1);
	for (int turn = 0; turn < 100000; turn++) {
		struct ccp_sort_order order = order_of(keys[turn % 10], turn % 3 == 0 ? 'a' : -1);
		struct ccp_sort_level level = { 0 };
		char line[3][16];
		uint64_t prefix[3];
		int diff;

		order.manner.reverse = turn % 7 == 0;
		order.stable = turn % 5 == 0;
		for (int i = 0; i < 3; i++) {
			int len = rand() % 15;

			for (int k = 0; k < len; k++)
				line[i][k] = letters[(rand() % 100) * (rand() % 3 > 0) % 10];
			line[i][len] = '\0';
		}
		/* what the outer two have in common, the one in between has, too */
		if (compare(&order, line[0], line[1]) <= 0 && compare(&order, line[1], line[2]) <= 0)
			level = ccp_sort_common(&order, (const uint8_t *)line[0], strlen(line[0]),
						(const uint8_t *)line[2], strlen(line[2]));
		for (int i = 0; i < 3; i++)
			prefix[i] = ccp_sort_prefix(&order, (const uint8_t *)line[i], strlen(line[i]), level);
		for (int i = 0; i < 2; i++) {
			diff = compare(&order, line[i], line[i + 1]);
			cr_assert(prefix[i] == prefix[i + 1] || (prefix[i] < prefix[i + 1]) == (diff < 0),
				  "-k%s: '%s' and '%s' at %zu.%zu", keys[turn % 10], line[i], line[i + 1], level.key,
				  level.skip);
		}
	}
}

/* The end of the n-th field, byte by byte. */
static size_t naive_end(const char *line, size_t len, size_t n)
{
	size_t at = 0;

	for (; n > 0; n--) {
		while (at < len && strchr(" \t\n", line[at]) != NULL)
			at++;
		while (at < len && strchr(" \t\n", line[at]) == NULL)
			at++;
	}
	return at;
}

Test(sort_order, places_in_lines_of_any_length)
{
	uint32_t random = 7;

	for (unsigned round = 0; round < 20000; round++) {
		size_t len = round % 90, field = 1 + round % 11, last = field + round % 2, from, found;
		char *line = malloc(len > 0 ? len : 1), definition[32]; /* nothing is read behind the end */
		struct ccp_sort_order order;
		const uint8_t *at;

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			line[i] = "ab\t \n\xa0xyzc*\x1f\x21-_,"[(random >> 24) % (round % 3 ? 16 : 5)];
		}
		snprintf(definition, sizeof definition, "%zu,%zu", field, last);
		order = order_of(definition, -1);
		found = ccp_sort_key_find(&order, &order.keys[0], (const uint8_t *)line, len, &at);
		from = naive_end(line, len, field - 1);
		cr_assert_eq(at, (const uint8_t *)line + from, "round %u, -k%s", round, definition);
		cr_assert_eq(found, naive_end(line, len, last) - from, "round %u, -k%s", round, definition);
		free(line);
	}
}
