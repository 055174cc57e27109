/*
 * freq_hash.h: the hash of keys, for freq.c, which has most of them loaded already, and freq_hash.c.
 *
 * The product of two words of 64 bits, its halves put together by exclusive or, spreads every bit of both; 16 bytes go
 * in at a time. The seed is drawn anew for each run, so that no input can be made whose keys all collide.
 * Source: the idea is that of wyhash, https://github.com/wangyi-fudan/wyhash.
 */
#ifndef CCP_PIPELINE_FOLD_FREQ_HASH_H
#define CCP_PIPELINE_FOLD_FREQ_HASH_H

#include <stdint.h>
#include <string.h>

#include "pipeline/fold/freq.h"

#define CCP_FREQ_SHORT 16u

/* A key of up to CCP_FREQ_SHORT bytes, followed by zeros; of a longer one the first bytes. */
struct ccp_freq_head {
	uint64_t low, high;
};

/* Bytes of a head that count: load from `16 - len`. */
extern const uint8_t ccp_freq_mask[32];

static inline uint64_t ccp_freq_mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	a = (a ^ a >> 32) * UINT64_C(0x9e3779b97f4a7c15) ^ b;
	a = (a ^ a >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return a ^ a >> 32;
#endif
}

/* The head of a key, of which not a byte behind its end is read. */
static inline struct ccp_freq_head ccp_freq_head(const uint8_t *key, size_t len)
{
	struct ccp_freq_head head = { 0, 0 };

	memcpy(&head, key, len < sizeof head ? len : sizeof head);
	return head;
}

/* The same, where 16 bytes can be read; if len > 16, these. */
static inline struct ccp_freq_head ccp_freq_head_quick(const uint8_t *key, size_t len)
{
	struct ccp_freq_head head, mask;

	memcpy(&head, key, sizeof head);
	memcpy(&mask, ccp_freq_mask + (len < sizeof head ? sizeof head - len : 0), sizeof mask);
	return (struct ccp_freq_head){ head.low & mask.low, head.high & mask.high };
}

static inline uint64_t ccp_freq_hash_head(const struct ccp_freq_options *options, struct ccp_freq_head head, size_t len)
{
	const uint64_t a = UINT64_C(0xa0761d6478bd642f), b = UINT64_C(0xe7037ed1a0b428db); /* those of wyhash */

	/* constants: a factor with few bits, as that of a short key with a poor seed, would spread nothing */
	return ccp_freq_mix(head.low ^ options->seed[0] ^ a, head.high ^ options->seed[1] ^ b ^ len);
}

/* Of a key longer than 16 bytes, whose head was hashed. */
uint64_t ccp_freq_hash_long(const struct ccp_freq_options *options, uint64_t hash, const uint8_t *key, size_t len);

#endif
