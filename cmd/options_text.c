/* options_text.c: what the options of commands do that look at text. */
#include "cmd/options_internal.h"

int ccp_option_wc(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)value;
	s->wc |= (unsigned)option->value;
	return 0;
}

int ccp_option_files0(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	s->files_from = value;
	s->nul_separated = 1;
	return 0;
}
