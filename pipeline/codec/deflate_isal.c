/*
 * deflate_isal.c: ISA-L's level 3, the fastest engine (deflate.c tells why not its others).
 *
 * The stream is initialised for each chunk, so that no byte depends on an earlier one. A chunk that is not the last is
 * flushed, which ends it on a byte boundary with an empty stored block.
 */
#include "pipeline/codec/deflate_engine.h"

#ifdef CCP_HAVE_ISAL

#include <stdlib.h>

#include <isa-l/igzip_lib.h>

#define ALIGN 64u

struct isal {
	struct isal_zstream stream;
	int level;
	uint8_t *buf;
};

static size_t round_up(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

#define BUF_BYTES ((size_t)(ISAL_DEF_LVL3_DEFAULT)) /* enough for any level */

static size_t isal_bytes(int level)
{
	(void)level;
	return round_up(sizeof(struct isal)) + round_up(BUF_BYTES);
}

static void *isal_open(int level)
{
	struct isal *s = aligned_alloc(ALIGN, isal_bytes(level));

	if (!s)
		return NULL;
	s->level = level;
	s->buf = (uint8_t *)s + round_up(sizeof *s);
	return s;
}

static size_t isal_encode(void *state, const uint8_t *in, size_t len, bool last, uint8_t *out, size_t room)
{
	struct isal *s = state;
	struct isal_zstream *z = &s->stream;

	if (len > UINT32_MAX || room > UINT32_MAX)
		return 0;
	isal_deflate_init(z);
	z->level = (uint32_t)s->level;
	z->level_buf = s->buf;
	z->level_buf_size = (uint32_t)BUF_BYTES;
	z->flush = last ? NO_FLUSH : FULL_FLUSH;
	z->end_of_stream = last;
	z->next_in = (uint8_t *)(uintptr_t)in;
	z->avail_in = (uint32_t)len;
	z->next_out = out;
	z->avail_out = (uint32_t)room;
	if (isal_deflate(z) != COMP_OK || z->avail_in > 0 || z->avail_out == 0)
		return 0;
	if (z->internal_state.state != (last ? ZSTATE_END : ZSTATE_NEW_HDR))
		return 0;
	return room - z->avail_out;
}

const struct ccp_deflate_engine ccp_deflate_engine_isal = {
	.open = isal_open,
	.bytes = isal_bytes,
	.encode = isal_encode,
	.close = free,
};

#endif
