/*
 * fold/stats_values.c: values and buckets.
 *
 * While all values are there, they are brought together by group in place, each swap putting one where it belongs,
 * and a quantile is found by partitioning. Beyond that a bucket is what doubles have in common that begin with the
 * same bits, so that all values in it are within a known part of each other; if there are too many, pairs of buckets
 * become one. Which buckets there are in the end depends on the values alone, not on their order.
 */
#include "pipeline/fold/stats_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MOST 10u  /* of the mantissa; with sign and exponent 22 bits */
#define VALUE_BITS 22u /* of a bucket's key, below the group */
#define BUCKETS_LEAST ((size_t)1 << 12)

static uint64_t order_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t order)
{
	uint64_t bits = order >> 63 ? order & ~((uint64_t)1 << 63) : ~order;
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* ---- buckets ------------------------------------------------------------------------------------- */

static void count_bucket(struct ccp_stats_bucket *bucket, size_t room, size_t *used, uint64_t key, uint64_t count)
{
	size_t where = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) % room;

	while (bucket[where].count > 0 && bucket[where].key != key)
		where = (where + 1) % room;
	*used += bucket[where].count == 0;
	bucket[where].key = key;
	bucket[where].count += count;
}

/* Counts all buckets again, in a table with more room or with wider ones. */
static int rebuild(struct ccp_stats_values *values, size_t room, unsigned bits, struct ccp_err *err)
{
	unsigned shift = values->bits - bits;
	struct ccp_stats_bucket *to = calloc(room, sizeof *to);
	size_t used = 0;

	if (to == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu buckets of values", room);
	for (size_t i = 0; i < values->bucket_room; i++) {
		const struct ccp_stats_bucket *from = &values->bucket[i];
		uint64_t low = from->key & (((uint64_t)1 << VALUE_BITS) - 1);

		if (from->count > 0)
			count_bucket(to, room, &used, (from->key - low) | low >> shift, from->count);
	}
	free(values->bucket);
	values->bucket = to;
	values->bucket_room = room;
	values->buckets = used;
	values->bits = bits;
	return 0;
}

static int add_bucket(struct ccp_stats_values *values, double value, uint32_t group, struct ccp_err *err)
{
	if (values->buckets + 1 > values->bucket_room / 4 * 3 &&
	    rebuild(values, 2 * values->bucket_room, values->bits, err) != 0)
		return -1;
	count_bucket(values->bucket, values->bucket_room, &values->buckets,
		     (uint64_t)group << VALUE_BITS | order_of(value) >> (52 - values->bits), 1);
	return 0;
}

static int to_buckets(struct ccp_stats_values *values, struct ccp_err *err)
{
	values->bucket = calloc(BUCKETS_LEAST, sizeof *values->bucket);
	if (values->bucket == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for buckets of values");
	values->bucket_room = BUCKETS_LEAST;
	values->bits = BITS_MOST;
	for (size_t i = 0; i < values->count; i++)
		if (add_bucket(values, values->value[i], values->grouped ? values->group[i] : 0, err) != 0)
			return -1;
	free(values->value);
	free(values->group);
	values->value = NULL;
	values->group = NULL;
	values->count = values->room = 0;
	return 0;
}

/* ---- adding -------------------------------------------------------------------------------------- */

/* Large blocks grow by moving their pages, and what was not touched takes no memory. */
static int reserve(struct ccp_stats_values *values, size_t count, struct ccp_err *err)
{
	size_t room = values->room + values->room / 2;
	void *grown;

	if (count <= values->room - values->count)
		return 0;
	if (room < values->count + count)
		room = values->count + count + 65536;
	grown = realloc(values->value, room * sizeof *values->value);
	if (grown == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu values", room);
	values->value = grown;
	if (values->grouped) {
		grown = realloc(values->group, room * sizeof *values->group);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu values", room);
		values->group = grown;
	}
	values->room = room;
	return 0;
}

int ccp_stats_values_add(struct ccp_stats_values *values, const double *value, const uint32_t *local, size_t count,
			 const uint32_t *map, struct ccp_err *err)
{
	if (values->bucket != NULL) {
		for (size_t i = 0; i < count; i++)
			if (add_bucket(values, value[i], values->grouped ? map[local[i]] : 0, err) != 0)
				return -1;
		return 0;
	}
	if (count == 0)
		return 0;
	if (reserve(values, count, err) != 0)
		return -1;
	memcpy(values->value + values->count, value, count * sizeof *value);
	for (size_t i = 0; i < count && values->grouped; i++)
		values->group[values->count + i] = map[local[i]];
	values->count += count;
	return 0;
}

uint64_t ccp_stats_values_bytes(const struct ccp_stats_values *values)
{
	if (values->bucket != NULL)
		return values->buckets * 2 * sizeof *values->bucket;
	return values->count * (sizeof *values->value + (values->grouped ? sizeof *values->group : 0));
}

int ccp_stats_values_shrink(struct ccp_stats_values *values, uint64_t bytes, struct ccp_err *err)
{
	if (ccp_stats_values_bytes(values) <= bytes)
		return 0;
	if (values->bucket == NULL && to_buckets(values, err) != 0)
		return -1;
	while (ccp_stats_values_bytes(values) > bytes) {
		if (values->bits == 0)
			return ccp_err_set(err, CCP_E_NO_MEMORY,
					   "not enough memory for quantiles: --quantiles none, or more --max-mem");
		if (rebuild(values, values->bucket_room, values->bits - 1, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- quantiles ----------------------------------------------------------------------------------- */

static int compare_buckets(const void *a, const void *b)
{
	const struct ccp_stats_bucket *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Brings the buckets into order, one after the other. */
static void sort_buckets(struct ccp_stats_values *values)
{
	size_t used = 0;

	for (size_t i = 0; i < values->bucket_room; i++)
		if (values->bucket[i].count > 0)
			values->bucket[used++] = values->bucket[i];
	qsort(values->bucket, used, sizeof *values->bucket, compare_buckets);
}

/* Brings the values of each group together. `next` has where each group's begin. */
static void permute(struct ccp_stats_values *values, uint64_t *next)
{
	for (uint32_t group = 0; group < values->groups; group++) {
		while (next[group] < values->begin[group + 1]) {
			uint64_t i = next[group], to;
			uint32_t of = values->group[i];
			double value = values->value[i];

			to = next[of]++;
			values->group[i] = values->group[to];
			values->value[i] = values->value[to];
			values->group[to] = of;
			values->value[to] = value;
		}
	}
}

int ccp_stats_values_finish(struct ccp_stats_values *values, uint32_t groups, struct ccp_err *err)
{
	uint64_t *next = calloc((size_t)groups + 1, sizeof *next);

	values->groups = groups;
	values->begin = calloc((size_t)groups + 1, sizeof *values->begin);
	if (next == NULL || values->begin == NULL) {
		free(next);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u groups", groups);
	}
	if (values->bucket != NULL)
		sort_buckets(values);
	if (values->bucket != NULL)
		for (size_t i = 0; i < values->buckets; i++)
			values->begin[(values->bucket[i].key >> VALUE_BITS) + 1]++;
	else if (values->grouped)
		for (size_t i = 0; i < values->count; i++)
			values->begin[values->group[i] + 1]++;
	else
		values->begin[1] = values->count;
	for (uint32_t group = 0; group < groups; group++)
		values->begin[group + 1] += values->begin[group];
	memcpy(next, values->begin, groups * sizeof *next);
	if (values->bucket == NULL && values->grouped)
		permute(values, next);
	free(next);
	return 0;
}

static int compare_values(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void swap(double *a, double *b)
{
	double kept = *a;

	*a = *b;
	*b = kept;
}

static double median3(double a, double b, double c)
{
	return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* Puts the value of a rank where it belongs, smaller ones before it and larger ones behind. */
static void select_rank(double *value, size_t count, size_t rank)
{
	size_t low = 0, high = count;

	for (unsigned round = 0; high - low > 16 && round < 64; round++) {
		double pivot = median3(value[low], value[low + (high - low) / 2], value[high - 1]);
		size_t less = low, more = high;

		for (size_t i = low; i < more;) {
			if (value[i] < pivot)
				swap(&value[i++], &value[less++]);
			else if (value[i] > pivot)
				swap(&value[i], &value[--more]);
			else
				i++;
		}
		if (rank >= less && rank < more)
			return;
		if (rank < less)
			high = less;
		else
			low = more;
	}
	qsort(value + low, high - low, sizeof *value, compare_values);
}

/* The value of a rank that lies in a bucket: the middle of it. */
static double middle_of(const struct ccp_stats_values *values, uint64_t key)
{
	unsigned shift = 52 - values->bits;
	uint64_t low = (key & (((uint64_t)1 << VALUE_BITS) - 1)) << shift, high = low + (((uint64_t)1 << shift) - 1);
	double a = value_of(low), b = value_of(high);

	if (!isfinite(a) || !isfinite(b)) /* the bits of the last exponent are followed by those of what is no number */
		return isfinite(a) ? a : b;
	return a / 2 + b / 2;
}

static double bucket_at(const struct ccp_stats_values *values, uint32_t group, uint64_t rank)
{
	uint64_t i = values->begin[group];

	while (i + 1 < values->begin[group + 1] && rank >= values->bucket[i].count)
		rank -= values->bucket[i++].count;
	return middle_of(values, values->bucket[i].key);
}

static uint64_t count_of(const struct ccp_stats_values *values, uint32_t group)
{
	uint64_t count = 0;

	if (values->bucket == NULL)
		return values->begin[group + 1] - values->begin[group];
	for (uint64_t i = values->begin[group]; i < values->begin[group + 1]; i++)
		count += values->bucket[i].count;
	return count;
}

double ccp_stats_values_quantile(struct ccp_stats_values *values, uint32_t group, double p)
{
	uint64_t count = count_of(values, group), rank;
	double place = (double)(count - 1) * p, part, low, high;

	rank = (uint64_t)place;
	if (rank >= count)
		rank = count - 1;
	part = place - (double)rank;
	if (values->bucket != NULL) {
		low = bucket_at(values, group, rank);
		high = part > 0 ? bucket_at(values, group, rank + 1) : low;
	} else {
		double *value = values->value + values->begin[group];

		select_rank(value, count, rank);
		low = high = value[rank];
		if (part > 0) {
			high = value[rank + 1];
			for (uint64_t i = rank + 2; i < count; i++)
				high = value[i] < high ? value[i] : high;
		}
	}
	if (part <= 0 || low == high)
		return low;
	return isfinite(high - low) ? low + (high - low) * part : low * (1 - part) + high * part;
}

double ccp_stats_values_error(const struct ccp_stats_values *values)
{
	return values->bucket == NULL ? 0 : ldexp(1, -(int)values->bits - 1);
}

void ccp_stats_values_release(struct ccp_stats_values *values)
{
	free(values->value);
	free(values->group);
	free(values->begin);
	free(values->bucket);
	*values = (struct ccp_stats_values){ 0 };
}
