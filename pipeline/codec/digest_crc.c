/*
 * digest_crc.c: the CRCs of 32 bits: that of gzip, Castagnoli's, and that of the command cksum.
 *
 * A sum of A followed by B is the sum of A, multiplied by x^(8 * length of B) modulo the polynomial, plus (in bits,
 * exclusive or) the sum of B. Whether the register begins with ones and is complemented at the end makes no difference:
 * both cancel out.
 *
 * cksum takes the bits of a byte from the other end than gzip, with the same polynomial. So where ISA-L is missing it
 * is the CRC of gzip over bytes with their bits reversed, with the result's bits reversed.
 *
 * Measured on a Zen 4 core over 1 MiB in the cache: ISA-L crc32c and cksum 60 GB/s; cksum with reversed bits over
 * libdeflate 3.3, over zlib 2.4. To combine takes 0.7 us for crc32c, if the second part is 1 MiB.
 */
#include "pipeline/codec/digest_internal.h"

#include <string.h>
#ifdef CCP_HAVE_ISAL
#include <isa-l/crc.h>
#endif

#include "pipeline/codec/crc.h"

/* --- crc32 ------------------------------------------------------------------------------------------------------- */

static void start(void *state, size_t bytes)
{
	(void)bytes;
	*(struct ccp_digest_sum *)state = (struct ccp_digest_sum){ .len = 0 };
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

static void crc32_update(void *state, const uint8_t *data, size_t len)
{
	struct ccp_digest_sum *crc = state;

	crc->sum = ccp_crc32(crc->sum, data, len);
}

static uint32_t crc32_part(const uint8_t *data, size_t len)
{
	return ccp_crc32(0, data, len);
}

const struct ccp_digest_ops ccp_digest_crc32 = {
	.name = "crc32",
	.tag = "CRC32",
	.help = "CRC-32 of gzip and zip (RFC 1952)",
	.bytes = 4,
	.combines = true,
	.state_bytes = sizeof(struct ccp_digest_sum),
	.start = start,
	.update = crc32_update,
	.finish = finish,
	.part = crc32_part,
	.combine = ccp_crc32_combine,
	.seal = seal,
};

/* --- crc32c ------------------------------------------------------------------------------------------------------ */

#ifdef CCP_HAVE_ISAL
/* ISA-L takes the register as it is, and a length of type int. */
static uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t len)
{
	const size_t most = (size_t)1 << 30;
	uint32_t reg = ~crc;

	for (size_t n; len > 0; data += n, len -= n) {
		n = len < most ? len : most;
		reg = crc32_iscsi((unsigned char *)(uintptr_t)data, (int)n, reg); /* it only reads */
	}
	return ~reg;
}

static void crc32c_update(void *state, const uint8_t *data, size_t len)
{
	struct ccp_digest_sum *crc = state;

	crc->sum = crc32c(crc->sum, data, len);
}

static uint32_t crc32c_part(const uint8_t *data, size_t len)
{
	return crc32c(0, data, len);
}

/* a * b modulo Castagnoli's polynomial. The highest bit is x^0. No branch: the bits of a CRC cannot be foretold. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		product ^= b & -(a >> 31);
		b = (b >> 1) ^ (0x82f63b78 & -(b & 1));
	}
	return product;
}

/* Source: the way of zlib's crc32_combine: x^(8 * len_b) by squaring. */
static uint32_t crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
	uint32_t power = (uint32_t)1 << (31 - 8); /* x^8, squared in each round */

	for (; len_b > 0; len_b >>= 1, power = multiply(power, power))
		if (len_b & 1)
			a = multiply(a, power);
	return a ^ b;
}
#else
static const char *probe(void)
{
	return "not built: ISA-L is missing";
}
#endif

const struct ccp_digest_ops ccp_digest_crc32c = {
	.name = "crc32c",
	.tag = "CRC32C",
	.help = "CRC-32 with Castagnoli's polynomial, of iSCSI and file systems (RFC 3720)",
	.bytes = 4,
	.combines = true,
#ifdef CCP_HAVE_ISAL
	.state_bytes = sizeof(struct ccp_digest_sum),
	.start = start,
	.update = crc32c_update,
	.finish = finish,
	.part = crc32c_part,
	.combine = crc32c_combine,
	.seal = seal,
#else
	.probe = probe,
#endif
};

/* --- cksum ------------------------------------------------------------------------------------------------------- */

static uint32_t reverse(uint32_t bits)
{
	bits = __builtin_bswap32(bits);
	bits = (bits >> 4 & 0x0f0f0f0f) | (bits & 0x0f0f0f0f) << 4;
	bits = (bits >> 2 & 0x33333333) | (bits & 0x33333333) << 2;
	return (bits >> 1 & 0x55555555) | (bits & 0x55555555) << 1;
}

/* Continues with the register, which begins as 0. */
#ifdef CCP_HAVE_ISAL
static uint32_t cksum(uint32_t reg, const uint8_t *data, size_t len)
{
	return len > 0 ? ~crc32_ieee(~reg, data, len) : reg; /* it complements before and after */
}
#else
/* Reverses the bits of each byte. Shape: room for a multiple of 8. */
static void reverse_bytes(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t eight = 0;

		memcpy(&eight, from + i, len - i < 8 ? len - i : 8);
		eight = (eight >> 4 & 0x0f0f0f0f0f0f0f0f) | (eight & 0x0f0f0f0f0f0f0f0f) << 4;
		eight = (eight >> 2 & 0x3333333333333333) | (eight & 0x3333333333333333) << 2;
		eight = (eight >> 1 & 0x5555555555555555) | (eight & 0x5555555555555555) << 1;
		memcpy(to + i, &eight, 8);
	}
}

static uint32_t cksum(uint32_t reg, const uint8_t *data, size_t len)
{
	uint8_t reversed[4096];
	uint32_t crc = ~reverse(reg);

	for (size_t n; len > 0; data += n, len -= n) {
		n = len < sizeof reversed ? len : sizeof reversed;
		reverse_bytes(reversed, data, n);
		crc = ccp_crc32(crc, reversed, n);
	}
	return reverse(~crc);
}
#endif

static void cksum_update(void *state, const uint8_t *data, size_t len)
{
	struct ccp_digest_sum *crc = state;

	crc->sum = cksum(crc->sum, data, len);
	crc->len += len;
}

static uint32_t cksum_part(const uint8_t *data, size_t len)
{
	return cksum(0, data, len);
}

static uint32_t cksum_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
	return reverse(ccp_crc32_combine(reverse(a), reverse(b), len_b));
}

/* The length follows the data, the lowest byte first, without zeros at its end. */
static void cksum_seal(uint32_t sum, uint64_t len, uint8_t *out)
{
	uint8_t tail[8];
	size_t n = 0;

	for (; len > 0; len >>= 8)
		tail[n++] = (uint8_t)len;
	ccp_digest_big_endian(~cksum(sum, tail, n), out);
}

static void cksum_finish(void *state, uint8_t *out)
{
	struct ccp_digest_sum *crc = state;

	cksum_seal(crc->sum, crc->len, out);
}

const struct ccp_digest_ops ccp_digest_cksum = {
	.name = "cksum",
	.tag = "CKSUM",
	.help = "the CRC of the command cksum, which counts in the length (POSIX)",
	.bytes = 4,
	.combines = true,
	.decimal = true,
	.state_bytes = sizeof(struct ccp_digest_sum),
	.start = start,
	.update = cksum_update,
	.finish = cksum_finish,
	.part = cksum_part,
	.combine = cksum_combine,
	.seal = cksum_seal,
};
