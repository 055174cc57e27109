/*
 * sorter.h: sorts any amount of lines in bounded memory: an external merge sort.
 *
 * Lines are collected in memory, in runs that are in order; when it is full they are merged to a temporary file, and at
 * the end what is in memory and in files is merged, shared out among threads by ranges of the order. The result depends
 * on the lines and, in a stable or unique order, on the order in which they were added; on nothing else.
 *
 *     ccp_sorter_new(&sorter, &options, &err);
 *     while (…) ccp_sorter_add(sorter, lines, len, &err);
 *     ccp_sorter_finish(sorter, &err);
 *     while ((got = ccp_sorter_next(sorter, &line, &len, &err)) == 1) …     (or: ccp_sorter_write)
 *     ccp_sorter_free(sorter);
 */
#ifndef CCP_PIPELINE_SORT_SORTER_H
#define CCP_PIPELINE_SORT_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/sort/order.h"

struct ccp_sorter;

/* Const once a sorter is made of it, and borrowed: it must stay. */
struct ccp_sorter_options {
	const struct ccp_sort_order *order; /* settled; its `end` is that of every line that is added */
	uint64_t max_bytes;  /* all that the sorter holds in memory; less than CCP_SORTER_LEAST counts as that */
	const char *tmpdir;  /* where temporary files go; NULL: $TMPDIR, or /tmp */
	unsigned threads;    /* its own, at most, beside the caller's; 0 or 1: none */
	int (*stop)(void);   /* asked now and then: not 0: give up with CCP_E_CANCELLED; may be NULL. Threads: any */
};

#define CCP_SORTER_LEAST ((uint64_t)1 << 20)

/* Errors: -1 with CCP_E_NO_MEMORY. Memory: *sorter is returned, for ccp_sorter_free. */
int ccp_sorter_new(struct ccp_sorter **sorter, const struct ccp_sorter_options *options, struct ccp_err *err);

/*
 * Adds whole lines, in any order; each ends in order->end, also the last one.
 * Errors: -1 with CCP_E_NO_MEMORY, or CCP_E_SYS if a temporary file cannot be made or written (no space left, say).
 * Threads: one caller at a time, for all calls of a sorter. Memory: borrowed during the call. A line that is longer
 * than what there is room for is held all the same.
 */
int ccp_sorter_add(struct ccp_sorter *sorter, const void *data, size_t len, struct ccp_err *err);

/*
 * Adds whole lines that are in order among themselves, as from ccp_sort_lines; before them one line that belongs before
 * them, if `line_len` is not 0, as added first. Errors and the rest: as ccp_sorter_add.
 */
int ccp_sorter_add_sorted(struct ccp_sorter *sorter, const void *line, size_t line_len, const void *data, size_t len,
			  struct ccp_err *err);

/* All has been added. Errors: as ccp_sorter_add. */
int ccp_sorter_finish(struct ccp_sorter *sorter, struct ccp_err *err);

/*
 * The next line in order, with its end. Returns 1, 0 after the last, -1 with `err` (CCP_E_SYS: a temporary file cannot
 * be read). Memory: borrowed until the next call.
 */
int ccp_sorter_next(struct ccp_sorter *sorter, const uint8_t **line, size_t *len, struct ccp_err *err);

/*
 * Who takes sorted lines: whole ones, many at a time. Errors: -1 with `err`. Threads: any, one at a time.
 * Memory: borrowed during the call.
 */
struct ccp_sorter_taker {
	int (*take)(void *arg, const void *data, size_t len, struct ccp_err *err);
	void *arg;
};

/*
 * Gives out all lines in order, with all threads; in place of ccp_sorter_next. Errors: -1: those of ccp_sorter_next,
 * and what `take` said.
 */
int ccp_sorter_write(struct ccp_sorter *sorter, const struct ccp_sorter_taker *taker, struct ccp_err *err);

/* What has been done, for reports. */
struct ccp_sorter_counts {
	uint64_t bytes;        /* of lines that were added */
	uint64_t runs;         /* that they came in */
	uint64_t spilled_bytes; /* of lines that went to temporary files, each time they did */
	uint64_t stored_bytes;  /* what they took there */
	unsigned passes;       /* over all that was spilled, before the last one */
};
struct ccp_sorter_counts ccp_sorter_counts(const struct ccp_sorter *sorter);

/* Memory: `sorter` is given; NULL is allowed. Temporary files have no names, so that none is left, whatever happens. */
void ccp_sorter_free(struct ccp_sorter *sorter);

#endif
