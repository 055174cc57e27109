/*
 * guess_help.h: zlib as the oracle of a decoding that begins in the middle, for the unit test and the fuzzer.
 */
#ifndef CCP_TESTS_UNIT_GUESS_HELP_H
#define CCP_TESTS_UNIT_GUESS_HELP_H

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "pipeline/codec/inflate_guess.h"

/* What zlib makes of in[0, in_len) from bit `bit` on. */
struct oracle {
	int status;     /* Z_STREAM_END, Z_DATA_ERROR, Z_OK: the room is full, or Z_BUF_ERROR: wants input */
	size_t out_len;
	size_t in_used; /* of in, from the byte that has the first bit */
};

/* window[0, window_len) is what comes before. Returns false if zlib has no memory. */
static inline bool oracle_run(struct oracle *oracle, const uint8_t *in, size_t in_len, uint64_t bit, uint8_t *out,
			      size_t out_cap, const uint8_t *window, size_t window_len)
{
	z_stream z = { 0 };
	const uint8_t *first = in + bit / 8;
	unsigned skip = bit & 7;
	uint8_t none;

	if (inflateInit2(&z, -15) != Z_OK)
		return false;
	z.next_in = first;
	z.avail_in = (uInt)(in_len - bit / 8);
	if (skip) {
		inflatePrime(&z, (int)(8 - skip), *first >> skip);
		z.next_in++;
		z.avail_in--;
	}
	if (window_len > 0)
		inflateSetDictionary(&z, window, (uInt)window_len);
	z.next_out = out_cap ? out : &none;
	z.avail_out = (uInt)out_cap;
	do {
		oracle->status = inflate(&z, Z_NO_FLUSH);
	} while (oracle->status == Z_OK && z.avail_out > 0);
	oracle->out_len = out_cap - z.avail_out;
	oracle->in_used = (size_t)(z.next_in - first);
	inflateEnd(&z);
	return true;
}

#endif
