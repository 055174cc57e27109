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

void ccp_kept_init(struct ccp_kept *spool)
{
	*spool = (struct ccp_kept){ .fd = -1 };
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

int ccp_kept_store(struct ccp_kept *spool, struct ccp_err *err)
{
	if (spool->len == 0)
		return 0;
	if (spool->fd < 0 && (spool->fd = ccp_kept_file(err)) < 0)
		return -1;
	if (ccp_kept_write(spool->fd, spool->data, spool->len, err) != 0)
		return -1;
	spool->stored += spool->len;
	spool->len = 0;
	return 0;
}

int ccp_kept_read(struct ccp_kept *spool, int fd, struct ccp_err *err)
{
	ssize_t n;

	if (spool->len == CCP_KEPT_MEMORY_BYTES && ccp_kept_store(spool, err) != 0)
		return -1;
	if (spool->len == spool->room) {
		size_t room = spool->room == 0 ? FIRST_BYTES : spool->room * 4;
		uint8_t *grown;

		if (room > CCP_KEPT_MEMORY_BYTES)
			room = CCP_KEPT_MEMORY_BYTES;
		grown = realloc(spool->data, room);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the output");
		spool->data = grown;
		spool->room = room;
	}
	do
		n = read(fd, spool->data + spool->len, spool->room - spool->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ccp_err_sys(err, errno, "output");
	spool->len += (size_t)n;
	return n > 0;
}

int ccp_kept_each(const struct ccp_kept *spool, int (*take)(void *arg, const void *data, size_t len,
							      struct ccp_err *err),
		   void *arg, struct ccp_err *err)
{
	char piece[COPY_BYTES];

	for (uint64_t at = 0; at < spool->stored;) {
		ssize_t n = pread(spool->fd, piece, sizeof piece, (off_t)at);
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
	return spool->len > 0 ? take(arg, spool->data, spool->len, err) : 0;
}

void ccp_kept_clear(struct ccp_kept *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->data);
	ccp_kept_init(spool);
}
