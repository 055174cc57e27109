/*
 * wc_count.c: counts a part, 64 bytes at a time.
 *
 * Each block becomes masks with a bit a byte: newlines, blanks, and what makes a word. The state "in a word" after each
 * byte is set by the last, cleared by a blank, and kept by all else; this is what the carries of an addition do, so
 * that one addition gives the state before every byte, and a word begins where that is off and a printable character
 * stands. In UTF-8 the characters beyond ASCII are looked up one by one: the first byte has the character's bit, and
 * the others keep the state.
 */
#include <string.h>

#include "pipeline/fold/wc.h"

#define BLOCK 64u

/* A block's bytes, as bits; the first byte is the lowest. */
struct masks {
	uint64_t newline, blank, word, high;
};

struct run {
	const struct ccp_wc_options *options;
	struct ccp_wc_kinds *kinds;
	struct ccp_wc_found *found;
	uint64_t in_word;        /* 0 or 1: before the next block */
	unsigned skip;           /* bytes of it that belong to a character before it */
	bool any;                /* something was not neutral */
};

static inline __attribute__((always_inline)) void masks_plain(const struct ccp_wc_options *options, const uint8_t *p,
							      struct masks *m)
{
	*m = (struct masks){ 0 };
	for (unsigned i = 0; i < BLOCK; i++) {
		unsigned kind = options->byte[p[i]] & CCP_WC_KIND;

		m->newline |= (uint64_t)(p[i] == '\n') << i;
		m->blank |= (uint64_t)(kind == CCP_WC_BLANK) << i;
		m->word |= (uint64_t)(kind == CCP_WC_WORD) << i;
		m->high |= (uint64_t)(p[i] >> 7) << i;
	}
}

/* Characters beyond ASCII of a block. `rest`: bytes from its beginning to the end of the part. */
static void look_up(struct run *run, const uint8_t *p, size_t rest, struct masks *m, uint64_t valid)
{
	uint64_t high = m->high & valid;

	if (run->skip > 0) {
		uint64_t skipped = (UINT64_C(1) << run->skip) - 1;

		high &= ~skipped;
		run->skip = 0;
	}
	while (high != 0) {
		unsigned at = (unsigned)__builtin_ctzll(high), kind;
		uint32_t character;
		int n = ccp_wc_decode(p + at, rest - at, &character);

		high &= high - 1;
		if (n <= 0)
			continue;
		run->found->chars++;
		kind = ccp_wc_kind(run->options, run->kinds, character) & CCP_WC_KIND;
		m->word |= (uint64_t)(kind == CCP_WC_WORD) << at;
		m->blank |= (uint64_t)(kind == CCP_WC_BLANK) << at;
		if (at + (unsigned)n > BLOCK) {
			run->skip = at + (unsigned)n - BLOCK;
			return;
		}
		for (int i = 1; i < n; i++)
			high &= high - 1; /* its other bytes, which are the next ones that are high */
	}
}

/* Puts a block's masks to the counts. `valid`: the bytes that count. */
static inline __attribute__((always_inline)) void add_block(struct run *run, const uint8_t *p, size_t rest,
							    struct masks *m, uint64_t valid)
{
	struct ccp_wc_found *found = run->found;
	uint64_t keep, sum, before;

	if (run->options->utf8) {
		found->chars += (unsigned)__builtin_popcountll(~m->high & valid);
		if (m->high != 0)
			look_up(run, p, rest, m, valid);
	}
	found->lines += (unsigned)__builtin_popcountll(m->newline & valid);
	m->word &= valid;
	m->blank &= valid;
	if (!run->any && (m->word | m->blank) != 0) {
		run->any = true;
		found->first = (m->word & -m->word) - 1 < (m->blank & -m->blank) - 1 ? CCP_WC_WORD : CCP_WC_BLANK;
	}
	keep = ~m->blank;
	before = m->word + run->in_word;
	sum = keep + before;
	/* the carry out of the block: of one addition or the other */
	uint64_t out = (before < m->word) | (sum < keep);
	found->words += (unsigned)__builtin_popcountll(m->word & ~(sum ^ keep ^ m->word));
	run->in_word = out;
}

/* All whole blocks, and the rest in a copy that is filled up with what changes nothing. */
#define COUNT(name, attribute, masks_of)                                                                               \
	attribute static void name(struct run *run, const uint8_t *data, size_t len)                                  \
	{                                                                                                              \
		uint8_t rest[BLOCK] = { 0 };                                                                           \
		struct masks m;                                                                                        \
		size_t at = 0;                                                                                         \
                                                                                                                       \
		for (; len - at >= BLOCK; at += BLOCK) {                                                               \
			masks_of(run->options, data + at, &m);                                                         \
			add_block(run, data + at, len - at, &m, ~UINT64_C(0));                                         \
		}                                                                                                      \
		if (at == len)                                                                                         \
			return;                                                                                        \
		memcpy(rest, data + at, len - at);                                                                     \
		masks_of(run->options, rest, &m);                                                                      \
		add_block(run, rest, len - at, &m, (UINT64_C(1) << (len - at)) - 1);                                   \
	}

COUNT(count_plain, , masks_plain)

static uint64_t lines_plain(const uint8_t *data, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	return lines;
}

#if defined __x86_64__
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline __attribute__((always_inline)) uint64_t bits(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline __attribute__((always_inline)) __m256i within(__m256i v, char from, char to)
{
	__m256i shifted = _mm256_sub_epi8(v, _mm256_set1_epi8(from));

	return _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8((char)(to - from))), shifted);
}

AVX2 static inline __attribute__((always_inline)) __m256i blanks(__m256i v)
{
	return _mm256_or_si256(within(v, '\t', '\r'), _mm256_cmpeq_epi8(v, _mm256_set1_epi8(' ')));
}

AVX2 static inline __attribute__((always_inline)) void masks_avx2(const struct ccp_wc_options *options,
								  const uint8_t *p, struct masks *m)
{
	__m256i a = _mm256_loadu_si256((const void *)p), b = _mm256_loadu_si256((const void *)(p + 32));
	__m256i newline = _mm256_set1_epi8('\n');

	(void)options;
	m->newline = bits(_mm256_cmpeq_epi8(a, newline), _mm256_cmpeq_epi8(b, newline));
	m->blank = bits(blanks(a), blanks(b));
	m->word = bits(within(a, '!', '~'), within(b, '!', '~'));
	m->high = bits(a, b);
}

COUNT(count_avx2, AVX2, masks_avx2)

/* Newlines alone: a byte's count in each lane, of up to 255 blocks, is summed up at a time. */
AVX2 static uint64_t lines_avx2(const uint8_t *data, size_t len)
{
	const __m256i newline = _mm256_set1_epi8('\n'), zero = _mm256_setzero_si256();
	__m256i total = zero;
	uint64_t sums[4];
	size_t at = 0;

	while (len - at >= 128) {
		__m256i lanes[4] = { zero, zero, zero, zero };

		for (unsigned n = 0; n < 255 && len - at >= 128; n++, at += 128)
			for (unsigned i = 0; i < 4; i++) {
				__m256i v = _mm256_loadu_si256((const void *)(data + at + 32 * i));

				lanes[i] = _mm256_sub_epi8(lanes[i], _mm256_cmpeq_epi8(v, newline));
			}
		for (unsigned i = 0; i < 4; i++)
			total = _mm256_add_epi64(total, _mm256_sad_epu8(lanes[i], zero));
	}
	_mm256_storeu_si256((void *)sums, total);
	return sums[0] + sums[1] + sums[2] + sums[3] + lines_plain(data + at, len - at);
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
}

static uint64_t lines_of(const uint8_t *data, size_t len)
{
	return has_avx2() ? lines_avx2(data, len) : lines_plain(data, len);
}

static void count(struct run *run, const uint8_t *data, size_t len)
{
	if (run->options->ascii && has_avx2())
		count_avx2(run, data, len);
	else
		count_plain(run, data, len);
}

#else

static uint64_t lines_of(const uint8_t *data, size_t len)
{
	return lines_plain(data, len);
}

static void count(struct run *run, const uint8_t *data, size_t len)
{
	count_plain(run, data, len);
}

#endif

/* ---- columns ------------------------------------------------------------------------------------- */

static inline void end_line(uint64_t *column, uint64_t *longest)
{
	if (*longest < *column)
		*longest = *column;
	*column = 0;
}

size_t ccp_wc_columns(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, const uint8_t *data, size_t len,
		      uint64_t *column, uint64_t *longest)
{
	for (size_t at = 0; at < len;) {
		uint8_t c = data[at];
		uint32_t character;
		int n;

		if (c < 0x80 || !options->utf8) {
			at++;
			if (c == '\n' || c == '\r' || c == '\f')
				end_line(column, longest);
			else if (c == '\t')
				*column += 8 - *column % 8;
			else
				*column += options->byte[c] >> CCP_WC_WIDTH_SHIFT;
			continue;
		}
		n = ccp_wc_decode(data + at, len - at, &character);
		if (n == 0)
			return at;
		if (n > 0)
			*column += ccp_wc_kind(options, kinds, character) >> CCP_WC_WIDTH_SHIFT;
		at += n > 0 ? (size_t)n : 1;
	}
	return len;
}

/* ---- a part -------------------------------------------------------------------------------------- */

/* Where the last character begins if it goes on behind the end. Returns its bytes. */
static size_t tail_of(const uint8_t *data, size_t len)
{
	uint32_t character;

	for (size_t n = 1; n <= 5 && n <= len; n++) {
		if ((data[len - n] & 0xc0) == 0x80)
			continue;
		return data[len - n] >= 0xc0 && ccp_wc_decode(data + len - n, n, &character) == 0 ? n : 0;
	}
	return 0;
}

void ccp_wc_count(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, const uint8_t *data, size_t len,
		  bool first, struct ccp_wc_found *found)
{
	struct run run = { .options = options, .kinds = kinds, .found = found };
	size_t lead = 0, tail = 0;

	*found = (struct ccp_wc_found){ 0 };
	if ((options->want | CCP_WC_LINES | CCP_WC_BYTES) == (CCP_WC_LINES | CCP_WC_BYTES)) {
		if (options->want & CCP_WC_LINES)
			found->lines = lines_of(data, len);
		return;
	}
	if (options->utf8) {
		while (!first && lead < 5 && lead < len && (data[lead] & 0xc0) == 0x80)
			lead++;
		tail = tail_of(data + lead, len - lead);
		memcpy(found->tail, data + len - tail, tail);
		found->lead_len = (uint8_t)lead;
		found->tail_len = (uint8_t)tail;
	} else {
		found->chars = len;
	}
	count(&run, data + lead, len - lead - tail);
	found->last = !run.any ? CCP_WC_NEUTRAL : run.in_word ? CCP_WC_WORD : CCP_WC_BLANK;
	if (options->want & CCP_WC_LONGEST) {
		const uint8_t *newline = memchr(data, '\n', len);

		found->head = newline != NULL ? (size_t)(newline - data) + 1 : len;
		if (newline != NULL)
			(void)ccp_wc_columns(options, kinds, newline + 1, len - tail - found->head, &found->column,
					     &found->longest);
	}
}
