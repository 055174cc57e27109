/*
 * grep_syntax.h: patterns of POSIX, with what GNU adds to them, in the syntax of PCRE2; and the strings that every
 * match
 * has to hold.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_SYNTAX_H
#define CCP_PIPELINE_FOLD_GREP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"
#include "pipeline/fold/grep_matcher.h"
#include "pipeline/fold/grep_set.h"

struct ccp_grep_translation {
	char *regex;    /* all patterns, with | between; without what -w and -x add */
	size_t len;
	bool empty;     /* one of the patterns is empty, and so is everywhere */
	bool backrefs;
	bool plain;     /* what Perl matches first is the longest, wherever it begins */
	bool one_line;  /* no match goes over the end of a line, even if there is more than one */

	/* every match holds one of these, with ignore_case in any case of ASCII letters; NULL: there is no such list */
	struct ccp_grep_word *words;
	size_t count;
	bool exact;     /* and each of them is a match */
	char *text;     /* of the words */
};

/*
 * Translates. A match of the result never holds the end of a line (but one of a Perl pattern may: one_line).
 * Errors: -1 with CCP_E_USAGE, in GNU grep's words; CCP_E_NO_MEMORY. Threads: any.
 * Memory: the result is released by ccp_grep_translation_release.
 * Source: POSIX.1-2017, XBD chapter 9; GNU grep 3.8, by its behaviour.
 */
int ccp_grep_translate(struct ccp_grep_translation *translation, const struct ccp_grep_pattern *pattern,
		       struct ccp_err *err);
void ccp_grep_translation_release(struct ccp_grep_translation *translation);

#endif
