/*
 * template.h: a command with places where arguments are put in.
 *
 *   {}   the argument            {/}   without its folder      {#}   the number of the job, from 1
 *   {.}  without its extension   {//}  its folder              {%}   the slot it runs in, from 1
 *                                {/.}  without both
 *
 * Where none of them stands, {} is added at the end. With several arguments each place stands for all of them, as words
 * of their own. A command of one word that has blanks in it is a line for /bin/sh; what is put in there is quoted for
 * the quotes that it stands in, so that the shell sees the argument and nothing else, whatever bytes it has. Where that
 * cannot be done (in backquotes, here-documents, arithmetic) the template is refused. A line without any character that
 * means something to the shell, and whose program is found, is run without one.
 */
#ifndef CCP_PIPELINE_COMMAND_TEMPLATE_H
#define CCP_PIPELINE_COMMAND_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/command/wordlist.h"
#include "pipeline/err.h"

struct ccp_template;

/* What is put in. Strings are borrowed during the call. */
struct ccp_template_values {
	char *const *args;
	size_t count;
	uint64_t number;
	unsigned slot;
};

/*
 * Reads a command; `fixed`: nothing is put in, {} is just a word. Strings are borrowed as long as it lives.
 * Errors: -1 with CCP_E_USAGE for a command that is empty or cannot be quoted for, CCP_E_SYS if its program is not
 * found, CCP_E_NO_MEMORY. Threads: any, once it is made.
 */
int ccp_template_new(struct ccp_template **template, char *const *words, size_t count, bool fixed, struct ccp_err *err);
void ccp_template_free(struct ccp_template *template);

/* The program to start: a path, or NULL: the first word of the command is looked for. */
const char *ccp_template_path(const struct ccp_template *template);

/* Makes the words for exec(3). Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_template_expand(const struct ccp_template *template, const struct ccp_template_values *values,
			struct ccp_wordlist *words, struct ccp_err *err);

/* The command as a line that a shell understands, for people and logs; added to `line`. Errors: as above. */
int ccp_template_show(const struct ccp_template *template, const struct ccp_template_values *values,
		      struct ccp_wordlist *line, struct ccp_err *err);

/* How many bytes an argument adds to what exec(3) is given, at most. */
size_t ccp_template_arg_bytes(const struct ccp_template *template, const char *arg);

#endif
