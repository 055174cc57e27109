/*
 * inflate.h: raw deflate to bytes, as a stream: any cut of the input and any room for the output.
 *
 * The decoder is our own, because none of the libraries can do what decoding one file on many CPUs needs: to stop at
 * any block boundary, to begin at one with another's window, and to say at each point where exactly it is. Its verdicts
 * are zlib's.
 *
 * The state is one flat block of memory without a pointer: it may be copied, and another process may go on with it.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_H
#define CCP_PIPELINE_CODEC_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate_tables.h"

#define CCP_INFLATE_WINDOW 32768u
#define CCP_INFLATE_HEAD 400 /* bytes of the longest header of a block, and some */
#define CCP_INFLATE_HELD 8

/* Where in a block a decoder is. */
enum ccp_inflate_phase { CCP_IN_BETWEEN, CCP_IN_STORED, CCP_IN_CODES, CCP_IN_END };

/* Plain data. Threads: one caller at a time. */
struct ccp_inflate {
	enum ccp_inflate_phase phase;
	bool final;             /* the block that it is in, or was in, is the last */
	unsigned bits_held;     /* bits taken from the input and not yet used: fewer than 64 */
	uint64_t bits;          /* those; all above them are zero */
	unsigned stored_left;   /* bytes of a stored block that are still to come */
	unsigned match_left;    /* bytes of a match for which there was no room, */
	unsigned match_distance; /* and how far back they are */
	size_t head_len;        /* bytes of a block header that was cut by the end of the input */
	uint8_t head[CCP_INFLATE_HEAD];
	struct ccp_inflate_tables tables; /* of the block, in CCP_IN_CODES */
	unsigned window_len;    /* bytes of the stream that are still within reach, at most CCP_INFLATE_WINDOW */
	uint8_t window[CCP_INFLATE_WINDOW]; /* the last window_len bytes of output, in its first window_len bytes */
};

/*
 * A boundary between two blocks of a stream. Before a stored block it is ambiguous by the padding: there it is told by
 * the block's LEN.
 */
struct ccp_inflate_boundary {
	bool stored;
	uint64_t bit; /* where the header begins; if `stored`, where LEN does */
};

enum ccp_inflate_status {
	CCP_INFLATE_INPUT,  /* wants more input */
	CCP_INFLATE_OUTPUT, /* wants more room; call again even without more input */
	CCP_INFLATE_STOP,   /* at the boundary that was asked for */
	CCP_INFLATE_END,    /* the final block is complete and all of its output delivered */
	CCP_INFLATE_ERROR,  /* malformed data; everything that could be decoded was delivered */
};

/* One step. The caller sets the first fields; ccp_inflate_step moves the pointers and sets the rest. */
struct ccp_inflate_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	/*
	 * Bytes before `out` that are the last ones of this stream and lie there, so that the window need not be looked
	 * at; at most what the stream had. 0 at the first step into a buffer.
	 */
	size_t before_out;
	/*
	 * Where to stop, in bits from the first bit of `in` as it was at the call, or NULL. A boundary that is met
	 * before any bit of this step's input was used counts too.
	 */
	const struct ccp_inflate_boundary *stop;
	/*
	 * Stop at the next boundary, the one that it is at included, whatever place that is: the bits taken so far less
	 * bits_held and 8 * head_len. It goes on from there once this is false.
	 */
	bool stop_next;

	/* At CCP_INFLATE_END: bytes after the stream that were taken too early, to be read before `in`. Mostly 0. */
	uint8_t held[CCP_INFLATE_HELD];
	size_t held_len;
	/*
	 * At CCP_INFLATE_ERROR: what is wrong, a constant; and how many bytes before `in` the byte is that holds the
	 * first bit of what is wrong: of a code, or of the header of a block.
	 */
	const char *wrong;
	size_t before;
};

/* Starts a stream. `state` may hold anything. */
void ccp_inflate_start(struct ccp_inflate *state);

/*
 * Decodes until the input is used up, the room is, the boundary is met, or the stream ends. How the input and the room
 * are cut makes no difference to the bytes, the verdict, or the place of an error.
 * Errors: as its status. It returns CCP_INFLATE_INPUT only when all of `in` was taken; nothing is read beyond
 * in + in_len, or written beyond out + out_len.
 * Threads: one caller at a time. Memory: `io` and its buffers are borrowed.
 * Source: RFC 1951.
 */
enum ccp_inflate_status ccp_inflate_step(struct ccp_inflate *state, struct ccp_inflate_io *io);

/* Makes data[0, len) the bytes that matches reach back to: the last CCP_INFLATE_WINDOW of them are kept. */
void ccp_inflate_set_window(struct ccp_inflate *state, const uint8_t *data, size_t len);

#endif
