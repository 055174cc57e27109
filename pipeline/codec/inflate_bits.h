/*
 * inflate_bits.h: what all decoders of deflate data do with bits and with entries of the tables (inflate_tables.h).
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_BITS_H
#define CCP_PIPELINE_CODEC_INFLATE_BITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes; the first has the lowest bits. */
static inline uint64_t ccp_load64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

/* Eight bytes at `at` of data[0, len); zeros stand for those that are not there. */
static inline uint64_t ccp_load64_end(const uint8_t *data, size_t len, uint64_t at)
{
	uint64_t word = 0;

	if (len >= sizeof word && at <= len - sizeof word)
		return ccp_load64(data + at);
	if (at < len)
		memcpy(&word, data + at, (size_t)(len - at));
	return le64toh(word);
}

/* The base of a length or distance and its extra bits on top. `bits` begin with its code. */
static inline uint32_t ccp_entry_value(uint32_t entry, uint64_t bits)
{
	return (entry >> 16) + (uint32_t)((bits & ((UINT64_C(1) << (uint8_t)entry) - 1)) >> (uint8_t)(entry >> 8));
}

/* Where the entry is that a pointer means. `bits` begin behind the first table's index. */
static inline uint32_t ccp_entry_second(uint32_t pointer, uint64_t bits)
{
	return (pointer >> 16) + ((uint32_t)bits & ((1u << (pointer >> 8 & 31)) - 1));
}

/*
 * Fills `bits` up to 56 or more from `in`, where 8 bytes can be read, without a branch. Of `held` the low 6 bits count
 * before, the low 8 behind.
 */
#define CCP_BITS_FILL(bits, held, in)                                                                                  \
	do {                                                                                                           \
		(bits) |= ccp_load64(in) << ((held) & 63);                                                             \
		(in) += 7;                                                                                             \
		(in) -= ((held) >> 3) & 7;                                                                             \
		(held) |= 56;                                                                                          \
	} while (0)

/* Takes what an entry says away. `held` counts in its low 8 bits only: entries are subtracted whole. */
#define CCP_BITS_TAKE(bits, held, entry)                                                                               \
	do {                                                                                                           \
		(bits) >>= (uint8_t)(entry);                                                                           \
		(held) -= (entry);                                                                                     \
	} while (0)

#endif
