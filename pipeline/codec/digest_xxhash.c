/*
 * digest_xxhash.c: XXH64, and XXH3 with 64 and 128 bits, all with the seed 0, from libxxhash.
 *
 * The states are open only to those who ask for what is not promised from one version to the next, and then one of
 * another series than that of the header is refused. XXH3's has one pointer, to the secret: without a seed that is the
 * library's constant.
 *
 * libxxhash as Debian builds it has XXH3 a second time for the vectors of the CPU at hand, under other names. Measured
 * on a Zen 4 core, GB/s over 1 MiB in the cache, and over 256 MiB: SSE2 18 and 17, AVX-512 74 and 19. XXH64: 19.
 */
#include "pipeline/codec/digest_internal.h"

#ifdef CCP_HAVE_XXHASH
#define XXH_STATIC_LINKING_ONLY /* the structs */
#include <xxhash.h>
#ifdef CCP_HAVE_XXHASH_DISPATCH
#include <xxh_x86dispatch.h> /* makes XXH3_64bits_update and the like mean those */
#endif

_Static_assert(sizeof(XXH64_state_t) <= CCP_DIGEST_STATE_MAX_BYTES, "a state");
_Static_assert(sizeof(XXH3_state_t) <= CCP_DIGEST_STATE_MAX_BYTES, "a state");
_Static_assert(_Alignof(XXH3_state_t) <= CCP_DIGEST_STATE_ALIGN, "a state");

static const char *probe(void)
{
	bool same = XXH_versionNumber() / 100 == XXH_VERSION_NUMBER / 100;

	return same ? NULL : "libxxhash is of another series than at the build";
}

static void xxh64_start(void *state, size_t bytes)
{
	(void)bytes;
	XXH64_reset(state, 0);
}

static void xxh64_update(void *state, const uint8_t *data, size_t len)
{
	if (len > 0)
		XXH64_update(state, data, len);
}

static void write_64(XXH64_hash_t hash, uint8_t *out)
{
	XXH64_canonicalFromHash((XXH64_canonical_t *)out, hash); /* an array of bytes */
}

static void xxh64_finish(void *state, uint8_t *out)
{
	write_64(XXH64_digest(state), out);
}

static void xxh3_start(void *state, size_t bytes)
{
	(void)bytes;
	XXH3_64bits_reset(state);
}

static void xxh3_update(void *state, const uint8_t *data, size_t len)
{
	if (len > 0)
		XXH3_64bits_update(state, data, len);
}

static void xxh3_finish(void *state, uint8_t *out)
{
	write_64(XXH3_64bits_digest(state), out);
}

static void xxh128_start(void *state, size_t bytes)
{
	(void)bytes;
	XXH3_128bits_reset(state);
}

static void xxh128_update(void *state, const uint8_t *data, size_t len)
{
	if (len > 0)
		XXH3_128bits_update(state, data, len);
}

static void xxh128_finish(void *state, uint8_t *out)
{
	XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits_digest(state)); /* an array of bytes */
}

#define CALLS(id, state) \
	.probe = probe, .state_bytes = sizeof(state), .start = id##_start, .update = id##_update, .finish = id##_finish
#else
static const char *probe(void)
{
	return "not built: libxxhash is missing";
}

#define CALLS(id, state) .probe = probe
#endif

const struct ccp_digest_ops ccp_digest_xxh64 = {
	.name = "xxh64",
	.tag = "XXH64",
	.help = "xxHash with 64 bits; not against tampering",
	.bytes = 8,
	CALLS(xxh64, XXH64_state_t),
};

const struct ccp_digest_ops ccp_digest_xxh3 = {
	.name = "xxh3",
	.tag = "XXH3",
	.help = "XXH3 with 64 bits; not against tampering",
	.bytes = 8,
	CALLS(xxh3, XXH3_state_t),
};

const struct ccp_digest_ops ccp_digest_xxh128 = {
	.name = "xxh128",
	.tag = "XXH128",
	.help = "XXH3 with 128 bits; not against tampering",
	.bytes = 16,
	CALLS(xxh128, XXH3_state_t),
};
