/*
 * untar_disk.h: members of an archive below a directory; between untar.c and what untar_*.c do on the disk.
 *
 * Every path here is clean: no component is empty, "." or ".."; "." alone is the directory itself. All paths are
 * resolved from the directory's descriptor, and no symbolic link is followed.
 */
#ifndef CCP_PIPELINE_UNTAR_DISK_H
#define CCP_PIPELINE_UNTAR_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pipeline/untar.h"

/* Files and directories that this run has made, by inode. Memory: 16 bytes each at most. */
struct ccp_untar_made {
	uint64_t *key; /* open addressing; 0 = free */
	size_t slots, count;
};

/* A directory that gets its mode and times when nothing more is written into it. */
struct ccp_untar_later {
	char *path;
	size_t number; /* in the order of the archive */
	uint64_t key; /* of ccp_untar_made, so that nothing else is touched that has its name by then */
	mode_t mode;
	struct timespec mtime;
	uid_t uid;
	gid_t gid;
};

/* The last name of a user or group that was looked up, and its number. */
struct ccp_untar_id {
	char name[64];
	uint32_t id;
	bool found;
};

/* Threads: one. */
struct ccp_untar_disk {
	const struct ccp_untar_options *options;
	int root;             /* the directory */
	int parent;           /* the last member's directory, or -1; = root for "" */
	char parent_path[PATH_MAX];
	char temp[64];        /* name of temporaries: one at a time */
	int file;             /* the member under way, with the temporary's name in `parent`; -1 = none */
	uint64_t file_end;    /* bytes written so far, holes included */
	struct ccp_untar_made made;
	struct ccp_untar_id user, group;
	struct ccp_untar_later *later;
	size_t later_count, later_room;
};

/* Opens the directory options->dir. Errors: -1 with `err`. */
int ccp_untar_disk_open(struct ccp_untar_disk *disk, const struct ccp_untar_options *options, struct ccp_err *err);

/* Gives the directories what they were promised, closes, frees. Errors: told by options->tell, one by one. */
void ccp_untar_disk_close(struct ccp_untar_disk *disk);

/*
 * Makes a clean path of a member's name, and says whether a leading / was removed.
 * Shape: `clean` has room for PATH_MAX. Errors: -1 with CCP_E_NAME: "..", or too long.
 */
int ccp_untar_clean(const char *name, char *clean, bool *was_absolute, struct ccp_err *err);

/* Whether a name, without directories, is of the kind that unfinished members have. Threads: any. */
bool ccp_untar_is_temp(const char *base);

/* ---- the kinds of members ----------------------------------------------------------------------
 * Errors: -1 with `err`, and nothing of the member is left; 0 with CCP_W_METADATA if a time or an owner could not be
 * set.
 */

/*
 * A regular file: begin, then bytes at rising offsets, then finish with the size, or drop. drop may be called at any
 * time.
 */
int ccp_untar_file_begin(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			 struct ccp_err *err);
int ccp_untar_file_write(struct ccp_untar_disk *disk, const void *data, size_t len, uint64_t offset,
			 struct ccp_err *err);
int ccp_untar_file_finish(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			  struct ccp_err *err);
void ccp_untar_file_drop(struct ccp_untar_disk *disk);

int ccp_untar_directory(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			struct ccp_err *err);
int ccp_untar_symlink(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
		      struct ccp_err *err);
/* `target` is clean. */
int ccp_untar_hard_link(struct ccp_untar_disk *disk, const char *path, const char *target, struct ccp_err *err);
/* A device or a FIFO. */
int ccp_untar_special(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
		      struct ccp_err *err);

/* ---- untar_place.c: where things are; between untar_disk.c, untar_later.c and it ---------------- */

/*
 * Makes disk->parent the directory of `path`, making what is missing, and returns the last component in *base.
 * Errors: -1 with `err`.
 */
int ccp_untar_place(struct ccp_untar_disk *disk, const char *path, const char **base, struct ccp_err *err);

/*
 * Opens the directory of `path`, which must be there. Returns an O_PATH descriptor of its own, and the last component.
 * Errors: -1 with `err`.
 */
int ccp_untar_find(const struct ccp_untar_disk *disk, const char *path, const char **base, struct ccp_err *err);

/* A number that stands for an inode, never 0. */
uint64_t ccp_untar_key(const struct stat *st);

/* Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_untar_made_add(struct ccp_untar_made *made, uint64_t key, struct ccp_err *err);
bool ccp_untar_made_has(const struct ccp_untar_made *made, uint64_t key);

/* ---- untar_later.c ------------------------------------------------------------------------------ */

/* Sets aside what a directory is to get at the end; `mode` is all that it will be. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_untar_later_add(struct ccp_untar_disk *disk, const char *path, uint64_t key, mode_t mode,
			const struct ccp_untar_member *member, struct ccp_err *err);

/* Does what was set aside, and frees it. Errors: told by options->tell. */
void ccp_untar_later_do(struct ccp_untar_disk *disk);

/* The owner that a member is to have with same_owner: by name if there is one here, else by number. */
void ccp_untar_owner(struct ccp_untar_disk *disk, const struct ccp_untar_member *member, uid_t *uid, gid_t *gid);

#endif
