/*
 * template_internal.h: pieces of a template; between template.c and template_shell.c.
 */
#ifndef CCP_PIPELINE_COMMAND_TEMPLATE_INTERNAL_H
#define CCP_PIPELINE_COMMAND_TEMPLATE_INTERNAL_H

#include <stddef.h>

#include "pipeline/command/template.h"

/* What a place stands for; PLACE_NONE: it is text. */
enum place {
	PLACE_NONE, PLACE_ARG, PLACE_STEM, PLACE_BASE, PLACE_DIR, PLACE_BASE_STEM, PLACE_NUMBER, PLACE_SLOT,
	PLACE_WORD_END, /* a word of the command ends here */
};

/* In which quotes of the shell it stands. RAW: not for a shell, or it is a number where quotes would do harm. */
enum quotes { QUOTES_RAW, QUOTES_BARE, QUOTES_SINGLE, QUOTES_DOUBLE };

struct piece {
	enum place place;
	enum quotes quotes;
	const char *text; /* PLACE_NONE */
	size_t len;
};

/* The place that begins at `text`, and its length; PLACE_NONE if there is none. */
enum place ccp_template_place(const char *text, size_t *len);

/* Adds to the template. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_template_add(struct ccp_template *template, struct piece piece, struct ccp_err *err);

/*
 * Reads a line for the shell into pieces. `blocked` becomes the reason why no argument can be added at its end, or
 * NULL.
 * Errors: -1 with CCP_E_USAGE, CCP_E_NO_MEMORY.
 */
int ccp_template_read_shell(struct ccp_template *template, const char *line, const char **blocked,
			    struct ccp_err *err);

#endif
