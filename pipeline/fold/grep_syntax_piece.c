/*
 * fold/grep_syntax_piece.c: the pieces of a pattern, each written in PCRE2's words.
 *
 * Where the last atom began in the output is kept, so that a second repetition of it (which PCRE2 would take for a lazy
 * or a possessive one) can be put around it. Beside that, outside of all groups, runs of plain characters are noted:
 * the longest run of an alternative is in every match of it.
 */
#include <string.h>

#include "pipeline/fold/grep_syntax_internal.h"

#define REPEAT_MAX 32767 /* RE_DUP_MAX of GNU */

/* ---- strings that every match holds ------------------------------------------------------------------------------ */

static void end_run(struct ccp_syntax *t)
{
	if (t->run.len > t->best.len) {
		t->best.len = 0;
		ccp_grep_text_add(&t->best, t->run.data, t->run.len);
	}
	t->run.len = 0;
}

/* Something that is no plain character. */
void ccp_syntax_interrupt(struct ccp_syntax *t)
{
	if (t->depth == 0)
		end_run(t);
	t->simple = false;
}

/* An alternative of the whole ends here. */
void ccp_syntax_end_alternative(struct ccp_syntax *t)
{
	size_t len;

	end_run(t);
	len = t->best.len;
	t->all_have &= len > 0;
	t->exact &= t->simple;
	ccp_grep_text_add(&t->text, t->best.data, len);
	ccp_grep_text_add(&t->lengths, &len, sizeof len);
	t->best.len = 0;
	t->simple = true;
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

void ccp_syntax_begin_atom(struct ccp_syntax *t, enum ccp_atom kind)
{
	t->atom = kind;
	t->atom_at = t->out.len;
	if (kind != CCP_ATOM_ASSERTION)
		t->start = false;
}

/* One character that stands for itself. */
void ccp_syntax_character(struct ccp_syntax *t, const uint8_t *c, size_t len)
{
	/* in Unicode there is a third k (Kelvin) and a third s, and nothing is known of others here */
	bool many_cases = t->pattern->ignore_case &&
			  (c[0] >= 0x80 || (t->pattern->utf8 && c[0] != '\0' && strchr("kKsS", c[0]) != NULL));

	ccp_syntax_begin_atom(t, CCP_ATOM_CHARACTER);
	ccp_grep_text_quote(&t->out, c, len);
	t->atom_bytes = 0;
	if (many_cases)
		ccp_syntax_interrupt(t);
	else if (t->depth == 0) {
		ccp_grep_text_add(&t->run, c, len);
		t->atom_bytes = len;
	}
}

/* Anything else that is written as it is. */
void ccp_syntax_piece(struct ccp_syntax *t, enum ccp_atom kind, const char *text)
{
	ccp_syntax_begin_atom(t, kind);
	ccp_grep_text_print(&t->out, "%s", text);
	ccp_syntax_interrupt(t);
}

/* A repetition of the last atom, which is there. */
static void repeat(struct ccp_syntax *t, long min, long max)
{
	static const char open[] = "(?:";
	size_t from = t->atom_at, len = t->out.len - from;

	if (t->atom == CCP_ATOM_CHARACTER && t->depth == 0 && min == 0)
		t->run.len -= t->atom_bytes;
	ccp_syntax_interrupt(t);
	t->plain &= ++t->repeats <= 1;
	if (t->atom == CCP_ATOM_REPEATED || t->atom == CCP_ATOM_ASSERTION) {
		ccp_grep_text_add(&t->out, open, strlen(open));
		ccp_grep_text_add(&t->out, ")", 1);
		if (t->out.failed)
			return;
		memmove(t->out.data + from + strlen(open), t->out.data + from, len);
		memcpy(t->out.data + from, open, strlen(open));
	}
	if (max < 0)
		ccp_grep_text_print(&t->out, min == 0 ? "*" : min == 1 ? "+" : "{%ld,}", min);
	else if (min == 0 && max == 1)
		ccp_grep_text_print(&t->out, "?");
	else
		ccp_grep_text_print(&t->out, "{%ld,%ld}", min, max);
	t->atom = CCP_ATOM_REPEATED;
	t->start = false;
}

/* *, + or ?: at the start it is the empty string that is repeated, or in basic syntax itself. */
void ccp_syntax_repeat_sign(struct ccp_syntax *t, uint8_t sign)
{
	if (!t->extended && t->start)
		ccp_syntax_character(t, &sign, 1);
	else if (t->atom != CCP_ATOM_NONE)
		repeat(t, sign == '+', sign == '?' ? 1 : -1);
}

/* Reads a number, or -1 if there is none. A larger one than REPEAT_MAX is more than that. */
static long number(const uint8_t **at, const uint8_t *end)
{
	long value = -1;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		value = (value < 0 ? 0 : value > REPEAT_MAX ? value : 10 * value) + (**at - '0');
	return value;
}

/* {m,n}, behind the {. In extended syntax what is none stands for itself. */
int ccp_syntax_interval(struct ccp_syntax *t, struct ccp_err *err)
{
	const uint8_t *at = t->at;
	long min = number(&at, t->end), max = min;
	bool closed, valid;

	if (!t->extended && t->start) {
		ccp_syntax_character(t, (const uint8_t *)"{", 1);
		return 0;
	}
	if (at < t->end && *at == ',') {
		at++;
		max = number(&at, t->end);
		valid = true;
		if (min < 0)
			min = 0;
	} else {
		valid = min >= 0;
	}
	closed = t->extended ? at < t->end && *at == '}' : t->end - at >= 2 && at[0] == '\\' && at[1] == '}';
	if (t->extended && (!valid || !closed)) {
		ccp_syntax_character(t, (const uint8_t *)"{", 1);
		return 0;
	}
	if (!closed || !valid)
		return ccp_err_set(err, CCP_E_USAGE, at >= t->end ? "Unmatched \\{" : "Invalid content of \\{\\}");
	if (max >= 0 && max < min)
		return ccp_err_set(err, CCP_E_USAGE, "Invalid content of \\{\\}");
	if (min > REPEAT_MAX || max > REPEAT_MAX)
		return ccp_err_set(err, CCP_E_USAGE, "Regular expression too big");
	t->at = at + (t->extended ? 1 : 2);
	if (t->atom != CCP_ATOM_NONE)
		repeat(t, min, max);
	return 0;
}

void ccp_syntax_begin_alternative(struct ccp_syntax *t)
{
	t->atom = CCP_ATOM_NONE;
	t->start = true;
}

int ccp_syntax_open_group(struct ccp_syntax *t, struct ccp_err *err)
{
	if (t->depth == CCP_SYNTAX_DEPTH)
		return ccp_err_set(err, CCP_E_USAGE, "Regular expression too big");
	ccp_syntax_interrupt(t);
	t->plain = false;
	t->open[t->depth].at = t->out.len;
	t->open[t->depth++].number = ++t->groups;
	ccp_grep_text_print(&t->out, t->captures ? "(" : "(?:");
	ccp_syntax_begin_alternative(t);
	return 0;
}

int ccp_syntax_close_group(struct ccp_syntax *t, struct ccp_err *err)
{
	unsigned number;

	if (t->depth == 0 && !t->extended)
		return ccp_err_set(err, CCP_E_USAGE, "Unmatched ) or \\)");
	if (t->depth == 0) {
		ccp_syntax_character(t, (const uint8_t *)")", 1);
		return 0;
	}
	number = t->open[--t->depth].number - t->groups_before;
	if (number < sizeof t->closed)
		t->closed[number] = true;
	ccp_grep_text_print(&t->out, ")");
	t->atom = CCP_ATOM_OTHER;
	t->atom_at = t->open[t->depth].at;
	t->start = false;
	return 0;
}

void ccp_syntax_alternative(struct ccp_syntax *t)
{
	if (t->depth == 0)
		ccp_syntax_end_alternative(t);
	t->plain = false;
	ccp_grep_text_print(&t->out, "|");
	ccp_syntax_begin_alternative(t);
}
