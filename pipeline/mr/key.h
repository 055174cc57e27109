/*
 * key.h: the key of a line, and the reducer that gets it.
 *
 * The key is what comes before the first tab; a line without one is a key as a whole. Keys are shared out as the
 * HashPartitioner of Hadoop does it with keys of the class Text, so that a key is in the part with the same number.
 * Source: Hadoop 3.3, HashPartitioner.getPartition, BinaryComparable.hashCode, WritableComparator.hashBytes.
 */
#ifndef CCP_PIPELINE_MR_KEY_H
#define CCP_PIPELINE_MR_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/sort/order.h"

#define CCP_MR_PARTS_MOST 100000u

/*
 * Before a line goes to the sorter it is tagged with its part, if there is more than one: three digits and a tab, so
 * that the part is a field of its own, whose order by bytes is that of the numbers.
 */
#define CCP_MR_TAG_BYTES ((size_t)4)

/* Bytes of the key of a line that is given without its end. */
size_t ccp_mr_key_len(const uint8_t *line, size_t len);

/* The part that a key is in, from 0. Shape: parts > 0. */
unsigned ccp_mr_part(const uint8_t *key, size_t len, unsigned parts);

/* Bytes of a tag, where there are so many parts. */
static inline size_t ccp_mr_tag_bytes(unsigned parts)
{
	return parts > 1 ? CCP_MR_TAG_BYTES : 0;
}

void ccp_mr_tag_write(uint8_t *tag, unsigned part);
unsigned ccp_mr_tag_read(const uint8_t *tag);

/*
 * The order of tagged lines: by part, then by the keys of `said`, or by the key of the line if there is none; equal
 * ones stay as they came. Shape: one key fewer than CCP_SORT_KEYS in `said`.
 */
void ccp_mr_order(struct ccp_sort_order *order, const struct ccp_sort_order *said, unsigned parts);

#endif
