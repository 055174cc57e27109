/*
 * mr_output.h: where the lines of the reducers go, or of the maps if there are none: all to standard output, one after
 * the other; or to files of their own in a new folder, which has its name only when all of them are whole.
 */
#ifndef CCP_CMD_MR_OUTPUT_H
#define CCP_CMD_MR_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/command/outlet.h"
#include "pipeline/err.h"

/* Threads: one at a time. */
struct ccp_mr_output {
	const char *dir;          /* as it was said; NULL = standard output */
	struct ccp_outlet *outlet;
	char target[PATH_MAX];    /* dir without slashes at its end */
	char temp[PATH_MAX];
	int dir_fd;               /* of the temporary folder, which is locked; -1 = there is none */
	int fd;                   /* of the file that is being written; -1 = none */
	uint64_t begun;           /* files */
	char name[40];            /* of the last one */
	mode_t mode;
	bool in_line;             /* the last byte was no newline */
};

/*
 * Prepares; makes the temporary folder, if `dir` is not NULL. `outlet`: standard output.
 * Errors: -1 with CCP_W_EXISTS if there is something under that name, CCP_E_OTHER if another run writes there,
 * CCP_E_NAME, CCP_E_SYS. Memory: to be closed.
 */
int ccp_mr_output_open(struct ccp_mr_output *output, const char *dir, struct ccp_outlet *outlet, struct ccp_err *err);

/* For struct ccp_mr_sink; `arg` is the output. A last line without an end gets one. Errors: -1 with `err`. */
int ccp_mr_output_begin(void *arg, unsigned part, struct ccp_err *err);
int ccp_mr_output_take(void *arg, const void *data, size_t len, struct ccp_err *err);
int ccp_mr_output_end(void *arg, struct ccp_err *err);

/* All is well: gives the folder its name, safe against a power cut. Errors: -1 with `err`; nothing is left then. */
int ccp_mr_output_commit(struct ccp_mr_output *output, struct ccp_err *err);

/* Removes what has no name yet. */
void ccp_mr_output_close(struct ccp_mr_output *output);

#endif
