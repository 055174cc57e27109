/* test_uniq.c: runs of equal lines: keys, numbers, and scans with notes of every size against a plain one. */
#include <criterion/criterion.h>
#include <string.h>

#include "pipeline/fold/uniq.h"

#define ALL UINT64_MAX
#define PLAIN .check_chars = ALL, .end = '\n'

static bool same(const struct ccp_uniq_options *options, const char *a, const char *b)
{
	bool result = ccp_uniq_same(options, (const uint8_t *)a, strlen(a), (const uint8_t *)b, strlen(b));

	cr_assert_eq(result, ccp_uniq_same(options, (const uint8_t *)b, strlen(b), (const uint8_t *)a, strlen(a)));
	return result;
}

Test(uniq, lines_are_compared_as_they_are)
{
	const struct ccp_uniq_options options = { PLAIN };

	cr_assert(same(&options, "a\n", "a\n"));
	cr_assert(same(&options, "\n", "\n"));
	cr_assert(!same(&options, "a\n", "A\n"));
	cr_assert(!same(&options, "a\n", "a \n"));
	cr_assert(!same(&options, "\n", "a\n"));
}

Test(uniq, case_is_of_ascii)
{
	const struct ccp_uniq_options options = { PLAIN, .ignore_case = true };

	cr_assert(same(&options, "aZ[\n", "Az[\n"));
	cr_assert(!same(&options, "[\n", "{\n"));
	cr_assert(!same(&options, "\xe9\n", "\xc9\n"));
}

Test(uniq, fields_and_bytes_are_passed_over)
{
	const struct ccp_uniq_options fields = { PLAIN, .skip_fields = 2 };
	const struct ccp_uniq_options chars = { PLAIN, .skip_fields = 1, .skip_chars = 2 };
	const struct ccp_uniq_options few = { .check_chars = 2, .end = '\n' };
	const struct ccp_uniq_options none = { .check_chars = 0, .end = '\n' };

	cr_assert(same(&fields, " a\tb c\n", "x y c\n"));
	cr_assert(!same(&fields, "a b c\n", "a b  c\n"));
	cr_assert(same(&fields, "a b\n", "c\n"), "lines with too few fields have empty keys");
	cr_assert(same(&chars, "a xyz\n", "b uyz\n"));
	cr_assert(!same(&chars, "a xyz\n", "b uvz\n"));
	cr_assert(same(&few, "abc\n", "abd\n"));
	cr_assert(!same(&few, "a\n", "ab\n"));
	cr_assert(same(&none, "a\n", "bcd\n"));
}

static void expect_number(uint64_t count, const char *text)
{
	const struct ccp_uniq_options options = { PLAIN, .count = true };
	char number[CCP_UNIQ_NUMBER_BYTES];
	size_t len = ccp_uniq_number(&options, count, number);

	cr_assert(len == strlen(text) && memcmp(number, text, len) == 0, "%llu is %.*s", (unsigned long long)count,
		  (int)len, number);
}

Test(uniq, numbers_have_seven_columns)
{
	const struct ccp_uniq_options options = { PLAIN };
	char number[CCP_UNIQ_NUMBER_BYTES];

	expect_number(1, "      1 ");
	expect_number(1234567, "1234567 ");
	expect_number(12345678, "12345678 ");
	expect_number(UINT64_MAX, "18446744073709551615 ");
	cr_assert_eq(ccp_uniq_number(&options, 1, number), 0);
}

Test(uniq, what_is_printed)
{
	const struct ccp_uniq_options all = { PLAIN }, repeated = { PLAIN, .only_repeated = true },
				      unique = { PLAIN, .only_unique = true };

	cr_assert(ccp_uniq_prints(&all, 1) && ccp_uniq_prints(&all, 2));
	cr_assert(!ccp_uniq_prints(&repeated, 1) && ccp_uniq_prints(&repeated, 2));
	cr_assert(ccp_uniq_prints(&unique, 1) && !ccp_uniq_prints(&unique, 2));
}

/* ---- scans ------------------------------------------------------------------------------------------------------- */

/* What a collector makes of the calls of a scan: the runs, one a line. */
static void put_run(const struct ccp_uniq_options *options, const char *data, const struct ccp_uniq_run *run,
		    char *out)
{
	char number[CCP_UNIQ_NUMBER_BYTES];

	if (run->count == 0 || !ccp_uniq_prints(options, run->count))
		return;
	strncat(out, number, ccp_uniq_number(options, run->count, number));
	strncat(out, data + run->at, run->len);
}

static void scan(const struct ccp_uniq_options *options, const char *data, size_t note_bytes, char *out)
{
	uint8_t bytes[4096];
	struct ccp_uniq_run open = { 0 };
	size_t at = 0, len = strlen(data);

	out[0] = '\0';
	while (at < len) {
		struct ccp_buf note = { .data = bytes, .cap = note_bytes };
		struct ccp_uniq_found found;
		size_t next = ccp_uniq_scan(options, (const uint8_t *)data, at, len, &note, &found);

		cr_assert(next > at && next <= len, "the scan does not go on");
		cr_assert(found.first.at == at && found.first.count > 0);
		at = next;
		if (open.count > 0 && ccp_uniq_same(options, (const uint8_t *)data + open.at, open.len,
						    (const uint8_t *)data + found.first.at, found.first.len)) {
			open.count += found.first.count;
		} else {
			put_run(options, data, &open, out);
			open = found.first;
		}
		if (found.last.count == 0) {
			cr_assert_eq(note.len, 0);
			continue;
		}
		put_run(options, data, &open, out);
		strncat(out, (const char *)bytes, note.len);
		open = found.last;
	}
	put_run(options, data, &open, out);
}

Test(uniq, notes_of_every_size_give_the_same)
{
	static const char data[] = "a\na\nb\n\n\nb\nlonger than the note\nlonger than the note\nc\nc\nC\nd\na\na\na\n";
	const struct ccp_uniq_options options[] = {
		{ PLAIN }, { PLAIN, .count = true }, { PLAIN, .count = true, .ignore_case = true },
		{ PLAIN, .only_repeated = true, .count = true }, { PLAIN, .only_unique = true },
	};
	static const char *const wanted[] = {
		"a\nb\n\nb\nlonger than the note\nc\nC\nd\na\n",
		"      2 a\n      1 b\n      2 \n      1 b\n      2 longer than the note\n      2 c\n      1 C\n"
		"      1 d\n      3 a\n",
		"      2 a\n      1 b\n      2 \n      1 b\n      2 longer than the note\n      3 c\n"
		"      1 d\n      3 a\n",
		"      2 a\n      2 \n      2 longer than the note\n      2 c\n      3 a\n",
		"b\nb\nC\nd\n",
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		for (size_t note_bytes = 0; note_bytes < 200; note_bytes++) {
			char out[4096];

			scan(&options[i], data, note_bytes, out);
			cr_assert_str_eq(out, wanted[i], "options %zu, a note of %zu bytes", i, note_bytes);
		}
	}
}
