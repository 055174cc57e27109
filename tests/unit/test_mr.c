/*
 * test_mr.c: the parts of map and reduce that need no programs: keys, numbers, tallies, feeding, dealing, reports.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/mr/counters.h"
#include "pipeline/mr/deal.h"
#include "pipeline/mr/feed.h"
#include "pipeline/mr/key.h"
#include "pipeline/mr/number.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static struct ccp_err err;

/* ---- keys ---------------------------------------------------------------------------------------- */

Test(mr, keys_end_at_the_first_tab)
{
	cr_expect_eq(ccp_mr_key_len(BYTES("a\tb\tc")), 1);
	cr_expect_eq(ccp_mr_key_len(BYTES("no tab")), 6);
	cr_expect_eq(ccp_mr_key_len(BYTES("\tempty")), 0);
	cr_expect_eq(ccp_mr_key_len(BYTES("a\0b\tc")), 3);
	cr_expect_eq(ccp_mr_key_len(NULL, 0), 0);
}

/* Worked out by hand: 1; 31 + 97; 31 * 128 + 98; 31 - 1, since bytes are signed. */
Test(mr, keys_are_hashed_as_java_hashes_bytes)
{
	cr_expect_eq(ccp_mr_part(BYTES(""), 100000), 1);
	cr_expect_eq(ccp_mr_part(BYTES("a"), 100000), 128);
	cr_expect_eq(ccp_mr_part(BYTES("ab"), 100000), 4066);
	cr_expect_eq(ccp_mr_part(BYTES("\xff"), 100000), 30);
	cr_expect_eq(ccp_mr_part(BYTES("anything"), 1), 0);
}

/* 31 * 1 - 128 = -97, of which the sign goes: 2^32 - 97 - 2^31. */
Test(mr, the_hash_loses_its_sign)
{
	cr_expect_eq(ccp_mr_part(BYTES("\x80"), 100000), (2147483648u - 97) % 100000);
}

Test(mr, tags_are_in_the_order_of_the_parts)
{
	uint8_t before[CCP_MR_TAG_BYTES], tag[CCP_MR_TAG_BYTES];

	ccp_mr_tag_write(before, 0);
	cr_expect_eq(ccp_mr_tag_read(before), 0);
	for (unsigned part = 1; part < CCP_MR_PARTS_MOST; part++) {
		ccp_mr_tag_write(tag, part);
		cr_assert_eq(ccp_mr_tag_read(tag), part);
		cr_assert_lt(memcmp(before, tag, sizeof tag), 0);
		cr_assert_null(memchr(tag, '\n', sizeof tag));
		cr_assert_eq(memchr(tag, '\t', sizeof tag), tag + 3);
		memcpy(before, tag, sizeof tag);
	}
	cr_expect_eq(ccp_mr_tag_bytes(1), 0);
}

Test(mr, orders_are_by_part_then_by_key)
{
	struct ccp_sort_order order, said = { 0 };

	ccp_mr_order(&order, &said, 7);
	cr_expect_lt(ccp_sort_compare(&order, BYTES("000\tb"), BYTES("001\ta")), 0);
	cr_expect_lt(ccp_sort_compare(&order, BYTES("000\ta\t2"), BYTES("000\tb\t1")), 0);
	cr_expect_eq(ccp_sort_compare(&order, BYTES("000\ta\t2"), BYTES("000\ta\t1")), 0, "values say nothing");
	ccp_mr_order(&order, &said, 1);
	cr_expect_lt(ccp_sort_compare(&order, BYTES("a\t2"), BYTES("b\t1")), 0);
	cr_expect_lt(ccp_sort_compare(&order, BYTES("a\t2"), BYTES("a \t1")), 0, "a shorter key comes first");
	cr_assert_eq(ccp_sort_order_add(&said, "2,2nr", &err), 0);
	for (unsigned parts = 1; parts < 3; parts++) {
		ccp_mr_order(&order, &said, parts);
		cr_expect_gt(parts == 1 ? ccp_sort_compare(&order, BYTES("b\t9"), BYTES("a\t10"))
					: ccp_sort_compare(&order, BYTES("000\tb\t9"), BYTES("000\ta\t10")), 0);
	}
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static void check_number(const char *text, const char *wanted)
{
	struct ccp_mr_number number;
	char written[CCP_MR_NUMBER_TEXT];

	cr_expect_eq(ccp_mr_number_read((const uint8_t *)text, strlen(text), &number), CCP_MR_NUMBER, "%s", text);
	cr_expect_eq(ccp_mr_number_write(number, written), strlen(wanted));
	cr_expect_str_eq(written, wanted);
}

Test(mr, numbers_are_read_and_written)
{
	check_number("0", "0");
	check_number("-0", "0");
	check_number("+17", "17");
	check_number("0000000000000000000000000000000000000000000000000012", "12");
	check_number("999999999999999999", "999999999999999999");
	check_number("-1000000000000000000", "-1000000000000000000");
	check_number("9223372036854775807", "9223372036854775807");
	check_number("9223372036854775808", "9223372036854775808");
	check_number("-9223372036854775809", "-9223372036854775809");
	check_number("18446744073709551616", "18446744073709551616");
	check_number("1000000000000000000000000000", "1000000000000000000000000000");
	check_number("170141183460469231731687303715884105727", "170141183460469231731687303715884105727");
	check_number("-170141183460469231731687303715884105727", "-170141183460469231731687303715884105727");
}

Test(mr, what_is_no_number_is_refused)
{
	static const char *const texts[] = { "", "-", "+", "1.5", "1e3", " 1", "1 ", "0x1", "1\t", "--1", "one" };
	struct ccp_mr_number number;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		cr_expect_eq(ccp_mr_number_read((const uint8_t *)texts[i], strlen(texts[i]), &number), CCP_MR_NO_NUMBER,
			     "'%s'", texts[i]);
	cr_expect_eq(ccp_mr_number_read(BYTES("170141183460469231731687303715884105728"), &number), CCP_MR_TOO_LARGE);
	cr_expect_eq(ccp_mr_number_read(BYTES("-999999999999999999999999999999999999999999"), &number),
		     CCP_MR_TOO_LARGE);
}

Test(mr, sums_carry_and_overflow)
{
	struct ccp_mr_number sum = ccp_mr_number_of(INT64_MAX), most;
	char text[CCP_MR_NUMBER_TEXT];

	cr_expect(ccp_mr_number_add(&sum, ccp_mr_number_of(INT64_MAX)));
	ccp_mr_number_write(sum, text);
	cr_expect_str_eq(text, "18446744073709551614");
	cr_expect(ccp_mr_number_add(&sum, ccp_mr_number_of(INT64_MIN)));
	cr_expect(ccp_mr_number_add(&sum, ccp_mr_number_of(INT64_MIN)));
	ccp_mr_number_write(sum, text);
	cr_expect_str_eq(text, "-2");
	cr_expect_eq(ccp_mr_number_read(BYTES("170141183460469231731687303715884105727"), &most), CCP_MR_NUMBER);
	sum = most;
	cr_expect_not(ccp_mr_number_add(&sum, ccp_mr_number_of(1)));
	sum = most;
	cr_expect(ccp_mr_number_add(&sum, ccp_mr_number_of(-1)));
	cr_expect(ccp_mr_number_add(&sum, ccp_mr_number_of(1)), "a carry out of the lower half is no overflow");
	cr_assert_eq(ccp_mr_number_read(BYTES("-170141183460469231731687303715884105727"), &sum), CCP_MR_NUMBER);
	cr_expect_not(ccp_mr_number_add(&sum, ccp_mr_number_of(-1)));
	cr_expect(ccp_mr_number_less(ccp_mr_number_of(-1), ccp_mr_number_of(0)));
	cr_expect(ccp_mr_number_less(ccp_mr_number_of(5), most));
	cr_expect_not(ccp_mr_number_less(most, most));
}

/* ---- feeding ------------------------------------------------------------------------------------- */

struct text {
	char data[4096];
	size_t len, calls;
};

static int keep(void *arg, const void *data, size_t len, struct ccp_err *ignored)
{
	struct text *text = arg;

	(void)ignored;
	cr_assert_lt(text->len + len, sizeof text->data);
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
	text->calls++;
	return 0;
}

/* Feeds a text in pieces of every size, and checks what comes out. */
static void check_feed(const struct ccp_mr_feed_options *options, const char *input, const char *wanted)
{
	struct ccp_mr_feed *feed;

	cr_assert_eq(ccp_mr_feed_new(&feed, options, keep, &err), 0);
	for (size_t piece = 1; piece <= strlen(input); piece++) {
		struct text text = { 0 };

		ccp_mr_feed_begin(feed, &text);
		for (size_t at = 0; at < strlen(input); at += piece) {
			size_t len = strlen(input) - at < piece ? strlen(input) - at : piece;

			cr_assert_eq(ccp_mr_feed_take(feed, input + at, len, &err), 0);
		}
		cr_assert_eq(ccp_mr_feed_end(feed, &err), 0);
		cr_expect_str_eq(text.data, wanted);
	}
	ccp_mr_feed_free(feed);
}

Test(mr, lines_are_fed_in_pieces)
{
	const struct ccp_mr_feed_options plain = { .parts = 1, .buffer_bytes = 8 };
	const struct ccp_mr_feed_options tagged = { .parts = 3, .buffer_bytes = 1000 };

	check_feed(&plain, "b\t1\n\nlonger than the buffer\na", "b\t1\n\nlonger than the buffer\na\n");
	/* 129 % 3, 1 % 3, 128 % 3 */
	check_feed(&tagged, "b\t1\n\na", "000\tb\t1\n001\t\n002\ta\n");
}

Test(mr, numbers_are_put_together_before)
{
	struct ccp_mr_feed_options options = { .parts = 1, .op = CCP_MR_SUM, .tally_bytes = 1 << 20,
					       .buffer_bytes = 1000 };

	check_feed(&options, "b\t1\na\t2\nb\t-5\n\t7\nb\na", "b\t-3\na\t3\n\t7\n");
	options.op = CCP_MR_COUNT;
	check_feed(&options, "b\tx\na\t2\nb\t-5\n\t7\nb", "b\t3\na\t1\n\t1\n");
	options.op = CCP_MR_MIN;
	check_feed(&options, "b\t1\na\t2\nb\t-5\nb\t3\n", "b\t-5\na\t2\n");
	options.op = CCP_MR_MAX;
	check_feed(&options, "b\t1\na\t2\nb\t-5\nb\t3\n", "b\t3\na\t2\n");
	options.tally_bytes = 0; /* there is never room for a second key */
	check_feed(&options, "b\t1\na\t2\nb\t-5", "b\t1\na\t2\nb\t-5\n");
}

Test(mr, what_cannot_be_put_together_is_told)
{
	const struct ccp_mr_feed_options options = { .parts = 1, .op = CCP_MR_SUM, .tally_bytes = 1 << 20,
						     .buffer_bytes = 1000 };
	struct ccp_mr_feed *feed;
	struct text text = { 0 };

	cr_assert_eq(ccp_mr_feed_new(&feed, &options, keep, &err), 0);
	ccp_mr_feed_begin(feed, &text);
	cr_expect_eq(ccp_mr_feed_take(feed, BYTES("a\t1\nb\xff\t1,5\n"), &err), -1);
	cr_expect_str_eq(err.text, "key 'b?': '1,5' is not a whole number");
	ccp_mr_feed_begin(feed, &text);
	cr_expect_eq(ccp_mr_feed_take(feed, BYTES("a\t2\n"), &err), 0);
	cr_expect_eq(ccp_mr_feed_end(feed, &err), 0);
	cr_expect_str_eq(text.data, "a\t2\n", "of what failed nothing is left");
	ccp_mr_feed_free(feed);
}

Test(mr, many_keys)
{
	struct ccp_mr_tally *tally;
	char line[64];

	cr_assert_eq(ccp_mr_tally_new(&tally, CCP_MR_SUM, &err), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50000; i++) {
			int len = snprintf(line, sizeof line, "key %d of many\t%d", i, i);

			cr_assert_eq(ccp_mr_tally_add(tally, (const uint8_t *)line, (size_t)len, &err), 0);
		}
	}
	cr_expect_gt(ccp_mr_tally_bytes(tally), 50000 * 10);
	ccp_mr_tally_free(tally);
}

/* ---- dealing ------------------------------------------------------------------------------------- */

static int on_begin(void *arg, unsigned part, struct ccp_err *ignored)
{
	char text[20];

	return keep(arg, text, (size_t)snprintf(text, sizeof text, "<%u:", part), ignored);
}

static int on_end(void *arg, struct ccp_err *ignored)
{
	return keep(arg, ">", 1, ignored);
}

static void check_deal(unsigned parts, enum ccp_mr_op op, const char *input, const char *wanted)
{
	struct text text = { 0 };
	const struct ccp_mr_sink sink = { on_begin, keep, on_end, &text };
	struct ccp_mr_deal *deal;
	const char *end;

	cr_assert_eq(ccp_mr_deal_new(&deal, parts, op, &sink, &err), 0);
	for (const char *line = input; (end = strchr(line, '\n')) != NULL; line = end + 1)
		cr_assert_eq(ccp_mr_deal_take(deal, line, (size_t)(end + 1 - line), &err), 0);
	cr_assert_eq(ccp_mr_deal_end(deal, &err), 0);
	cr_expect_str_eq(text.data, wanted);
	ccp_mr_deal_free(deal);
}

Test(mr, lines_are_dealt_out)
{
	check_deal(1, CCP_MR_NONE, "a\t1\nb\n", "<0:a\t1\nb\n>");
	check_deal(1, CCP_MR_NONE, "", "<0:>");
	check_deal(4, CCP_MR_NONE, "001\ta\t1\n001\tb\n003\t\n", "<0:><1:a\t1\nb\n><2:><3:\n>");
	check_deal(3, CCP_MR_NONE, "", "<0:><1:><2:>");
}

Test(mr, numbers_are_put_together_at_the_end)
{
	check_deal(1, CCP_MR_SUM, "\t1\n\t2\na\t1\nab\t5\nab\t-7\n", "<0:\t3\na\t1\nab\t-2\n>");
	check_deal(3, CCP_MR_MAX, "000\ta\t1\n000\ta\t9\n002\tb\t-3\n", "<0:a\t9\n><1:><2:b\t-3\n>");
	check_deal(2, CCP_MR_COUNT, "000\ta\tx\n000\ta\ty\n001\ta\n", "<0:a\t2\n><1:a\t1\n>");
}

/* ---- reports ------------------------------------------------------------------------------------- */

static int report(struct ccp_mr_counters *counters, const char *line, const char **message)
{
	return ccp_mr_counters_line(counters, line, strlen(line), message, &err);
}

Test(mr, reports_are_understood)
{
	struct ccp_mr_counters counters = { 0 };
	const char *message = NULL;
	char text[CCP_MR_NUMBER_TEXT];

	cr_expect_eq(report(&counters, "reporter:counter:B,x,5", &message), CCP_MR_COUNTER);
	cr_expect_eq(report(&counters, "reporter:counter:A b,y z,-1", &message), CCP_MR_COUNTER);
	cr_expect_eq(report(&counters, "reporter:counter:B,x,37", &message), CCP_MR_COUNTER);
	cr_expect_eq(report(&counters, "reporter:status:as it is", &message), CCP_MR_STATUS);
	cr_expect_str_eq(message, "as it is");
	cr_assert_eq(counters.count, 2);
	cr_expect_str_eq(counters.list[0].name, "A b,y z");
	cr_expect_str_eq(counters.list[1].name, "B,x");
	ccp_mr_number_write(counters.list[1].amount, text);
	cr_expect_str_eq(text, "42");
	ccp_mr_counters_free(&counters);
}

Test(mr, what_is_no_report_is_passed_on)
{
	static const char *const lines[] = {
		"", "reporter:", "reporter:counter:", "reporter:counter:A,b", "reporter:counter:A,b,",
		"reporter:counter:A,b,c",
		"reporter:counter:A,b,c,1", "reporter:counter:A,b,1.5", " reporter:counter:A,b,1",
		"reporter:counter:A,b,9223372036854775808", "words",
	};
	struct ccp_mr_counters counters = { 0 };
	const char *message;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		cr_expect_eq(report(&counters, lines[i], &message), CCP_MR_PLAIN, "%s", lines[i]);
	cr_expect_eq(counters.count, 0);
	ccp_mr_counters_free(&counters);
}
