/* options_net.c: what the options for inputs from the network do. Seconds and counts are whole numbers. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options_internal.h"

/* A number from `least` to `most`. Returns 0, or -1 after a message. */
static int number_of(struct ccp_settings *s, const struct ccp_option *option, const char *value, unsigned long least,
		     unsigned long most, unsigned *number)
{
	unsigned long parsed;
	char *end;

	parsed = strtoul(value, &end, 10);
	if (isdigit((unsigned char)value[0]) && *end == '\0' && parsed >= least && parsed <= most) {
		*number = (unsigned)parsed;
		return 0;
	}
	ccp_usage_error(s, "--%s: '%s' is not a number from %lu to %lu", option->name, value, least, most);
	return -1;
}

int ccp_option_net_depth(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	return number_of(s, option, value, 1, CCP_FETCH_DEPTH_MOST, &s->fetch.depth);
}

int ccp_option_net_per_host(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	return number_of(s, option, value, 1, CCP_FETCH_DEPTH_MOST, &s->fetch.per_host);
}

int ccp_option_net_retries(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned retries;

	if (number_of(s, option, value, 0, 1000, &retries) != 0)
		return -1;
	s->fetch.tries = 1 + retries;
	return 0;
}

int ccp_option_net_connect(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	return number_of(s, option, value, 1, 86400, &s->fetch.connect_s);
}

int ccp_option_net_stall(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	return number_of(s, option, value, 1, 86400, &s->fetch.stall_s);
}

int ccp_option_net_rate(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_size_parse(value, &s->fetch.limit_bytes) == 0 && s->fetch.limit_bytes > 0)
		return 0;
	ccp_usage_error(s, "--%s: '%s' is not a size like 512K or 10M", option->name, value);
	return -1;
}

int ccp_option_net_ranges(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	return number_of(s, option, value, 1, CCP_FETCH_RANGES_MOST, &s->fetch.ranges);
}

int ccp_option_net_netrc(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	(void)value;
	s->fetch.netrc = true;
	return 0;
}
