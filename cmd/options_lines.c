/* options_lines.c: what the options of uniq, head and tail do. */
#include <ctype.h>
#include <string.h>

#include "cmd/options_internal.h"

#define MOST (UINT64_MAX / 4) /* whoever says more means all, and sums of it do not overflow */

/* Reads digits, up to MOST. Returns what follows them, or NULL if there are none. */
static const char *read_number(const char *text, uint64_t *number)
{
	*number = 0;
	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++)
		*number = *number > MOST / 10 - 1 ? MOST : 10 * *number + (uint64_t)(*text - '0');
	return text;
}

/* Multiplies by what a suffix stands for, as coreutils has it. Returns whether it is one. */
static bool multiply(uint64_t *number, const char *suffix)
{
	static const char letters[] = "KMGTPEZY";
	const char *letter;
	uint64_t unit = 1024;

	if (*suffix == '\0')
		return true;
	if (strcmp(suffix, "b") == 0) {
		*number = *number > MOST / 512 ? MOST : *number * 512;
		return true;
	}
	letter = strchr(letters, *suffix == 'k' ? 'K' : *suffix == 'm' ? 'M' : *suffix);
	if (letter == NULL)
		return false;
	if (strcmp(suffix + 1, "B") == 0)
		unit = 1000;
	else if (suffix[1] != '\0' && strcmp(suffix + 1, "iB") != 0)
		return false;
	for (; letter >= letters; letter--)
		*number = *number > MOST / unit ? MOST : *number * unit;
	return true;
}

int ccp_option_uniq_number(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	const char *rest = read_number(value, (uint64_t *)(void *)((char *)s + option->field));

	if (rest == NULL || *rest != '\0') {
		ccp_usage_error(s, "--%s: '%s' is not a number", option->name, value);
		return -1;
	}
	if (option->brief == 'w')
		s->uniq.has_check_chars = true;
	return 0;
}

int ccp_option_ends_count(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_ends_settings *e = &s->ends;
	const char *at = value, *rest;

	e->sign = *at == '-' || *at == '+' ? *at++ : 0;
	rest = read_number(at, &e->count);
	if (rest == NULL || !multiply(&e->count, rest)) {
		ccp_usage_error(s, "--%s: '%s' is not a number like 10, %s10 or 1K", option->name, value,
				s->bit == CCP_FOR_HEAD ? "-" : "+");
		return -1;
	}
	e->bytes = option->brief == 'c';
	e->said = true;
	return 0;
}

/* -NUM: digits that stand together are one number. */
int ccp_option_ends_digit(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_ends_settings *e = &s->ends;
	bool goes_on = s->last_digit_at != NULL && value == s->last_digit_at + 1;

	e->count = !goes_on ? 0 : e->count > MOST / 10 - 1 ? MOST / 10 - 1 : e->count;
	e->count = 10 * e->count + (uint64_t)option->value;
	e->sign = 0;
	e->bytes = false;
	e->said = true;
	s->last_digit_at = value;
	return 0;
}

int ccp_option_lines_refuse(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	const char *why = s->bit == CCP_FOR_TAIL ? ": ccpipe does not wait for files to grow" : "";

	(void)value;
	if (option->brief != 0)
		ccp_usage_error(s, "-%c is not offered%s", option->brief, why);
	else
		ccp_usage_error(s, "--%s is not offered%s", option->name, why);
	return -1;
}
