/*
 * wordlist.c: bytes that grow, with places of the words in them found at the end, since growing moves them.
 */
#include "pipeline/command/wordlist.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void ccp_wordlist_clear(struct ccp_wordlist *words)
{
	words->len = 0;
	words->count = 0;
	words->failed = false;
}

void ccp_wordlist_free(struct ccp_wordlist *words)
{
	free(words->text);
	free(words->argv);
	*words = (struct ccp_wordlist){ 0 };
}

void ccp_wordlist_add(struct ccp_wordlist *words, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (words->room - words->len < len) {
		size_t room = words->room * 2 + len + 256;
		char *grown = realloc(words->text, room);

		if (grown == NULL) {
			words->failed = true;
			return;
		}
		words->text = grown;
		words->room = room;
	}
	memcpy(words->text + words->len, text, len);
	words->len += len;
}

void ccp_wordlist_end(struct ccp_wordlist *words)
{
	ccp_wordlist_add(words, "", 1);
	words->count++;
}

char *const *ccp_wordlist_argv(struct ccp_wordlist *words, struct ccp_err *err)
{
	char *at;

	if (!words->failed && words->argv_room < words->count + 1) {
		char **grown = realloc(words->argv, (words->count + 1) * 2 * sizeof *grown);

		if (grown == NULL) {
			words->failed = true;
		} else {
			words->argv = grown;
			words->argv_room = (words->count + 1) * 2;
		}
	}
	if (words->failed) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a command");
		return NULL;
	}
	at = words->text;
	for (size_t i = 0; i < words->count; i++, at += strlen(at) + 1)
		words->argv[i] = at;
	words->argv[words->count] = NULL;
	return words->argv;
}

void ccp_wordlist_quote(struct ccp_wordlist *words, const char *text)
{
	ccp_wordlist_add(words, "'", 1);
	for (;;) {
		size_t len = strcspn(text, "'");

		ccp_wordlist_add(words, text, len);
		text += len;
		if (*text == '\0')
			break;
		ccp_wordlist_add(words, "'\\''", 4);
		text++;
	}
	ccp_wordlist_add(words, "'", 1);
}

void ccp_wordlist_show(struct ccp_wordlist *line, char *const *argv)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%=";

	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i > 0)
			ccp_wordlist_add(line, " ", 1);
		if (argv[i][0] != '\0' && argv[i][strspn(argv[i], plain)] == '\0')
			ccp_wordlist_add(line, argv[i], strlen(argv[i]));
		else
			ccp_wordlist_quote(line, argv[i]);
	}
}
