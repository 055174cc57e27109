/*
 * gzip_ahead.h: decoding a piece from the middle of a gzip file before what comes before it is known.
 *
 * The first block, or the first member, that seems to begin in the piece is decoded as a guess, and so is all that
 * follows, over the ends of members as far as they are plain. What was decoded is kept beside the piece with a note;
 * whoever decodes up to the place where the guess began, and meets a boundary just there, may take it over.
 */
#ifndef CCP_PIPELINE_CODEC_GZIP_AHEAD_H
#define CCP_PIPELINE_CODEC_GZIP_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate_find.h"
#include "pipeline/codec/inflate_guess.h"

#define CCP_AHEAD_MEMBERS 1024 /* that a note has room for */

/* A member that ended: its bytes of output end at `out_end`, its trailer begins at byte `trailer` of the piece. */
struct ccp_ahead_member {
	size_t out_end;
	size_t trailer;
	uint32_t crc, length; /* as the trailer has them */
};

/*
 * What was found. Plain data, without a pointer; patches lie behind it, in the same memory.
 * Threads: one holder at a time.
 */
struct ccp_ahead {
	bool searched;                  /* for a place to start */
	struct ccp_inflate_found start; /* place CCP_PLACE_NONE: there is nothing to take over */
	size_t member_count;
	struct ccp_ahead_member member[CCP_AHEAD_MEMBERS];
	size_t out_len;         /* bytes in `out`, all members together */
	size_t in_used;         /* bytes of the piece that were decoded */
	size_t last_out;        /* where in `out` the last member began, or the guess */
	bool in_trailer;        /* it stopped at a trailer; else within a member, where ccp_ahead_state can go on */
	struct ccp_guess guess; /* if it began in the middle of a member: of that one's bytes */
	bool alone;             /* and no other member followed */
	struct ccp_inflate last;
	size_t groups_cap, values_cap;
	/* struct ccp_patch_group [groups_cap]; uint16_t [values_cap] */
};

/* Memory for a note on a piece that decodes to out_bytes at most: patches of a piece that has more are not kept. */
size_t ccp_ahead_bytes(size_t out_bytes);

/* Makes a note of memory of ccp_ahead_bytes(out_bytes). */
void ccp_ahead_begin(struct ccp_ahead *ahead, size_t out_bytes);

/*
 * Decodes what it can of in[0, in_len) into out[0, out_cap). `called` is asked now and then whether to stop.
 * Threads: `work` is used by one caller at a time. Memory: all is borrowed.
 */
void ccp_ahead_run(struct ccp_ahead *ahead, struct ccp_guess_work *work, const uint8_t *in, size_t in_len, uint8_t *out,
		   size_t out_cap, bool (*called)(void *arg), void *arg);

/* Whether the guess can be right behind that many bytes: what it copies from before its start is within them. */
bool ccp_ahead_fits(const struct ccp_ahead *ahead, size_t window_len);

/* Fills in what the guess did not know. ccp_ahead_fits has said yes. */
void ccp_ahead_settle(struct ccp_ahead *ahead, uint8_t *out, const uint8_t *window, size_t window_len);

/* The decoder as it stopped; after ccp_ahead_settle it can go on. */
const struct ccp_inflate *ccp_ahead_state(const struct ccp_ahead *ahead);

#endif
