/*
 * inflate_guess.h: decoding from the middle of a deflate stream, before what comes before is known.
 *
 * A guess begins at a candidate (inflate_find.h). What matches copy from before it is not known and becomes a marker:
 * symbol 0x8000 + i stands for byte i of the 32768 before the start, 0x8000 + 32767 for the last of them; symbols
 * below 256 are bytes. Output is written as bytes at once; the few places that are markers are kept in a list of
 * patches, to be filled in when the window is known. Once the last 32 KiB have no marker the rest is decoded as bytes.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_GUESS_H
#define CCP_PIPELINE_CODEC_INFLATE_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate.h"

/* Markers among 64 consecutive bytes of output: `mask` has their places, and their values follow one another. */
struct ccp_patch_group {
	uint32_t place;  /* in `out`, of the first of the 64 bytes; any number, rising from group to group */
	uint32_t values; /* index of the first value */
	uint64_t mask;
};

/* What a worker needs to decode one guess at a time. No initialisation needed. */
struct ccp_guess_work {
	uint16_t ring[CCP_INFLATE_WINDOW + 98304 + 1024]; /* the last symbols, with room for more */
	uint8_t pick[256][16];                            /* for packing markers */
};

/*
 * What a guess came to. Plain data, without a pointer; the three buffers are the caller's and belong to it until it is
 * done with. Threads: one holder at a time.
 */
struct ccp_guess {
	/* set by ccp_guess_begin */
	size_t out_cap;    /* of `out`; less than 4 GiB */
	size_t groups_cap; /* of `groups` */
	size_t values_cap; /* of `values` */

	/* set by ccp_guess_run */
	size_t out_len;     /* bytes decoded; those of patches have no meaning before ccp_guess_patch */
	size_t group_count, value_count;
	size_t in_used;     /* bytes of `in` taken, the first of them being in[bit / 8] */
	unsigned reach;     /* how far before the start the markers reach, in bytes: 0 if there is none */
	struct ccp_inflate after; /* where it stopped; its window is not set before ccp_guess_patch */
};

enum ccp_guess_status {
	CCP_GUESS_INPUT,  /* all of the input was decoded */
	CCP_GUESS_FULL,   /* a buffer has no room for the next symbol: out, groups or values */
	CCP_GUESS_END,    /* the final block ended with the last byte taken; `after` is in CCP_IN_END, no bits held */
	CCP_GUESS_ERROR,  /* what came before is good, if the start was right; `after` stands before what is wrong */
	CCP_GUESS_CALLED, /* `called` said so */
};

/*
 * Makes ready for one run. `guess` may hold anything. At worst each byte is a value; groups are about one for 64 bytes,
 * and one more for each block, since none goes on across the end of a block.
 * Units: bytes; elements. Caps beyond 4 GiB or 2^32 - 1 elements are taken for that.
 */
void ccp_guess_begin(struct ccp_guess *guess, size_t out_cap, size_t groups_cap, size_t values_cap);

/*
 * Decodes in[0, in_len) from the block that begins at bit `bit`, into `out`.
 * `called` is asked now and then (about every 8,000 bytes of output while there are markers, else every 128 KiB)
 * whether to stop; it stops at a place where ccp_inflate_step can go on. It may be NULL.
 * Shape: nothing is read at or after in + in_len, or before in[bit / 8]; nothing is written beyond the three caps, but
 * what lies between a result's length and the cap may change.
 * Threads: `work` is used by one caller at a time. Memory: all is borrowed.
 */
enum ccp_guess_status ccp_guess_run(struct ccp_guess_work *work, struct ccp_guess *guess, const uint8_t *in,
				    size_t in_len, uint64_t bit, uint8_t *out, struct ccp_patch_group *groups,
				    uint16_t *values, bool (*called)(void *arg), void *arg);

/*
 * The window is known: fills in what was not, and sets the window of `after`, which then can go on. window[0,
 * window_len) are the last bytes before the guess. If guess->reach > window_len the data are malformed, and this must
 * not be called: decoding them from the start of the guess tells where.
 */
void ccp_guess_patch(struct ccp_guess *guess, uint8_t *out, const struct ccp_patch_group *groups,
		     const uint16_t *values, const uint8_t *window, size_t window_len);

#endif
