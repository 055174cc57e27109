/*
 * codec_help.h: what the codec tests share: content, drivers for the two transforms, and zlib as the oracle.
 *
 * Memory: every function that returns bytes returns memory for the caller to free.
 */
#ifndef CCP_TESTS_UNIT_CODEC_HELP_H
#define CCP_TESTS_UNIT_CODEC_HELP_H

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <zlib.h>

#include "pipeline/transform.h"

struct bytes {
	uint8_t *data;
	size_t len, cap; /* cap: for help_append */
};

enum content { CONTENT_ZEROS, CONTENT_TEXT, CONTENT_RANDOM, CONTENT_MIXED, CONTENT_KINDS };

extern const struct ccp_transform_ops ccp_transform_gzip, ccp_transform_gunzip;

static inline uint64_t help_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline void *help_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	cr_assert_not_null(p);
	return p;
}

/* How many times less a test should do: CCP_TEST_QUICK. Odd, so that steps by it still meet every bit of a byte. */
static inline unsigned help_less(void)
{
	const char *quick = getenv("CCP_TEST_QUICK");

	return quick && *quick ? 5 : 1;
}

static inline struct bytes help_content(enum content kind, size_t len, uint64_t seed)
{
	static const char words[16][9] = { "int ", "return ", "struct ", "\n\t", "if (", ") {\n", "0x", "ccp_",
					   "const ", "static ", "->", ";\n", "size_t ", "len", " = ", "data" };
	struct bytes b = { help_alloc(len), len, len };
	size_t at = 0;

	seed = seed * 2654435761u + 88172645463325252u;
	while (at < len) {
		uint64_t r = help_random(&seed);
		enum content now = kind == CONTENT_MIXED ? (enum content)(r >> 20 & 3) % CONTENT_MIXED : kind;
		size_t run = kind == CONTENT_MIXED ? 1 + (r >> 24) % 20000 : len;

		for (; run > 0 && at < len; run--) {
			r = help_random(&seed);
			if (now == CONTENT_TEXT) {
				const char *word = words[r % 16];
				size_t n = strlen(word) < len - at ? strlen(word) : len - at;

				memcpy(b.data + at, word, n);
				at += n;
				if ((r >> 8) % 4 == 0 && at < len)
					b.data[at++] = (uint8_t)('a' + (r >> 16) % 26);
			} else {
				b.data[at++] = now == CONTENT_RANDOM ? (uint8_t)(r >> 32) : 0;
			}
		}
	}
	return b;
}

static inline void help_append(struct bytes *to, const void *data, size_t len)
{
	if (to->len + len > to->cap) {
		to->cap = 2 * (to->len + len) + 64;
		to->data = realloc(to->data, to->cap);
		cr_assert_not_null(to->data);
	}
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

/* What a transform made of an input. */
struct result {
	struct bytes out;
	uint64_t plain_bytes;
	bool ended;
	int status; /* of the last map */
	struct ccp_err err;
};

/* How to cut the input; `options.chunk_bytes` only sizes the buffers of gunzip. */
struct drive {
	const struct ccp_transform_ops *ops;
	struct ccp_transform_options options;
	struct ccp_origin origin;
	size_t piece_bytes; /* 0 = the transform's chunk */
	size_t out_bytes;   /* 0 = what it needs */
	bool late_end;      /* the last piece is an empty one */
	bool bad_memory;    /* buffers are moved about and overwritten between calls */
	const struct ccp_entry *entry; /* where the input begins, or NULL */
	uint64_t ahead;     /* 0 = nothing is done ahead; else a seed: three pieces of four are */
};

/* Runs a transform over an input as the serial strategy would, with exact buffers so that a sanitizer sees overruns. */
static inline struct result help_run(const struct drive *drive, const uint8_t *data, size_t len)
{
	struct ccp_transform_need need = { 0 };
	struct result r = { .out = { help_alloc(1), 0, 1 } };
	struct ccp_err err;
	void *state = NULL, *carry;
	size_t at = 0, begin = 0, piece_bytes, n;
	uint64_t seed = drive->ahead;
	_Atomic uint64_t turn = UINT64_MAX;
	bool last = false;

	ccp_err_clear(&r.err);
	cr_assert_eq(drive->ops->need(&drive->options, &need, &err), 0);
	cr_assert_eq(drive->ops->open(&state, &drive->options, &err), 0);
	piece_bytes = drive->piece_bytes ? drive->piece_bytes : need.chunk_bytes;
	n = (need.carry_bytes + CCP_CARRY_ALIGN - 1) / CCP_CARRY_ALIGN * CCP_CARRY_ALIGN;
	carry = aligned_alloc(CCP_CARRY_ALIGN, n);
	cr_assert_not_null(carry);
	memset(carry, 0, n);
	if (drive->entry) {
		drive->ops->enter(carry, drive->entry);
		at = begin = drive->entry->in;
	}
	for (bool first = true; !last && !r.ended && r.status >= 0; first = false, at += n) {
		struct ccp_piece piece = { .origin = &drive->origin, .offset = at, .first = first };

		n = len - at < piece_bytes ? len - at : piece_bytes;
		last = at + n == len && (!drive->late_end || n == 0);
		piece.last = last;
		ccp_err_clear(&piece.err);
		piece.in.data = help_alloc(n);
		memcpy(piece.in.data, data + at, n);
		piece.in.len = piece.in.cap = n;
		piece.out.cap = drive->out_bytes ? drive->out_bytes : need.out_bytes;
		piece.out.data = help_alloc(piece.out.cap);
		piece.turn = &turn;
		piece.number = (at - begin) / piece_bytes;
		if (drive->ops->ahead && drive->ahead) {
			piece.spare = (struct ccp_buf){ .data = help_alloc(piece.out.cap), .cap = piece.out.cap };
			piece.note = (struct ccp_buf){ .data = help_alloc(need.note_bytes), .cap = need.note_bytes };
			memset(piece.note.data, 0xdb, need.note_bytes);
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (seed >> 62 != 0)
				piece.was_ahead = drive->ops->ahead(state, carry, &piece);
		}
		do {
			piece.out.len = 0;
			if (drive->bad_memory) {
				uint8_t *other = help_alloc(n);

				memcpy(other, piece.in.data, n);
				memset(piece.in.data, 0xa5, n);
				free(piece.in.data);
				piece.in.data = other;
				memset(piece.out.data, 0x5a, piece.out.cap);
			}
			r.status = drive->ops->map(state, carry, &piece);
			if (r.status >= 0 && drive->ops->carry)
				cr_assert_eq(drive->ops->carry(carry, &piece), 0);
			help_append(&r.out, piece.out.data, piece.out.len);
		} while (r.status == 1);
		r.plain_bytes += piece.plain_bytes;
		r.ended = piece.ended;
		if (r.status == 0)
			cr_assert(piece.ended || piece.in_used == n);
		r.err = piece.err;
		free(piece.in.data);
		free(piece.out.data);
		free(piece.spare.data);
		free(piece.note.data);
	}
	drive->ops->close(state);
	free(carry);
	return r;
}

/* zlib's view of a gzip file of one member, or of raw deflate. `used` = how much of it was read. */
static inline int help_zlib(const uint8_t *data, size_t len, int window_bits, struct bytes *out, size_t *used)
{
	uint8_t room[4096];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
	int status;

	*out = (struct bytes){ help_alloc(1), 0, 1 };
	cr_assert_eq(inflateInit2(&z, window_bits), Z_OK);
	do {
		z.next_out = room;
		z.avail_out = sizeof room;
		status = inflate(&z, Z_NO_FLUSH);
		help_append(out, room, sizeof room - z.avail_out);
	} while (status == Z_OK && (z.avail_in > 0 || z.avail_out == 0));
	*used = len - z.avail_in;
	inflateEnd(&z);
	return status;
}

/* Compresses with zlib: window_bits as for deflateInit2. */
static inline struct bytes help_deflate(const uint8_t *data, size_t len, int level, int window_bits, int strategy)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
	struct bytes b;

	cr_assert_eq(deflateInit2(&z, level, Z_DEFLATED, window_bits, 8, strategy), Z_OK);
	b.cap = b.len = deflateBound(&z, len) + 64;
	b.data = help_alloc(b.len);
	z.next_out = b.data;
	z.avail_out = (uInt)b.len;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.len -= z.avail_out;
	deflateEnd(&z);
	return b;
}

static inline struct bytes help_gzip(const uint8_t *data, size_t len)
{
	return help_deflate(data, len, 6, 31, Z_DEFAULT_STRATEGY);
}

static inline bool help_same(struct bytes a, struct bytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* A number from the environment, for campaigns that take longer than a unit test may. */
static inline unsigned long help_env(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 10) : fallback;
}

#endif
