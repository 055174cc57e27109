/*
 * compare.c: compares two lines, and turns what comes first in them into numbers that compare alike.
 *
 * A number's eight bytes are its sign, how many digits stand before the point, and the first sixteen digits; those of
 * negative numbers are complemented. Digits are never turned into binary numbers otherwise, so that nothing is rounded.
 */
#include <endian.h>
#include <string.h>

#include "pipeline/sort/order.h"

#define DIGITS 16     /* of a number, in its 56 lower bits: 10^16 < 2^56 */
#define MOST_DIGITS 126 /* before the point, that are told apart */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte))

/* ---- places of keys ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* The high bits of bytes that are zero, at least up to the first such one. */
static uint64_t zeros(uint64_t bytes)
{
	return (bytes - EACH(0x01)) & ~bytes & EACH(0x80);
}

static const uint8_t *skip_word(const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t bytes, blanks;

		memcpy(&bytes, at, 8);
		bytes = le64toh(bytes);
		blanks = zeros(bytes ^ EACH(' ')) | zeros(bytes ^ EACH('\t')) | zeros(bytes ^ EACH('\n'));
		if (blanks != 0)
			return at + __builtin_ctzll(blanks) / 8;
	}
	while (at < end && !is_blank(*at))
		at++;
	return at;
}

#if defined __SSE2__
#include <emmintrin.h>

/* Bits of 16 bytes that are blanks. */
static unsigned blanks_of(const uint8_t *at)
{
	__m128i v = _mm_loadu_si128((const void *)at), blank = _mm_cmpeq_epi8(v, _mm_set1_epi8(' '));

	blank = _mm_or_si128(blank, _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(blank, _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'))));
}

/* The end of the n-th word from here on, or the end. A word ends at a blank behind what is none. */
static const uint8_t *skip_words(const uint8_t *at, const uint8_t *end, size_t n)
{
	unsigned before = 0; /* 1: the byte before is none */

	for (; n > 0 && end - at >= 16; at += 16) {
		unsigned blanks = blanks_of(at), ends = blanks & (~blanks << 1 | before);

		for (; ends != 0; ends &= ends - 1)
			if (--n == 0)
				return at + __builtin_ctz(ends);
		before = ~blanks >> 15 & 1;
	}
	if (n > 0 && before != 0) {
		at = skip_word(at, end);
		n--;
	}
	for (; n > 0 && at < end; n--)
		at = skip_word(skip_blanks(at, end), end);
	return at;
}

#else

static const uint8_t *skip_words(const uint8_t *at, const uint8_t *end, size_t n)
{
	for (; n > 0 && at < end; n--)
		at = skip_word(skip_blanks(at, end), end);
	return at;
}

#endif

/* The next separator, or the end. */
static const uint8_t *find_separator(const uint8_t *at, const uint8_t *end, int separator)
{
	const uint8_t *found = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;

	return found != NULL ? found : end;
}

static const uint8_t *find_begin(const struct ccp_sort_order *order, const struct ccp_sort_key *key,
				 const uint8_t *at, const uint8_t *end)
{
	if (order->separator < 0)
		at = skip_words(at, end, key->from_field);
	for (size_t n = key->from_field; order->separator >= 0 && n > 0 && at < end; n--) {
		at = find_separator(at, end, order->separator);
		if (at < end)
			at++;
	}
	if (key->manner.skip_start)
		at = skip_blanks(at, end);
	return (size_t)(end - at) < key->from_char ? end : at + key->from_char;
}

static const uint8_t *find_end(const struct ccp_sort_order *order, const struct ccp_sort_key *key, const uint8_t *at,
			       const uint8_t *end)
{
	size_t n = key->to_field;

	if (key->to_char == 0 && n < SIZE_MAX)
		n++;
	if (order->separator < 0)
		at = skip_words(at, end, n);
	for (; order->separator >= 0 && n > 0 && at < end; n--) {
		at = find_separator(at, end, order->separator);
		if (at < end && (n > 1 || key->to_char > 0))
			at++;
	}
	if (key->to_char > 0) {
		if (key->manner.skip_end)
			at = skip_blanks(at, end);
		at = (size_t)(end - at) < key->to_char ? end : at + key->to_char;
	}
	return at;
}

size_t ccp_sort_key_find(const struct ccp_sort_order *order, const struct ccp_sort_key *key, const uint8_t *line,
			 size_t len, const uint8_t **at)
{
	const uint8_t *end = line + len, *to = end;

	*at = find_begin(order, key, line, end);
	if (key->to_field == key->from_field && key->to_char == 0 && !key->manner.skip_start && key->from_char == 0) {
		/* one field: it ends behind where it begins */
		if (order->separator >= 0)
			to = find_separator(*at, end, order->separator);
		else
			to = skip_word(skip_blanks(*at, end), end);
	} else if (key->to_field != CCP_SORT_REST) {
		to = find_end(order, key, line, end);
	}
	return to > *at ? (size_t)(to - *at) : 0;
}

/* ---- numbers ---- */

struct number {
	bool negative;
	const uint8_t *whole, *fraction; /* digits, without zeros before and after */
	size_t whole_len, fraction_len;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static struct number read_number(const uint8_t *at, size_t len)
{
	const uint8_t *end = at + len;
	struct number n = { .negative = false };

	at = skip_blanks(at, end);
	if (at < end && *at == '-') {
		n.negative = true;
		at++;
	}
	while (at < end && *at == '0')
		at++;
	for (n.whole = at; at < end && is_digit(*at); at++)
		;
	n.whole_len = (size_t)(at - n.whole);
	if (at < end && *at == '.') {
		for (n.fraction = ++at; at < end && is_digit(*at); at++)
			;
		while (at > n.fraction && at[-1] == '0')
			at--;
		n.fraction_len = (size_t)(at - n.fraction);
	}
	return n;
}

uint64_t ccp_sort_number(const uint8_t *text, size_t len, bool *exact)
{
	struct number n = read_number(text, len);
	uint64_t value = 0;
	size_t taken = 0;

	*exact = n.whole_len + n.fraction_len <= DIGITS;
	if (n.whole_len > MOST_DIGITS) {
		value = (uint64_t)0xff << 56;
	} else {
		for (size_t i = 0; i < n.whole_len && taken < DIGITS; i++, taken++)
			value = value * 10 + (uint64_t)(n.whole[i] - '0');
		for (size_t i = 0; i < n.fraction_len && taken < DIGITS; i++, taken++)
			value = value * 10 + (uint64_t)(n.fraction[i] - '0');
		if (value != 0)
			for (; taken < DIGITS; taken++)
				value *= 10;
		value |= (uint64_t)(0x80 + n.whole_len) << 56;
	}
	return n.negative && n.whole_len + n.fraction_len > 0 ? ~value : value;
}

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int diff = len > 0 ? memcmp(a, b, len) : 0;

	return diff != 0 ? diff : (a_len > b_len) - (a_len < b_len);
}

int ccp_sort_compare_numbers(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct number m = read_number(a, a_len), n = read_number(b, b_len);
	bool m_zero = m.whole_len + m.fraction_len == 0, n_zero = n.whole_len + n.fraction_len == 0;
	int diff;

	m.negative &= !m_zero;
	n.negative &= !n_zero;
	if (m.negative != n.negative)
		return m.negative ? -1 : 1;
	if (m.whole_len != n.whole_len)
		diff = m.whole_len < n.whole_len ? -1 : 1;
	else
		diff = compare_bytes(m.whole, m.whole_len, n.whole, n.whole_len);
	if (diff == 0)
		diff = compare_bytes(m.fraction, m.fraction_len, n.fraction, n.fraction_len);
	return m.negative ? -diff : diff;
}

/* ---- text ---- */

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static int compare_folded(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;

	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && upper(a[i]) != upper(b[i]))
			return upper(a[i]) < upper(b[i]) ? -1 : 1;
	return (a_len > b_len) - (a_len < b_len);
}

static int compare_keys(const struct ccp_sort_order *order, const struct ccp_sort_key *key, const uint8_t *a,
			size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t a_key = ccp_sort_key_find(order, key, a, a_len, &a), b_key = ccp_sort_key_find(order, key, b, b_len, &b);
	int diff;

	if (key->manner.numeric)
		diff = ccp_sort_compare_numbers(a, a_key, b, b_key);
	else if (key->manner.fold)
		diff = compare_folded(a, a_key, b, b_key);
	else
		diff = compare_bytes(a, a_key, b, b_key);
	return key->manner.reverse ? -diff : diff;
}

int ccp_sort_compare(const struct ccp_sort_order *order, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int diff;

	for (size_t i = 0; i < order->key_count; i++) {
		diff = compare_keys(order, &order->keys[i], a, a_len, b, b_len);
		if (diff != 0)
			return diff;
	}
	if (order->key_count > 0 && (order->stable || order->unique))
		return 0;
	diff = compare_bytes(a, a_len, b, b_len);
	return order->manner.reverse ? -diff : diff;
}

/* ---- prefixes ---- */

uint64_t ccp_sort_load(const uint8_t *at, size_t len, bool fold)
{
	uint64_t value = 0;

	if (len >= 8 && !fold) {
		memcpy(&value, at, 8);
		return __builtin_bswap64(value);
	}
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | (i < len ? fold ? upper(at[i]) : at[i] : 0);
	return value;
}

/* Whether lines are compared as a whole once all keys are equal. */
static bool has_last_resort(const struct ccp_sort_order *order)
{
	return order->key_count == 0 || !(order->stable || order->unique);
}

uint64_t ccp_sort_prefix(const struct ccp_sort_order *order, const uint8_t *line, size_t len,
			 struct ccp_sort_level level)
{
	const struct ccp_sort_manner *manner = &order->manner;
	bool is_key = level.key < order->key_count, exact;
	uint64_t value;

	if (!is_key && !has_last_resort(order))
		return 0;
	if (is_key) {
		manner = &order->keys[level.key].manner;
		len = ccp_sort_key_find(order, &order->keys[level.key], line, len, &line);
	}
	if (is_key && manner->numeric) {
		value = ccp_sort_number(line, len, &exact);
	} else {
		size_t skip = level.skip < len ? level.skip : len;

		value = ccp_sort_load(line + skip, len - skip, is_key && manner->fold);
	}
	return manner->reverse ? ~value : value;
}

struct ccp_sort_level ccp_sort_common(const struct ccp_sort_order *order, const uint8_t *a, size_t a_len,
				      const uint8_t *b, size_t b_len)
{
	struct ccp_sort_level level = { 0 };
	bool fold = false;

	while (level.key < order->key_count &&
	       compare_keys(order, &order->keys[level.key], a, a_len, b, b_len) == 0)
		level.key++;
	if (level.key < order->key_count) {
		const struct ccp_sort_key *key = &order->keys[level.key];

		if (key->manner.numeric)
			return level;
		fold = key->manner.fold;
		a_len = ccp_sort_key_find(order, key, a, a_len, &a);
		b_len = ccp_sort_key_find(order, key, b, b_len, &b);
	}
	while (level.skip < a_len && level.skip < b_len &&
	       (fold ? upper(a[level.skip]) == upper(b[level.skip]) : a[level.skip] == b[level.skip]))
		level.skip++;
	return level;
}
