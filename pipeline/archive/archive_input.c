/*
 * archive_input.c: the bytes of an archive: of a file, standard input, a URL; decompressed by a child if need be.
 *
 * A file is read at its places, by a descriptor of its own. Of a stream the beginning is kept while it is looked at,
 * and given again afterwards. If a child reads a stream, one loop feeds it and takes what it writes, so that neither
 * waits for the other. Every wait ends when the bell rings.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/archive/archive_internal.h"

/* ---- opening ------------------------------------------------------------------------------------- */

/* A file is opened again by what it is, so that its place stays where others expect it. */
static void settle(struct ccp_archive_input *input, bool is_stdin)
{
	struct stat st;
	int again;

	if (fstat(input->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return;
	if (is_stdin) {
		if (lseek(input->fd, 0, SEEK_CUR) != 0)
			return;
		again = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (again < 0)
			return;
		input->fd = again;
		input->own = true;
	}
	input->seeks = true;
	input->size = (uint64_t)st.st_size;
}

int ccp_archive_input_open(struct ccp_archive_input *input, const char *path, enum ccp_archive_source source,
			   struct ccp_err *err)
{
	if (source == CCP_ARCHIVE_STDIN) {
		input->fd = STDIN_FILENO;
	} else if (source == CCP_ARCHIVE_PATH) {
		input->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		input->own = true;
	} else {
		ccp_fetcher_ahead(input->fetcher, 0, path); /* one at a time: any number does */
		if (ccp_fetcher_take(input->fetcher, 0, &input->fetch, &input->fd, err) != 0)
			return -1;
		input->own = true;
	}
	if (input->fd < 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (source != CCP_ARCHIVE_URL)
		settle(input, source == CCP_ARCHIVE_STDIN);
	input->kept = malloc(CCP_ARCHIVE_KEPT);
	if (input->kept == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an archive");
	input->keeps = true;
	return 0;
}

void ccp_archive_input_close(struct ccp_archive_input *input)
{
	ccp_archive_child_kill(&input->child);
	if (input->own && input->fd >= 0)
		close(input->fd);
	input->fd = -1;
	if (input->fetch != NULL)
		ccp_fetch_close(input->fetch);
	input->fetch = NULL;
	free(input->kept);
	input->kept = NULL;
}

/* ---- reading what is stored ---------------------------------------------------------------------- */

/* Waits for one of these, or the bell, which is the first. Errors: -1 with input->err if that has rung. */
static int wait_any(struct ccp_archive_input *input, struct pollfd *polls, nfds_t count)
{
	polls[0] = (struct pollfd){ .fd = input->bell, .events = POLLIN };
	while (poll(polls, count, -1) < 0)
		continue;
	return polls[0].revents == 0 ? 0 : ccp_err_set(&input->err, CCP_E_CANCELLED, "interrupted");
}

/* The end of what is stored, if it is a good one. */
static int end_raw(struct ccp_archive_input *input)
{
	input->raw_end = true;
	return input->fetch != NULL ? ccp_fetch_result(input->fetch, &input->err) : 0;
}

/* Keeps bytes that were read, while it has to. */
static void keep(struct ccp_archive_input *input, const void *data, size_t len)
{
	if (!input->keeps)
		return;
	if (len > CCP_ARCHIVE_KEPT - input->kept_len) {
		input->keeps = false;
		return;
	}
	memcpy(input->kept + input->kept_len, data, len);
	input->kept_len += len;
	input->kept_at = input->kept_len;
}

/* Reads once, waiting if `wait`. Returns bytes; 0 at the end, or without `wait` if there is nothing now; -1. */
static ssize_t read_raw(struct ccp_archive_input *input, void *data, size_t len, bool wait)
{
	struct pollfd polls[2] = { { .fd = -1 }, { .fd = input->fd, .events = POLLIN } };
	ssize_t n;

	if (input->kept_at < input->kept_len) {
		if (len > input->kept_len - input->kept_at)
			len = input->kept_len - input->kept_at;
		memcpy(data, input->kept + input->kept_at, len);
		input->kept_at += len;
		return (ssize_t)len;
	}
	if (input->raw_end)
		return 0;
	do {
		if (wait && wait_any(input, polls, 2) != 0)
			return -1;
		n = read(input->fd, data, len);
	} while (n < 0 && (errno == EINTR || (wait && errno == EAGAIN)));
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return ccp_err_sys(&input->err, errno, "%s", "");
	if (n == 0)
		return end_raw(input);
	input->read += (uint64_t)n;
	keep(input, data, (size_t)n);
	return n;
}

/* ---- what it is ---------------------------------------------------------------------------------- */

int ccp_archive_input_look(struct ccp_archive_input *input, enum ccp_archive_kind *kind)
{
	char iso[5];

	while (input->kept_len < CCP_KIND_BYTES && !input->raw_end)
		if (read_raw(input, input->block, CCP_KIND_BYTES - input->kept_len, true) < 0)
			return -1;
	/* one byte more tells whether it has ended */
	if (input->kept_len == CCP_KIND_BYTES && input->kept[0] == 0 && !input->raw_end &&
	    read_raw(input, input->block, 1, true) < 0)
		return -1;
	*kind = ccp_archive_kind(input->kept, input->kept_len, input->raw_end);
	if (*kind == CCP_KIND_GZIP && ccp_archive_kind_inside(input->kept, input->kept_len) == CCP_KIND_NONE)
		*kind = CCP_KIND_NONE;
	if (*kind == CCP_KIND_NONE && input->seeks &&
	    pread(input->fd, iso, sizeof iso, CCP_KIND_ISO_AT) == sizeof iso && memcmp(iso, "CD001", 5) == 0)
		*kind = CCP_KIND_ISO;
	return 0;
}

bool ccp_archive_input_again(struct ccp_archive_input *input, bool known)
{
	bool all = input->keeps;

	if (known)
		input->keeps = false;
	input->at_end = false;
	if (!input->seeks) {
		input->kept_at = 0;
		return all;
	}
	input->kept_len = input->kept_at = 0;
	input->read = 0;
	input->raw_end = false;
	return lseek(input->fd, 0, SEEK_SET) == 0;
}

/* ---- through a child ----------------------------------------------------------------------------- */

int ccp_archive_input_decompress(struct ccp_archive_input *input, const char *const *options, struct ccp_err *err)
{
	input->fed = input->to_feed = 0;
	return ccp_archive_child_start(&input->child, options, input->seeks ? input->fd : -1, err);
}

/* Feeds the child, as much as it takes now. Errors: -1 with input->err. */
static int feed(struct ccp_archive_input *input)
{
	ssize_t n;

	if (input->fed == input->to_feed) {
		n = read_raw(input, input->feed, sizeof input->feed, false);
		if (n < 0)
			return -1;
		input->fed = 0;
		input->to_feed = (size_t)n;
		if (n == 0 && input->raw_end) {
			close(input->child.in);
			input->child.in = -1;
		}
	}
	if (input->fed == input->to_feed)
		return 0;
	n = write(input->child.in, input->feed + input->fed, input->to_feed - input->fed);
	if (n >= 0) {
		input->fed += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) { /* it has given up: its words say why */
		close(input->child.in);
		input->child.in = -1;
	}
	return 0;
}

static ssize_t read_child(struct ccp_archive_input *input)
{
	for (;;) {
		bool hungry = input->child.in >= 0, full = input->fed < input->to_feed ||
							   input->kept_at < input->kept_len || input->raw_end;
		struct pollfd polls[3] = {
			{ .fd = -1 },
			{ .fd = input->child.out, .events = POLLIN },
			{ .fd = !hungry ? -1 : full ? input->child.in : input->fd, .events = full ? POLLOUT : POLLIN },
		};
		ssize_t n;

		if (wait_any(input, polls, 3) != 0)
			return -1;
		if (polls[2].revents != 0 && feed(input) != 0)
			return -1;
		if (polls[1].revents == 0)
			continue;
		n = read(input->child.out, input->block, sizeof input->block);
		if (n > 0)
			return n;
		if (n == 0)
			return ccp_archive_child_end(&input->child, &input->err);
		if (errno != EAGAIN && errno != EINTR)
			return ccp_err_sys(&input->err, errno, "%s", "");
	}
}

ssize_t ccp_archive_input_read(struct ccp_archive_input *input)
{
	ssize_t n;

	if (ccp_err_is_error(&input->err))
		return -1;
	if (input->at_end)
		return 0;
	n = input->child.pid != 0 ? read_child(input) : read_raw(input, input->block, sizeof input->block, true);
	if (n < 0 && !ccp_err_is_error(&input->err)) /* a warning */
		n = 0;
	input->at_end = n == 0;
	return n;
}
