/*
 * inflate.h: raw deflate to bytes, as a stream: any cut of the input and any room for the output.
 *
 * The state is one flat block of memory that the caller provides. Pointers in it point into itself only, so another
 * process that maps the block at the same address can go on, and a copy put back at the same address works too.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_H
#define CCP_PIPELINE_CODEC_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_INFLATE_ALIGN 64
#define CCP_INFLATE_HELD 8

struct ccp_inflate; /* opaque; see ccp_inflate_bytes */

enum ccp_inflate_status {
	CCP_INFLATE_INPUT,    /* wants more input */
	CCP_INFLATE_OUTPUT,   /* wants more room; call again even without more input */
	CCP_INFLATE_END,      /* the final block is complete and all of its output delivered */
	CCP_INFLATE_ERROR,    /* malformed data; everything that could be decoded was delivered */
	CCP_INFLATE_NO_MEMORY,
};

/* One step. The caller sets the first five fields; ccp_inflate_step moves the pointers and sets the rest. */
struct ccp_inflate_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	bool no_more; /* nothing follows `in`: if the stream is cut there, its last decodable byte is wanted too */

	/* At CCP_INFLATE_END: bytes after the stream that were taken too early, to be read before `in`. Mostly 0. */
	uint8_t held[CCP_INFLATE_HELD];
	size_t held_len;
	/* At CCP_INFLATE_ERROR: what is wrong, a constant; and how many bytes before `in` the place is. */
	const char *wrong;
	size_t before;
};

/* Size of the state, to be aligned to CCP_INFLATE_ALIGN. About 170 KiB with ISA-L, 48 KiB with zlib. */
size_t ccp_inflate_bytes(void);

/* Starts a stream. `state` may hold anything if `fresh`; else it must have been started before (which is cheaper). */
void ccp_inflate_start(struct ccp_inflate *state, bool fresh);

/*
 * Decodes until the input is used up, the room is, or the stream ends.
 * Errors: as its status. It never returns CCP_INFLATE_INPUT with input left, nor spins: no progress is an error.
 * Threads: one caller at a time. Memory: `io` and its buffers are borrowed.
 */
enum ccp_inflate_status ccp_inflate_step(struct ccp_inflate *state, struct ccp_inflate_io *io);

#endif
