/*
 * index_help.h: what the tests of the index share: files in memory, gzip files of several members, and their index.
 */
#ifndef CCP_TESTS_UNIT_INDEX_HELP_H
#define CCP_TESTS_UNIT_INDEX_HELP_H

#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/inflate_help.h"

#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/gzip_index.h"

/* Bytes of gztool's index, the kind with lines: before the first place, and of a place without window and line. */
#define HEADER 36u
#define POINT 24u

static inline int help_fd(struct bytes b)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(pwrite(fd, b.data, b.len, 0), (ssize_t)b.len);
	return fd;
}

static inline struct bytes help_contents(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	struct bytes b = { help_alloc((size_t)len), (size_t)len, (size_t)len };

	cr_assert_eq(pread(fd, b.data, b.len, 0), (ssize_t)b.len);
	return b;
}

/* A member whose header has a name, so that headers have several lengths. */
static inline void add_member(struct bytes *file, struct bytes plain, unsigned kind)
{
	uint8_t header[10] = { 0x1f, 0x8b, 8, kind % 2 ? CCP_GZIP_FNAME : 0 }, trailer[8];
	struct bytes raw = help_stream(plain, kind);
	uint32_t crc = (uint32_t)crc32(0, plain.data, (uInt)plain.len);

	for (unsigned i = 0; i < 4; i++) {
		trailer[i] = (uint8_t)(crc >> 8 * i);
		trailer[4 + i] = (uint8_t)(plain.len >> 8 * i);
	}
	help_append(file, header, sizeof header);
	if (kind % 2)
		help_append(file, "a name", 1 + kind % 6), help_append(file, "", 1);
	help_append(file, raw.data, raw.len);
	help_append(file, trailer, sizeof trailer);
	free(raw.data);
}

static inline struct bytes make_index(struct bytes file, uint64_t spacing)
{
	int fd = help_fd(file), to = memfd_create("index", MFD_CLOEXEC);
	struct ccp_err err;
	struct bytes index;

	cr_assert_eq(ccp_index_write(fd, to, spacing, NULL, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);
	index = help_contents(to);
	close(fd);
	close(to);
	return index;
}

static inline uint64_t be(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

#endif
