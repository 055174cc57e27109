/*
 * fold/freq_hash.c: the hash of a key: of its first 16 bytes, then of 16 more at a time, the last of which may overlap.
 */
#include "pipeline/fold/freq_hash.h"

const uint8_t ccp_freq_mask[32] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

uint64_t ccp_freq_hash_long(const struct ccp_freq_options *options, uint64_t hash, const uint8_t *key, size_t len)
{
	struct ccp_freq_head part;
	size_t at = CCP_FREQ_SHORT;

	for (; len - at > sizeof part; at += sizeof part) {
		memcpy(&part, key + at, sizeof part);
		hash = ccp_freq_mix(part.low ^ hash, part.high ^ options->seed[1]);
	}
	memcpy(&part, key + len - sizeof part, sizeof part);
	return ccp_freq_mix(part.low ^ hash, part.high ^ options->seed[1]);
}

uint64_t ccp_freq_hash(const struct ccp_freq_options *options, const uint8_t *key, size_t len)
{
	uint64_t hash = ccp_freq_hash_head(options, ccp_freq_head(key, len), len);

	return len <= CCP_FREQ_SHORT ? hash : ccp_freq_hash_long(options, hash, key, len);
}

void ccp_freq_fold(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(from[i] | ((uint8_t)(from[i] - 'A') < 26 ? 0x20 : 0));
}
