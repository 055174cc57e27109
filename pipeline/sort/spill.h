/*
 * spill.h: a temporary file without a name, written from its beginning on.
 */
#ifndef CCP_PIPELINE_SORT_SPILL_H
#define CCP_PIPELINE_SORT_SPILL_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "pipeline/err.h"

struct ccp_spill {
	int fd;              /* -1: there is none yet */
	off_t len;
	char name[PATH_MAX + 32]; /* for messages */
};

/* Makes the file in `dir`; NULL: $TMPDIR, or /tmp. Errors: -1 with CCP_E_SYS. Memory: to be closed. */
int ccp_spill_open(struct ccp_spill *spill, const char *dir, struct ccp_err *err);

/* Appends. Errors: -1 with CCP_E_SYS: no space left, say. */
int ccp_spill_write(struct ccp_spill *spill, const void *data, size_t len, struct ccp_err *err);

void ccp_spill_close(struct ccp_spill *spill);

#endif
