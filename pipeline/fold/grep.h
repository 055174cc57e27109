/*
 * grep.h: what the fold grep is told, and what it finds in a part.
 *
 * Lines end in `options.end`; one that is the last of its input may lack that. Unless options.text is set a NUL byte
 * ends a line as well: that is what becomes of binary data, where lines mean nothing.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_H
#define CCP_PIPELINE_FOLD_GREP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"
#include "pipeline/fold.h"
#include "pipeline/fold/grep_matcher.h"
#include "pipeline/fold/join.h"

enum ccp_grep_want {
	CCP_GREP_COUNT, /* how many lines are selected */
	CCP_GREP_FIRST, /* whether there is one */
	CCP_GREP_LINES, /* a record for each */
	CCP_GREP_SPANS, /* a record for each match that is not empty; for a selected line without, an empty one */
};

/* Options of the fold. */
struct ccp_grep_options {
	struct ccp_grep_pattern pattern;
	enum ccp_grep_want want;
	bool invert;   /* lines without a match are selected */
	bool numbers;  /* count lines */
	bool text;     /* NUL is a byte like others */
	uint64_t max;  /* more selected lines of an input than this are of no interest */
};

/* In part.note, one after the other. Units: bytes, from part.from, or from where the part's inner lines begin. */
struct ccp_grep_record {
	uint32_t at, len; /* of a line with its end, or of a match */
	uint32_t line;    /* ends of lines before it; if options.numbers */
	uint32_t again;   /* the match is of the same line as the one before */
};

/* In part.found. Of one call of map, but first_nul is of the whole part and is found by its first call. */
struct ccp_grep_found {
	uint64_t selected;
	uint64_t lines;     /* ends of lines in what was looked at; if options.numbers */
	uint64_t first_nul; /* UINT64_MAX: none, or it is of no interest */
};

/* The lines of a part that lie in it as a whole. Threads: any. */
struct ccp_join_inner ccp_grep_inner(const struct ccp_part *part, const struct ccp_grep_options *options);

/*
 * Looks at whole lines. Records go to `note`; `used` is how far it came. Returns 0, or 1 if the note is full, and then
 * `used` is at the end of a line. No NUL is in `data` that is to be taken for an end.
 * Errors: -1 as ccp_grep_matcher_line.
 */
int ccp_grep_scan(struct ccp_grep_matcher *matcher, const struct ccp_grep_options *options, const uint8_t *data,
		  size_t len, struct ccp_buf *note, struct ccp_grep_found *found, size_t *used, struct ccp_err *err);

/* Replaces NUL bytes by the end of a line. */
void ccp_grep_zap(uint8_t *to, const uint8_t *from, size_t len, char end);

#endif
