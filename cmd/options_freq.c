/* options_freq.c: what the options of freq do. */
#include <ctype.h>
#include <string.h>

#include "cmd/options_internal.h"
#include "pipeline/fold/freq.h"

/* A number from 1 on. Returns whether it is one. */
static bool parse_number(const char *text, uint64_t *number)
{
	*number = 0;
	for (; isdigit((unsigned char)*text) && *number < UINT64_MAX / 16; text++)
		*number = 10 * *number + (uint64_t)(*text - '0');
	return *text == '\0' && *number > 0;
}

int ccp_option_freq_by(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_freq_settings *f = &s->freq;

	(void)option;
	if (strcmp(value, "word") == 0) {
		f->by = CCP_FREQ_WORD;
	} else if (strcmp(value, "line") == 0) {
		f->by = CCP_FREQ_LINE;
	} else if (strncmp(value, "regex=", 6) == 0) {
		f->by = CCP_FREQ_REGEX;
		f->regex = value + 6;
	} else if (strncmp(value, "field=", 6) == 0 && parse_number(value + 6, &f->field)) {
		f->by = CCP_FREQ_FIELD;
	} else {
		ccp_usage_error(s, "--by: '%s' is not word, line, field=N with N from 1, or regex=RE", value);
		return -1;
	}
	return 0;
}

int ccp_option_freq_separator(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	s->freq.has_separator = true;
	s->freq.separator = value[0];
	if (value[0] == '\\' && (value[1] == 't' || value[1] == '0') && value[2] == '\0')
		s->freq.separator = value[1] == 't' ? '\t' : '\0';
	else if (value[0] == '\0' || value[1] != '\0' || value[0] == '\n')
		return ccp_usage_error(s, "-t: '%s' is not one byte, \\t or \\0", value), -1;
	return 0;
}

int ccp_option_freq_number(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (parse_number(value, (uint64_t *)(void *)((char *)s + option->field)))
		return 0;
	return ccp_usage_error(s, "--%s: '%s' is not a number from 1 on", option->name, value), -1;
}
