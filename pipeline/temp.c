/*
 * temp.c: making, reaping and publishing a temporary; see temp.h.
 *
 * Who may unlink a temporary's name is decided by its lock. The maker opens with O_EXCL and locks at once. Whoever
 * finds the name taken opens what is there and tries the same lock. Locked: a live run is writing this target. Not
 * locked: it is stale, or its maker is between open and flock; the finder, now holding the lock, makes sure that the
 * name still stands for that file and unlinks it. A maker that was so overtaken sees it, because its lock fails or its
 * file has no link any more, and tries again. A finder that got the lock of a file that was renamed meanwhile sees that
 * too: the name stands for nothing.
 */
#include "pipeline/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/output.h"
#include "pipeline/target.h"

#define ATTEMPTS 16     /* every one means that a stale file was reaped or that another run was quicker */

enum { DONE = 0, FAILED = -1, AGAIN = 1 };

/* FNV-1a. Two names with one hash would only refuse to be written at the same moment. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return hash;
}

int ccp_temp_path(const char *target, bool hashed, char *path)
{
	const char *slash = strrchr(target, '/');
	const char *name = slash != NULL ? slash + 1 : target;
	int folder_len = (int)(name - target);
	int n;

	if (hashed || strlen(name) + 1 + strlen(CCP_TEMP_SUFFIX) > NAME_MAX)
		n = snprintf(path, PATH_MAX, "%.*s.%016" PRIx64 CCP_TEMP_SUFFIX, folder_len, target, hash_name(name));
	else
		n = snprintf(path, PATH_MAX, "%.*s.%s" CCP_TEMP_SUFFIX, folder_len, target, name);
	return n < PATH_MAX ? 0 : -1;
}

/* Old NFS and some FUSE file systems have no flock: then O_EXCL alone keeps two runs apart, and nothing is reaped. */
static bool no_locks(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

static int lock(int fd)
{
	int result;

	do
		result = flock(fd, LOCK_EX | LOCK_NB);
	while (result != 0 && errno == EINTR);
	return result;
}

/* Whether `path` still stands for the open file. */
static bool names_file(const char *path, const struct stat *file)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Judges a temporary that is in the way. */
static int reap(const char *path, const char *target, struct ccp_err *err)
{
	struct stat st;
	int result = FAILED;
	/* O_RDWR: where flock is done by record locks (NFS), an exclusive one needs a descriptor that can write */
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return AGAIN;
	if (fd < 0) {
		ccp_err_set(err, CCP_E_OTHER, "%s is in the way and cannot be opened; remove it", path);
		return FAILED;
	}
	if (fstat(fd, &st) != 0) {
		ccp_err_sys(err, errno, "%s", path);
	} else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		ccp_err_set(err, CCP_E_OTHER, "%s is in the way and not ours; remove it", path);
	} else if (lock(fd) == 0) {
		if (st.st_nlink > 1)
			ccp_err_set(err, CCP_E_OTHER, "%s is in the way and has other links; remove it", path);
		else if (names_file(path, &st) && unlink(path) != 0 && errno != ENOENT)
			ccp_err_sys(err, errno, "cannot remove the stale %s", path);
		else
			result = AGAIN;
	} else if (errno == EWOULDBLOCK) {
		ccp_err_set(err, CCP_E_OTHER, "%s is being written by another run of ccpipe", target);
	} else {
		ccp_err_set(err, CCP_E_OTHER, "%s is in the way; remove it if nobody uses it", path);
	}
	close(fd);
	return result;
}

/* One attempt to make, lock and keep temp->path. */
static int make(struct ccp_temp *temp, struct ccp_err *err)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	temp->fd = open(temp->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (temp->fd < 0) {
		if (errno == EEXIST)
			return reap(temp->path, temp->target, err);
		ccp_err_sys(err, errno, "cannot make %s", temp->path);
		return FAILED;
	}
	int cause = lock(temp->fd) == 0 ? 0 : errno;
	if (fstat(temp->fd, &temp->st) != 0) {
		ccp_err_sys(err, errno, "%s", temp->path);
		unlink(temp->path);
	} else if (temp->st.st_nlink > 0 && (cause == 0 || no_locks(cause))) {
		return DONE;
	} else if (temp->st.st_nlink == 0 || cause == EWOULDBLOCK) {
		/* taken for stale: whoever has the lock is about to unlink the name, or has done so */
		close(temp->fd);
		if (cause != 0)
			nanosleep(&moment, NULL);
		return AGAIN;
	} else {
		ccp_err_sys(err, cause, "cannot lock %s", temp->path);
		unlink(temp->path);
	}
	close(temp->fd);
	return FAILED;
}

int ccp_temp_open(struct ccp_temp **temp, const char *target, struct ccp_err *err)
{
	char path[PATH_MAX];
	size_t target_size = strlen(target) + 1;
	bool hashed = false;
	int result = AGAIN;

	if (ccp_temp_path(target, hashed, path) != 0) {
		hashed = true;
		if (ccp_temp_path(target, hashed, path) != 0)
			return ccp_err_set(err, CCP_E_NAME, "target path is too long");
	}
	struct ccp_temp *made = malloc(sizeof *made + target_size + sizeof path);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->target = memcpy(made->names, target, target_size);
	made->path = strcpy(made->names + target_size, path);
	for (int i = 0; i < ATTEMPTS && result == AGAIN; i++) {
		result = make(made, err);
		/* file systems with shorter names than NAME_MAX (eCryptfs: 143) */
		if (result == FAILED && err->sys == ENAMETOOLONG && !hashed) {
			hashed = true;
			if (ccp_temp_path(target, hashed, made->path) == 0)
				result = AGAIN;
		}
	}
	if (result == DONE) {
		*temp = made;
		return 0;
	}
	if (result == AGAIN)
		ccp_err_set(err, CCP_E_OTHER, "%s is being written by other runs of ccpipe", target);
	else if (err->sys == ENAMETOOLONG)
		ccp_err_set(err, CCP_E_NAME, "target name is too long");
	free(made);
	return -1;
}

void ccp_temp_discard(struct ccp_temp *temp)
{
	if (temp == NULL)
		return;
	unlink(temp->path); /* before close: while the lock is held, the name is ours */
	close(temp->fd);
	free(temp);
}

/* Renames without replacing, also where the file system knows no RENAME_NOREPLACE. */
static int rename_new(const char *from, const char *to)
{
	struct stat st;
	int cause;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0) {
		if (unlink(from) == 0)
			return 0;
		cause = errno;
		unlink(to);
		errno = cause;
		return -1;
	}
	if (errno == EEXIST || errno == ENAMETOOLONG)
		return -1;
	/* no links either (sshfs, FAT of old): look and rename, the best that is left, with a moment between the two */
	if (lstat(to, &st) == 0)
		errno = EEXIST;
	else if (errno == ENOENT)
		return rename(from, to);
	return -1;
}

/*
 * What is to be synced for the new name to last: the folder, opened before the rename, after which no error but that of
 * the disk itself shall come. A folder that may be written but not read cannot be opened: then -2, all of its file
 * system.
 */
#define WHOLE_FILE_SYSTEM (-2)

static int open_folder(const struct ccp_temp *temp, struct ccp_err *err)
{
	struct ccp_err folder; /* `err` may hold a warning of the caller's, which only an error may replace */
	int fd = ccp_target_open_folder(temp->target, &folder);

	if (fd >= 0)
		return fd;
	if (folder.sys == EACCES)
		return WHOLE_FILE_SYSTEM;
	*err = folder;
	return -1;
}

static int sync_name(const struct ccp_temp *temp, int folder, struct ccp_err *err)
{
	if (folder != WHOLE_FILE_SYSTEM)
		return ccp_output_sync(folder, "the directory", err);
	return syncfs(temp->fd) == 0 ? 0 : ccp_err_sys(err, errno, "syncing the file system");
}

static int rename_to_target(const struct ccp_temp *temp, bool force, struct ccp_err *err)
{
	if ((force ? rename(temp->path, temp->target) : rename_new(temp->path, temp->target)) == 0)
		return 0;
	if (errno == EEXIST && !force)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", temp->target);
	if (errno == ENAMETOOLONG)
		return ccp_err_set(err, CCP_E_NAME, "target name is too long");
	return ccp_err_sys(err, errno, "renaming to %s", temp->target);
}

int ccp_temp_commit(struct ccp_temp *temp, bool force, bool sync, struct ccp_err *err)
{
	int (*settle)(int, const char *, struct ccp_err *) = sync ? ccp_output_sync : ccp_output_flush;
	int folder = sync ? open_folder(temp, err) : WHOLE_FILE_SYSTEM;
	int result = -1;

	if (folder == -1 || settle(temp->fd, temp->target, err) != 0 || rename_to_target(temp, force, err) != 0) {
		ccp_temp_discard(temp);
		goto out;
	}
	result = sync ? sync_name(temp, folder, err) : 0;
	if (result != 0 && !force && names_file(temp->target, &temp->st))
		unlink(temp->target);
	/* late errors have been told above; this close only lets go of the lock, now that the name is gone */
	close(temp->fd);
	free(temp);
out:
	if (folder >= 0)
		close(folder);
	return result;
}
