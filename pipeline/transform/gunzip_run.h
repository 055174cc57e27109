/*
 * gunzip_run.h: what the gunzip transform and the taking over of what was done ahead share: the machine's state, and
 * its cursor in the input.
 */
#ifndef CCP_PIPELINE_TRANSFORM_GUNZIP_RUN_H
#define CCP_PIPELINE_TRANSFORM_GUNZIP_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/gzip_ahead.h"
#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/inflate.h"
#include "pipeline/transform.h"

enum ccp_gunzip_phase {
	CCP_GUNZIP_START,
	CCP_GUNZIP_HEADER,
	CCP_GUNZIP_BODY,
	CCP_GUNZIP_TRAILER,
	CCP_GUNZIP_BETWEEN, /* the order of a member's parts */
	CCP_GUNZIP_PADDING, /* zeros after the last member */
	CCP_GUNZIP_COPY,    /* passthrough */
	CCP_GUNZIP_DONE,
};

struct ccp_gunzip_carry {
	_Atomic uint64_t ahead_from; /* pieces with a lower number need not be done ahead: it would be for nothing */
	unsigned misses;             /* pieces in a row that were done ahead for nothing */
	bool taking;                 /* `out` was emitted to make room for what was done ahead */
	bool taken;                  /* of this piece */
	enum ccp_gunzip_phase phase;
	bool found; /* a header was met */
	bool unchecked; /* of this member the beginning was not seen: its CRC and length are not known */
	uint64_t at;    /* of a range: decoded bytes, or newlines, before the next */
	uint32_t crc;
	uint64_t member_bytes;
	uint8_t word[CCP_GZIP_TRAILER_BYTES]; /* the trailer, or the bytes that say what comes next */
	size_t word_len;
	uint8_t held[CCP_INFLATE_HELD]; /* input that the decoder took too early */
	size_t held_len;
	struct ccp_gzip_header header;
	struct ccp_inflate inflate;
};

struct ccp_gunzip {
	bool passthrough, quiet, ranged, views;
	struct ccp_range range;
	struct ccp_guess_work work;
};

/* What one call of map works on. */
struct ccp_gunzip_run {
	const struct ccp_gunzip *options;
	struct ccp_gunzip_carry *carry;
	struct ccp_piece *piece;
	struct ccp_ahead *ahead; /* what was done ahead of this piece and not taken over, or NULL */
	size_t member_at;        /* where in `out` the bytes of this member begin */
};

/* The cursor: where the next input bytes are and how many lie there together. */
const uint8_t *ccp_gunzip_input(const struct ccp_gunzip_run *r, size_t *len);
void ccp_gunzip_advance(struct ccp_gunzip_run *r, size_t n);

/* Offset in the input of the cursor. */
uint64_t ccp_gunzip_offset(const struct ccp_gunzip_run *r);

/* Puts bytes back in front of the cursor: into the piece if they came from there. */
void ccp_gunzip_unread(struct ccp_gunzip_run *r, const uint8_t *bytes, size_t n);

/* Bytes of a member have come out. */
void ccp_gunzip_count(struct ccp_gunzip_run *r, const uint8_t *data, size_t len);

/*
 * A member has ended: is it what its trailer, which is `at`, says? One whose beginning was not seen goes through.
 * Errors: -1, CCP_E_CRC or CCP_E_LENGTH.
 */
int ccp_gunzip_check(struct ccp_gunzip_run *r, uint32_t crc, uint32_t length, uint64_t at);

/*
 * Makes `out` (or `spare`, if it is done ahead) the one of the two buffers that all pieces fill; the other one takes
 * the little that comes before a guess, so that most of its memory is never touched. Before anything was decoded.
 */
void ccp_gunzip_choose_buffer(struct ccp_piece *piece, bool ahead);

/* The boundary where the guess began, in bits from the cursor; false if there is none to come. */
bool ccp_gunzip_guess_at(const struct ccp_gunzip_run *r, struct ccp_inflate_boundary *boundary);

/* Whether the guess began with the member that begins at the cursor. */
bool ccp_gunzip_is_guessed_member(const struct ccp_gunzip_run *r);

/*
 * The decoder stands where the guess began, and its bytes can be within reach: it was right, and goes on where that
 * stopped. Returns 1; 2 if `out` must be emitted before, and then is to be called again; -1 if a trailer is wrong.
 */
int ccp_gunzip_take_over(struct ccp_gunzip_run *r);

/* The transform's ahead(). */
bool ccp_gunzip_ahead(void *state, const void *carry, struct ccp_piece *piece);

/*
 * A piece is done. Where guesses are wrong, or there is nothing to guess from (one block as long as many pieces), they
 * are made ever more rarely.
 */
void ccp_gunzip_learn(struct ccp_gunzip_carry *carry, const struct ccp_piece *piece);

#endif
