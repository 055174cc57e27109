/*
 * spill.c: see spill.h. Blocks are packed one by one, so that a reader needs no more than the one it looks at, and are
 * written and read many at a time. What LZ4 makes hardly smaller is stored as it is.
 *
 * LZ4 takes 2 ns a byte for both ways, and halves the file; merging takes 5. So blocks are packed where memory is the
 * file system, and where writing is found to take longer than that, which is what it comes to on a disk as soon as the
 * kernel has as much to write as it likes to keep; but not as long as all goes to the page cache.
 */
#include "pipeline/sort/spill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>
#ifdef CCP_HAVE_LZ4
#include <lz4.h>
#endif

#include "pipeline/nameless.h"
#include "pipeline/output.h"

#define PACKED_BYTES ((size_t)256 << 10) /* written or read at once: eight blocks, or more */
#define SLOW_NS 2.0 /* a byte: 500 MB/s */
#define ACCELERATION 4 /* 5 % larger than LZ4 makes it by default, in two thirds of the time */

int ccp_spill_open(struct ccp_spill **spill, const char *dir, struct ccp_err *err)
{
	struct ccp_spill *made = calloc(1, sizeof *made);
	struct statfs fs;

	if (made != NULL)
		made->pending = malloc(CCP_SPILL_BLOCK + PACKED_BYTES);
	if (made == NULL || made->pending == NULL) {
		free(made);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a temporary file");
	}
	made->packed = made->pending + CCP_SPILL_BLOCK;
	if (dir == NULL)
		dir = ccp_nameless_dir("/tmp");
	if (dir[0] == '\0')
		dir = "/tmp";
	snprintf(made->name, sizeof made->name, "temporary file in %s", dir);
	made->fd = ccp_nameless_open(dir);
	if (made->fd < 0) {
		ccp_err_sys(err, errno, "%s", made->name);
		ccp_spill_close(made);
		return -1;
	}
	made->in_memory = fstatfs(made->fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
	*spill = made;
	return 0;
}

void ccp_spill_close(struct ccp_spill *spill)
{
	if (spill == NULL)
		return;
	if (spill->fd >= 0)
		close(spill->fd);
	free(spill->blocks);
	free(spill->pending);
	free(spill);
}

/* ---- writing ---- */

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int write_packed(struct ccp_spill *spill, struct ccp_err *err)
{
	double began = now_ns();

	if (spill->packed_len == 0)
		return 0;
	if (ccp_output_write(spill->fd, spill->name, spill->packed, spill->packed_len, err) != 0)
		return -1;
	spill->write_ns += ((now_ns() - began) / (double)spill->packed_len - spill->write_ns) / 16;
	spill->packed_len = 0;
	return 0;
}

/* Packs a block to `to`, which has room for as much. Returns its length there; `len` if it is stored as it is. */
static size_t pack(const struct ccp_spill *spill, const uint8_t *data, size_t len, uint8_t *to)
{
#ifdef CCP_HAVE_LZ4
	int packed = 0;

	if (spill->in_memory || spill->write_ns >= SLOW_NS)
		packed = LZ4_compress_fast((const char *)data, (char *)to, (int)len, (int)(len - len / 16),
					   ACCELERATION);
	if (packed > 0)
		return (size_t)packed;
#else
	(void)spill;
#endif
	memcpy(to, data, len);
	return len;
}

static int add_block(struct ccp_spill *spill, const uint8_t *data, size_t len, struct ccp_err *err)
{
	size_t packed;

	if (spill->count == spill->room) {
		size_t room = spill->room * 2 + 256;
		uint64_t *grown = reallocarray(spill->blocks, room, sizeof *grown);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a temporary file");
		spill->blocks = grown;
		spill->room = room;
	}
	if (PACKED_BYTES - spill->packed_len < len && write_packed(spill, err) != 0)
		return -1;
	packed = pack(spill, data, len, spill->packed + spill->packed_len);
	spill->blocks[spill->count++] = spill->stored << 1 | (packed == len);
	spill->packed_len += packed;
	spill->stored += packed;
	return 0;
}

int ccp_spill_write(struct ccp_spill *spill, const void *data, size_t len, struct ccp_err *err)
{
	const uint8_t *at = data;

	spill->end += len;
	while (len > 0) {
		size_t part = CCP_SPILL_BLOCK - spill->pending_len;

		if (part > len)
			part = len;
		if (part == CCP_SPILL_BLOCK) {
			if (add_block(spill, at, part, err) != 0)
				return -1;
		} else {
			memcpy(spill->pending + spill->pending_len, at, part);
			spill->pending_len += part;
			if (spill->pending_len == CCP_SPILL_BLOCK) {
				spill->pending_len = 0;
				if (add_block(spill, spill->pending, CCP_SPILL_BLOCK, err) != 0)
					return -1;
			}
		}
		at += part;
		len -= part;
	}
	return 0;
}

int ccp_spill_flush(struct ccp_spill *spill, struct ccp_err *err)
{
	size_t left = spill->pending_len;

	spill->pending_len = 0;
	if (left > 0 && add_block(spill, spill->pending, left, err) != 0)
		return -1;
	spill->end = (uint64_t)spill->count * CCP_SPILL_BLOCK;
	return write_packed(spill, err);
}

/* ---- reading ---- */

static int read_file(const struct ccp_spill *spill, uint64_t from, uint8_t *to, size_t len, struct ccp_err *err)
{
	while (len > 0) {
		ssize_t got = pread(spill->fd, to, len, (off_t)from);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ccp_err_sys(err, errno, "reading a %s", spill->name);
		if (got == 0)
			return ccp_err_set(err, CCP_E_OTHER, "a %s is shorter than it was", spill->name);
		from += (uint64_t)got;
		to += got;
		len -= (size_t)got;
	}
	return 0;
}

static uint64_t begin_of(const struct ccp_spill *spill, uint64_t block)
{
	return block < spill->count ? spill->blocks[block] >> 1 : spill->stored;
}

/*
 * Takes the first `wanted` bytes of a block apart, which lies at `packed` with `len`. Returns how many there are, or -1
 * with `err`.
 */
static ssize_t unpack(const struct ccp_spill *spill, uint64_t block, const uint8_t *packed, size_t len, uint8_t *to,
		      size_t wanted, struct ccp_err *err)
{
	if (spill->blocks[block] & 1) {
		memcpy(to, packed, len < wanted ? len : wanted);
		return (ssize_t)(len < wanted ? len : wanted);
	}
#ifdef CCP_HAVE_LZ4
	{
		int got = wanted == CCP_SPILL_BLOCK
				  ? LZ4_decompress_safe((const char *)packed, (char *)to, (int)len, (int)wanted)
				  : LZ4_decompress_safe_partial((const char *)packed, (char *)to, (int)len, (int)wanted,
								(int)CCP_SPILL_BLOCK);

		if (got >= 0)
			return got;
	}
#endif
	return ccp_err_set(err, CCP_E_OTHER, "a %s is not as it was written", spill->name);
}

/* As many whole blocks as fit in what is read at once, of `count`. Returns how many, or -1 with `err`. */
static ssize_t read_whole(const struct ccp_spill *spill, const struct ccp_spill_reader *reader, uint64_t block,
			  size_t count, uint8_t *to, struct ccp_err *err)
{
	uint8_t *packed = reader->data + CCP_SPILL_BLOCK;
	uint64_t begin = begin_of(spill, block);
	size_t blocks = 1;

	while (blocks < count && begin_of(spill, block + blocks + 1) - begin <= PACKED_BYTES)
		blocks++;
	if (read_file(spill, begin, packed, begin_of(spill, block + blocks) - begin, err) != 0)
		return -1;
	for (size_t i = 0; i < blocks; i++, to += CCP_SPILL_BLOCK) {
		uint64_t at = begin_of(spill, block + i);
		ssize_t got = unpack(spill, block + i, packed + (at - begin), begin_of(spill, block + i + 1) - at, to,
				     CCP_SPILL_BLOCK, err);

		if (got >= 0 && (size_t)got != CCP_SPILL_BLOCK)
			got = ccp_err_set(err, CCP_E_OTHER, "a %s is not as it was written", spill->name);
		if (got < 0)
			return -1;
	}
	return (ssize_t)blocks;
}

/*
 * Sees to it that the reader has the beginning of this block. At first only that is taken apart: who looks for a place
 * reads a line here and a line there.
 */
static int load(const struct ccp_spill *spill, struct ccp_spill_reader *reader, uint64_t block, size_t wanted,
		struct ccp_err *err)
{
	uint64_t begin = begin_of(spill, block);
	size_t len = begin_of(spill, block + 1) - begin;
	uint8_t *packed = reader->data + CCP_SPILL_BLOCK;
	ssize_t got;

	if (reader->of == spill && reader->block == block + 1) {
		if (wanted <= reader->len)
			return 0;
		wanted = CCP_SPILL_BLOCK;
	}
	reader->block = 0;
	if (read_file(spill, begin, packed, len, err) != 0)
		return -1;
	got = unpack(spill, block, packed, len, reader->data, wanted, err);
	if (got < 0)
		return -1;
	reader->of = spill;
	reader->block = block + 1;
	reader->len = (size_t)got;
	return 0;
}

int ccp_spill_read(const struct ccp_spill *spill, struct ccp_spill_reader *reader, uint64_t from, void *to, size_t len,
		   struct ccp_err *err)
{
	uint8_t *out = to;

	if (reader->data == NULL) {
		reader->data = malloc(CCP_SPILL_BLOCK + PACKED_BYTES);
		if (reader->data == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to read a %s", spill->name);
	}
	while (len > 0) {
		uint64_t block = from / CCP_SPILL_BLOCK;
		size_t at = from % CCP_SPILL_BLOCK, part = CCP_SPILL_BLOCK - at;

		if (at == 0 && len >= CCP_SPILL_BLOCK) {
			ssize_t blocks = read_whole(spill, reader, block, len / CCP_SPILL_BLOCK, out, err);

			if (blocks < 0)
				return -1;
			part = (size_t)blocks * CCP_SPILL_BLOCK;
		} else {
			if (part > len)
				part = len;
			if (load(spill, reader, block, at + part, err) != 0)
				return -1;
			if (at + part > reader->len)
				return ccp_err_set(err, CCP_E_OTHER, "a %s is not as it was written", spill->name);
			memcpy(out, reader->data + at, part);
		}
		from += part;
		out += part;
		len -= part;
	}
	return 0;
}

void ccp_spill_reader_free(struct ccp_spill_reader *reader)
{
	free(reader->data);
	*reader = (struct ccp_spill_reader){ 0 };
}
