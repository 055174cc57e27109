/*
 * freq_store.h: keys with their counts, one after the other in memory that grows, and the order that they are sorted
 * in; between freq_table.c, freq_sort.c and freq_run.c.
 */
#ifndef CCP_PIPELINE_FOLD_FREQ_STORE_H
#define CCP_PIPELINE_FOLD_FREQ_STORE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pipeline/err.h"

/* A key and how often it occurs. The next one follows, at a multiple of 8. */
struct ccp_freq_record {
	uint64_t count;
	uint32_t len;
	uint8_t key[];
};

#define CCP_FREQ_RECORD_BYTES(len) ((offsetof(struct ccp_freq_record, key) + (size_t)(len) + 7) / 8 * 8)

/* Memory of its own that grows without being copied. Zero at first. */
struct ccp_freq_memory {
	uint8_t *data;
	size_t bytes, reserved;
};

/* Finds it a place where it can grow up to so many bytes without being moved, if there is one. */
void ccp_freq_memory_reserve(struct ccp_freq_memory *memory, size_t bytes);

/*
 * Makes it at least this large; what was there stays, what is new is zero. Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_freq_memory_grow(struct ccp_freq_memory *memory, size_t bytes, struct ccp_err *err);
void ccp_freq_memory_release(struct ccp_freq_memory *memory);

/*
 * If a key is that of a record, which has CCP_FREQ_SLACK bytes behind it, and is as long. `room`: bytes that can be
 * read of the key and behind it. Lengths follow no rule that a processor could learn, so that up to 16 bytes are
 * compared without a branch, as two words, which overlap.
 */
static inline bool ccp_freq_same(const uint8_t *record, const uint8_t *key, size_t len, size_t room)
{
	size_t second = len > 8 ? len - 8 : 0;
	unsigned unused = len < 8 ? 64 - 8 * (unsigned)len : 0;
	uint64_t x[2], y[2];

	if (len - 1 >= 16 || room < 8)
		return memcmp(record, key, len) == 0;
	memcpy(&x[0], record, 8);
	memcpy(&y[0], key, 8);
	memcpy(&x[1], record + second, 8);
	memcpy(&y[1], key + second, 8);
	return le64toh((x[0] ^ y[0]) | (x[1] ^ y[1])) << unused == 0;
}

static inline void ccp_freq_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	uint64_t x[2];

	if (len < 8 || len > 16) {
		memcpy(to, from, len);
		return;
	}
	memcpy(&x[0], from, 8);
	memcpy(&x[1], from + len - 8, 8);
	memcpy(to, &x[0], 8);
	memcpy(to + len - 8, &x[1], 8);
}

#define CCP_FREQ_SLACK 8u /* bytes that can be read behind the last record */

struct ccp_freq_store {
	struct ccp_freq_memory memory;
	size_t used;
	size_t count; /* records */
};

static inline struct ccp_freq_record *ccp_freq_record_at(const uint8_t *data, uint32_t at)
{
	return (struct ccp_freq_record *)(void *)(uintptr_t)(data + (size_t)at * 8);
}

/* Appends a record, for which there is room. Returns its place, in units of 8 bytes. */
static inline uint32_t ccp_freq_store_put(struct ccp_freq_store *store, const uint8_t *key, uint32_t len,
					  uint64_t count)
{
	uint32_t at = (uint32_t)(store->used / 8);
	struct ccp_freq_record *record = ccp_freq_record_at(store->memory.data, at);

	record->count = count;
	record->len = len;
	ccp_freq_copy(record->key, key, len);
	store->used += CCP_FREQ_RECORD_BYTES(len);
	store->count++;
	return at;
}

/* What is sorted. */
struct ccp_freq_item {
	uint64_t prefix; /* bytes of the key, the first one highest */
	uint32_t at;     /* of the record, in units of 8 bytes */
};

/* Which of two stands before the other: negative, 0, positive. */
int ccp_freq_compare(const struct ccp_freq_record *a, const struct ccp_freq_record *b, bool by_count);

struct ccp_freq_order {
	bool by_count;    /* the largest first, and then by keys; else by keys alone */
	uint64_t least;   /* records with smaller counts are left out */
	unsigned threads; /* at most, if there is enough to do */
};

/* Sorts the records into `items`, where there is room for all. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_freq_sort(const struct ccp_freq_store *store, struct ccp_freq_item *items, size_t *count,
		  const struct ccp_freq_order *order, struct ccp_err *err);

#endif
