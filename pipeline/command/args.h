/*
 * args.h: where the arguments of jobs come from: the command line, or lines of a file that may still be written.
 */
#ifndef CCP_PIPELINE_COMMAND_ARGS_H
#define CCP_PIPELINE_COMMAND_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

enum ccp_args_next { CCP_ARGS_END, CCP_ARGS_ONE, CCP_ARGS_LATER };

/* Owned by its holder; made by one of the two calls below. */
struct ccp_args {
	char **list;       /* NULL: they are read */
	size_t count, at;
	int fd;            /* borrowed */
	bool waits;        /* a read may block: poll before */
	bool ended;
	char end;          /* of an argument */
	char *text;
	size_t from, len, room;
	uint64_t number;   /* of the one that came last, from 1 */
};

void ccp_args_from_list(struct ccp_args *args, char **list, size_t count);
void ccp_args_from_file(struct ccp_args *args, int fd, char end);
void ccp_args_release(struct ccp_args *args);

/*
 * The next argument, which lives until the next call. `ready`: the file was found readable, so that one read does not
 * block. LATER: it has to be waited for.
 * Errors: -1 with CCP_E_SYS, CCP_E_NO_MEMORY; CCP_E_OTHER for one that holds a NUL byte, after which it can go on.
 */
int ccp_args_next(struct ccp_args *args, bool ready, char **arg, struct ccp_err *err);

#endif
