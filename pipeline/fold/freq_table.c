/*
 * fold/freq_table.c: a table with open addressing; a slot holds 32 bits of a key's hash and the place of its record.
 *
 * A slot's place is the upper bits of the hash, so that a larger table is filled in the order of the old one. The keys
 * of a note are looked up some dozens at a time: the slots of all of them are fetched, then the records that these
 * name, and only then are keys compared, so that the waits for memory overlap. At most half of the slots are used; once
 * nothing more is added their memory serves for sorting, as an item is as large as two of them. When the table is as
 * large as it may be it is sorted by key and written as a run. In the end the runs are merged; what that gives is
 * collected until memory is full once more, sorted by count and written again, unless all of it fits.
 */
#include "pipeline/fold/freq_table.h"

#include <assert.h>
#include <stdlib.h>

#include "pipeline/fold/freq_run.h"
#include "pipeline/fold/freq_store.h"

#define SLOTS_LEAST ((size_t)1 << 12)
#define AHEAD 16u /* records that are fetched before they are given */
#define BATCH 64u /* keys that are looked up together */
#define STORE_MOST ((size_t)UINT32_MAX * 8)

/* `at` + 1, in units of 8 bytes; 0 = empty */
struct slot {
	uint32_t hash, place;
};

_Static_assert(sizeof(struct ccp_freq_item) == 2 * sizeof(struct slot), "items do not fit in the place of slots");

struct ccp_freq_table {
	const struct ccp_freq_options *options;
	size_t bytes_most;         /* of records and slots */
	struct ccp_freq_store store;
	struct ccp_freq_memory slots; /* or items */
	unsigned shift;            /* hash >> shift is a slot */
	struct ccp_freq_runs keys, counts;
	uint8_t *folded;           /* a key */
	size_t folded_room;
	struct ccp_freq_want want;
	struct ccp_freq_merge *merge;
	size_t items, given;       /* sorted in memory, if there is no merge */
	uint64_t left;             /* of want.top */
};

static size_t slots_of(const struct ccp_freq_table *table)
{
	return (size_t)1 << (32 - table->shift);
}

int ccp_freq_table_new(struct ccp_freq_table **out, const struct ccp_freq_options *options, uint64_t memory,
		       struct ccp_err *err)
{
	struct ccp_freq_table *table = calloc(1, sizeof *table);

	if (table == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a table of keys");
	if (memory < CCP_FREQ_MEMORY_LEAST)
		memory = CCP_FREQ_MEMORY_LEAST;
	table->options = options;
	table->bytes_most = memory / 4 * 3 < STORE_MOST ? (size_t)(memory / 4 * 3) : STORE_MOST;
	table->shift = 32 - (unsigned)__builtin_ctzll(SLOTS_LEAST);
	ccp_freq_runs_init(&table->keys, false, memory / 4);
	ccp_freq_runs_init(&table->counts, true, memory / 4);
	ccp_freq_memory_reserve(&table->store.memory, table->bytes_most / 4 * 5 + ((size_t)1 << 20));
	if (ccp_freq_memory_grow(&table->slots, SLOTS_LEAST * sizeof(struct slot), err) != 0) {
		ccp_freq_table_free(table);
		return -1;
	}
	*out = table;
	return 0;
}

void ccp_freq_table_free(struct ccp_freq_table *table)
{
	if (table == NULL)
		return;
	ccp_freq_merge_free(table->merge);
	ccp_freq_runs_release(&table->keys);
	ccp_freq_runs_release(&table->counts);
	ccp_freq_memory_release(&table->store.memory);
	ccp_freq_memory_release(&table->slots);
	free(table->folded);
	free(table);
}

size_t ccp_freq_table_spilled(const struct ccp_freq_table *table)
{
	return table->keys.written + table->counts.written;
}

/* ---- memory -------------------------------------------------------------------------------------- */

/* Records as they are sorted, into a run; the store is empty then. What is in place of the items is lost. */
static int spill(struct ccp_freq_table *table, struct ccp_freq_runs *runs, uint64_t least, struct ccp_err *err)
{
	struct ccp_freq_item *items = (void *)table->slots.data;
	const struct ccp_freq_order order = { .by_count = runs->by_count, .least = least, .threads = 1 };
	size_t count;

	if (ccp_freq_sort(&table->store, items, &count, &order, err) != 0 ||
	    ccp_freq_runs_add(runs, &table->store, items, count, err) != 0)
		return -1;
	table->store.used = table->store.count = 0;
	return 0;
}

/* Room for a record of a key in the store, which grows by a quarter. */
static int make_room(struct ccp_freq_store *store, size_t len, struct ccp_err *err)
{
	size_t need = store->used + CCP_FREQ_RECORD_BYTES(len) + CCP_FREQ_SLACK;

	if (need <= store->memory.bytes)
		return 0;
	return ccp_freq_memory_grow(&store->memory, need + need / 4 + ((size_t)64 << 10), err);
}

static int double_slots(struct ccp_freq_table *table, struct ccp_err *err)
{
	struct ccp_freq_memory old = table->slots;
	const struct slot *from = (void *)old.data;
	size_t count = slots_of(table), last = 2 * count - 1;
	struct slot *to;

	table->slots = (struct ccp_freq_memory){ 0 };
	if (table->shift == 0 || ccp_freq_memory_grow(&table->slots, 2 * count * sizeof *from, err) != 0) {
		table->slots = old;
		return table->shift == 0 ? ccp_err_set(err, CCP_E_NO_MEMORY, "too many keys") : -1;
	}
	table->shift--;
	to = (void *)table->slots.data;
	for (size_t i = 0; i < count; i++) {
		size_t at = from[i].hash >> table->shift;

		if (from[i].place == 0)
			continue;
		while (to[at].place != 0)
			at = (at + 1) & last;
		to[at] = from[i];
	}
	ccp_freq_memory_release(&old);
	return 0;
}

/* Room for one more key: memory grows, or all goes to a run. Returns 1 if slots are not where they were. */
static int prepare(struct ccp_freq_table *table, size_t len, struct ccp_err *err)
{
	size_t bytes = table->slots.bytes;
	bool full = 2 * (table->store.count + 1) > slots_of(table);

	if (full)
		bytes *= 3; /* for a while there are both */
	if (bytes + table->store.used + CCP_FREQ_RECORD_BYTES(len) > table->bytes_most && table->store.count > 0) {
		if (spill(table, &table->keys, 0, err) != 0)
			return -1;
		memset(table->slots.data, 0, table->slots.bytes);
		return make_room(&table->store, len, err) != 0 ? -1 : 1;
	}
	if (make_room(&table->store, len, err) != 0 || (full && double_slots(table, err) != 0))
		return -1;
	return full;
}

/* ---- adding -------------------------------------------------------------------------------------- */

static int add(struct ccp_freq_table *table, uint32_t hash, const uint8_t *key, uint32_t len, uint64_t count,
	       struct ccp_err *err)
{
	struct slot *slots = (void *)table->slots.data;
	size_t last = slots_of(table) - 1, at = hash >> table->shift;
	int moved;

	for (; slots[at].place != 0; at = (at + 1) & last) {
		struct ccp_freq_record *record;

		if (slots[at].hash != hash)
			continue;
		record = ccp_freq_record_at(table->store.memory.data, slots[at].place - 1);
		if (record->len == len && ccp_freq_same(record->key, key, len, len)) {
			record->count += count;
			return 0;
		}
	}
	moved = prepare(table, len, err);
	if (moved < 0)
		return -1;
	if (moved > 0) {
		slots = (void *)table->slots.data;
		last = slots_of(table) - 1;
		for (at = hash >> table->shift; slots[at].place != 0;)
			at = (at + 1) & last;
	}
	slots[at] = (struct slot){ hash, ccp_freq_store_put(&table->store, key, len, count) + 1 };
	return 0;
}

/* The key as keys are compared. */
static const uint8_t *fold(struct ccp_freq_table *table, const uint8_t *key, size_t len, struct ccp_err *err)
{
	if (!table->options->fold_case || len == 0)
		return key;
	if (len > table->folded_room) {
		free(table->folded);
		table->folded_room = 0;
		table->folded = malloc(len);
		if (table->folded == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a key of %zu bytes", len);
			return NULL;
		}
		table->folded_room = len;
	}
	ccp_freq_fold(table->folded, key, len);
	return table->folded;
}

/* The place of the first record with that hash, as a slot has it; 0 = there is none. */
static inline uint32_t place_of(const struct ccp_freq_table *table, uint32_t hash)
{
	const struct slot *slots = (const void *)table->slots.data;
	size_t last = slots_of(table) - 1, at = hash >> table->shift;

	while (slots[at].place != 0 && slots[at].hash != hash)
		at = (at + 1) & last;
	return slots[at].place;
}

/* Inline: gcc takes a function that does nothing but prefetch for one that has no effect, and leaves out its calls. */
static inline __attribute__((always_inline)) void fetch_slots(const struct ccp_freq_table *table,
							      const struct ccp_freq_note *notes, size_t n)
{
	const struct slot *slots = (const void *)table->slots.data;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&slots[notes[i].hash >> table->shift], 1);
}

static void fetch_records(const struct ccp_freq_table *table, const struct ccp_freq_note *notes, size_t n,
			  uint32_t *places)
{
	for (size_t i = 0; i < n; i++) {
		places[i] = place_of(table, notes[i].hash);
		if (places[i] != 0)
			__builtin_prefetch(ccp_freq_record_at(table->store.memory.data, places[i] - 1), 1);
	}
}

/* Adds the count if that record is the key's. `room`: bytes that can be read of the key and behind it. */
static inline bool add_at(struct ccp_freq_table *table, uint32_t place, const struct ccp_freq_note *note,
			  const uint8_t *key, size_t room)
{
	struct ccp_freq_record *record;

	if (place == 0)
		return false;
	record = ccp_freq_record_at(table->store.memory.data, place - 1);
	if (record->len != note->len || !ccp_freq_same(record->key, key, note->len, room))
		return false;
	record->count += note->count;
	return true;
}

int ccp_freq_table_part(struct ccp_freq_table *table, const struct ccp_part *part, struct ccp_err *err)
{
	const struct ccp_freq_note *notes = (const void *)part->note.data;
	size_t count = part->note.len / sizeof *notes, n;
	uint32_t places[BATCH];

	for (fetch_slots(table, notes, count < BATCH ? count : BATCH); count > 0; notes += n, count -= n) {
		size_t runs = table->keys.written;

		n = count < BATCH ? count : BATCH;
		fetch_records(table, notes, n, places);
		fetch_slots(table, notes + n, count - n < BATCH ? count - n : BATCH);
		for (size_t i = 0; i < n; i++) {
			const uint8_t *key = fold(table, part->data + notes[i].at, notes[i].len, err);
			size_t room = key == table->folded ? notes[i].len : part->len - notes[i].at;

			if (key == NULL)
				return -1;
			if (runs == table->keys.written && add_at(table, places[i], &notes[i], key, room))
				continue;
			if (add(table, notes[i].hash, key, notes[i].len, notes[i].count, err) != 0)
				return -1;
		}
	}
	return 0;
}

int ccp_freq_table_key(struct ccp_freq_table *table, const uint8_t *key, size_t len, uint64_t count,
		       struct ccp_err *err)
{
	uint32_t hash;

	if (len >= UINT32_MAX - 64)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "a key of 4 GiB or more");
	key = fold(table, key, len, err);
	if (key == NULL)
		return -1;
	hash = (uint32_t)(ccp_freq_hash(table->options, key, len) >> 32);
	return add(table, hash, key, (uint32_t)len, count, err);
}

/* ---- the end ------------------------------------------------------------------------------------- */

/* Counts of which there are `top` or more, as a power of 2: what is less is not among them. */
static uint64_t least_for_top(const struct ccp_freq_store *store, uint64_t top, uint64_t least)
{
	uint64_t at[64] = { 0 }, sum = 0;
	const struct ccp_freq_record *record;

	for (size_t i = 0; i < store->used; i += CCP_FREQ_RECORD_BYTES(record->len)) {
		record = ccp_freq_record_at(store->memory.data, (uint32_t)(i / 8));
		at[63 - __builtin_clzll(record->count)]++;
	}
	for (unsigned bit = 64; bit-- > 0;) {
		sum += at[bit];
		if (sum >= top)
			return least > UINT64_C(1) << bit ? least : UINT64_C(1) << bit;
	}
	return least;
}

/* Puts what the runs give in the order of counts: in memory, or as runs of another kind. */
static int merge_by_count(struct ccp_freq_table *table, struct ccp_err *err)
{
	struct ccp_freq_record *record;
	struct ccp_freq_store *store = &table->store;
	int result;

	if (spill(table, &table->keys, 0, err) != 0 || ccp_freq_merge_new(&table->merge, &table->keys, 0, err) != 0)
		return -1;
	while ((result = ccp_freq_merge_next(table->merge, &record, err)) == 1) {
		size_t items = (store->count + 1) * sizeof(struct ccp_freq_item);

		if (record->count < table->want.least)
			continue;
		if (store->used + CCP_FREQ_RECORD_BYTES(record->len) + items > table->bytes_most && store->count > 0) {
			if (spill(table, &table->counts, 0, err) != 0)
				return -1;
			items = sizeof(struct ccp_freq_item);
		}
		if (make_room(store, record->len, err) != 0 ||
		    (items > table->slots.bytes && ccp_freq_memory_grow(&table->slots, 2 * items, err) != 0))
			return -1;
		ccp_freq_store_put(store, record->key, record->len, record->count);
	}
	ccp_freq_merge_free(table->merge);
	table->merge = NULL;
	ccp_freq_runs_release(&table->keys);
	return result;
}

int ccp_freq_table_finish(struct ccp_freq_table *table, const struct ccp_freq_want *want, struct ccp_err *err)
{
	struct ccp_freq_order order = { .by_count = true, .least = want->least, .threads = want->threads };

	table->want = *want;
	table->left = want->top > 0 ? want->top : UINT64_MAX;
	if (table->keys.written > 0 && merge_by_count(table, err) != 0)
		return -1;
	if (table->counts.written > 0) {
		if (spill(table, &table->counts, 0, err) != 0)
			return -1;
		return ccp_freq_merge_new(&table->merge, &table->counts, 0, err);
	}
	if (want->top > 0)
		order.least = least_for_top(&table->store, want->top, want->least);
	return ccp_freq_sort(&table->store, (void *)table->slots.data, &table->items, &order, err);
}

int ccp_freq_table_next(struct ccp_freq_table *table, const uint8_t **key, size_t *len, uint64_t *count,
			struct ccp_err *err)
{
	const struct ccp_freq_item *items = (const void *)table->slots.data;
	struct ccp_freq_record *record;
	int result;

	if (table->left == 0)
		return 0;
	table->left--;
	if (table->merge != NULL) {
		result = ccp_freq_merge_next(table->merge, &record, err);
		if (result != 1)
			return result;
	} else if (table->given < table->items) {
		record = ccp_freq_record_at(table->store.memory.data, items[table->given++].at);
		if (table->given + AHEAD < table->items)
			__builtin_prefetch(ccp_freq_record_at(table->store.memory.data,
							      items[table->given + AHEAD].at));
	} else {
		return 0;
	}
	*key = record->key;
	*len = record->len;
	*count = record->count;
	return 1;
}
