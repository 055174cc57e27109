/*
 * freq.h: how often each key occurs: what a key is, how keys are found in bytes, and what the fold freq leaves in a
 * part's note.
 *
 * A key is a word (bytes that are not white space of ASCII), a line without its newline, a field of each line, or what
 * a regular expression matches in a line. What is the same key is a question of bytes; with fold_case capital letters
 * of ASCII are taken for small ones.
 */
#ifndef CCP_PIPELINE_FOLD_FREQ_H
#define CCP_PIPELINE_FOLD_FREQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold.h"
#include "pipeline/fold/grep_matcher.h"
#include "pipeline/fold/join.h"

enum ccp_freq_by { CCP_FREQ_WORD, CCP_FREQ_LINE, CCP_FREQ_FIELD, CCP_FREQ_REGEX };

/* Options of the fold. */
struct ccp_freq_options {
	enum ccp_freq_by by;
	uint64_t field;   /* from 1; a line that has fewer counts as an empty key */
	bool by_char;     /* fields are set apart by `separator`, else by runs of blanks and tabs, as awk has it */
	char separator;
	bool fold_case;
	struct ccp_grep_pattern pattern;
	uint64_t seed[2]; /* of the hash, which no result depends on */
};

/* In part.note, one after the other: keys in the order in which they came first. Units: bytes, in the part's data. */
struct ccp_freq_note {
	uint32_t at, len;
	uint32_t count;
	uint32_t hash; /* ccp_freq_hash of the key, folded if options.fold_case */
};

/*
 * What of a part map has looked at: what comes before and after may be a part of a key that goes on in another part.
 * `from` == the part's length: there is no end of a key in it. Threads: any.
 */
struct ccp_join_inner ccp_freq_inner(const struct ccp_part *part, const struct ccp_freq_options *options);

/* A hash of a key, of which all bits are good. Threads: any. */
uint64_t ccp_freq_hash(const struct ccp_freq_options *options, const uint8_t *key, size_t len);

/* Copies bytes with small letters in place of capital ones. */
void ccp_freq_fold(uint8_t *to, const uint8_t *from, size_t len);

/* ---- keys in bytes ------------------------------------------------------------------------------- */

#define CCP_FREQ_BATCH 256u

/* Places of keys, [begin[i], end[i]). */
struct ccp_freq_keys {
	size_t count;
	uint32_t begin[CCP_FREQ_BATCH + 72], end[CCP_FREQ_BATCH + 72]; /* scans overshoot */
};

/*
 * Finds the next keys at or behind *at, where a key or a line may begin, and moves *at behind them. What `data` ends in
 * ends a key. `matcher` is of options.pattern, NULL unless by == CCP_FREQ_REGEX. Returns 1, or 0 if there are no more
 * behind these.
 * Shape: len is less than 4 GiB. Errors: -1 as ccp_grep_matcher_span. Threads: one caller at a time for a matcher.
 */
int ccp_freq_find(const struct ccp_freq_options *options, struct ccp_grep_matcher *matcher, const uint8_t *data,
		  size_t len, size_t *at, struct ccp_freq_keys *keys, struct ccp_err *err);

#endif
