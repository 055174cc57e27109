/*
 * digest.h: checksums and message digests, each from a kept library, as plain data that can be handed on.
 *
 * A state has no pointer to anything but constants of a library: another thread, and another process that was forked
 * from this one, may go on with it. So a digest over the pieces of a file can be shared like any sequential work, under
 * every strategy. Those that combine (CRCs, Adler-32) need not even be in sequence: pieces are summed on their own, and
 * the sums put together.
 */
#ifndef CCP_PIPELINE_CODEC_DIGEST_H
#define CCP_PIPELINE_CODEC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCP_DIGEST_MAX_BYTES 64        /* of the longest one */
#define CCP_DIGEST_STATE_ALIGN 64      /* of every state, and of every copy that goes on */
#define CCP_DIGEST_STATE_MAX_BYTES 576 /* of the largest state */

/*
 * One algorithm. Const, static. All calls are for any thread, one caller at a time for a state.
 *
 * start    makes a state; `bytes` is the length of the digest: `bytes` of the algorithm, or less, from 1, where
 *          `any_length` is set (BLAKE2b).
 * update   continues over data[0, len); len may be 0, and data NULL then.
 * finish   writes the digest to out[0, bytes), in the order in which its bytes are printed: numbers, which the CRCs,
 *          Adler-32 and xxHash are, most significant byte first. The state is used up.
 * part     for one that combines: the sum of data[0, len) alone, which for no bytes is the sum to begin with; combine:
 *          that of A followed by B from the sum of each and the length of B; seal: the digest from the sum of a whole
 *          input and its length (cksum counts that in). A sum is a digest's number only after seal.
 *          NULL for the others. start, update and finish work for these as well.
 *
 * Where probe gives a reason there are no calls, and state_bytes is 0, or they must not be used.
 */
struct ccp_digest_ops {
	const char *name; /* "sha256", as an option's value and a command's name */
	const char *tag;  /* "SHA256", of a line with --tag */
	const char *help; /* one line */
	size_t bytes;
	bool any_length;
	bool combines;
	bool decimal; /* written as POSIX has cksum: a number, the length, the name; no tag */
	size_t state_bytes;
	/* NULL if it can be had, else the reason why not (a constant): the library that is missing. May be NULL. */
	const char *(*probe)(void);
	void (*start)(void *state, size_t bytes);
	void (*update)(void *state, const uint8_t *data, size_t len);
	void (*finish)(void *state, uint8_t *out);
	uint32_t (*part)(const uint8_t *data, size_t len);
	uint32_t (*combine)(uint32_t a, uint32_t b, uint64_t len_b);
	void (*seal)(uint32_t sum, uint64_t len, uint8_t *out);
};

/*
 * All of them, ended by NULL, built in or not: sha256 sha224 sha512 sha384 sha1 md5 blake2b crc32 crc32c adler32 xxh64
 * xxh3 xxh128 cksum.
 */
extern const struct ccp_digest_ops *const ccp_digests[];

/* Finds an algorithm by its name, or by its tag; case does not matter. NULL if there is none. */
const struct ccp_digest_ops *ccp_digest_find(const char *name, size_t len);

#endif
