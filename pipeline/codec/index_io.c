/* index_io.c: pread and pwrite until all is done: a signal or a short result ends neither. */
#include "pipeline/codec/index_io.h"

#include <errno.h>
#include <unistd.h>

ssize_t ccp_index_read_at(int fd, uint8_t *data, size_t len, uint64_t at, struct ccp_err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, data + have, len - have, (off_t)(at + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ccp_err_sys(err, errno, "%s", "");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int ccp_index_write_at(int fd, const uint8_t *data, size_t len, uint64_t at, const char *what, struct ccp_err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ccp_err_sys(err, errno, "%s", what);
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}
