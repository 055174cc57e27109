/*
 * incompressible.c: two questions to a chunk, both over its whole length and by samples.
 *
 * Are its bytes even? In windows of 256 bytes the pairs of equal bytes are counted: even bytes have 255 in the mean
 * (each pair counted twice), with a standard deviation of 9 %. Windows with twice as many are no accident: a few of
 * them, and there is something to compress. Otherwise the mean of all windows decides, which for 256 windows of random
 * bytes is within 0.6 % of 255; between clearly even and clearly not, where compressed data often is, the cost of one
 * Huffman code for all windows tells, because a code of whole bits gains nothing from small differences.
 *
 * Does it repeat itself? Wherever one chosen byte value stands, the four bytes there are compared with those seen
 * before. Since the same places are chosen in both copies of a repeated string, the share of the chosen places that are
 * found again is the share of bytes that are in repeats, and one byte in 256 is enough. Short repeats, of fewer than
 * eight bytes, save a quarter of what long ones do.
 *
 * Measured on what gzip, zstd, xz, bzip2 and igzip make of source text and of binaries, and on binaries: what was
 * stored could have been 0.1 % smaller in all; the worst chunk of 1 MiB by 1 %, the worst of 64 KiB by 3 %.
 */
#include "pipeline/codec/incompressible.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 16384u
#define WINDOW 256u
#define MIN_STEP 1024u
#define MAX_STEP 4096u
#define EVEN_PAIRS (WINDOW * (WINDOW - 1) / 256)
#define STRONG EVEN_PAIRS            /* more than expected by this much: a window that compresses */
#define STRONG_MAX (10 * EVEN_PAIRS) /* no window saves more than all of its bytes */
#define STRONG_ALLOWED 16            /* in the mean of all windows: saves 0.6 % */
#define EXCESS_EVEN 13               /* in the mean of all windows: 5 % too many, which saves 0.4 % at most */
#define EXCESS_UNEVEN 90             /* 35 % */
#define HUFFMAN_GAIN 128u            /* one bit in so many makes it worth while */
#define REPEATS_ALLOWED 128u         /* one chosen place in so many */
#define SHORT_REPEATS 4u             /* so many of them are worth a long one */
#define DISTANCE 32768u
#define SLOT_BITS 10u

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Pairs of equal bytes in p[0, WINDOW) beyond what even bytes have. Adds the bytes to `sum`. */
static int32_t window_excess(const uint8_t *p, uint32_t sum[256])
{
	uint16_t counts[256] = { 0 };
	uint32_t squares = 0;

	for (size_t i = 0; i < WINDOW; i++)
		counts[p[i]]++;
	for (size_t i = 0; i < 256; i++) {
		squares += (uint32_t)counts[i] * counts[i];
		sum[i] += counts[i];
	}
	return (int32_t)squares - (int32_t)(WINDOW + EVEN_PAIRS);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The bits that a Huffman code takes for so many of each byte: the sum of all inner nodes of its tree. */
static uint64_t huffman_bits(const uint32_t counts[256])
{
	uint32_t leaf[256], node[256];
	size_t leaves = 0, nodes = 0, made = 0;
	uint64_t bits = 0;

	memcpy(leaf, counts, sizeof leaf);
	qsort(leaf, 256, sizeof *leaf, ascending);
	while (made < 255) {
		uint32_t weight = 0;

		for (int child = 0; child < 2; child++)
			weight += leaves < 256 && (nodes == made || leaf[leaves] <= node[nodes]) ? leaf[leaves++] :
												   node[nodes++];
		node[made++] = weight;
		bits += weight;
	}
	return bits;
}

/* Whether the bytes are even; then `common` is the one that there are most of. */
static bool is_even(const uint8_t *in, size_t len, uint8_t *common)
{
	size_t step = len / 256 < MIN_STEP ? MIN_STEP : len / 256 > MAX_STEP ? MAX_STEP : len / 256;
	uint32_t counts[256] = { 0 };
	int64_t windows = (int64_t)(len / step), strong = 0, excess = 0;

	for (int64_t i = 0; i < windows; i++) {
		/* at another place in every step: what comes at regular places would be missed, or seen too often */
		uint32_t skew = ((uint32_t)i * 2654435761u >> 16) % (uint32_t)(step - WINDOW + 1);
		int32_t more = window_excess(in + (size_t)i * step + skew, counts);

		if (more <= (int32_t)STRONG) {
			excess += more;
			continue;
		}
		strong += more < (int32_t)STRONG_MAX ? more : (int32_t)STRONG_MAX;
		if (strong > STRONG_ALLOWED * windows)
			return false;
	}
	*common = 0;
	for (unsigned i = 1; i < 256; i++)
		if (counts[i] > counts[*common])
			*common = (uint8_t)i;
	if (excess <= EXCESS_EVEN * windows)
		return true;
	if (excess > EXCESS_UNEVEN * windows)
		return false;

	uint64_t plain_bits = (uint64_t)windows * WINDOW * 8;

	return huffman_bits(counts) + plain_bits / HUFFMAN_GAIN > plain_bits;
}

/* Whether strings come back within the reach of deflate. */
static bool repeats(const uint8_t *in, size_t len, uint8_t chosen)
{
	uint32_t slots[1u << SLOT_BITS] = { 0 }; /* the place, and one */
	size_t places = 0, again = 0;
	const uint8_t *end = in + len - sizeof(uint64_t), *p = in;

	while ((p = memchr(p, chosen, (size_t)(end - p))) != NULL) {
		uint64_t v = load64(p);
		uint32_t four, at = (uint32_t)(p - in), *slot;

		memcpy(&four, p, sizeof four);
		slot = &slots[four * 2654435761u >> (32 - SLOT_BITS)];
		if (*slot != 0 && at + 1 - *slot <= DISTANCE) {
			const uint8_t *before = in + *slot - 1;

			again += load64(before) == v ? SHORT_REPEATS : memcmp(before, p, sizeof four) == 0;
		}
		*slot = at + 1;
		places++;
		p++;
	}
	return again * REPEATS_ALLOWED > places * SHORT_REPEATS;
}

bool ccp_is_incompressible(const uint8_t *in, size_t len)
{
	uint8_t chosen;

	return len >= LEAST && len < UINT32_MAX && is_even(in, len, &chosen) && !repeats(in, len, chosen);
}
