/*
 * inflate_guess_symbols.h: the symbols of one block, decoded to 16 bits each: bytes, and markers that were copied.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_GUESS_SYMBOLS_H
#define CCP_PIPELINE_CODEC_INFLATE_GUESS_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate_tables.h"

/* Symbols that may be overwritten behind what is decoded. */
#define CCP_SYMBOLS_SLACK 64

/* A place in a block. Threads: one holder. */
struct ccp_symbols {
	const uint8_t *in, *in_end;
	uint64_t bits; /* bits from before `in` that are not used yet; zero above `held` */
	unsigned held; /* how many: fewer than 64; fewer than 8 unless all of the input was taken */
	uint16_t *out;
};

enum ccp_symbols_status {
	CCP_SYMBOLS_ENOUGH, /* `enough` is reached */
	CCP_SYMBOLS_ROOM,   /* the next symbol would go beyond `limit` */
	CCP_SYMBOLS_INPUT,  /* the next symbol is not whole in the input, all of which was taken */
	CCP_SYMBOLS_BLOCK,  /* the block ended */
	CCP_SYMBOLS_WRONG,  /* the next symbol does not exist */
};

/*
 * Decodes whole symbols until out >= enough; never beyond `limit`, but for CCP_SYMBOLS_SLACK symbols of scrap. The
 * 32768 symbols before `out` are the history.
 * Errors: as its status; `at` then stands before the symbol in question.
 */
enum ccp_symbols_status ccp_symbols_decode(struct ccp_symbols *at, const struct ccp_inflate_tables *tables,
					   const uint16_t *enough, const uint16_t *limit);

/* Makes `at` stand at bit `bit` of data[0, ...), whose end is already set. Shape: the bit is not beyond the end. */
void ccp_symbols_set(struct ccp_symbols *at, const uint8_t *data, uint64_t bit);

#endif
