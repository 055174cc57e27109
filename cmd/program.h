/*
 * program.h: a command that is the same for all of its jobs, as map and mr run it.
 */
#ifndef CCP_CMD_PROGRAM_H
#define CCP_CMD_PROGRAM_H

#include "cmd/options.h"
#include "pipeline/command/template.h"
#include "pipeline/command/wordlist.h"

/* Zero = none. Const once it is made. */
struct ccp_program {
	struct ccp_template *template;
	struct ccp_wordlist words;  /* for exec(3) */
	struct ccp_wordlist shown;  /* for people */
};

/*
 * Makes one of the words of a command, or of a line for a shell. Returns 0, or an exit status after a message.
 * Memory: to be freed, also after that; `words` are borrowed.
 */
int ccp_program_make(struct ccp_program *program, const struct ccp_settings *settings, char *const *words,
		     size_t count);
void ccp_program_free(struct ccp_program *program);

#endif
