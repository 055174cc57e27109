/* test_freq.c: where keys are found, how they are counted and sorted, and that temporary files change nothing. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/freq.h"
#include "pipeline/fold/freq_hash.h"
#include "pipeline/fold/freq_store.h"
#include "pipeline/fold/freq_table.h"

static uint64_t state = 1;

static unsigned roll(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state >> 33) % n;
}

/* All keys of data, each followed by a newline, as ccp_freq_find tells them, beginning again at each batch's end. */
static size_t found(const struct ccp_freq_options *options, const uint8_t *data, size_t len, uint8_t *out)
{
	struct ccp_freq_keys *keys = malloc(sizeof *keys);
	struct ccp_err err;
	size_t at = 0, n = 0;
	int more = 1;

	while (more == 1 && at < len) {
		more = ccp_freq_find(options, NULL, data, len, &at, keys, &err);
		cr_assert_geq(more, 0);
		for (size_t i = 0; i < keys->count; i++) {
			memcpy(out + n, data + keys->begin[i], keys->end[i] - keys->begin[i]);
			n += keys->end[i] - keys->begin[i];
			out[n++] = '\n';
		}
	}
	free(keys);
	return n;
}

/* The same, byte by byte. */
static size_t expected(const struct ccp_freq_options *options, const uint8_t *data, size_t len, uint8_t *out)
{
	size_t n = 0, begin = 0;

	for (size_t i = 0; i <= len; i++) {
		bool line = i < len && data[i] == '\n';
		bool blank = line || (i < len && memchr(" \t\v\f\r", data[i], 5) != NULL);

		if (options->by == CCP_FREQ_WORD ? !blank && i < len : !line && i < len)
			continue;
		if (i > begin || (options->by == CCP_FREQ_LINE && i < len)) {
			memcpy(out + n, data + begin, i - begin);
			n += i - begin;
			out[n++] = '\n';
		}
		begin = i + 1;
	}
	return n;
}

Test(freq, finds_words_and_lines)
{
	static uint8_t data[3000], a[8000], b[8000];
	static const uint8_t some[] = "ab\n \tc\r\0\xff";

	for (int round = 0; round < 400; round++) {
		size_t len = roll(round % 2 ? 200 : sizeof data);
		unsigned kinds = 1 + roll(sizeof some - 1);

		for (size_t i = 0; i < len; i++)
			data[i] = some[roll(3) ? roll(kinds) : 0];
		for (int by = CCP_FREQ_WORD; by <= CCP_FREQ_LINE; by++) {
			struct ccp_freq_options options = { .by = (enum ccp_freq_by)by };
			size_t n = found(&options, data, len, a), m = expected(&options, data, len, b);

			cr_assert_eq(n, m, "round %d by %d: %zu, not %zu", round, by, n, m);
			cr_assert_arr_eq(a, b, n);
		}
	}
}

Test(freq, hashes_quickly_and_carefully_are_the_same)
{
	struct ccp_freq_options options = { .seed = { 5, 6 } };
	uint8_t data[80];

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(1 + roll(255));
	for (size_t len = 0; len <= 60; len++) {
		uint64_t hash = ccp_freq_hash_head(&options, ccp_freq_head_quick(data, len), len);

		if (len > CCP_FREQ_SHORT)
			hash = ccp_freq_hash_long(&options, hash, data, len);
		cr_assert_eq(hash, ccp_freq_hash(&options, data, len), "%zu bytes", len);
		data[len] ^= 1; /* what comes behind does not count, what is in it does */
		cr_assert_eq(ccp_freq_hash(&options, data, len), hash);
		if (len > 0)
			cr_assert_neq(ccp_freq_hash(&options, data, len - 1), hash);
	}
}

/* Keys with long beginnings in common, NUL bytes, and keys that others begin with. */
static size_t make_key(uint8_t *key)
{
	size_t len = roll(4) ? roll(12) : 60 + roll(30);

	for (size_t i = 0; i < len; i++)
		key[i] = (uint8_t)(roll(30) || i < 3 ? 'a' : roll(3) ? 0 : roll(256));
	return len;
}

Test(freq, sorts)
{
	const size_t count = 30000;
	struct ccp_freq_store store = { 0 };
	struct ccp_freq_item *items = calloc(count, sizeof *items);
	struct ccp_err err;
	uint8_t key[100];
	size_t n;

	cr_assert_eq(ccp_freq_memory_grow(&store.memory, count * 112, &err), 0);
	for (size_t i = 0; i < count; i++) {
		size_t len = make_key(key);
		uint64_t large = i % 100 == 0 ? UINT64_C(1) << 40 : 0;

		ccp_freq_store_put(&store, key, (uint32_t)len, large + 1 + roll(i % 3 ? 3 : 400));
	}
	for (unsigned way = 0; way < 4; way++) {
		struct ccp_freq_order order = { .by_count = way % 2 == 1, .least = 2 * (way / 2), .threads = 1 + way };

		cr_assert_eq(ccp_freq_sort(&store, items, &n, &order, &err), 0);
		cr_assert(way < 2 ? n == count : n < count && n > 100);
		for (size_t i = 1; i < n; i++) {
			const struct ccp_freq_record *a = ccp_freq_record_at(store.memory.data, items[i - 1].at);
			const struct ccp_freq_record *b = ccp_freq_record_at(store.memory.data, items[i].at);

			cr_assert_leq(ccp_freq_compare(a, b, order.by_count), 0, "way %u, %zu", way, i);
			cr_assert_geq(b->count, order.least);
		}
	}
	ccp_freq_memory_release(&store.memory);
	free(items);
}

/* Adds the same keys to a table, and puts together what it gives. */
static uint64_t through_table(uint64_t memory, const struct ccp_freq_want *want, size_t *spilled, size_t *given)
{
	struct ccp_freq_options options = { .seed = { 1, 2 } };
	struct ccp_freq_table *table;
	struct ccp_err err;
	const uint8_t *key;
	uint64_t count, sum = 0;
	size_t len;
	int result;

	cr_assert_eq(ccp_freq_table_new(&table, &options, memory, &err), 0);
	state = 99;
	for (unsigned i = 0; i < 400000; i++) {
		char text[40];

		snprintf(text, sizeof text, "%u-%u", roll(4) ? roll(1000000) : roll(1000), i % 3);
		cr_assert_eq(ccp_freq_table_key(table, (const uint8_t *)text, strlen(text), 1, &err), 0);
	}
	cr_assert_eq(ccp_freq_table_finish(table, want, &err), 0);
	*spilled = ccp_freq_table_spilled(table);
	for (*given = 0; (result = ccp_freq_table_next(table, &key, &len, &count, &err)) == 1; ++*given) {
		for (size_t i = 0; i < len; i++)
			sum = sum * 31 + key[i];
		sum = sum * 31 + count;
	}
	cr_assert_eq(result, 0);
	ccp_freq_table_free(table);
	return sum;
}

Test(freq, spills_and_is_the_same)
{
	static const struct ccp_freq_want wants[] = { { 0, 0, 1 }, { 5, 0, 2 }, { 0, 10, 1 }, { 2, 70000, 2 } };

	for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
		size_t spilled, given, again;
		uint64_t sum = through_table(UINT64_C(1) << 30, &wants[i], &spilled, &given);

		cr_assert_eq(spilled, 0);
		cr_assert_gt(given, 9);
		cr_assert_eq(through_table(0, &wants[i], &spilled, &again), sum);
		cr_assert_gt(spilled, 16, "%zu runs: none were merged before the end", spilled);
		cr_assert_eq(given, again);
	}
}

/* Words about as long as those that lie in the map's table, a few bytes apart, often; or all kinds. */
static size_t make_words(uint8_t *data, size_t room)
{
	size_t len = 0;

	while (len + 40 < room) {
		size_t n = roll(3) ? 13 + roll(6) : 1 + roll(9);
		unsigned kinds = roll(8) ? 2 : 60;

		for (size_t i = 0; i < n; i++)
			data[len++] = (uint8_t)(i + 3 < n && n > 9 ? 'b' : roll(3) ? 'A' + roll(kinds) : roll(2) * 'b');
		data[len++] = ' ';
	}
	return len - 1; /* ends in a word */
}

/* What a table gives, put together. `through_map`: it is given the notes of the part, else each key by itself. */
static uint64_t count_words(const struct ccp_freq_options *options, struct ccp_part *part, uint64_t memory,
			    bool through_map, size_t *spilled)
{
	const struct ccp_fold_ops *fold = ccp_fold_find("freq");
	const struct ccp_freq_want want = { .threads = 1 };
	struct ccp_freq_keys *keys = malloc(sizeof *keys);
	struct ccp_freq_table *table;
	struct ccp_err err;
	const uint8_t *key;
	uint64_t count, sum = 0;
	size_t at = 0, len;
	void *map;
	int more = 1;

	part->used = part->from = 0;
	cr_assert_eq(ccp_freq_table_new(&table, options, memory, &err), 0);
	cr_assert_eq(fold->open(&map, options, &err), 0);
	while (through_map && more == 1) {
		part->from = part->used;
		part->note.len = 0;
		more = fold->map(map, part, &err);
		cr_assert_geq(more, 0);
		cr_assert_eq(ccp_freq_table_part(table, part, &err), 0);
	}
	while (!through_map && more == 1) {
		more = ccp_freq_find(options, NULL, part->data, part->len, &at, keys, &err);
		for (size_t i = 0; i < keys->count; i++)
			cr_assert_eq(ccp_freq_table_key(table, part->data + keys->begin[i],
							keys->end[i] - keys->begin[i], 1, &err), 0);
	}
	*spilled = ccp_freq_table_spilled(table);
	cr_assert_eq(ccp_freq_table_finish(table, &want, &err), 0);
	while (ccp_freq_table_next(table, &key, &len, &count, &err) == 1) {
		for (size_t i = 0; i < len; i++)
			sum = sum * 31 + key[i];
		sum = sum * 31 + count + len;
	}
	fold->close(map);
	ccp_freq_table_free(table);
	free(keys);
	return sum;
}

Test(freq, counts_a_part)
{
	for (unsigned way = 0; way < 4; way++) {
		const size_t room = way / 2 ? 4000000 : 3000;
		struct ccp_freq_options options = { .seed = { 3, way }, .fold_case = way % 2 == 1 };
		struct ccp_part part = { .first = true, .last = true };
		struct ccp_fold_need need;
		struct ccp_err err;
		size_t spilled;
		uint8_t *made = malloc(room), *data;
		uint64_t sum;

		state = 5 + way;
		part.len = make_words(made, room);
		data = malloc(part.len); /* nothing is read behind it */
		memcpy(data, made, part.len);
		part.data = data;
		cr_assert_eq(ccp_fold_find("freq")->need(&options, &need, &err), 0);
		part.note = (struct ccp_buf){ .data = malloc(need.note_bytes), .cap = need.note_bytes };
		sum = count_words(&options, &part, UINT64_C(1) << 30, false, &spilled);
		cr_assert_eq(spilled, 0);
		cr_assert_eq(count_words(&options, &part, UINT64_C(1) << 30, true, &spilled), sum, "way %u", way);
		cr_assert_eq(count_words(&options, &part, 0, true, &spilled), sum, "way %u, little memory", way);
		cr_assert(way < 2 || spilled > 1, "%zu runs", spilled);
		free(part.note.data);
		free(data);
		free(made);
	}
}
