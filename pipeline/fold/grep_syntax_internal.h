/*
 * grep_syntax_internal.h: what grep_syntax.c and grep_syntax_bracket.c share.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_SYNTAX_INTERNAL_H
#define CCP_PIPELINE_FOLD_GREP_SYNTAX_INTERNAL_H

#include <stdint.h>

#include "pipeline/fold/grep_syntax.h"

/* Text that grows. `failed`: there was no memory; what is in it is of no use then. */
struct ccp_grep_text {
	char *data;
	size_t len, room;
	bool failed;
};

void ccp_grep_text_add(struct ccp_grep_text *text, const void *data, size_t len);
void ccp_grep_text_print(struct ccp_grep_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One character, so that PCRE2 takes it for nothing else; in brackets as well. */
void ccp_grep_text_quote(struct ccp_grep_text *text, const uint8_t *character, size_t len);

/* Bytes of the character at `s`: 1 for what is no UTF-8. */
size_t ccp_grep_character(const uint8_t *s, size_t len, bool utf8);

/*
 * Translates a bracket expression; *at is behind the [, and then behind the ]. Errors: -1 with CCP_E_USAGE.
 */
int ccp_grep_bracket(struct ccp_grep_text *out, const uint8_t **at, const uint8_t *end,
		     const struct ccp_grep_pattern *pattern, struct ccp_err *err);

#endif
