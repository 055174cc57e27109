/*
 * bgzf.c: a block is a gzip member whose header has one extra field, "BC", with the length of the block less one. The
 * header is written first and the length filled in afterwards; 65280 bytes and stored blocks fit into 64 KiB.
 */
#include "pipeline/codec/bgzf.h"

#include "pipeline/codec/crc.h"
#include "pipeline/codec/gzip_header.h"

#define SIZE_AT 16u /* of the length in the header */

/* No name, no time, operating system unknown: the bytes that bgzip writes. */
static const uint8_t header[CCP_BGZF_HEADER_BYTES] = {
	0x1f, 0x8b, 8, CCP_GZIP_FEXTRA, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2, 0,
};

size_t ccp_bgzf_bound(size_t len)
{
	size_t each = CCP_BGZF_HEADER_BYTES + ccp_deflate_bound(CCP_BGZF_BLOCK_BYTES) + CCP_GZIP_TRAILER_BYTES;
	size_t blocks = (len + CCP_BGZF_BLOCK_BYTES - 1) / CCP_BGZF_BLOCK_BYTES;

	return blocks * each + CCP_BGZF_END_BYTES;
}

int ccp_bgzf_block_put(struct ccp_deflate *deflate, const uint8_t *in, size_t len, struct ccp_buf *out,
		       struct ccp_err *err)
{
	size_t start = out->len, size;

	if (ccp_buf_room(out) < CCP_BGZF_HEADER_BYTES + ccp_deflate_bound(len) + CCP_GZIP_TRAILER_BYTES)
		return ccp_err_set(err, CCP_E_OTHER, "room for %zu bytes is not enough for a block", ccp_buf_room(out));
	ccp_buf_append(out, header, sizeof header);
	if (ccp_deflate_chunk(deflate, in, len, true, out, err))
		return -1;
	ccp_gzip_trailer_put(out, ccp_crc32(0, in, len), len);
	size = out->len - start - 1;
	if (size > UINT16_MAX)
		return ccp_err_set(err, CCP_E_OTHER, "a block of %zu bytes is too long", size + 1);
	out->data[start + SIZE_AT] = (uint8_t)size;
	out->data[start + SIZE_AT + 1] = (uint8_t)(size >> 8);
	return 0;
}

void ccp_bgzf_end_put(struct ccp_buf *out)
{
	static const uint8_t rest[CCP_BGZF_END_BYTES - SIZE_AT] = { CCP_BGZF_END_BYTES - 1, 0, 3 };

	ccp_buf_append(out, header, SIZE_AT);
	ccp_buf_append(out, rest, sizeof rest);
}
