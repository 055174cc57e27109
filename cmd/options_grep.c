/* options_grep.c: what the options of grep do. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options_internal.h"

/* Appends patterns and a newline. Returns 0, or -1 after a message. */
static int add(struct ccp_settings *s, const char *text, size_t len)
{
	struct ccp_grep_settings *g = &s->grep;
	char *grown = realloc(g->patterns, g->patterns_len + len + 1);

	if (grown == NULL) {
		fprintf(stderr, "%s: no memory for the patterns\n", s->program);
		return -1;
	}
	memcpy(grown + g->patterns_len, text, len);
	grown[g->patterns_len + len] = '\n';
	g->patterns = grown;
	g->patterns_len += len + 1;
	return 0;
}

int ccp_option_grep_pattern(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	s->grep.said = true;
	return add(s, value, strlen(value));
}

/* A newline at the end of the file ends the last pattern; an empty file has none. */
int ccp_option_grep_file(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	FILE *file = strcmp(value, "-") == 0 ? stdin : fopen(value, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int result = 0, error;

	(void)option;
	s->grep.said = true;
	errno = 0;
	while (file != NULL && result == 0 && (len = getdelim(&line, &room, '\n', file)) > 0)
		result = add(s, line, (size_t)len - (line[len - 1] == '\n'));
	error = errno;
	if (file == NULL || ferror(file)) {
		fprintf(stderr, "%s: %s: %s\n", s->program, value, strerror(error));
		result = -1;
	}
	if (file != NULL && file != stdin)
		fclose(file);
	free(line);
	return result;
}

/* -m, -A, -B, -C. A number that is too large is as good as the largest. */
int ccp_option_grep_number(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	uint64_t number = 0;
	const char *at = value;

	for (; isdigit((unsigned char)*at); at++)
		number = number > UINT64_MAX / 16 ? UINT64_MAX / 2 : 10 * number + (uint64_t)(*at - '0');
	if (*at != '\0' || at == value) {
		fprintf(stderr, "%s: %s: invalid %s\n", s->program, value,
			option->brief == 'm' ? "max count" : "context length argument");
		return -1;
	}
	*(uint64_t *)(void *)((char *)s + option->field) = number;
	*(option->brief == 'm' ? &s->grep.has_max : option->brief == 'A' ? &s->grep.has_after :
	  option->brief == 'B' ? &s->grep.has_before : &s->grep.has_around) = true;
	return 0;
}

/* -NUM: digits that stand together are one number. */
int ccp_option_grep_digit(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	bool goes_on = s->last_digit_at != NULL && value == s->last_digit_at + 1;

	if (!goes_on)
		s->grep.around = 0;
	if (s->grep.around < UINT64_MAX / 16)
		s->grep.around = 10 * s->grep.around + (uint64_t)option->value;
	s->grep.has_around = true;
	s->last_digit_at = value;
	return 0;
}

int ccp_option_grep_binary(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	s->grep.binary = strcmp(value, "binary") == 0 ? 'b' : strcmp(value, "text") == 0 ? 't' :
			 strcmp(value, "without-match") == 0 ? 'w' : 0;
	if (s->grep.binary != 0)
		return 0;
	fprintf(stderr, "%s: %s: unknown binary-files type\n", s->program, value);
	return -1;
}

int ccp_option_grep_color(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)option;
	if (value == NULL || strcmp(value, "auto") == 0 || strcmp(value, "tty") == 0 || strcmp(value, "if-tty") == 0)
		s->grep.color = 't';
	else if (strcmp(value, "always") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "force") == 0)
		s->grep.color = 'a';
	else if (strcmp(value, "never") == 0 || strcmp(value, "no") == 0 || strcmp(value, "none") == 0)
		s->grep.color = 'n';
	else
		return ccp_usage_error(s, "--color: '%s' is not always, never or auto", value), -1;
	return 0;
}
