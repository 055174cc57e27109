/*
 * gunzip.c: decompression of gzip streams: members one behind the other, then perhaps zeros or garbage.
 *
 * A machine in the carry goes through START (what is this?), HEADER, BODY, TRAILER and BETWEEN (another member,
 * padding, garbage?). It may be cut at any byte. Its input is a cursor over first the bytes that the decoder gave
 * back, if any, then the piece. What to do in doubtful cases follows GNU gzip 1.12, found by experiment:
 * - after a member only zeros: silent; zeros and then something else: garbage, a warning;
 * - after a member 1f 8b: a member, whose bad header is an error and not garbage;
 * - a single byte that is not zero, at the start or after a member: unexpected end of file;
 * - with passthrough (zcat -f) all that is not 1f 8b is copied, also after a member.
 *
 * For a piece whose turn has not come, ahead() decodes from the first block or member that seems to begin in it
 * (codec/gzip_ahead.h). When the machine comes to that place, and there is a boundary just there, it takes over what
 * was decoded; else it was wrong, and nobody knows of it.
 */
#include "pipeline/transform.h"

#include <stdlib.h>

#include "pipeline/transform/gunzip_range.h"
#include "pipeline/transform/gunzip_run.h"

/*
 * Measured: the larger a piece, the smaller the part of it that is decoded before its window is known, which is dearer;
 * with 512 KiB the memory of two workers stays below 64 MiB. A ratio of up to 8 needs one call of map for each piece.
 */
#define DEFAULT_CHUNK ((size_t)512 << 10)
#define OUT_PER_CHUNK 8u
#define MIN_OUT ((size_t)64 << 10)
#define MAX_CHUNK ((size_t)64 << 20)

static int gunzip_need(const struct ccp_transform_options *options, struct ccp_transform_need *need,
		       struct ccp_err *err)
{
	if (options->chunk_bytes > MAX_CHUNK)
		return ccp_err_set(err, CCP_E_USAGE, "chunks of %zu bytes are too large, at most %zu",
				   options->chunk_bytes, MAX_CHUNK);
	need->chunk_bytes = options->chunk_bytes ? options->chunk_bytes : DEFAULT_CHUNK;
	need->out_bytes = need->chunk_bytes * OUT_PER_CHUNK;
	if (need->out_bytes < MIN_OUT)
		need->out_bytes = MIN_OUT;
	need->spare_bytes = need->out_bytes;
	need->note_bytes = ccp_ahead_bytes(need->out_bytes);
	need->carry_bytes = sizeof(struct ccp_gunzip_carry);
	need->state_bytes = sizeof(struct ccp_gunzip);
	return 0;
}

static int gunzip_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	struct ccp_gunzip *g = calloc(1, sizeof *g);

	if (!g)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a decompressor");
	g->passthrough = options->passthrough;
	g->views = options->views;
	g->quiet = options->ignore_trailing_quietly;
	g->ranged = options->ranged;
	g->range = options->range;
	*state = g;
	return 0;
}

static void gunzip_close(void *state)
{
	free(state);
}

static bool input_ends(const struct ccp_gunzip_run *r)
{
	return r->piece->last && r->carry->held_len == 0 && r->piece->in_used == r->piece->in.len;
}

static int truncated(const struct ccp_gunzip_run *r)
{
	return ccp_err_at(&r->piece->err, CCP_E_TRUNCATED, ccp_gunzip_offset(r), "unexpected end of file");
}

/* Collects bytes in `word` until there are `want`. Returns false if the piece ends before. */
static bool collect(struct ccp_gunzip_run *r, size_t want)
{
	struct ccp_gunzip_carry *c = r->carry;

	while (c->word_len < want) {
		size_t len;
		const uint8_t *p = ccp_gunzip_input(r, &len);

		if (len == 0)
			return false;
		if (len > want - c->word_len)
			len = want - c->word_len;
		memcpy(c->word + c->word_len, p, len);
		c->word_len += len;
		ccp_gunzip_advance(r, len);
	}
	return true;
}

static void begin_header(struct ccp_gunzip_run *r)
{
	r->carry->header = (struct ccp_gzip_header){ 0 };
	r->carry->phase = CCP_GUNZIP_HEADER;
}

/* Formats that GNU gzip decodes and we do not; its name, or NULL. */
static const char *foreign(const uint8_t *word, size_t len, bool at_start)
{
	if (len >= 2 && word[0] == 0x1f && word[1] == 0x9d)
		return "compress (.Z)";
	if (len >= 2 && word[0] == 0x1f && word[1] == 0x1e)
		return "pack (.z)";
	if (len >= 2 && word[0] == 0x1f && word[1] == 0xa0)
		return "lzh";
	if (at_start && len >= 4 && memcmp(word, "PK\3\4", 4) == 0)
		return "zip";
	return NULL;
}

/*
 * Decides what begins at the start of the input or after a member, from two bytes, or four if they could be zip.
 * Returns 1 to go on in the new phase, 0 for more input, -1 on an error.
 */
static int identify(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;
	bool at_start = c->phase == CCP_GUNZIP_START;

	if (!at_start && c->word_len == 0 && ccp_gunzip_is_guessed_member(r)) {
		c->crc = 0;
		c->member_bytes = 0;
		return ccp_gunzip_take_over(r);
	}

	bool whole = collect(r, 2);
	const char *name;

	if (whole && at_start && memcmp(c->word, "PK", 2) == 0)
		whole = collect(r, 4);
	if (!whole && !r->piece->last)
		return 0;
	if (c->word_len == 0)
		return at_start && !r->options->passthrough ? truncated(r) : (c->phase = CCP_GUNZIP_DONE, 1);

	uint64_t at = ccp_gunzip_offset(r) - c->word_len;
	if (c->word_len >= 2 && c->word[0] == 0x1f && c->word[1] == 0x8b) {
		size_t used;

		begin_header(r);
		c->word_len = 0;
		if (ccp_gzip_header_read(&c->header, (const uint8_t *)"\x1f\x8b", 2, at, &used, &r->piece->err))
			return -1;
		return 1;
	}
	name = foreign(c->word, c->word_len, at_start);
	if (name)
		return ccp_err_at(&r->piece->err, CCP_E_UNSUPPORTED, at, "%s format is not supported", name);
	if (r->options->passthrough) {
		c->phase = CCP_GUNZIP_COPY;
		atomic_store_explicit(&c->ahead_from, UINT64_MAX, memory_order_relaxed);
		return 1;
	}
	if (c->word_len == 1 && c->word[0] != 0)
		return truncated(r);
	if (at_start)
		return ccp_err_at(&r->piece->err, CCP_E_NOT_GZIP, 0, "not in gzip format");
	ccp_gunzip_unread(r, c->word, c->word_len);
	c->word_len = 0;
	c->phase = CCP_GUNZIP_PADDING;
	return 1;
}

/* What the first header says goes to whoever names the output, or lists. */
static void note_found(const struct ccp_gzip_header *header, struct ccp_origin *found)
{
	if (!found)
		return;
	memcpy(found->name, header->name, sizeof found->name);
	found->mtime.tv_sec = (time_t)header->mtime;
	found->has_mtime = header->mtime != 0;
}

static int header(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;

	for (;;) {
		size_t len, used;
		const uint8_t *p = ccp_gunzip_input(r, &len);

		if (len == 0)
			return r->piece->last ? truncated(r) : 0;
		int done = ccp_gzip_header_read(&c->header, p, len, ccp_gunzip_offset(r), &used, &r->piece->err);
		if (done < 0)
			return -1;
		ccp_gunzip_advance(r, used);
		if (done)
			break;
	}
	if (!c->found)
		note_found(&c->header, r->piece->found);
	c->found = true;
	ccp_inflate_start(&c->inflate);
	r->member_at = r->piece->out.len;
	c->crc = 0;
	c->member_bytes = 0;
	c->phase = CCP_GUNZIP_BODY;
	return 1;
}

/* ---- the parts of a member ---------------------------------------------------------------------- */

/* Returns 1 for the next phase, 0 for more input, 2 if `out` is full, -1 on an error. */
static int body(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;
	struct ccp_buf *out = &r->piece->out;

	for (;;) {
		struct ccp_inflate_io io = {
			.out = out->data + out->len,
			.out_len = ccp_buf_room(out),
			.before_out = out->len - r->member_at,
		};
		const uint8_t *p = ccp_gunzip_input(r, &io.in_len);
		struct ccp_inflate_boundary stop;
		size_t in_len = io.in_len, n;

		io.in = p;
		io.stop = ccp_gunzip_guess_at(r, &stop) ? &stop : NULL;
		enum ccp_inflate_status status = ccp_inflate_step(&c->inflate, &io);
		n = ccp_buf_room(out) - io.out_len;
		ccp_gunzip_count(r, out->data + out->len, n);
		out->len += n;
		ccp_gunzip_advance(r, in_len - io.in_len);

		switch (status) {
		case CCP_INFLATE_END:
			ccp_gunzip_unread(r, io.held, io.held_len);
			c->word_len = 0;
			c->phase = CCP_GUNZIP_TRAILER;
			return 1;
		case CCP_INFLATE_OUTPUT:
			return 2;
		case CCP_INFLATE_STOP:
			if (ccp_ahead_fits(r->ahead, c->inflate.window_len))
				return ccp_gunzip_take_over(r);
			r->ahead = NULL;
			break;
		case CCP_INFLATE_INPUT:
			if (input_ends(r))
				return truncated(r);
			if (r->piece->in_used == r->piece->in.len && c->held_len == 0)
				return 0;
			break;
		case CCP_INFLATE_ERROR:
			return ccp_err_at(&r->piece->err, CCP_E_FORMAT, ccp_gunzip_offset(r) - io.before,
					  "invalid compressed data--format violated (%s)", io.wrong);
		}
	}
}

static int trailer(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;

	if (!collect(r, CCP_GZIP_TRAILER_BYTES))
		return r->piece->last ? truncated(r) : 0;
	if (ccp_gunzip_check(r, ccp_le32(c->word), ccp_le32(c->word + 4),
			     ccp_gunzip_offset(r) - CCP_GZIP_TRAILER_BYTES) < 0)
		return -1;
	c->word_len = 0;
	c->phase = CCP_GUNZIP_BETWEEN;
	return 1;
}

static int padding(struct ccp_gunzip_run *r)
{
	for (;;) {
		size_t len, n = 0;
		const uint8_t *p = ccp_gunzip_input(r, &len);

		if (len == 0)
			return r->piece->last ? (r->carry->phase = CCP_GUNZIP_DONE, 1) : 0;
		while (n < len && p[n] == 0)
			n++;
		ccp_gunzip_advance(r, n);
		if (n == len)
			continue;
		if (!r->options->quiet)
			ccp_err_at(&r->piece->err, CCP_W_TRAILING, ccp_gunzip_offset(r),
				   "decompression OK, trailing garbage ignored");
		r->carry->phase = CCP_GUNZIP_DONE;
		return 1;
	}
}

/* Shows the rest of the piece where it lies, unless something else comes before it in `out`. */
static bool show(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;
	struct ccp_piece *piece = r->piece;

	if (piece->out.len > 0 || c->held_len > 0 || c->word_len > piece->in_used)
		return false;
	piece->in_used -= c->word_len;
	c->word_len = 0;
	piece->view = piece->in.data + piece->in_used;
	piece->view_len = piece->in.len - piece->in_used;
	piece->plain_bytes += piece->view_len;
	piece->in_used = piece->in.len;
	return true;
}

static int copy(struct ccp_gunzip_run *r)
{
	struct ccp_gunzip_carry *c = r->carry;
	struct ccp_buf *out = &r->piece->out;
	size_t len, n = ccp_buf_room(out) < c->word_len ? ccp_buf_room(out) : c->word_len;

	if (r->options->views && show(r))
		return 0;
	ccp_buf_append(out, c->word, n);
	r->piece->plain_bytes += n;
	c->word_len -= n;
	memmove(c->word, c->word + n, c->word_len);
	for (;;) {
		const uint8_t *p = ccp_gunzip_input(r, &len);

		n = len < ccp_buf_room(out) ? len : ccp_buf_room(out);
		if (c->word_len > 0 || (len > 0 && n == 0))
			return 2;
		if (len == 0)
			return 0;
		ccp_buf_append(out, p, n);
		r->piece->plain_bytes += n;
		ccp_gunzip_advance(r, n);
	}
}

/* map, but of all that is decoded. */
static int decode(void *state, void *carry, struct ccp_piece *piece)
{
	struct ccp_gunzip_run r = { .options = state, .carry = carry, .piece = piece };
	int status = 1;

	if (!piece->was_ahead)
		ccp_gunzip_choose_buffer(piece, false);
	else if (!r.carry->taken)
		r.ahead = (struct ccp_ahead *)(void *)piece->note.data;
	if (r.carry->taking && r.ahead) /* only an input that has failed already has the one without the other */
		status = ccp_gunzip_take_over(&r);
	while (status == 1) {
		switch (r.carry->phase) {
		case CCP_GUNZIP_START:
		case CCP_GUNZIP_BETWEEN:
			status = identify(&r);
			break;
		case CCP_GUNZIP_HEADER:
			status = header(&r);
			break;
		case CCP_GUNZIP_BODY:
			status = body(&r);
			break;
		case CCP_GUNZIP_TRAILER:
			status = trailer(&r);
			break;
		case CCP_GUNZIP_PADDING:
			status = padding(&r);
			break;
		case CCP_GUNZIP_COPY:
			status = copy(&r);
			break;
		case CCP_GUNZIP_DONE:
			piece->ended = piece->in_used < piece->in.len || !piece->last;
			return 0;
		}
	}
	if (status == 0)
		ccp_gunzip_learn(r.carry, piece);
	return status == 2 ? 1 : status;
}

/* Behind the end of a range nothing matters, so that what this call found out there by the way does not either. */
static int gunzip_map(void *state, void *carry, struct ccp_piece *piece)
{
	const struct ccp_gunzip *g = state;
	struct ccp_gunzip_carry *c = carry;
	int status = decode(state, carry, piece);

	if (!g->ranged || !ccp_range_crop(&g->range, &c->at, &piece->out))
		return status;
	ccp_err_clear(&piece->err);
	piece->ended = true;
	return 0;
}

const struct ccp_transform_ops ccp_transform_gunzip = {
	.name = "gunzip",
	.help = "decompress gzip (RFC 1952), any number of members",
	.flags = CCP_TRANSFORM_SEQUENTIAL,
	.need = gunzip_need,
	.open = gunzip_open,
	.map = gunzip_map,
	.ahead = ccp_gunzip_ahead,
	.enter = ccp_gunzip_enter,
	.close = gunzip_close,
};
