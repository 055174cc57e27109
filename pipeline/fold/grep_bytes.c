/*
 * fold/grep_bytes.c: a needle is looked for by two of its bytes at once, the rarest ones of what people write: where
 * both are at their places, 32 places a step, the rest is compared. Without AVX2 the C library's memmem does it, or for
 * -i a search for either case of the rarest byte.
 */
#include "pipeline/fold/grep_bytes.h"

#include <ctype.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,popcnt,bmi")))
#endif

/* ---- counting ---------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
AVX2 static size_t count_avx2(const uint8_t *data, size_t len, char byte)
{
	__m256i wanted = _mm256_set1_epi8(byte), sums = _mm256_setzero_si256();
	uint64_t parts[4];
	size_t i = 0, sum = 0;

	while (i + 32 <= len) {
		size_t stop = len - i > 255 * 32 ? i + 255 * 32 : len;
		__m256i counts = _mm256_setzero_si256();

		for (; i + 32 <= stop; i += 32)
			counts = _mm256_sub_epi8(
				counts, _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(data + i)), wanted));
		sums = _mm256_add_epi64(sums, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
	}
	_mm256_storeu_si256((void *)parts, sums);
	for (; i < len; i++)
		sum += data[i] == (uint8_t)byte;
	return sum + parts[0] + parts[1] + parts[2] + parts[3];
}
#endif

size_t ccp_grep_count(const uint8_t *data, size_t len, char byte)
{
	size_t sum = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return count_avx2(data, len, byte);
#endif
	for (size_t i = 0; i < len; i++)
		sum += data[i] == (uint8_t)byte;
	return sum;
}

/* ---- characters -------------------------------------------------------------------------------------------------- */

bool ccp_grep_is_ascii(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i + 64 <= len) {
		uint64_t word[8];

		memcpy(word, data + i, sizeof word);
		if ((word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7]) &
		    0x8080808080808080u)
			return false;
		i += 64;
	}
	for (; i < len; i++)
		if (data[i] > 127)
			return false;
	return true;
}

/* Length of the valid UTF-8 character at `s`, or 0. */
static size_t character(const uint8_t *s, size_t len)
{
	size_t want = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (want == 0 || want > len)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return want;
}

size_t ccp_grep_valid_utf8(const uint8_t *data, size_t len)
{
	size_t i = 0, step;

	while (i < len) {
		if (data[i] < 0x80) {
			i++;
			continue;
		}
		step = character(data + i, len - i);
		if (step == 0)
			break;
		i += step;
	}
	return i;
}

bool ccp_grep_word_at(const uint8_t *data, size_t len, size_t at, bool utf8)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t size;

	if (at >= len)
		return false;
	if (data[at] < 0x80)
		return isalnum(data[at]) != 0 || data[at] == '_';
	if (!utf8)
		return false;
	size = mbrtowc(&wide, (const char *)data + at, len - at < 4 ? len - at : 4, &state);
	return size != (size_t)-1 && size != (size_t)-2 && iswalnum((wint_t)wide);
}

bool ccp_grep_word_before(const uint8_t *data, size_t at, bool utf8)
{
	if (at == 0)
		return false;
	if (data[at - 1] < 0x80 || !utf8)
		return ccp_grep_word_at(data, at, at - 1, utf8);
	for (size_t back = 2; back <= 4 && back <= at; back++)
		if (character(data + at - back, back) == back)
			return ccp_grep_word_at(data, at, at - back, utf8);
	return false;
}

/* ---- needles ----------------------------------------------------------------------------------------------------- */

/* How common a byte is in text, logs and source, roughly: 0 rare, 255 very common. */
static unsigned commonness(uint8_t c)
{
	static const char order[] = "zqjxkvwybgfpmuchdlrnisoate"; /* letters, by rising frequency in English */
	const char *at;

	if (c == ' ' || c == '\n')
		return 255;
	if (c >= 0x80)
		return 60;
	if (islower(c)) {
		at = strchr(order, c);
		return 100 + 5 * (unsigned)(at - order);
	}
	if (isdigit(c))
		return c <= '2' ? 170 : 150;
	if (isupper(c)) {
		at = strchr(order, tolower(c));
		return 60 + 2 * (unsigned)(at - order);
	}
	if (c == '\0' || c == '\t' || strchr(".,/-_:\"=()", c) != NULL)
		return 140;
	return 50;
}

void ccp_grep_needle_prepare(struct ccp_grep_needle *n)
{
	n->first = n->second = 0;
	for (size_t i = 1; i < n->len; i++)
		if (commonness(n->text[i]) < commonness(n->text[n->first]))
			n->first = i;
	if (n->len > 1)
		n->second = n->first == 0 ? 1 : 0;
	for (size_t i = 0; i < n->len; i++)
		if (i != n->first && commonness(n->text[i]) < commonness(n->text[n->second]))
			n->second = i;
}

#if defined(__x86_64__)
/* Bits of the bytes equal to `wanted`, after the bits of `fold` are set in them. */
#define EQUAL(at, fold, wanted) \
	_mm256_cmpeq_epi8(_mm256_or_si256(_mm256_loadu_si256((const void *)(at)), fold), wanted)

AVX2 static size_t find_avx2(const struct ccp_grep_needle *n, const uint8_t *data, size_t len, size_t from)
{
	uint8_t one = n->text[n->first], two = n->text[n->second];
	__m256i wanted1 = _mm256_set1_epi8((char)one), wanted2 = _mm256_set1_epi8((char)two);
	__m256i fold1 = _mm256_set1_epi8(n->ignore_case && islower(one) ? 0x20 : 0);
	__m256i fold2 = _mm256_set1_epi8(n->ignore_case && islower(two) ? 0x20 : 0);
	size_t at = from, places = len - n->len + 1; /* where it could begin */

	while (at < places) {
		unsigned hits;

		if (at + 32 > places) { /* the last places once more, and what is before `at` left out */
			size_t back = places >= 32 ? at + 32 - places : 0;

			if (places < 32) {
				for (; at < places; at++)
					if (ccp_grep_same(n->text, data + at, n->len, n->ignore_case))
						return at;
				return SIZE_MAX;
			}
			at -= back;
			hits = (unsigned)_mm256_movemask_epi8(
				_mm256_and_si256(EQUAL(data + at + n->first, fold1, wanted1),
						 EQUAL(data + at + n->second, fold2, wanted2)));
			hits = (unsigned)((uint64_t)hits >> back << back);
		} else {
			hits = (unsigned)_mm256_movemask_epi8(
				_mm256_and_si256(EQUAL(data + at + n->first, fold1, wanted1),
						 EQUAL(data + at + n->second, fold2, wanted2)));
		}
		for (; hits != 0; hits &= hits - 1) {
			size_t place = at + (size_t)__builtin_ctz(hits);

			if (ccp_grep_same(n->text, data + place, n->len, n->ignore_case))
				return place;
		}
		at += 32;
	}
	return SIZE_MAX;
}
#endif

/* -i without vectors: either case of the rarest byte. */
static size_t find_either(const struct ccp_grep_needle *n, const uint8_t *data, size_t len, size_t from)
{
	uint8_t lower = n->text[n->first], upper = (uint8_t)toupper(lower);

	for (size_t at = from; at + n->len <= len; at++)
		if ((data[at + n->first] == lower || data[at + n->first] == upper) &&
		    ccp_grep_same(n->text, data + at, n->len, true))
			return at;
	return SIZE_MAX;
}

size_t ccp_grep_needle_find(const struct ccp_grep_needle *n, const uint8_t *data, size_t len, size_t from)
{
	const uint8_t *found;

	if (from > len || len - from < n->len)
		return SIZE_MAX;
	if (n->len == 1 && (!n->ignore_case || !isalpha(n->text[0]))) {
		found = memchr(data + from, n->text[0], len - from);
		return found != NULL ? (size_t)(found - data) : SIZE_MAX;
	}
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return find_avx2(n, data, len, from);
#endif
	if (n->ignore_case)
		return find_either(n, data, len, from);
	found = memmem(data + from, len - from, n->text, n->len);
	return found != NULL ? (size_t)(found - data) : SIZE_MAX;
}
