/*
 * Writing the index of a gzip file: what is written is found again, and decoding from there gives the right bytes;
 * files are judged as gunzip does.
 */
#include "tests/unit/index_help.h"

static uint64_t lines_in(struct bytes plain, uint64_t len)
{
	uint64_t lines = 0;

	for (uint64_t i = 0; i < len; i++)
		lines += plain.data[i] == '\n';
	return lines;
}

/* Decodes from a place to the end of its member, `most` bytes at most, and compares. */
static void check_decoding(struct bytes file, struct bytes plain, const struct ccp_index_place *place, size_t most)
{
	struct ccp_inflate *state = help_alloc(sizeof *state);
	size_t room = plain.len - place->out < most ? plain.len - place->out : most;
	uint8_t *out = help_alloc(room);
	struct ccp_inflate_io io = { .in = file.data + place->in, .in_len = file.len - place->in, .out = out,
				     .out_len = room };
	enum ccp_inflate_status status;

	cr_assert(!place->member && place->in <= file.len && place->bits < 8);
	ccp_inflate_start(state);
	ccp_inflate_set_window(state, place->window, place->window_len);
	state->bits_held = place->bits;
	state->bits = place->bits ? (uint64_t)file.data[place->in - 1] >> (8 - place->bits) : 0;
	status = ccp_inflate_step(state, &io);
	cr_assert(status == CCP_INFLATE_END || status == CCP_INFLATE_OUTPUT, "from %zu: %s", (size_t)place->out,
		  io.wrong ? io.wrong : "-");
	cr_assert(memcmp(out, plain.data + place->out, (size_t)(io.out - out)) == 0, "other bytes from %zu on",
		  (size_t)place->out);
	cr_assert(status == CCP_INFLATE_END || io.out_len == 0);
	free(out);
	free(state);
}

/* Every place of an index, by this test's own reading of the format. Returns their number. */
static uint64_t check_index(struct bytes file, struct bytes plain, struct bytes index, uint64_t spacing)
{
	uint64_t places = be(index.data + 20, 8), last_out = 0, last_line = 0, at = HEADER;
	struct ccp_index_place place;
	struct ccp_err err;
	int fd = help_fd(index);

	cr_assert(memcmp(index.data, "\0\0\0\0\0\0\0\0gzipindX\0\0\0", 20) == 0);
	cr_assert_eq(be(index.data + 28, 8), places);
	for (uint64_t i = 0; i < places; i++) {
		const uint8_t *p = index.data + at;
		uint64_t out = be(p, 8), packed = be(p + 20, 4), line = be(p + POINT + packed, 8);

		at += POINT + packed + 8;
		cr_assert(i == 0 ? out == 0 : out >= last_out + spacing, "place %zu", (size_t)i);
		cr_assert_eq(line, lines_in(plain, out) + 1);
		cr_assert_eq(ccp_index_find(fd, false, out, &place, &err), i > 0, "%s", err.text);
		if (i == 0)
			continue;
		cr_assert(place.out == out && place.in == be(p + 8, 8) && place.bits == be(p + 16, 4));
		cr_assert(place.has_line && place.line + 1 == line);
		check_decoding(file, plain, &place, 40000);
		cr_assert_eq(ccp_index_find(fd, false, out - 1, &place, &err), i > 1, "%s", err.text);
		cr_assert(i == 1 || place.out == last_out);
		/* by lines: the first line behind this place, and that which it may stand in */
		cr_assert_eq(ccp_index_find(fd, true, line, &place, &err), 1);
		cr_assert(place.out >= out && place.line < line);
		if (ccp_index_find(fd, true, line - 1, &place, &err) == 1)
			cr_assert(place.out < out && place.line < line - 1);
		cr_assert(line >= last_line);
		last_out = out;
		last_line = line;
	}
	cr_assert_eq(index.len, at + 16);
	cr_assert_eq(be(index.data + at, 8), plain.len);
	cr_assert_eq(be(index.data + at + 8, 8),
		     lines_in(plain, plain.len) + (plain.len > 0 && plain.data[plain.len - 1] != '\n'));
	close(fd);
	return places;
}

Test(gzip_index, what_is_written_is_found)
{
	static const uint64_t spacings[] = { 1, 3000, 40000, 1 << 20 };

	for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
		uint64_t spacing = spacings[kind % 4];
		struct bytes file = { 0 }, plain = { 0 }, index;

		for (unsigned i = 0; i < 4; i++) {
			size_t len = i == 2 ? 0 : 5000 + 90000 * i;
			struct bytes part = help_content((kind + i) % 2 ? CONTENT_MIXED : CONTENT_TEXT, len, kind + i);

			add_member(&file, part, kind + i);
			help_append(&plain, part.data, part.len);
			free(part.data);
		}
		index = make_index(file, spacing);
		check_index(file, plain, index, spacing);
		free(index.data);
		/* zeros at the end make no difference */
		help_append(&file, "\0\0\0", 3);
		index = make_index(file, 20000);
		check_index(file, plain, index, 20000);
		free(index.data);
		free(file.data);
		free(plain.data);
	}
}

/* More than the buffers of the writer hold, and blocks of a known length. */
Test(gzip_index, long_files)
{
	struct bytes file = { 0 }, plain = help_content(CONTENT_TEXT, 3000000, 5), index;

	add_member(&file, plain, 0);
	index = make_index(file, 50000);
	cr_assert(check_index(file, plain, index, 50000) >= 20);
	free(index.data);
	index = make_index(file, 0); /* as 1: every boundary */
	cr_assert(check_index(file, plain, index, 1) >= 20);
	free(index.data);
	file.len = 0;
	add_member(&file, plain, 11); /* flushed every 700 bytes */
	index = make_index(file, 100000);
	cr_assert_geq(check_index(file, plain, index, 100000), 30);
	free(index.data);
	free(file.data);
	free(plain.data);
}

#define BOUNDARIES 4000

/* The boundaries of a stream, as their places in bits, with the input cut into pieces. */
static size_t boundaries(struct bytes in, size_t piece, uint64_t *list)
{
	struct ccp_inflate *state = help_alloc(sizeof *state);
	static uint8_t out[8192];
	size_t at = 0, n = 0;
	enum ccp_inflate_status status = CCP_INFLATE_INPUT;

	ccp_inflate_start(state);
	while (status != CCP_INFLATE_END) {
		size_t len = piece < in.len - at ? piece : in.len - at;
		bool leave = status == CCP_INFLATE_STOP; /* without room it leaves, and passes at most empty blocks */
		struct ccp_inflate_io io = { .in = in.data + at, .in_len = len, .out = out,
					     .out_len = leave ? 0 : sizeof out, .stop_next = !leave };

		status = ccp_inflate_step(state, &io);
		at += len - io.in_len;
		cr_assert(status != CCP_INFLATE_ERROR && (status != CCP_INFLATE_INPUT || at < in.len));
		if (status != CCP_INFLATE_STOP)
			continue;
		cr_assert(!leave && n < BOUNDARIES);
		list[n] = at * 8 - state->bits_held - state->head_len * 8;
		n += n == 0 || list[n] != list[n - 1]; /* a header that is cut is still ahead */
	}
	free(state);
	return n;
}

/* By zlib. */
static size_t right_boundaries(struct bytes in, uint64_t *list)
{
	z_stream z = { .next_in = in.data, .avail_in = (uInt)in.len };
	static uint8_t out[1 << 16];
	size_t n = 0;
	int status = Z_OK;

	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	for (list[n++] = 0; status == Z_OK;) {
		z.next_out = out;
		z.avail_out = sizeof out;
		status = inflate(&z, Z_BLOCK);
		if (status == Z_OK && z.total_in > 0 && (z.data_type & 128) && !(z.data_type & 64))
			list[n++] = z.total_in * 8 - ((unsigned)z.data_type & 7);
	}
	cr_assert_eq(status, Z_STREAM_END);
	inflateEnd(&z);
	return n;
}

Test(gzip_index, the_decoder_stops_at_boundaries)
{
	static uint64_t right[BOUNDARIES], cut[BOUNDARIES];

	for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
		struct bytes plain = help_content(CONTENT_MIXED, 30000, kind + 1), in = help_stream(plain, kind);
		bool flushed = kind >= 11; /* with empty blocks */
		size_t n = right_boundaries(in, right);

		for (size_t piece = 1; piece < 60000; piece = piece * 3 + 1) {
			size_t m = boundaries(in, piece, cut), j = 0;

			for (size_t i = 0; i < m; i++, j++) {
				while (j < n && right[j] != cut[i])
					j++;
				cr_assert(j < n, "kind %u, %zu: no boundary at %zu", kind, piece, (size_t)cut[i]);
			}
			cr_assert(flushed ? m * 3 >= n : m == n, "kind %u, %zu: %zu of %zu", kind, piece, m, n);
		}
		free(in.data);
		free(plain.data);
	}
}

/* ---- verdicts --------------------------------------------------------------------------------------------------- */

static void check_verdict(struct bytes file, const char *what)
{
	struct drive drive = { .ops = &ccp_transform_gunzip };
	struct result right = help_run(&drive, file.data, file.len);
	int fd = help_fd(file), to = memfd_create("index", MFD_CLOEXEC);
	struct ccp_err err;
	int result = ccp_index_write(fd, to, 1000, NULL, NULL, &err);

	cr_assert_eq(result, ccp_err_is_error(&right.err) ? -1 : 0, "%s: %s, gunzip: %s", what, err.text,
		     right.err.text);
	cr_assert_eq(err.code, right.err.code, "%s: %s, gunzip: %s", what, err.text, right.err.text);
	if (err.code != CCP_OK)
		cr_assert_eq(err.offset, right.err.offset, "%s: %s at %zu, gunzip: %zu", what, err.text,
			     (size_t)err.offset, (size_t)right.err.offset);
	close(fd);
	close(to);
	free(right.out.data);
}

Test(gzip_index, judges_as_gunzip)
{
	struct bytes plain = help_content(CONTENT_TEXT, 700, 3), file = { 0 };
	static const char *const ends[] = { "", "garbage", "\0\0garbage", "\0\0\0\0", "\x1f", "\0", "\x1f\x9d",
					    "\x1f\x8b" };
	static const size_t lens[] = { 0, 7, 9, 4, 1, 1, 2, 2 };
	char what[80];
	size_t len;

	add_member(&file, plain, 4);
	add_member(&file, plain, 9);
	len = file.len;
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		file.len = len;
		help_append(&file, ends[i], lens[i]);
		snprintf(what, sizeof what, "end %zu", i);
		check_verdict(file, what);
		check_verdict((struct bytes){ file.data + len, lens[i], 0 }, "the end alone");
	}
	file.len = len;
	for (; file.len > 0; file.len--) {
		snprintf(what, sizeof what, "%zu bytes of %zu", file.len - 1, len);
		check_verdict((struct bytes){ file.data, file.len - 1, 0 }, what);
	}
	for (size_t i = 0; i < len * 8; i += 3) {
		file.len = len;
		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
		snprintf(what, sizeof what, "bit %zu", i);
		check_verdict(file, what);
		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	free(file.data);
	free(plain.data);
}

static bool now(void *arg)
{
	int *left = arg;

	return (*left)-- == 0;
}

Test(gzip_index, can_be_stopped)
{
	struct bytes plain = help_content(CONTENT_ZEROS, 5000000, 1), file = { 0 };
	struct ccp_err err;
	int left = 3, fd, to = memfd_create("index", MFD_CLOEXEC);

	add_member(&file, plain, 0);
	fd = help_fd(file);
	cr_assert_eq(ccp_index_write(fd, to, 1000, now, &left, &err), -1);
	cr_assert_eq(err.code, CCP_E_CANCELLED);
	close(fd);
	close(to);
	free(file.data);
	free(plain.data);
}
