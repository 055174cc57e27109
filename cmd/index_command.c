/* index_command.c: the command index: writes FILE.gzi beside gzip files that are there already, one after the other. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/index.h"
#include "cmd/signals.h"
#include "cmd/text.h"

/* "ccpipe: PATH: at byte N: TEXT -- skipped" */
static void print_line(const struct ccp_settings *s, const char *path, const struct ccp_err *err)
{
	fprintf(stderr, "%s: ", s->program);
	ccp_text_path(stderr, path);
	if (err->offset != CCP_NO_OFFSET)
		fprintf(stderr, ": at byte %llu", (unsigned long long)err->offset);
	fprintf(stderr, ": %s%s\n", err->text, ccp_code_refuses(err->code) ? " -- skipped" : "");
}

/* Returns the exit status of this file. */
static int make(const struct ccp_settings *s, const char *path)
{
	char index[PATH_MAX + sizeof CCP_INDEX_SUFFIX];
	struct ccp_err err;

	ccp_err_clear(&err);
	if (snprintf(index, sizeof index, "%s" CCP_INDEX_SUFFIX, path) >= (int)sizeof index)
		ccp_err_set(&err, CCP_E_NAME, "target path is too long");
	else
		ccp_index_file(path, index, s->force, false, &err);
	if (err.code == CCP_OK || err.code == CCP_E_CANCELLED)
		return CCP_EXIT_OK;
	if (ccp_err_is_error(&err) || !s->quiet)
		print_line(s, path, &err);
	return ccp_err_is_error(&err) ? CCP_EXIT_FAILED : CCP_EXIT_WARNING;
}

static int run(struct ccp_settings *s)
{
	int status = CCP_EXIT_OK;

	if (s->name_count == 0)
		return ccp_usage_error(s, "index: name the files");
	for (size_t i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i], "-") == 0)
			return ccp_usage_error(s, "index has no meaning with standard input");
	for (size_t i = 0; i < s->name_count && ccp_signals_caught() == 0; i++) {
		int now = make(s, s->names[i]);

		if (status == CCP_EXIT_OK || now == CCP_EXIT_FAILED)
			status = now;
	}
	return status;
}

const struct ccp_command ccp_command_index = {
	.name = "index",
	.help = "write the index for random access beside gzip files",
	.operands = " FILE...",
	.bit = CCP_FOR_INDEX,
	.run = run,
};
