/*
 * digest_adler.c: Adler-32, from libdeflate or else zlib, and combined by zlib. Measured on a Zen 4 core over 1 MiB in
 * the cache: libdeflate 70 GB/s, zlib 3.7.
 */
#include "pipeline/codec/digest_internal.h"

#include <zlib.h>
#ifdef CCP_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#define EMPTY 1 /* the sum of nothing */

/* Both libraries begin anew if they are given no data, so they are not asked. */
static uint32_t adler(uint32_t sum, const uint8_t *data, size_t len)
{
	if (len == 0)
		return sum;
#ifdef CCP_HAVE_LIBDEFLATE
	return libdeflate_adler32(sum, data, len);
#else
	return (uint32_t)adler32_z(sum, data, len);
#endif
}

static void start(void *state, size_t bytes)
{
	(void)bytes;
	*(struct ccp_digest_sum *)state = (struct ccp_digest_sum){ .sum = EMPTY };
}

static void update(void *state, const uint8_t *data, size_t len)
{
	struct ccp_digest_sum *sum = state;

	sum->sum = adler(sum->sum, data, len);
}

static uint32_t part(const uint8_t *data, size_t len)
{
	return adler(EMPTY, data, len);
}

static uint32_t combine(uint32_t a, uint32_t b, uint64_t len_b)
{
	return (uint32_t)adler32_combine64(a, b, (z_off64_t)len_b);
}

static void seal(uint32_t sum, uint64_t len, uint8_t *out)
{
	(void)len;
	ccp_digest_big_endian(sum, out);
}

static void finish(void *state, uint8_t *out)
{
	seal(((struct ccp_digest_sum *)state)->sum, 0, out);
}

const struct ccp_digest_ops ccp_digest_adler32 = {
	.name = "adler32",
	.tag = "ADLER32",
	.help = "Adler-32 of zlib (RFC 1950); weak for short inputs",
	.bytes = 4,
	.combines = true,
	.state_bytes = sizeof(struct ccp_digest_sum),
	.start = start,
	.update = update,
	.finish = finish,
	.part = part,
	.combine = combine,
	.seal = seal,
};
