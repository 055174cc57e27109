/*
 * inflate_guess_patch.h: from symbols of 16 bits to bytes and the list of what is not known yet.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_GUESS_PATCH_H
#define CCP_PIPELINE_CODEC_INFLATE_GUESS_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate_guess.h"

#define CCP_GUESS_MARKER 0x8000u

/* Where the bytes and patches of a guess go. Plain data; it borrows what it points to. Threads: one holder. */
struct ccp_guess_narrow {
	struct ccp_guess *guess; /* its out_len, group_count, value_count and reach go on */
	uint8_t *out;
	struct ccp_patch_group *groups;
	uint16_t *values;
	const uint8_t (*pick)[16]; /* the work's */
	size_t clean;              /* bytes since the last marker, or the start */
};

/*
 * Puts n symbols behind what is there.
 * Shape: there must be room for them in `out`.
 * Returns n; or, if the groups or values do not suffice, how many would have fitted, and then nothing has changed but
 * what lies behind the ends of the three buffers' contents.
 */
size_t ccp_guess_narrow(struct ccp_guess_narrow *narrow, const uint16_t *symbols, size_t n);

/* Fills `pick`, by which 8 symbols are packed: for each mask of 8 bits, the places of the bytes of those it has. */
void ccp_guess_make_pick(uint8_t pick[256][16]);

#endif
