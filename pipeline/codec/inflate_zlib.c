/*
 * inflate_zlib.c: the streaming decoder with zlib, when ISA-L was not built in.
 *
 * zlib's two allocations come from a block inside the state, so that all of its pointers point into the state.
 */
#include "pipeline/codec/inflate.h"

#ifndef CCP_HAVE_ISAL

#include <zlib.h>

#define STEP_MAX (1u << 30)
#define POOL_BYTES (48u << 10) /* a window of 32 KiB and 7 KiB of state; other zlibs want a little more */

struct ccp_inflate {
	z_stream z;
	bool usable;
	size_t used;
	uint8_t pool[POOL_BYTES] __attribute__((aligned(CCP_INFLATE_ALIGN)));
};

size_t ccp_inflate_bytes(void)
{
	return sizeof(struct ccp_inflate);
}

static voidpf take(voidpf opaque, uInt items, uInt size)
{
	struct ccp_inflate *state = opaque;
	size_t n = ((size_t)items * size + CCP_INFLATE_ALIGN - 1) / CCP_INFLATE_ALIGN * CCP_INFLATE_ALIGN;

	if (n > POOL_BYTES - state->used)
		return Z_NULL;
	state->used += n;
	return state->pool + state->used - n;
}

static void forget(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

void ccp_inflate_start(struct ccp_inflate *state, bool fresh)
{
	if (!fresh && state->usable) {
		inflateReset(&state->z);
		return;
	}
	state->z = (z_stream){ .zalloc = take, .zfree = forget, .opaque = state };
	state->used = 0;
	state->usable = inflateInit2(&state->z, -MAX_WBITS) == Z_OK;
}

enum ccp_inflate_status ccp_inflate_step(struct ccp_inflate *state, struct ccp_inflate_io *io)
{
	z_stream *z = &state->z;

	io->held_len = 0;
	io->wrong = NULL;
	io->before = 0;
	if (!state->usable)
		return CCP_INFLATE_NO_MEMORY;
	for (;;) {
		uInt in_len = io->in_len < STEP_MAX ? (uInt)io->in_len : STEP_MAX;
		uInt out_len = io->out_len < STEP_MAX ? (uInt)io->out_len : STEP_MAX;
		int status;

		z->next_in = (Bytef *)(uintptr_t)io->in;
		z->avail_in = in_len;
		z->next_out = io->out;
		z->avail_out = out_len;
		status = inflate(z, Z_NO_FLUSH);
		io->in += in_len - z->avail_in;
		io->in_len -= in_len - z->avail_in;
		io->out += out_len - z->avail_out;
		io->out_len -= out_len - z->avail_out;
		z->next_in = z->next_out = NULL;
		if (status == Z_STREAM_END)
			return CCP_INFLATE_END;
		if (status == Z_MEM_ERROR) {
			state->usable = false;
			return CCP_INFLATE_NO_MEMORY;
		}
		if (status != Z_OK && status != Z_BUF_ERROR) {
			io->wrong = z->msg ? z->msg : "invalid data";
			return CCP_INFLATE_ERROR;
		}
		if (io->out_len == 0)
			return CCP_INFLATE_OUTPUT;
		if (io->in_len == 0)
			return CCP_INFLATE_INPUT;
		if (status == Z_BUF_ERROR) {
			io->wrong = "no progress";
			return CCP_INFLATE_ERROR;
		}
	}
}

#endif
