/*
 * untar.h: takes the bytes of a tar archive and lists its members, or unpacks them below a directory and nowhere else.
 *
 * A thread of its own reads the archive while the caller goes on; between them lies a pipe of 1 MiB. What an archive
 * may do, whatever stands in it:
 * - names lead nowhere but below the directory: a leading / is removed, a component ".." refused, and no symbolic link
 *   is followed on the way, be it of the archive or older;
 * - a member has a temporary name until it is whole; it replaces things only with `overwrite`, and never a directory;
 * - a hard link leads to a member that was unpacked by the same run;
 * - no devices and FIFOs, no set-user-ID, set-group-ID and sticky bits, no owners, unless allowed;
 * - a bounded size, with `max_bytes`; without it what is decoded may be more than 1 GiB only if it is not more than a
 *   thousand times the bytes that were read for it.
 *
 * gzip has been decoded before; zstd, xz, bzip2, lz4, lzip and lzma are decoded here, one after the other.
 */
#ifndef CCP_PIPELINE_UNTAR_H
#define CCP_PIPELINE_UNTAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "pipeline/err.h"

struct ccp_input;
struct ccp_untar;

/* One member as the archive has it. Strings are borrowed during the call. */
struct ccp_untar_member {
	const char *name;
	const char *link; /* where a link leads, or NULL */
	bool hard;        /* it is a hard link to `link` */
	mode_t mode;      /* with the kind, S_IFMT; that of a regular file for a hard link */
	uint64_t size;
	struct timespec mtime;
	const char *user, *group; /* NULL = the archive has only numbers */
	int64_t uid, gid;
	unsigned major, minor; /* of a device */
};

/* How bad it is, what is told of a member: nothing is lost; something may be; it is not there. */
enum ccp_untar_word { CCP_UNTAR_NOTE, CCP_UNTAR_WARNING, CCP_UNTAR_REFUSED };

/* Const until the end. Strings are borrowed. */
struct ccp_untar_options {
	bool extract;    /* else the members are only listed, and what follows has no meaning */
	const char *dir; /* where to; NULL = the working directory */
	bool overwrite, devices, keep_setid, same_owner, drop_mtime;
	uint64_t max_bytes; /* sizes of all files together; 0 = no bound but the one above */

	/* all calls come in the order of the archive, one at a time, from the thread that reads it */

	/* whether this member is wanted, by its name without "/" or "./" before it and "/" behind it; NULL = all */
	bool (*wants)(void *arg, const char *name);
	/* a member that was listed, or unpacked; -1 ends it all */
	int (*member)(void *arg, const struct ccp_untar_member *member);
	/* one line about a member, or about the archive if `name` is NULL */
	void (*tell)(void *arg, enum ccp_untar_word word, const char *name, const struct ccp_err *why);
	void *arg; /* of all three */
};

/* Why archives cannot be read by this program, or NULL. */
const char *ccp_untar_probe(void);

/*
 * Opens the directory. No thread is started yet, so that processes can be forked.
 * Errors: -1 with `err`. Memory: *untar is returned, for ccp_untar_free, which needs ccp_untar_end before it; NULL is
 * allowed there. `options` is borrowed.
 */
int ccp_untar_new(struct ccp_untar **untar, const struct ccp_untar_options *options, struct ccp_err *err);
void ccp_untar_free(struct ccp_untar *untar);

/*
 * For ccp_taker: the next bytes of the archive. `untar` is a struct ccp_untar. Waits while the pipe is full.
 * Errors: -1 if it goes on no more: CCP_E_CANCELLED if ccp_untar_end will tell why, else CCP_E_OTHER (the guard).
 */
int ccp_untar_take(void *untar, const struct ccp_input *input, const void *data, size_t len, struct ccp_err *err);

/*
 * All bytes have come or, with `failed`, no more will: the member under way is removed then. Waits until everything is
 * done, and gives directories their modes and times.
 * Errors: -1 with `err` for what is wrong with the archive itself or the disk, where no member can follow. Its offset
 * is in the archive as it is decoded. CCP_E_CANCELLED if `tell` has said it, or `member` has ended it. Not for what
 * comes of `failed`.
 */
int ccp_untar_end(struct ccp_untar *untar, bool failed, struct ccp_err *err);

#endif
