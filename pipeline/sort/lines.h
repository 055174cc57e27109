/*
 * lines.h: sorts lines that lie together in memory.
 */
#ifndef CCP_PIPELINE_SORT_LINES_H
#define CCP_PIPELINE_SORT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"
#include "pipeline/sort/order.h"

/* A line, and what decides about it at the moment. */
struct ccp_sort_line {
	uint64_t prefix;
	uint32_t at, len; /* without its end */
};

/* Memory for sorting `cap` lines at a time. */
struct ccp_sort_lines {
	const struct ccp_sort_order *order;
	struct ccp_sort_line *lines;
	size_t count, cap;
};

/* Errors: -1 with CCP_E_NO_MEMORY. Memory: `order` is borrowed; to be released. */
int ccp_sort_lines_init(struct ccp_sort_lines *lines, const struct ccp_sort_order *order, size_t cap,
			struct ccp_err *err);
void ccp_sort_lines_release(struct ccp_sort_lines *lines);

/*
 * Sorts as many lines as there is room for, from the beginning, and appends them to `out`. A last one without an end
 * gets one. Returns how many bytes of `data` they are: 0 if there is no room for the first one; the rest is another
 * matter. Shape: less than 4 GiB at a time. Threads: one caller at a time.
 */
size_t ccp_sort_lines(struct ccp_sort_lines *lines, const uint8_t *data, size_t len, struct ccp_buf *out);

#endif
