/*
 * block.c: memfd_create(2), and a temporary file in its place once it has grown large.
 */
#include "pipeline/command/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/command/kept.h"

#define COPY_BYTES ((size_t)64 << 10)

struct ccp_block *ccp_block_new(const char *name, uint64_t at, struct ccp_err *err)
{
	size_t len = strlen(name) + 1;
	struct ccp_block *block = malloc(sizeof *block + len);

	if (block == NULL) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a block");
		return NULL;
	}
	*block = (struct ccp_block){ .at = at, .fd = memfd_create("ccpipe", MFD_CLOEXEC) };
	memcpy(block->name, name, len);
	if (block->fd >= 0)
		return block;
	ccp_err_sys(err, errno, "memfd_create");
	free(block);
	return NULL;
}

void ccp_block_drop(struct ccp_block *block)
{
	if (block->fd >= 0)
		close(block->fd);
	block->fd = -1;
}

void ccp_block_free(struct ccp_block *block)
{
	if (block == NULL)
		return;
	ccp_block_drop(block);
	free(block);
}

/* Reads bytes that are there. */
static int read_at(const struct ccp_block *block, uint8_t *to, size_t len, uint64_t at, struct ccp_err *err)
{
	while (len > 0) {
		ssize_t n = pread(block->fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n < 0 ? errno : EIO, "block");
		to += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int move_to_disk(struct ccp_block *block, struct ccp_err *err)
{
	uint8_t piece[COPY_BYTES];
	int fd = ccp_kept_file(err);

	if (fd < 0)
		return -1;
	for (uint64_t at = 0, len; at < block->len; at += len) {
		len = block->len - at < sizeof piece ? block->len - at : sizeof piece;
		if (read_at(block, piece, (size_t)len, at, err) != 0 ||
		    ccp_kept_write(fd, piece, (size_t)len, err) != 0) {
			close(fd);
			return -1;
		}
	}
	close(block->fd);
	block->fd = fd;
	block->stored = true;
	return 0;
}

int ccp_block_add(struct ccp_block *block, const void *data, size_t len, struct ccp_err *err)
{
	if (!block->stored && block->len + len > CCP_BLOCK_MEMORY_BYTES && move_to_disk(block, err) != 0)
		return -1;
	if (ccp_kept_write(block->fd, data, len, err) != 0)
		return -1;
	block->len += len;
	return 0;
}

int ccp_block_cut(struct ccp_block *block, struct ccp_err *err)
{
	uint8_t piece[COPY_BYTES];
	uint64_t keep = block->len;

	while (keep > 0) {
		size_t len = keep < sizeof piece ? (size_t)keep : sizeof piece;
		const uint8_t *end;

		if (read_at(block, piece, len, keep - len, err) != 0)
			return -1;
		end = memrchr(piece, '\n', len);
		keep -= len;
		if (end != NULL) {
			keep += (size_t)(end - piece) + 1;
			break;
		}
	}
	if (ftruncate(block->fd, (off_t)keep) != 0)
		return ccp_err_sys(err, errno, "block");
	block->len = keep;
	return 0;
}

int ccp_block_rewind(struct ccp_block *block, struct ccp_err *err)
{
	return lseek(block->fd, 0, SEEK_SET) == 0 ? 0 : ccp_err_sys(err, errno, "block");
}
