/*
 * deflate_walk.h: where the blocks of a raw deflate stream begin and end, without producing its output.
 *
 * libdeflate marks its last block as final and does not say where that block starts. A piece in the middle of a member
 * must not be final, so the encoder walks what libdeflate wrote and clears that one bit.
 */
#ifndef CCP_PIPELINE_CODEC_DEFLATE_WALK_H
#define CCP_PIPELINE_CODEC_DEFLATE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_WALK_LIT_BITS 10
#define CCP_WALK_SECOND_BITS 10
#define CCP_WALK_MAX_LEN 15

/* A prefix code in canonical order, for the codes that are longer than a table's index. */
struct ccp_walk_canon {
	uint16_t first[CCP_WALK_MAX_LEN + 2];  /* first code of this length */
	uint16_t count[CCP_WALK_MAX_LEN + 2];
	uint16_t index[CCP_WALK_MAX_LEN + 2];  /* place in `sorted` of the first symbol of this length */
	uint16_t sorted[288];
};

#define CCP_WALK_LANES 5
#define CCP_WALK_STEPS 256

/*
 * Tables and notes of one walk, about 12 KiB; no initialisation needed.
 * Threads: one caller at a time.
 */
struct ccp_walk {
	uint16_t lit[1u << CCP_WALK_LIT_BITS];
	uint16_t single[1u << CCP_WALK_LIT_BITS];
	uint8_t second[2u << CCP_WALK_SECOND_BITS]; /* another literal, then the distances */
	struct ccp_walk_canon lit_canon, dist_canon;
	uint32_t path[CCP_WALK_LANES][CCP_WALK_STEPS + 1];
	uint32_t stride[2]; /* bits between the lanes; [1] of blocks with runs */
	int patience;
	uint64_t safe;      /* a step may begin up to here */
	bool runs;          /* nearly all codes are literals of eight bits, from run_first on in their order */
	uint8_t run_first, run_span;
};

/* What a walk found. Units: bits from the start of the stream, the least significant bit of a byte first. */
struct ccp_walk_result {
	uint64_t last_header_bit; /* where the BFINAL bit of the final block is */
	uint64_t end_bit;         /* one past the final block */
	uint64_t blocks;
};

/*
 * Walks the raw deflate stream in data[0, len) up to the end of its final block.
 * Shape: any bytes are safe. The codes are checked as zlib checks them; distances are not compared with the output.
 * Errors: CCP_E_FORMAT for malformed data, CCP_E_TRUNCATED if there is no final block, with the byte offset.
 * Threads: touches `walk`, `result` and `err` only.
 * Source: RFC 1951, section 3.2.
 */
int ccp_deflate_walk(struct ccp_walk *walk, const uint8_t *data, size_t len, struct ccp_walk_result *result,
		     struct ccp_err *err);

#endif
