/*
 * freq_table.h: how often each key occurs, of all parts together; what does not fit in memory goes to temporary files.
 *
 * First keys are added in any order; then the table is finished, and gives them by count, the largest first, and where
 * counts are the same by their bytes. Threads: one caller at a time.
 */
#ifndef CCP_PIPELINE_FOLD_FREQ_TABLE_H
#define CCP_PIPELINE_FOLD_FREQ_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold.h"
#include "pipeline/fold/freq.h"

#define CCP_FREQ_MEMORY_LEAST ((uint64_t)1 << 20)

struct ccp_freq_table;

/*
 * Makes a table that holds about `memory` bytes, at least CCP_FREQ_MEMORY_LEAST, and a key that is larger all the same.
 * `options` are borrowed. Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_freq_table_new(struct ccp_freq_table **table, const struct ccp_freq_options *options, uint64_t memory,
		       struct ccp_err *err);
void ccp_freq_table_free(struct ccp_freq_table *table);

/*
 * Adds what the note of a part tells. Errors: -1 with CCP_E_NO_MEMORY, or CCP_E_SYS for a temporary file, which is made
 * in $TMPDIR, or else /var/tmp or /tmp, and has no name.
 */
int ccp_freq_table_part(struct ccp_freq_table *table, const struct ccp_part *part, struct ccp_err *err);

/* Adds one key `count` times, folded if options.fold_case. Errors: as above, and CCP_E_UNSUPPORTED from 4 GiB on. */
int ccp_freq_table_key(struct ccp_freq_table *table, const uint8_t *key, size_t len, uint64_t count,
		       struct ccp_err *err);

/* What is wanted of the table in the end. */
struct ccp_freq_want {
	uint64_t least;   /* no keys with smaller counts; 0 = all */
	uint64_t top;     /* no more keys than this; 0 = all */
	unsigned threads; /* that sort */
};

/* Sorts. Nothing is added afterwards. Errors: as above. */
int ccp_freq_table_finish(struct ccp_freq_table *table, const struct ccp_freq_want *want, struct ccp_err *err);

/* The next key, borrowed until the next call. Returns 1, 0 if there are no more. Errors: -1 as above. */
int ccp_freq_table_next(struct ccp_freq_table *table, const uint8_t **key, size_t *len, uint64_t *count,
			struct ccp_err *err);

/* Runs that were written to temporary files so far: for tests. */
size_t ccp_freq_table_spilled(const struct ccp_freq_table *table);

#endif
