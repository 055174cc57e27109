/*
 * inflate_find.h: where in the middle of a gzip file a block of deflate data may begin.
 *
 * There is no mark for it: a candidate is a place where what follows is a header that a decoder would take. A wrong one
 * costs time and nothing else, because whoever decodes up to it will not meet it.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_FIND_H
#define CCP_PIPELINE_CODEC_INFLATE_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate.h"

enum ccp_inflate_place {
	CCP_PLACE_NONE,
	CCP_PLACE_BLOCK,  /* `boundary`: a dynamic block that is not the last one, or a stored block */
	CCP_PLACE_MEMBER, /* `boundary.bit`: the first byte of what looks like a gzip member, or names its own size as
			     BGZF does: nothing before it is needed */
};

struct ccp_inflate_found {
	enum ccp_inflate_place place;
	struct ccp_inflate_boundary boundary; /* in bits from data[0] */
};

/*
 * Finds the first candidate with from <= boundary.bit < until, in data[0, len).
 * Shape: nothing at or after data + len is read, and nothing before data: a stored block needs one byte before its LEN,
 * which may lie before `from`. All dynamic blocks that are not final and whose header is whole in data are found; of
 * stored blocks that are not final, padded with zeros, those whose LEN and NLEN are right and, if it is whole in data,
 * the header behind them; of members those with a BC field, and others whose header is whole, has no reserved flag and
 * no name or comment of more than 1023 bytes, and is followed by a block header that zlib would take; the header's
 * checksum is not looked at. Fixed blocks and final blocks are not looked for. Of two that begin at one bit the dynamic
 * block is told. To search on behind a candidate, begin at boundary.bit + 1. About 190 MB of data a second.
 * Threads: touches its arguments only.
 * Source: RFC 1951, RFC 1952; Kerbiriou and Chikhi 2019; Knespel and Brunst 2023.
 */
struct ccp_inflate_found ccp_inflate_find(const uint8_t *data, size_t len, uint64_t from, uint64_t until);

#endif
