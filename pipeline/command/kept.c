/*
 * kept.c: memory that doubles up to a megabyte; then it is written to a file and filled again.
 */
#include "pipeline/command/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/nameless.h"
#include "pipeline/output.h"

#define FIRST_BYTES ((size_t)4 << 10)
#define COPY_BYTES ((size_t)64 << 10)

void ccp_kept_init(struct ccp_kept *kept)
{
	*kept = (struct ccp_kept){ .fd = -1 };
}

int ccp_kept_file(struct ccp_err *err)
{
	const char *dir = ccp_nameless_dir("/tmp");
	int fd = ccp_nameless_open(dir);

	return fd >= 0 ? fd : ccp_err_sys(err, errno, "temporary file in %s", dir);
}

int ccp_kept_write(int fd, const void *data, size_t len, struct ccp_err *err)
{
	return ccp_output_write(fd, "a temporary file", data, len, err);
}

int ccp_kept_store(struct ccp_kept *kept, struct ccp_err *err)
{
	if (kept->len == 0)
		return 0;
	if (kept->fd < 0 && (kept->fd = ccp_kept_file(err)) < 0)
		return -1;
	if (ccp_kept_write(kept->fd, kept->data, kept->len, err) != 0)
		return -1;
	kept->stored += kept->len;
	kept->len = 0;
	return 0;
}

int ccp_kept_read(struct ccp_kept *kept, int fd, struct ccp_err *err)
{
	ssize_t n;

	if (kept->len == CCP_KEPT_MEMORY_BYTES && ccp_kept_store(kept, err) != 0)
		return -1;
	if (kept->len == kept->room) {
		size_t room = kept->room == 0 ? FIRST_BYTES : kept->room * 4;
		uint8_t *grown;

		if (room > CCP_KEPT_MEMORY_BYTES)
			room = CCP_KEPT_MEMORY_BYTES;
		grown = realloc(kept->data, room);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the output");
		kept->data = grown;
		kept->room = room;
	}
	do
		n = read(fd, kept->data + kept->len, kept->room - kept->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ccp_err_sys(err, errno, "output");
	kept->len += (size_t)n;
	return n > 0;
}

int ccp_kept_each(const struct ccp_kept *kept,
		  int (*take)(void *arg, const void *data, size_t len, struct ccp_err *err), void *arg,
		  struct ccp_err *err)
{
	char piece[COPY_BYTES];

	for (uint64_t at = 0; at < kept->stored;) {
		ssize_t n = pread(kept->fd, piece, sizeof piece, (off_t)at);
		int result;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n < 0 ? errno : EIO, "temporary file");
		result = take(arg, piece, (size_t)n, err);
		if (result != 0)
			return result;
		at += (uint64_t)n;
	}
	return kept->len > 0 ? take(arg, kept->data, kept->len, err) : 0;
}

void ccp_kept_clear(struct ccp_kept *kept)
{
	if (kept->fd >= 0)
		close(kept->fd);
	free(kept->data);
	ccp_kept_init(kept);
}
