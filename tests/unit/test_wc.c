/*
 * test_wc.c: counts of parts that are put together, against counts of the whole made one character after the other with
 * the C library: bytes of all kinds cut everywhere, in the locales C and C.UTF-8.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "pipeline/fold/wc.h"

#define ALL (CCP_WC_LINES | CCP_WC_WORDS | CCP_WC_CHARS | CCP_WC_LONGEST | CCP_WC_BYTES)
#define MOST 700

static uint64_t seed;

static unsigned any(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

/* ---- one character after the other --------------------------------------------------------------- */

static bool is_hard_blank(wchar_t c)
{
	return c == 0xa0 || c == 0x2007 || c == 0x202f || c == 0x2060;
}

static void count_character(struct ccp_wc_sum *sum, wchar_t c)
{
	bool blank = c == '\n' || c == '\r' || c == '\f' || c == '\t' || c == '\v' || c == ' ' ||
		     (iswprint((wint_t)c) && (iswspace((wint_t)c) || is_hard_blank(c)));
	int width = iswprint((wint_t)c) ? wcwidth(c) : 0;

	sum->lines += c == '\n';
	if (c == '\n' || c == '\r' || c == '\f') {
		sum->longest = sum->column > sum->longest ? sum->column : sum->longest;
		sum->column = 0;
	} else if (c == '\t') {
		sum->column += 8 - sum->column % 8;
	} else if (width > 0) {
		sum->column += (uint64_t)width;
	}
	if (blank) {
		sum->in_word = false;
	} else if (iswprint((wint_t)c)) {
		sum->words += !sum->in_word;
		sum->in_word = true;
	}
}

static struct ccp_wc_sum count_whole(const uint8_t *data, size_t len)
{
	struct ccp_wc_sum sum = { .bytes = len };
	mbstate_t state = { 0 };

	for (size_t at = 0; at < len;) {
		wchar_t c;
		size_t n = mbrtowc(&c, (const char *)data + at, len - at, &state);

		if (MB_CUR_MAX == 1) { /* every byte is a character, and only ASCII can be printed */
			c = data[at] < 0x80 ? (wchar_t)data[at] : 0x7f;
			n = 1;
		}
		if (n == (size_t)-1 || n == (size_t)-2) { /* a byte that is no character */
			memset(&state, 0, sizeof state);
			at++;
			continue;
		}
		count_character(&sum, c);
		sum.chars++;
		at += n > 0 ? n : 1;
	}
	sum.longest = sum.column > sum.longest ? sum.column : sum.longest;
	return sum;
}

/* ---- parts --------------------------------------------------------------------------------------- */

static struct ccp_wc_options options;

/* Cuts at every place where `cut` says so; what map sees lies in memory of just its size. */
static struct ccp_wc_sum count_parts(const uint8_t *data, size_t len, const bool *cut)
{
	static struct ccp_wc_kinds kinds, sum_kinds;
	struct ccp_wc_sum sum = { 0 };

	for (size_t at = 0, end; at < len; at = end) {
		struct ccp_wc_found found;
		uint8_t *part;

		for (end = at + 1; end < len && !cut[end]; end++)
			;
		part = malloc(end - at);
		memcpy(part, data + at, end - at);
		ccp_wc_count(&options, &kinds, part, end - at, at == 0, &found);
		ccp_wc_add(&sum, &options, &sum_kinds, part, end - at, &found);
		free(part);
	}
	ccp_wc_end(&sum);
	ccp_wc_kinds_release(&kinds);
	ccp_wc_kinds_release(&sum_kinds);
	return sum;
}

static void expect_same(struct ccp_wc_sum want, struct ccp_wc_sum got, const char *what, unsigned turn)
{
	cr_expect(want.lines == got.lines && want.words == got.words && want.chars == got.chars &&
		  want.bytes == got.bytes && want.longest == got.longest,
		  "%s, %u: %lu %lu %lu %lu %lu is not %lu %lu %lu %lu %lu", what, turn, got.lines, got.words,
		  got.chars, got.bytes, got.longest, want.lines, want.words, want.chars, want.bytes, want.longest);
}

static size_t make(uint8_t *data, size_t most)
{
	static const char *const pieces[] = {
		"a", "b", "xyz", " ", "\t", "\n", "\n", "\r", "\f", "\v", "\x01", "\x7f", "\xc3\xa9", "\xc3\x9f",
		"\xe2\x80\x94", "\xc2\xa0", "\xe2\x80\x87", "\xe2\x80\x83", "\xe2\x80\x8b", "\xe6\x97\xa5",
		"\xf0\x9f\x98\x80", "\xcc\x81", "\xc2\x85", "\xef\xbb\xbf", "\xe3\x80\x80", "\x80", "\xc3", "\xe2\x80",
		"\xf0\x9f\x98", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfc\x84\x80\x80\x80\x80", "\xfc\x84\x80\x80", "\x80\x80\x80\x80\x80\x80\x80",
	};
	size_t len = 0, want = any((unsigned)most - 8) + 1;
	unsigned mood = any(4);

	while (len < want) {
		const char *piece = pieces[any(mood == 0 ? 12 : sizeof pieces / sizeof *pieces)];

		if (mood == 1 || any(9) == 0)
			data[len++] = (uint8_t)any(256);
		memcpy(data + len, piece, strlen(piece));
		len += strlen(piece);
		if (any(20) == 0)
			data[len++] = 0;
		if (len + 8 > most)
			break;
	}
	return len;
}

static void compare(const char *locale)
{
	uint8_t data[MOST + 16];
	bool cut[MOST + 16];

	if (setlocale(LC_ALL, locale) == NULL)
		cr_skip_test("no locale %s", locale);
	cr_assert(ccp_wc_options(&options, ALL) == NULL);
	cr_assert(options.utf8 == (strcmp(locale, "C") != 0));
	for (unsigned turn = 0; turn < 4000; turn++) {
		size_t len = make(data, turn % 3 == 0 ? 40 : turn % 3 == 1 ? 200 : MOST);
		struct ccp_wc_sum want = count_whole(data, len);
		unsigned step = 1 + any(turn % 2 ? 4 : 90);

		for (size_t i = 0; i < len; i++)
			cut[i] = false;
		expect_same(want, count_parts(data, len, cut), "whole", turn);
		for (size_t i = 0; i < len; i++)
			cut[i] = any(step) == 0;
		expect_same(want, count_parts(data, len, cut), "cut", turn);
		for (size_t i = 0; i < len; i++)
			cut[i] = true;
		expect_same(want, count_parts(data, len, cut), "bytes", turn);
	}
}

Test(wc, parts_in_the_locale_c)
{
	compare("C");
}

Test(wc, parts_in_utf_8)
{
	compare("C.UTF-8");
}

/* Every way to cut a short text in three. */
Test(wc, every_cut)
{
	static const char text[] = "a\xe6\x97\xa5 \xf0\x9f\x98\x80\t\xcc\x81\n\xe2\x80\x83z\xc3\x9f\xe2\x80\n"
				   "\xfc\x84\x80\x80\x80\x80 b";
	size_t len = sizeof text - 1;
	bool cut[sizeof text];

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		cr_skip_test("no locale C.UTF-8");
	cr_assert(ccp_wc_options(&options, ALL) == NULL);
	for (size_t i = 1; i < len; i++)
		for (size_t k = i; k < len; k++) {
			memset(cut, 0, sizeof cut);
			cut[i] = cut[k] = true;
			expect_same(count_whole((const uint8_t *)text, len),
				    count_parts((const uint8_t *)text, len, cut), "three", (unsigned)(i * 100 + k));
		}
}

/* What is counted alone, without characters, has a path of its own. */
Test(wc, lines_alone)
{
	static uint8_t data[70000];
	struct ccp_wc_found found;
	struct ccp_wc_kinds kinds = { 0 };

	cr_assert(ccp_wc_options(&options, CCP_WC_LINES) == NULL);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = any(3) == 0 ? '\n' : (uint8_t)any(256);
	for (size_t from = 0; from < 300; from++) {
		ccp_wc_count(&options, &kinds, data + from, sizeof data - 2 * from, from == 0, &found);
		size_t want = 0;
		for (size_t i = from; i < sizeof data - from; i++)
			want += data[i] == '\n';
		cr_expect(found.lines == want, "from %zu: %lu is not %zu", from, found.lines, want);
	}
	memset(data, '\n', sizeof data); /* lanes of bytes are full */
	ccp_wc_count(&options, &kinds, data, sizeof data, true, &found);
	cr_expect(found.lines == sizeof data);
}
