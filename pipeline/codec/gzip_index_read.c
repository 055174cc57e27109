/*
 * gzip_index_read.c: finds a place in an index, without holding more of it than a few kilobytes.
 *
 * bgzip's pairs are all of one length and searched by halving. gztool's places are not: they are walked from the first
 * on, with one small read for each, passing over the windows; only the window of the place that was found is decoded.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <zlib.h>

#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/gzip_index.h"
#include "pipeline/codec/gzip_index_format.h"
#include "pipeline/codec/index_io.h"

#define READ_BYTES 4096u /* at once: a line number and the next place, or some places with short windows */

/* An index and a part of it. */
struct index {
	int fd;
	uint64_t bytes;
	uint64_t at; /* of what is in `data` */
	size_t len;
	uint8_t data[READ_BYTES];
};

/* Where the places of gztool's index stand, and what kind it is. */
struct walk {
	uint64_t at, places;
	bool lines;   /* each place has a number of a line */
	bool newline; /* and those are what we call lines */
};

/* One of them. */
struct point {
	uint64_t in, out, line;
	uint64_t at;     /* in the index: of its window */
	uint32_t bits, packed; /* packed: length of the window there */
};

static int damaged(struct ccp_err *err, uint64_t at)
{
	return ccp_err_at(err, CCP_E_FORMAT, at, "the index is damaged");
}

static int cut_short(struct ccp_err *err, uint64_t at)
{
	return ccp_err_at(err, CCP_E_FORMAT, at, "the index is cut short");
}

/* The `len` bytes at `at`, at most READ_BYTES; NULL on an error. They stay until the next call. */
static const uint8_t *get(struct index *x, uint64_t at, size_t len, struct ccp_err *err)
{
	ssize_t n;

	if (at > x->bytes || len > x->bytes - at) {
		cut_short(err, x->bytes);
		return NULL;
	}
	if (at >= x->at && at - x->at <= x->len && len <= x->len - (at - x->at))
		return x->data + (at - x->at);
	x->len = 0;
	n = ccp_index_read_at(x->fd, x->data, READ_BYTES, at, err);
	if (n < 0)
		return NULL;
	x->at = at;
	x->len = (size_t)n;
	if (x->len >= len)
		return x->data;
	cut_short(err, at + x->len); /* it became shorter after it was opened */
	return NULL;
}

/* ---- bgzip's ---------------------------------------------------------------------------------------------------- */

#define PAIR_BYTES 16u
#define PAIRS_AT 8u

static int find_pair(struct index *x, bool by_line, uint64_t where, struct ccp_index_place *place,
		     struct ccp_err *err)
{
	const uint8_t *p = get(x, 0, PAIRS_AT, err);
	uint64_t low = 0, high;

	if (p == NULL)
		return -1;
	high = ccp_le64(p);
	if (x->bytes % PAIR_BYTES != PAIRS_AT || high != x->bytes / PAIR_BYTES)
		return ccp_err_at(err, CCP_E_FORMAT, 0, "not an index of a gzip file, or damaged");
	/* all pairs before `low` are at or before `where`, all from `high` on after it */
	while (!by_line && low < high) {
		uint64_t middle = low + (high - low) / 2;

		p = get(x, PAIRS_AT + middle * PAIR_BYTES, PAIR_BYTES, err);
		if (p == NULL)
			return -1;
		if (ccp_le64(p + 8) <= where)
			low = middle + 1;
		else
			high = middle;
	}
	if (by_line || low == 0)
		return 0;
	p = get(x, PAIRS_AT + (low - 1) * PAIR_BYTES, PAIR_BYTES, err);
	if (p == NULL)
		return -1;
	place->in = ccp_le64(p);
	place->out = ccp_le64(p + 8);
	place->bits = 0;
	place->line = 0;
	place->has_line = false;
	place->member = true;
	place->window_len = 0;
	return place->in > 0 && place->in <= INT64_MAX ? 1 : damaged(err, PAIRS_AT + (low - 1) * PAIR_BYTES);
}

/* ---- gztool's --------------------------------------------------------------------------------------------------- */

static int read_header(struct index *x, struct walk *w, struct ccp_err *err)
{
	uint64_t at = CCP_INDEX_MAGIC_BYTES + 1;
	const uint8_t *p = get(x, 0, at, err);

	if (p == NULL)
		return -1;
	w->lines = p[at - 1] == 'X';
	if (!w->lines && p[at - 1] != 'x')
		return damaged(err, at - 1);
	w->newline = false;
	if (w->lines) {
		p = get(x, at, 4, err);
		if (p == NULL)
			return -1;
		if (ccp_be_get(p, 4) > 1)
			return damaged(err, at);
		w->newline = ccp_be_get(p, 4) == 0;
		at += 4;
	}
	p = get(x, at, 16, err);
	if (p == NULL)
		return -1;
	w->places = ccp_be_get(p, 8);
	if (w->places != ccp_be_get(p + 8, 8))
		return ccp_err_at(err, CCP_E_FORMAT, at, "the index is not complete");
	if (w->places > x->bytes / CCP_INDEX_PLACE_BYTES)
		return damaged(err, at);
	w->at = at + 16;
	return 0;
}

/* Reads the place at w->at, which comes after `last`, and goes on to the next. */
static int read_point(struct index *x, struct walk *w, const struct point *last, struct point *point,
		      struct ccp_err *err)
{
	const uint8_t *p = get(x, w->at, CCP_INDEX_PLACE_BYTES, err);

	if (p == NULL)
		return -1;
	point->out = ccp_be_get(p, 8);
	point->in = ccp_be_get(p + 8, 8);
	point->bits = (uint32_t)ccp_be_get(p + 16, 4);
	point->packed = (uint32_t)ccp_be_get(p + 20, 4);
	point->at = w->at + CCP_INDEX_PLACE_BYTES;
	point->line = last->line;
	if (point->out < last->out || point->in < last->in || point->in == 0 || point->in > INT64_MAX ||
	    point->bits > 7 || point->packed > CCP_INDEX_PACKED_MAX)
		return damaged(err, w->at);
	w->at = point->at + point->packed;
	if (w->lines) {
		p = get(x, w->at, 8, err);
		if (p == NULL)
			return -1;
		point->line = ccp_be_get(p, 8);
		if (point->line < last->line || point->line == 0)
			return damaged(err, w->at);
		w->at += 8;
	}
	return 0;
}

static int unpack(const struct index *x, const struct point *point, struct ccp_index_place *place, struct ccp_err *err)
{
	uint8_t packed[CCP_INDEX_PACKED_MAX];
	uLongf len = sizeof place->window;
	ssize_t n;

	place->window_len = 0;
	if (point->packed == 0)
		return 0;
	n = ccp_index_read_at(x->fd, packed, point->packed, point->at, err);
	if (n < 0)
		return -1;
	if ((size_t)n < point->packed)
		return cut_short(err, point->at + (size_t)n);
	switch (uncompress(place->window, &len, packed, point->packed)) {
	case Z_OK:
		place->window_len = len;
		return 0;
	case Z_MEM_ERROR:
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	default:
		return damaged(err, point->at);
	}
}

static int find_point(struct index *x, bool by_line, uint64_t where, struct ccp_index_place *place,
		      struct ccp_err *err)
{
	struct point last = { .in = 0 }, next, found = { .in = 0 };
	struct walk w = { .at = 0 };

	if (read_header(x, &w, err) != 0)
		return -1;
	if (by_line && !w.newline)
		return 0;
	for (uint64_t i = 0; i < w.places; i++, last = next) {
		if (read_point(x, &w, &last, &next, err) != 0)
			return -1;
		if (by_line ? next.line > where : next.out > where)
			break;
		found = next;
	}
	if (found.out == 0)
		return 0;
	place->in = found.in;
	place->out = found.out;
	place->bits = found.bits;
	place->has_line = w.newline;
	place->line = w.newline ? found.line - 1 : 0;
	place->member = false;
	return unpack(x, &found, place, err) == 0 ? 1 : -1;
}

int ccp_index_find(int index_fd, bool by_line, uint64_t where, struct ccp_index_place *place, struct ccp_err *err)
{
	struct index x = { .fd = index_fd };
	const uint8_t *p;
	struct stat st;

	if (fstat(index_fd, &st) != 0)
		return ccp_err_sys(err, errno, "%s", "");
	x.bytes = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	p = get(&x, 0, x.bytes < CCP_INDEX_MAGIC_BYTES ? 0 : CCP_INDEX_MAGIC_BYTES, err);
	if (p == NULL)
		return -1;
	if (x.len >= CCP_INDEX_MAGIC_BYTES && memcmp(p, CCP_INDEX_MAGIC, CCP_INDEX_MAGIC_BYTES) == 0)
		return find_point(&x, by_line, where, place, err);
	return find_pair(&x, by_line, where, place, err);
}
