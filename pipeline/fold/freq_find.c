/*
 * fold/freq_find.c: where keys begin and end.
 *
 * Words and lines are found 64 bytes at a time: a mask has a bit for every byte that sets keys apart, from which come
 * the masks of first bytes and of those behind the last, and the bits of these become places. Fields and matches are
 * looked for line by line.
 */
#include "pipeline/fold/freq.h"

#include <string.h>

#define BLOCK 64u
#define BATCH CCP_FREQ_BATCH

static inline bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct ccp_join_inner ccp_freq_inner(const struct ccp_part *part, const struct ccp_freq_options *options)
{
	struct ccp_join_inner inner = { .from = 0, .to = part->len };

	if (options->by != CCP_FREQ_WORD)
		return ccp_join_inner(part, '\n');
	if (!part->first)
		while (inner.from < part->len && !is_space(part->data[inner.from]))
			inner.from++;
	if (!part->last)
		while (inner.to > inner.from && !is_space(part->data[inner.to - 1]))
			inner.to--;
	return inner;
}

/* ---- words and lines ----------------------------------------------------------------------------- */

/* Appends the places of a mask's bits: eight at once, as most masks have no more. */
static inline __attribute__((always_inline)) size_t put_bits(uint32_t *to, size_t count, size_t base, uint64_t mask)
{
	unsigned bits = (unsigned)__builtin_popcountll(mask);

	for (unsigned done = 0; done < bits; done += 8)
		for (unsigned i = 0; i < 8; i++) {
			to[count + done + i] = (uint32_t)(base + (mask != 0 ? (unsigned)__builtin_ctzll(mask) : 0));
			mask &= mask - 1;
		}
	return count + bits;
}

static inline uint64_t mask_plain(const uint8_t *p, size_t len, bool words)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < len; i++)
		mask |= (uint64_t)(words ? is_space(p[i]) : p[i] == '\n') << i;
	return mask;
}

/*
 * A key begins where there is no separator after one (or after nothing: *at), and ends at a separator after none. Of
 * lines, every separator ends one, and behind it the next one begins.
 */
#define FIND(name, attribute, mask_of, put)                                                                            \
	attribute static int name(const uint8_t *data, size_t len, size_t *at, struct ccp_freq_keys *keys, bool words) \
	{                                                                                                              \
		size_t begins = 0, ends = 0, i = *at;                                                                  \
		uint64_t before = 1; /* the byte before was a separator */                                             \
                                                                                                                       \
		for (; i < len && ends < BATCH; i += BLOCK) {                                                          \
			size_t rest = len - i;                                                                         \
			uint64_t mask = rest >= BLOCK ? mask_of(data + i, words) : mask_plain(data + i, rest, words);  \
			uint64_t after = mask << 1 | before, valid = rest >= BLOCK ? ~UINT64_C(0) :                    \
								     (UINT64_C(1) << rest) - 1;                        \
                                                                                                                       \
			before = mask >> 63;                                                                           \
			begins = put(keys->begin, begins, i, (words ? ~mask & after : after) & valid);                 \
			ends = put(keys->end, ends, i, words ? mask & ~after : mask);                                  \
		}                                                                                                      \
		keys->count = ends;                                                                                    \
		if (i < len) {                                                                                         \
			*at = begins > ends ? keys->begin[ends] : i;                                                   \
			return 1;                                                                                      \
		}                                                                                                      \
		*at = len;                                                                                             \
		if (begins > ends) /* the last one has no end but that of the data */                                  \
			keys->end[keys->count++] = (uint32_t)len;                                                      \
		return 0;                                                                                              \
	}

static inline uint64_t mask_plain_block(const uint8_t *p, bool words)
{
	return mask_plain(p, BLOCK, words);
}

FIND(find_plain, , mask_plain_block, put_bits)

#if defined __x86_64__
#include <immintrin.h>

static const uint8_t numbers[BLOCK] = {
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline __attribute__((always_inline)) uint32_t mask_half(__m256i v, bool words)
{
	__m256i low = _mm256_sub_epi8(v, _mm256_set1_epi8('\t'));

	if (!words)
		return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n')));
	low = _mm256_cmpeq_epi8(_mm256_min_epu8(low, _mm256_set1_epi8('\r' - '\t')), low);
	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_cmpeq_epi8(v, _mm256_set1_epi8(' '))));
}

AVX2 static inline __attribute__((always_inline)) uint64_t mask_avx2(const uint8_t *p, bool words)
{
	return mask_half(_mm256_loadu_si256((const void *)p), words) |
	       (uint64_t)mask_half(_mm256_loadu_si256((const void *)(p + 32)), words) << 32;
}

FIND(find_avx2, AVX2, mask_avx2, put_bits)

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,popcnt")))

AVX512 static inline __attribute__((always_inline)) uint64_t mask_avx512(const uint8_t *p, bool words)
{
	__m512i v = _mm512_loadu_si512(p), low = _mm512_sub_epi8(v, _mm512_set1_epi8('\t'));

	if (!words)
		return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
	return _mm512_cmple_epu8_mask(low, _mm512_set1_epi8('\r' - '\t')) |
	       _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(' '));
}

/* The places of all bits at once: of the numbers from 0 to 63 those that have a bit, side by side; mostly a few. */
AVX512 static inline __attribute__((always_inline)) size_t put_avx512(uint32_t *to, size_t count, size_t base,
								      uint64_t mask)
{
	unsigned bits = (unsigned)__builtin_popcountll(mask);
	__m512i places = _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(numbers));
	__m512i first = _mm512_set1_epi32((int)base), some = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));

	_mm512_storeu_si512(to + count, _mm512_add_epi32(first, some));
	if (__builtin_expect(bits > 16, 0)) {
		__m128i part[3] = { _mm512_extracti32x4_epi32(places, 1), _mm512_extracti32x4_epi32(places, 2),
				    _mm512_extracti32x4_epi32(places, 3) };

		for (unsigned i = 0; i < 3; i++)
			_mm512_storeu_si512(to + count + 16 * (i + 1),
					    _mm512_add_epi32(first, _mm512_cvtepu8_epi32(part[i])));
	}
	return count + bits;
}

FIND(find_avx512, AVX512, mask_avx512, put_avx512)

static int find(const uint8_t *data, size_t len, size_t *at, struct ccp_freq_keys *keys, bool words)
{
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
		return find_avx512(data, len, at, keys, words);
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt"))
		return find_avx2(data, len, at, keys, words);
	return find_plain(data, len, at, keys, words);
}

#else

static int find(const uint8_t *data, size_t len, size_t *at, struct ccp_freq_keys *keys, bool words)
{
	return find_plain(data, len, at, keys, words);
}

#endif

/* ---- fields and matches -------------------------------------------------------------------------- */

static inline void put(struct ccp_freq_keys *keys, size_t begin, size_t end)
{
	keys->begin[keys->count] = (uint32_t)begin;
	keys->end[keys->count++] = (uint32_t)end;
}

/* The field of a line. */
static void find_field(const struct ccp_freq_options *options, const uint8_t *data, size_t at, size_t end,
		       struct ccp_freq_keys *keys)
{
	size_t to = at;

	for (uint64_t field = 1; at <= end; field++) {
		if (options->by_char) {
			const uint8_t *found = memchr(data + at, options->separator, end - at);

			to = found != NULL ? (size_t)(found - data) : end;
		} else {
			while (at < end && (data[at] == ' ' || data[at] == '\t'))
				at++;
			for (to = at; to < end && data[to] != ' ' && data[to] != '\t';)
				to++;
		}
		if (field == options->field) {
			put(keys, at, to);
			return;
		}
		if (to == end)
			break;
		at = to + 1;
	}
	put(keys, end, end);
}

static int find_fields(const struct ccp_freq_options *options, const uint8_t *data, size_t len, size_t *at,
		       struct ccp_freq_keys *keys)
{
	while (*at < len && keys->count < BATCH) {
		const uint8_t *newline = memchr(data + *at, '\n', len - *at);
		size_t end = newline != NULL ? (size_t)(newline - data) : len;

		find_field(options, data, *at, end, keys);
		*at = newline != NULL ? end + 1 : len;
	}
	return *at < len;
}

/* The matches in a line behind *at, as far as there is room; then *at is behind the last of them, else at `next`. */
static int find_in_line(struct ccp_grep_matcher *matcher, const uint8_t *data, size_t begin, size_t end, size_t next,
			size_t *at, struct ccp_freq_keys *keys, struct ccp_err *err)
{
	while (*at < end && keys->count < BATCH) {
		size_t from, to;
		int result = ccp_grep_matcher_span(matcher, data + begin, end - begin, *at - begin, &from, &to, err);

		if (result < 0)
			return -1;
		if (result == 0) {
			*at = end;
			break;
		}
		if (to > from)
			put(keys, begin + from, begin + to);
		*at = begin + (to > from ? to : to + 1);
	}
	if (*at >= end)
		*at = next;
	return 0;
}

/* *at may be in the middle of a line, of which all before is done. */
static int find_matches(struct ccp_grep_matcher *matcher, const uint8_t *data, size_t len, size_t *at,
			struct ccp_freq_keys *keys, struct ccp_err *err)
{
	while (*at < len && keys->count < BATCH) {
		size_t begin = *at, next;

		if (begin == 0 || data[begin - 1] == '\n') {
			int result = ccp_grep_matcher_line(matcher, data, len, begin, &begin, &next, err);

			if (result < 0)
				return -1;
			if (result == 0) {
				*at = len;
				break;
			}
			*at = begin;
		} else {
			const uint8_t *newline = memrchr(data, '\n', begin), *end = memchr(data + *at, '\n', len - *at);

			begin = newline != NULL ? (size_t)(newline - data) + 1 : 0;
			next = end != NULL ? (size_t)(end - data) + 1 : len;
		}
		if (find_in_line(matcher, data, begin, next - (data[next - 1] == '\n'), next, at, keys, err) != 0)
			return -1;
	}
	return *at < len;
}

int ccp_freq_find(const struct ccp_freq_options *options, struct ccp_grep_matcher *matcher, const uint8_t *data,
		  size_t len, size_t *at, struct ccp_freq_keys *keys, struct ccp_err *err)
{
	keys->count = 0;
	switch (options->by) {
	case CCP_FREQ_WORD:
		return find(data, len, at, keys, true);
	case CCP_FREQ_LINE:
		return find(data, len, at, keys, false);
	case CCP_FREQ_FIELD:
		return find_fields(options, data, len, at, keys);
	case CCP_FREQ_REGEX:
		break;
	}
	return find_matches(matcher, data, len, at, keys, err);
}
