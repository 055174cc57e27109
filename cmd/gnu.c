/*
 * gnu.c: GNU gzip's words, taken down from gzip 1.12 case by case; tests/cli/gnu compares them with the real
 * one. A message about damaged data begins with an empty line there, because it may come after "name:<tab>" of -v.
 */
#include "cmd/gnu.h"

#include <stdio.h>
#include <string.h>

static const char *path_of(const struct ccp_input *input)
{
	return input->is_stdin ? "stdin" : input->path;
}

/* Header and trailer, which GNU gzip leaves out of its ratios; the source itself may be gone by now. */
static double overhead(const struct ccp_report *report, const struct ccp_input *input)
{
	struct ccp_member member;
	const char *slash = strrchr(input->path, '/');
	size_t name = input->is_stdin ? 0 : strlen(slash != NULL ? slash + 1 : input->path);

	if (report->settings->decompress) {
		ccp_member_read(input, &member);
		return (double)member.header_bytes;
	}
	return 18 + (report->run->transform_options.store_name && name > 0 ? (double)name + 1 : 0);
}

void ccp_gnu_verbose(const struct ccp_report *report, const struct ccp_result *result, const char *between)
{
	const struct ccp_settings *s = report->settings;
	const struct ccp_input *input = result->input;
	double in = (double)input->bytes_in, out = (double)input->bytes_out, rest;
	char target[PATH_MAX];

	if (s->list || (input->is_stdin && s->decompress && !s->test))
		return;
	if (!input->is_stdin)
		fprintf(stderr, "%s:\t%s", input->path, between);
	if (s->test) {
		fputs(" OK\n", stderr);
		return;
	}
	/* GNU gzip has forgotten about the header once it has met garbage */
	rest = result->err.code == CCP_W_TRAILING ? 0 : overhead(report, input);
	if (s->decompress)
		ccp_listing_ratio(stderr, out - (in - rest), out);
	else
		ccp_listing_ratio(stderr, in - (out - rest), in);
	if (!input->is_stdin && (report->to_file || s->gnu))
		fprintf(stderr, " -- %s %s", report->run->sink_options.remove_source || (s->gnu && !s->keep)
							 ? "replaced with" : "created",
			report->to_file ? ccp_report_target(report, input, target) : "stdout");
	fputc('\n', stderr);
}

/* Whether -v has already put "name:<tab>" on the line when an error in the data comes. */
static bool name_was_printed(const struct ccp_settings *s, const struct ccp_result *result)
{
	if (!s->verbose || s->list || result->input->is_stdin)
		return false;
	if (result->err.code == CCP_E_TRUNCATED)
		return result->input->bytes_in >= 10;
	return result->err.code == CCP_E_FORMAT || result->err.code == CCP_E_CRC || result->err.code == CCP_E_LENGTH;
}

/* Names that are refused: the words, and whether -q suppresses them. */
static void refusal(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_settings *s = report->settings;
	const char *path = path_of(result->input), *text = result->err.text;

	if (s->quiet)
		return;
	switch (result->err.code) {
	case CCP_W_DIRECTORY:
		fprintf(stderr, "%s: %s is a directory -- ignored\n", s->program, path);
		break;
	case CCP_W_SPECIAL:
		fprintf(stderr, "%s: %s is not a directory or a regular file - ignored\n", s->program, path);
		break;
	case CCP_W_SETID:
		fprintf(stderr, "%s: %s %s - %signored\n", s->program, path, text,
			strstr(text, "sticky") != NULL ? "file " : "");
		break;
	case CCP_W_LINKS:
		fprintf(stderr, "%s: %s %s -- file ignored\n", s->program, path, text);
		break;
	default:
		fprintf(stderr, "%s: %s: %s\n", s->program, path, text);
		break;
	}
}

/* The suffixes: with -r they go without saying, and what is compressed already is no reason for a status. */
static int suffix(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_settings *s = report->settings;
	bool has = result->err.code == CCP_W_HAS_SUFFIX;

	if (!s->verbose && (s->recursive || s->quiet))
		return CCP_EXIT_OK;
	if (has)
		fprintf(stderr, "%s: %s %s -- unchanged\n", s->program, result->input->path, result->err.text);
	else
		fprintf(stderr, "%s: %s: unknown suffix -- ignored\n", s->program, result->input->path);
	return has ? CCP_EXIT_OK : CCP_EXIT_WARNING;
}

static int warning(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_settings *s = report->settings;
	char target[PATH_MAX], between[PATH_MAX + CCP_ERR_TEXT];

	switch (result->err.code) {
	case CCP_W_HAS_SUFFIX:
	case CCP_W_NO_SUFFIX:
		return suffix(report, result);
	case CCP_W_EXISTS:
		fprintf(stderr, "%s: %s already exists;\tnot overwritten\n", s->program,
			ccp_report_target(report, result->input, target));
		return CCP_EXIT_WARNING;
	case CCP_W_TRAILING:
		between[0] = '\0';
		if (!s->quiet)
			snprintf(between, sizeof between, "\n%s: %s: decompression OK, trailing garbage ignored\n",
				 s->program, path_of(result->input));
		if (s->verbose)
			ccp_gnu_verbose(report, result, between);
		if (!s->verbose || (result->input->is_stdin || s->list))
			fputs(between, stderr);
		return CCP_EXIT_WARNING;
	default:
		refusal(report, result);
		if (s->verbose && result->outcome == CCP_DONE)
			ccp_gnu_verbose(report, result, "");
		return CCP_EXIT_WARNING;
	}
}

static void error(const struct ccp_report *report, const struct ccp_result *result)
{
	const struct ccp_settings *s = report->settings;
	const struct ccp_err *err = &result->err;
	const char *path = path_of(result->input), *text = err->text, *blank = "\n";
	char target[PATH_MAX];

	if (name_was_printed(s, result))
		fprintf(stderr, "%s:\t", path);
	switch (err->code) {
	case CCP_E_SYMLINK:
		blank = "";
		text = "Too many levels of symbolic links";
		break;
	case CCP_E_FORMAT:
		text = "invalid compressed data--format violated";
		break;
	case CCP_E_NOT_GZIP:
	case CCP_E_TRUNCATED:
	case CCP_E_CRC:
	case CCP_E_LENGTH:
		break;
	case CCP_E_SYS:
		blank = "";
		/* a text with more than the reason in it is about the output */
		if (strcmp(text, strerrordesc_np(err->sys)) != 0) {
			path = ccp_report_target(report, result->input, target);
			text = strerrordesc_np(err->sys);
		}
		break;
	default:
		blank = "";
		break;
	}
	/* perror leaves an empty name out */
	fprintf(stderr, "%s%s: %s%s%s\n", blank, s->program, path, path[0] != '\0' ? ": " : "", text);
}

int ccp_gnu_result(const struct ccp_report *report, const struct ccp_result *result)
{
	if (result->err.code == CCP_OK) {
		if (report->settings->verbose && result->outcome == CCP_DONE)
			ccp_gnu_verbose(report, result, "");
		return CCP_EXIT_OK;
	}
	if (!ccp_err_is_error(&result->err))
		return warning(report, result);
	error(report, result);
	return CCP_EXIT_FAILED;
}
