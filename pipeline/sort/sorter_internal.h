/*
 * sorter_internal.h: a sorter as its parts see it: sorter.c (what is in memory) and sorter_files.c (what is in files).
 */
#ifndef CCP_PIPELINE_SORT_SORTER_INTERNAL_H
#define CCP_PIPELINE_SORT_SORTER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/sort/merge.h"
#include "pipeline/sort/sorter.h"
#include "pipeline/sort/spill.h"

struct ccp_sorter_block {
	uint8_t *data;
	size_t len, cap;
	bool sorted;
};

struct ccp_sorter {
	const struct ccp_sorter_options *options;
	unsigned threads;
	uint64_t max_bytes;
	size_t raw_bytes, out_bytes;
	size_t raw_lines; /* that a raw block may have */

	struct ccp_sorter_block *blocks;
	size_t block_count, block_room;
	uint64_t held;       /* bytes of the blocks */
	size_t lines;        /* in the last block, if it is raw and not full */
	bool filling;        /* it is */

	struct ccp_spill *spill; /* NULL: there is none yet */
	struct ccp_sort_run *files;
	size_t file_count, file_room;

	struct ccp_sort_runs runs; /* once finished */
	struct ccp_sort_merge *merge;
	struct ccp_sorter_counts counts;
};

static inline size_t ccp_sorter_between(uint64_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : (size_t)value;
}

/* ---- sorter_files.c ---- */

/* Merges runs to the end of a file, where they are one. Errors: -1 with `err`. */
int ccp_sorter_merge(struct ccp_sorter *sorter, const struct ccp_sort_runs *runs, struct ccp_spill *spill,
		     struct ccp_err *err);

/* Merges neighbours until all runs in files can be read at once. Errors: -1 with `err`. */
int ccp_sorter_reduce(struct ccp_sorter *sorter, struct ccp_err *err);

/* How much of each is read at a time if so many are read at once. Units: bytes. */
size_t ccp_sorter_read_bytes(const struct ccp_sorter *sorter, size_t count);

#endif
