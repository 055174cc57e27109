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
 * Decoding a small input at once with libdeflate was measured and left out: it gains little over ISA-L (3.1 against
 * 3.6 us for 1400 bytes, no difference from 200 KB on) and accepts some damaged streams that zlib and ISA-L refuse.
 */
#include "pipeline/transform.h"

#include <stdlib.h>

#include "pipeline/codec/crc.h"
#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/inflate.h"

/*
 * Measured: 256 KiB of input and 2 MiB of room keep both in the caches' reach; a ratio of up to 8 needs one call of map
 * for each piece.
 */
#define DEFAULT_CHUNK ((size_t)256 << 10)
#define OUT_PER_CHUNK 8u
#define MIN_OUT ((size_t)64 << 10)
#define MAX_CHUNK ((size_t)64 << 20)

enum phase {
	START, HEADER, BODY, TRAILER, BETWEEN, /* the order of a member's parts */
	PADDING,                               /* zeros after the last member */
	COPY,                                  /* passthrough */
	DONE,
};

struct carry {
	enum phase phase;
	bool inflate_started;
	uint32_t crc;
	uint64_t member_bytes;
	uint8_t word[CCP_GZIP_TRAILER_BYTES]; /* the trailer, or the bytes that say what comes next */
	size_t word_len;
	uint8_t held[CCP_INFLATE_HELD];       /* input that the decoder took too early */
	size_t held_len;
	struct ccp_gzip_header header;
};

struct gunzip {
	bool passthrough, quiet;
};

/* What one call of map works on. */
struct run {
	const struct gunzip *options;
	struct carry *carry;
	struct ccp_inflate *inflate;
	struct ccp_piece *piece;
};

static size_t round_up(size_t n)
{
	return (n + CCP_INFLATE_ALIGN - 1) / CCP_INFLATE_ALIGN * CCP_INFLATE_ALIGN;
}

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
	need->carry_bytes = round_up(sizeof(struct carry)) + round_up(ccp_inflate_bytes());
	need->state_bytes = sizeof(struct gunzip);
	return 0;
}

static int gunzip_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	struct gunzip *g = calloc(1, sizeof *g);

	if (!g)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a decompressor");
	g->passthrough = options->passthrough;
	g->quiet = options->ignore_trailing_quietly;
	*state = g;
	return 0;
}

static void gunzip_close(void *state)
{
	free(state);
}

/* The cursor: where the next input bytes are and how many lie there together. */
static const uint8_t *input(const struct run *r, size_t *len)
{
	if (r->carry->held_len > 0) {
		*len = r->carry->held_len;
		return r->carry->held;
	}
	*len = r->piece->in.len - r->piece->in_used;
	return r->piece->in.data + r->piece->in_used;
}

static void advance(struct run *r, size_t n)
{
	struct carry *c = r->carry;

	if (c->held_len > 0) {
		c->held_len -= n;
		memmove(c->held, c->held + n, c->held_len);
	} else {
		r->piece->in_used += n;
	}
}

/* Offset in the input of the cursor. */
static uint64_t offset(const struct run *r)
{
	return r->piece->offset + r->piece->in_used - r->carry->held_len;
}

/* Puts bytes back in front of the cursor: into the piece if they came from there. */
static void unread(struct run *r, const uint8_t *bytes, size_t n)
{
	struct carry *c = r->carry;

	if (c->held_len == 0 && n <= r->piece->in_used) {
		r->piece->in_used -= n;
		return;
	}
	/* Either they are all from before this piece, or the rest of what was held lies behind them. */
	if (n + c->held_len > sizeof c->held)
		abort();
	memmove(c->held + n, c->held, c->held_len);
	memcpy(c->held, bytes, n);
	c->held_len += n;
}

static bool input_ends(const struct run *r)
{
	return r->piece->last && r->carry->held_len == 0 && r->piece->in_used == r->piece->in.len;
}

static int truncated(const struct run *r)
{
	return ccp_err_at(&r->piece->err, CCP_E_TRUNCATED, offset(r), "unexpected end of file");
}

/* Collects bytes in `word` until there are `want`. Returns false if the piece ends before. */
static bool collect(struct run *r, size_t want)
{
	struct carry *c = r->carry;

	while (c->word_len < want) {
		size_t len;
		const uint8_t *p = input(r, &len);

		if (len == 0)
			return false;
		if (len > want - c->word_len)
			len = want - c->word_len;
		memcpy(c->word + c->word_len, p, len);
		c->word_len += len;
		advance(r, len);
	}
	return true;
}

static void begin_header(struct run *r)
{
	r->carry->header = (struct ccp_gzip_header){ 0 };
	r->carry->phase = HEADER;
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
static int identify(struct run *r)
{
	struct carry *c = r->carry;
	bool at_start = c->phase == START;
	bool whole = collect(r, 2);
	const char *name;

	if (whole && at_start && memcmp(c->word, "PK", 2) == 0)
		whole = collect(r, 4);
	if (!whole && !r->piece->last)
		return 0;
	if (c->word_len == 0)
		return at_start && !r->options->passthrough ? truncated(r) : (c->phase = DONE, 1);

	uint64_t at = offset(r) - c->word_len;
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
		c->phase = COPY;
		return 1;
	}
	if (c->word_len == 1 && c->word[0] != 0)
		return truncated(r);
	if (at_start)
		return ccp_err_at(&r->piece->err, CCP_E_NOT_GZIP, 0, "not in gzip format");
	unread(r, c->word, c->word_len);
	c->word_len = 0;
	c->phase = PADDING;
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

static int header(struct run *r)
{
	struct carry *c = r->carry;

	for (;;) {
		size_t len, used;
		const uint8_t *p = input(r, &len);

		if (len == 0)
			return r->piece->last ? truncated(r) : 0;
		int done = ccp_gzip_header_read(&c->header, p, len, offset(r), &used, &r->piece->err);
		if (done < 0)
			return -1;
		advance(r, used);
		if (done)
			break;
	}
	if (!c->inflate_started)
		note_found(&c->header, r->piece->found);
	ccp_inflate_start(r->inflate, !c->inflate_started);
	c->inflate_started = true;
	c->crc = 0;
	c->member_bytes = 0;
	c->phase = BODY;
	return 1;
}

/* Returns 1 for the next phase, 0 for more input, 2 if `out` is full, -1 on an error. */
static int body(struct run *r)
{
	struct carry *c = r->carry;
	struct ccp_buf *out = &r->piece->out;

	for (;;) {
		struct ccp_inflate_io io = { .out = out->data + out->len, .out_len = ccp_buf_room(out) };
		const uint8_t *p = input(r, &io.in_len);
		size_t in_len = io.in_len, n;

		io.in = p;
		io.no_more = r->piece->last && c->held_len == 0;
		enum ccp_inflate_status status = ccp_inflate_step(r->inflate, &io);
		n = ccp_buf_room(out) - io.out_len;
		c->crc = ccp_crc32(c->crc, out->data + out->len, n);
		c->member_bytes += n;
		r->piece->plain_bytes += n;
		out->len += n;
		advance(r, in_len - io.in_len);

		switch (status) {
		case CCP_INFLATE_END:
			unread(r, io.held, io.held_len);
			c->word_len = 0;
			c->phase = TRAILER;
			return 1;
		case CCP_INFLATE_OUTPUT:
			return 2;
		case CCP_INFLATE_INPUT:
			if (input_ends(r))
				return truncated(r);
			if (r->piece->in_used == r->piece->in.len && c->held_len == 0)
				return 0;
			break;
		case CCP_INFLATE_ERROR:
			return ccp_err_at(&r->piece->err, CCP_E_FORMAT, offset(r) - io.before,
					  "invalid compressed data--format violated (%s)", io.wrong);
		case CCP_INFLATE_NO_MEMORY:
			return ccp_err_set(&r->piece->err, CCP_E_NO_MEMORY, "no memory for a decompressor");
		}
	}
}

static int trailer(struct run *r)
{
	struct carry *c = r->carry;

	if (!collect(r, CCP_GZIP_TRAILER_BYTES))
		return r->piece->last ? truncated(r) : 0;
	uint64_t at = offset(r) - CCP_GZIP_TRAILER_BYTES;
	if (ccp_le32(c->word) != c->crc)
		return ccp_err_at(&r->piece->err, CCP_E_CRC, at, "invalid compressed data--crc error");
	if (ccp_le32(c->word + 4) != (uint32_t)c->member_bytes)
		return ccp_err_at(&r->piece->err, CCP_E_LENGTH, at + 4, "invalid compressed data--length error");
	c->word_len = 0;
	c->phase = BETWEEN;
	return 1;
}

static int padding(struct run *r)
{
	for (;;) {
		size_t len, n = 0;
		const uint8_t *p = input(r, &len);

		if (len == 0)
			return r->piece->last ? (r->carry->phase = DONE, 1) : 0;
		while (n < len && p[n] == 0)
			n++;
		advance(r, n);
		if (n == len)
			continue;
		if (!r->options->quiet)
			ccp_err_at(&r->piece->err, CCP_W_TRAILING, offset(r),
				   "decompression OK, trailing garbage ignored");
		r->carry->phase = DONE;
		return 1;
	}
}

static int copy(struct run *r)
{
	struct carry *c = r->carry;
	struct ccp_buf *out = &r->piece->out;
	size_t len, n = ccp_buf_room(out) < c->word_len ? ccp_buf_room(out) : c->word_len;

	ccp_buf_append(out, c->word, n);
	r->piece->plain_bytes += n;
	c->word_len -= n;
	memmove(c->word, c->word + n, c->word_len);
	for (;;) {
		const uint8_t *p = input(r, &len);

		n = len < ccp_buf_room(out) ? len : ccp_buf_room(out);
		if (c->word_len > 0 || (len > 0 && n == 0))
			return 2;
		if (len == 0)
			return 0;
		ccp_buf_append(out, p, n);
		r->piece->plain_bytes += n;
		advance(r, n);
	}
}

static int gunzip_map(void *state, void *carry, struct ccp_piece *piece)
{
	struct run r = {
		.options = state,
		.carry = carry,
		.inflate = (struct ccp_inflate *)(void *)((uint8_t *)carry + round_up(sizeof(struct carry))),
		.piece = piece,
	};
	int status = 1;

	while (status == 1) {
		switch (r.carry->phase) {
		case START:
		case BETWEEN:
			status = identify(&r);
			break;
		case HEADER:
			status = header(&r);
			break;
		case BODY:
			status = body(&r);
			break;
		case TRAILER:
			status = trailer(&r);
			break;
		case PADDING:
			status = padding(&r);
			break;
		case COPY:
			status = copy(&r);
			break;
		case DONE:
			piece->ended = piece->in_used < piece->in.len || !piece->last;
			return 0;
		}
	}
	return status == 2 ? 1 : status;
}

const struct ccp_transform_ops ccp_transform_gunzip = {
	.name = "gunzip",
	.help = "decompress gzip (RFC 1952), any number of members",
	.flags = CCP_TRANSFORM_SEQUENTIAL,
	.need = gunzip_need,
	.open = gunzip_open,
	.map = gunzip_map,
	.close = gunzip_close,
};
