/* test_grep.c: patterns of POSIX in PCRE2's words, and the search for fixed strings against one that is plain. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep.h"
#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_set.h"
#include "pipeline/fold/grep_syntax.h"

static const struct {
	enum ccp_grep_syntax syntax;
	const char *pattern, *regex; /* NULL: an error, the words in `strings` */
	const char *strings;         /* that each match holds, with / between; "" = none */
	bool exact;
} translations[] = {
	{ CCP_GREP_BASIC, "foo", "foo", "foo", true },
	{ CCP_GREP_BASIC, "a\\|b+", "a|b\\+", "a/b+", true },
	{ CCP_GREP_EXTENDED, "foo|barx?y", "foo|barx?y", "foo/bar", false },
	{ CCP_GREP_BASIC, "*a", "\\*a", "*a", true },
	{ CCP_GREP_BASIC, "\\(*a\\)", "(?:\\*a)", "", false },
	{ CCP_GREP_BASIC, "^*a", "^\\*a", "*a", false },
	{ CCP_GREP_BASIC, "a^b$c", "a\\^b\\$c", "a^b$c", true },
	{ CCP_GREP_EXTENDED, "a+?b", "(?:a+)?b", "a", false },
	{ CCP_GREP_EXTENDED, "abc*d", "abc*d", "ab", false },
	{ CCP_GREP_EXTENDED, "^*a", "(?:^)*a", "a", false },
	{ CCP_GREP_EXTENDED, "*a", "a", "a", true },
	{ CCP_GREP_EXTENDED, "a{x", "a\\{x", "a{x", true },
	{ CCP_GREP_EXTENDED, "a{2,}{3}", "(?:a{2,}){3,3}", "a", false },
	{ CCP_GREP_BASIC, "a\\{,2\\}", "a{0,2}", "", false },
	{ CCP_GREP_EXTENDED, "(a)(b)\\2", "(a)(b)\\g{2}", "", false },
	{ CCP_GREP_BASIC, "[^a]", "[^\\na]", "", false },
	{ CCP_GREP_BASIC, "[[:space:]x]", "(?:(?!\\n)[[:space:]x])", "", false },
	{ CCP_GREP_BASIC, "[]a-c\\]", "[\\]a-c\\\\]", "", false },
	{ CCP_GREP_BASIC, "\\<a", "(?:\\b(?=\\w))a", "a", false },
	{ CCP_GREP_BASIC, "a\nb", "a|b", "a/b", true },
	{ CCP_GREP_FIXED, "a.b\nc*", "a\\.b|c\\*", "a.b/c*", true },
	{ CCP_GREP_PERL, "foo", "foo", "foo", true },
	{ CCP_GREP_PERL, "f{2}", "f{2}", "", false },
	{ CCP_GREP_BASIC, "\\(a", NULL, "Unmatched ( or \\(", false },
	{ CCP_GREP_BASIC, "a\\)", NULL, "Unmatched ) or \\)", false },
	{ CCP_GREP_BASIC, "[b-a]", NULL, "Invalid range end", false },
	{ CCP_GREP_BASIC, "[[:foo:]]", NULL, "Invalid character class name", false },
	{ CCP_GREP_BASIC, "[:a:]", NULL, "character class syntax is [[:space:]], not [:space:]", false },
	{ CCP_GREP_EXTENDED, "(a\\1)", NULL, "Invalid back reference", false },
	{ CCP_GREP_BASIC, "a\\", NULL, "Trailing backslash", false },
	{ CCP_GREP_BASIC, "a\\{2,1\\}", NULL, "Invalid content of \\{\\}", false },
	{ CCP_GREP_BASIC, "a\\{99999\\}", NULL, "Regular expression too big", false },
};

Test(grep, translates)
{
	for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
		struct ccp_grep_pattern pattern = { .syntax = translations[i].syntax, .text = translations[i].pattern,
						    .len = strlen(translations[i].pattern), .end = '\n' };
		struct ccp_grep_translation t;
		struct ccp_err err;
		char strings[100] = "", regex[100];
		int result = ccp_grep_translate(&t, &pattern, &err);

		if (translations[i].regex == NULL) {
			cr_assert_eq(result, -1, "%s", pattern.text);
			cr_expect_str_eq(err.text, translations[i].strings, "%s: %s", pattern.text, err.text);
			continue;
		}
		cr_assert_eq(result, 0, "%s: %s", pattern.text, err.text);
		snprintf(regex, sizeof regex, "%.*s", (int)t.len, t.regex);
		cr_expect_str_eq(regex, translations[i].regex, "%s: %s", pattern.text, regex);
		for (size_t j = 0; j < t.count; j++)
			sprintf(strings + strlen(strings), "%s%.*s", j > 0 ? "/" : "", (int)t.words[j].len,
				(const char *)t.words[j].text);
		cr_expect_str_eq(strings, translations[i].strings, "%s: %s", pattern.text, strings);
		cr_expect_eq(t.exact, translations[i].exact, "%s", pattern.text);
		ccp_grep_translation_release(&t);
	}
}

/* With few letters near misses are frequent; all lengths, so that all ends of vectors are met. */
Test(grep, finds_needles_where_they_are)
{
	static uint8_t data[400];

	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof data, from = len > 0 ? (size_t)rand() % len : 0, at;
		uint8_t text[6];
		bool fold = round % 2;
		struct ccp_grep_needle needle = { .text = text, .len = 1 + (size_t)rand() % 5, .ignore_case = fold };

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)"aAbB.\nqzQ"[rand() % 9];
		for (size_t i = 0; i < needle.len; i++)
			text[i] = (uint8_t)"ab.qz"[rand() % 5];
		ccp_grep_needle_prepare(&needle);
		for (at = from; at + needle.len <= len; at++)
			if (ccp_grep_same(text, data + at, needle.len, fold))
				break;
		if (at + needle.len > len)
			at = SIZE_MAX;
		cr_assert_eq(ccp_grep_needle_find(&needle, data, len, from), at, "round %u", round);
	}
}

/* The first line with any of the strings is the same with vectorscan (after 4 MB), without it, and by hand. */
Test(grep, finds_sets)
{
	static const char *const texts[] = { "abc", "b", "qq", "abcab", "zz.z" };
	struct ccp_grep_word words[5];
	struct ccp_grep_set *set, *plain;
	struct ccp_err err;
	size_t len = (size_t)6 << 20, from = 0, found = 0;
	uint8_t *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)"acqz..c.\n"[((i * 2654435761u) >> 7) % 9];
	for (size_t i = 100; i < len; i += 50021)
		memcpy(data + i - 10, texts[i % 5], strlen(texts[i % 5]));
	for (size_t i = 0; i < 5; i++)
		words[i] = (struct ccp_grep_word){ (const uint8_t *)texts[i], strlen(texts[i]) };
	cr_assert_eq(ccp_grep_set_new(&set, words, 5, false, false, &err), 0);
	cr_assert_eq(ccp_grep_set_new(&plain, words, 5, false, true, &err), 0);
	(void)ccp_grep_set_find(set, data, 0, 0);
	while (from < len) {
		size_t a = ccp_grep_set_find(set, data, len, from), b = ccp_grep_set_find(plain, data, len, from);
		const uint8_t *end;

		cr_assert_eq(a == SIZE_MAX, b == SIZE_MAX);
		if (a == SIZE_MAX)
			break;
		end = memchr(data + b, '\n', len - b);
		cr_assert(end == NULL || a < (size_t)(end - data), "another line");
		cr_assert_gt(ccp_grep_set_longest(set, data, len, a, NULL, NULL), 0);
		from = end != NULL ? (size_t)(end - data) + 1 : len;
		found++;
	}
	cr_assert_gt(found, 100);
	ccp_grep_set_free(set);
	ccp_grep_set_free(plain);
	free(data);
}

Test(grep, knows_utf8)
{
	cr_expect_eq(ccp_grep_valid_utf8((const uint8_t *)"a\xc3\xa9\xff", 4), 3);
	cr_expect_eq(ccp_grep_valid_utf8((const uint8_t *)"\xed\xa0\x80", 3), 0);
	cr_expect_eq(ccp_grep_valid_utf8((const uint8_t *)"\xc0\xaf", 2), 0);
	cr_expect_eq(ccp_grep_valid_utf8((const uint8_t *)"\xf4\x90\x80\x80", 4), 0);
	cr_expect_eq(ccp_grep_count((const uint8_t *)"a\n\nb\n", 5, '\n'), 3);
}
