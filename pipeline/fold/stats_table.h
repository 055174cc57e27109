/*
 * stats_table.h: the groups of all inputs together, and the collector that puts parts' notes into them.
 */
#ifndef CCP_PIPELINE_FOLD_STATS_TABLE_H
#define CCP_PIPELINE_FOLD_STATS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold/stats.h"
#include "pipeline/fold/stats_values.h"

struct ccp_stats_group {
	size_t key_at;
	uint32_t key_len, place;  /* place: of its values, as it came */
	uint64_t count, missing, invalid;
	double min, max;
	struct ccp_stats_exact sum, squares;
};

/* All groups. Memory: released by ccp_stats_table_release. */
struct ccp_stats_table {
	const struct ccp_stats_options *options;
	uint64_t memory;               /* of all that grows. Units: bytes */
	struct ccp_stats_group *group;
	uint32_t count, room;
	uint32_t *slot, slots;         /* place + 1 */
	uint8_t *keys;
	size_t keys_len, keys_room;
	uint64_t sums_bytes;
	struct ccp_stats_values values;
};

/* An empty table; without `grouped` with its one group. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_table_init(struct ccp_stats_table *table, const struct ccp_stats_options *options, uint64_t memory,
			 struct ccp_err *err);

/* Adds what a note has of these data. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_table_add(struct ccp_stats_table *table, const struct ccp_buf *note, const uint8_t *data,
			struct ccp_err *err);

/* Sorts the groups by the bytes of their keys, and makes ready for quantiles. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_table_finish(struct ccp_stats_table *table, struct ccp_err *err);

void ccp_stats_table_release(struct ccp_stats_table *table);

/*
 * What takes parts, in order. Threads: one caller at a time.
 */
struct ccp_stats_collector {
	const struct ccp_stats_options *options;
	struct ccp_stats_table table;
	struct ccp_stats_scan *scan;   /* for records between parts, and parts that map was wrong about */
	struct ccp_buf note;           /* of that */

	/* of the input that is under way */
	struct ccp_join join;
	uint64_t at, join_at;          /* bytes before this part, and before what was joined */
	struct ccp_stats_columns columns; /* field == 0: the header has not come */
	bool within, header_due, again; /* again: this part's notes are of no use */
	struct ccp_err header_err;     /* what is wrong with the header */

	/* of all */
	char *invalid_name;            /* where the first invalid number was; NULL = nowhere */
	uint64_t invalid_at, again_parts;
};

int ccp_stats_collector_init(struct ccp_stats_collector *c, const struct ccp_stats_options *options, uint64_t memory,
			     struct ccp_err *err);

/* As struct ccp_collector has them; `name` is that of the input. An error of end is that of the input's header. */
void ccp_stats_collector_begin(struct ccp_stats_collector *c);
int ccp_stats_collector_take(struct ccp_stats_collector *c, const char *name, const struct ccp_part *part,
			     struct ccp_err *err);
int ccp_stats_collector_end(struct ccp_stats_collector *c, const char *name, struct ccp_err *err);
void ccp_stats_collector_release(struct ccp_stats_collector *c);

#endif
