/*
 * outlet.c: a pipe is opened once more through /proc, which makes a file description of our own: that one can be told
 * not to block without changing it for those who share the first. Where there is no room poll(2) waits for it and for
 * the end of the run alike.
 */
#include "pipeline/command/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ccp_outlet_open(struct ccp_outlet *outlet, int fd, int cancel_fd)
{
	struct stat st;

	*outlet = (struct ccp_outlet){ .fd = fd, .cancel_fd = cancel_fd };
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
		char path[40];
		int own;

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (own >= 0) {
			outlet->fd = own;
			outlet->own = true;
		}
	}
}

void ccp_outlet_close(struct ccp_outlet *outlet)
{
	if (outlet->own)
		close(outlet->fd);
	outlet->own = false;
	outlet->fd = -1;
}

/* Waits for room. */
static int wait_for_room(const struct ccp_outlet *outlet, struct ccp_err *err)
{
	struct pollfd polled[2] = { { .fd = outlet->fd, .events = POLLOUT },
				    { .fd = outlet->cancel_fd, .events = POLLIN } };

	while (poll(polled, 2, -1) < 0)
		if (errno != EINTR)
			return ccp_err_sys(err, errno, "poll");
	if (polled[1].revents != 0)
		return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
	return 0;
}

static int write_plain(const struct ccp_outlet *outlet, const char *data, size_t len, struct ccp_err *err)
{
	while (len > 0) {
		ssize_t n = write(outlet->fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return ccp_err_sys(err, errno, "%s", "");
		if (wait_for_room(outlet, err) != 0)
			return -1;
	}
	return 0;
}

/* Bytes on their way to the outlet. */
struct piece {
	const struct ccp_outlet *outlet;
	size_t len;
	char data[32 << 10];
};

static int add(struct piece *piece, const char *data, size_t len, struct ccp_err *err)
{
	if (len > sizeof piece->data - piece->len) {
		if (write_plain(piece->outlet, piece->data, piece->len, err) != 0)
			return -1;
		piece->len = 0;
		if (len > sizeof piece->data)
			return write_plain(piece->outlet, data, len, err);
	}
	memcpy(piece->data + piece->len, data, len);
	piece->len += len;
	return 0;
}

int ccp_outlet_write(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_outlet *outlet = arg;
	const char *from = data;
	struct piece piece;

	if (outlet->tag == NULL)
		return write_plain(outlet, from, len, err);
	piece.outlet = outlet;
	piece.len = 0;
	while (len > 0) {
		const char *end = memchr(from, '\n', len);
		size_t line = end != NULL ? (size_t)(end - from) + 1 : len;

		if (!outlet->in_line && (add(&piece, outlet->tag, strlen(outlet->tag), err) != 0 ||
					 add(&piece, "\t", 1, err) != 0))
			return -1;
		if (add(&piece, from, line, err) != 0)
			return -1;
		outlet->in_line = end == NULL;
		from += line;
		len -= line;
	}
	return write_plain(outlet, piece.data, piece.len, err);
}
