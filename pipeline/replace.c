/*
 * replace.c: a new file in the folder of its target, and then its name.
 */
#include "pipeline/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Opens a new file in the folder of `target`. The kernel applies the umask, or the folder's default ACL. The name is
 * not made of the target's, which may be as long as a name can be.
 * Errors: -1 with errno. Memory: *path is the caller's, for free.
 */
static int open_beside(const char *target, char **path)
{
	const char *slash = strrchr(target, '/');
	int folder = slash ? (int)(slash - target) + 1 : 0;

	for (unsigned i = 0; i < 100; i++) {
		int fd;

		if (asprintf(path, "%.*s.ccpipe-%ld-%u.tmp", folder, target, (long)getpid(), i) < 0) {
			errno = ENOMEM;
			break;
		}
		fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0)
			return fd;
		free(*path);
		if (errno != EEXIST)
			break;
	}
	*path = NULL;
	return -1;
}

/* Writes all of it into `fd`, which is closed. Returns 0 or an errno. */
static int fill(int fd, const char *data, size_t len)
{
	int error = 0;

	while (len > 0 && error == 0) {
		ssize_t n = write(fd, data, len);

		if (n >= 0)
			data += n, len -= (size_t)n;
		else if (errno != EINTR)
			error = errno;
	}
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

/* Returns 0 or an errno. */
static int replace(const char *target, const void *data, size_t len)
{
	char *beside;
	int fd = open_beside(target, &beside), error;

	if (fd < 0)
		return errno;
	error = fill(fd, data, len);
	if (error == 0 && rename(beside, target) != 0)
		error = errno;
	if (error != 0)
		unlink(beside);
	free(beside);
	return error;
}

int ccp_replace(const char *path, const void *data, size_t len)
{
	struct stat st, link;
	bool there = stat(path, &st) == 0, is_link = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
	char *real;
	int error;

	if (there ? !S_ISREG(st.st_mode) : is_link) { /* a link to what is not there yet makes it */
		int fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);

		return fd >= 0 ? fill(fd, data, len) : errno;
	}
	if (!is_link)
		return replace(path, data, len);
	real = realpath(path, NULL);
	if (!real)
		return errno;
	error = replace(real, data, len);
	free(real);
	return error;
}
