/*
 * bgzf_index.c: the index of blocked gzip, from the lengths that its blocks tell.
 *
 * The last four bytes of a block are the length of its content, and right behind them is the header of the next one:
 * one read gets both. The number of entries comes first in the index and is known last.
 */
#include <sys/types.h>

#include "pipeline/codec/bgzf.h"
#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/index_io.h"

#define NUMBER 8u            /* bytes of a number in the index */
#define ENTRIES_AT_ONCE 256u
#define LEAST_BLOCK (CCP_BGZF_HEADER_BYTES + CCP_GZIP_TRAILER_BYTES)

/* The index on its way out. */
struct index {
	int to;
	uint64_t entries;
	off_t at;
	size_t len;
	uint8_t data[ENTRIES_AT_ONCE * 2 * NUMBER];
};

static void number_put(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < NUMBER; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static int flush(struct index *x, struct ccp_err *err)
{
	if (ccp_index_write_at(x->to, x->data, x->len, (uint64_t)x->at, "", err) != 0)
		return -1;
	x->at += (off_t)x->len;
	x->len = 0;
	return 0;
}

static int entry_put(struct index *x, uint64_t stored, uint64_t plain, struct ccp_err *err)
{
	number_put(x->data + x->len, stored);
	number_put(x->data + x->len + NUMBER, plain);
	x->len += 2 * NUMBER;
	x->entries++;
	return x->len == sizeof x->data ? flush(x, err) : 0;
}

/* The length of the block with this header, or 0 if it is none. */
static size_t block_bytes(const uint8_t *header)
{
	static const uint8_t extra[] = { 6, 0, 'B', 'C', 2, 0 };
	size_t bytes = ((size_t)header[16] | (size_t)header[17] << 8) + 1;

	if (header[0] != 0x1f || header[1] != 0x8b || header[2] != 8 || header[3] != CCP_GZIP_FEXTRA ||
	    memcmp(header + 10, extra, sizeof extra) != 0)
		return 0;
	return bytes > LEAST_BLOCK ? bytes : 0;
}

int ccp_bgzf_index(int fd, int to, struct ccp_err *err)
{
	struct index x = { .to = to, .at = NUMBER };
	uint8_t seam[4 + CCP_BGZF_HEADER_BYTES] = { 0 }; /* the end of a block and the beginning of the next */
	uint64_t stored = 0, plain = 0;
	ssize_t n = ccp_index_read_at(fd, seam + 4, CCP_BGZF_HEADER_BYTES, 0, err);

	if (n < 0)
		return -1;
	for (n += 4; n > 4;) {
		size_t bytes = n == sizeof seam ? block_bytes(seam + 4) : 0;
		uint64_t begin = stored, content;

		if (bytes == 0)
			return ccp_err_at(err, CCP_E_FORMAT, stored, "not a block of blocked gzip");
		stored += bytes;
		n = ccp_index_read_at(fd, seam, sizeof seam, stored - 4, err);
		if (n < 0)
			return -1;
		if (n < 4)
			return ccp_err_at(err, CCP_E_FORMAT, begin, "a block is cut short");
		content = ccp_le32(seam);
		if (begin > 0 && content > 0 && entry_put(&x, begin, plain, err) != 0)
			return -1;
		plain += content;
	}
	number_put(seam, x.entries);
	return flush(&x, err) != 0 || ccp_index_write_at(to, seam, NUMBER, 0, "", err) != 0 ? -1 : 0;
}
