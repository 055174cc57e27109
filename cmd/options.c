/*
 * options.c: reads the command line by the table of options_table.c, in the manner of getopt_long and with its words.
 *
 * Not getopt_long itself, because its tables would be copies of ours, and because -11 has to be eleven for one persona
 * and twice 1 for the other.
 */
#include "cmd/options_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void ccp_settings_init(struct ccp_settings *s, const char *program, const char *command, unsigned bit)
{
	*s = (struct ccp_settings){
		.program = program,
		.command = command,
		.bit = bit,
		.gnu = (bit & (CCP_FOR_GNU | CCP_FOR_SUM_PERSONA)) != 0,
		.drop_name = -1,
		.drop_time = -1,
		.suffix = ".gz",
		.sum.binary = -1,
		.grep.with_name = -1,
	};
	s->plan.jobs = getenv("CCPIPE_JOBS");
	s->plan.strategy = getenv("CCPIPE_STRATEGY");
	s->plan.max_mem = getenv("CCPIPE_MAX_MEM");
}

void ccp_settings_release(struct ccp_settings *s)
{
	free(s->names);
	s->names = NULL;
	free(s->grep.patterns);
	s->grep.patterns = NULL;
	ccp_profile_request_release(&s->profile);
}

int ccp_usage_hint(const struct ccp_settings *s)
{
	if (s->gnu) {
		fprintf(stderr, s->bit == CCP_FOR_GNU ? "Try `%s --help' for more information.\n"
						      : "Try '%s --help' for more information.\n", s->program);
		return CCP_EXIT_FAILED;
	}
	fprintf(stderr, "Try '%s %s --help' for more information.\n", s->program, s->command);
	return CCP_EXIT_USAGE;
}

int ccp_usage_error(const struct ccp_settings *s, const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(stderr, "%s: %s\n", s->program, text);
	return ccp_usage_hint(s);
}

int ccp_settings_refuse_names(const struct ccp_settings *s, const char *null)
{
	if (s->nul_separated && s->files_from == NULL)
		return ccp_usage_error(s, "%s has no meaning without --files-from", null);
	if (ccp_settings_choose_names(s) && !s->recursive)
		return ccp_usage_error(s, "--include, --exclude and --max-depth have no meaning without -r");
	return 0;
}

static int apply(struct ccp_settings *s, const struct ccp_option *row, const char *value)
{
	switch (row->kind) {
	case CCP_OPTION_SET:
		*ccp_option_int(s, row) = row->value;
		return 0;
	case CCP_OPTION_TEXT:
		*(const char **)(void *)((char *)s + row->field) = value;
		return 0;
	case CCP_OPTION_CALL:
	case CCP_OPTION_MAYBE:
		return row->call(s, row, value);
	case CCP_OPTION_HEADING:
	case CCP_OPTION_NOTHING:
		break;
	}
	return 0;
}

static bool same_meaning(const struct ccp_option *a, const struct ccp_option *b)
{
	return a->kind == b->kind && a->field == b->field && a->value == b->value && a->call == b->call &&
	       (a->argument != NULL) == (b->argument != NULL);
}

/* Options for tests: they have to be spelt out. */
static bool is_hidden(const struct ccp_option *row)
{
	return row->help == NULL && row->kind != CCP_OPTION_NOTHING && !(row->commands & CCP_FOR_GNU);
}

/* The row of a long option or of an abbreviation that is not ambiguous; NULL after a message. */
static const struct ccp_option *find_long(struct ccp_settings *s, const char *text, size_t len)
{
	const struct ccp_option *found = NULL;
	bool ambiguous = false;

	for (const struct ccp_option *row = ccp_options; row->commands != 0; row++) {
		if (!(row->commands & s->bit) || row->name == NULL || strncmp(row->name, text, len) != 0)
			continue;
		if (row->name[len] == '\0')
			return row;
		if (is_hidden(row))
			continue;
		if (found == NULL)
			found = row;
		else if (!same_meaning(found, row))
			ambiguous = true;
	}
	if (found == NULL) {
		fprintf(stderr, "%s: unrecognized option '--%s'\n", s->program, text);
	} else if (ambiguous) {
		fprintf(stderr, "%s: option '--%s' is ambiguous; possibilities:", s->program, text);
		for (const struct ccp_option *row = ccp_options; row->commands != 0; row++)
			if ((row->commands & s->bit) && row->name != NULL && strncmp(row->name, text, len) == 0 &&
			    !is_hidden(row) && (row == found || !same_meaning(found, row)))
				fprintf(stderr, " '--%s'", row->name);
		fprintf(stderr, "\n");
	} else {
		return found;
	}
	ccp_usage_hint(s);
	return NULL;
}

static int parse_long(struct ccp_settings *s, const char *text, char **argv, int *i)
{
	size_t len = strcspn(text, "=");
	const struct ccp_option *row = find_long(s, text, len);
	const char *value = NULL;

	if (row == NULL)
		return -1;
	if (text[len] == '=') {
		value = text + len + 1;
		if (row->argument == NULL) {
			fprintf(stderr, "%s: option '--%s' doesn't allow an argument\n", s->program, row->name);
			ccp_usage_hint(s);
			return -1;
		}
	} else if (row->argument != NULL && row->kind != CCP_OPTION_MAYBE) {
		value = argv[++*i];
		if (value == NULL) {
			fprintf(stderr, "%s: option '--%s' requires an argument\n", s->program, row->name);
			ccp_usage_hint(s);
			return -1;
		}
	}
	return apply(s, row, value);
}

static const struct ccp_option *find_brief(const struct ccp_settings *s, char brief)
{
	for (const struct ccp_option *row = ccp_options; row->commands != 0; row++)
		if ((row->commands & s->bit) && row->brief == brief && brief != '\0')
			return row;
	return NULL;
}

/* One argument of short options: "-9vS.gz". */
static int parse_brief(struct ccp_settings *s, const char *text, char **argv, int *i)
{
	for (; *text != '\0' && s->act == CCP_ACT_RUN; text++) {
		const struct ccp_option *row = find_brief(s, *text);

		if (row == NULL) {
			fprintf(stderr, "%s: invalid option -- '%c'\n", s->program, *text);
			ccp_usage_hint(s);
			return -1;
		}
		if (row->argument == NULL) {
			if (apply(s, row, text) != 0)
				return -1;
			continue;
		}
		if (text[1] != '\0')
			return apply(s, row, text + 1);
		if (argv[++*i] == NULL) {
			fprintf(stderr, "%s: option requires an argument -- '%c'\n", s->program, *text);
			ccp_usage_hint(s);
			return -1;
		}
		return apply(s, row, argv[*i]);
	}
	return 0;
}

int ccp_options_parse(struct ccp_settings *s, int argc, char **argv)
{
	/* what comes behind the name of a program is the program's */
	bool posix = getenv("POSIXLY_CORRECT") != NULL || (s->bit & (CCP_FOR_RUN | CCP_FOR_MAP)), options = true;

	s->names = calloc((size_t)argc + 1, sizeof *s->names);
	if (s->names == NULL) {
		fprintf(stderr, "%s: out of memory\n", s->program);
		exit(1); /* -1 would blame the command line */
	}
	for (int i = 1; i < argc && s->act == CCP_ACT_RUN; i++) {
		const char *text = argv[i];

		if (!options || text[0] != '-' || text[1] == '\0') {
			s->names[s->name_count++] = argv[i];
			if (posix)
				options = false;
		} else if (strcmp(text, "--") == 0) {
			options = false;
		} else if (text[1] == '-') {
			if (parse_long(s, text + 2, argv, &i) != 0)
				return -1;
		} else if (parse_brief(s, text + 1, argv, &i) != 0) {
			return -1;
		}
	}
	return 0;
}

void ccp_options_help(FILE *out, unsigned bit)
{
	for (const struct ccp_option *row = ccp_options; row->commands != 0; row++) {
		char left[64];
		int len;

		if (!(row->commands & bit) || row->help == NULL)
			continue;
		if (row->kind == CCP_OPTION_HEADING) {
			fprintf(out, "\n%s:\n", row->help);
			continue;
		}
		len = snprintf(left, sizeof left, row->brief != '\0' ? "-%c, " : "    ", row->brief);
		snprintf(left + len, sizeof left - (size_t)len, "--%s%s%s%s", row->name,
			 row->argument == NULL ? "" : row->kind == CCP_OPTION_MAYBE ? "[=" : "=",
			 row->argument != NULL ? row->argument : "", row->kind == CCP_OPTION_MAYBE ? "]" : "");
		fprintf(out, "  %-*s %s\n", bit == CCP_FOR_GNU ? 17 : 22, left, row->help);
	}
}
