/*
 * options_call.c: what the options of gzip, gunzip and cat do, and those that all commands share.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options_internal.h"
#include "cmd/range.h"
#include "pipeline/sink.h"

int ccp_option_list(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option, (void)value;
	s->list = s->decompress = s->to_stdout = 1;
	return 0;
}

int ccp_option_test(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option, (void)value;
	s->test = s->decompress = s->to_stdout = 1;
	return 0;
}

int ccp_option_quiet(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option, (void)value;
	s->quiet = 1;
	s->verbose = 0;
	return 0;
}

int ccp_option_verbose(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option, (void)value;
	s->quiet = 0;
	s->verbose++;
	return 0;
}

int ccp_option_no_name(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)value;
	s->drop_name = s->drop_time = option->value;
	return 0;
}

/* A digit right after the 1 of the same argument makes 10, 11 or 12; in the GNU persona the last digit counts. */
int ccp_option_digit(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	int digit = option->value;
	bool second = !s->gnu && value != NULL && s->last_digit_at != NULL && value == s->last_digit_at + 1 &&
		      s->last_digit == 1;

	if (second && digit <= 2) {
		digit += 10;
	} else if (digit == 0) {
		s->nul_separated = 1; /* -0 */
		return 0;
	}
	s->level = digit;
	s->last_digit = digit;
	s->last_digit_at = value;
	return 0;
}

int ccp_option_sum(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_err err;

	if (ccp_digest_set_add(&s->sums, value, &err) != 0) {
		ccp_usage_error(s, "--%s: %s", option->name, err.text);
		return -1;
	}
	for (size_t i = 0; i < s->sums.count; i++) {
		if (!s->sums.item[i].ops->decimal)
			continue;
		ccp_usage_error(s, "--%s: %s has no lines with a tag; crc32 has", option->name,
				s->sums.item[i].ops->name);
		return -1;
	}
	return 0;
}

static int parse_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	*number = strtoul(text, &end, 10);
	return *end == '\0' && *number <= max ? 0 : -1;
}

static int bad_value(struct ccp_settings *s, const struct ccp_option *option, const char *value, const char *wanted)
{
	ccp_usage_error(s, "--%s: '%s' is not %s", option->name, value, wanted);
	return -1;
}

int ccp_option_level(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned long number;

	if (parse_number(value, 12, &number) != 0 || number == 0)
		return bad_value(s, option, value, "a level from 1 to 12");
	s->level = (int)number;
	return 0;
}

int ccp_option_count(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	unsigned long number;

	if (parse_number(value, 1000000, &number) != 0 || number == 0)
		return bad_value(s, option, value, "a number from 1 to 1000000");
	*ccp_option_int(s, option) = (int)number;
	return 0;
}

int ccp_option_chunk(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_size_parse(value, &s->chunk_bytes) != 0 || s->chunk_bytes == 0)
		return bad_value(s, option, value, "a size like 512K or 1M");
	return 0;
}

int ccp_option_range(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_range_parse_bytes(value, &s->range) != 0)
		return bad_value(s, option, value, "OFFSET:LEN or OFFSET:, two sizes like 1000 or 1M");
	s->by_range = true;
	return 0;
}

int ccp_option_lines(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_range_parse_lines(value, &s->range) != 0)
		return bad_value(s, option, value, "A:B, A: or A, numbers from 1, and B not before A");
	s->by_lines = true;
	return 0;
}

/* As pigz counts: a plain number is in KiB. */
int ccp_option_blocksize(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	bool plain = value[strspn(value, "0123456789")] == '\0';

	if (ccp_size_parse(value, &s->chunk_bytes) != 0 || s->chunk_bytes == 0 || s->chunk_bytes > SIZE_MAX >> 10)
		return bad_value(s, option, value, "a number of KiB, or a size like 512K or 1M");
	if (plain)
		s->chunk_bytes <<= 10;
	return 0;
}

static int choose(struct ccp_settings *s, const struct ccp_option *option, const char *value,
		  const char *const *words, const char *wanted)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], value) == 0) {
			*ccp_option_int(s, option) = i;
			return 0;
		}
	}
	return bad_value(s, option, value, wanted);
}

int ccp_option_fsync(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	static const char *const words[] = { "auto", "always", "never", NULL }; /* enum ccp_fsync */

	return choose(s, option, value, words, "auto, always or never");
}

int ccp_option_progress(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	static const char *const words[] = { "auto", "none", "plain", "json", NULL }; /* enum ccp_progress_kind */

	return choose(s, option, value, words, "auto, plain, json or none");
}

int ccp_option_profile(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	char why[160];

	(void)option;
	s->profiled = true;
	if (ccp_profile_parse(&s->profile, value, why, sizeof why) == 0)
		return 0;
	ccp_usage_error(s, "--profile: %s", why);
	return -1;
}

int ccp_option_dry_run(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (strcmp(value, "plan") != 0)
		return bad_value(s, option, value, "plan, the only dry run there is");
	s->explain = 1;
	return 0;
}

int ccp_option_inject(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_err err;

	s->injects = true;
	if (ccp_inject_parse(&s->inject, value, &err) == 0)
		return 0;
	(void)option;
	ccp_usage_error(s, "%s", err.text);
	return -1;
}

int ccp_option_export(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	static const char *const kinds[] = { "json:", "md:", "csv:", "html:", NULL };

	if (s->export_count == CCP_EXPORTS) {
		ccp_usage_error(s, "--%s: more than %d files", option->name, CCP_EXPORTS);
		return -1;
	}
	for (size_t i = 0; kinds[i] != NULL; i++) {
		size_t len = strlen(kinds[i]);

		if (strncmp(value, kinds[i], len) != 0 || value[len] == '\0')
			continue;
		s->exports[s->export_count++] = value;
		return 0;
	}
	return bad_value(s, option, value, "json:FILE, md:FILE, csv:FILE or html:FILE");
}

/* Options of GNU gzip that name what is not there. */
int ccp_option_refuse(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (option->value == 'b') {
		/* a leftover of LZW: GNU gzip, too, reads the number and forgets it */
		if (value[strspn(value, "0123456789")] == '\0')
			return 0;
		fprintf(stderr, "%s: -b operand is not an integer\n", s->program);
	} else {
		fprintf(stderr, "%s: -Z not supported in this version\n", s->program);
	}
	ccp_usage_hint(s);
	return -1;
}
