/*
 * digest_blake2.c: BLAKE2b of any length, without a key, from libb2.
 *
 * Measured on a Zen 4 core with 4 KiB and 1 MiB: libb2 574 MB/s (it takes its AVX code, which is slower there than its
 * plain C code with 1030), EVP of OpenSSL 3.0 1245 and 1278. EVP has only the full length, and contexts that cannot be
 * handed on.
 */
#include "pipeline/codec/digest_internal.h"

#ifdef CCP_HAVE_B2
#include <blake2.h>
#include <stdlib.h>

/* The library wants to be told the length again at the end. */
struct blake2 {
	blake2b_state library;
	size_t bytes;
};

_Static_assert(sizeof(struct blake2) <= CCP_DIGEST_STATE_MAX_BYTES, "a state");
_Static_assert(BLAKE2B_OUTBYTES <= CCP_DIGEST_MAX_BYTES, "a digest");

static void blake2b_start(void *state, size_t bytes)
{
	struct blake2 *blake2 = state;

	if (blake2b_init(&blake2->library, bytes) != 0)
		abort(); /* no such length */
	blake2->bytes = bytes;
}

static void blake2b_continue(void *state, const uint8_t *data, size_t len)
{
	struct blake2 *blake2 = state;

	if (len > 0)
		blake2b_update(&blake2->library, data, len);
}

static void blake2b_finish(void *state, uint8_t *out)
{
	struct blake2 *blake2 = state;

	blake2b_final(&blake2->library, out, blake2->bytes);
}
#else
static const char *probe(void)
{
	return "not built: libb2 is missing";
}
#endif

const struct ccp_digest_ops ccp_digest_blake2b = {
	.name = "blake2b",
	.tag = "BLAKE2b",
	.help = "BLAKE2b, 512 bits or less (RFC 7693)",
	.bytes = 64,
	.any_length = true,
#ifdef CCP_HAVE_B2
	.state_bytes = sizeof(struct blake2),
	.start = blake2b_start,
	.update = blake2b_continue,
	.finish = blake2b_finish,
#else
	.probe = probe,
#endif
};
