/*
 * template_shell.c: follows the quotes of a line for the shell, so that each place is known to stand in none, in '…' or
 * in "…", through any depth of $(…).
 *
 * It knows no more of the language than that takes, and where it loses its way (backquotes, here-documents, $'…',
 * words in ${…} that have quotes, `case` inside "$(…)") it says so as soon as a place for an argument follows. Numbers
 * may stand anywhere.
 *
 * Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.6 Word Expansions.
 */
#include <stdbool.h>
#include <string.h>

#include "pipeline/command/template_internal.h"

#define DEPTH 64

/* Where the reader is. `level` holds what is around it: '"' or '(' from the outside inwards. */
struct reader {
	const char *line, *at;
	const char *from; /* of the text that was read and not added */
	char level[DEPTH];
	unsigned depth;
	const char *lost; /* what is not understood; NULL: all is well */
};

static void push(struct reader *reader, char level)
{
	if (reader->depth == DEPTH)
		reader->lost = "so many levels of quotes";
	else
		reader->level[reader->depth++] = level;
}

static bool in_double(const struct reader *reader)
{
	return reader->depth > 0 && reader->level[reader->depth - 1] == '"';
}

/* Passes over ${…}, unless quoting in it may matter. `at` is behind the brace. */
static void pass_braces(struct reader *reader)
{
	size_t len = strcspn(reader->at, "}'\"\\$`{");

	if (reader->at[len] == '}')
		reader->at += len + 1;
	else
		reader->lost = "${...} with quotes or expansions in it";
}

/* What follows a $ outside of single quotes; `at` is behind it. */
static void pass_dollar(struct reader *reader)
{
	if (strncmp(reader->at, "((", 2) == 0) {
		reader->lost = "arithmetic";
	} else if (reader->at[0] == '(') {
		reader->at++;
		push(reader, '(');
	} else if (reader->at[0] == '{') {
		reader->at++;
		pass_braces(reader);
	} else if (reader->at[0] == '\'' && !in_double(reader)) {
		reader->lost = "$'...'";
	}
}

/* Whether a word can begin here. */
static bool at_word(const struct reader *reader)
{
	return reader->at == reader->line || strchr(" \t\n;&|()<>", reader->at[-1]) != NULL;
}

static bool has_double(const struct reader *reader)
{
	return memchr(reader->level, '"', reader->depth) != NULL;
}

/* One character outside of all quotes, or inside $(…). */
static void pass_bare(struct reader *reader)
{
	char c = *reader->at;

	if (c == 'c' && at_word(reader) && strncmp(reader->at, "case", 4) == 0 && has_double(reader))
		reader->lost = "case in \"$(...)\""; /* its ) would be taken for the end */
	if (c == '#' && at_word(reader)) {
		reader->lost = "a comment";
		return;
	}
	if (c == '<' && reader->at[1] == '<')
		reader->lost = "a here-document";
	reader->at++;
	if (c == '"')
		push(reader, '"');
	else if (c == '(')
		push(reader, '(');
	else if (c == ')' && reader->depth > 0)
		reader->depth--;
	else if (c == '$')
		pass_dollar(reader);
}

/* One character outside of single quotes, or a whole '…' without places. */
static void pass_one(struct reader *reader)
{
	char c = *reader->at;

	if (c == '\\') {
		reader->at += reader->at[1] != '\0' ? 2 : 1;
	} else if (c == '`') {
		reader->lost = "backquotes; $(...) is as good";
	} else if (in_double(reader)) {
		reader->at++;
		if (c == '"')
			reader->depth--;
		else if (c == '$')
			pass_dollar(reader);
	} else {
		pass_bare(reader);
	}
}

static int add_text(struct ccp_template *template, struct reader *reader, struct ccp_err *err)
{
	const char *from = reader->from;

	reader->from = reader->at;
	if (from == reader->at)
		return 0;
	return ccp_template_add(template, (struct piece){ .text = from, .len = (size_t)(reader->at - from) }, err);
}

/* If a place begins here: adds it. Returns 1 if so. Errors: -1. */
static int take_place(struct ccp_template *template, struct reader *reader, enum quotes quotes, struct ccp_err *err)
{
	size_t len;
	enum place place = ccp_template_place(reader->at, &len);

	if (place == PLACE_NONE)
		return 0;
	if (reader->lost != NULL && place != PLACE_NUMBER && place != PLACE_SLOT)
		return ccp_err_set(err, CCP_E_USAGE, "%.*s cannot be quoted safely where it stands: after %s",
				   (int)len, reader->at, reader->lost);
	if (reader->lost != NULL)
		quotes = QUOTES_RAW;
	if (add_text(template, reader, err) != 0 ||
	    ccp_template_add(template, (struct piece){ .place = place, .quotes = quotes }, err) != 0)
		return -1;
	reader->at += len;
	reader->from = reader->at;
	return 1;
}

/* All of '…'; `at` is behind the first quote. Errors: -1. */
static int read_single(struct ccp_template *template, struct reader *reader, struct ccp_err *err)
{
	while (*reader->at != '\0') {
		int taken = take_place(template, reader, QUOTES_SINGLE, err);

		if (taken < 0)
			return -1;
		if (taken == 0 && *reader->at++ == '\'')
			return 0;
	}
	return ccp_err_set(err, CCP_E_USAGE, "unmatched ' in the command");
}

/* Why an argument at the end would not be one of the last command. */
static const char *why_blocked(const struct reader *reader)
{
	const char *last = reader->at;

	if (reader->lost != NULL)
		return reader->lost;
	while (last > reader->line && (last[-1] == ' ' || last[-1] == '\t'))
		last--;
	if (last > reader->line && strchr(";&|(\n\\", last[-1]) != NULL)
		return "the end of a command";
	return NULL;
}

int ccp_template_read_shell(struct ccp_template *template, const char *line, const char **blocked, struct ccp_err *err)
{
	struct reader reader = { .line = line, .at = line, .from = line };

	while (*reader.at != '\0') {
		int taken = take_place(template, &reader, in_double(&reader) ? QUOTES_DOUBLE : QUOTES_BARE, err);

		if (taken < 0)
			return -1;
		if (taken > 0)
			continue;
		if (reader.lost != NULL) { /* only numbers are looked for */
			reader.at++;
		} else if (*reader.at == '\'' && !in_double(&reader)) {
			reader.at++;
			if (read_single(template, &reader, err) != 0)
				return -1;
		} else {
			pass_one(&reader);
		}
	}
	if (reader.lost == NULL && reader.depth > 0)
		return ccp_err_set(err, CCP_E_USAGE, "unmatched %c in the command", reader.level[reader.depth - 1]);
	*blocked = why_blocked(&reader);
	return add_text(template, &reader, err);
}
