/*
 * fold/sort.h: lines of a part in order, or whether they are.
 */
#ifndef CCP_PIPELINE_FOLD_SORT_H
#define CCP_PIPELINE_FOLD_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/sort/order.h"

/* Options of the fold. Const during the run. */
struct ccp_sort_fold {
	const struct ccp_sort_order *order; /* settled */
	bool check;          /* only whether lines are in order */
	size_t chunk_bytes;  /* what inputs are cut at, and how much is sorted at a time */
};

/* In part.found. The note holds sorted lines, without what may not be whole at the ends of the part. */
struct ccp_sort_found {
	uint64_t long_at, long_len; /* a line too long for the note, if long_len is not 0: where it is in the part */
	/* for a check, of the lines that are whole: */
	uint64_t lines;      /* how many; up to the first that is out of order, and with it, if there is one */
	uint64_t last_at;    /* where the last of them begins */
	bool disorder;       /* it comes before the one in front of it */
};

#endif
