/*
 * spool.c: see spool.h.
 *
 * As soon as something does not fit in the memory all goes to the file, and what follows directly.
 */
#include "pipeline/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/nameless.h"
#include "pipeline/output.h"

#define NAME "the temporary file"

int ccp_spool_init(struct ccp_spool *spool, size_t room, struct ccp_err *err)
{
	*spool = (struct ccp_spool){ .memory = malloc(room), .room = room, .fd = -1 };
	return spool->memory != NULL ? 0 : ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
}

void ccp_spool_release(struct ccp_spool *spool)
{
	ccp_spool_clear(spool);
	free(spool->memory);
	spool->memory = NULL;
}

static int open_file(struct ccp_err *err)
{
	const char *dir = ccp_nameless_dir("/var/tmp");
	int fd = ccp_nameless_open(dir);

	return fd >= 0 ? fd : ccp_err_sys(err, errno, "making a temporary file in %s", dir);
}

int ccp_spool_write(struct ccp_spool *spool, const void *data, size_t len, struct ccp_err *err)
{
	if (spool->len + len <= spool->room) {
		memcpy(spool->memory + spool->len, data, len);
		spool->len += len;
		return 0;
	}
	if (spool->len <= spool->room) {
		if (spool->fd < 0)
			spool->fd = open_file(err);
		if (spool->fd < 0 || ccp_output_write(spool->fd, NAME, spool->memory, (size_t)spool->len, err) != 0)
			return -1;
	}
	if (ccp_output_write(spool->fd, NAME, data, len, err) != 0)
		return -1;
	spool->len += len;
	return 0;
}

int ccp_spool_send(struct ccp_spool *spool,
		   int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err), void *arg,
		   struct ccp_err *err)
{
	if (spool->len <= spool->room)
		return spool->len > 0 ? put(arg, spool->memory, (size_t)spool->len, err) : 0;
	for (uint64_t at = 0; at < spool->len;) {
		ssize_t n = pread(spool->fd, spool->memory, spool->room, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n < 0 ? errno : EIO, "reading " NAME);
		if (put(arg, spool->memory, (size_t)n, err) != 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

void ccp_spool_clear(struct ccp_spool *spool)
{
	spool->len = 0;
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
}
