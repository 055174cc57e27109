/* options_sort.c: what the options of sort do. */
#include <stdlib.h>
#include <string.h>

#include "cmd/options_internal.h"

int ccp_option_sort_key(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_err err;

	(void)option;
	if (ccp_sort_order_add(&s->sort.order, value, &err) == 0)
		return 0;
	ccp_usage_error(s, "%s", err.text);
	return -1;
}

int ccp_option_sort_separator(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	if (strcmp(value, "\\0") == 0) {
		s->sort.separator = 0;
	} else if (value[0] != '\0' && value[1] == '\0') {
		s->sort.separator = (unsigned char)value[0];
	} else {
		ccp_usage_error(s, "-t '%s': fields are separated by one byte, or \\0", value);
		return -1;
	}
	s->sort.separated = 1;
	return 0;
}

/* As sort(1) has it, a number alone counts KiB, and one of bytes ends in b. */
int ccp_option_sort_size(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	bool bytes = strcmp(value + digits, "b") == 0;

	(void)option;
	if (digits == 0 || strlen(value) + 2 > sizeof s->sort.size) {
		ccp_usage_error(s, "-S: '%s' is not a size", value);
		return -1;
	}
	strcpy(s->sort.size, value);
	if (bytes)
		s->sort.size[digits] = '\0';
	else if (value[digits] == '\0')
		strcat(s->sort.size, "K");
	s->plan.max_mem = s->sort.size;
	return 0;
}

int ccp_option_sort_check(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	bool quiet = value != NULL && (strcmp(value, "quiet") == 0 || strcmp(value, "silent") == 0);

	if (option->brief == 'C' || (option->brief == 0 && quiet)) {
		s->sort.check = 'C';
	} else if (option->brief == 'c' || value == NULL || strcmp(value, "diagnose-first") == 0) {
		s->sort.check = 'c';
	} else {
		ccp_usage_error(s, "--check is quiet, silent or diagnose-first, not '%s'", value);
		return -1;
	}
	return 0;
}
