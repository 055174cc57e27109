/*
 * output.h: writing to a descriptor so that nothing is lost silently.
 */
#ifndef CCP_PIPELINE_OUTPUT_H
#define CCP_PIPELINE_OUTPUT_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "pipeline/err.h"

/*
 * Writes all of `data`: goes on after short writes and EINTR, and waits with poll where a non-blocking descriptor is
 * full.
 * Errors: -1 with CCP_E_SYS, `name` in the text. Threads: any, one at a time for a descriptor.
 */
int ccp_output_write(int fd, const char *name, const void *data, size_t len, struct ccp_err *err);

/*
 * Learns of errors that the file system keeps back until close (NFS quotas, FUSE) while `fd` stays open and locked:
 * closes a duplicate, since every close of a descriptor flushes. Costs two system calls and no I/O elsewhere.
 * Errors: -1 with CCP_E_SYS.
 */
int ccp_output_flush(int fd, const char *name, struct ccp_err *err);

/* Makes the data durable: fsync. What cannot be synced (a pipe, a terminal) is no error. Errors: -1 with CCP_E_SYS. */
int ccp_output_sync(int fd, const char *name, struct ccp_err *err);

/*
 * The mode of a new file without a source to copy it from: 0666 less the umask, without calling umask(), which would
 * change it for every thread. Where /proc does not tell, 0600. Threads: any. Source: proc(5), Umask in
 * /proc/pid/status.
 */
mode_t ccp_output_mode(void);

#endif
