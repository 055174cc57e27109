/*
 * grep_matcher.h: which lines of a buffer match a list of patterns, and where in a line.
 *
 * Three things may do the work: a search for fixed strings (grep_set.h); that search, and a regular expression for the
 * lines where it hits, if every match has to hold one of these strings; or the regular expression on everything. Which
 * of them it is changes the time, never the answer.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_MATCHER_H
#define CCP_PIPELINE_FOLD_GREP_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

enum ccp_grep_syntax { CCP_GREP_BASIC, CCP_GREP_EXTENDED, CCP_GREP_FIXED, CCP_GREP_PERL };

/* What is looked for. Strings are borrowed while a matcher of it exists. */
struct ccp_grep_pattern {
	enum ccp_grep_syntax syntax;
	const char *text;  /* patterns with newlines between */
	size_t len;
	bool none;         /* not even one pattern: nothing matches */
	bool ignore_case;
	bool words;        /* no word constituent before and after a match */
	bool whole_lines;
	bool utf8;         /* else every byte is a character */
	char end;          /* of a line: '\n' or '\0' */
	bool slow;         /* for tests: a regular expression for everything that is not fixed, no help of vectorscan */
};

struct ccp_grep_matcher;

/*
 * Makes a matcher.
 * Errors: -1 with CCP_E_USAGE for a pattern that is none, CCP_E_UNSUPPORTED for what is not built in or not installed.
 * Threads: a matcher is used by one caller at a time.
 */
int ccp_grep_matcher_new(struct ccp_grep_matcher **matcher, const struct ccp_grep_pattern *pattern,
			 struct ccp_err *err);
void ccp_grep_matcher_free(struct ccp_grep_matcher *matcher);

/*
 * The first line that matches and begins at `from` or later. `data` is whole lines, of which the last may lack its end;
 * `from` is where one begins. Returns 1 with the line, [*begin, *end) with its end; 0 if there is none.
 * Errors: -1 with CCP_E_OTHER if a pattern takes too much time or memory, CCP_E_NO_MEMORY.
 */
int ccp_grep_matcher_line(struct ccp_grep_matcher *matcher, const uint8_t *data, size_t len, size_t from,
			  size_t *begin, size_t *end, struct ccp_err *err);

/*
 * The next match in one line, given without its end, that begins at `from` or later: the leftmost, and of these the
 * longest (of a Perl pattern, and one with back-references, the one that Perl would take). Returns 1 with
 * [*begin, *end), which may be empty; 0 if there is none. Errors: as above.
 */
int ccp_grep_matcher_span(struct ccp_grep_matcher *matcher, const uint8_t *line, size_t len, size_t from,
			  size_t *begin, size_t *end, struct ccp_err *err);

#endif
