/*
 * ends_file.c: where the last lines of a file begin: it is read block by block from its end, blocks being aligned in
 * the file, until there is one end of a line more than lines are wanted.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/fold/ends.h"

#define BLOCK_BYTES ((off_t)32 << 10)

/* Reads a block whole. Returns how many bytes there were, or -1. */
static ssize_t read_block(int fd, uint8_t *data, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, data + done, len - done, at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int ccp_ends_locate(const struct ccp_ends_want *want, int fd, off_t from, off_t to, off_t *at)
{
	uint8_t data[BLOCK_BYTES];
	uint64_t ends = 0;

	*at = from;
	if (want->bytes) {
		if ((uint64_t)(to - from) > want->count)
			*at = to - (off_t)want->count;
		return 0;
	}
	*at = to;
	if (want->count == 0)
		return 0;
	for (off_t end = to; end > from;) {
		off_t begin = (end - 1) / BLOCK_BYTES * BLOCK_BYTES;
		ssize_t len;

		if (begin < from)
			begin = from;
		len = read_block(fd, data, (size_t)(end - begin), begin);
		if (len < 0)
			return -1;
		if (end == to && len > 0 && data[len - 1] != (uint8_t)want->end)
			ends++; /* a line without an end */
		while (len > 0) {
			const uint8_t *found = memrchr(data, want->end, (size_t)len);

			len = found != NULL ? found - data : 0;
			if (found != NULL && ends++ == want->count) {
				*at = begin + len + 1;
				return 0;
			}
		}
		end = begin;
	}
	*at = from;
	return 0;
}
