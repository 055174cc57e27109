/*
 * gzip.c: compression to gzip, in parallel; usually to one member for the whole input.
 *
 * Every piece becomes raw deflate on its own, without the past as a dictionary: nothing is needed from any other
 * piece. All but the last end on a byte boundary without the final bit, so that they can be put one behind the other.
 * The first piece has the header in front. CRC and length of each piece travel in `partial`; carry() combines them in
 * order and appends the trailer to the last piece.
 *
 * On demand each piece is a member of its own, or several blocks of blocked gzip (bgzf.h). Then there is nothing to
 * carry, and pieces of blocked gzip hold whole blocks, so that where an input is cut makes no difference.
 *
 * Also on demand a piece is cut further where its content says so (rsync.h), and each of these parts compressed on its
 * own. When bytes are inserted in front, all parts move on and stay the same but those that the ends of pieces cut in
 * two; pieces are larger then, to have fewer of these.
 */
#include "pipeline/transform.h"

#include <stdlib.h>

#include "pipeline/codec/bgzf.h"
#include "pipeline/codec/crc.h"
#include "pipeline/codec/deflate.h"
#include "pipeline/codec/gzip_header.h"
#include "pipeline/codec/inflate.h"
#include "pipeline/codec/rsync.h"

#define DEFAULT_LEVEL 6
/*
 * Measured at level 6: against 1 MiB, chunks of 512 KiB give 0.4 % more bytes for source text and 0.1 % for binaries
 * and are no faster; chunks of 2 MiB give 0.2 and 0.1 % less, for twice the memory in the window of jobs. Much the
 * same at the other levels.
 */
#define DEFAULT_CHUNK ((size_t)1 << 20)
#define RSYNC_CHUNK ((size_t)4 << 20)
#define MAX_CHUNK ((size_t)64 << 20)
#define SCRATCH_BYTES 65536u

struct gzip {
	struct ccp_deflate *deflate;
	int level;
	bool store_name, store_time;
	bool members, rsyncable, bgzf;
	/* for verify only */
	struct ccp_inflate *inflate;
	uint8_t *scratch;
};

/* What a piece hands to the fold. */
struct partial {
	uint64_t plain_bytes;
	uint32_t crc;
	bool complete; /* the piece has its own trailers */
};

_Static_assert(sizeof(struct partial) <= CCP_PARTIAL_BYTES, "partial result too large");

static int level_of(const struct ccp_transform_options *options)
{
	return options->level ? options->level : DEFAULT_LEVEL;
}

/* The most whole blocks in `bytes`, but at least one. */
static size_t whole_blocks(size_t bytes)
{
	size_t blocks = bytes / CCP_BGZF_BLOCK_BYTES;

	return (blocks ? blocks : 1) * CCP_BGZF_BLOCK_BYTES;
}

static int gzip_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	int level = level_of(options);

	if (level < CCP_DEFLATE_MIN_LEVEL || level > CCP_DEFLATE_MAX_LEVEL)
		return ccp_err_set(err, CCP_E_USAGE, "compression level %d is not between %d and %d", level,
				   CCP_DEFLATE_MIN_LEVEL, CCP_DEFLATE_MAX_LEVEL);
	if (options->chunk_bytes > MAX_CHUNK)
		return ccp_err_set(err, CCP_E_USAGE, "chunks of %zu bytes are too large, at most %zu",
				   options->chunk_bytes, MAX_CHUNK);
	if (options->members + options->rsyncable + options->bgzf > 1)
		return ccp_err_set(err, CCP_E_USAGE, "members, rsyncable and bgzf exclude each other");
	need->chunk_bytes = options->chunk_bytes ? options->chunk_bytes :
			    options->rsyncable ? RSYNC_CHUNK : DEFAULT_CHUNK;
	need->out_bytes = CCP_GZIP_HEADER_MAX + ccp_deflate_bound(need->chunk_bytes) + CCP_GZIP_TRAILER_BYTES;
	if (options->rsyncable)
		need->out_bytes += (need->chunk_bytes / CCP_RSYNC_MIN + 1) * (ccp_deflate_bound(1) - 1);
	if (options->bgzf) {
		need->chunk_bytes = whole_blocks(need->chunk_bytes);
		need->out_bytes = ccp_bgzf_bound(need->chunk_bytes);
	}
	need->state_bytes = sizeof(struct gzip) + ccp_deflate_state_bytes(level);
	if (options->verify)
		need->state_bytes += sizeof(struct ccp_inflate) + SCRATCH_BYTES;
	need->carry_bytes = sizeof(struct partial);
	return 0;
}

static void gzip_close(void *state)
{
	struct gzip *g = state;

	if (!g)
		return;
	ccp_deflate_close(g->deflate);
	free(g->inflate);
	free(g->scratch);
	free(g);
}

static int gzip_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	struct gzip *g = calloc(1, sizeof *g);

	if (!g)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a compressor");
	g->level = level_of(options);
	g->store_name = options->store_name;
	g->store_time = options->store_time;
	g->members = options->members;
	g->rsyncable = options->rsyncable;
	g->bgzf = options->bgzf;
	if (ccp_deflate_open(&g->deflate, g->level, err))
		goto out;
	if (options->verify) {
		g->inflate = malloc(sizeof *g->inflate);
		g->scratch = malloc(SCRATCH_BYTES);
		if (!g->inflate || !g->scratch) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to verify");
			goto out;
		}
	}
	*state = g;
	return 0;
out:
	gzip_close(g);
	return -1;
}

/* Name and time stand in the first member alone. */
static void header_put(const struct gzip *g, struct ccp_piece *piece)
{
	const struct ccp_origin *origin = piece->origin;
	const char *name = "";
	uint32_t mtime = 0;

	if (g->store_name && origin && piece->first)
		name = origin->name;
	if (g->store_time && origin && piece->first && origin->has_mtime && origin->mtime.tv_sec > 0 &&
	    (uint64_t)origin->mtime.tv_sec <= UINT32_MAX)
		mtime = (uint32_t)origin->mtime.tv_sec;
	ccp_gzip_header_put(&piece->out, name, mtime, g->level);
}

/* The first byte at which a and b differ, or n. */
static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	if (memcmp(a, b, n) == 0)
		return n;
	while (a[i] == b[i])
		i++;
	return i;
}

/*
 * Decodes out[start, end) from a clean state and compares it with what was read: len bytes from `at` of the piece.
 * `final` says whether it is a whole stream.
 */
static int verify(struct gzip *g, struct ccp_piece *piece, size_t at, size_t len, size_t start, size_t end, bool final)
{
	struct ccp_inflate_io io = { .in = piece->out.data + start, .in_len = end - start };
	enum ccp_inflate_status status;
	size_t done = 0, n, same;

	ccp_inflate_start(g->inflate);
	do {
		io.out = g->scratch;
		io.out_len = SCRATCH_BYTES;
		status = ccp_inflate_step(g->inflate, &io);
		n = SCRATCH_BYTES - io.out_len;
		if (n > len - done)
			break;
		same = first_difference(g->scratch, piece->in.data + at + done, n);
		done += same;
		if (same < n)
			break;
	} while (status == CCP_INFLATE_OUTPUT);

	enum ccp_inflate_status wanted = final ? CCP_INFLATE_END : CCP_INFLATE_INPUT;
	/* A piece without bytes that is not the last writes none, and then there is nothing to decode. */
	if (done == len && status == wanted && io.in_len == 0 && io.held_len == 0)
		return 0;
	return ccp_err_at(&piece->err, CCP_E_VERIFY, piece->offset + at + done,
			  "compressed data does not decode to what was read");
}

/* Appends the deflate stream of the piece: in one go, or in parts that depend on nothing but themselves. */
static int deflate_put(struct gzip *g, struct ccp_piece *piece, bool final)
{
	const struct ccp_buf *in = &piece->in;
	size_t at = 0, n;

	do {
		n = g->rsyncable ? ccp_rsync_cut(in->data + at, in->len - at) : in->len;
		if (ccp_deflate_chunk(g->deflate, in->data + at, n, final && at + n == in->len, &piece->out,
				      &piece->err))
			return -1;
		at += n;
	} while (at < in->len);
	return 0;
}

/* The piece as a part of the one member, or as a member. */
static int map_member(struct gzip *g, struct ccp_piece *piece, struct partial *partial)
{
	const struct ccp_buf *in = &piece->in;
	bool final = piece->last || g->members;
	size_t start;

	partial->complete = g->members;
	if (g->members && in->len == 0 && !piece->first)
		return 0;
	if (piece->first || g->members)
		header_put(g, piece);
	start = piece->out.len;
	if (deflate_put(g, piece, final))
		return -1;
	if (g->inflate && verify(g, piece, 0, in->len, start, piece->out.len, final))
		return -1;
	partial->crc = ccp_crc32(0, in->data, in->len);
	if (!g->members)
		return 0;
	if (ccp_buf_room(&piece->out) < CCP_GZIP_TRAILER_BYTES)
		return ccp_err_set(&piece->err, CCP_E_OTHER, "no room for the trailer");
	ccp_gzip_trailer_put(&piece->out, partial->crc, in->len);
	return 0;
}

/* The piece as blocks of blocked gzip. */
static int map_blocks(struct gzip *g, struct ccp_piece *piece, struct partial *partial)
{
	const struct ccp_buf *in = &piece->in;

	partial->complete = true;
	for (size_t at = 0, n; at < in->len; at += n) {
		size_t start = piece->out.len;

		n = in->len - at < CCP_BGZF_BLOCK_BYTES ? in->len - at : CCP_BGZF_BLOCK_BYTES;
		if (ccp_bgzf_block_put(g->deflate, in->data + at, n, &piece->out, &piece->err))
			return -1;
		if (g->inflate && verify(g, piece, at, n, start + CCP_BGZF_HEADER_BYTES,
					 piece->out.len - CCP_GZIP_TRAILER_BYTES, true))
			return -1;
	}
	if (!piece->last)
		return 0;
	if (ccp_buf_room(&piece->out) < CCP_BGZF_END_BYTES)
		return ccp_err_set(&piece->err, CCP_E_OTHER, "no room for the end marker");
	ccp_bgzf_end_put(&piece->out);
	return 0;
}

static int gzip_map(void *state, void *carry, struct ccp_piece *piece)
{
	struct gzip *g = state;
	struct partial partial = { .plain_bytes = piece->in.len };

	(void)carry;
	if (g->bgzf ? map_blocks(g, piece, &partial) : map_member(g, piece, &partial))
		return -1;
	memcpy(piece->partial, &partial, sizeof partial);
	piece->in_used = piece->in.len;
	piece->plain_bytes += piece->in.len;
	return 0;
}

static int gzip_carry(void *carry, struct ccp_piece *piece)
{
	struct partial sum, partial;

	memcpy(&sum, carry, sizeof sum);
	memcpy(&partial, piece->partial, sizeof partial);
	if (partial.complete)
		return 0;
	sum.crc = piece->first ? partial.crc : ccp_crc32_combine(sum.crc, partial.crc, partial.plain_bytes);
	sum.plain_bytes += partial.plain_bytes;
	memcpy(carry, &sum, sizeof sum);
	if (!piece->last)
		return 0;
	if (ccp_buf_room(&piece->out) < CCP_GZIP_TRAILER_BYTES)
		return ccp_err_set(&piece->err, CCP_E_OTHER, "no room for the trailer");
	ccp_gzip_trailer_put(&piece->out, sum.crc, sum.plain_bytes);
	return 0;
}

const struct ccp_transform_ops ccp_transform_gzip = {
	.name = "gzip",
	.help = "compress to gzip (RFC 1952): one member, one for each chunk, or blocked gzip",
	.need = gzip_need,
	.open = gzip_open,
	.map = gzip_map,
	.carry = gzip_carry,
	.close = gzip_close,
};
