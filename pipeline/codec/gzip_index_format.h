/*
 * gzip_index_format.h: what the bytes of gztool's index are, for its reader and its writer. All numbers are big-endian.
 *
 *   magic                      8 zero bytes, "gzipind", 'x', or 'X' for the kind with lines
 *   line format                32 bits, 'X' only: the newline is 0 = \n, 1 = \r
 *   places, places once more   64 bits each; the first is 0 while the index is not complete
 *   places                     see below
 *   decoded bytes              64 bits
 *   lines                      64 bits, 'X' only; the last counts even if no newline ends it
 *
 * A place is: decoded bytes before it, and offset in the file, of the first whole byte, 64 bits each; bits before that
 * byte, and length of what follows, 32 bits each; the window before it, compressed by zlib, or nothing; number of the
 * line that it is in, counted from 1, 64 bits, 'X' only. The first place is the first block of the file.
 *
 * Source: gztool 1.5.1 and what it writes.
 */
#ifndef CCP_PIPELINE_CODEC_GZIP_INDEX_FORMAT_H
#define CCP_PIPELINE_CODEC_GZIP_INDEX_FORMAT_H

#include <stdint.h>

#include "pipeline/codec/inflate.h"

#define CCP_INDEX_MAGIC_BYTES 15u /* without the kind */
#define CCP_INDEX_MAGIC "\0\0\0\0\0\0\0\0gzipind"
#define CCP_INDEX_HEADER_BYTES 36u /* of the kind with lines, to the first place */
#define CCP_INDEX_PLACE_BYTES 24u  /* without window and line */
/* The longest compressed window there is: what zlib may need, and some to spare for other ways to compress. */
#define CCP_INDEX_PACKED_MAX (CCP_INFLATE_WINDOW + 1024u)

static inline uint64_t ccp_be_get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* Returns the end of what it has put. */
static inline uint8_t *ccp_be_put(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, v >>= 8)
		p[i - 1] = (uint8_t)v;
	return p + bytes;
}

#endif
