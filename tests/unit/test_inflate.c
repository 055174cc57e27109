/*
 * The byte decoder against zlib: streams of all kinds with all cuts, damaged ones, stopping at block boundaries and
 * beginning at them.
 */
#include "tests/unit/inflate_help.h"

/* Compares with zlib and, for errors, the place with that of the whole input at once. */
static void check_cuts(struct bytes in, size_t room, const struct verdict *right, size_t in_max, size_t out_max,
		       bool apart, uint64_t seed, size_t *place, const char *what)
{
	struct verdict ours = help_our_verdict(in, room, in_max, out_max, apart, seed);
	size_t at = help_same_verdict(ours, *right, what);

	if (*place == SIZE_MAX)
		*place = at;
	cr_assert_eq(at, *place, "%s: the error is at %zu, with another cut at %zu", what, at, *place);
	free(ours.out.data);
}

/* One stream with many cuts. */
static void check_stream(struct bytes in, size_t room, bool small, uint64_t seed, const char *what)
{
	static const size_t sizes[][2] = { { 1u << 30, 1u << 30 }, { 1u << 30, 5000 }, { 3000, 1u << 30 },
					   { 700, 900 }, { 60, 400 }, { 7, 1u << 30 }, { 1u << 30, 7 }, { 40, 1 } };
	struct verdict right = help_zlib_verdict(in, room);
	size_t place = SIZE_MAX;

	check_cuts(in, room, &right, in.len + 1, 1u << 30, false, 1, &place, what);
	for (unsigned i = 0; i < (small ? 8u : 4u); i++)
		for (unsigned apart = 0; apart < 2; apart++)
			check_cuts(in, room, &right, sizes[i][0], sizes[i][1], apart, seed + i, &place, what);
	if (small) {
		check_cuts(in, room, &right, 1, 1u << 30, true, seed + 1, &place, what);
		check_cuts(in, room, &right, 1, 1, true, seed + 1, &place, what);
		check_cuts(in, room, &right, 1, 1, false, seed + 2, &place, what);
	}
	free(right.out.data);
}

Test(inflate, decodes_what_zlib_makes)
{
	static const size_t sizes[] = { 0, 1, 2, 300, 5000, 70000, 400000 };

	for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
		for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bytes plain = help_content((enum content)(kind + i) % CONTENT_KINDS, sizes[i], kind + i);
			struct bytes in = help_stream(plain, kind);
			char what[80];

			snprintf(what, sizeof what, "kind %u, %zu bytes", kind, sizes[i]);
			help_append(&in, "trailing", 8);
			check_stream(in, plain.len + 1, sizes[i] <= 5000, kind * 7 + i + 1, what);
			free(plain.data);
			free(in.data);
		}
	}
}

/* Few values, so that codes are short and two literals are decoded at a time; a match now and then. */
Test(inflate, decodes_pairs_of_literals)
{
	for (unsigned values = 2; values <= 128; values *= 2) {
		struct bytes plain = help_content(CONTENT_RANDOM, 150000, values), in;

		for (size_t i = 0; i < plain.len; i++)
			plain.data[i] = (uint8_t)(plain.data[i] % values + (i % 50 ? 0 : 128));
		for (size_t i = 5000; i + 600 < plain.len; i += 3000)
			memcpy(plain.data + i, plain.data + i - 4000 - i % 700, i % 500);
		for (unsigned kind = 0; kind < 10; kind++) {
			in = help_stream(plain, kind);
			check_stream(in, plain.len + 1, false, values + kind, "pairs");
			free(in.data);
		}
		free(plain.data);
	}
}

Test(inflate, one_cut_anywhere_changes_nothing)
{
	struct bytes plain = help_content(CONTENT_MIXED, 3000, 8);

	for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
		struct bytes in = help_stream(plain, kind);
		struct ccp_inflate state;
		uint8_t *out = help_alloc(plain.len);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct ccp_inflate_io io = { .in = in.data, .in_len = cut, .out = out, .out_len = plain.len };
			size_t n;

			ccp_inflate_start(&state);
			if (cut < in.len)
				cr_assert_eq(ccp_inflate_step(&state, &io), CCP_INFLATE_INPUT);
			/* The state can be copied; and the window serves when the output has gone. */
			struct ccp_inflate other = state;

			cr_assert(cut == in.len || io.in_len == 0);
			io.in_len = in.len - (size_t)(io.in - in.data);
			n = plain.len - io.out_len;
			uint8_t *rest = help_alloc(io.out_len);

			io.out = rest;
			cr_assert_eq(ccp_inflate_step(&other, &io), CCP_INFLATE_END, "kind %u, cut at %zu", kind, cut);
			cr_assert_eq(io.out_len, 0);
			cr_assert(memcmp(out, plain.data, n) == 0);
			cr_assert(memcmp(rest, plain.data + n, plain.len - n) == 0, "kind %u, cut %zu", kind, cut);
			free(rest);
		}
		for (size_t room = 0; room <= plain.len; room += 1 + room / 500) {
			struct ccp_inflate_io io = { .in = in.data, .in_len = in.len, .out = out, .out_len = room };

			ccp_inflate_start(&state);
			cr_assert_eq(ccp_inflate_step(&state, &io),
				     room < plain.len ? CCP_INFLATE_OUTPUT : CCP_INFLATE_END);
			cr_assert_eq(io.out_len, 0);
			cr_assert(memcmp(out, plain.data, room) == 0);
		}
		free(out);
		free(in.data);
	}
	free(plain.data);
}

Test(inflate, tells_what_zlib_tells_of_every_flipped_bit, .timeout = 300)
{
	struct bytes plain = help_content(CONTENT_TEXT, 4000, 3);
	const size_t room = 1u << 18;

	for (unsigned kind = 0; kind < STREAM_KINDS; kind += 2) {
		struct bytes in = help_stream(plain, kind);

		in.len = in.len < 2048 ? in.len : 2048;
		for (size_t bit = 0; bit < in.len * 8; bit += (kind == 0 ? 1 : 7) * help_less()) {
			struct verdict right;
			size_t place = SIZE_MAX;
			char what[80];

			snprintf(what, sizeof what, "kind %u, bit %zu flipped", kind, bit);
			in.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			right = help_zlib_verdict(in, room);
			check_cuts(in, room, &right, 1u << 30, 1u << 30, false, 1, &place, what);
			check_cuts(in, room, &right, 300, 2000, true, bit + 1, &place, what);
			if (bit % 64 == 3)
				check_cuts(in, room, &right, 1, 1, true, bit + 1, &place, what);
			free(right.out.data);
			in.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		free(in.data);
	}
	free(plain.data);
}

Test(inflate, tells_what_zlib_tells_of_random_damage, .timeout = 300)
{
	uint64_t seed = 77;

	for (unsigned round = 0; round < 3000; round += help_less()) {
		struct bytes plain = help_content((enum content)(round % CONTENT_KINDS), 1 + help_random(&seed) % 8000,
						  round);
		struct bytes in = help_stream(plain, (unsigned)(help_random(&seed) % STREAM_KINDS));
		struct verdict right;
		size_t place = SIZE_MAX;
		char what[40];

		for (unsigned n = (unsigned)(help_random(&seed) % 4); n > 0 && in.len > 0; n--) {
			size_t at = help_random(&seed) % in.len, span = help_random(&seed) % 2 ? in.len : 60;

			if (help_random(&seed) % 4 == 0)
				in.len = at;
			else
				in.data[at % span] = (uint8_t)help_random(&seed);
		}
		snprintf(what, sizeof what, "round %u", round);
		const size_t room = in.len * 1040 + 1000; /* a match of 258 bytes takes two bits */

		right = help_zlib_verdict(in, room);
		check_cuts(in, room, &right, 1u << 30, 1u << 30, false, 1, &place, what);
		check_cuts(in, room, &right, 100, 3000, round % 2, help_random(&seed), &place, what);
		free(right.out.data);
		free(plain.data);
		free(in.data);
	}
}

/* An odd stream by hand, with the error expected, or NULL. */
static void check_odd(struct bit_writer *w, const char *wrong, size_t before)
{
	struct verdict right = help_zlib_verdict(w->to, 1000);
	struct verdict ours = help_our_verdict(w->to, 1000, 100, 1000, false, 1);

	if (wrong)
		cr_assert_str_eq(right.wrong, wrong);
	help_same_verdict(ours, right, wrong);
	if (wrong)
		cr_assert_eq(ours.before, before, "%s: at %zu, expected %zu", wrong, ours.before, before);
	free(right.out.data);
	free(ours.out.data);
	check_stream(w->to, 1000, true, 3, wrong ? wrong : "odd");
	free(w->to.data);
	*w = (struct bit_writer){ 0 };
}

Test(inflate, errors_have_a_place)
{
	struct bit_writer w = { 0 };

	help_bits(&w, 7, 3);
	check_odd(&w, "invalid block type", 0);
	help_bits(&w, 3, 3);
	help_fixed(&w, 286);
	check_odd(&w, "invalid literal/length code", 0);
	for (unsigned dist = 30; dist < 32; dist++) {
		help_bits(&w, 3, 3);
		help_fixed(&w, 'a');
		help_fixed(&w, 'b'); /* 19 bits */
		help_fixed(&w, 257); /* 26 bits */
		help_word(&w, dist, 5);
		help_bits(&w, 0, 40);
		check_odd(&w, "invalid distance code", 3);
	}
	help_bits(&w, 3, 3);
	help_fixed(&w, 'a');
	help_fixed(&w, 258);
	help_word(&w, 1, 5); /* distance 2 of 1 byte */
	help_bits(&w, 0, 400);
	check_odd(&w, "invalid distance too far back", 2);
	help_bits(&w, 2, 3);
	help_bits(&w, 0, 7);
	help_fixed(&w, 256);
	help_bits(&w, 0, 3);
	w.used = 0;
	help_bits(&w, 0x1234, 32);
	check_odd(&w, "invalid stored block lengths", 1);
	help_bits(&w, 2, 3); /* an empty fixed block, then an empty final one */
	help_fixed(&w, 256);
	help_bits(&w, 3, 3);
	help_fixed(&w, 256);
	check_odd(&w, NULL, 0);
}

/* A boundary between blocks, as zlib reports it. */
struct boundary {
	uint64_t bit;
	size_t out;
	bool stored; /* the block behind it */
};

static size_t list_boundaries(struct bytes in, struct bytes plain, struct boundary *list, size_t max)
{
	z_stream z = { .next_in = in.data, .avail_in = (uInt)in.len };
	uint8_t *out = help_alloc(plain.len + 1);
	size_t n = 0;

	z.next_out = out;
	z.avail_out = (uInt)plain.len + 1;
	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	while (inflate(&z, Z_BLOCK) == Z_OK) {
		if (!(z.data_type & 128) || (z.data_type & 64))
			continue;
		cr_assert_lt(n, max);
		uint64_t bit = (uint64_t)z.total_in * 8 - (unsigned)(z.data_type & 63);
		unsigned head = 0;

		for (unsigned i = 0; i < 3; i++)
			head |= (unsigned)(in.data[(bit + i) / 8] >> (bit + i) % 8 & 1) << i;
		list[n++] = (struct boundary){ bit, z.total_out, head == 0 };
	}
	inflateEnd(&z);
	free(out);
	return n;
}

/* Steps until the boundary with the input cut at `cut`; returns what was decoded. */
static size_t run_to(struct ccp_inflate *state, struct bytes in, uint8_t *out, size_t room, size_t cut, bool stored,
		     uint64_t bit)
{
	struct ccp_inflate_boundary stop = { stored, bit };
	struct ccp_inflate_io io = { .in = in.data, .in_len = cut, .out = out, .out_len = room, .stop = &stop };
	enum ccp_inflate_status status = ccp_inflate_step(state, &io);

	if (status == CCP_INFLATE_INPUT) {
		uint64_t base = (uint64_t)(io.in - in.data) * 8;

		/* Where the header of the boundary was taken before, it cannot be told any more. */
		if (bit < base)
			return SIZE_MAX;
		stop.bit = bit - base;
		io.before_out = room - io.out_len;
		io.in_len = in.len - cut;
		status = ccp_inflate_step(state, &io);
	}
	cr_assert_eq(status, CCP_INFLATE_STOP, "bit %zu, cut at %zu: status %d", (size_t)bit, cut, (int)status);
	return room - io.out_len;
}

/* Begins at bit `bit` with the window before it. */
static void begin_at(struct ccp_inflate *state, struct ccp_inflate_io *io, struct bytes in, uint64_t bit,
		     struct bytes plain, size_t out)
{
	ccp_inflate_start(state);
	ccp_inflate_set_window(state, plain.data, out);
	io->in = in.data + bit / 8;
	io->in_len = in.len - bit / 8;
	if (bit % 8) {
		state->bits_held = 8 - (unsigned)(bit % 8);
		state->bits = *io->in >> bit % 8;
		io->in++;
		io->in_len--;
	}
}

Test(inflate, stops_and_begins_at_every_boundary, .timeout = 300)
{
	static struct boundary list[20000];
	size_t total = 0;

	for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
		struct bytes plain = help_content(CONTENT_MIXED, 120000, kind), in = help_stream(plain, kind);
		size_t n = list_boundaries(in, plain, list, sizeof list / sizeof *list);
		uint8_t *out = help_alloc(plain.len);
		struct ccp_inflate state;

		total += n;
		for (size_t i = 0; i < n; i += 1 + n / 50) {
			const struct boundary *b = &list[i];
			uint64_t len_at = (b->bit + 3 + 7) & ~UINT64_C(7), bit = b->stored ? len_at : b->bit;
			struct ccp_inflate_io io = { .out = out, .out_len = plain.len - b->out };

			for (size_t cut = b->bit / 8 > 3 ? b->bit / 8 - 3 : 0; cut < b->bit / 8 + 4; cut++) {
				if (cut > in.len)
					continue;
				ccp_inflate_start(&state);
				size_t got = run_to(&state, in, out, plain.len, cut, b->stored, bit);

				if (got != SIZE_MAX)
					cr_assert_eq(got, b->out, "kind %u: stopped after %zu, expected %zu", kind, got,
						     b->out);
			}
			begin_at(&state, &io, in, b->bit, plain, b->out);
			if (b->bit % 8 == 0 || b->stored) {
				struct ccp_inflate_boundary here = { b->stored, 0 };

				here.bit = b->stored ? len_at - (uint64_t)(io.in - in.data) * 8 : 0;
				io.stop = &here;
				cr_assert_eq(ccp_inflate_step(&state, &io), CCP_INFLATE_STOP);
				cr_assert_eq(io.out, out);
				io.stop = NULL;
			}
			cr_assert_eq(ccp_inflate_step(&state, &io), CCP_INFLATE_END);
			cr_assert_eq(io.out_len, 0);
			cr_assert(memcmp(out, plain.data + b->out, plain.len - b->out) == 0, "kind %u, block %zu",
				  kind, i);
		}
		free(plain.data);
		free(in.data);
		free(out);
	}
	cr_assert_gt(total, 500);
}
