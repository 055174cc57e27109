/*
 * oddgz.c: gzip files as they are rarely met, and what such files are made of; the same bytes for the same arguments.
 *
 * usage: oddgz KIND [BYTES [SEED]]        a gzip file of about so many bytes of content (`empty-members`: of file)
 *        oddgz data KIND [BYTES [SEED]]   content alone: exactly so many bytes
 *        oddgz list                       the kinds of files, one a line
 *
 * Most are made by zlib. What zlib never makes, one giant block and matches at the longest distance, is written by a
 * small encoder of one table: 226 codes of 8 bits and 60 of 9 for literals and lengths, 2 of 4 and 28 of 5 for
 * distances, so that both are complete.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/tools/content.h"

#define BGZF_BYTES 65280u /* of content in a member: what bgzip takes */
#define DEFAULT_BYTES (4u << 20)

/* --- by zlib ------------------------------------------------------------------------------------------------------ */

struct how {
	int level, window_bits, mem_level, strategy, flush;
	unsigned step; /* bytes between two flushes, at most */
};

static const struct how plainly = { 6, 31, 8, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0 };

/* One member, or, with negative window_bits, raw deflate. `header` may be NULL. */
static void add_deflated(struct bytes *out, const uint8_t *data, size_t n, const struct how *how, gz_header *header,
			 uint64_t *seed)
{
	z_stream z = { 0 };
	int status;

	if (deflateInit2(&z, how->level, Z_DEFLATED, how->window_bits, how->mem_level, how->strategy) != Z_OK)
		exit(1);
	if (header)
		deflateSetHeader(&z, header);
	z.next_in = (Bytef *)(uintptr_t)data;
	do {
		size_t left = n - (size_t)(z.next_in - data), piece = left < 1u << 30 ? left : 1u << 30;

		if (how->step && piece > how->step)
			piece = 1 + below(seed, how->step);
		z.avail_in = (uInt)piece;
		do {
			z.next_out = reserve(out, 65536);
			z.avail_out = 65536;
			status = deflate(&z, piece == left ? Z_FINISH : how->flush);
			out->len += 65536 - z.avail_out;
		} while (z.avail_out == 0);
	} while (status != Z_STREAM_END);
	deflateEnd(&z);
}

static void make_members(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	size_t at = 0, n;

	do {
		n = below(seed, 2000);
		if (n > in->len - at)
			n = in->len - at;
		add_deflated(out, in->data + at, n, &plainly, NULL, seed);
		at += n;
	} while (at < in->len);
}

static void make_empty_members(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	do
		add_deflated(out, in->data, 0, &plainly, NULL, seed);
	while (out->len < in->len);
}

static void make_bgzf(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	size_t at = 0, n, start;

	do { /* the last one is empty: the end marker */
		Bytef field[6] = { 'B', 'C', 2, 0, 0, 0 };
		gz_header header = { .extra = field, .extra_len = sizeof field, .os = 255 };

		n = in->len - at < BGZF_BYTES ? in->len - at : BGZF_BYTES;
		start = out->len;
		add_deflated(out, in->data + at, n, &plainly, &header, seed);
		out->data[start + 16] = (uint8_t)(out->len - start - 1);
		out->data[start + 17] = (uint8_t)((out->len - start - 1) >> 8);
		at += n;
	} while (n > 0);
}

/* Three members whose headers are longer than the content of many a file. */
static void make_long_name(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	static Bytef extra[65535], name[70001];
	size_t third = in->len / 3;

	for (size_t i = 0; i < sizeof extra; i++)
		extra[i] = (Bytef)below(seed, 256);
	memcpy(extra, "XX\xfb\xff", 4); /* one field that fills it */
	for (size_t i = 0; i < sizeof name - 1; i++)
		name[i] = (Bytef)('a' + below(seed, 26));
	for (unsigned i = 0; i < 3; i++) {
		gz_header header = { .extra = extra, .extra_len = sizeof extra, .name = name, .hcrc = (int)(i & 1) };

		add_deflated(out, in->data + i * third, i < 2 ? third : in->len - 2 * third, &plainly, &header, seed);
	}
}

static void make_stored(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	struct how how = plainly;

	how.level = 0;
	add_deflated(out, in->data, in->len, &how, NULL, seed);
}

/* A file of members, stored in one. */
static void make_nested(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	struct bytes inner = { 0 };

	make_members(&inner, &(struct bytes){ in->data, in->len / 2, 0 }, seed);
	add_deflated(&inner, in->data + in->len / 2, in->len - in->len / 2, &plainly, NULL, seed);
	make_stored(out, &inner, seed);
	free(inner.data);
}

/* Stored, and holds deflate data that begin at each bit of a byte. */
static void make_phases(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	struct how raw = plainly;
	struct bytes inner = { 0 }, part = { 0 };
	unsigned phase = 0;

	raw.window_bits = -15;
	raw.mem_level = 1; /* many blocks */
	for (size_t at = 0, n; at < in->len; at += n, phase++) {
		unsigned held = below(seed, 256) & ((1u << phase % 8) - 1);

		n = in->len - at < 20000 ? in->len - at : 20000;
		part.len = 0;
		add_deflated(&part, in->data + at, n, &raw, NULL, seed);
		for (size_t i = 0; i < part.len; i++) {
			held |= (unsigned)part.data[i] << phase % 8;
			add(&inner, &(uint8_t){ (uint8_t)held }, 1);
			held >>= 8;
		}
		for (unsigned i = 0; i < 16; i++)
			add_random(&inner, seed);
	}
	make_stored(out, &inner, seed);
	free(inner.data);
	free(part.data);
}

/* --- by our own encoder ------------------------------------------------------------------------------------------- */

struct writer {
	struct bytes *out;
	uint64_t bits;
	unsigned held;
};

static void put(struct writer *w, unsigned bits, unsigned n)
{
	w->bits |= (uint64_t)bits << w->held;
	for (w->held += n; w->held >= 8; w->held -= 8, w->bits >>= 8)
		add(w->out, &(uint8_t){ (uint8_t)w->bits }, 1);
}

/* A code word, first bit highest. */
static void put_word(struct writer *w, unsigned word, unsigned n)
{
	while (n-- > 0)
		put(w, word >> n & 1, 1);
}

static void put_symbol(struct writer *w, unsigned symbol)
{
	if (symbol < 226)
		put_word(w, symbol, 8);
	else
		put_word(w, 452 + (symbol - 226), 9);
}

static void put_distance(struct writer *w, unsigned distance)
{
	unsigned d = distance - 1, log = 0, symbol = d;

	while (d >> log > 3)
		log++;
	if (log > 0)
		symbol = 2 * log + (d >> log);
	if (symbol < 2)
		put_word(w, symbol, 4);
	else
		put_word(w, symbol + 2, 5);
	put(w, d & ((1u << log) - 1), log);
}

/* The code of the lengths has the words 00, 01, 10, 11 for 4, 5, 8, 9. */
static void put_header(struct writer *w, bool final)
{
	static const uint8_t lens[12] = { [4] = 2, [6] = 2, [9] = 2, [11] = 2 }; /* in their odd order: 8, 9, 5, 4 */

	put(w, final, 1);
	put(w, 2, 2);
	put(w, 286 - 257, 5);
	put(w, 30 - 1, 5);
	put(w, 12 - 4, 4);
	for (unsigned i = 0; i < 12; i++)
		put(w, lens[i], 3);
	for (unsigned i = 0; i < 286; i++)
		put_word(w, i < 226 ? 2 : 3, 2);
	for (unsigned i = 0; i < 30; i++)
		put_word(w, i < 2 ? 0 : 1, 2);
}

/* One member in blocks of `symbols`, 0 for a single one; matches of 3 to 10 bytes, `far` only if at WINDOW. */
static void encode(struct bytes *out, const struct bytes *in, size_t symbols, bool far)
{
	static const uint8_t header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	static size_t last[1 << 14]; /* where four bytes of this hash were, and one more */
	struct writer w = { .out = out };
	uint64_t trailer;
	size_t count = 0;

	add(out, header, sizeof header);
	put_header(&w, symbols == 0);
	for (size_t at = 0; at < in->len;) {
		const uint8_t *here = in->data + at;
		size_t left = in->len - at, n = 0, was = 0;

		if (left >= 4) {
			uint32_t key = (uint32_t)here[0] | (uint32_t)here[1] << 8 | (uint32_t)here[2] << 16;
			size_t *slot = &last[(key * 2654435761u) >> 18];

			was = far ? (at >= WINDOW ? at - WINDOW + 1 : 0) : *slot;
			*slot = at + 1;
		}
		if (was > 0 && at - (was - 1) <= WINDOW)
			while (n < 10 && n < left && in->data[was - 1 + n] == here[n])
				n++;
		if (n >= 3) {
			put_symbol(&w, 257 + (unsigned)n - 3);
			put_distance(&w, (unsigned)(at - (was - 1)));
		} else {
			put_symbol(&w, *here);
			n = 1;
		}
		at += n;
		if (symbols && ++count % symbols == 0) {
			put_symbol(&w, 256);
			put_header(&w, false);
		}
	}
	put_symbol(&w, 256);
	if (symbols)
		put(&w, 3, 10); /* an empty fixed block, the last one */
	put(&w, 0, (8 - w.held) % 8);
	trailer = crc32_z(0, in->data, in->len) | (uint64_t)in->len << 32;
	for (unsigned i = 0; i < 64; i += 8)
		put(&w, (unsigned)(trailer >> i & 0xff), 8);
}

static void make_one_block(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	(void)seed;
	encode(out, in, 0, false);
}

static void make_far(struct bytes *out, const struct bytes *in, uint64_t *seed)
{
	(void)seed;
	encode(out, in, 10000, true);
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

static const struct kind {
	const char *name, *content;
	void (*make)(struct bytes *out, const struct bytes *in, uint64_t *seed); /* NULL: by zlib, and */
	struct how how;
} kinds[] = {
	{ "text", "text", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "json", "json", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "fastq", "fastq", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "base64", "base64", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "binary", "binary", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "random", "random", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "zeros", "zeros", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "periodic", "periodic", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "fixed", "text", NULL, { 6, 31, 8, Z_FIXED, 0, 0 } },
	{ "huffman", "text", NULL, { 6, 31, 8, Z_HUFFMAN_ONLY, 0, 0 } },
	{ "rle", "binary", NULL, { 6, 31, 8, Z_RLE, 0, 0 } },
	{ "filtered", "binary", NULL, { 6, 31, 8, Z_FILTERED, 0, 0 } },
	{ "memlevel1", "text", NULL, { 6, 31, 1, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "wbits9", "text", NULL, { 6, 16 + 9, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "flush-full", "text", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, Z_FULL_FLUSH, 9000 } },
	{ "flush-sync", "json", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, 9000 } },
	{ "flush-partial", "binary", NULL, { 6, 31, 8, Z_DEFAULT_STRATEGY, Z_PARTIAL_FLUSH, 9000 } },
	{ "stored", "text", NULL, { 0, 31, 8, Z_DEFAULT_STRATEGY, 0, 0 } },
	{ "members", "text", make_members, { 0 } },
	{ "empty-members", "zeros", make_empty_members, { 0 } },
	{ "bgzf", "fastq", make_bgzf, { 0 } },
	{ "nested", "text", make_nested, { 0 } },
	{ "one-block", "text", make_one_block, { 0 } },
	{ "phases", "binary", make_phases, { 0 } },
	{ "long-name", "text", make_long_name, { 0 } },
	{ "far", "far", make_far, { 0 } },
};

static bool make_file(struct bytes *out, const char *name, size_t n, uint64_t *seed)
{
	struct bytes in = { 0 };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		reserve(&in, 1);
		make_content(&in, kinds[i].content, n, seed);
		if (kinds[i].make)
			kinds[i].make(out, &in, seed);
		else
			add_deflated(out, in.data, in.len, &kinds[i].how, NULL, seed);
		free(in.data);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool data = argc > 1 && strcmp(argv[1], "data") == 0;
	char **rest = argv + (data ? 2 : 1);
	int count = argc - (data ? 2 : 1);
	size_t n = count > 1 ? strtoull(rest[1], NULL, 10) : DEFAULT_BYTES;
	uint64_t seed = (count > 2 ? strtoull(rest[2], NULL, 10) : 1) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	struct bytes out = { 0 };
	int status;

	if (count == 1 && strcmp(rest[0], "list") == 0) {
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
			puts(kinds[i].name);
		return 0;
	}
	reserve(&out, 1);
	if (count < 1 || count > 3 ||
	    !(data ? make_content(&out, rest[0], n, &seed) : make_file(&out, rest[0], n, &seed))) {
		free(out.data);
		fprintf(stderr, "usage: oddgz KIND [BYTES [SEED]]; oddgz data KIND [BYTES [SEED]]; oddgz list\n");
		return 64;
	}
	status = fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0;
	free(out.data);
	return status;
}
