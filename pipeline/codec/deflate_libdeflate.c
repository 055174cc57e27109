/*
 * deflate_libdeflate.c: libdeflate, which compresses best for its speed.
 *
 * It always marks its last block as final and pads to a byte. In a chunk that is not the last the final bit has to
 * go: a walk over the codes finds where that block's header is. If the stream then ends within a byte, an empty
 * stored block (three zero bits, padding, 00 00 FF FF) leads to the boundary.
 */
#include "pipeline/codec/deflate_engine.h"

#ifdef CCP_HAVE_LIBDEFLATE

#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "pipeline/codec/deflate_walk.h"

#define ALIGNING_BYTES 5u /* the most that the empty stored block adds */

struct state {
	struct libdeflate_compressor *compressor;
	struct ccp_walk walk;
};

static void *libdeflate_open(int level)
{
	struct state *s = malloc(sizeof *s);

	if (!s)
		return NULL;
	s->compressor = libdeflate_alloc_compressor(level);
	if (!s->compressor) {
		free(s);
		return NULL;
	}
	return s;
}

/* What libdeflate 1.14 allocates, measured with mallinfo2; it does not tell. */
static size_t libdeflate_bytes(int level)
{
	size_t compressor = level == 1 ? 204800 : level < 10 ? 671744 : 9011200;

	return sizeof(struct state) + compressor;
}

/* Makes the stream out[0, n) not final and ends it on a byte boundary. Returns its new length, 0 on an error. */
static size_t unfinish(struct ccp_walk *walk, uint8_t *out, size_t n)
{
	struct ccp_walk_result found;
	struct ccp_err err;

	if (ccp_deflate_walk(walk, out, n, &found, &err) || (found.end_bit + 7) / 8 != n)
		return 0;
	out[found.last_header_bit / 8] &= (uint8_t)~(1u << (found.last_header_bit & 7));
	if (found.end_bit % 8 == 0)
		return n;
	/* The three zero bits of the header fit into this byte's padding, or reach into another byte. */
	if (found.end_bit % 8 > 5)
		out[n++] = 0;
	memcpy(out + n, "\0\0\xff\xff", 4);
	return n + 4;
}

static size_t libdeflate_encode(void *state, const uint8_t *in, size_t len, bool last, uint8_t *out, size_t room)
{
	struct state *s = state;
	size_t n;

	if (room <= ALIGNING_BYTES)
		return 0;
	n = libdeflate_deflate_compress(s->compressor, in, len, out, room - ALIGNING_BYTES);
	return n == 0 || last ? n : unfinish(&s->walk, out, n);
}

static void libdeflate_close(void *state)
{
	struct state *s = state;

	libdeflate_free_compressor(s->compressor);
	free(s);
}

const struct ccp_deflate_engine ccp_deflate_engine_libdeflate = {
	.open = libdeflate_open,
	.bytes = libdeflate_bytes,
	.encode = libdeflate_encode,
	.close = libdeflate_close,
};

#endif
