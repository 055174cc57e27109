/*
 * digest_crypto.c: SHA-2, SHA-1 and MD5 from OpenSSL's libcrypto.
 *
 * By the calls of each algorithm, not by EVP: their contexts are plain structs, where those of EVP are opaque, on the
 * heap, and of no use to another process. OpenSSL 3 marks these calls as deprecated, but has nothing in their place
 * that can be handed on. They run the same code, with the SHA instructions of the CPU. Measured on a Zen 4 core, MB/s:
 *
 *              64 bytes         4 KiB             1 MiB
 *              EVP   these      EVP     these     EVP     these
 *   sha256     549     850      1788     1775     1797     1800
 *   sha512     347     432      1010      966      966     1086
 *   sha1       599    1140      1846     1903     1913     1906
 *   md5        309     364       751      750      762      779
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pipeline/codec/digest_internal.h"

#ifdef CCP_HAVE_CRYPTO
#include <openssl/md5.h>
#include <openssl/sha.h>

/* No call fails: the contexts have nothing to run out of. */
#define DEFINE_CALLS(id, context, library)                                      \
	_Static_assert(sizeof(context) <= CCP_DIGEST_STATE_MAX_BYTES, #id);     \
	static void id##_start(void *state, size_t bytes)                       \
	{                                                                       \
		(void)bytes;                                                    \
		library##_Init(state);                                          \
	}                                                                       \
	static void id##_update(void *state, const uint8_t *data, size_t len)   \
	{                                                                       \
		library##_Update(state, data, len);                             \
	}                                                                       \
	static void id##_finish(void *state, uint8_t *out)                      \
	{                                                                       \
		library##_Final(out, state);                                    \
	}

DEFINE_CALLS(sha256, SHA256_CTX, SHA256)
DEFINE_CALLS(sha224, SHA256_CTX, SHA224)
DEFINE_CALLS(sha512, SHA512_CTX, SHA512)
DEFINE_CALLS(sha384, SHA512_CTX, SHA384)
DEFINE_CALLS(sha1, SHA_CTX, SHA1)
DEFINE_CALLS(md5, MD5_CTX, MD5)

#define CALLS(id, context) \
	.state_bytes = sizeof(context), .start = id##_start, .update = id##_update, .finish = id##_finish
#else
static const char *probe(void)
{
	return "not built: libcrypto is missing";
}

#define CALLS(id, context) .probe = probe
#endif

const struct ccp_digest_ops ccp_digest_sha256 = {
	.name = "sha256",
	.tag = "SHA256",
	.help = "SHA-2 with 256 bits (FIPS 180-4)",
	.bytes = 32,
	CALLS(sha256, SHA256_CTX),
};

const struct ccp_digest_ops ccp_digest_sha224 = {
	.name = "sha224",
	.tag = "SHA224",
	.help = "SHA-2 with 224 bits (FIPS 180-4)",
	.bytes = 28,
	CALLS(sha224, SHA256_CTX),
};

const struct ccp_digest_ops ccp_digest_sha512 = {
	.name = "sha512",
	.tag = "SHA512",
	.help = "SHA-2 with 512 bits (FIPS 180-4)",
	.bytes = 64,
	CALLS(sha512, SHA512_CTX),
};

const struct ccp_digest_ops ccp_digest_sha384 = {
	.name = "sha384",
	.tag = "SHA384",
	.help = "SHA-2 with 384 bits (FIPS 180-4)",
	.bytes = 48,
	CALLS(sha384, SHA512_CTX),
};

const struct ccp_digest_ops ccp_digest_sha1 = {
	.name = "sha1",
	.tag = "SHA1",
	.help = "SHA-1, 160 bits (FIPS 180-4); broken: not against tampering",
	.bytes = 20,
	CALLS(sha1, SHA_CTX),
};

const struct ccp_digest_ops ccp_digest_md5 = {
	.name = "md5",
	.tag = "MD5",
	.help = "MD5, 128 bits (RFC 1321); broken: not against tampering",
	.bytes = 16,
	CALLS(md5, MD5_CTX),
};
