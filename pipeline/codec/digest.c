/*
 * digest.c: the table of digests, and the search in it.
 */
#include "pipeline/codec/digest.h"

#include <string.h>
#include <strings.h>

#include "pipeline/codec/digest_internal.h"

const struct ccp_digest_ops *const ccp_digests[] = {
	&ccp_digest_sha256,  &ccp_digest_sha224, &ccp_digest_sha512, &ccp_digest_sha384,  &ccp_digest_sha1,
	&ccp_digest_md5,     &ccp_digest_blake2b, &ccp_digest_crc32, &ccp_digest_crc32c, &ccp_digest_adler32,
	&ccp_digest_xxh64,   &ccp_digest_xxh3,   &ccp_digest_xxh128, &ccp_digest_cksum,  NULL,
};

static bool same(const char *word, const char *name, size_t len)
{
	return strlen(word) == len && strncasecmp(word, name, len) == 0;
}

const struct ccp_digest_ops *ccp_digest_find(const char *name, size_t len)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++)
		if (same((*ops)->name, name, len) || same((*ops)->tag, name, len))
			return *ops;
	return NULL;
}
