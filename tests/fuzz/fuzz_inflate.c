/*
 * fuzz_inflate.c: any bytes as a deflate stream, decoded by zlib at once and by the byte decoder in pieces. Verdict,
 * bytes, and bytes of input used must be the same, whatever the cuts, which the first four bytes of the data decide.
 *
 * Each piece of input and output is in memory of its own, so that a sanitizer sees what is read or written beyond.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "pipeline/codec/inflate.h"

#define ROOM ((size_t)1 << 20)
#define SEED_BYTES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t right[ROOM + 1];

struct verdict {
	enum ccp_inflate_status status;
	const char *wrong;
	size_t in_used, out_len;
};

static struct verdict ask_zlib(const uint8_t *data, size_t len)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
	int status;

	z.next_out = right;
	z.avail_out = ROOM;
	if (inflateInit2(&z, -15) != Z_OK)
		abort();
	status = inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return (struct verdict){
		.status = status == Z_STREAM_END ? CCP_INFLATE_END : status == Z_DATA_ERROR ? CCP_INFLATE_ERROR
									    : CCP_INFLATE_INPUT,
		.wrong = status == Z_DATA_ERROR ? z.msg : NULL,
		.in_used = len - z.avail_in,
		.out_len = ROOM - z.avail_out,
	};
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void expect(int yes)
{
	if (!yes)
		abort();
}

/* Decodes in pieces of up to in_max and out_max bytes and compares with `right`. Returns an error's place. */
static size_t check(const uint8_t *data, size_t len, uint32_t seed, size_t in_max, size_t out_max, struct verdict v)
{
	struct ccp_inflate *state = malloc(sizeof *state);
	enum ccp_inflate_status status;
	size_t at = 0, done = 0, place = 0;

	expect(state != NULL);
	ccp_inflate_start(state);
	do {
		size_t in_len = 1 + next(&seed) % in_max, room = next(&seed) % (out_max + 1);
		size_t before = next(&seed) % 2 ? 0 : next(&seed) % (done + 1);

		in_len = in_len < len - at ? in_len : len - at;
		room = room < ROOM + 1 - done ? room : ROOM + 1 - done;
		uint8_t *in = malloc(in_len ? in_len : 1), *out = malloc(before + room ? before + room : 1);

		expect(in && out);
		if (in_len > 0)
			memcpy(in, data + at, in_len);
		memcpy(out, right + done - before, before);
		struct ccp_inflate_io io = {
			.in = in, .in_len = in_len, .out = out + before, .out_len = room, .before_out = before,
		};
		status = ccp_inflate_step(state, &io);
		expect(memcmp(out + before, right + done, room - io.out_len) == 0);
		done += room - io.out_len;
		at += in_len - io.in_len;
		place = io.before;
		free(in);
		free(out);
		expect(done <= v.out_len);
		expect(status != CCP_INFLATE_STOP);
		expect(status != CCP_INFLATE_INPUT || io.in_len == 0);
		expect(status != CCP_INFLATE_OUTPUT || io.out_len == 0);
		if (status == CCP_INFLATE_END)
			expect(at - io.held_len == v.in_used);
		if (status == CCP_INFLATE_ERROR)
			expect(v.wrong && strcmp(io.wrong, v.wrong) == 0);
	} while (status == CCP_INFLATE_OUTPUT || (status == CCP_INFLATE_INPUT && at < len));
	expect(status == v.status && done == v.out_len);
	free(state);
	return status == CCP_INFLATE_ERROR ? at - place : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct verdict v;
	uint32_t seed;
	size_t place;

	if (len < SEED_BYTES || len > 1u << 20)
		return -1;
	memcpy(&seed, data, SEED_BYTES);
	data += SEED_BYTES;
	len -= SEED_BYTES;
	v = ask_zlib(data, len);
	if (v.out_len == ROOM)
		return -1;
	right[v.out_len] = 0;
	place = check(data, len, seed, len + 1, ROOM + 1, v);
	expect(check(data, len, seed + 1, 1 + seed % 300, 1 + (seed >> 10) % 2000, v) == place);
	if (v.out_len < 4000)
		expect(check(data, len, seed + 2, 1 + seed % 3, 1 + (seed >> 20) % 3, v) == place);
	return 0;
}
