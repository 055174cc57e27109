/* options_run.c: what the options of run and map do. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options_internal.h"
#include "pipeline/command/crew.h"

static int wrong(struct ccp_settings *s, const struct ccp_option *option, const char *value, const char *wanted)
{
	ccp_usage_error(s, "--%s: '%s' is not %s", option->name, value, wanted);
	return -1;
}

/* A number of at least `least`, at the beginning of `text`; what follows it, or NULL. */
static const char *number_of(const char *text, unsigned long least, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return NULL;
	*number = strtoul(text, &end, 10);
	return *number >= least && *number <= 1000000000 ? end : NULL;
}

int ccp_option_run_timeout(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	static const char units[] = "smhd";
	static const double seconds[] = { 1, 60, 3600, 86400 };
	char *end = NULL;
	double number = isdigit((unsigned char)value[0]) || value[0] == '.' ? strtod(value, &end) : 0;

	if (end != NULL && *end != '\0' && end[1] == '\0' && strchr(units, *end) != NULL) {
		number *= seconds[strchr(units, *end) - units];
		end++;
	}
	if (end == NULL || *end != '\0' || !(number > 0) || number > 1e9)
		return wrong(s, option, value, "a time (seconds, or with s, m, h or d)");
	s->run.timeout_ns = (uint64_t)(number * 1e9) + 1;
	return 0;
}

int ccp_option_run_retries(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned long number;
	const char *end = number_of(value, 0, &number);

	if (end == NULL || *end != '\0')
		return wrong(s, option, value, "a number of tries after the first");
	s->run.retries = (int)number;
	return 0;
}

int ccp_option_run_halt(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	static const char soon[] = "soon,fail=", now[] = "now,fail=";
	const char *end = NULL;
	unsigned long number = 0;

	s->run.halt = CCP_CREW_GO_ON;
	if (strcmp(value, "never") == 0)
		return 0;
	if (strncmp(value, soon, sizeof soon - 1) == 0) {
		s->run.halt = CCP_CREW_SOON;
		end = number_of(value + sizeof soon - 1, 1, &number);
	} else if (strncmp(value, now, sizeof now - 1) == 0) {
		s->run.halt = CCP_CREW_NOW;
		end = number_of(value + sizeof now - 1, 1, &number);
	}
	if (end == NULL || *end != '\0')
		return wrong(s, option, value, "never, soon,fail=N or now,fail=N");
	s->run.halt_failures = (int)number;
	return 0;
}

int ccp_option_map_by(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned long number = 0;
	const char *end = number_of(value, 1, &number);

	if (strcmp(value, "line") == 0 || strcmp(value, "file") == 0) {
		s->run.by = value[0];
		s->run.by_count = 1;
	} else if (end != NULL && (strcmp(end, "-lines") == 0 || strcmp(end, "-line") == 0)) {
		s->run.by = 'l';
		s->run.by_count = number;
	} else if (ccp_size_parse(value, &s->run.by_count) == 0 && s->run.by_count > 0) {
		s->run.by = 's';
	} else {
		return wrong(s, option, value, "line, N-lines, a SIZE or file");
	}
	return 0;
}
