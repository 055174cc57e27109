/*
 * bgzf.h: blocked gzip, as bgzip writes it and samtools and tabix read it: members of at most 64 KiB, each of which
 * tells its own length, so that a reader can go from one to the next, or to any of them.
 */
#ifndef CCP_PIPELINE_CODEC_BGZF_H
#define CCP_PIPELINE_CODEC_BGZF_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/codec/deflate.h"
#include "pipeline/err.h"

/* Content of a block: as bgzip cuts it, and so that it fits when it has to be stored. */
#define CCP_BGZF_BLOCK_BYTES 65280u
#define CCP_BGZF_HEADER_BYTES 18u
#define CCP_BGZF_END_BYTES 28u

/* Room for `len` bytes cut into blocks, with the end marker. Units: bytes. */
size_t ccp_bgzf_bound(size_t len);

/*
 * Appends one block with in[0, len), which is at most CCP_BGZF_BLOCK_BYTES long. Its deflate stream lies between the
 * header and CCP_GZIP_TRAILER_BYTES at its end.
 * Errors: as ccp_deflate_chunk's. Threads: one caller at a time for a compressor. Memory: `in` is borrowed.
 * Source: SAM specification, section 4.1.
 */
int ccp_bgzf_block_put(struct ccp_deflate *deflate, const uint8_t *in, size_t len, struct ccp_buf *out,
		       struct ccp_err *err);

/* Appends the empty block that says that a file is not cut short. The caller has room for CCP_BGZF_END_BYTES. */
void ccp_bgzf_end_put(struct ccp_buf *out);

/*
 * Goes through the file `fd`, which is blocked gzip from its beginning to its end, and writes into `to` the index that
 * bgzip keeps in FILE.gzi: the number of blocks but the first, and for each of them two offsets of where it begins, of
 * the file and of the content. Empty blocks are left out.
 * Shape: a block costs one read of 22 bytes, whatever its length. Units: 64-bit little-endian numbers.
 * Errors: CCP_E_SYS; CCP_E_FORMAT with the offset if there is something else than a block; what was written is of no
 * use then. Threads: any; the places in the files are its own. Memory: the descriptors are borrowed; `to` is empty.
 * Source: bgzip(1), GZI FORMAT.
 */
int ccp_bgzf_index(int fd, int to, struct ccp_err *err);

#endif
