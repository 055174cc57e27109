/*
 * fold/freq_sort.c: sorts records by their key, or by their count, the largest first, and then the key.
 *
 * Small counts have a bucket each, and within it each first byte; the records are walked through twice, to count what
 * goes where and to put it there. Then each bucket is sorted by the next bytes, one at a time and in place (American
 * flag sort); items have eight bytes of their keys beside them, and when these are used up, and there are still many
 * alike, the next eight are fetched. Small buckets are sorted by insertion, and what has very long beginnings in
 * common by heapsort, which needs no memory. Threads take one bucket after the other.
 * Source: McIlroy, Bostic, McIlroy, Engineering Radix Sort, 1993.
 */
#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pipeline/fold/freq_store.h"

#define COUNTS 256u        /* buckets for counts: 1 and so on, and the first for all that are larger */
#define BUCKETS (COUNTS * 256u)
#define FEW 32u            /* sorted by insertion */
#define FAR 64u            /* bytes in common from which on heapsort takes over */
#define AHEAD 16u          /* records that are fetched before they are needed */
#define THREADS_FROM 20000u
#define THREADS_MAX 16u

struct sort {
	const uint8_t *data;
	struct ccp_freq_item *items;
	bool by_count;
	size_t *ends;          /* of buckets */
	atomic_uint next;      /* bucket that nobody has taken */
};

static int compare_bytes(const struct ccp_freq_record *a, const struct ccp_freq_record *b, size_t from)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int result = len > from ? memcmp(a->key + from, b->key + from, len - from) : 0;

	return result != 0 ? result : (a->len > b->len) - (a->len < b->len);
}

int ccp_freq_compare(const struct ccp_freq_record *a, const struct ccp_freq_record *b, bool by_count)
{
	if (by_count && a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return compare_bytes(a, b, 0);
}

/* Bytes of a key from `from` on; zeros where it has none. */
static inline uint64_t prefix_of(const struct ccp_freq_record *record, size_t from)
{
	uint64_t prefix;

	if (record->len <= from)
		return 0;
	memcpy(&prefix, record->key + from, sizeof prefix); /* CCP_FREQ_SLACK */
	prefix = be64toh(prefix);
	return record->len - from >= 8 ? prefix : prefix & ~(~UINT64_C(0) >> 8 * (record->len - from));
}

/* Takes the bytes from `from` on for prefixes. */
static void next_prefixes(const struct sort *sort, struct ccp_freq_item *items, size_t n, size_t from)
{
	for (size_t i = 0; i < n && i < AHEAD; i++) /* records are in no order */
		__builtin_prefetch(ccp_freq_record_at(sort->data, items[i].at));
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(ccp_freq_record_at(sort->data, items[i + AHEAD].at));
		items[i].prefix = prefix_of(ccp_freq_record_at(sort->data, items[i].at), from);
	}
}

/* Items whose keys have `from` bytes in common, and whose prefixes are from there. `far`: whole keys are compared. */
static bool stands_before(const struct sort *sort, const struct ccp_freq_item *a, const struct ccp_freq_item *b,
			  size_t from, bool far)
{
	if (a->prefix != b->prefix || !far)
		return a->prefix < b->prefix;
	return compare_bytes(ccp_freq_record_at(sort->data, a->at), ccp_freq_record_at(sort->data, b->at), from) < 0;
}

/* By prefixes; then those that have the same one by the next, for which the records are fetched together. */
static void sort_few(const struct sort *sort, struct ccp_freq_item *items, size_t n, size_t from)
{
	bool far = from >= FAR;

	for (size_t i = 1; i < n; i++) {
		struct ccp_freq_item item = items[i];
		size_t j = i;

		for (; j > 0 && stands_before(sort, &item, &items[j - 1], from, far); j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
	for (size_t begin = 0, end; begin < n && !far; begin = end) {
		for (end = begin + 1; end < n && items[end].prefix == items[begin].prefix;)
			end++;
		if (end - begin == 1)
			continue;
		next_prefixes(sort, items + begin, end - begin, from + 8);
		sort_few(sort, items + begin, end - begin, from + 8);
	}
}

static void sift(const struct sort *sort, struct ccp_freq_item *items, size_t n, size_t at, bool by_count)
{
	struct ccp_freq_item item = items[at];
	const struct ccp_freq_record *record = ccp_freq_record_at(sort->data, item.at);

	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		const struct ccp_freq_record *larger = ccp_freq_record_at(sort->data, items[child].at), *other;

		if (child + 1 < n) {
			other = ccp_freq_record_at(sort->data, items[child + 1].at);
			if (ccp_freq_compare(larger, other, by_count) < 0) {
				larger = other;
				child++;
			}
		}
		if (ccp_freq_compare(record, larger, by_count) >= 0)
			break;
		items[at] = items[child];
	}
	items[at] = item;
}

static void sort_heap(const struct sort *sort, struct ccp_freq_item *items, size_t n, bool by_count)
{
	for (size_t i = n / 2; i > 0; i--)
		sift(sort, items, n, i - 1, by_count);
	for (size_t i = n; i > 1; i--) {
		struct ccp_freq_item last = items[i - 1];

		items[i - 1] = items[0];
		items[0] = last;
		sift(sort, items, i - 1, 0, by_count);
	}
}

/* Puts items into the order of one byte of their prefixes. ends[] are where each byte's items end. */
static void permute(struct ccp_freq_item *items, size_t n, unsigned shift, size_t ends[256])
{
	size_t at[256] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[items[i].prefix >> shift & 0xff]++;
	for (unsigned b = 0; b < 256; b++) {
		size_t count = at[b];

		at[b] = sum;
		sum += count;
		ends[b] = sum;
	}
	for (unsigned b = 0; b < 256; b++)
		while (at[b] < ends[b]) {
			struct ccp_freq_item item = items[at[b]];
			unsigned byte;

			while ((byte = item.prefix >> shift & 0xff) != b) {
				struct ccp_freq_item other = items[at[byte]];

				items[at[byte]++] = item;
				item = other;
			}
			items[at[b]++] = item;
		}
}

/* Bytes from `depth` on that all prefixes have in common, and `depth`; most of the time a look at three tells. */
static unsigned common(const struct ccp_freq_item *items, size_t n, unsigned depth)
{
	uint64_t differ = (items[0].prefix ^ items[n / 2].prefix) | (items[0].prefix ^ items[n - 1].prefix);

	if (differ >> (56 - 8 * depth) != 0)
		return depth;
	for (size_t i = 1; i < n; i++)
		differ |= items[i].prefix ^ items[0].prefix;
	return differ == 0 ? 8 : (unsigned)__builtin_clzll(differ) / 8;
}

/* Keys have the same `from` bytes, and `depth` more. */
static void sort_bytes(const struct sort *sort, struct ccp_freq_item *items, size_t n, size_t from, unsigned depth)
{
	size_t ends[256], begin = 0;

	if (n <= FEW) {
		sort_few(sort, items, n, from);
		return;
	}
	while (depth == 8 || (depth = common(items, n, depth)) == 8) {
		from += 8;
		depth = 0;
		if (from >= FAR) {
			sort_heap(sort, items, n, false);
			return;
		}
		next_prefixes(sort, items, n, from);
	}
	permute(items, n, 56 - 8 * depth, ends);
	for (unsigned b = 0; b < 256; b++) {
		if (ends[b] - begin > 1)
			sort_bytes(sort, items + begin, ends[b] - begin, from, depth + 1);
		begin = ends[b];
	}
}

/* Large counts share a bucket, whatever their keys. */
static unsigned bucket_of(const struct ccp_freq_record *record, bool by_count)
{
	unsigned first = record->len > 0 ? record->key[0] : 0;

	if (!by_count)
		return first;
	return record->count >= COUNTS ? 0 : (COUNTS - (unsigned)record->count) << 8 | first;
}

static void *sort_buckets(void *arg)
{
	struct sort *sort = arg;
	unsigned bucket;

	while ((bucket = atomic_fetch_add(&sort->next, 1)) < BUCKETS) {
		size_t begin = bucket > 0 ? sort->ends[bucket - 1] : 0, n = sort->ends[bucket] - begin;

		if (sort->by_count && bucket == 0)
			sort_heap(sort, sort->items + begin, n, true); /* large counts are all in here */
		else if (n > 1)
			sort_bytes(sort, sort->items + begin, n, 0, 1);
	}
	return NULL;
}

static void run_threads(struct sort *sort, size_t n, unsigned threads)
{
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	if (n < THREADS_FROM)
		threads = 1;
	while (started + 1 < threads && started < THREADS_MAX &&
	       pthread_create(&thread[started], NULL, sort_buckets, sort) == 0)
		started++;
	sort_buckets(sort);
	while (started > 0)
		pthread_join(thread[--started], NULL);
}

int ccp_freq_sort(const struct ccp_freq_store *store, struct ccp_freq_item *items, size_t *count,
		  const struct ccp_freq_order *order, struct ccp_err *err)
{
	struct sort sort = { .data = store->memory.data, .items = items, .by_count = order->by_count };
	size_t *at = calloc(BUCKETS, sizeof *at), sum = 0;
	const struct ccp_freq_record *record;

	if (at == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for sorting");
	for (size_t i = 0; i < store->used; i += CCP_FREQ_RECORD_BYTES(record->len)) {
		record = ccp_freq_record_at(sort.data, (uint32_t)(i / 8));
		if (record->count >= order->least)
			at[bucket_of(record, order->by_count)]++;
	}
	for (unsigned b = 0; b < BUCKETS; b++) {
		size_t n = at[b];

		at[b] = sum;
		sum += n;
	}
	for (size_t i = 0; i < store->used; i += CCP_FREQ_RECORD_BYTES(record->len)) {
		record = ccp_freq_record_at(sort.data, (uint32_t)(i / 8));
		if (record->count >= order->least)
			items[at[bucket_of(record, order->by_count)]++] = (struct ccp_freq_item){
				prefix_of(record, 0), (uint32_t)(i / 8)
			};
	}
	sort.ends = at; /* each has come to where the next one began */
	run_threads(&sort, sum, order->threads);
	free(at);
	*count = sum;
	return 0;
}
