/*
 * template.c: cuts a command into pieces of text and places once, and puts them together for every job.
 */
#include "pipeline/command/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/command/child.h"
#include "pipeline/command/template_internal.h"

struct ccp_template {
	struct piece *pieces;
	size_t count, room;
	bool shell;
	bool places;
	const char *blocked; /* why none can be added at the end, or NULL */
	char *path;
};

static char shell_name[] = "sh", shell_option[] = "-c";

/* ---- reading ------------------------------------------------------------------------------------- */

enum place ccp_template_place(const char *text, size_t *len)
{
	static const struct {
		const char *text;
		enum place place;
	} places[] = {
		{ "{}", PLACE_ARG }, { "{.}", PLACE_STEM }, { "{/}", PLACE_BASE }, { "{//}", PLACE_DIR },
		{ "{/.}", PLACE_BASE_STEM }, { "{#}", PLACE_NUMBER }, { "{%}", PLACE_SLOT },
	};

	if (text[0] != '{')
		return PLACE_NONE;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		*len = strlen(places[i].text);
		if (strncmp(text, places[i].text, *len) == 0)
			return places[i].place;
	}
	return PLACE_NONE;
}

int ccp_template_add(struct ccp_template *template, struct piece piece, struct ccp_err *err)
{
	if (template->count == template->room) {
		size_t room = template->room * 2 + 16;
		struct piece *grown = realloc(template->pieces, room * sizeof *grown);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
		template->pieces = grown;
		template->room = room;
	}
	if (piece.place != PLACE_NONE && piece.place != PLACE_WORD_END)
		template->places = true;
	template->pieces[template->count++] = piece;
	return 0;
}

/* A word that no shell sees. */
static int read_word(struct ccp_template *template, const char *word, size_t len, bool fixed, struct ccp_err *err)
{
	const char *from = word, *at = word, *end = word + len;

	while (at < end) {
		size_t place_len;
		enum place place = fixed ? PLACE_NONE : ccp_template_place(at, &place_len);

		if (place == PLACE_NONE) {
			at++;
			continue;
		}
		if (from < at && ccp_template_add(template, (struct piece){ .text = from, .len = (size_t)(at - from) },
						  err) != 0)
			return -1;
		if (ccp_template_add(template, (struct piece){ .place = place }, err) != 0)
			return -1;
		at += place_len;
		from = at;
	}
	if (from < end &&
	    ccp_template_add(template, (struct piece){ .text = from, .len = (size_t)(end - from) }, err) != 0)
		return -1;
	return ccp_template_add(template, (struct piece){ .place = PLACE_WORD_END }, err);
}

/* The length of a line's first word if it needs no shell, or 0. Places are no braces. */
static size_t plain_word(const char *line, bool fixed)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@% \t";
	const char *at = line + strspn(line, " \t");
	size_t first = strcspn(at, " \t"), len;

	for (const char *c = at; *c != '\0'; c++) {
		if (!fixed && ccp_template_place(c, &len) != PLACE_NONE)
			c += len - 1;
		else if (strchr(plain, *c) == NULL && !(*c == '=' && c > at + first))
			return 0;
	}
	return first;
}

/*
 * Whether a command of one word is a program and its words, and not a line for the shell; then sets the path. A name
 * without a slash that is not found may be one of the shell's own. Errors: -1.
 */
static int is_plain(struct ccp_template *template, const char *line, bool fixed, struct ccp_err *err)
{
	size_t len = plain_word(line, fixed);
	int result = 0;
	char *name;

	if (len == 0)
		return 0;
	name = strndup(line + strspn(line, " \t"), len);
	if (name == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
	for (const char *c = name; *c != '\0' && !fixed; c++) {
		if (ccp_template_place(c, &len) != PLACE_NONE) {
			free(name);
			return 0;
		}
	}
	template->path = ccp_child_find(name);
	if (template->path != NULL)
		result = 1;
	else if (strchr(name, '/') != NULL)
		result = ccp_err_sys(err, errno, "%s", name);
	free(name);
	return result;
}

/* A line whose words are set apart by blanks. */
static int read_plain(struct ccp_template *template, const char *line, bool fixed, struct ccp_err *err)
{
	for (line += strspn(line, " \t"); *line != '\0'; line += strspn(line, " \t")) {
		size_t len = strcspn(line, " \t");

		if (read_word(template, line, len, fixed, err) != 0)
			return -1;
		line += len;
	}
	return 0;
}

static int read_shell(struct ccp_template *template, const char *line, bool fixed, struct ccp_err *err)
{
	template->shell = true;
	template->path = strdup("/bin/sh");
	if (template->path == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
	if (fixed)
		return ccp_template_add(template, (struct piece){ .text = line, .len = strlen(line) }, err);
	return ccp_template_read_shell(template, line, &template->blocked, err);
}

/* Several words: a program and what it is given. */
static int read_words(struct ccp_template *template, char *const *words, size_t count, bool fixed, struct ccp_err *err)
{
	size_t len;
	bool constant = true;

	for (size_t i = 0; i < count; i++)
		if (read_word(template, words[i], strlen(words[i]), fixed, err) != 0)
			return -1;
	for (const char *c = words[0]; *c != '\0' && !fixed; c++)
		constant = constant && ccp_template_place(c, &len) == PLACE_NONE;
	if (!constant)
		return 0;
	template->path = ccp_child_find(words[0]);
	return template->path != NULL ? 0 : ccp_err_sys(err, errno, "%s", words[0]);
}

/* Adds {} at the end of a command without any place. */
static int add_place(struct ccp_template *template, struct ccp_err *err)
{
	static const struct piece end = { .place = PLACE_WORD_END }, raw = { .place = PLACE_ARG },
				  blank = { .text = " ", .len = 1 },
				  quoted = { .place = PLACE_ARG, .quotes = QUOTES_BARE };

	if (template->blocked != NULL)
		return ccp_err_set(err, CCP_E_USAGE, "no {} stands in the command, and at its end, after %s, none can",
				   template->blocked);
	if (!template->shell)
		return ccp_template_add(template, raw, err) == 0 ? ccp_template_add(template, end, err) : -1;
	return ccp_template_add(template, blank, err) == 0 ? ccp_template_add(template, quoted, err) : -1;
}

int ccp_template_new(struct ccp_template **made, char *const *words, size_t count, bool fixed, struct ccp_err *err)
{
	struct ccp_template *template = calloc(1, sizeof *template);
	int result, plain = 0;

	if (template == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
	if (count == 1)
		plain = is_plain(template, words[0], fixed, err);
	if (plain < 0)
		result = -1;
	else if (count == 0 || words[0][strspn(words[0], " \t\n")] == '\0')
		result = ccp_err_set(err, CCP_E_USAGE, "there is no command");
	else if (count > 1)
		result = read_words(template, words, count, fixed, err);
	else if (plain > 0)
		result = read_plain(template, words[0], fixed, err);
	else
		result = read_shell(template, words[0], fixed, err);
	if (result == 0 && !fixed && !template->places)
		result = add_place(template, err);
	if (result != 0) {
		ccp_template_free(template);
		return -1;
	}
	*made = template;
	return 0;
}

void ccp_template_free(struct ccp_template *template)
{
	if (template == NULL)
		return;
	free(template->pieces);
	free(template->path);
	free(template);
}

const char *ccp_template_path(const struct ccp_template *template)
{
	return template->path;
}

size_t ccp_template_arg_bytes(const struct ccp_template *template, const char *arg)
{
	size_t bytes = strlen(arg) + 1 + sizeof(char *), sum = 0;

	for (const char *c = arg; template->shell && *c != '\0'; c++)
		if (strchr("$`\"\\'", *c) != NULL)
			bytes += 3;
	for (size_t i = 0; i < template->count; i++)
		if (template->pieces[i].place >= PLACE_ARG && template->pieces[i].place <= PLACE_BASE_STEM)
			sum += bytes;
	return sum;
}

/* ---- putting in ---------------------------------------------------------------------------------- */

/* The part of an argument that a place stands for. */
static const char *part_of(const char *arg, enum place place, size_t *len)
{
	const char *slash = strrchr(arg, '/'), *base = slash != NULL ? slash + 1 : arg, *dot = strrchr(base, '.');
	const char *stem_end = dot != NULL ? dot : base + strlen(base);

	switch (place) {
	case PLACE_STEM:
		*len = (size_t)(stem_end - arg);
		return arg;
	case PLACE_BASE:
		*len = strlen(base);
		return base;
	case PLACE_BASE_STEM:
		*len = (size_t)(stem_end - base);
		return base;
	case PLACE_DIR:
		for (*len = strlen(arg); *len > 1 && arg[*len - 1] == '/';)
			--*len;
		slash = memrchr(arg, '/', *len);
		while (slash > arg && slash[-1] == '/')
			slash--;
		*len = slash == NULL || slash == arg ? 1 : (size_t)(slash - arg);
		return slash == NULL ? "." : arg;
	default:
		*len = strlen(arg);
		return arg;
	}
}

/* Adds bytes, with what of them means something in these quotes taken out of the way. */
static void add_in(struct ccp_wordlist *words, const char *text, size_t len, enum quotes quotes)
{
	const char *special = quotes == QUOTES_DOUBLE ? "$`\"\\" : "'", *from = text, *end = text + len;

	if (quotes == QUOTES_RAW) {
		ccp_wordlist_add(words, text, len);
		return;
	}
	if (quotes == QUOTES_BARE)
		ccp_wordlist_add(words, "'", 1);
	for (const char *at = text; at < end; at++) {
		if (strchr(special, *at) == NULL)
			continue;
		ccp_wordlist_add(words, from, (size_t)(at - from));
		if (quotes == QUOTES_DOUBLE) {
			ccp_wordlist_add(words, "\\", 1);
			from = at;
		} else {
			ccp_wordlist_add(words, "'\\''", 4);
			from = at + 1;
		}
	}
	ccp_wordlist_add(words, from, (size_t)(end - from));
	if (quotes == QUOTES_BARE)
		ccp_wordlist_add(words, "'", 1);
}

static void add_place_values(const struct ccp_template *template, const struct piece *piece,
			     const struct ccp_template_values *values, struct ccp_wordlist *words)
{
	if (piece->place == PLACE_NUMBER || piece->place == PLACE_SLOT) {
		unsigned long long number = piece->place == PLACE_SLOT ? values->slot : values->number;
		char text[24];
		int len = snprintf(text, sizeof text, "%llu", number);

		add_in(words, text, (size_t)len, piece->quotes);
		return;
	}
	for (size_t i = 0; i < values->count; i++) {
		size_t len;
		const char *part = part_of(values->args[i], piece->place, &len);

		if (i > 0 && template->shell)
			ccp_wordlist_add(words, " ", 1);
		else if (i > 0)
			ccp_wordlist_end(words);
		add_in(words, part, len, piece->quotes);
	}
}

/* The pieces, one after the other; ends of words are ends of words. */
static void add_pieces(const struct ccp_template *template, const struct ccp_template_values *values,
		       struct ccp_wordlist *words)
{
	for (size_t i = 0; i < template->count; i++) {
		const struct piece *piece = &template->pieces[i];

		if (piece->place == PLACE_NONE)
			ccp_wordlist_add(words, piece->text, piece->len);
		else if (piece->place == PLACE_WORD_END)
			ccp_wordlist_end(words);
		else
			add_place_values(template, piece, values, words);
	}
}

int ccp_template_expand(const struct ccp_template *template, const struct ccp_template_values *values,
			struct ccp_wordlist *words, struct ccp_err *err)
{
	ccp_wordlist_clear(words);
	if (template->shell) {
		ccp_wordlist_add(words, shell_name, sizeof shell_name);
		ccp_wordlist_add(words, shell_option, sizeof shell_option);
		words->count = 2;
	}
	add_pieces(template, values, words);
	if (template->shell)
		ccp_wordlist_end(words);
	return ccp_wordlist_argv(words, err) != NULL ? 0 : -1;
}

int ccp_template_show(const struct ccp_template *template, const struct ccp_template_values *values,
		      struct ccp_wordlist *line, struct ccp_err *err)
{
	struct ccp_wordlist words = { 0 };
	int result = 0;

	if (template->shell) {
		add_pieces(template, values, line);
	} else {
		result = ccp_template_expand(template, values, &words, err);
		if (result == 0)
			ccp_wordlist_show(line, words.argv);
		ccp_wordlist_free(&words);
	}
	if (line->failed)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
	return result;
}
