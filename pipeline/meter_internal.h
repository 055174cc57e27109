/*
 * meter_internal.h: what meter.c (marks), meter_thread.c (readings of the thread) and meter_read.c (sums) share.
 */
#ifndef CCP_PIPELINE_METER_INTERNAL_H
#define CCP_PIPELINE_METER_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/meter.h"

/* All of it lies in one shared mapping, so that a worker process can open an account too. */
struct ccp_meter {
	/* set by ccp_meter_new */
	struct ccp_span *spans; /* span_capacity of them for each of the first span_accounts; NULL = no trace */
	size_t span_capacity, span_accounts;
	unsigned descriptors; /* accounts that may keep one open */

	_Atomic unsigned count; /* accounts that were taken */
	struct ccp_meter_account account[CCP_METER_ACCOUNTS];
};

/*
 * Figures are stored with release and loaded with acquire, so that a reader who sees a new one also sees that since_ns
 * has changed. There is one writer: adding needs no locked instruction.
 */
static inline uint64_t ccp_meter_get(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_acquire);
}

static inline void ccp_meter_put(_Atomic uint64_t *figure, uint64_t value)
{
	atomic_store_explicit(figure, value, memory_order_release);
}

static inline void ccp_meter_add(_Atomic uint64_t *figure, uint64_t more)
{
	ccp_meter_put(figure, atomic_load_explicit(figure, memory_order_relaxed) + more);
}

/* How many spans from the first on are never written over. */
static inline size_t ccp_meter_first_kept(size_t capacity)
{
	return capacity / 20;
}

/* Where the n-th span ever written stands, or stood. */
static inline size_t ccp_meter_span_place(size_t capacity, uint64_t n)
{
	size_t first = ccp_meter_first_kept(capacity);

	return n < first ? (size_t)n : first + (size_t)((n - first) % (capacity - first));
}

/*
 * Intervals of this length are all measured: a reading at their end costs 0.5 % of it. So are those that are 8 times as
 * long as a stretch is on average, which are few; from the shorter length on, lest a reading cost more than 2.5 %.
 */
#define CCP_METER_LONG_NS 500000
#define CCP_METER_LONG_MIN_NS 100000
#define CCP_METER_LONG_RATIO 8

/* A reading: the thread's clocks and counts at one moment. Units: ns. */
struct ccp_meter_point {
	uint64_t cpu, runq, nvcsw, nivcsw;
};

/* Parts of one interval. Units: ns. */
struct ccp_meter_parts {
	uint64_t cpu, runq, blocked;
};

/* The calling thread becomes the account's: a reading is kept; what an earlier thread left in the account stays. */
void ccp_meter_adopt(struct ccp_meter_account *account, struct ccp_meter_point *point);

/* Reads. Returns false if the account was another thread's (it is adopted): the reading cannot divide an interval. */
bool ccp_meter_measure(struct ccp_meter_account *account, struct ccp_meter_point *point);

/* Divides an interval that ends with this reading. Returns parts that add up to `length`. */
struct ccp_meter_parts ccp_meter_divide(const struct ccp_meter_account *account, const struct ccp_meter_point *point,
					uint64_t length);

/* Adds the parts of a busy interval to the account. */
void ccp_meter_add_parts(struct ccp_meter_account *account, unsigned state, uint64_t length,
			 const struct ccp_meter_parts *parts);

/* Makes the reading the one that later ones are compared with, and brings the sums over life up to date. */
void ccp_meter_keep(struct ccp_meter_account *account, const struct ccp_meter_point *point);

/* Closes the thread's descriptor, if it is one of this process. */
void ccp_meter_close_thread(struct ccp_meter_account *account);

/*
 * Parses a line of /proc/PID/task/TID/schedstat: ns on a CPU, ns ready to run without one.
 * Errors: -1 if it is none.
 */
int ccp_meter_parse_schedstat(const char *line, uint64_t *cpu, uint64_t *runq);

#endif
