/*
 * mr_output.c: a temporary folder beside the one that is wanted, ".NAME.ccpipe-tmp", renamed at the end.
 *
 * It is locked by flock(2) as long as this run lives; one that nobody holds is what a killed run has left, and is
 * removed. As in pipeline/temp.c, a maker that was taken for dead between making and locking sees it and tries again.
 */
#include "cmd/mr_output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/output.h"
#include "pipeline/target.h"
#include "pipeline/temp.h"

#define ATTEMPTS 16

/* Removes what mr puts into its folder, and the folder. Errors: -1 with errno. */
static int remove_folder(int fd, const char *path)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again >= 0 ? fdopendir(again) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (again >= 0)
			close(again);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "part-", 5) == 0 || strcmp(entry->d_name, "_SUCCESS") == 0)
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	return rmdir(path);
}

static bool names_folder(const char *path, int fd)
{
	struct stat named, open;

	return lstat(path, &named) == 0 && fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

/* One attempt. Returns 0, 1 to try again. Errors: -1. */
static int make(struct ccp_mr_output *output, struct ccp_err *err)
{
	bool made = mkdir(output->temp, 0777) == 0;
	int cause, fd;

	if (!made && errno != EEXIST)
		return ccp_err_sys(err, errno, "cannot make %s", output->temp);
	fd = open(output->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return ccp_err_sys(err, errno, "%s", output->temp);
	cause = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
	if (made && cause != EWOULDBLOCK && names_folder(output->temp, fd)) {
		output->dir_fd = fd; /* some file systems have no locks: then only the name keeps two runs apart */
		return 0;
	}
	if (!made && cause == EWOULDBLOCK)
		ccp_err_set(err, CCP_E_OTHER, "%s is being written by another run of ccpipe", output->target);
	else if (!made && cause == 0 && names_folder(output->temp, fd) && remove_folder(fd, output->temp) != 0)
		ccp_err_set(err, CCP_E_OTHER, "%s is in the way; remove it if nobody uses it", output->temp);
	else if (!made && cause != 0)
		ccp_err_set(err, CCP_E_OTHER, "%s is in the way; remove it if nobody uses it", output->temp);
	else
		cause = -1;
	close(fd);
	return cause == -1 ? 1 : -1;
}

int ccp_mr_output_open(struct ccp_mr_output *output, const char *dir, struct ccp_outlet *outlet, struct ccp_err *err)
{
	struct stat st;
	size_t len;
	int result = 1;

	*output = (struct ccp_mr_output){ .dir = dir, .outlet = outlet, .dir_fd = -1, .fd = -1 };
	if (dir == NULL)
		return 0;
	len = strlen(dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof output->target)
		return ccp_err_set(err, CCP_E_NAME, len == 0 ? "-o: the name is empty" : "-o: the name is too long");
	memcpy(output->target, dir, len);
	if (lstat(output->target, &st) == 0)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", output->target);
	if (ccp_temp_path(output->target, false, output->temp) != 0)
		return ccp_err_set(err, CCP_E_NAME, "-o: the name is too long");
	output->mode = ccp_output_mode();
	for (int i = 0; i < ATTEMPTS && result == 1; i++)
		result = make(output, err);
	if (result == 1)
		ccp_err_set(err, CCP_E_OTHER, "%s is being written by other runs of ccpipe", output->target);
	return result == 0 ? 0 : -1;
}

/* ---- parts --------------------------------------------------------------------------------------- */

static int open_file(struct ccp_mr_output *output, struct ccp_err *err)
{
	output->fd = openat(output->dir_fd, output->name, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, 0600);
	if (output->fd < 0 || fchmod(output->fd, output->mode) != 0)
		return ccp_err_sys(err, errno, "%s/%s", output->target, output->name);
	return 0;
}

static int close_file(struct ccp_mr_output *output, struct ccp_err *err)
{
	int result = ccp_output_sync(output->fd, output->name, err);

	if (close(output->fd) != 0 && errno != EINTR && result == 0)
		result = ccp_err_sys(err, errno, "%s/%s", output->target, output->name);
	output->fd = -1;
	return result;
}

int ccp_mr_output_begin(void *arg, unsigned part, struct ccp_err *err)
{
	struct ccp_mr_output *output = arg;

	output->in_line = false;
	output->begun++;
	if (output->dir == NULL)
		return 0;
	snprintf(output->name, sizeof output->name, "part-%05u", part);
	return open_file(output, err);
}

int ccp_mr_output_take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_mr_output *output = arg;
	char name[PATH_MAX + sizeof output->name + 1];
	struct ccp_err why;

	if (len == 0)
		return 0;
	output->in_line = ((const char *)data)[len - 1] != '\n';
	if (output->dir != NULL) {
		snprintf(name, sizeof name, "%s/%s", output->target, output->name);
		return ccp_output_write(output->fd, name, data, len, err);
	}
	if (ccp_outlet_write(output->outlet, data, len, &why) == 0)
		return 0;
	if (why.code == CCP_E_CANCELLED)
		*err = why;
	else
		ccp_err_sys(err, why.sys, "standard output");
	return -1;
}

int ccp_mr_output_end(void *arg, struct ccp_err *err)
{
	struct ccp_mr_output *output = arg;

	if (output->in_line && ccp_mr_output_take(output, "\n", 1, err) != 0)
		return -1;
	return output->dir != NULL ? close_file(output, err) : 0;
}

/* ---- the end ------------------------------------------------------------------------------------- */

int ccp_mr_output_commit(struct ccp_mr_output *output, struct ccp_err *err)
{
	int folder, result;

	if (output->dir == NULL)
		return 0;
	strcpy(output->name, "_SUCCESS");
	if (open_file(output, err) != 0 || close_file(output, err) != 0 ||
	    ccp_output_sync(output->dir_fd, output->target, err) != 0)
		return -1;
	folder = ccp_target_open_folder(output->target, err);
	if (folder < 0)
		return -1;
	result = renameat2(AT_FDCWD, output->temp, AT_FDCWD, output->target, RENAME_NOREPLACE);
	/* a file system that does not know the flag: a folder replaces nothing but an empty one */
	if (result != 0 && (errno == EINVAL || errno == ENOSYS))
		result = rename(output->temp, output->target);
	if (result != 0 && (errno == EEXIST || errno == ENOTEMPTY))
		ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", output->target);
	else if (result != 0)
		ccp_err_sys(err, errno, "renaming to %s", output->target);
	if (result == 0) {
		output->temp[0] = '\0';
		result = ccp_output_sync(folder, "the directory", err);
	}
	close(folder);
	return result;
}

void ccp_mr_output_close(struct ccp_mr_output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	if (output->dir_fd >= 0) {
		if (output->temp[0] != '\0')
			(void)remove_folder(output->dir_fd, output->temp);
		close(output->dir_fd);
	}
	output->fd = output->dir_fd = -1;
}
