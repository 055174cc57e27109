/*
 * tar_header.h: the header of a member of a tar archive, as bytes.
 */
#ifndef CCP_PIPELINE_TAR_HEADER_H
#define CCP_PIPELINE_TAR_HEADER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCP_TAR_BLOCK 512u

/* Two paths and a header of each, records for all that is small with theirs, and the header itself. */
#define CCP_TAR_HEADER_MAX (2 * PATH_MAX + 6 * CCP_TAR_BLOCK)

/* Of a member. Strings are borrowed, none is NULL. */
struct ccp_tar_member {
	const char *name;        /* less than PATH_MAX; of a directory with a slash at its end */
	const char *link;        /* target of a hard or symbolic link, less than PATH_MAX, else "" */
	const char *owner, *group; /* names, "" = none; less than CCP_TAR_NAME */
	uint64_t size;           /* of the data that follow */
	int64_t mtime;           /* in seconds */
	uint32_t mtime_nsec;     /* stored where there are records in any case */
	uint32_t uid, gid;
	uint32_t major, minor;   /* of a device */
	bool binary_size;        /* 8 GiB and more in the field itself, not in a record: the header has one length */
	unsigned mode;           /* permissions: the lowest twelve bits of st_mode */
	char type;               /* '0' file, '1' hard link, '2' symbolic link, '3' and '4' character and block device,
				  * '5' directory, '6' FIFO */
};

#define CCP_TAR_NAME 64 /* room for the name of a user or a group */

/*
 * Writes the header of a member: what fits in the fields of ustar is one block; what does not stands in extended
 * records before it. The bytes depend on the member alone.
 * Shape: `to` has room for CCP_TAR_HEADER_MAX. Returns the length, a multiple of CCP_TAR_BLOCK. Threads: any.
 * Source: POSIX.1-2017, pax, "pax Interchange Format" and "ustar Interchange Format".
 */
size_t ccp_tar_header_put(const struct ccp_tar_member *member, uint8_t *to);

/* The same length, and nothing is written. Threads: any. */
size_t ccp_tar_header_bytes(const struct ccp_tar_member *member);

#endif
