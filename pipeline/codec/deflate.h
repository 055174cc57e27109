/*
 * deflate.h: compresses one chunk to raw deflate, independently of any other chunk.
 *
 * Which library does a level is one table in deflate.c. The bytes depend on the level, the chunk and the libraries that
 * were built in, and on nothing else.
 */
#ifndef CCP_PIPELINE_CODEC_DEFLATE_H
#define CCP_PIPELINE_CODEC_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"

#define CCP_DEFLATE_MIN_LEVEL 1
#define CCP_DEFLATE_MAX_LEVEL 12

struct ccp_deflate; /* opaque: one compressor with all its memory */

/*
 * The largest output for `len` bytes, of any level and library: stored blocks and a margin that engines may write into.
 * Units: bytes. Source: RFC 1951, section 3.2.4.
 */
size_t ccp_deflate_bound(size_t len);

/* Bytes that ccp_deflate_open allocates for a level, the library's own memory included (measured). */
size_t ccp_deflate_state_bytes(int level);

/* The name of the library and its level behind a level, "libdeflate 6" say; a constant. */
const char *ccp_deflate_engine(int level);

/*
 * Opens a compressor for a level of 1 to 12.
 * Errors: CCP_E_NO_MEMORY, CCP_E_USAGE. Memory: returned; released by ccp_deflate_close.
 */
int ccp_deflate_open(struct ccp_deflate **deflate, int level, struct ccp_err *err);

/*
 * Appends the compressed form of in[0, len) to `out`; what does not compress is stored, at the speed of memory.
 * Shape: with `last` the stream ends (BFINAL); otherwise it ends on a byte boundary and another one may follow. No
 * bytes come out for an empty chunk that is not the last.
 * Errors: CCP_E_OTHER if `out` has less room than ccp_deflate_bound(len) or an engine fails.
 * Threads: one caller at a time. Memory: `in` is borrowed.
 */
int ccp_deflate_chunk(struct ccp_deflate *deflate, const uint8_t *in, size_t len, bool last, struct ccp_buf *out,
		      struct ccp_err *err);

void ccp_deflate_close(struct ccp_deflate *deflate);

#endif
