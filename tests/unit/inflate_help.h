/*
 * inflate_help.h: what the tests of the decoder share: streams of many kinds, a writer of single bits, zlib's verdict.
 *
 * Memory: every function that returns bytes returns memory for the caller to free.
 */
#ifndef CCP_TESTS_UNIT_INFLATE_HELP_H
#define CCP_TESTS_UNIT_INFLATE_HELP_H

#include <stdio.h>

#include "tests/unit/codec_help.h"

#include "pipeline/codec/inflate.h"

/* Bits from the low end of each byte, as deflate has them. */
struct bit_writer {
	struct bytes to;
	unsigned used; /* bits of the last byte */
};

static inline void help_bits(struct bit_writer *w, uint64_t value, unsigned count)
{
	for (; count > 0; count--, value >>= 1) {
		if (w->used == 0)
			help_append(&w->to, "", 1);
		w->to.data[w->to.len - 1] |= (uint8_t)((value & 1) << w->used);
		w->used = (w->used + 1) % 8;
	}
}

/* A code word: its first bit is the highest. */
static inline void help_word(struct bit_writer *w, unsigned word, unsigned count)
{
	while (count-- > 0)
		help_bits(w, word >> count & 1, 1);
}

/* A symbol of the fixed literal and length code. */
static inline void help_fixed(struct bit_writer *w, unsigned symbol)
{
	if (symbol < 144)
		help_word(w, 0x30 + symbol, 8);
	else if (symbol < 256)
		help_word(w, 0x190 + symbol - 144, 9);
	else if (symbol < 280)
		help_word(w, symbol - 256, 7);
	else
		help_word(w, 0xc0 + symbol - 280, 8);
}

/* How a stream is made by zlib. */
struct maker {
	int level, strategy, wbits, mem_level, flush;
	size_t flush_every; /* 0: never */
};

static inline struct bytes help_deflate_raw(struct bytes plain, struct maker m)
{
	z_stream z = { 0 };
	struct bytes to = { 0 };
	size_t at = 0;

	cr_assert_eq(deflateInit2(&z, m.level, Z_DEFLATED, -m.wbits, m.mem_level, m.strategy), Z_OK);
	to.cap = deflateBound(&z, plain.len) + 1024 + (m.flush_every ? plain.len / m.flush_every * 20 : 0);
	to.data = help_alloc(to.cap);
	z.next_out = to.data;
	z.avail_out = (uInt)to.cap;
	while (at < plain.len || plain.len == 0) {
		size_t n = m.flush_every && m.flush_every < plain.len - at ? m.flush_every : plain.len - at;
		int last = at + n == plain.len;

		z.next_in = plain.data + at;
		z.avail_in = (uInt)n;
		at += n;
		deflate(&z, last ? Z_FINISH : m.flush);
		if (last)
			break;
	}
	to.len = to.cap - z.avail_out;
	cr_assert_gt(z.avail_out, 0);
	deflateEnd(&z);
	return to;
}

/* Every kind of stream that zlib makes, by number; an empty `plain` is allowed. */
static inline struct bytes help_stream(struct bytes plain, unsigned kind)
{
	static const struct maker makers[] = {
		{ 6, Z_DEFAULT_STRATEGY, 15, 8, 0, 0 },
		{ 1, Z_DEFAULT_STRATEGY, 15, 8, 0, 0 },
		{ 9, Z_DEFAULT_STRATEGY, 15, 9, 0, 0 },
		{ 0, Z_DEFAULT_STRATEGY, 15, 8, 0, 0 },
		{ 6, Z_FIXED, 15, 8, 0, 0 },
		{ 6, Z_HUFFMAN_ONLY, 15, 8, 0, 0 },
		{ 6, Z_RLE, 15, 8, 0, 0 },
		{ 6, Z_FILTERED, 15, 8, 0, 0 },
		{ 6, Z_DEFAULT_STRATEGY, 15, 1, 0, 0 },
		{ 9, Z_DEFAULT_STRATEGY, 9, 1, 0, 0 },
		{ 6, Z_DEFAULT_STRATEGY, 12, 3, 0, 0 },
		{ 6, Z_DEFAULT_STRATEGY, 15, 8, Z_FULL_FLUSH, 700 },
		{ 6, Z_DEFAULT_STRATEGY, 15, 8, Z_SYNC_FLUSH, 333 },
		{ 6, Z_FIXED, 15, 8, Z_PARTIAL_FLUSH, 100 },
		{ 0, Z_DEFAULT_STRATEGY, 15, 1, Z_SYNC_FLUSH, 50 },
	};

	return help_deflate_raw(plain, makers[kind % (sizeof makers / sizeof *makers)]);
}

#define STREAM_KINDS 15

/* What a decoder said of a stream. */
struct verdict {
	enum ccp_inflate_status status; /* END, INPUT or ERROR */
	const char *wrong;
	size_t in_used; /* at END */
	size_t before;  /* at ERROR: the byte with the wrong bits, in the stream */
	struct bytes out;
};

/* zlib's. `room` is more than it can decode to. */
static inline struct verdict help_zlib_verdict(struct bytes in, size_t room)
{
	struct verdict v = { .status = CCP_INFLATE_INPUT, .out = { help_alloc(room), 0, room } };
	z_stream z = { .next_in = in.data, .avail_in = (uInt)in.len, .next_out = v.out.data, .avail_out = (uInt)room };
	int status;

	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	do {
		status = inflate(&z, Z_NO_FLUSH);
	} while (status == Z_OK && z.avail_in > 0 && z.avail_out > 0);
	cr_assert_gt(z.avail_out, 0);
	if (status == Z_STREAM_END)
		v.status = CCP_INFLATE_END;
	else if (status == Z_DATA_ERROR)
		v.status = CCP_INFLATE_ERROR;
	v.wrong = status == Z_DATA_ERROR ? z.msg : NULL;
	v.in_used = in.len - z.avail_in;
	v.out.len = room - z.avail_out;
	inflateEnd(&z);
	return v;
}

#define GUARD 64

/*
 * Ours, with the input cut into pieces of 1 to in_max bytes and the room into ones of 0 to out_max. Each piece of input
 * is in memory of its own. `apart`: each piece of output too, so that matches need the window.
 */
static inline struct verdict help_our_verdict(struct bytes in, size_t room, size_t in_max, size_t out_max, bool apart,
					      uint64_t seed)
{
	struct verdict v = { .status = CCP_INFLATE_INPUT, .out = { help_alloc(room + GUARD), 0, room } };
	struct ccp_inflate *state = help_alloc(sizeof *state);
	size_t at = 0;

	memset(state, 0xa5, sizeof *state);
	ccp_inflate_start(state);
	for (;;) {
		size_t in_len = 1 + help_random(&seed) % in_max, out_len = help_random(&seed) % (out_max + 1);
		struct ccp_inflate_io io = { .held_len = 9 };

		in_len = in_len < in.len - at ? in_len : in.len - at;
		out_len = out_len < room - v.out.len ? out_len : room - v.out.len;
		uint8_t *piece = help_alloc(in_len);
		uint8_t *part = apart ? help_alloc(out_len + GUARD) : v.out.data + v.out.len;

		memcpy(piece, in.data + at, in_len);
		memset(part + out_len, 0x5a, GUARD);
		io.in = piece;
		io.in_len = in_len;
		io.out = part;
		io.out_len = out_len;
		io.before_out = apart ? 0 : help_random(&seed) % (v.out.len + 1);
		v.status = ccp_inflate_step(state, &io);
		cr_assert_eq(io.in, piece + (in_len - io.in_len));
		cr_assert_eq(io.out, part + (out_len - io.out_len));
		for (size_t i = 0; i < GUARD; i++)
			cr_assert_eq(part[out_len + i], 0x5a, "written beyond the room");
		at += in_len - io.in_len;
		if (apart)
			memcpy(v.out.data + v.out.len, part, out_len - io.out_len);
		v.out.len += out_len - io.out_len;
		if (apart)
			free(part);
		free(piece);
		cr_assert(v.status != CCP_INFLATE_STOP);
		cr_assert(v.status != CCP_INFLATE_INPUT || io.in_len == 0);
		cr_assert(v.status != CCP_INFLATE_OUTPUT || io.out_len == 0);
		v.wrong = io.wrong;
		v.before = at - io.before;
		v.in_used = at - io.held_len;
		if (v.status == CCP_INFLATE_END || v.status == CCP_INFLATE_ERROR)
			break;
		if (v.status == CCP_INFLATE_INPUT && at == in.len)
			break;
		cr_assert(v.out.len < room || v.status == CCP_INFLATE_INPUT, "more output than zlib's");
	}
	free(state);
	return v;
}

/* Both must agree. Returns the place of an error, for comparison of cuts. */
static inline size_t help_same_verdict(struct verdict a, struct verdict b, const char *what)
{
	cr_assert_eq(a.status, b.status, "%s: status %d, expected %d (%s, expected %s)", what, (int)a.status,
		     (int)b.status, a.wrong ? a.wrong : "-", b.wrong ? b.wrong : "-");
	if (b.wrong)
		cr_assert_str_eq(a.wrong, b.wrong, "%s", what);
	if (a.status == CCP_INFLATE_END)
		cr_assert_eq(a.in_used, b.in_used, "%s: %zu bytes of input used, expected %zu", what, a.in_used,
			     b.in_used);
	cr_assert_eq(a.out.len, b.out.len, "%s: %zu bytes, expected %zu", what, a.out.len, b.out.len);
	cr_assert(memcmp(a.out.data, b.out.data, a.out.len) == 0, "%s: other bytes", what);
	return a.status == CCP_INFLATE_ERROR ? a.before : 0;
}

#endif
