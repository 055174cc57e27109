/*
 * tar_layout.h: where everything lies in a tar archive that is still to be written.
 *
 * Once all members are known with their sizes, the archive is a file of known length that can be cut anywhere: any part
 * of it is made from the layout and from files. So chunks of it are read and compressed side by side like those of any
 * other big file.
 */
#ifndef CCP_PIPELINE_TAR_LAYOUT_H
#define CCP_PIPELINE_TAR_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pipeline/err.h"
#include "pipeline/tar_header.h"

struct ccp_tar_layout;

/* An owner or group that is stored in place of the real one. */
struct ccp_tar_owner {
	bool said;               /* it is */
	bool named;              /* by `name`; else by whatever name `id` has */
	uint32_t id;
	char name[CCP_TAR_NAME];
};

/* Const while the layout is used. Strings are borrowed. */
struct ccp_tar_layout_options {
	const char *dir;         /* what paths are seen from, seen from where the run will stand; NULL = from there */
	struct ccp_tar_owner owner, group;
	bool numeric_owner;      /* no names of users and groups */
	bool has_mtime;          /* a time for all members */
	int64_t mtime;
};

/* The place of a file's bytes in the archive. */
struct ccp_tar_data {
	size_t member;           /* number of the member, for ccp_tar_layout_note */
	const char *path;        /* to open; belongs to the layout */
	uint64_t offset;         /* in the file */
	size_t len;              /* 0 = no file's bytes are wanted */
};

/* What a member turned out to be while it was read; bits. */
enum {
	CCP_TAR_CHANGED = 1u << 0, /* its size or its time was another one at the end */
	CCP_TAR_SHRANK = 1u << 1,  /* bytes were missing and became zeros */
	CCP_TAR_UNREAD = 1u << 2,  /* it could not be opened or read, and the rest became zeros */
};

int ccp_tar_layout_new(struct ccp_tar_layout **layout, const struct ccp_tar_layout_options *options,
		       struct ccp_err *err);
void ccp_tar_layout_free(struct ccp_tar_layout *layout);

/*
 * How many bytes of a path are not stored: slashes at its beginning, and all up to the last ".." in it.
 * Threads: any. Source: GNU tar 1.34, safer_name_suffix.
 */
size_t ccp_tar_name_cut(const char *path);

/*
 * Appends a member: `path`, seen from where the process stands now (in options.dir, if there is one), with its lstat.
 * The further names of a file become hard links, symbolic links are stored as such.
 * Errors: -1 with CCP_W_SPECIAL for a socket, which cannot be stored, or an error that means this name alone (it cannot
 * be read, a link that has gone); or CCP_E_NO_MEMORY.
 */
int ccp_tar_layout_add(struct ccp_tar_layout *layout, const char *path, const struct stat *st, struct ccp_err *err);

/*
 * No more members: the length is known from here on, and the layout const but for notes, which lie in memory that
 * processes forked later share.
 * Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_tar_layout_end(struct ccp_tar_layout *layout, struct ccp_err *err);

/* Units: bytes of the archive, with the two blocks of zeros, in records of 10,240. Threads: any, after the end. */
uint64_t ccp_tar_layout_bytes(const struct ccp_tar_layout *layout);

/* Members so far. */
size_t ccp_tar_layout_count(const struct ccp_tar_layout *layout);

/* The name that a member has in the archive; of a directory with a slash at its end. */
const char *ccp_tar_layout_name(const struct ccp_tar_layout *layout, size_t member);

/* The path that a member is read from. */
const char *ccp_tar_layout_path(const struct ccp_tar_layout *layout, size_t member);

/*
 * Makes the archive's bytes from `at` on, as far as they come from no file: headers, padding, the end. Returns how
 * many; if that is less than `room`, a file's bytes follow: `data` says which, at most as many as there is room for.
 * Threads: any, after the end, and worker processes.
 */
size_t ccp_tar_layout_fill(const struct ccp_tar_layout *layout, uint64_t at, uint8_t *to, size_t room,
			   struct ccp_tar_data *data);

/* Whether `st`, of what was opened for a member, is of the file that was looked at; another may have its name now. */
bool ccp_tar_layout_is(const struct ccp_tar_layout *layout, size_t member, const struct stat *st);

/* Whether it is that file, with the same size and time. */
bool ccp_tar_layout_same(const struct ccp_tar_layout *layout, size_t member, const struct stat *st);

/* Notes what a member turned out to be, and the errno with UNREAD. Threads: any, and worker processes. */
void ccp_tar_layout_note(const struct ccp_tar_layout *layout, size_t member, unsigned what, int sys);

/*
 * What was noted of a member: bits, and the first errno (0 = none).
 * Threads: any; what other threads and processes note is there when the run is over.
 */
unsigned ccp_tar_layout_noted(const struct ccp_tar_layout *layout, size_t member, int *sys);

#endif
