/*
 * deflate_zlib.c: the engine that is always there. One stream is reset for each chunk; a chunk that is not the last
 * ends with an empty stored block (a full flush), which is on a byte boundary.
 */
#include <stdlib.h>

#include <zlib.h>

#include "pipeline/codec/deflate_engine.h"

static void *zlib_open(int level)
{
	z_stream *z = calloc(1, sizeof *z);

	if (z && deflateInit2(z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static size_t zlib_bytes(int level)
{
	(void)level;
	/* zconf.h: (1 << (windowBits + 2)) + (1 << (memLevel + 9)) plus about 7 KiB for the state itself */
	return (1u << 17) + (1u << 17) + 8192 + sizeof(z_stream);
}

static size_t zlib_encode(void *state, const uint8_t *in, size_t len, bool last, uint8_t *out, size_t room)
{
	z_stream *z = state;
	int status;

	if (len > UINT32_MAX || room > UINT32_MAX || deflateReset(z) != Z_OK)
		return 0;
	z->next_in = (Bytef *)(uintptr_t)in;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)room;
	status = deflate(z, last ? Z_FINISH : Z_FULL_FLUSH);
	if (z->avail_in > 0 || z->avail_out == 0 || status != (last ? Z_STREAM_END : Z_OK))
		return 0;
	return room - z->avail_out;
}

static void zlib_close(void *state)
{
	z_stream *z = state;

	deflateEnd(z);
	free(z);
}

const struct ccp_deflate_engine ccp_deflate_engine_zlib = {
	.open = zlib_open,
	.bytes = zlib_bytes,
	.encode = zlib_encode,
	.close = zlib_close,
};
