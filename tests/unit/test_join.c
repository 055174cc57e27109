/* test_join.c: lines that begin in one part and end in another: all cuts of texts, against their lines. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/join.h"

static struct ccp_join join;
static char lines[64][2000];
static size_t count;

static void take_line(const uint8_t *data, size_t len)
{
	cr_assert(count < 64 && len < sizeof lines[0]);
	memcpy(lines[count], data, len);
	lines[count++][len] = '\0';
}

/* What a fold and its collector do with a part together. */
static void take_part(const char *data, size_t len, bool first, bool last, char end)
{
	struct ccp_part part = { .data = (const uint8_t *)data, .len = len, .first = first, .last = last };
	struct ccp_join_inner inner = ccp_join_inner(&part, end);
	struct ccp_err err;
	int whole;

	cr_assert(inner.from <= inner.to && inner.to <= len);
	whole = ccp_join_head(&join, &part, inner, end, &err);
	cr_assert(whole >= 0);
	if (whole) {
		take_line(join.data, join.len);
		ccp_join_clear(&join);
	}
	for (size_t at = inner.from; at < inner.to;) {
		const char *found = memchr(data + at, end, inner.to - at);
		size_t next = found != NULL ? (size_t)(found - data) + 1 : inner.to;

		cr_assert(found != NULL || (last && next == len), "an inner line has no end");
		take_line((const uint8_t *)data + at, next - at);
		at = next;
	}
	cr_assert(ccp_join_tail(&join, &part, inner, &err) == 0);
}

/* What is left when nothing more comes. */
static void finish(void)
{
	if (join.len > 0)
		take_line(join.data, join.len);
	ccp_join_clear(&join);
}

static void expect_lines(const char *text, size_t len, char end, const char *what)
{
	size_t n = 0, at = 0;

	for (; at < len; n++) {
		const char *found = memchr(text + at, end, len - at);
		size_t next = found != NULL ? (size_t)(found - text) + 1 : len;

		cr_expect(n < count && strlen(lines[n]) == next - at && memcmp(lines[n], text + at, next - at) == 0,
			  "%s: line %zu of \"%s\" is \"%s\"", what, n, text, n < count ? lines[n] : "not there");
		at = next;
	}
	cr_expect(count == n, "%s: %zu lines of \"%s\" are %zu", what, n, text, count);
	count = 0;
}

/* Every set of places to cut at; with the last part known, and with an empty one behind it that tells. */
static void try_all_cuts(const char *text, char end)
{
	size_t len = strlen(text);

	for (unsigned mask = 0; mask < 1u << (len > 0 ? len - 1 : 0); mask++)
		for (int late = 0; late < 2; late++) {
			size_t from = 0;

			for (size_t i = 1; i <= len; i++) {
				if (i < len && !(mask >> (i - 1) & 1))
					continue;
				take_part(text + from, i - from, from == 0, i == len && !late, end);
				from = i;
			}
			if (late)
				take_part(text + len, 0, len == 0, true, end);
			finish();
			expect_lines(text, len, end, late ? "late" : "known");
		}
	ccp_join_free(&join);
}

Test(join, all_cuts)
{
	static const char *const texts[] = {
		"", "\n", "a", "a\n", "\na", "ab\ncd", "ab\ncd\n", "\n\n\n", "a\n\nb", "abcdefghi", "a\nb\nc\nd\n",
		"\n\na\n\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		try_all_cuts(texts[i], '\n');
	try_all_cuts("ab;c\n;;d", ';');
}

/* It need not be known that a part is the first. */
Test(join, first_unknown)
{
	take_part("ab\ncd", 5, false, false, '\n');
	take_part("e\n", 2, false, true, '\n');
	finish();
	expect_lines("ab\ncde\n", 7, '\n', "unknown");
	ccp_join_free(&join);
}

/* A line over many parts; its memory is not kept for the next. */
Test(join, long_line)
{
	static char part[4096];
	struct ccp_part is = { .data = (const uint8_t *)part, .len = sizeof part };
	struct ccp_join_inner none = { sizeof part, sizeof part };
	struct ccp_err err;

	memset(part, 'x', sizeof part);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(ccp_join_head(&join, &is, none, '\n', &err) == 0);
	cr_expect(join.len == 1000 * sizeof part && join.data[join.len - 1] == 'x');
	ccp_join_clear(&join);
	cr_expect(join.len == 0 && join.room == 0);
	take_part("short", 5, true, false, '\n');
	cr_expect(join.room > 0);
	ccp_join_clear(&join);
	cr_expect(join.len == 0 && join.room > 0);
	ccp_join_free(&join);
}
