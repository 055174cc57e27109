/*
 * options_sum.c: what the options of sum, of its personas, and of walks do. Where two options of coreutils exclude each
 * other the later one counts.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cmd/options_internal.h"
#include "cmd/sum.h"
#include "cmd/sum_words.h"

int ccp_option_algorithm(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (s->bit == CCP_FOR_CKSUM)
		return ccp_sum_choose_cksum(s, value);
	if (s->sum.list_count == CCP_DIGEST_SET_MAX) {
		ccp_usage_error(s, "--%s: more than %d lists", option->name, CCP_DIGEST_SET_MAX);
		return -1;
	}
	s->sum.lists[s->sum.list_count++] = value;
	s->sum.said = true;
	return 0;
}

int ccp_option_tag(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	bool was_tagged = s->sum.tag;

	(void)value;
	s->sum.tag = option->value;
	s->sum.untagged = !option->value;
	if (option->value)
		s->sum.binary = 1;
	else if (was_tagged)
		s->sum.binary = -1;
	return 0;
}

int ccp_option_check_words(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)value;
	if (s->gnu) /* else -q is an option of its own */
		s->quiet = option->value == 'q';
	s->sum.status = option->value == 's';
	s->sum.warn = option->value == 'w';
	return 0;
}

/* As strtoumax reads it: blanks and a plus sign may come before. */
int ccp_option_length(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	const char *text = value, *why = NULL;
	uint64_t bits = 0;

	(void)option;
	while (isspace((unsigned char)*text))
		text++;
	text += *text == '+';
	s->sum.length = value;
	if (isdigit((unsigned char)*text)) {
		for (; isdigit((unsigned char)*text); text++) {
			uint64_t digit = (uint64_t)(*text - '0');

			if (bits > (UINT64_MAX - digit) / 10)
				why = strerrordesc_np(EOVERFLOW);
			bits = 10 * bits + digit;
		}
		s->sum.length_bits = bits;
		if (*text == '\0' && why == NULL && bits % 8 == 0)
			return 0;
	}
	fprintf(stderr, "%s: invalid length: ", s->program);
	ccp_sum_quote(stderr, value);
	fprintf(stderr, "%s%s\n", why != NULL ? ": " : "", why != NULL ? why : "");
	if (*text == '\0' && bits % 8 != 0 && why == NULL)
		fprintf(stderr, "%s: length is not a multiple of 8\n", s->program);
	return -1;
}

int ccp_option_hint(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option, (void)value;
	ccp_usage_hint(s);
	return -1;
}

int ccp_option_depth(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; isdigit((unsigned char)value[i]) && i < 7; i++)
		depth = 10 * depth + (unsigned)(value[i] - '0');
	if (depth == 0 || value[i] != '\0') {
		ccp_usage_error(s, "--%s: '%s' is not a number from 1 to 9999999", option->name, value);
		return -1;
	}
	s->max_depth = depth;
	return 0;
}

int ccp_option_glob(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	const char **globs = (const char **)(void *)((char *)s + option->field);
	size_t count = 0;

	while (globs[count] != NULL)
		count++;
	if (count == CCP_GLOBS) {
		ccp_usage_error(s, "--%s: more than %d patterns", option->name, CCP_GLOBS);
		return -1;
	}
	globs[count] = value;
	return 0;
}
