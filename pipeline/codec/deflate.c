/*
 * deflate.c: the table of levels, and stored blocks for what does not compress.
 *
 * A chunk that looks incompressible (incompressible.h) is stored at once. Any other goes to the engine of its level
 * with room for exactly as much as stored blocks would take. If that is not enough the chunk is stored, so the bound
 * holds for every library and every input.
 *
 * The table was chosen by measurement against pigz 2.6 on 256 MiB of source text and 256 MiB of binaries in chunks of
 * 1 MiB: no level may give more bytes than pigz at that level (1 % tolerance), and then the fastest engine wins.
 * ISA-L's levels 1 and 2 are left out although they are nearly twice as fast as its 3: for some addresses of their
 * state they give other bytes (valid ones) for about one chunk of 4 KiB in 30,000 to 120,000, on one core, for the
 * same input. Level 3 and level 0 did not in 176,400 chunks at 60 addresses; level 0 is up to 16 % larger than pigz
 * -1.
 *
 * Level 3 is libdeflate 2 and not 1, which on tables and JSON gives more bytes than level 1 does here, and more slowly
 * (CSV: 3.37 at 400 MB/s against 3.44 at 485).
 *
 * At level 6 a chunk that is no text goes to libdeflate 5: on binaries libdeflate 6 takes 10 % more time for 0.3 % less
 * (256 MiB of /usr: 2.57 s and 137.44 MB against 2.33 s and 137.88 MB; pigz -6: 6.5 s, 138.27 MB), while on source text
 * it gains 1.5 %, which is needed to be level with pigz.
 */
#include "pipeline/codec/deflate.h"

#include <stdlib.h>

#include "pipeline/codec/deflate_engine.h"
#include "pipeline/codec/incompressible.h"

#define STORED_MAX 65535u
#define STORED_HEADER 5u
#define MARGIN 64u /* engines may be told of this much more room than stored blocks need */

struct level {
	const struct ccp_deflate_engine *engine;
	int level;
	const char *name;
	int binary; /* the engine's level for chunks that are no text, 0 = the same */
};

struct ccp_deflate {
	const struct level *level;
	void *state;  /* for text, or for everything */
	void *binary; /* for other chunks, opened with the first of them */
};

#define ZLIB(n) { &ccp_deflate_engine_zlib, n, "zlib " #n, 0 }
#ifdef CCP_HAVE_LIBDEFLATE
#define LIBDEFLATE(n, zlib) { &ccp_deflate_engine_libdeflate, n, "libdeflate " #n, 0 }
#define LIBDEFLATE_BUT(n, other, zlib) { &ccp_deflate_engine_libdeflate, n, "libdeflate " #n, other }
#else
#define LIBDEFLATE(n, zlib) zlib
#define LIBDEFLATE_BUT(n, other, zlib) zlib
#endif
#ifdef CCP_HAVE_ISAL
#define ISAL(n, other) { &ccp_deflate_engine_isal, n, "ISA-L " #n, 0 }
#else
#define ISAL(n, other) other
#endif

static const struct level levels[CCP_DEFLATE_MAX_LEVEL + 1] = {
	[1] = ISAL(3, LIBDEFLATE(1, ZLIB(1))),
	[2] = ISAL(3, LIBDEFLATE(1, ZLIB(2))),
	[3] = LIBDEFLATE(2, ZLIB(3)),
	[4] = LIBDEFLATE(4, ZLIB(4)),
	[5] = LIBDEFLATE(5, ZLIB(5)),
	[6] = LIBDEFLATE_BUT(6, 5, ZLIB(6)),
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

	const struct level *l = &levels[level];

	return sizeof(struct ccp_deflate) + l->engine->bytes(l->level) + (l->binary ? l->engine->bytes(l->binary) : 0);
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
	d->level = &levels[level];
	d->binary = NULL;
	d->state = d->level->engine->open(d->level->level);
	if (!d->state) {
		free(d);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a compressor (%s)", levels[level].name);
	}
	*deflate = d;
	return 0;
}

/*
 * Text by the bytes that text has none of, in 16 samples of 64 bytes. A tenth is allowed: archives of text have headers
 * and padding; programs have a fifth of zeros alone, compressed data a ninth of such bytes.
 */
static bool is_text(const uint8_t *in, size_t len)
{
	size_t odd = 0, seen = 0;

	for (size_t sample = 0; sample < 16; sample++) {
		const uint8_t *p = in + len / 16 * sample;
		size_t n = len / 16 < 64 ? len / 16 : 64;

		for (size_t i = 0; i < n; i++)
			odd += p[i] < 0x20 && (p[i] < '\t' || p[i] > '\r') && p[i] != 0x1b;
		seen += n;
	}
	return odd * 10 <= seen;
}

/* The engine's state for this chunk. NULL if there is no memory for it. */
static void *state_for(struct ccp_deflate *deflate, const uint8_t *in, size_t len)
{
	const struct level *level = deflate->level;

	if (!level->binary || is_text(in, len))
		return deflate->state;
	if (!deflate->binary)
		deflate->binary = level->engine->open(level->binary);
	return deflate->binary;
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
	if (ccp_is_incompressible(in, len)) {
		out->len += store(in, len, last, to);
		return 0;
	}

	void *state = state_for(deflate, in, len);
	if (!state)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a compressor (%s)", deflate->level->name);
	n = deflate->level->engine->encode(state, in, len, last, to, most + MARGIN);
	if (n == 0 || n > most)
		n = store(in, len, last, to);
	out->len += n;
	return 0;
}

void ccp_deflate_close(struct ccp_deflate *deflate)
{
	if (!deflate)
		return;
	deflate->level->engine->close(deflate->state);
	if (deflate->binary)
		deflate->level->engine->close(deflate->binary);
	free(deflate);
}
