/*
 * fuzz_index.c: any bytes as an index: there is an answer, and a sound one. Any bytes as a deflate stream, in a gzip
 * file: its index can be written if zlib can decode it, all places are found, decoding can begin at each, and what
 * comes out is what zlib makes of it.
 *
 * The first byte says which; for an index, the next eight say where to look, and by what.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "pipeline/codec/gzip_index.h"

#define ROOM ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t right[ROOM];

static void check(bool so)
{
	if (!so)
		abort();
}

static int make_file(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0 && pwrite(fd, data, len, 0) == (ssize_t)len);
	return fd;
}

static void look(int fd, bool by_line, uint64_t where)
{
	static struct ccp_index_place place;
	struct ccp_err err;
	int result = ccp_index_find(fd, by_line, where, &place, &err);

	if (result == -1)
		check(err.code == CCP_E_FORMAT);
	if (result != 1)
		return;
	check(place.bits < 8 && place.in > 0 && place.window_len <= sizeof place.window);
	check(by_line ? place.has_line && place.line < where : place.out <= where);
}

/* Decodes raw deflate data into `right`. Returns how much of it is the stream, or 0 if it is none that fits. */
static size_t decode_right(const uint8_t *data, size_t len, size_t *plain)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
	int status;

	z.next_out = right;
	z.avail_out = ROOM;
	check(inflateInit2(&z, -15) == Z_OK);
	status = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	*plain = ROOM - z.avail_out;
	return status == Z_STREAM_END ? len - z.avail_in : 0;
}

/* Two members, both with that stream. Returns the end of the file. */
static uint8_t *make_members(uint8_t *file, const uint8_t *stream, size_t len, size_t plain)
{
	uint32_t crc = (uint32_t)crc32(0, right, (uInt)plain);

	for (unsigned i = 0; i < 2; i++) {
		memcpy(file, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
		memcpy(file + 10, stream, len);
		file += 10 + len;
		for (unsigned j = 0; j < 4; j++) {
			file[j] = (uint8_t)(crc >> 8 * j);
			file[4 + j] = (uint8_t)(plain >> 8 * j);
		}
		file += 8;
	}
	return file;
}

/* Begins at a place and compares up to the end of its member. */
static void check_place(const uint8_t *file, size_t len, const struct ccp_index_place *place, size_t plain)
{
	static struct ccp_inflate state;
	static uint8_t out[ROOM];
	struct ccp_inflate_io io = { .in = file + place->in, .in_len = len - place->in, .out = out, .out_len = ROOM };
	size_t at = (size_t)place->out - (place->in <= len / 2 ? 0 : plain); /* in its member */

	check(place->in <= len && at <= plain);
	ccp_inflate_start(&state);
	ccp_inflate_set_window(&state, place->window, place->window_len);
	state.bits_held = place->bits;
	state.bits = place->bits ? (uint64_t)file[place->in - 1] >> (8 - place->bits) : 0;
	check(ccp_inflate_step(&state, &io) == CCP_INFLATE_END);
	check((size_t)(io.out - out) == plain - at);
	check(memcmp(out, right + at, (size_t)(io.out - out)) == 0);
}

static void index_stream(const uint8_t *data, size_t len, uint64_t spacing)
{
	static struct ccp_index_place place;
	uint8_t *file = malloc(2 * len + 36);
	struct ccp_err err;
	size_t plain, used = decode_right(data, len, &plain), file_len;
	int fd, to = memfd_create("index", MFD_CLOEXEC);

	check(file != NULL && to >= 0);
	file_len = (size_t)(make_members(file, data, used > 0 ? used : len, plain) - file);
	fd = make_file(file, file_len);
	if (ccp_index_write(fd, to, spacing, NULL, NULL, &err) == 0) {
		check(used > 0);
		for (uint64_t at = 2 * plain; ccp_index_find(to, false, at, &place, &err) == 1; at = place.out - 1) {
			check(place.out <= at && place.out > 0);
			check_place(file, file_len, &place, plain);
		}
		check(ccp_index_find(to, false, 0, &place, &err) == 0);
	} else {
		check(used == 0);
	}
	free(file);
	close(fd);
	close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t where;

	if (len <= 9)
		return 0;
	memcpy(&where, data + 1, 8);
	if (data[0] & 1) {
		index_stream(data + 1, len - 1, (uint64_t)(data[0] >> 1) << 4);
	} else {
		int fd = make_file(data + 9, len - 9);

		look(fd, data[0] & 2, data[0] & 4 ? where : where & 0xffff);
		close(fd);
	}
	return 0;
}
