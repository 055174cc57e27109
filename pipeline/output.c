/*
 * output.c: one loop around write(2) for every sink, and the ways to hear of late errors; see output.h.
 */
#include "pipeline/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ccp_output_write(int fd, const char *name, const void *data, size_t len, struct ccp_err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			/* not seen on Linux; taking it for progress would loop for ever */
			return ccp_err_sys(err, ENOSPC, "writing %s", name);
		} else if (errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			/* O_NONBLOCK is shared with whoever else holds the pipe, so it is not ours to clear */
			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return ccp_err_sys(err, errno, "waiting for %s", name);
		} else if (errno != EINTR) {
			return ccp_err_sys(err, errno, "writing %s", name);
		}
	}
	return 0;
}

int ccp_output_flush(int fd, const char *name, struct ccp_err *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	/* EINTR from close leaves the descriptor closed and the data as they are: no error of the data */
	if (copy < 0 || (close(copy) != 0 && errno != EINTR))
		return ccp_err_sys(err, errno, "closing %s", name);
	return 0;
}

int ccp_output_sync(int fd, const char *name, struct ccp_err *err)
{
	int result;

	do
		result = fsync(fd);
	while (result != 0 && errno == EINTR);
	if (result != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		return ccp_err_sys(err, errno, "syncing %s", name);
	return 0;
}

mode_t ccp_output_mode(void)
{
	char text[1024]; /* "Umask:" is the second line */
	mode_t mode = 0600;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return mode;
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n > 0) {
		text[n] = '\0';
		const char *line = strstr(text, "\nUmask:");
		if (line != NULL)
			mode = 0666u & ~(mode_t)strtoul(line + strlen("\nUmask:"), NULL, 8);
	}
	close(fd);
	return mode;
}
