/*
 * grep_syntax_internal.h: a pattern as the parts see it that translate it: grep_syntax.c (from left to right),
 * grep_syntax_piece.c (one piece), grep_syntax_bracket.c ([...]), grep_syntax_perl.c (Perl's syntax) and
 * grep_syntax_text.c (what they write to).
 */
#ifndef CCP_PIPELINE_FOLD_GREP_SYNTAX_INTERNAL_H
#define CCP_PIPELINE_FOLD_GREP_SYNTAX_INTERNAL_H

#include <stdint.h>

#include "pipeline/fold/grep_syntax.h"

/* ---- grep_syntax_text.c ------------------------------------------------------------------------------------------ */

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

/* ---- grep_syntax_bracket.c --------------------------------------------------------------------------------------- */

/*
 * Translates a bracket expression; *at is behind the [, and then behind the ]. Errors: -1 with CCP_E_USAGE.
 */
int ccp_grep_bracket(struct ccp_grep_text *out, const uint8_t **at, const uint8_t *end,
		     const struct ccp_grep_pattern *pattern, struct ccp_err *err);

/* ---- grep_syntax_piece.c ----------------------------------------------------------------------------------------- */

#define CCP_SYNTAX_DEPTH 250 /* of groups in groups: PCRE2's own limit */

enum ccp_atom { CCP_ATOM_NONE, CCP_ATOM_CHARACTER, CCP_ATOM_ASSERTION, CCP_ATOM_REPEATED, CCP_ATOM_OTHER };

/* A translation that is going on. Threads: one at a time. */
struct ccp_syntax {
	const struct ccp_grep_pattern *pattern;
	const uint8_t *at, *end;
	struct ccp_grep_text out;
	bool extended, captures;
	bool start;           /* only what has no width came since the start of an alternative */
	enum ccp_atom atom;   /* the last one */
	size_t atom_at;       /* in `out` */
	size_t atom_bytes;    /* of a character, in `run` */
	unsigned depth, groups, groups_before; /* groups: of all patterns; before: of those before this one */
	struct {
		size_t at;
		unsigned number;
	} open[CCP_SYNTAX_DEPTH];
	bool closed[10];      /* groups that a back-reference may name */
	unsigned repeats;

	/* of the alternative at hand */
	struct ccp_grep_text run, best;
	bool simple;          /* it is nothing but characters */
	/* of all */
	struct ccp_grep_text text;
	struct ccp_grep_text lengths; /* size_t each */
	bool all_have, exact, plain;
};

/* The strings that every match holds: what comes is no plain character; an alternative of the whole ends. */
void ccp_syntax_interrupt(struct ccp_syntax *t);
void ccp_syntax_end_alternative(struct ccp_syntax *t);

/* An atom begins, which the caller writes. */
void ccp_syntax_begin_atom(struct ccp_syntax *t, enum ccp_atom kind);

/* One character that stands for itself; anything else that is written as it is. */
void ccp_syntax_character(struct ccp_syntax *t, const uint8_t *c, size_t len);
void ccp_syntax_piece(struct ccp_syntax *t, enum ccp_atom kind, const char *text);

/* *, + or ?: at the start it is the empty string that is repeated, or in basic syntax itself. */
void ccp_syntax_repeat_sign(struct ccp_syntax *t, uint8_t sign);

/* {m,n}, behind the {. In extended syntax what is none stands for itself. Errors: -1 with CCP_E_USAGE. */
int ccp_syntax_interval(struct ccp_syntax *t, struct ccp_err *err);

/* Alternatives: the first one begins; |. */
void ccp_syntax_begin_alternative(struct ccp_syntax *t);
void ccp_syntax_alternative(struct ccp_syntax *t);

/* Groups. Errors: -1 with CCP_E_USAGE. */
int ccp_syntax_open_group(struct ccp_syntax *t, struct ccp_err *err);
int ccp_syntax_close_group(struct ccp_syntax *t, struct ccp_err *err);

/* ---- grep_syntax_perl.c ------------------------------------------------------------------------------------------ */

/* The whole of a pattern in Perl's syntax. Errors: -1 with CCP_E_USAGE. */
int ccp_syntax_perl(struct ccp_syntax *t, struct ccp_grep_translation *out, struct ccp_err *err);

#endif
