/*
 * digest_internal.h: the algorithms, as the files of their libraries define them for the table in digest.c.
 *
 * One whose library was not built in is defined as well, with a probe that says so and without calls.
 */
#ifndef CCP_PIPELINE_CODEC_DIGEST_INTERNAL_H
#define CCP_PIPELINE_CODEC_DIGEST_INTERNAL_H

#include "pipeline/codec/digest.h"

/* digest_crypto.c */
extern const struct ccp_digest_ops ccp_digest_sha256, ccp_digest_sha224, ccp_digest_sha512, ccp_digest_sha384,
	ccp_digest_sha1, ccp_digest_md5;
/* digest_blake2.c */
extern const struct ccp_digest_ops ccp_digest_blake2b;
/* digest_crc.c */
extern const struct ccp_digest_ops ccp_digest_crc32, ccp_digest_crc32c, ccp_digest_cksum;
/* digest_adler.c */
extern const struct ccp_digest_ops ccp_digest_adler32;
/* digest_xxhash.c */
extern const struct ccp_digest_ops ccp_digest_xxh64, ccp_digest_xxh3, ccp_digest_xxh128;

/* The state of those that combine: the sum so far, and of how many bytes. */
struct ccp_digest_sum {
	uint64_t len;
	uint32_t sum;
};

/* Writes a sum of 32 bits as it is printed. */
static inline void ccp_digest_big_endian(uint32_t sum, uint8_t *out)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(sum >> (24 - 8 * i));
}

#endif
