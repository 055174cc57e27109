/*
 * stats_exact.h: sums of doubles, and of their squares, without any rounding: they are the same in whatever order and
 * in whatever parts they come together.
 */
#ifndef CCP_PIPELINE_FOLD_STATS_EXACT_H
#define CCP_PIPELINE_FOLD_STATS_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_STATS_LIMBS 8u

/*
 * A sum as 32-bit digits, lowest first, in words of 64 bits, so that carries can wait. Digit 0 of a sum is worth
 * 2^-1088, of a sum of squares 2^-2176. Only a window of them is there, from digit `low`. Zero at first.
 * Memory: `more` is the caller's to release, with ccp_stats_exact_release; it is NULL without `grow`.
 */
struct ccp_stats_exact {
	int64_t small[CCP_STATS_LIMBS];
	int64_t *more;    /* in place of `small`, where the window is larger */
	uint32_t adds;    /* since the carries were done: bounds what a digit may be */
	uint16_t low, room; /* room: of `more` */
};

/*
 * Adds a value, or its square. Returns 0, or 1 if it does not fit into the window and `grow` is false: nothing is
 * added.
 * Shape: finite. Errors: -1 with CCP_E_NO_MEMORY, with `grow`. Without it at most 2^29 values may be added.
 */
int ccp_stats_exact_add(struct ccp_stats_exact *sum, double value, bool grow, struct ccp_err *err);
int ccp_stats_exact_add_square(struct ccp_stats_exact *squares, double value, bool grow, struct ccp_err *err);

/* Adds another sum of the same kind. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_exact_merge(struct ccp_stats_exact *sum, const struct ccp_stats_exact *other, struct ccp_err *err);

/* The nearest double; infinite if it is beyond the range. */
double ccp_stats_exact_sum(const struct ccp_stats_exact *sum);

/* Of `count` values: the sum divided by it. Rounded as long double, then once more. */
double ccp_stats_exact_mean(const struct ccp_stats_exact *sum, uint64_t count);

/*
 * The variance of a sample, (squares - sum^2 / count) / (count - 1), of which all but the last step is exact; its
 * square root with ccp_stats_exact_deviation. Shape: count >= 2.
 */
long double ccp_stats_exact_variance(const struct ccp_stats_exact *sum, const struct ccp_stats_exact *squares,
				     uint64_t count);
double ccp_stats_exact_deviation(const struct ccp_stats_exact *sum, const struct ccp_stats_exact *squares,
				 uint64_t count);

void ccp_stats_exact_release(struct ccp_stats_exact *sum);

#endif
