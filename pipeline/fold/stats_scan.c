/*
 * fold/stats_scan.c: records to groups, in a note.
 *
 * The groups of a note are found by a table with open addressing, of their places in the note. A value is added to its
 * group's sums, or is left over as a loose one if they have no room for numbers so far apart.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/stats.h"
#include "pipeline/fold/stats_number.h"

#define GROUPS 2048u
#define VALUES 49152u
#define SLOTS (4u * GROUPS)
#define RECORDS (1u << 24) /* in one note: what a digit of a sum can bear, with much to spare */

struct ccp_stats_scan {
	const struct ccp_stats_options *options;
	struct ccp_stats_room room;
	struct ccp_stats_note *note;
	struct ccp_stats_local *group;
	double *value;
	uint32_t *value_group;
	uint32_t slot[SLOTS]; /* place + 1; 0 = empty */
	uint32_t hash[GROUPS];
};

static size_t round_up(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

struct ccp_stats_room ccp_stats_room(const struct ccp_stats_options *options)
{
	struct ccp_stats_room room = {
		.groups = options->grouped ? GROUPS : 1, .values = options->values ? VALUES : 0,
	};

	room.groups_at = round_up(sizeof(struct ccp_stats_note));
	room.values_at = round_up(room.groups_at + room.groups * sizeof(struct ccp_stats_local));
	room.value_groups_at = room.values_at + room.values * sizeof(double);
	room.bytes = room.value_groups_at + (options->grouped ? room.values * sizeof(uint32_t) : 0);
	return room;
}

struct ccp_stats_scan *ccp_stats_scan_new(const struct ccp_stats_options *options, struct ccp_err *err)
{
	struct ccp_stats_scan *scan = calloc(1, sizeof *scan);

	if (scan == NULL) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a table of keys");
		return NULL;
	}
	scan->options = options;
	scan->room = ccp_stats_room(options);
	return scan;
}

size_t ccp_stats_scan_bytes(const struct ccp_stats_options *options)
{
	(void)options;
	return sizeof(struct ccp_stats_scan);
}

const struct ccp_stats_options *ccp_stats_scan_options(const struct ccp_stats_scan *scan)
{
	return scan->options;
}

void ccp_stats_scan_free(struct ccp_stats_scan *scan)
{
	free(scan);
}

uint64_t ccp_stats_hash(uint64_t seed, const uint8_t *key, size_t len)
{
	uint64_t hash = seed ^ (len * 0x9e3779b97f4a7c15u);

	for (;;) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;

		memcpy(&word, key, n);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
		hash *= 0xc4ceb9fe1a85ec53u;
		hash ^= hash >> 29;
		if (len <= 8)
			return hash;
		key += 8;
		len -= 8;
	}
}

/* The place of a key's group, or UINT32_MAX if there is no room for a new one. */
static uint32_t find_group(struct ccp_stats_scan *scan, const uint8_t *data, struct ccp_stats_field key)
{
	uint32_t hash, where;

	if (!scan->options->grouped)
		return 0;
	hash = (uint32_t)ccp_stats_hash(scan->options->seed, key.text, key.len);
	for (where = hash % SLOTS; scan->slot[where] != 0; where = (where + 1) % SLOTS) {
		uint32_t place = scan->slot[where] - 1;
		const struct ccp_stats_local *group = &scan->group[place];

		if (scan->hash[place] == hash && group->len == key.len && group->escaped == key.escaped &&
		    memcmp(data + group->at, key.text, key.len) == 0)
			return place;
	}
	if (scan->note->groups == scan->room.groups)
		return UINT32_MAX;
	scan->slot[where] = ++scan->note->groups;
	scan->hash[scan->note->groups - 1] = hash;
	scan->group[scan->note->groups - 1] = (struct ccp_stats_local){
		.at = (uint32_t)(key.text - data), .len = (uint32_t)key.len, .escaped = key.escaped,
	};
	return scan->note->groups - 1;
}

static void add_value(struct ccp_stats_scan *scan, uint32_t place, double value)
{
	struct ccp_stats_local *group = &scan->group[place];
	struct ccp_stats_note *note = scan->note;

	if (group->count == 0 || value < group->min)
		group->min = value;
	if (group->count == 0 || value > group->max)
		group->max = value;
	group->count++;
	if (scan->options->values) {
		scan->value[note->values] = value;
		if (scan->options->grouped)
			scan->value_group[note->values] = place;
		note->values++;
	}
	if (ccp_stats_exact_add(&group->sum, value, false, NULL) == 0) {
		if (ccp_stats_exact_add_square(&group->squares, value, false, NULL) == 0)
			return;
		(void)ccp_stats_exact_add(&group->sum, -value, false, NULL); /* the collector adds both */
	}
	note->loose_group[note->loose] = place;
	note->loose_value[note->loose++] = value;
}

static void begin_note(struct ccp_stats_scan *scan, struct ccp_buf *buf)
{
	scan->note = (void *)buf->data;
	scan->group = (void *)(buf->data + scan->room.groups_at);
	scan->value = (void *)(buf->data + scan->room.values_at);
	scan->value_group = (void *)(buf->data + scan->room.value_groups_at);
	scan->note->groups = scan->note->values = scan->note->loose = 0;
	scan->note->invalid_at = UINT64_MAX;
	buf->len = scan->room.bytes;
	memset(scan->slot, 0, sizeof scan->slot);
	if (!scan->options->grouped) {
		scan->note->groups = 1;
		scan->group[0] = (struct ccp_stats_local){ 0 };
	}
}

int ccp_stats_scan_records(struct ccp_stats_scan *scan, struct ccp_stats_columns columns, const uint8_t *data,
			   size_t *at, size_t to, struct ccp_buf *buf)
{
	struct ccp_stats_note *note;

	begin_note(scan, buf);
	note = scan->note;
	for (uint32_t records = 0; *at < to; records++) {
		size_t end = ccp_stats_record_end(scan->options, data, *at, to);
		struct ccp_stats_field field, by;
		double value;
		uint32_t place;

		ccp_stats_fields(scan->options, data + *at, end - *at, columns, &field, &by);
		if (records == RECORDS || note->loose == CCP_STATS_LOOSE ||
		    (scan->options->values && note->values == scan->room.values))
			return 1;
		place = find_group(scan, data, by);
		if (place == UINT32_MAX)
			return 1;
		switch (ccp_stats_number(field.text, field.len, &value)) {
		case CCP_STATS_NUMBER:
			add_value(scan, place, value);
			break;
		case CCP_STATS_MISSING:
			scan->group[place].missing++;
			break;
		case CCP_STATS_INVALID:
			scan->group[place].invalid++;
			if (note->invalid_at == UINT64_MAX)
				note->invalid_at = (uint64_t)(field.text - data);
		}
		*at = end;
	}
	return 0;
}
