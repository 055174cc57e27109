/*
 * tar_append.h: a tar archive that grows by one member at a time, whose sizes are known only when all their bytes have
 * come.
 *
 * In a file room is left for a member's header, which is written at its end. To a stream, where nobody can go back,
 * a member's bytes wait in a spool until it is complete. The bytes of the archive are the same.
 */
#ifndef CCP_PIPELINE_TAR_APPEND_H
#define CCP_PIPELINE_TAR_APPEND_H

#include <stddef.h>
#include <sys/stat.h>

#include "pipeline/err.h"
#include "pipeline/tar_header.h"

struct ccp_tar_append;

struct ccp_tar_append_options {
	int fd;           /* an empty file that is written at any place; -1 = a stream: `put` */
	const char *name; /* of the archive, for messages; borrowed */
	/* writes the next bytes of a stream; -1 with `err` */
	int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err);
	void *arg;
};

/* Errors: -1 with CCP_E_NO_MEMORY. Memory: *archive is returned, for ccp_tar_append_free; NULL is allowed there. */
int ccp_tar_append_new(struct ccp_tar_append **archive, const struct ccp_tar_append_options *options,
		       struct ccp_err *err);
void ccp_tar_append_free(struct ccp_tar_append *archive);

/*
 * A member begins: `name` is a path below which nothing is cut off any more; mode, time and owner, with the names of
 * user and group if they have one, are those of `st`. Its kind is a regular file.
 * Errors: -1 with CCP_E_NAME (too long) or CCP_E_NO_MEMORY; then no member has begun.
 */
int ccp_tar_append_begin(struct ccp_tar_append *archive, const char *name, const struct stat *st, struct ccp_err *err);

/* Its next bytes. Errors: -1 with CCP_E_SYS. */
int ccp_tar_append_write(struct ccp_tar_append *archive, const void *data, size_t len, struct ccp_err *err);

/* It is complete. Errors: -1 with CCP_E_SYS: then the archive is not to be used any more. */
int ccp_tar_append_finish(struct ccp_tar_append *archive, struct ccp_err *err);

/* It failed: nothing of it is in the archive. */
void ccp_tar_append_drop(struct ccp_tar_append *archive);

/* The end: two blocks of zeros, in records of 10,240 bytes. Errors: -1 with CCP_E_SYS. */
int ccp_tar_append_end(struct ccp_tar_append *archive, struct ccp_err *err);

#endif
