/* upload_spool.c: see upload_spool.h. A spool that has a file has all of its bytes there. */
#include "pipeline/net/upload_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int ccp_upload_read(const struct ccp_spool *spool, uint64_t at, void *data, size_t len, struct ccp_err *err)
{
	char *to = data;

	if (spool->fd < 0) {
		if (len > 0)
			memcpy(to, spool->memory + at, len);
		return 0;
	}
	while (len > 0) {
		ssize_t n = pread(spool->fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n < 0 ? errno : EIO, "reading a temporary file");
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

void ccp_upload_forget(const struct ccp_spool *spool, uint64_t at, uint64_t len)
{
	if (spool->fd >= 0 && len > 0)
		(void)fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len);
}
