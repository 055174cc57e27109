/*
 * temp.h: a file that is invisible under its final name until it is whole.
 *
 * It is made beside the target as ".NAME.ccpipe-tmp", or ".ccpipe-HASH.tmp" where that is too long, with mode 0600, and
 * is held by flock(2) from its making until after the rename: a temporary that nobody holds is what a killed run has
 * left, and is reaped by the next one that wants its name.
 */
#ifndef CCP_PIPELINE_TEMP_H
#define CCP_PIPELINE_TEMP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "pipeline/err.h"

#define CCP_TEMP_SUFFIX ".ccpipe-tmp"

/* Threads: owned by its holder. Memory: one allocation, names included. */
struct ccp_temp {
	int fd;
	struct stat st;         /* when it was made */
	char *target;           /* final name */
	char *path;             /* name until then */
	char names[];
};

/*
 * Makes the temporary for `target`.
 * Errors: -1 with CCP_E_OTHER if another run holds it, CCP_E_NAME if the name is too long, CCP_E_SYS (ENOENT: no
 * folder).
 * Threads: any. Memory: *temp is returned, for ccp_temp_commit or ccp_temp_discard.
 */
int ccp_temp_open(struct ccp_temp **temp, const char *target, struct ccp_err *err);

/*
 * Gives the file its final name: data made durable (`sync`) or at least flushed, then the rename, which replaces
 * nothing unless `force`, then the folder (`sync`).
 * Errors: -1 with CCP_W_EXISTS if the target has appeared meanwhile, CCP_E_SYS; nothing is left behind, but that with
 * `force` the new file stays if only the folder could not be synced, since the old one is gone.
 * Memory: `temp` is given in any case.
 */
int ccp_temp_commit(struct ccp_temp *temp, bool force, bool sync, struct ccp_err *err);

/* Removes the temporary. Memory: `temp` is given; NULL is allowed. */
void ccp_temp_discard(struct ccp_temp *temp);

/*
 * The temporary's path for `target`; `hashed` asks for the short form, which long names get in any case.
 * Shape: `path` has room for PATH_MAX. Errors: -1 if the path is too long.
 */
int ccp_temp_path(const char *target, bool hashed, char *path);

#endif
