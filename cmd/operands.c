/*
 * operands.c: what GNU gzip does with a name before it opens a file: "gunzip a" finds a.gz, and where a target exists
 * it asks. All questions are asked before the first run, so that answers never wait for work.
 */
#include "cmd/operands.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/text.h"

static bool missing(const char *name)
{
	struct stat st;

	return lstat(name, &st) != 0 && errno == ENOENT;
}

static bool has_known_suffix(const char *name, const char *user)
{
	const char *const suffixes[] = { user, ".gz", ".z", ".taz", ".tgz", "-gz", "-z", "_z" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		size_t n = strlen(suffixes[i]);

		if (n > 0 && len > n && name[len - n - 1] != '/' && strcasecmp(name + len - n, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* "gunzip a" where there is only a.gz. GNU gzip complains about the name with the first suffix if none is there. */
static int find_suffixed(struct ccp_operand *operand, const struct ccp_settings *s)
{
	const char *const suffixes[] = { s->suffix, ".gz", ".z", "-z", ".Z" };
	char *first = NULL;

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		char *name;

		if (asprintf(&name, "%s%s", operand->name, suffixes[i]) < 0) {
			free(first);
			return -1;
		}
		if (!missing(name)) {
			free(first);
			operand->name = name;
			operand->owned = true;
			return 0;
		}
		if (first == NULL)
			first = name;
		else
			free(name);
	}
	if (s->gnu) {
		operand->name = first;
		operand->owned = true;
	} else {
		free(first);
	}
	return 0;
}

/* A line from standard input: whether it says yes. */
static bool said_yes(void)
{
	int c, first = getchar();

	for (c = first; c != '\n' && c != EOF; c = getchar())
		;
	return first == 'y' || first == 'Y';
}

/* Whether `target` may be replaced; asks. */
static bool ask(const struct ccp_settings *s, const char *target)
{
	flockfile(stderr);
	fprintf(stderr, "%s: ", s->program);
	if (s->gnu)
		fputs(target, stderr);
	else
		ccp_text_path(stderr, target);
	fputs(" already exists; do you wish to overwrite (y or n)? ", stderr);
	funlockfile(stderr);
	if (said_yes())
		return true;
	fputs("\tnot overwritten\n", stderr);
	return false;
}

/* The target of a name that would be written, if it exists. */
static bool target_exists(const struct ccp_operand *operand, const struct ccp_sink_options *options, char *target)
{
	struct ccp_input *input = calloc(1, sizeof *input);
	struct ccp_err err;
	struct stat st;
	bool exists;

	if (input == NULL)
		return false;
	snprintf(input->path, sizeof input->path, "%s", operand->name);
	exists = lstat(operand->name, &st) == 0 && S_ISREG(st.st_mode) &&
		 ccp_target_name(options, input, target, &err) == 0 && lstat(target, &st) == 0;
	free(input);
	return exists;
}

int ccp_operands_init(struct ccp_operands *operands, struct ccp_report *report, bool to_file)
{
	const struct ccp_settings *s = report->settings;
	bool may_ask = to_file && !s->force && (s->presume_tty || isatty(STDIN_FILENO)) && ccp_signals_foreground() &&
		       (s->presume_tty || isatty(STDERR_FILENO));
	bool find = s->decompress && !s->passthrough;
	char target[PATH_MAX];

	operands->list = calloc(s->name_count + 1, sizeof *operands->list);
	operands->count = 0;
	if (operands->list == NULL)
		return -1;
	for (size_t i = 0; i < s->name_count; i++) {
		struct ccp_operand *operand = &operands->list[operands->count];

		*operand = (struct ccp_operand){ .name = s->names[i], .is_stdin = strcmp(s->names[i], "-") == 0 };
		operands->count++;
		if (operand->is_stdin)
			continue;
		if (find && operand->name[0] != '\0' && missing(operand->name) &&
		    !has_known_suffix(operand->name, s->suffix) && find_suffixed(operand, s) != 0)
			return -1;
		if (!may_ask || !target_exists(operand, &report->run->sink_options, target))
			continue;
		operand->force = ask(s, target);
		if (operand->force)
			continue;
		report->skipped++;
		ccp_report_raise(report, CCP_EXIT_WARNING);
		if (operand->owned)
			free(operand->name);
		operands->count--;
	}
	return 0;
}

void ccp_operands_release(struct ccp_operands *operands)
{
	for (size_t i = 0; i < operands->count; i++)
		if (operands->list[i].owned)
			free(operands->list[i].name);
	free(operands->list);
	operands->list = NULL;
}
