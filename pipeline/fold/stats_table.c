/*
 * fold/stats_table.c: notes into groups.
 *
 * A hash table of places in an array; the keys lie one after the other. Sums are exact, so that nothing depends on the
 * order in which notes come. When all does not fit into the memory that there is, the values make room.
 */
#include "pipeline/fold/stats_table.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_LEAST 1024u

static uint8_t *key_of(const struct ccp_stats_table *table, const struct ccp_stats_group *group)
{
	return table->keys + group->key_at;
}

static int grow_slots(struct ccp_stats_table *table, struct ccp_err *err)
{
	uint32_t slots = table->slots > 0 ? 2 * table->slots : SLOTS_LEAST;
	uint32_t *slot = slots > 0 ? calloc(slots, sizeof *slot) : NULL;

	if (slot == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u keys", table->count);
	for (uint32_t i = 0; i < table->count; i++) {
		const struct ccp_stats_group *group = &table->group[i];
		uint64_t where = ccp_stats_hash(table->options->seed, key_of(table, group), group->key_len) % slots;

		while (slot[where] != 0)
			where = (where + 1) % slots;
		slot[where] = i + 1;
	}
	free(table->slot);
	table->slot = slot;
	table->slots = slots;
	return 0;
}

static int new_group(struct ccp_stats_table *table, const uint8_t *key, uint32_t len, struct ccp_err *err)
{
	void *grown;

	if (table->count == table->room) {
		table->room = table->room > 0 ? 2 * table->room : 16;
		grown = realloc(table->group, table->room * sizeof *table->group);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u keys", table->room);
		table->group = grown;
	}
	if (len + (size_t)1 > table->keys_room - table->keys_len) {
		table->keys_room = 2 * table->keys_room + len + 256;
		grown = realloc(table->keys, table->keys_room);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u keys", table->room);
		table->keys = grown;
	}
	memcpy(table->keys + table->keys_len, key, len);
	table->group[table->count] = (struct ccp_stats_group){
		.key_at = table->keys_len, .key_len = len, .place = table->count,
	};
	table->keys_len += len;
	table->count++;
	return 0;
}

/* Finds or makes a key's group. */
static int find_group(struct ccp_stats_table *table, const uint8_t *key, uint32_t len, uint32_t *place,
		      struct ccp_err *err)
{
	uint64_t where;

	*place = 0;
	if (!table->options->grouped)
		return 0;
	if (table->count >= table->slots / 2 && grow_slots(table, err) != 0)
		return -1;
	where = ccp_stats_hash(table->options->seed, key, len) % table->slots;
	for (; table->slot[where] != 0; where = (where + 1) % table->slots) {
		const struct ccp_stats_group *group = &table->group[table->slot[where] - 1];

		if (group->key_len == len && memcmp(key_of(table, group), key, len) == 0) {
			*place = table->slot[where] - 1;
			return 0;
		}
	}
	if (new_group(table, key, len, err) != 0)
		return -1;
	*place = table->count - 1;
	table->slot[where] = table->count;
	return 0;
}

int ccp_stats_table_init(struct ccp_stats_table *table, const struct ccp_stats_options *options, uint64_t memory,
			 struct ccp_err *err)
{
	*table = (struct ccp_stats_table){
		.options = options, .memory = memory, .values.grouped = options->grouped,
	};
	return options->grouped ? 0 : new_group(table, (const uint8_t *)"", 0, err);
}

static uint64_t heap_of(const struct ccp_stats_group *group)
{
	return (group->sum.more != NULL ? group->sum.room * sizeof(int64_t) : 0) +
	       (group->squares.more != NULL ? group->squares.room * sizeof(int64_t) : 0);
}

static int merge(struct ccp_stats_table *table, struct ccp_stats_group *group, const struct ccp_stats_local *local,
		 struct ccp_err *err)
{
	uint64_t before = heap_of(group);

	if (local->count > 0 && (group->count == 0 || local->min < group->min))
		group->min = local->min;
	if (local->count > 0 && (group->count == 0 || local->max > group->max))
		group->max = local->max;
	group->count += local->count;
	group->missing += local->missing;
	group->invalid += local->invalid;
	if (ccp_stats_exact_merge(&group->sum, &local->sum, err) != 0 ||
	    ccp_stats_exact_merge(&group->squares, &local->squares, err) != 0)
		return -1;
	table->sums_bytes += heap_of(group) - before;
	return 0;
}

/* A group of a note. */
static int add_group(struct ccp_stats_table *table, const struct ccp_stats_local *local, const uint8_t *data,
		     uint32_t *place, struct ccp_err *err)
{
	const uint8_t *key = data + local->at;
	uint32_t len = local->len;
	uint8_t *plain = NULL;
	int result;

	if (local->escaped) {
		plain = malloc(len);
		if (plain == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a key of %u bytes", len);
		len = (uint32_t)ccp_stats_unescape(plain, key, len);
		key = plain;
	}
	result = find_group(table, key, len, place, err);
	free(plain);
	return result != 0 ? -1 : merge(table, &table->group[*place], local, err);
}

/* What values may take; values give way to keys. */
static int check_memory(struct ccp_stats_table *table, struct ccp_err *err)
{
	uint64_t keys = table->count * (sizeof *table->group + 4 * sizeof *table->slot) + table->keys_len +
			table->sums_bytes;

	if (table->count > 1 && keys > table->memory)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "%u keys do not fit into --max-mem", table->count);
	return ccp_stats_values_shrink(&table->values, keys < table->memory ? table->memory - keys : 0, err);
}

int ccp_stats_table_add(struct ccp_stats_table *table, const struct ccp_buf *buf, const uint8_t *data,
			struct ccp_err *err)
{
	const struct ccp_stats_room room = ccp_stats_room(table->options);
	const struct ccp_stats_note *note = (const void *)buf->data;
	const struct ccp_stats_local *local = (const void *)(buf->data + room.groups_at);
	uint32_t *map = calloc(note->groups + (size_t)1, sizeof *map);
	int result = map != NULL ? 0 : ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u keys", note->groups);

	for (uint32_t i = 0; i < note->groups && result == 0; i++)
		result = add_group(table, &local[i], data, &map[i], err);
	for (uint32_t i = 0; i < note->loose && result == 0; i++) {
		struct ccp_stats_group *group = &table->group[map[note->loose_group[i]]];
		uint64_t before = heap_of(group);

		result = ccp_stats_exact_add(&group->sum, note->loose_value[i], true, err);
		if (result == 0)
			result = ccp_stats_exact_add_square(&group->squares, note->loose_value[i], true, err);
		table->sums_bytes += heap_of(group) - before;
	}
	if (result == 0 && table->options->values)
		result = ccp_stats_values_add(&table->values, (const void *)(buf->data + room.values_at),
					      (const void *)(buf->data + room.value_groups_at), note->values, map, err);
	free(map);
	return result == 0 ? check_memory(table, err) : -1;
}

/* ---- the end ------------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b, void *arg)
{
	const struct ccp_stats_group *x = a, *y = b;
	const struct ccp_stats_table *table = arg;
	int order = memcmp(key_of(table, x), key_of(table, y), x->key_len < y->key_len ? x->key_len : y->key_len);

	return order != 0 ? order : x->key_len < y->key_len ? -1 : x->key_len > y->key_len;
}

int ccp_stats_table_finish(struct ccp_stats_table *table, struct ccp_err *err)
{
	if (table->options->values && ccp_stats_values_finish(&table->values, table->count, err) != 0)
		return -1;
	if (table->count > 1)
		qsort_r(table->group, table->count, sizeof *table->group, compare_groups, table);
	return 0;
}

void ccp_stats_table_release(struct ccp_stats_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		ccp_stats_exact_release(&table->group[i].sum);
		ccp_stats_exact_release(&table->group[i].squares);
	}
	ccp_stats_values_release(&table->values);
	free(table->group);
	free(table->slot);
	free(table->keys);
	*table = (struct ccp_stats_table){ 0 };
}
