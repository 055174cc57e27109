/*
 * merge.h: runs of lines that are in order, and their merging, all or shared out among threads.
 */
#ifndef CCP_PIPELINE_SORT_MERGE_H
#define CCP_PIPELINE_SORT_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/sort/order.h"
#include "pipeline/sort/sorter.h"
#include "pipeline/sort/spill.h"

/* Lines in order, in memory or in a file. Of equal lines those of an earlier run come first. */
struct ccp_sort_run {
	uint8_t *data; /* NULL: in a file */
	const struct ccp_spill *spill;
	uint64_t begin; /* in it */
	size_t len;
};

/* What is to be merged, and with what. Borrowed during the merge. */
struct ccp_sort_runs {
	const struct ccp_sort_order *order;
	struct ccp_sort_run *runs;
	size_t count;
	size_t buffer_bytes; /* for reading a run that is in a file: this much for each and each thread */
	int (*stop)(void);   /* as in ccp_sorter_options */
};

/* ---- places in runs (runs.c) ---- */

/* A line of a run, read into `buffer` if it is in a file. */
struct ccp_sort_place {
	size_t begin;        /* in the run; its length if there is no line */
	const uint8_t *line;
	size_t len;          /* without the end */
	uint8_t *buffer;
	size_t room;
	struct ccp_spill_reader reader;
};

/* Finds the first line that begins at `from` or later. Errors: -1. Memory: `place` takes some; see below. */
int ccp_sort_run_find(const struct ccp_sort_runs *runs, size_t run, size_t from, struct ccp_sort_place *place,
		      struct ccp_err *err);

void ccp_sort_place_free(struct ccp_sort_place *place);

/* A line by which runs are split: all before it come before. */
struct ccp_sort_splitter {
	uint8_t *line; /* a copy */
	size_t len;
	size_t run, begin; /* where it stands */
};

/* Where in each run the splitter's lines begin: bounds[run]. Errors: -1. */
int ccp_sort_split(const struct ccp_sort_runs *runs, const struct ccp_sort_splitter *splitter, size_t *bounds,
		   struct ccp_err *err);

/*
 * Chooses lines that split all runs into about `wanted` parts of the same size. Errors: -1.
 * Memory: *splitters is returned, *count of them, for ccp_sort_splitters_free.
 */
int ccp_sort_choose(const struct ccp_sort_runs *runs, size_t wanted, struct ccp_sort_splitter **splitters,
		    size_t *count, struct ccp_err *err);
void ccp_sort_splitters_free(struct ccp_sort_splitter *splitters, size_t count);

/* ---- one merge (merge.c) ---- */

struct ccp_sort_merge;

/*
 * Prepares to merge of each run what lies in [from[i], to[i]); NULL: the runs as a whole. All lines there are equal
 * as far as `level` says. Errors: -1. Memory: *merge is returned.
 */
int ccp_sort_merge_open(struct ccp_sort_merge **merge, const struct ccp_sort_runs *runs, const size_t *from,
			const size_t *to, struct ccp_sort_level level, struct ccp_err *err);

/* The next line, with its end: 1, 0, or -1. Valid until the next call. Equal ones come once if the order is unique. */
int ccp_sort_merge_next(struct ccp_sort_merge *merge, const uint8_t **line, size_t *len, struct ccp_err *err);

void ccp_sort_merge_close(struct ccp_sort_merge *merge);

/* ---- a merge by threads (share.c) ---- */

/* Merges all runs. Units: `out_bytes` is what each thread collects before it is given out. Errors: -1. */
int ccp_sort_share(const struct ccp_sort_runs *runs, unsigned threads, size_t out_bytes,
		   const struct ccp_sorter_taker *taker, struct ccp_err *err);

#endif
