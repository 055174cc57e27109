/*
 * inflate_tables.h: the decoding tables of one deflate block, and how its header is read.
 *
 * An entry says all that is to be done for a code, so that one look-up and one shift serve a symbol:
 *
 *   bits 0-7    bits to consume: of the code and of the extra bits behind it; of a pointer: the bits of the first table
 *   bits 8-12   bits of the code alone: shifting by them brings the extra bits down; of a pointer: index bits of the
 *               second table
 *   bit  13     end of block
 *   bit  14     pointer to a second table, for codes longer than the first table's index
 *   bit  15     anything but a literal, a length or a distance: end, pointer, or (alone) a code that does not exist
 *   bits 16-30  the literal; the length's or distance's base; where the second table begins, counted from the first
 *   bit  31     literal
 *
 * In `pairs` there are entries of two literals besides: bit 30 is set, the second one is in bits 8-15, and bits 0-7 are
 * those of both codes.
 *
 * Extra bits beyond the base: (bits & mask(bits 0-7)) >> (bits 8-12).
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_TABLES_H
#define CCP_PIPELINE_CODEC_INFLATE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCP_INFLATE_LIT_BITS 11
#define CCP_INFLATE_DIST_BITS 9
#define CCP_INFLATE_PAIR_BITS 12
#define CCP_INFLATE_LIT_ENTRIES 2400 /* of both tables of any complete or incomplete code; ENOUGH of zlib's count */
#define CCP_INFLATE_DIST_ENTRIES 640

#define CCP_ENTRY_LITERAL (1u << 31)
#define CCP_ENTRY_ODD (1u << 15)
#define CCP_ENTRY_POINTER (1u << 14)
#define CCP_ENTRY_END (1u << 13)
#define CCP_ENTRY_PAIR (1u << 30) /* in `pairs`: of a literal that another one follows */

/* Plain data. Threads: one writer; read only once it is built. */
struct ccp_inflate_tables {
	uint32_t lit[CCP_INFLATE_LIT_ENTRIES];
	uint32_t dist[CCP_INFLATE_DIST_ENTRIES];
	bool fixed;  /* they are those of fixed blocks: need not be built again */
	bool paired; /* `pairs` is built, because two literals in a row with short codes are common */
	uint32_t pairs[1u << CCP_INFLATE_PAIR_BITS]; /* may serve in place of lit's first table */
};

/* What is found where a block should begin. */
enum ccp_inflate_type { CCP_BLOCK_STORED, CCP_BLOCK_FIXED, CCP_BLOCK_DYNAMIC };

struct ccp_inflate_head {
	enum ccp_inflate_type type;
	bool final;
	unsigned stored_len; /* of a stored block */
	uint64_t bits;       /* length of the header in bits, with a stored block's padding, LEN and NLEN */
};

/*
 * Reads the header of the block that begins at bit `bit` of data[0, len), and builds the tables it needs.
 * Shape: any bytes are safe; nothing at or after data + len is read. `tables` may be NULL: then the codes are checked
 * all the same, and nothing is built (for a search of blocks).
 * Returns 1; 0 if the header is not whole in `data`; -1 if it is none, with *wrong a constant: the words and the rules
 * are those of zlib's inflate (one code of one bit may stand alone; no distance codes are allowed; 286 literals and
 * lengths and 30 distances at most; there must be an end-of-block code).
 * Threads: touches its arguments only. Source: RFC 1951, sections 3.2.3 to 3.2.7; zlib's inflate.c.
 */
int ccp_inflate_read_head(const uint8_t *data, size_t len, uint64_t bit, struct ccp_inflate_head *head,
			  struct ccp_inflate_tables *tables, const char **wrong);

#endif
