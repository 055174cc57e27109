/*
 * profile.c: what --profile asked for, and doing it.
 */
#include "cmd/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/text.h"
#include "cmd/whole.h"

static int refuse(char *why, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Always returns -1. */
static int refuse(char *why, size_t room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, room, format, args);
	va_end(args);
	return -1;
}

/* One kind of a list, `len` bytes long. */
static int parse_kind(struct ccp_profile_request *request, const char *text, size_t len, char *why, size_t room)
{
	const char *colon = memchr(text, ':', len);
	size_t kind = colon != NULL ? (size_t)(colon - text) : len;
	const struct {
		const char *name;
		const char **file;
		bool *flag;
	} kinds[] = { { "table", NULL, &request->table }, { "short", NULL, &request->brief },
		      { "json", &request->json, NULL },   { "trace", &request->trace, NULL },
		      { "html", &request->html, NULL } };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const char *file = text + kind + 1;
		size_t file_len = colon != NULL ? len - kind - 1 : 0;
		char *copy;

		if (strlen(kinds[i].name) != kind || memcmp(text, kinds[i].name, kind) != 0)
			continue;
		if (kinds[i].flag != NULL) {
			if (colon != NULL)
				return refuse(why, room, "%s takes no file", kinds[i].name);
			*kinds[i].flag = true;
			return 0;
		}
		if (file_len == 0)
			return refuse(why, room, "%s needs a file: %s:FILE", kinds[i].name, kinds[i].name);
		if (file_len == 1 && file[0] == '-')
			return refuse(why, room, "%s needs a file, not -: standard output is for data", kinds[i].name);
		copy = strndup(file, file_len);
		if (copy == NULL)
			return refuse(why, room, "%s", strerror(ENOMEM));
		free((void *)*kinds[i].file);
		*kinds[i].file = copy;
		return 0;
	}
	return refuse(why, room, "unknown report '%.*s'; there are: table, short, json:FILE, trace:FILE, html:FILE",
		      (int)(kind < 40 ? kind : 40), text);
}

static bool is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

int ccp_profile_parse(struct ccp_profile_request *request, const char *text, char *why, size_t room)
{
	if (text == NULL || text[0] == '\0') {
		request->table = true;
		return 0;
	}
	for (;;) {
		size_t len = strcspn(text, ",");

		if (parse_kind(request, text, len, why, room) != 0)
			return -1;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	if (is_same(request->json, request->trace) || is_same(request->json, request->html) ||
	    is_same(request->trace, request->html))
		return refuse(why, room, "two reports in one file");
	return 0;
}

void ccp_profile_request_release(struct ccp_profile_request *request)
{
	free((void *)request->json);
	free((void *)request->trace);
	free((void *)request->html);
	*request = (struct ccp_profile_request){ 0 };
}

/* A report that goes into a file. */
struct report {
	const struct ccp_profile *profile;
	int (*write)(FILE *out, const struct ccp_profile *profile);
};

static int print_report(FILE *out, const void *arg)
{
	const struct report *report = arg;

	return report->write(out, report->profile);
}

static int report_file(const char *file, unsigned run, const struct report *report, const char *program)
{
	char *name;
	int error;

	if ((run > 0 ? asprintf(&name, "%s.%u", file, run + 1) : asprintf(&name, "%s", file)) < 0) {
		fprintf(stderr, "%s: --profile: %s\n", program, strerror(ENOMEM));
		return -1;
	}
	error = ccp_whole_write(name, print_report, report);
	if (error != 0) {
		fprintf(stderr, "%s: --profile: ", program);
		ccp_text_path(stderr, name);
		fprintf(stderr, ": %s\n", strerror(error));
	}
	free(name);
	return error != 0 ? -1 : 0;
}

static bool has_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL && !(term != NULL && strcmp(term, "dumb") == 0);
}

int ccp_profile_report(const struct ccp_profile *profile, const struct ccp_profile_request *request, unsigned run,
		       const char *program)
{
	const struct {
		const char *file;
		struct report report;
	} files[] = { { request->json, { profile, ccp_profile_write_json } },
		      { request->trace, { profile, ccp_profile_write_trace } },
		      { request->html, { profile, ccp_profile_write_html } } };
	int result = 0;

	if (request->table || request->brief)
		ccp_profile_table(stderr, profile, program, !request->table, has_colour());
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (files[i].file != NULL && report_file(files[i].file, run, &files[i].report, program) != 0)
			result = -1;
	return result;
}
