/*
 * spool.h: bytes that wait until their number is known: in memory, and from some size on in a file without a name.
 */
#ifndef CCP_PIPELINE_SPOOL_H
#define CCP_PIPELINE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

/* Threads: one at a time. */
struct ccp_spool {
	uint8_t *memory;
	size_t room;
	uint64_t len;
	int fd; /* the file that holds all of it when it is more than `room`; -1 = none was needed yet */
};

/* Errors: -1 with CCP_E_NO_MEMORY. Memory: `room` bytes, until ccp_spool_release. */
int ccp_spool_init(struct ccp_spool *spool, size_t room, struct ccp_err *err);

/* May be called for a spool that is all zeros but for an fd of -1. */
void ccp_spool_release(struct ccp_spool *spool);

/* Appends. The file is made in $TMPDIR, else in /var/tmp. Errors: -1 with CCP_E_SYS. */
int ccp_spool_write(struct ccp_spool *spool, const void *data, size_t len, struct ccp_err *err);

/* Hands everything to `put`, in order. What is in a file goes through the memory. Errors: -1 with `err`. */
int ccp_spool_send(struct ccp_spool *spool,
		   int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err), void *arg,
		   struct ccp_err *err);

/* Forgets what it holds, on the disk as well. */
void ccp_spool_clear(struct ccp_spool *spool);

#endif
