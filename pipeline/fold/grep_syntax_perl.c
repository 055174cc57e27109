/*
 * fold/grep_syntax_perl.c: a Perl pattern, which PCRE2 takes as it is. What is looked for is what would let a search be
 * quicker: that it cannot see the end of a line, that it is nothing but characters.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_syntax_internal.h"

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

int ccp_syntax_perl(struct ccp_syntax *t, struct ccp_grep_translation *out, struct ccp_err *err)
{
	const struct ccp_grep_pattern *p = t->pattern;
	bool fixed = false;

	if (memchr(p->text, '\n', p->len) != NULL)
		return ccp_err_set(err, CCP_E_USAGE, "the -P option only supports a single pattern");
	out->one_line = perl_is_easy(p, &fixed) && p->end != '\0';
	ccp_grep_text_add(&t->out, p->text, p->len);
	t->all_have = t->exact = false;
	if (fixed) {
		struct ccp_grep_text regex = t->out;

		t->out = (struct ccp_grep_text){ 0 };
		t->all_have = t->exact = true;
		t->at = (const uint8_t *)p->text;
		t->end = t->at + p->len;
		ccp_syntax_begin_alternative(t);
		while (t->at < t->end)
			ccp_syntax_character(t, t->at++, 1);
		ccp_syntax_end_alternative(t);
		free(t->out.data);
		t->out = regex;
	}
	return 0;
}
