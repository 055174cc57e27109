/*
 * metadata.h: making a new file as much like its source as it may be.
 */
#ifndef CCP_PIPELINE_METADATA_H
#define CCP_PIPELINE_METADATA_H

#include <sys/stat.h>

#include "pipeline/err.h"
#include "pipeline/job.h"

/*
 * Copies owner, extended attributes, access ACL, mode and times of `input` (has_meta) to `fd`, a file of ours that is
 * still private (0600). `fresh` is its fstat. `mtime` is the time of modification to set.
 *
 * Set-user-ID, set-group-ID, sticky and what is like them (security.capability) are not copied, nor are hashes and
 * signatures over the contents (security.ima, security.evm). Never gives anybody more than the source did: where the
 * group or the ACL cannot be kept, the permissions of group and others become what both had.
 *
 * Errors: none; what could not be kept is a warning CCP_W_METADATA in `err`. The owner that only root could have given
 * is no warning for others, and neither is a file system that has no attributes.
 * Threads: any. Source: gzip 1.12 and xz 5.8 (io_copy_attrs) for owner and mode; acl(5), xattr(7).
 */
void ccp_metadata_copy(int fd, const struct stat *fresh, const struct ccp_input *input, const struct timespec *mtime,
		       struct ccp_err *err);

#endif
