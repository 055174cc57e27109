/*
 * fold/grep_matcher.c: chooses who looks for a pattern, and turns matches into lines.
 *
 * Strings that every match holds are looked for first if they are at least two bytes; where one is, its line is looked
 * at by the regular expression, unless the string is all there is to it. Without such strings the regular expression
 * goes over the whole buffer, which it can because no match of it holds the end of a line; a Perl pattern of which that
 * is not known has to see one line after the other.
 */
#include "pipeline/fold/grep_matcher.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_regex.h"
#include "pipeline/fold/grep_set.h"
#include "pipeline/fold/grep_syntax.h"
#include "pipeline/fold/grep_syntax_internal.h"

#define SHORTEST 2 /* strings that are looked for before a regular expression */

enum kind { NOTHING, EVERYTHING, FIXED, CHECKED, BUFFER, LINE_BY_LINE };

struct ccp_grep_matcher {
	struct ccp_grep_pattern pattern;
	enum kind kind;
	bool filtered;  /* -w or -x */
	bool longest;   /* spans: the longest is not just the first */
	bool ascii;     /* what is being looked through is nothing but ASCII */
	struct ccp_grep_set *set;
	struct ccp_grep_regex *regex;
};

/* ---- making one -------------------------------------------------------------------------------------------------- */

static int make_regex(struct ccp_grep_matcher *m, const struct ccp_grep_translation *t, struct ccp_err *err)
{
	const struct ccp_grep_pattern *p = &m->pattern;
	struct ccp_grep_regex_options options = {
		.utf8 = p->utf8,
		.properties = p->syntax != CCP_GREP_PERL,
		.ignore_case = p->ignore_case,
		.no_dfa = t->backrefs || p->syntax == CCP_GREP_PERL,
		.one_line = p->syntax == CCP_GREP_PERL && p->end == '\0',
		.end = p->syntax == CCP_GREP_PERL ? '\n' : p->end,
	};
	struct ccp_grep_text text = { 0 };
	int result;

	ccp_grep_text_print(&text, p->whole_lines ? "^(?:" : p->words ? "(?<!\\w)(?:" : "");
	ccp_grep_text_add(&text, t->regex, t->len);
	ccp_grep_text_print(&text, p->whole_lines ? ")$" : p->words ? ")(?!\\w)" : "");
	if (text.failed)
		result = ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the patterns");
	else
		result = ccp_grep_regex_new(&m->regex, text.data != NULL ? text.data : "", text.len, &options, err);
	free(text.data);
	m->longest = !t->plain && !options.no_dfa;
	return result;
}

static int make(struct ccp_grep_matcher *m, const struct ccp_grep_translation *t, struct ccp_err *err)
{
	size_t shortest = SIZE_MAX;

	for (size_t i = 0; i < t->count; i++)
		if (t->words[i].len < shortest)
			shortest = t->words[i].len;
	m->filtered = m->pattern.words || m->pattern.whole_lines;
	if (t->empty && !m->filtered)
		m->kind = EVERYTHING;
	else if (t->words != NULL && t->exact &&
		 !(m->pattern.syntax == CCP_GREP_PERL && m->pattern.words && m->pattern.utf8)) /* its words are ASCII */
		m->kind = FIXED;
	else if (t->words != NULL && shortest >= SHORTEST && !m->pattern.slow)
		m->kind = CHECKED;
	else
		m->kind = t->one_line ? BUFFER : LINE_BY_LINE;
	if (m->kind != FIXED && (m->kind != EVERYTHING || t->len > 0) && make_regex(m, t, err) != 0)
		return -1;
	if (m->kind != FIXED && m->kind != CHECKED)
		return 0;
	return ccp_grep_set_new(&m->set, t->words, t->count, m->pattern.ignore_case, m->pattern.slow, err);
}

int ccp_grep_matcher_new(struct ccp_grep_matcher **out, const struct ccp_grep_pattern *pattern, struct ccp_err *err)
{
	struct ccp_grep_matcher *m = calloc(1, sizeof *m);
	struct ccp_grep_translation t;
	int result;

	if (m == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	m->pattern = *pattern;
	if (pattern->none) {
		*out = m;
		return 0;
	}
	result = ccp_grep_translate(&t, pattern, err);
	if (result == 0) {
		result = make(m, &t, err);
		ccp_grep_translation_release(&t);
	}
	if (result != 0) {
		ccp_grep_matcher_free(m);
		return -1;
	}
	*out = m;
	return 0;
}

void ccp_grep_matcher_free(struct ccp_grep_matcher *m)
{
	if (m == NULL)
		return;
	ccp_grep_set_free(m->set);
	ccp_grep_regex_free(m->regex);
	free(m);
}

/* ---- fixed strings ----------------------------------------------------------------------------------------------- */

/* Whether a string at [at, to) of a line is what -w and -x want. */
static bool fits(const void *arg, const uint8_t *line, size_t len, size_t at, size_t to)
{
	const struct ccp_grep_pattern *p = arg;

	if (p->whole_lines)
		return at == 0 && to == len;
	return !ccp_grep_word_before(line, at, p->utf8) && !ccp_grep_word_at(line, len, to, p->utf8);
}

static bool fixed_span(const struct ccp_grep_matcher *m, const uint8_t *line, size_t len, size_t from, size_t *begin,
		       size_t *end)
{
	for (size_t at = from; at < len; at++) {
		size_t long_enough;

		if (m->pattern.whole_lines && at > 0)
			return false;
		long_enough = ccp_grep_set_longest(m->set, line, len, at, m->filtered ? fits : NULL, &m->pattern);
		if (long_enough > 0) {
			*begin = at;
			*end = at + long_enough;
			return true;
		}
	}
	return false;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The line around `at`, which begins at `from` or later. */
static void line_around(const struct ccp_grep_matcher *m, const uint8_t *data, size_t len, size_t from, size_t at,
			size_t *begin, size_t *end)
{
	const uint8_t *before = memrchr(data + from, m->pattern.end, at - from);
	const uint8_t *after = memchr(data + at, m->pattern.end, len - at);

	*begin = before != NULL ? (size_t)(before - data) + 1 : from;
	*end = after != NULL ? (size_t)(after - data) + 1 : len;
}

static size_t without_end(const struct ccp_grep_matcher *m, const uint8_t *data, size_t begin, size_t end)
{
	return end - begin - (end > begin && data[end - 1] == (uint8_t)m->pattern.end);
}

/* A line that holds one of the strings, and matches. */
static int line_with_string(struct ccp_grep_matcher *m, const uint8_t *data, size_t len, size_t from, size_t *begin,
			    size_t *end, struct ccp_err *err)
{
	for (;;) {
		size_t at = ccp_grep_set_find(m->set, data, len, from), a, b, size;
		int result = 1;

		if (at == SIZE_MAX)
			return 0;
		line_around(m, data, len, from, at, begin, end);
		size = without_end(m, data, *begin, *end);
		if (m->kind == CHECKED)
			result = ccp_grep_regex_find(m->regex, data + *begin, size, 0,
						     ccp_grep_is_ascii(data + *begin, size), &a, &b, err);
		else if (m->filtered)
			result = fixed_span(m, data + *begin, size, 0, &a, &b);
		if (result != 0)
			return result;
		from = *end;
	}
}

static int line_by_regex(struct ccp_grep_matcher *m, const uint8_t *data, size_t len, size_t from, size_t *begin,
			 size_t *end, struct ccp_err *err)
{
	size_t a, b;
	int result = ccp_grep_regex_find(m->regex, data, len, from, m->ascii, &a, &b, err);

	if (result != 1)
		return result;
	if (a == len && data[len - 1] == (uint8_t)m->pattern.end)
		return 0; /* behind the last line */
	line_around(m, data, len, from, a, begin, end);
	return 1;
}

static int line_by_line(struct ccp_grep_matcher *m, const uint8_t *data, size_t len, size_t from, size_t *begin,
			size_t *end, struct ccp_err *err)
{
	while (from < len) {
		size_t a, b;
		int result;

		line_around(m, data, len, from, from, begin, end);
		result = ccp_grep_regex_find(m->regex, data + *begin, without_end(m, data, *begin, *end), 0, m->ascii,
					     &a, &b, err);
		if (result != 0)
			return result;
		from = *end;
	}
	return 0;
}

int ccp_grep_matcher_line(struct ccp_grep_matcher *m, const uint8_t *data, size_t len, size_t from, size_t *begin,
			  size_t *end, struct ccp_err *err)
{
	if (from >= len)
		return 0;
	if (from == 0 && m->kind >= BUFFER)
		m->ascii = ccp_grep_is_ascii(data, len);
	switch (m->kind) {
	case NOTHING:
		return 0;
	case EVERYTHING:
		line_around(m, data, len, from, from, begin, end);
		return 1;
	case FIXED:
	case CHECKED:
		return line_with_string(m, data, len, from, begin, end, err);
	case BUFFER:
		return line_by_regex(m, data, len, from, begin, end, err);
	case LINE_BY_LINE:
		return line_by_line(m, data, len, from, begin, end, err);
	}
	return 0;
}

int ccp_grep_matcher_span(struct ccp_grep_matcher *m, const uint8_t *line, size_t len, size_t from, size_t *begin,
			  size_t *end, struct ccp_err *err)
{
	int result;

	if (from > len || m->kind == NOTHING)
		return 0;
	if (m->kind == FIXED)
		return fixed_span(m, line, len, from, begin, end);
	if (m->regex == NULL) {
		*begin = *end = from;
		return 1;
	}
	result = ccp_grep_regex_find(m->regex, line, len, from, ccp_grep_is_ascii(line, len), begin, end, err);
	if (result == 1 && m->longest)
		result = ccp_grep_regex_longest(m->regex, line, len, *begin, end, err) < 0 ? -1 : 1;
	return result;
}
