/*
 * index.h: the index that --index puts beside an output of blocked gzip.
 */
#ifndef CCP_CMD_INDEX_H
#define CCP_CMD_INDEX_H

#include "cmd/report.h"

/*
 * Makes TARGET.gzi for the target of an input that is done, or for the one output of -o if `input` is NULL. An old
 * index is replaced. An error is printed, and raises the exit status.
 * Threads: the caller of the report; the report's lock is not held.
 */
void ccp_index_make(struct ccp_report *report, const struct ccp_input *input);

#endif
