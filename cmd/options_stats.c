/* options_stats.c: what the options of stats do. */
#include "cmd/options_internal.h"

int ccp_option_stats_separator(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	s->stats.separated = true;
	s->stats.separator = value[0];
	if (value[0] == '\\' && (value[1] == 't' || value[1] == '0') && value[2] == '\0')
		s->stats.separator = value[1] == 't' ? '\t' : '\0';
	else if (value[0] == '\0' || value[1] != '\0' || value[0] == '\n' || value[0] == '"')
		return ccp_usage_error(s, "-t: '%s' is not one byte, \\t or \\0", value), -1;
	return 0;
}
