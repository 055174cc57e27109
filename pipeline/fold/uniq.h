/*
 * uniq.h: runs of equal lines: what makes two lines equal, what is printed of a run, and what the fold uniq leaves of a
 * part.
 *
 * The first and the last run of a part may go on in the parts beside it. They are told by their places; what lies
 * between them stands in the part's note as it is to be printed.
 */
#ifndef CCP_PIPELINE_FOLD_UNIQ_H
#define CCP_PIPELINE_FOLD_UNIQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/fold.h"
#include "pipeline/fold/join.h"

#define CCP_UNIQ_NUMBER_BYTES 24 /* of the longest number with its blanks */

/* Options of the fold. */
struct ccp_uniq_options {
	bool count;           /* a number before each line */
	bool only_repeated;   /* no runs of one line */
	bool only_unique;     /* no others */
	bool ignore_case;     /* of ASCII */
	uint64_t skip_fields; /* blanks and what follows that is none, so often; then */
	uint64_t skip_chars;  /* so many bytes are not compared */
	uint64_t check_chars; /* and no more than so many are; UINT64_MAX = all */
	char end;             /* of lines */
	size_t note_bytes;    /* of the fold */
};

/* Lines that are equal. */
struct ccp_uniq_run {
	uint64_t at, len; /* the first of them, with its end; in the part's data */
	uint64_t count;   /* of lines; 0 = there is no run */
};

/* In part.found: of the lines that map looked at in one call. */
struct ccp_uniq_found {
	struct ccp_uniq_run first, last; /* last.count == 0: there is one run */
};

/*
 * What of a part map has looked at: the lines that begin and end in it, wherever an input begins or ends, because the
 * inputs are one stream. Threads: any.
 */
struct ccp_join_inner ccp_uniq_inner(const struct ccp_part *part, char end);

/* Whether two lines, each with its end, are equal. Threads: any. */
bool ccp_uniq_same(const struct ccp_uniq_options *options, const uint8_t *a, size_t a_len, const uint8_t *b,
		   size_t b_len);

/* Whether a run of so many lines is printed at all. */
static inline bool ccp_uniq_prints(const struct ccp_uniq_options *options, uint64_t count)
{
	return count == 1 ? !options->only_repeated : !options->only_unique;
}

/* The number before a line, as it is printed: nothing without options->count. Returns how many bytes it has. */
size_t ccp_uniq_number(const struct ccp_uniq_options *options, uint64_t count, char out[CCP_UNIQ_NUMBER_BYTES]);

/*
 * Looks at whole lines, data[from, to), from < to: `found` is of them, and `note` has what is to be printed of the runs
 * between the first and the last. Returns the place up to which it came: `to`, or less if the note is full.
 * Threads: any.
 */
size_t ccp_uniq_scan(const struct ccp_uniq_options *options, const uint8_t *data, size_t from, size_t to,
		     struct ccp_buf *note, struct ccp_uniq_found *found);

#endif
