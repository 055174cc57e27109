/*
 * stats_values.h: the values of all groups, for quantiles: all of them while there is memory, then counts of values
 * that are about the same.
 */
#ifndef CCP_PIPELINE_FOLD_STATS_VALUES_H
#define CCP_PIPELINE_FOLD_STATS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

/* One bucket: values of a group that have sign, exponent and the first `bits` bits of the mantissa in common. */
struct ccp_stats_bucket {
	uint64_t key;   /* group, then the value's leading bits so that larger ones are larger */
	uint64_t count; /* 0 = empty */
};

/* Zero at first, but `grouped`. */
struct ccp_stats_values {
	bool grouped;
	double *value;
	uint32_t *group;     /* of each, if grouped */
	size_t count, room;
	uint64_t *begin;     /* of each group's values or buckets, after ccp_stats_values_finish */
	uint32_t groups;
	struct ccp_stats_bucket *bucket; /* NULL: all values are there */
	size_t buckets, bucket_room;
	unsigned bits;
};

/*
 * Adds values; value i is of group map[local[i]], or of group 0 if not grouped.
 * Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_stats_values_add(struct ccp_stats_values *values, const double *value, const uint32_t *local, size_t count,
			 const uint32_t *map, struct ccp_err *err);

/* What they take. Units: bytes. It depends on what was added, and not on the order. */
uint64_t ccp_stats_values_bytes(const struct ccp_stats_values *values);

/*
 * Makes do with so many bytes, if that is possible: first values become counts, then buckets wider.
 * Errors: -1 with CCP_E_NO_MEMORY if it is not.
 */
int ccp_stats_values_shrink(struct ccp_stats_values *values, uint64_t bytes, struct ccp_err *err);

/* Makes ready for quantiles: nothing is added after that. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_values_finish(struct ccp_stats_values *values, uint32_t groups, struct ccp_err *err);

/*
 * A quantile of a group: at (count - 1) * p in the order of its values, between two of them by a straight line (type 7
 * of Hyndman and Fan). Shape: 0 <= p <= 1, and the group has values. Moves values of the group about.
 */
double ccp_stats_values_quantile(struct ccp_stats_values *values, uint32_t group, double p);

/* How far from the value it stands for a value may be, as a part of it; 0 = exact. */
double ccp_stats_values_error(const struct ccp_stats_values *values);

void ccp_stats_values_release(struct ccp_stats_values *values);

#endif
