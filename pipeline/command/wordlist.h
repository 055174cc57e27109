/*
 * wordlist.h: the words of a command line, under construction.
 */
#ifndef CCP_PIPELINE_COMMAND_WORDLIST_H
#define CCP_PIPELINE_COMMAND_WORDLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"

/* Words, one after the other, each ended by NUL. Zero at first. Owned by its holder; to be used again after a clear. */
struct ccp_wordlist {
	char *text;
	size_t len, room;
	char **argv;       /* made by ccp_wordlist_argv */
	size_t count, argv_room;
	bool failed;       /* there was no memory */
};

void ccp_wordlist_clear(struct ccp_wordlist *words);
void ccp_wordlist_free(struct ccp_wordlist *words);

/* Adds to the word at the end, and ends it. Want of memory shows in ccp_wordlist_argv. */
void ccp_wordlist_add(struct ccp_wordlist *words, const char *text, size_t len);
void ccp_wordlist_end(struct ccp_wordlist *words);

/* The words for exec(3), NULL after the last. Errors: NULL with CCP_E_NO_MEMORY. */
char *const *ccp_wordlist_argv(struct ccp_wordlist *words, struct ccp_err *err);

/* Adds a text in single quotes, so that a shell takes it for one word. */
void ccp_wordlist_quote(struct ccp_wordlist *words, const char *text);

/* All words as one line for people, with quotes where a shell needs them, added to another one's word. */
void ccp_wordlist_show(struct ccp_wordlist *line, char *const *argv);

#endif
