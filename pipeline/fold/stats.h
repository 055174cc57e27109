/*
 * stats.h: count, sums and values of the numbers in a field, by the key in another: how records are found and what the
 * fold stats leaves in a part's note.
 *
 * A record is a line; with CCP_STATS_CSV a newline within double quotes belongs to it. Of a part, which may begin
 * within quotes, map guesses whether it does; where fields are named, it takes the columns that a part with a header
 * told last. The collector knows both, and goes itself through the parts for which that was wrong.
 */
#ifndef CCP_PIPELINE_FOLD_STATS_H
#define CCP_PIPELINE_FOLD_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold.h"
#include "pipeline/fold/join.h"
#include "pipeline/fold/stats_exact.h"

/* How fields are set apart: by runs of blanks and tabs, as awk has it; by a byte; by commas, with quotes. */
enum ccp_stats_mode { CCP_STATS_BLANKS, CCP_STATS_BYTE, CCP_STATS_CSV };

/* Which fields, from 1. `by` == 0: all records are one group. */
struct ccp_stats_columns {
	uint32_t field, by;
};

/* Options of the fold. */
struct ccp_stats_options {
	enum ccp_stats_mode mode;
	uint8_t separator;
	bool header;                     /* each input's first record is one */
	bool values;                     /* notes have the values: for quantiles */
	bool grouped;                    /* there is a `by` */
	const char *field_name, *by_name; /* NULL: the number in `columns` */
	struct ccp_stats_columns columns;
	_Atomic uint64_t *told;          /* columns of the last header, shared by all processes; NULL = no names */
	uint64_t seed;                   /* of the hash, which no result depends on */
};

/* In part.found. */
struct ccp_stats_found {
	struct ccp_join_inner inner;     /* records that lie in the part as a whole */
	struct ccp_stats_columns columns; /* that were taken; field == 0: none were known, and nothing was looked at */
	bool odd;                        /* there is an odd number of quotes in the part */
	bool guess;                      /* it was taken to begin within quotes */
	bool header;                     /* the first inner record was the header */
	bool whole;                      /* what comes before `inner` ends a record */
};

/* ---- notes --------------------------------------------------------------------------------------- */

#define CCP_STATS_LOOSE (1u << 10) /* values that the sums in a note do not have */

/* A group in a note; its key lies in the part's data. */
struct ccp_stats_local {
	uint32_t at, len;
	bool escaped; /* in the key two quotes stand for one */
	uint64_t count, missing, invalid;
	double min, max;
	struct ccp_stats_exact sum, squares;
};

/* Begins a note; groups, loose values, and, with options.values, values and their groups follow. */
struct ccp_stats_note {
	uint32_t groups, values, loose;
	uint64_t invalid_at; /* where the first invalid number begins, in the data; UINT64_MAX = none */
	uint32_t loose_group[CCP_STATS_LOOSE];
	double loose_value[CCP_STATS_LOOSE];
};

/* Where things are in a note, and how many there is room for. */
struct ccp_stats_room {
	uint32_t groups, values;
	size_t groups_at, values_at, value_groups_at, bytes; /* offsets */
};

struct ccp_stats_room ccp_stats_room(const struct ccp_stats_options *options);

/* ---- records ------------------------------------------------------------------------------------- */

/* What lies in a part as a whole, if it begins within quotes or not. Threads: any. */
void ccp_stats_inner(const struct ccp_stats_options *options, const struct ccp_part *part, bool within,
		     struct ccp_stats_found *found);

/* Whether a part seems to begin within quotes, from what stands beside the first quotes. */
bool ccp_stats_guess(const struct ccp_stats_options *options, const uint8_t *data, size_t len);

/* The end of the record that begins at `at`, behind its newline; `to` if it has none. */
size_t ccp_stats_record_end(const struct ccp_stats_options *options, const uint8_t *data, size_t at, size_t to);

/* A field of a record, without the quotes around it. */
struct ccp_stats_field {
	const uint8_t *text;
	size_t len;
	bool escaped;
};

/* Finds two fields of a record; what it does not have is empty. Number 0 is passed over. */
void ccp_stats_fields(const struct ccp_stats_options *options, const uint8_t *record, size_t len,
		      struct ccp_stats_columns columns, struct ccp_stats_field *field, struct ccp_stats_field *by);

/* Writes a key with one quote in place of two. Returns its length. */
size_t ccp_stats_unescape(uint8_t *to, const uint8_t *from, size_t len);

/* Finds the columns in a header. Errors: -1 with CCP_E_OTHER if there is no field of that name. */
int ccp_stats_header(const struct ccp_stats_options *options, const uint8_t *record, size_t len,
		     struct ccp_stats_columns *columns, struct ccp_err *err);

uint64_t ccp_stats_hash(uint64_t seed, const uint8_t *key, size_t len);

/* ---- scanning ------------------------------------------------------------------------------------ */

struct ccp_stats_scan; /* a table of keys, for one caller at a time */

struct ccp_stats_scan *ccp_stats_scan_new(const struct ccp_stats_options *options, struct ccp_err *err);
size_t ccp_stats_scan_bytes(const struct ccp_stats_options *options);
const struct ccp_stats_options *ccp_stats_scan_options(const struct ccp_stats_scan *scan);
void ccp_stats_scan_free(struct ccp_stats_scan *scan);

/*
 * Goes through the records in [*at, to), and writes what it finds into a note. Returns 0 when it is through, or 1
 * when the note is full; *at is where to go on.
 */
int ccp_stats_scan_records(struct ccp_stats_scan *scan, struct ccp_stats_columns columns, const uint8_t *data,
			   size_t *at, size_t to, struct ccp_buf *note);

#endif
