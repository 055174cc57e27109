/*
 * fold/grep_syntax_bracket.c: bracket expressions. Where one could match the end of a line, a look ahead forbids it.
 * Ranges go by the numbers of characters. Classes are PCRE2's, but digits are those of ASCII as in POSIX.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_syntax_internal.h"

#define UNMATCHED "Unmatched [, [^, [:, [., or [="

struct bracket {
	const uint8_t *at, *end;
	const struct ccp_grep_pattern *pattern;
	struct ccp_grep_text *out;
	bool line_end; /* it holds the end of a line */
};

/* One end of a range, or a member. */
struct member {
	uint8_t bytes[4];
	size_t len;
	bool is_class;
};

static int fail(struct ccp_err *err, const char *words)
{
	return ccp_err_set(err, CCP_E_USAGE, "%s", words);
}

static uint32_t number_of(const struct member *m)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t number = m->bytes[0];

	if (m->len == 1)
		return number;
	number &= mask[m->len];
	for (size_t i = 1; i < m->len; i++)
		number = number << 6 | (m->bytes[i] & 0x3f);
	return number;
}

static int class(struct bracket *b, const char *name, size_t len, struct ccp_err *err)
{
	static const struct {
		const char *name, *ascii, *properties;
	} classes[] = {
		{ "alpha", "[:alpha:]", NULL }, { "upper", "[:upper:]", NULL }, { "lower", "[:lower:]", NULL },
		{ "digit", "0-9", NULL },       { "xdigit", "0-9A-Fa-f", NULL }, { "space", "[:space:]", NULL },
		{ "punct", "[:punct:]", "[:punct:]\\p{S}" }, { "alnum", "[:alnum:]", NULL },
		{ "print", "[:print:]", NULL }, { "graph", "[:graph:]", NULL }, { "cntrl", "[:cntrl:]", NULL },
		{ "blank", "[:blank:]", NULL },
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		const char *text = classes[i].ascii;

		if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len) != 0)
			continue;
		if (b->pattern->utf8 && classes[i].properties != NULL)
			text = classes[i].properties;
		if (b->pattern->ignore_case && (strcmp(text, "[:upper:]") == 0 || strcmp(text, "[:lower:]") == 0))
			text = "[:alpha:]";
		if (strcmp(text, "[:cntrl:]") == 0 || (strcmp(text, "[:space:]") == 0 && b->pattern->end != '\0'))
			b->line_end = true;
		ccp_grep_text_print(b->out, "%s", text);
		return 0;
	}
	return fail(err, "Invalid character class name");
}

/* [:class:], [.x.] or [=x=]; `at` is at the [. */
static int special(struct bracket *b, struct member *member, struct ccp_err *err)
{
	uint8_t kind = b->at[1];
	const uint8_t *from = b->at + 2, *to = from;

	while (to + 1 < b->end && !(to[0] == kind && to[1] == ']'))
		to++;
	if (to + 1 >= b->end)
		return fail(err, UNMATCHED);
	b->at = to + 2;
	if (kind == ':') {
		member->is_class = true;
		return class(b, (const char *)from, (size_t)(to - from), err);
	}
	member->len = (size_t)(to - from);
	if (member->len == 0 || ccp_grep_character(from, member->len, b->pattern->utf8) != member->len)
		return fail(err, "Invalid collation character");
	memcpy(member->bytes, from, member->len);
	return 0;
}

static int next_member(struct bracket *b, struct member *member, struct ccp_err *err)
{
	*member = (struct member){ .len = 0 };
	if (b->at == b->end)
		return fail(err, UNMATCHED);
	if (*b->at == '[' && b->at + 1 < b->end && strchr(":.=", b->at[1]) != NULL && b->at[1] != '\0')
		return special(b, member, err);
	member->len = ccp_grep_character(b->at, (size_t)(b->end - b->at), b->pattern->utf8);
	memcpy(member->bytes, b->at, member->len);
	b->at += member->len;
	return 0;
}

/* A member, or a range that begins with it. */
static int item(struct bracket *b, struct ccp_err *err)
{
	struct member from, to;
	uint32_t line_end = (uint8_t)b->pattern->end;

	if (next_member(b, &from, err) != 0)
		return -1;
	if (from.is_class)
		return 0;
	ccp_grep_text_quote(b->out, from.bytes, from.len);
	if (b->end - b->at < 2 || b->at[0] != '-' || b->at[1] == ']') {
		b->line_end |= number_of(&from) == line_end;
		return 0;
	}
	b->at++;
	if (next_member(b, &to, err) != 0)
		return -1;
	if (to.is_class || number_of(&to) < number_of(&from))
		return fail(err, "Invalid range end");
	b->line_end |= number_of(&from) <= line_end && line_end <= number_of(&to);
	ccp_grep_text_add(b->out, "-", 1);
	ccp_grep_text_quote(b->out, to.bytes, to.len);
	return 0;
}

int ccp_grep_bracket(struct ccp_grep_text *out, const uint8_t **at, const uint8_t *end,
		     const struct ccp_grep_pattern *pattern, struct ccp_err *err)
{
	struct ccp_grep_text inside = { 0 };
	struct bracket b = { .at = *at, .end = end, .pattern = pattern, .out = &inside };
	const char *line_end = pattern->end == '\0' ? "\\x00" : "\\n";
	bool negated = b.at < end && *b.at == '^', first = true;
	int result = 0;

	if (b.at == end)
		return fail(err, "Invalid regular expression");
	b.at += negated;
	while (result == 0 && (first || b.at == end || *b.at != ']')) {
		result = b.at == end ? fail(err, UNMATCHED) : item(&b, err);
		first = false;
	}
	if (result == 0 && !negated && b.at - *at >= 2 && **at == ':' && b.at[-1] == ':')
		result = fail(err, "character class syntax is [[:space:]], not [:space:]");
	if (result == 0) {
		*at = b.at + 1;
		if (negated)
			ccp_grep_text_print(out, "[^%s", line_end);
		else
			ccp_grep_text_print(out, b.line_end ? "(?:(?!%s)[" : "[", line_end);
		ccp_grep_text_add(out, inside.data, inside.len);
		ccp_grep_text_print(out, !negated && b.line_end ? "])" : "]");
		out->failed |= inside.failed;
	}
	free(inside.data);
	return result;
}
