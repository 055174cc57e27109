/*
 * operands.h: the names on the command line, made ready: missing suffixes found, questions asked, cut into runs.
 */
#ifndef CCP_CMD_OPERANDS_H
#define CCP_CMD_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/report.h"

/* One name. Memory: `name` is given by the command line unless `owned`. */
struct ccp_operand {
	char *name;
	bool owned;
	bool is_stdin;
	bool force;      /* the user said yes to the question whether the target may be replaced */
};

struct ccp_operands {
	struct ccp_operand *list;
	size_t count;
};

/*
 * Looks at the names of the settings. A question is asked where the target exists and somebody can answer; who says no
 * has the name left out and counted as skipped. Errors: -1 if there is no memory.
 */
int ccp_operands_init(struct ccp_operands *operands, struct ccp_report *report, bool to_file);
void ccp_operands_release(struct ccp_operands *operands);

#endif
