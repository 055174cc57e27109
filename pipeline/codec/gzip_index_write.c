/*
 * gzip_index_write.c: decodes a gzip file from its beginning to its end, and notes places on the way.
 *
 * The first block of the file is a place. After that, once `spacing` bytes have been decoded since the last place, the
 * decoder is told to stop at the next block boundary, which is one again: in the middle of a member it goes with the
 * window, at the first block of one it needs none. Members are checked as gunzip does. The places are written as they
 * come; their number, which stands in front of them, at the end.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <zlib.h>

#include "pipeline/codec/crc.h"
#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/gzip_index.h"
#include "pipeline/codec/gzip_index_format.h"
#include "pipeline/codec/index_io.h"

#define IN_BYTES (128u << 10)
#define OUT_BYTES (256u << 10)
#define WRITING "writing the index"

struct writer {
	/* the file: in[0, in_len) is what stands at in_at, and `used` bytes of that have been taken */
	int fd;
	uint64_t in_at;
	size_t in_len, used;

	/* what was decoded */
	struct ccp_inflate inflate;
	uint64_t plain, lines;
	uint64_t member_at;     /* `plain` at the beginning of the member */
	uint32_t crc;           /* of the member so far */
	uint8_t last_byte;

	/* the index */
	int index_fd;
	uint64_t index_at;      /* length of it so far */
	uint64_t spacing, places, last_place; /* last_place: `plain` there */

	bool (*stop)(void *arg);
	void *arg;
	uint8_t in[IN_BYTES], out[OUT_BYTES], place[CCP_INDEX_PLACE_BYTES + CCP_INDEX_PACKED_MAX + 8];
};

/* ---- the file --------------------------------------------------------------------------------------------------- */

static uint64_t position(const struct writer *w)
{
	return w->in_at + w->used;
}

/* Makes sure that there is something to take. Returns 1, 0 at the end of the file, -1 on an error. */
static int fill(struct writer *w, struct ccp_err *err)
{
	ssize_t n;

	if (w->used < w->in_len)
		return 1;
	w->in_at += w->in_len;
	w->in_len = w->used = 0;
	n = ccp_index_read_at(w->fd, w->in, sizeof w->in, w->in_at, err);
	if (n < 0)
		return -1;
	w->in_len = (size_t)n;
	return n > 0;
}

/* Goes back by a few bytes, of which some may have left the buffer. */
static void go_back(struct writer *w, size_t bytes)
{
	if (bytes <= w->used) {
		w->used -= bytes;
		return;
	}
	w->in_at = position(w) - bytes;
	w->in_len = w->used = 0;
}

/* Takes up to `len` bytes. Returns how many there were, -1 on an error. */
static int take(struct writer *w, uint8_t *to, int len, struct ccp_err *err)
{
	for (int i = 0; i < len; i++) {
		int more = fill(w, err);

		if (more <= 0)
			return more < 0 ? -1 : i;
		to[i] = w->in[w->used++];
	}
	return len;
}

static int truncated(const struct writer *w, struct ccp_err *err)
{
	return ccp_err_at(err, CCP_E_TRUNCATED, position(w), "unexpected end of file");
}

/* ---- the index -------------------------------------------------------------------------------------------------- */

/* Writes the place that the decoder has stopped at. */
static int put_place(struct writer *w, struct ccp_err *err)
{
	const struct ccp_inflate *inflate = &w->inflate;
	uint64_t bit = position(w) * 8 - inflate->bits_held - 8 * (uint64_t)inflate->head_len, in = (bit + 7) / 8;
	uLongf packed = 0;
	uint8_t *p = w->place;

	if (inflate->window_len > 0) {
		packed = CCP_INDEX_PACKED_MAX;
		if (compress2(p + CCP_INDEX_PLACE_BYTES, &packed, inflate->window, inflate->window_len,
			      Z_BEST_COMPRESSION) != Z_OK)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	p = ccp_be_put(p, w->plain, 8);
	p = ccp_be_put(p, in, 8);
	p = ccp_be_put(p, in * 8 - bit, 4);
	p = ccp_be_put(p, packed, 4);
	p = ccp_be_put(p + packed, w->lines + 1, 8);
	if (ccp_index_write_at(w->index_fd, w->place, (size_t)(p - w->place), w->index_at, WRITING, err) != 0)
		return -1;
	w->index_at += (uint64_t)(p - w->place);
	w->places++;
	w->last_place = w->plain;
	return 0;
}

static int put_rest(struct writer *w, struct ccp_err *err)
{
	uint8_t header[CCP_INDEX_HEADER_BYTES], *p = header;
	uint8_t end[16];
	bool open_line = w->plain > 0 && w->last_byte != '\n';

	memcpy(p, CCP_INDEX_MAGIC, CCP_INDEX_MAGIC_BYTES);
	p[CCP_INDEX_MAGIC_BYTES] = 'X';
	p = ccp_be_put(p + CCP_INDEX_MAGIC_BYTES + 1, 0, 4);
	ccp_be_put(ccp_be_put(p, w->places, 8), w->places, 8);
	ccp_be_put(ccp_be_put(end, w->plain, 8), w->lines + open_line, 8);
	return ccp_index_write_at(w->index_fd, end, sizeof end, w->index_at, WRITING, err) != 0 ||
	       ccp_index_write_at(w->index_fd, header, sizeof header, 0, WRITING, err) != 0 ? -1 : 0;
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

#define ONES UINT64_C(0x0101010101010101)
#define LOW7 (ONES * 0x7f)

/* Eight bytes at a time: each of them counts by itself, for as long as it cannot overflow. */
static uint64_t count_lines(const uint8_t *data, size_t len)
{
	uint64_t lines = 0;

	while (len >= 8) {
		size_t words = len / 8 < 255 ? len / 8 : 255;
		uint64_t sums = 0;

		for (size_t i = 0; i < words; i++, data += 8) {
			uint64_t x;

			memcpy(&x, data, 8);
			x ^= ONES * '\n';
			sums += ~(((x & LOW7) + LOW7) | x | LOW7) >> 7; /* 1 in each byte that is 0 now */
		}
		len -= words * 8;
		for (; sums > 0; sums >>= 8)
			lines += sums & 0xff;
	}
	for (; len > 0; len--)
		lines += *data++ == '\n';
	return lines;
}

static void count(struct writer *w, size_t len)
{
	if (len == 0)
		return;
	w->crc = ccp_crc32(w->crc, w->out, len);
	w->lines += count_lines(w->out, len);
	w->plain += len;
	w->last_byte = w->out[len - 1];
}

static int trailer(struct writer *w, struct ccp_err *err)
{
	uint8_t data[CCP_GZIP_TRAILER_BYTES];
	int n = take(w, data, sizeof data, err);

	if (n < 0)
		return -1;
	if (n < (int)sizeof data)
		return truncated(w, err);
	if (ccp_le32(data) != w->crc)
		return ccp_err_at(err, CCP_E_CRC, position(w) - 8, "invalid compressed data--crc error");
	if (ccp_le32(data + 4) != (uint32_t)(w->plain - w->member_at))
		return ccp_err_at(err, CCP_E_LENGTH, position(w) - 4, "invalid compressed data--length error");
	return 0;
}

/* One step of the decoder. Returns 1 at the end of the member's blocks, 0 to go on, -1 on an error. */
static int step(struct writer *w, struct ccp_err *err)
{
	uint64_t since = w->plain - w->last_place;
	bool due = w->places == 0 || since >= w->spacing;
	struct ccp_inflate_io io = { .out = w->out, .out_len = sizeof w->out, .stop_next = due };
	int more = fill(w, err);
	enum ccp_inflate_status status;

	if (more < 0)
		return -1;
	io.in = w->in + w->used;
	io.in_len = w->in_len - w->used;
	if (!due && w->spacing - since < io.out_len)
		io.out_len = (size_t)(w->spacing - since);
	status = ccp_inflate_step(&w->inflate, &io);
	w->used = w->in_len - io.in_len;
	count(w, (size_t)(io.out - w->out));
	switch (status) {
	case CCP_INFLATE_END:
		go_back(w, io.held_len);
		return 1;
	case CCP_INFLATE_STOP:
		return put_place(w, err);
	case CCP_INFLATE_INPUT:
		return more == 0 ? truncated(w, err) : 0;
	case CCP_INFLATE_ERROR:
		return ccp_err_at(err, CCP_E_FORMAT, position(w) - io.before,
				  "invalid compressed data--format violated (%s)", io.wrong);
	default:
		return 0;
	}
}

static int skip_header(struct writer *w, struct ccp_err *err)
{
	struct ccp_gzip_header header = { 0 };
	int done = 0;

	while (done == 0) {
		int more = fill(w, err);
		size_t used;

		if (more < 0)
			return -1;
		if (more == 0)
			return truncated(w, err);
		done = ccp_gzip_header_read(&header, w->in + w->used, w->in_len - w->used, position(w), &used, err);
		w->used += done < 0 ? 0 : used;
	}
	return done < 0 ? -1 : 0;
}

static int member(struct writer *w, struct ccp_err *err)
{
	int done = 0;

	if (skip_header(w, err) != 0)
		return -1;
	ccp_inflate_start(&w->inflate);
	w->crc = 0;
	w->member_at = w->plain;
	while (done == 0) {
		if (w->stop != NULL && w->stop(w->arg))
			return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		done = step(w, err);
	}
	return done < 0 ? -1 : trailer(w, err);
}

/* What follows the last member: zeros may, and anything else is told. Returns 0, -1 on an error of the file. */
static int padding(struct writer *w, struct ccp_err *err)
{
	int more;

	while ((more = fill(w, err)) > 0) {
		while (w->used < w->in_len && w->in[w->used] == 0)
			w->used++;
		if (w->used < w->in_len) {
			ccp_err_at(err, CCP_W_TRAILING, position(w), "trailing garbage ignored");
			return 0;
		}
	}
	return more;
}

/* Member after member; after the first one, what gunzip ignores is ignored. */
static int decode(struct writer *w, struct ccp_err *err)
{
	for (bool first = true;; first = false) {
		uint8_t magic[2];
		int n = take(w, magic, sizeof magic, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return first ? truncated(w, err) : 0;
		if (n == 1 && magic[0] != 0)
			return truncated(w, err);
		go_back(w, (size_t)n);
		if (n == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
			if (member(w, err) != 0)
				return -1;
			continue;
		}
		/* gunzip knows these formats and refuses the file, also if they follow a member */
		if (n == 2 && magic[0] == 0x1f && (magic[1] == 0x9d || magic[1] == 0x1e || magic[1] == 0xa0))
			return ccp_err_at(err, CCP_E_UNSUPPORTED, position(w), "not in gzip format");
		if (first)
			return ccp_err_at(err, CCP_E_NOT_GZIP, 0, "not in gzip format");
		return padding(w, err);
	}
}

int ccp_index_write(int fd, int index_fd, uint64_t spacing, bool (*stop)(void *arg), void *arg, struct ccp_err *err)
{
	struct writer *w = malloc(sizeof *w);
	int result;

	ccp_err_clear(err);
	if (w == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	memset(w, 0, offsetof(struct writer, in));
	w->fd = fd;
	w->index_fd = index_fd;
	w->index_at = CCP_INDEX_HEADER_BYTES;
	w->spacing = spacing > 0 ? spacing : 1;
	w->stop = stop;
	w->arg = arg;
	result = decode(w, err);
	if (result == 0)
		result = put_rest(w, err);
	free(w);
	return result;
}
