/*
 * deflate.c: the table of levels, and stored blocks for what does not compress.
 *
 * A chunk goes to the engine of its level with room for exactly as much as stored blocks would take. If that is not
 * enough the chunk is stored, so the bound holds for every library and every input.
 *
 * The table was chosen by measurement against pigz 2.6 on 256 MiB of source text and 256 MiB of binaries in chunks of
 * 1 MiB: no level may give more bytes than pigz at that level (1 % tolerance), and then the fastest engine wins.
 * ISA-L's level 1 is left out although it is fast: its bytes depend on the address of its state now and then.
 */
#include "pipeline/codec/deflate.h"

#include <stdlib.h>

#include "pipeline/codec/deflate_engine.h"

#define STORED_MAX 65535u
#define STORED_HEADER 5u
#define MARGIN 64u /* engines may be told of this much more room than stored blocks need */

struct ccp_deflate {
	const struct ccp_deflate_engine *engine;
	void *state;
};

struct level {
	const struct ccp_deflate_engine *engine;
	int level;
	const char *name;
};

#define ZLIB(n) { &ccp_deflate_engine_zlib, n, "zlib " #n }
#ifdef CCP_HAVE_LIBDEFLATE
#define LIBDEFLATE(n, zlib) { &ccp_deflate_engine_libdeflate, n, "libdeflate " #n }
#else
#define LIBDEFLATE(n, zlib) zlib
#endif
#ifdef CCP_HAVE_ISAL
#define ISAL(n, other) { &ccp_deflate_engine_isal, n, "ISA-L " #n }
#else
#define ISAL(n, other) other
#endif

static const struct level levels[CCP_DEFLATE_MAX_LEVEL + 1] = {
	[1] = ISAL(2, LIBDEFLATE(1, ZLIB(1))),
	[2] = ISAL(3, LIBDEFLATE(1, ZLIB(2))),
	[3] = LIBDEFLATE(1, ZLIB(3)),
	[4] = LIBDEFLATE(4, ZLIB(4)),
	[5] = LIBDEFLATE(5, ZLIB(5)),
	[6] = LIBDEFLATE(6, ZLIB(6)),
	[7] = LIBDEFLATE(7, ZLIB(7)),
	[8] = LIBDEFLATE(8, ZLIB(8)),
	[9] = LIBDEFLATE(9, ZLIB(9)),
	[10] = LIBDEFLATE(10, ZLIB(9)),
	[11] = LIBDEFLATE(11, ZLIB(9)),
	[12] = LIBDEFLATE(12, ZLIB(9)),
};

static bool level_is_valid(int level)
{
	return level >= CCP_DEFLATE_MIN_LEVEL && level <= CCP_DEFLATE_MAX_LEVEL;
}

static size_t stored_bytes(size_t len)
{
	size_t blocks = len / STORED_MAX + (len % STORED_MAX != 0);

	return len + STORED_HEADER * (blocks ? blocks : 1);
}

size_t ccp_deflate_bound(size_t len)
{
	return stored_bytes(len) + MARGIN;
}

size_t ccp_deflate_state_bytes(int level)
{
	if (!level_is_valid(level))
		return 0;
	return sizeof(struct ccp_deflate) + levels[level].engine->bytes(levels[level].level);
}

const char *ccp_deflate_engine(int level)
{
	return level_is_valid(level) ? levels[level].name : "";
}

int ccp_deflate_open(struct ccp_deflate **deflate, int level, struct ccp_err *err)
{
	if (!level_is_valid(level))
		return ccp_err_set(err, CCP_E_USAGE, "compression level %d is not between %d and %d", level,
				   CCP_DEFLATE_MIN_LEVEL, CCP_DEFLATE_MAX_LEVEL);
	struct ccp_deflate *d = malloc(sizeof *d);
	if (!d)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a compressor");
	d->engine = levels[level].engine;
	d->state = d->engine->open(levels[level].level);
	if (!d->state) {
		free(d);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a compressor (%s)", levels[level].name);
	}
	*deflate = d;
	return 0;
}

static size_t store(const uint8_t *in, size_t len, bool last, uint8_t *out)
{
	uint8_t *p = out;

	do {
		size_t n = len < STORED_MAX ? len : STORED_MAX;

		len -= n;
		*p++ = last && len == 0;
		*p++ = (uint8_t)n;
		*p++ = (uint8_t)(n >> 8);
		*p++ = (uint8_t)~n;
		*p++ = (uint8_t)(~n >> 8);
		memcpy(p, in, n);
		p += n;
		in += n;
	} while (len > 0);
	return (size_t)(p - out);
}

int ccp_deflate_chunk(struct ccp_deflate *deflate, const uint8_t *in, size_t len, bool last, struct ccp_buf *out,
		      struct ccp_err *err)
{
	static const uint8_t empty_last[] = { 3, 0 }; /* a final block with the fixed code: end of block */
	size_t most = stored_bytes(len), n;
	uint8_t *to = out->data + out->len;

	if (ccp_buf_room(out) < most + MARGIN)
		return ccp_err_set(err, CCP_E_OTHER, "room for %zu bytes, compression may need %zu", ccp_buf_room(out),
				   most + MARGIN);
	if (len == 0) {
		if (last)
			ccp_buf_append(out, empty_last, sizeof empty_last);
		return 0;
	}
	n = deflate->engine->encode(deflate->state, in, len, last, to, most + MARGIN);
	if (n == 0 || n > most)
		n = store(in, len, last, to);
	out->len += n;
	return 0;
}

void ccp_deflate_close(struct ccp_deflate *deflate)
{
	if (!deflate)
		return;
	deflate->engine->close(deflate->state);
	free(deflate);
}
