/*
 * deflate_engine.h: what deflate.c asks of a compression library; private to pipeline/codec.
 */
#ifndef CCP_PIPELINE_CODEC_DEFLATE_ENGINE_H
#define CCP_PIPELINE_CODEC_DEFLATE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One library. `level` is the library's own.
 *
 * open   returns the library's state or NULL.
 * bytes  memory of that state.
 * encode writes raw deflate of in[0, len) to out[0, room) as ccp_deflate_chunk describes it. Returns the bytes written,
 *        or 0 if they do not fit or the library gave up: the caller then stores the chunk. `len` is not 0.
 */
struct ccp_deflate_engine {
	void *(*open)(int level);
	size_t (*bytes)(int level);
	size_t (*encode)(void *state, const uint8_t *in, size_t len, bool last, uint8_t *out, size_t room);
	void (*close)(void *state);
};

extern const struct ccp_deflate_engine ccp_deflate_engine_zlib;
#ifdef CCP_HAVE_LIBDEFLATE
extern const struct ccp_deflate_engine ccp_deflate_engine_libdeflate;
#endif
#ifdef CCP_HAVE_ISAL
extern const struct ccp_deflate_engine ccp_deflate_engine_isal;
#endif

#endif
