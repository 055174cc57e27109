/*
 * fold/grep_syntax.c: goes through a pattern once, from left to right, and writes each piece in PCRE2's words.
 *
 * Where the last atom began in the output is kept, so that a second repetition of it (which PCRE2 would take for a lazy
 * or a possessive one) can be put around it. Beside that, outside of all groups, runs of plain characters are noted:
 * the
 * longest run of an alternative is in every match of it.
 */
#include "pipeline/fold/grep_syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_syntax_internal.h"

#define DEPTH 250        /* of groups in groups: PCRE2's own limit */
#define REPEAT_MAX 32767 /* RE_DUP_MAX of GNU */

enum atom { NO_ATOM, CHARACTER, ASSERTION, REPEATED, OTHER_ATOM };

struct translator {
	const struct ccp_grep_pattern *pattern;
	const uint8_t *at, *end;
	struct ccp_grep_text out;
	bool extended, captures;
	bool start;           /* only what has no width came since the start of an alternative */
	enum atom atom;       /* the last one */
	size_t atom_at;       /* in `out` */
	size_t atom_bytes;    /* of a character, in `run` */
	unsigned depth, groups, groups_before; /* groups: of all patterns; before: of those before this one */
	struct {
		size_t at;
		unsigned number;
	} open[DEPTH];
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

/* ---- text -------------------------------------------------------------------------------------------------------- */

void ccp_grep_text_add(struct ccp_grep_text *text, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (text->room - text->len < len) {
		size_t room = 2 * (text->len + len) + 64;
		char *grown = text->failed ? NULL : realloc(text->data, room);

		if (grown == NULL) {
			text->failed = true;
			return;
		}
		text->data = grown;
		text->room = room;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

void ccp_grep_text_print(struct ccp_grep_text *text, const char *format, ...)
{
	char words[128];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	ccp_grep_text_add(text, words, strlen(words));
}

void ccp_grep_text_quote(struct ccp_grep_text *text, const uint8_t *character, size_t len)
{
	uint8_t c = character[0];

	if (len == 1 && c < 0x20)
		ccp_grep_text_print(text, "\\x%02x", c);
	else if (len == 1 && c < 0x7f && !ccp_grep_word_at(character, 1, 0, false))
		ccp_grep_text_print(text, "\\%c", c);
	else
		ccp_grep_text_add(text, character, len);
}

size_t ccp_grep_character(const uint8_t *s, size_t len, bool utf8)
{
	size_t most = len < 4 ? len : 4;

	if (!utf8 || s[0] < 0x80)
		return 1;
	for (size_t i = 2; i <= most; i++)
		if (ccp_grep_valid_utf8(s, i) == i)
			return i;
	return 1;
}

/* ---- strings that every match holds ------------------------------------------------------------------------------ */

static void end_run(struct translator *t)
{
	if (t->run.len > t->best.len) {
		t->best.len = 0;
		ccp_grep_text_add(&t->best, t->run.data, t->run.len);
	}
	t->run.len = 0;
}

/* Something that is no plain character. */
static void interrupt(struct translator *t)
{
	if (t->depth == 0)
		end_run(t);
	t->simple = false;
}

/* An alternative of the whole ends here. */
static void end_alternative(struct translator *t)
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

static int fail(struct ccp_err *err, const char *words)
{
	return ccp_err_set(err, CCP_E_USAGE, "%s", words);
}

static void begin_atom(struct translator *t, enum atom kind)
{
	t->atom = kind;
	t->atom_at = t->out.len;
	if (kind != ASSERTION)
		t->start = false;
}

/* One character that stands for itself. */
static void character(struct translator *t, const uint8_t *c, size_t len)
{
	/* in Unicode there is a third k (Kelvin) and a third s, and nothing is known of others here */
	bool many_cases = t->pattern->ignore_case &&
			  (c[0] >= 0x80 || (t->pattern->utf8 && c[0] != '\0' && strchr("kKsS", c[0]) != NULL));

	begin_atom(t, CHARACTER);
	ccp_grep_text_quote(&t->out, c, len);
	t->atom_bytes = 0;
	if (many_cases)
		interrupt(t);
	else if (t->depth == 0) {
		ccp_grep_text_add(&t->run, c, len);
		t->atom_bytes = len;
	}
}

/* Anything else that is written as it is. */
static void piece(struct translator *t, enum atom kind, const char *text)
{
	begin_atom(t, kind);
	ccp_grep_text_print(&t->out, "%s", text);
	interrupt(t);
}

/* A repetition of the last atom, which is there. */
static void repeat(struct translator *t, long min, long max)
{
	static const char open[] = "(?:";
	size_t from = t->atom_at, len = t->out.len - from;

	if (t->atom == CHARACTER && t->depth == 0 && min == 0)
		t->run.len -= t->atom_bytes;
	interrupt(t);
	t->plain &= ++t->repeats <= 1;
	if (t->atom == REPEATED || t->atom == ASSERTION) {
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
	t->atom = REPEATED;
	t->start = false;
}

/* *, + or ?: at the start it is the empty string that is repeated, or in basic syntax itself. */
static void repeat_sign(struct translator *t, uint8_t sign)
{
	if (!t->extended && t->start)
		character(t, &sign, 1);
	else if (t->atom != NO_ATOM)
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
static int interval(struct translator *t, struct ccp_err *err)
{
	const uint8_t *at = t->at;
	long min = number(&at, t->end), max = min;
	bool closed, valid;

	if (!t->extended && t->start) {
		character(t, (const uint8_t *)"{", 1);
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
		character(t, (const uint8_t *)"{", 1);
		return 0;
	}
	if (!closed || !valid)
		return fail(err, at >= t->end ? "Unmatched \\{" : "Invalid content of \\{\\}");
	if (max >= 0 && max < min)
		return fail(err, "Invalid content of \\{\\}");
	if (min > REPEAT_MAX || max > REPEAT_MAX)
		return fail(err, "Regular expression too big");
	t->at = at + (t->extended ? 1 : 2);
	if (t->atom != NO_ATOM)
		repeat(t, min, max);
	return 0;
}

static void begin_alternative(struct translator *t)
{
	t->atom = NO_ATOM;
	t->start = true;
}

static int open_group(struct translator *t, struct ccp_err *err)
{
	if (t->depth == DEPTH)
		return fail(err, "Regular expression too big");
	interrupt(t);
	t->plain = false;
	t->open[t->depth].at = t->out.len;
	t->open[t->depth++].number = ++t->groups;
	ccp_grep_text_print(&t->out, t->captures ? "(" : "(?:");
	begin_alternative(t);
	return 0;
}

static int close_group(struct translator *t, struct ccp_err *err)
{
	unsigned number;

	if (t->depth == 0 && !t->extended)
		return fail(err, "Unmatched ) or \\)");
	if (t->depth == 0) {
		character(t, (const uint8_t *)")", 1);
		return 0;
	}
	number = t->open[--t->depth].number - t->groups_before;
	if (number < sizeof t->closed)
		t->closed[number] = true;
	ccp_grep_text_print(&t->out, ")");
	t->atom = OTHER_ATOM;
	t->atom_at = t->open[t->depth].at;
	t->start = false;
	return 0;
}

static void alternative(struct translator *t)
{
	if (t->depth == 0)
		end_alternative(t);
	t->plain = false;
	ccp_grep_text_print(&t->out, "|");
	begin_alternative(t);
}

/* What comes behind a backslash. */
static int escaped(struct translator *t, struct ccp_err *err)
{
	bool newlines = t->pattern->end != '\0';
	uint8_t c;

	if (t->at == t->end)
		return fail(err, "Trailing backslash");
	c = *t->at++;
	switch (c) {
	case 'w':
		piece(t, OTHER_ATOM, "\\w");
		return 0;
	case 'W':
		piece(t, OTHER_ATOM, newlines ? "[^\\w\\n]" : "[^\\w\\x00]");
		return 0;
	case 's':
		piece(t, OTHER_ATOM, newlines ? "[^\\S\\n]" : "\\s");
		return 0;
	case 'S':
		piece(t, OTHER_ATOM, newlines ? "\\S" : "[^\\s\\x00]");
		return 0;
	case '<':
		piece(t, ASSERTION, "(?:\\b(?=\\w))");
		return 0;
	case '>':
		piece(t, ASSERTION, "(?:\\b(?<=\\w))");
		return 0;
	case 'b':
	case 'B':
		piece(t, ASSERTION, c == 'b' ? "\\b" : "\\B");
		return 0;
	case '`':
	case '\'':
		piece(t, ASSERTION, c == '`' ? "^" : "$");
		return 0;
	default:
		break;
	}
	if (c >= '1' && c <= '9') {
		if (!t->closed[c - '0'])
			return fail(err, "Invalid back reference");
		begin_atom(t, OTHER_ATOM);
		ccp_grep_text_print(&t->out, "\\g{%u}", t->groups_before + c - '0');
		interrupt(t);
		return 0;
	}
	if (!t->extended) {
		switch (c) {
		case '(':
			return open_group(t, err);
		case ')':
			return close_group(t, err);
		case '{':
			return interval(t, err);
		case '|':
			alternative(t);
			return 0;
		case '+':
		case '?':
			repeat_sign(t, c);
			return 0;
		default:
			break;
		}
	}
	t->at--;
	size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);
	character(t, t->at, len);
	t->at += len;
	return 0;
}

/* Whether $ is at the end of an alternative in basic syntax: only there it is an anchor. */
static bool ends_here(const struct translator *t)
{
	return t->at == t->end || (t->end - t->at >= 2 && t->at[0] == '\\' && (t->at[1] == ')' || t->at[1] == '|'));
}

static int next_piece(struct translator *t, struct ccp_err *err)
{
	size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);
	const uint8_t *c = t->at;

	t->at += len;
	switch (*c) {
	case '\\':
		return escaped(t, err);
	case '[':
		begin_atom(t, OTHER_ATOM);
		interrupt(t);
		return ccp_grep_bracket(&t->out, &t->at, t->end, t->pattern, err);
	case '.':
		piece(t, OTHER_ATOM, ".");
		return 0;
	case '*':
		repeat_sign(t, '*');
		return 0;
	case '^':
		if (!t->extended && t->atom != NO_ATOM)
			break;
		piece(t, ASSERTION, "^");
		return 0;
	case '$':
		if (!t->extended && !ends_here(t))
			break;
		piece(t, ASSERTION, "$");
		return 0;
	case '+':
	case '?':
		if (!t->extended)
			break;
		repeat_sign(t, *c);
		return 0;
	case '{':
		return t->extended ? interval(t, err) : (character(t, c, len), 0);
	case '(':
		return t->extended ? open_group(t, err) : (character(t, c, len), 0);
	case ')':
		return t->extended ? close_group(t, err) : (character(t, c, len), 0);
	case '|':
		if (!t->extended)
			break;
		alternative(t);
		return 0;
	default:
		break;
	}
	character(t, c, len);
	return 0;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* One pattern in basic or extended syntax, or a fixed string. */
static int one_pattern(struct translator *t, struct ccp_err *err)
{
	t->groups_before = t->groups;
	memset(t->closed, 0, sizeof t->closed);
	begin_alternative(t);
	while (t->at < t->end) {
		if (t->pattern->syntax == CCP_GREP_FIXED) {
			size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);

			character(t, t->at, len);
			t->at += len;
		} else if (next_piece(t, err) != 0) {
			return -1;
		}
	}
	if (t->depth > 0)
		return fail(err, "Unmatched ( or \\(");
	end_alternative(t);
	return 0;
}

/* A backslash and a digit somewhere: perhaps a back-reference. */
static bool may_refer(const struct ccp_grep_pattern *p)
{
	for (size_t i = 0; i + 1 < p->len; i++) {
		if (p->text[i] != '\\')
			continue;
		i++;
		if (p->text[i] >= '1' && p->text[i] <= '9')
			return p->syntax != CCP_GREP_FIXED;
	}
	return false;
}

/*
 * Whether a Perl pattern has nothing that could match, or look at, the end of a line: characters, classes without such,
 * repetitions, groups and alternatives. `fixed`: nothing but characters.
 */
static bool perl_is_easy(const struct ccp_grep_pattern *p, bool *fixed)
{
	*fixed = p->len > 0;
	for (size_t i = 0; i < p->len && *fixed; i++)
		*fixed = p->text[i] == '\0' || strchr("\\()[]{}.^$|*+?\n", p->text[i]) == NULL;
	for (size_t i = 0; i < p->len; i++) {
		char c = p->text[i];

		if (c == '(') {
			if (i + 2 < p->len && p->text[i + 1] == '?' && p->text[i + 2] == ':')
				i += 2;
			else if (i + 1 < p->len && (p->text[i + 1] == '?' || p->text[i + 1] == '*'))
				return false;
		} else if (c == '\\') {
			if (i + 1 == p->len || strchr("dwbBh.*+?()[]{}|^$/-\\", p->text[i + 1]) == NULL ||
			    p->text[++i] == '\0')
				return false;
		} else if (c == '[' || c == '{' || c == ']' || c == '}' || c == '\n' || c == '\0' || (c & 0x80)) {
			return false;
		}
	}
	return true;
}

static int perl(struct translator *t, struct ccp_grep_translation *out, struct ccp_err *err)
{
	const struct ccp_grep_pattern *p = t->pattern;
	bool fixed = false;

	if (memchr(p->text, '\n', p->len) != NULL)
		return fail(err, "the -P option only supports a single pattern");
	out->one_line = perl_is_easy(p, &fixed) && p->end != '\0';
	ccp_grep_text_add(&t->out, p->text, p->len);
	t->all_have = t->exact = false;
	if (fixed) {
		struct ccp_grep_text regex = t->out;

		t->out = (struct ccp_grep_text){ 0 };
		t->all_have = t->exact = true;
		t->at = (const uint8_t *)p->text;
		t->end = t->at + p->len;
		begin_alternative(t);
		while (t->at < t->end)
			character(t, t->at++, 1);
		end_alternative(t);
		free(t->out.data);
		t->out = regex;
	}
	return 0;
}

static int all_patterns(struct translator *t, struct ccp_grep_translation *out, struct ccp_err *err)
{
	const uint8_t *text = (const uint8_t *)t->pattern->text, *end = text + t->pattern->len;

	out->one_line = true;
	for (;;) {
		const uint8_t *newline = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;

		t->at = text;
		t->end = newline != NULL ? newline : end;
		out->empty |= t->at == t->end;
		if (one_pattern(t, err) != 0)
			return -1;
		if (newline == NULL)
			return 0;
		text = newline + 1;
		ccp_grep_text_print(&t->out, "|");
		t->plain = false;
	}
}

static int finish(struct translator *t, struct ccp_grep_translation *out, struct ccp_err *err)
{
	size_t count = t->lengths.len / sizeof(size_t), at = 0;

	if (t->out.failed || t->run.failed || t->best.failed || t->text.failed || t->lengths.failed)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the patterns");
	out->plain = t->plain;
	out->exact = t->all_have && t->exact;
	if (!t->all_have)
		return 0;
	out->words = calloc(count, sizeof *out->words);
	if (out->words == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the patterns");
	for (size_t i = 0; i < count; i++) {
		size_t len;

		memcpy(&len, t->lengths.data + i * sizeof len, sizeof len);
		out->words[i] = (struct ccp_grep_word){ (const uint8_t *)t->text.data + at, len };
		at += len;
	}
	out->count = count;
	return 0;
}

int ccp_grep_translate(struct ccp_grep_translation *out, const struct ccp_grep_pattern *pattern, struct ccp_err *err)
{
	struct translator t = {
		.pattern = pattern,
		.extended = pattern->syntax == CCP_GREP_EXTENDED,
		.captures = may_refer(pattern),
		.simple = true, .all_have = true, .exact = true, .plain = true,
	};
	int result;

	*out = (struct ccp_grep_translation){ .backrefs = t.captures };
	result = pattern->syntax == CCP_GREP_PERL ? perl(&t, out, err) : all_patterns(&t, out, err);
	if (result == 0)
		result = finish(&t, out, err);
	out->regex = t.out.data;
	out->len = t.out.len;
	out->text = t.text.data;
	free(t.run.data);
	free(t.best.data);
	free(t.lengths.data);
	if (result != 0)
		ccp_grep_translation_release(out);
	return result;
}

void ccp_grep_translation_release(struct ccp_grep_translation *translation)
{
	free(translation->regex);
	free(translation->words);
	free(translation->text);
	*translation = (struct ccp_grep_translation){ 0 };
}
