/*
 * walk_list.c: a list of names, one after the other, read as it is needed.
 *
 * It is read in portions, and a name is taken off what has been read when its end is there. A list that comes from a
 * program may let us wait, which is up to the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/walk_internal.h"

int ccp_walk_list_open(struct ccp_walk_list *list, const struct ccp_walk_options *options, struct ccp_err *err)
{
	struct stat st;

	memset(list, 0, offsetof(struct ccp_walk_list, data));
	list->fd = -1;
	list->separator = options->nul_separated ? '\0' : '\n';
	if (options->files_from == NULL)
		return 0;
	list->own = strcmp(options->files_from, "-") != 0;
	list->fd = list->own ? open(options->files_from, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
	if (list->fd < 0 || fstat(list->fd, &st) != 0)
		return ccp_err_sys(err, errno, "%s", options->files_from);
	list->slow = !S_ISREG(st.st_mode);
	return 0;
}

void ccp_walk_list_close(struct ccp_walk_list *list)
{
	if (list->own && list->fd >= 0)
		close(list->fd);
	list->fd = -1;
}

/* Takes a name off what has been read of the list. Returns 1; 0 if there is no whole one. */
static int list_take(struct ccp_walk_list *list, const char **name, size_t *len)
{
	const char *start = list->data + list->start;
	const char *end = memchr(start, list->separator, list->end - list->start);

	if (end == NULL) {
		if (!list->at_end || list->start == list->end)
			return 0;
		end = list->data + list->end; /* the last name need not be ended */
	}
	*name = start;
	*len = (size_t)(end - start);
	list->start += *len + (end < list->data + list->end);
	return 1;
}

/* Reads more of the list, once. Errors: -1 with errno. */
static int list_fill(struct ccp_walk_list *list)
{
	memmove(list->data, list->data + list->start, list->end - list->start);
	list->end -= list->start;
	list->start = 0;
	if (list->end == sizeof list->data)
		list->end = PATH_MAX; /* a name that is too long in any case: its beginning is kept for the message */

	ssize_t got = read(list->fd, list->data + list->end, sizeof list->data - list->end);

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	list->end += (size_t)got;
	list->at_end = got == 0;
	return 0;
}

/* Waits for the list's writer. Returns false if the run was cancelled. */
static bool list_wait(const struct ccp_walk_list *list, int cancel_fd)
{
	struct pollfd polls[2] = {
		{ .fd = list->fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	while (poll(polls, 2, -1) < 0)
		continue;
	return polls[1].revents == 0;
}

/* Whether reading the list would not wait. */
static bool list_is_ready(const struct ccp_walk_list *list)
{
	struct pollfd input = { .fd = list->fd, .events = POLLIN };

	return !list->slow || poll(&input, 1, 0) > 0;
}

int ccp_walk_list_next(struct ccp_walk_list *list, bool patient, int cancel_fd, const char **name, size_t *len)
{
	while (list_take(list, name, len) == 0) {
		if (!list->at_end && !patient && !list_is_ready(list))
			return CCP_WALK_WAITS;
		if (list->at_end || (list->slow && !list_wait(list, cancel_fd))) {
			ccp_walk_list_close(list);
			return CCP_WALK_END;
		}
		if (list_fill(list) != 0) {
			list->start = list->end; /* a piece of a name is none */
			list->at_end = true;
			return CCP_WALK_ERROR;
		}
	}
	return CCP_WALK_NAME;
}
