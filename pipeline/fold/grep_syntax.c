/*
 * fold/grep_syntax.c: goes through a pattern once, from left to right, and has each piece written in PCRE2's words
 * (grep_syntax_piece.c).
 */
#include "pipeline/fold/grep_syntax.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_syntax_internal.h"

/* What stands for something behind a backslash: in lines that end with a newline, and in those that end with a zero. */
static const struct {
	char letter;
	enum ccp_atom kind;
	const char *newlines, *zeros;
} escapes[] = {
	{ 'w', CCP_ATOM_OTHER, "\\w", "\\w" },
	{ 'W', CCP_ATOM_OTHER, "[^\\w\\n]", "[^\\w\\x00]" },
	{ 's', CCP_ATOM_OTHER, "[^\\S\\n]", "\\s" },
	{ 'S', CCP_ATOM_OTHER, "\\S", "[^\\s\\x00]" },
	{ '<', CCP_ATOM_ASSERTION, "(?:\\b(?=\\w))", "(?:\\b(?=\\w))" },
	{ '>', CCP_ATOM_ASSERTION, "(?:\\b(?<=\\w))", "(?:\\b(?<=\\w))" },
	{ 'b', CCP_ATOM_ASSERTION, "\\b", "\\b" },
	{ 'B', CCP_ATOM_ASSERTION, "\\B", "\\B" },
	{ '`', CCP_ATOM_ASSERTION, "^", "^" },
	{ '\'', CCP_ATOM_ASSERTION, "$", "$" },
};

/* What comes behind a backslash. */
static int escaped(struct ccp_syntax *t, struct ccp_err *err)
{
	uint8_t c;

	if (t->at == t->end)
		return ccp_err_set(err, CCP_E_USAGE, "Trailing backslash");
	c = *t->at++;
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
		if (c == (uint8_t)escapes[i].letter) {
			ccp_syntax_piece(t, escapes[i].kind,
					 t->pattern->end != '\0' ? escapes[i].newlines : escapes[i].zeros);
			return 0;
		}
	if (c >= '1' && c <= '9') {
		if (!t->closed[c - '0'])
			return ccp_err_set(err, CCP_E_USAGE, "Invalid back reference");
		ccp_syntax_begin_atom(t, CCP_ATOM_OTHER);
		ccp_grep_text_print(&t->out, "\\g{%u}", t->groups_before + c - '0');
		ccp_syntax_interrupt(t);
		return 0;
	}
	if (!t->extended) {
		switch (c) {
		case '(':
			return ccp_syntax_open_group(t, err);
		case ')':
			return ccp_syntax_close_group(t, err);
		case '{':
			return ccp_syntax_interval(t, err);
		case '|':
			ccp_syntax_alternative(t);
			return 0;
		case '+':
		case '?':
			ccp_syntax_repeat_sign(t, c);
			return 0;
		default:
			break;
		}
	}
	t->at--;
	size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);
	ccp_syntax_character(t, t->at, len);
	t->at += len;
	return 0;
}

/* Whether $ is at the end of an alternative in basic syntax: only there it is an anchor. */
static bool ends_here(const struct ccp_syntax *t)
{
	return t->at == t->end || (t->end - t->at >= 2 && t->at[0] == '\\' && (t->at[1] == ')' || t->at[1] == '|'));
}

static int next_piece(struct ccp_syntax *t, struct ccp_err *err)
{
	size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);
	const uint8_t *c = t->at;

	t->at += len;
	switch (*c) {
	case '\\':
		return escaped(t, err);
	case '[':
		ccp_syntax_begin_atom(t, CCP_ATOM_OTHER);
		ccp_syntax_interrupt(t);
		return ccp_grep_bracket(&t->out, &t->at, t->end, t->pattern, err);
	case '.':
		ccp_syntax_piece(t, CCP_ATOM_OTHER, ".");
		return 0;
	case '*':
		ccp_syntax_repeat_sign(t, '*');
		return 0;
	case '^':
		if (!t->extended && t->atom != CCP_ATOM_NONE)
			break;
		ccp_syntax_piece(t, CCP_ATOM_ASSERTION, "^");
		return 0;
	case '$':
		if (!t->extended && !ends_here(t))
			break;
		ccp_syntax_piece(t, CCP_ATOM_ASSERTION, "$");
		return 0;
	case '+':
	case '?':
		if (!t->extended)
			break;
		ccp_syntax_repeat_sign(t, *c);
		return 0;
	case '{':
		return t->extended ? ccp_syntax_interval(t, err) : (ccp_syntax_character(t, c, len), 0);
	case '(':
		return t->extended ? ccp_syntax_open_group(t, err) : (ccp_syntax_character(t, c, len), 0);
	case ')':
		return t->extended ? ccp_syntax_close_group(t, err) : (ccp_syntax_character(t, c, len), 0);
	case '|':
		if (!t->extended)
			break;
		ccp_syntax_alternative(t);
		return 0;
	default:
		break;
	}
	ccp_syntax_character(t, c, len);
	return 0;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* One pattern in basic or extended syntax, or a fixed string. */
static int one_pattern(struct ccp_syntax *t, struct ccp_err *err)
{
	t->groups_before = t->groups;
	memset(t->closed, 0, sizeof t->closed);
	ccp_syntax_begin_alternative(t);
	while (t->at < t->end) {
		if (t->pattern->syntax == CCP_GREP_FIXED) {
			size_t len = ccp_grep_character(t->at, (size_t)(t->end - t->at), t->pattern->utf8);

			ccp_syntax_character(t, t->at, len);
			t->at += len;
		} else if (next_piece(t, err) != 0) {
			return -1;
		}
	}
	if (t->depth > 0)
		return ccp_err_set(err, CCP_E_USAGE, "Unmatched ( or \\(");
	ccp_syntax_end_alternative(t);
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

static int all_patterns(struct ccp_syntax *t, struct ccp_grep_translation *out, struct ccp_err *err)
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

static int finish(struct ccp_syntax *t, struct ccp_grep_translation *out, struct ccp_err *err)
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
	struct ccp_syntax t = {
		.pattern = pattern,
		.extended = pattern->syntax == CCP_GREP_EXTENDED,
		.captures = may_refer(pattern),
		.simple = true, .all_have = true, .exact = true, .plain = true,
	};
	int result;

	*out = (struct ccp_grep_translation){ .backrefs = t.captures };
	result = pattern->syntax == CCP_GREP_PERL ? ccp_syntax_perl(&t, out, err) : all_patterns(&t, out, err);
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
