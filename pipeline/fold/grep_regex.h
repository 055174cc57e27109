/*
 * grep_regex.h: regular expressions, by PCRE2. It is not linked but loaded with the first expression: other commands do
 * not pay for it.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_REGEX_H
#define CCP_PIPELINE_FOLD_GREP_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

struct ccp_grep_regex;

struct ccp_grep_regex_options {
	bool utf8;        /* else bytes */
	bool properties;  /* \w, \b, [[:alpha:]] and their like know all of Unicode; with utf8 */
	bool ignore_case;
	bool no_dfa;      /* no back-references and no Perl: the longest match can be found, and always in time */
	bool one_line;    /* ^ and $ are only at the ends of what is looked at; else at those of lines */
	char end;         /* of lines */
};

/*
 * Compiles an expression in the syntax of PCRE2.
 * Errors: -1 with CCP_E_USAGE and PCRE2's own words, or CCP_E_UNSUPPORTED. Threads: one caller at a time.
 */
int ccp_grep_regex_new(struct ccp_grep_regex **regex, const char *text, size_t len,
		       const struct ccp_grep_regex_options *options, struct ccp_err *err);
void ccp_grep_regex_free(struct ccp_grep_regex *regex);

/*
 * The first match at or after `from`, as Perl would have it; bytes before `from` are seen by what looks back. `ascii`:
 * the caller knows that no byte is above 127. Returns 1, 0 if there is none.
 * Errors: -1 with CCP_E_OTHER.
 */
int ccp_grep_regex_find(struct ccp_grep_regex *regex, const uint8_t *data, size_t len, size_t from, bool ascii,
			size_t *begin, size_t *end, struct ccp_err *err);

/* The longest match that begins at `at`, in a line. Returns 1, 0 if there is none. Errors: -1 as above. */
int ccp_grep_regex_longest(struct ccp_grep_regex *regex, const uint8_t *line, size_t len, size_t at, size_t *end,
			   struct ccp_err *err);

#endif
