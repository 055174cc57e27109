/*
 * outlet.h: standard output or error, written to so that somebody who does not read can hold us up, but not against a
 * signal.
 */
#ifndef CCP_PIPELINE_COMMAND_OUTLET_H
#define CCP_PIPELINE_COMMAND_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"

/* Owned by its holder. */
struct ccp_outlet {
	int fd;
	int cancel_fd; /* readable once nothing is to be written any more; -1 = none */
	bool own;      /* fd is ours, to be closed */
	const char *tag; /* begins every line, with a tab; NULL = nothing does */
	bool in_line;  /* the last byte was no newline */
};

/* Prepares to write to `fd`, which stays the caller's. Never fails. */
void ccp_outlet_open(struct ccp_outlet *outlet, int fd, int cancel_fd);
void ccp_outlet_close(struct ccp_outlet *outlet);

/*
 * Writes everything. `arg` is the outlet: it fits ccp_kept_each.
 * Errors: -1 with CCP_E_SYS, or CCP_E_CANCELLED if cancel_fd became readable while nothing could be written.
 */
int ccp_outlet_write(void *arg, const void *data, size_t len, struct ccp_err *err);

#endif
