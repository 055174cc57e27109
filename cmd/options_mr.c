/* options_mr.c: what the options of mr do. */
#include <ctype.h>
#include <stdlib.h>

#include "cmd/options_internal.h"
#include "pipeline/mr/key.h"

int ccp_option_mr_reducers(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	char *end = NULL;
	unsigned long number = isdigit((unsigned char)value[0]) ? strtoul(value, &end, 10) : 0;

	if (end == NULL || *end != '\0' || number >= CCP_MR_PARTS_MOST) {
		ccp_usage_error(s, "--%s: '%s' is not a number from 0 to %u", option->name, value,
				CCP_MR_PARTS_MOST - 1);
		return -1;
	}
	s->mr.reducers = (unsigned)number;
	s->mr.has_reducers = true;
	return 0;
}

int ccp_option_mr_split(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_size_parse(value, &s->mr.split_bytes) == 0 && s->mr.split_bytes > 0)
		return 0;
	ccp_usage_error(s, "--%s: '%s' is not a size like 512K or 16M", option->name, value);
	return -1;
}

int ccp_option_mr_key(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_err err;

	(void)option;
	if (s->mr.order.key_count == CCP_SORT_KEYS - 1) {
		ccp_usage_error(s, "--sort-key: there are too many of them");
		return -1;
	}
	if (ccp_sort_order_add(&s->mr.order, value, &err) == 0)
		return 0;
	ccp_usage_error(s, "--sort-key: %s", err.text);
	return -1;
}
