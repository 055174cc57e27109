/*
 * untar_disk.c: members as files.
 *
 * What can be partial is written under a temporary name and renamed when it is whole. The kernel applies the umask, and
 * default ACLs, because files are created with the mode that they are to have: nobody here needs to know the umask.
 */
#include "pipeline/untar_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SETID (S_ISUID | S_ISGID | S_ISVTX)
#define TEMP_TRIES 100u /* what a killed run has left may be in the way */

int ccp_untar_disk_open(struct ccp_untar_disk *disk, const struct ccp_untar_options *options, struct ccp_err *err)
{
	const char *dir = options->dir ? options->dir : ".";

	*disk = (struct ccp_untar_disk){ .options = options, .root = -1, .parent = -1, .file = -1 };
	disk->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (disk->root < 0)
		return ccp_err_sys(err, errno, "the directory to unpack in");
	return 0;
}

void ccp_untar_disk_close(struct ccp_untar_disk *disk)
{
	ccp_untar_file_drop(disk);
	if (disk->root >= 0) {
		ccp_untar_later_do(disk);
		close(disk->root);
	}
	if (disk->parent >= 0)
		close(disk->parent);
	free(disk->made.key);
	disk->made.key = NULL;
	disk->root = disk->parent = -1;
}

/* Of a directory, which is only found if it was there before, nothing is told here: mkdir comes first. */
static int already_there(const struct ccp_untar_disk *disk, const struct stat *st, struct ccp_err *err)
{
	if (!disk->options->overwrite)
		return ccp_err_set(err, CCP_W_EXISTS, "already exists; not overwritten");
	if (S_ISDIR(st->st_mode))
		return ccp_err_set(err, CCP_W_EXISTS, "refused: a directory of that name exists");
	return 0;
}

#define TEMP_BEGIN ".ccpipe-untar-"
#define TEMP_END ".ccpipe-tmp"

bool ccp_untar_is_temp(const char *base)
{
	size_t len = strlen(base), end = sizeof TEMP_END - 1;

	return strncmp(base, TEMP_BEGIN, sizeof TEMP_BEGIN - 1) == 0 && len > end &&
	       strcmp(base + len - end, TEMP_END) == 0;
}

/* Finds the place of a member, and refuses what is taken. */
static int prepare(struct ccp_untar_disk *disk, const char *path, const char **base, struct ccp_err *err)
{
	struct stat st;

	if (strcmp(path, ".") == 0)
		return ccp_err_set(err, CCP_E_NAME, "refused: it would replace the directory that is unpacked in");
	if (ccp_untar_place(disk, path, base, err) != 0)
		return -1;
	if (ccp_untar_is_temp(*base))
		return ccp_err_set(err, CCP_E_NAME, "refused: it has the name of an unfinished member");
	if (fstatat(disk->parent, *base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return already_there(disk, &st, err);
	return errno == ENOENT ? 0 : ccp_err_sys(err, errno, "its name");
}

static void name_temp(struct ccp_untar_disk *disk, unsigned number)
{
	snprintf(disk->temp, sizeof disk->temp, TEMP_BEGIN "%ld-%u" TEMP_END, (long)getpid(), number);
}

/* Gives what has the temporary name its own. Nothing has appeared there, or may be replaced. */
static int commit(struct ccp_untar_disk *disk, const char *base, struct ccp_err *err)
{
	int at = disk->parent, sys;
	struct stat st;

	if (disk->options->overwrite) {
		if (renameat(at, disk->temp, at, base) == 0) {
			/* a rename between two links to one file does nothing */
			unlinkat(at, disk->temp, 0);
			return 0;
		}
	} else {
		if (renameat2(at, disk->temp, at, base, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EINVAL && linkat(at, disk->temp, at, base, 0) == 0) {
			unlinkat(at, disk->temp, 0);
			return 0;
		}
	}
	sys = errno;
	unlinkat(at, disk->temp, 0);
	if ((sys == EEXIST || sys == EISDIR) && fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    already_there(disk, &st, err) != 0)
		return -1;
	return ccp_err_sys(err, sys, "giving it its name");
}

/* ---- files ------------------------------------------------------------------------------------------- */

int ccp_untar_file_begin(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			 struct ccp_err *err)
{
	const char *base;

	if (prepare(disk, path, &base, err) != 0)
		return -1;
	for (unsigned i = 0; i < TEMP_TRIES; i++) {
		name_temp(disk, i);
		disk->file = openat(disk->parent, disk->temp,
				    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
				    member->mode & 0777);
		if (disk->file >= 0 || errno != EEXIST)
			break;
	}
	disk->file_end = 0;
	return disk->file >= 0 ? 0 : ccp_err_sys(err, errno, "making it");
}

int ccp_untar_file_write(struct ccp_untar_disk *disk, const void *data, size_t len, uint64_t offset,
			 struct ccp_err *err)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = pwrite(disk->file, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n == 0 ? ENOSPC : errno, "writing it");
		from += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	if (disk->file_end < offset)
		disk->file_end = offset;
	return 0;
}

/* Owner, mode, time of the file under way. Errors: none but a warning. */
static void set_metadata(struct ccp_untar_disk *disk, const struct ccp_untar_member *member, const struct stat *st,
			 struct ccp_err *err)
{
	const struct ccp_untar_options *options = disk->options;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, member->mtime };

	if (options->same_owner) {
		uid_t uid;
		gid_t gid;

		ccp_untar_owner(disk, member, &uid, &gid);
		if (uid == (uid_t)-1 || gid == (gid_t)-1) /* and so no set-user-ID either, which would be of another */
			ccp_err_set(err, CCP_W_METADATA, "its owner: there can be no such number");
		else if (fchown(disk->file, uid, gid) != 0)
			ccp_err_set(err, CCP_W_METADATA, "its owner: %s", strerrordesc_np(errno));
	}
	if (options->keep_setid && (member->mode & SETID) && err->code == CCP_OK &&
	    fchmod(disk->file, (st->st_mode & 0777) | (member->mode & SETID)) != 0)
		ccp_err_set(err, CCP_W_METADATA, "its mode: %s", strerrordesc_np(errno));
	if (!options->drop_mtime && futimens(disk->file, times) != 0)
		ccp_err_set(err, CCP_W_METADATA, "its time: %s", strerrordesc_np(errno));
}

int ccp_untar_file_finish(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			  struct ccp_err *err)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	int fd = disk->file;

	if (disk->file_end < member->size && ftruncate(fd, (off_t)member->size) != 0) {
		ccp_err_sys(err, errno, "writing it");
		goto failed;
	}
	if (fstat(fd, &st) != 0) {
		ccp_err_sys(err, errno, "writing it");
		goto failed;
	}
	set_metadata(disk, member, &st, err);
	disk->file = -1;
	if (close(fd) != 0 && errno != EINTR) { /* what NFS and quotas keep back until then */
		ccp_err_sys(err, errno, "closing it");
		unlinkat(disk->parent, disk->temp, 0);
		return -1;
	}
	if (commit(disk, slash ? slash + 1 : path, err) != 0)
		return -1;
	return ccp_untar_made_add(&disk->made, ccp_untar_key(&st), err);
failed:
	ccp_untar_file_drop(disk);
	return -1;
}

void ccp_untar_file_drop(struct ccp_untar_disk *disk)
{
	if (disk->file < 0)
		return;
	close(disk->file);
	disk->file = -1;
	unlinkat(disk->parent, disk->temp, 0);
}

/* ---- directories ------------------------------------------------------------------------------------- */

/*
 * Which permissions a directory gets that is made with this mode, by the umask and default ACLs: by making one, since
 * nobody but the kernel knows. Errors: -1 with `err`.
 */
static int try_mode(struct ccp_untar_disk *disk, mode_t mode, mode_t *got, struct ccp_err *err)
{
	int result = -1;
	struct stat st;

	for (unsigned i = 0; i < TEMP_TRIES && result != 0; i++) {
		name_temp(disk, i);
		result = mkdirat(disk->parent, disk->temp, mode);
		if (result != 0 && errno != EEXIST)
			break;
	}
	if (result == 0) {
		result = fstatat(disk->parent, disk->temp, &st, AT_SYMLINK_NOFOLLOW);
		unlinkat(disk->parent, disk->temp, AT_REMOVEDIR);
	}
	if (result != 0)
		return ccp_err_sys(err, errno, "its mode");
	*got = st.st_mode & 0777;
	return 0;
}

/* What was there before this run keeps its mode and time: the archive has no word in it. */
int ccp_untar_directory(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
			struct ccp_err *err)
{
	const struct ccp_untar_options *options = disk->options;
	const char *base;
	struct stat st;
	mode_t mode;
	bool made;

	if (strcmp(path, ".") == 0)
		return 0;
	if (ccp_untar_place(disk, path, &base, err) != 0)
		return -1;
	/* until the end we must get in */
	made = mkdirat(disk->parent, base, (member->mode & 0777) | 0700) == 0;
	if (!made && errno != EEXIST)
		return ccp_err_sys(err, errno, "making it");
	if (fstatat(disk->parent, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ccp_err_sys(err, errno, "making it");
	if (!S_ISDIR(st.st_mode))
		return ccp_err_set(err, CCP_W_EXISTS, S_ISLNK(st.st_mode) ? "refused: a symbolic link has its name"
									  : "refused: what has its name is no directory");
	if (made && ccp_untar_made_add(&disk->made, ccp_untar_key(&st), err) != 0)
		return -1;
	if (!made && !ccp_untar_made_has(&disk->made, ccp_untar_key(&st)))
		return 0;
	mode = st.st_mode & 0777;
	/* named before, with a narrower mode: the last one counts */
	if (!made && (member->mode & 0777 & ~st.st_mode) &&
	    try_mode(disk, (member->mode & 0777) | 0700, &mode, err) != 0)
		return -1;
	mode = (st.st_mode & SETID) | (mode & member->mode & 0777);
	if (options->keep_setid)
		mode |= member->mode & SETID;
	if (made && mode == (st.st_mode & 07777) && options->drop_mtime && !options->same_owner)
		return 0;
	return ccp_untar_later_add(disk, path, ccp_untar_key(&st), mode, member, err);
}

/* ---- links and special files ------------------------------------------------------------------------- */

/* The time and the owner of what cannot be opened. Errors: none but a warning. */
static void set_link_metadata(struct ccp_untar_disk *disk, const char *base, const struct ccp_untar_member *member,
			      struct ccp_err *err)
{
	const struct ccp_untar_options *options = disk->options;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, member->mtime };

	if (options->same_owner) {
		uid_t uid;
		gid_t gid;

		ccp_untar_owner(disk, member, &uid, &gid);
		if (uid == (uid_t)-1 || gid == (gid_t)-1)
			ccp_err_set(err, CCP_W_METADATA, "its owner: there can be no such number");
		else if (fchownat(disk->parent, base, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
			ccp_err_set(err, CCP_W_METADATA, "its owner: %s", strerrordesc_np(errno));
	}
	if (!options->drop_mtime && utimensat(disk->parent, base, times, AT_SYMLINK_NOFOLLOW) != 0)
		ccp_err_set(err, CCP_W_METADATA, "its time: %s", strerrordesc_np(errno));
}

/* What makes a member at once: under its own name or, where that is taken and may be replaced, the temporary one. */
struct maker {
	const struct ccp_untar_member *member;
	int target_at; /* of a hard link */
	const char *target;
};

static int make(const struct maker *maker, int at, const char *name)
{
	const struct ccp_untar_member *member = maker->member;

	if (maker->target)
		return linkat(maker->target_at, maker->target, at, name, 0);
	if (S_ISLNK(member->mode))
		return symlinkat(member->link, at, name);
	return mknodat(at, name, member->mode & (S_IFMT | 0777), makedev(member->major, member->minor));
}

static int make_at_once(struct ccp_untar_disk *disk, const char *base, const struct maker *maker, struct ccp_err *err)
{
	int result = make(maker, disk->parent, base);

	if (result == 0)
		return 0;
	if (errno != EEXIST)
		return ccp_err_sys(err, errno, "making it");
	for (unsigned i = 0; i < TEMP_TRIES && result != 0; i++) {
		name_temp(disk, i);
		result = make(maker, disk->parent, disk->temp);
		if (result != 0 && errno != EEXIST)
			break;
	}
	return result == 0 ? commit(disk, base, err) : ccp_err_sys(err, errno, "making it");
}

int ccp_untar_symlink(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
		      struct ccp_err *err)
{
	struct maker maker = { .member = member };
	const char *base;
	struct stat st;

	if (prepare(disk, path, &base, err) != 0 || make_at_once(disk, base, &maker, err) != 0)
		return -1;
	set_link_metadata(disk, base, member, err);
	/* another name for it may follow */
	if (fstatat(disk->parent, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return ccp_untar_made_add(&disk->made, ccp_untar_key(&st), err);
}

int ccp_untar_special(struct ccp_untar_disk *disk, const char *path, const struct ccp_untar_member *member,
		      struct ccp_err *err)
{
	return ccp_untar_symlink(disk, path, member, err);
}

/* Nothing but what this run has made gets another name, and its mode and time stay those that it has. */
int ccp_untar_hard_link(struct ccp_untar_disk *disk, const char *path, const char *target, struct ccp_err *err)
{
	struct maker maker = { .target = NULL };
	const char *base;
	struct stat st;
	int result = -1;

	maker.target_at = ccp_untar_find(disk, target, &maker.target, err);
	if (maker.target_at < 0) {
		if (err->sys == ENOENT)
			ccp_err_set(err, CCP_E_NAME, "refused: what it links to was not unpacked");
		return -1;
	}
	if (fstatat(maker.target_at, maker.target, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode) ||
	    !ccp_untar_made_has(&disk->made, ccp_untar_key(&st))) {
		ccp_err_set(err, CCP_E_NAME, "refused: what it links to was not unpacked");
		goto out;
	}
	if (prepare(disk, path, &base, err) == 0)
		result = make_at_once(disk, base, &maker, err);
out:
	close(maker.target_at);
	return result;
}
