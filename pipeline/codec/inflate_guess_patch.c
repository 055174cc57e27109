/*
 * inflate_guess_patch.c: 64 symbols at a time are narrowed to bytes, and the signs of them, which are the markers,
 * make a mask. Where it is not empty the markers are packed behind the other values: 8 at a time by a shuffle that a
 * table gives for each mask of 8 bits, where the machine can; else one by one.
 */
#include "pipeline/codec/inflate_guess_patch.h"

#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define GROUP 64
#define PACK_SLACK 32 /* values that packing many at a time may write too many */
#define INLINE static inline __attribute__((always_inline))

#ifdef __SSE2__
static inline __m128i load128(const void *p)
{
	return _mm_loadu_si128(p);
}
#endif

/* Symbols of one group: bytes to `to`. Returns the mask. */
static uint64_t narrow_some(uint8_t *to, const uint16_t *from, size_t n)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < n; i++) {
		to[i] = (uint8_t)from[i];
		mask |= (uint64_t)(from[i] >> 15) << i;
	}
	return mask;
}

INLINE uint64_t narrow_group(uint8_t *to, const uint16_t *from)
{
#ifdef __SSE2__
	uint64_t mask = 0;

	for (unsigned i = 0; i < GROUP; i += 16) {
		__m128i a = load128(from + i);
		__m128i b = load128(from + i + 8);

		_mm_storeu_si128((__m128i *)(void *)(to + i), _mm_packus_epi16(a, b));
		mask |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_packs_epi16(a, b)) << i;
	}
	return mask;
#else
	return narrow_some(to, from, GROUP);
#endif
}

static void pack_each(uint16_t *values, const uint16_t *symbols, uint64_t mask)
{
	for (; mask; mask &= mask - 1)
		*values++ = symbols[__builtin_ctzll(mask)];
}

/* The lowest of the markers values[0, n), or `least`. */
static unsigned find_least(const uint16_t *values, size_t n, unsigned least)
{
	size_t i = 0;

#ifdef __SSE2__
	if (n >= 32) {
		__m128i lowest[4];
		uint16_t lanes[32];

		/* As signed numbers, markers are in the same order. */
		memset(lowest, 0xff, sizeof lowest);
		for (; n - i >= 32; i += 32)
			for (unsigned k = 0; k < 4; k++)
				lowest[k] = _mm_min_epi16(lowest[k], load128(values + i + 8 * k));
		memcpy(lanes, lowest, sizeof lanes);
		for (unsigned lane = 0; lane < 32; lane++)
			least = lanes[lane] < least ? lanes[lane] : least;
	}
#endif
	for (; i < n; i++)
		least = values[i] < least ? values[i] : least;
	return least;
}

/* How far a call has come, before it is known that all of it fits. */
struct progress {
	size_t done, groups, values, clean;
};

INLINE void put(struct ccp_patch_group *groups, size_t place, struct progress *p, uint64_t mask, size_t n)
{
	groups[p->groups++] = (struct ccp_patch_group){ (uint32_t)(place + p->done), (uint32_t)p->values, mask };
	p->values += (size_t)__builtin_popcountll(mask);
	p->clean = n - (64 - (unsigned)__builtin_clzll(mask));
	p->done += n;
}

/*
 * Whole groups, packed by `pack`, until there are no more, or the lists might not have room for one. It is made once
 * for each kind of CPU.
 */
INLINE void put_groups(const struct ccp_guess_narrow *to, struct progress *p, const uint16_t *symbols, size_t n,
		       uint64_t (*narrow)(uint8_t *, const uint16_t *),
		       void (*pack)(uint16_t *, const uint16_t *, uint64_t, const uint8_t (*)[16]))
{
	/* In registers: stores of bytes could change what `to` points to. */
	struct progress now = *p;
	const size_t place = to->guess->out_len;
	uint8_t *out = to->out + place;
	struct ccp_patch_group *groups = to->groups;
	uint16_t *values = to->values;
	const uint8_t(*pick)[16] = to->pick;
	size_t groups_cap = to->guess->groups_cap, values_cap = to->guess->values_cap;

	while (n - now.done >= GROUP && groups_cap > now.groups && values_cap - now.values >= GROUP + PACK_SLACK) {
		uint64_t mask = narrow(out + now.done, symbols + now.done);

		if (mask) {
			pack(values + now.values, symbols + now.done, mask, pick);
			put(groups, place, &now, mask, GROUP);
		} else {
			now.clean += GROUP;
			now.done += GROUP;
		}
	}
	*p = now;
}

INLINE void pack_plain(uint16_t *values, const uint16_t *symbols, uint64_t mask, const uint8_t (*pick)[16])
{
	(void)pick;
	pack_each(values, symbols, mask);
}

static void put_groups_plain(const struct ccp_guess_narrow *to, struct progress *p, const uint16_t *symbols, size_t n)
{
	put_groups(to, p, symbols, n, narrow_group, pack_plain);
}

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,popcnt,lzcnt")))

/* Each 8 symbols go where the count of markers before them tells. */
AVX2 INLINE void pack_avx2(uint16_t *values, const uint16_t *symbols, uint64_t mask, const uint8_t (*pick)[16])
{
	for (unsigned i = 0; i < GROUP; i += 8) {
		__m128i some = load128(symbols + i);
		__m128i order = load128(pick[mask >> i & 0xff]);
		unsigned before = (unsigned)__builtin_popcountll(mask & ((UINT64_C(1) << i) - 1));

		_mm_storeu_si128((__m128i *)(void *)(values + before), _mm_shuffle_epi8(some, order));
	}
}

AVX2 static void put_groups_avx2(const struct ccp_guess_narrow *to, struct progress *p, const uint16_t *symbols,
				 size_t n)
{
	put_groups(to, p, symbols, n, narrow_group, pack_avx2);
}

AVX512 INLINE uint64_t narrow_avx512(uint8_t *to, const uint16_t *from)
{
	__m512i a = _mm512_loadu_si512(from), b = _mm512_loadu_si512(from + 32);

	_mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi16_epi8(a));
	_mm256_storeu_si256((__m256i *)(void *)(to + 32), _mm512_cvtepi16_epi8(b));
	return (uint64_t)_mm512_movepi16_mask(b) << 32 | _mm512_movepi16_mask(a);
}

AVX512 INLINE void pack_avx512(uint16_t *values, const uint16_t *symbols, uint64_t mask, const uint8_t (*pick)[16])
{
	__m512i a = _mm512_loadu_si512(symbols), b = _mm512_loadu_si512(symbols + 32);

	(void)pick;
	_mm512_storeu_si512(values, _mm512_maskz_compress_epi16((__mmask32)mask, a));
	_mm512_storeu_si512(values + __builtin_popcount((unsigned)mask),
			    _mm512_maskz_compress_epi16((__mmask32)(mask >> 32), b));
}

AVX512 static void put_groups_avx512(const struct ccp_guess_narrow *to, struct progress *p, const uint16_t *symbols,
				     size_t n)
{
	put_groups(to, p, symbols, n, narrow_avx512, pack_avx512);
}
#endif

static void put_most(const struct ccp_guess_narrow *to, struct progress *p, const uint16_t *symbols, size_t n)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("bmi2")) {
		put_groups_avx512(to, p, symbols, n);
		return;
	}
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
		put_groups_avx2(to, p, symbols, n);
		return;
	}
#endif
	put_groups_plain(to, p, symbols, n);
}

/* How many of `n` symbols fit, of which those in `mask` are markers. */
static size_t count_fitting(const struct ccp_guess *guess, const struct progress *p, uint64_t mask, size_t n)
{
	size_t left = guess->values_cap - p->values;

	if (!mask || (p->groups < guess->groups_cap && (size_t)__builtin_popcountll(mask) <= left))
		return n;
	if (p->groups < guess->groups_cap)
		while (left-- > 0)
			mask &= mask - 1;
	return (size_t)__builtin_ctzll(mask);
}

size_t ccp_guess_narrow(struct ccp_guess_narrow *narrow, const uint16_t *symbols, size_t n)
{
	struct ccp_guess *guess = narrow->guess;
	struct progress p = { .groups = guess->group_count, .values = guess->value_count, .clean = narrow->clean };

	put_most(narrow, &p, symbols, n);
	/* The last ones, and those for which there may be no room. */
	while (p.done < n) {
		size_t some = n - p.done < GROUP ? n - p.done : GROUP;
		uint64_t mask = narrow_some(narrow->out + guess->out_len + p.done, symbols + p.done, some);
		size_t fits = count_fitting(guess, &p, mask, some);

		if (fits < some)
			return p.done + fits;
		if (mask) {
			pack_each(narrow->values + p.values, symbols + p.done, mask);
			put(narrow->groups, guess->out_len, &p, mask, some);
		} else {
			p.clean += some;
			p.done += some;
		}
	}
	guess->reach = CCP_GUESS_MARKER + CCP_INFLATE_WINDOW -
		       find_least(narrow->values + guess->value_count, p.values - guess->value_count,
				  CCP_GUESS_MARKER + CCP_INFLATE_WINDOW - guess->reach);
	guess->out_len += n;
	guess->group_count = p.groups;
	guess->value_count = p.values;
	narrow->clean = p.clean;
	return n;
}

void ccp_guess_make_pick(uint8_t pick[256][16])
{
	for (unsigned mask = 0; mask < 256; mask++) {
		unsigned n = 0;

		for (unsigned bit = 0; bit < 8; bit++) {
			if (!(mask >> bit & 1))
				continue;
			pick[mask][n++] = (uint8_t)(2 * bit);
			pick[mask][n++] = (uint8_t)(2 * bit + 1);
		}
		memset(pick[mask] + n, 0, 16 - n);
	}
}

void ccp_guess_patch(struct ccp_guess *guess, uint8_t *out, const struct ccp_patch_group *groups,
		     const uint16_t *values, const uint8_t *window, size_t window_len)
{
	struct ccp_inflate *after = &guess->after;
	/* Marker values of which the window's first byte has the lowest that may occur. */
	unsigned first = CCP_GUESS_MARKER + CCP_INFLATE_WINDOW - (unsigned)window_len;
	size_t new_len = guess->out_len, old_len;

	for (size_t i = 0; i < guess->group_count; i++) {
		uint8_t *to = out + groups[i].place;
		const uint16_t *value = values + groups[i].values;

		for (uint64_t mask = groups[i].mask; mask; mask &= mask - 1)
			to[__builtin_ctzll(mask)] = window[*value++ - first];
	}
	if (new_len > CCP_INFLATE_WINDOW)
		new_len = CCP_INFLATE_WINDOW;
	old_len = CCP_INFLATE_WINDOW - new_len < window_len ? CCP_INFLATE_WINDOW - new_len : window_len;
	if (old_len > 0)
		memcpy(after->window, window + window_len - old_len, old_len);
	if (new_len > 0)
		memcpy(after->window + old_len, out + guess->out_len - new_len, new_len);
	after->window_len = (unsigned)(old_len + new_len);
}
