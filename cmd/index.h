/*
 * index.h: the index beside a gzip file: what --index and the command index write.
 */
#ifndef CCP_CMD_INDEX_H
#define CCP_CMD_INDEX_H

#include <stdbool.h>

#include "cmd/report.h"

#define CCP_INDEX_SUFFIX ".gzi"

/*
 * Writes the index of the gzip file `path` to `index`, with the file's mode: bgzip's if all of it is blocked gzip, else
 * gztool's. Hidden until it is whole; it replaces another one only with `force`, and is made durable with `sync`.
 * Errors: -1 with the offset in the file if that is damaged; CCP_W_EXISTS; CCP_E_CANCELLED after a signal; nothing is
 * left behind. 0 with CCP_W_TRAILING if garbage follows the last member.
 */
int ccp_index_file(const char *path, const char *index, bool force, bool sync, struct ccp_err *err);

/*
 * Makes TARGET.gzi for the target of an input that is done, or for the one output of -o if `input` is NULL. An old
 * index is replaced. An error is printed, and raises the exit status.
 * Threads: the caller of the report; the report's lock is not held.
 */
void ccp_index_make(struct ccp_report *report, const struct ccp_input *input);

#endif
