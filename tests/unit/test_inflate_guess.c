/*
 * test_inflate_guess.c: decoding from the middle against zlib: from every kind of block boundary, with the input, the
 * room and the patience cut anywhere, patched with the true window, and gone on with by the byte decoder.
 */
#include "tests/unit/guess_stream.h"

/* Guesses from start i with the input cut at `cut`; what it gives, and what follows, must be the plain data. */
static enum ccp_guess_status check(const struct stream *s, size_t i, size_t cut, struct caps caps)
{
	size_t before = s->starts[i].out, window_len = before < CCP_INFLATE_WINDOW ? before : CCP_INFLATE_WINDOW;
	struct trial t = run(s->raw.data, cut, s->starts[i].bit, caps);
	enum ccp_guess_status status = t.status;
	const uint8_t *plain = s->plain.data + before, *next = s->raw.data + s->starts[i].bit / 8 + t.guess.in_used;
	size_t left = s->plain.len - before, out_len = t.guess.out_len;
	uint8_t *rest;

	cr_assert_neq(status, CCP_GUESS_ERROR);
	cr_assert_leq(t.guess.reach, window_len);
	if (status == CCP_GUESS_INPUT)
		cr_assert_eq(t.guess.in_used, t.in_len);
	if (status == CCP_GUESS_END)
		cr_assert(next == s->raw.data + s->raw.len && out_len == left && t.guess.after.bits_held == 0);
	if (status == CCP_GUESS_FULL) /* no sooner than needed */
		cr_assert(caps.out - out_len < 258 || caps.groups - t.guess.group_count < 6 ||
			  caps.values - t.guess.value_count < 258);
	ccp_guess_patch(&t.guess, t.out, t.groups, t.values, plain - window_len, window_len);
	cr_assert_leq(out_len, left);
	cr_assert_eq(memcmp(t.out, plain, out_len), 0);
	window_len = before + out_len < CCP_INFLATE_WINDOW ? before + out_len : CCP_INFLATE_WINDOW;
	cr_assert_eq(t.guess.after.window_len, window_len);
	cr_assert_eq(memcmp(t.guess.after.window, plain + out_len - window_len, window_len), 0);

	rest = help_alloc(left - out_len);

	struct ccp_inflate_io io = { .in = next,
				     .in_len = (size_t)(s->raw.data + s->raw.len - next),
				     .out = rest,
				     .out_len = left - out_len };

	cr_assert_eq(ccp_inflate_step(&t.guess.after, &io), CCP_INFLATE_END);
	cr_assert_eq(io.out_len, 0);
	cr_assert_eq(io.in_len + io.held_len, 0);
	cr_assert_eq(memcmp(rest, plain + out_len, left - out_len), 0);
	free(rest);
	free_trial(&t);
	return status;
}

static void cut_input(const struct stream *s, size_t start, uint64_t *seed)
{
	size_t first = s->starts[start].bit / 8 + 1, left = s->raw.len - first;

	cr_assert_eq(check(s, start, s->raw.len, plenty), CCP_GUESS_END);
	if (left == 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(check(s, start, first + help_random(seed) % left, plenty), CCP_GUESS_INPUT);
	/* In or near the header of a block, and in the first symbols. */
	cr_assert_eq(check(s, start, first + help_random(seed) % (left < 100 ? left : 100), plenty), CCP_GUESS_INPUT);
	if (start + 1 < s->count) {
		first = s->starts[start + 1].bit / 8 + 1;
		left = s->raw.len - first;
		if (left > 0)
			check(s, start, first + help_random(seed) % (left < 100 ? left : 100), plenty);
	}
}

Test(inflate_guess, any_cut_of_the_input)
{
	for_starts(cut_input);
}

static void cut_room(const struct stream *s, size_t start, uint64_t *seed)
{
	static const size_t few[] = { 0, 1, 2, 3, 63, 64, 65, 96, 97, 257, 258, 259, 1000, 5000, 9000, 40000 };
	size_t n = sizeof few / sizeof *few;
	struct caps caps = plenty;

	for (unsigned i = 0; i < 3; i++) {
		caps = plenty;
		caps.out = few[help_random(seed) % n];
		check(s, start, s->raw.len, caps);
		caps = plenty;
		caps.values = few[help_random(seed) % n];
		check(s, start, s->raw.len, caps);
		caps = plenty;
		caps.groups = few[help_random(seed) % n] / 2;
		check(s, start, s->raw.len, caps);
	}
}

Test(inflate_guess, any_room)
{
	for_starts(cut_room);
}

static void call(const struct stream *s, size_t start, uint64_t *seed)
{
	struct caps caps = plenty;
	enum ccp_guess_status status;

	caps.calls = 1;
	status = check(s, start, s->raw.len, caps);
	cr_assert(status == CCP_GUESS_CALLED || status == CCP_GUESS_END);
	if (s->plain.len - s->starts[start].out > 20000)
		cr_assert_eq(status, CCP_GUESS_CALLED);
	caps.calls = 2 + (unsigned)(help_random(seed) % 20);
	check(s, start, s->raw.len, caps);
}

Test(inflate_guess, stops_when_called)
{
	for_starts(call);
}

Test(inflate_guess, every_cut_of_a_short_stream)
{
	for (unsigned kind = 0; kind < PLAINS; kind++) {
		struct bytes plain = make_plain(kind, 3000);

		for (size_t i = 0; i < HOWS; i++) {
			struct how how = hows[i];

			how.every = how.every ? 1100 : 0;
			struct stream s = make_stream(plain, &how);

			for (size_t cut = s.starts[s.count / 2].bit / 8 + 1; cut <= s.raw.len;
			     cut += help_less() + i % 3)
				check(&s, s.count / 2, cut, plenty);
			free_stream(&s);
		}
		free(plain.data);
	}
}

static void compare_reach(const struct stream *s, size_t start, uint64_t *seed)
{
	struct trial t = run(s->raw.data, s->raw.len, s->starts[start].bit, plenty);
	const uint8_t *window = s->plain.data + s->starts[start].out;
	struct oracle oracle;
	uint8_t *out = help_alloc(LEN);

	(void)seed;
	cr_assert(oracle_run(&oracle, t.in, t.in_len, s->starts[start].bit & 7, out, LEN, window - t.guess.reach,
			     t.guess.reach));
	cr_assert_eq(oracle.status, Z_STREAM_END);
	cr_assert_eq(oracle.out_len, t.guess.out_len);
	if (t.guess.reach > 0) {
		cr_assert(oracle_run(&oracle, t.in, t.in_len, s->starts[start].bit & 7, out, LEN,
				     window - (t.guess.reach - 1), t.guess.reach - 1));
		cr_assert_eq(oracle.status, Z_DATA_ERROR);
	}
	free(out);
	free_trial(&t);
}

Test(inflate_guess, reach_is_how_much_window_it_takes)
{
	for_starts(compare_reach);
}

Test(inflate_guess, markers_die_out_and_bytes_go_on)
{
	struct bytes plain = make_plain(LETTERS, LEN);
	struct stream s = make_stream(plain, hows);
	struct caps caps = plenty;
	struct trial t = run(s.raw.data, s.raw.len, s.starts[1].bit, plenty);

	cr_assert_gt(t.guess.value_count, 0);
	cr_assert_eq(t.status, CCP_GUESS_END);
	/* Matches across the whole window keep their history when bytes go on. */
	caps.values = t.guess.value_count;
	caps.groups = t.guess.group_count;
	free_trial(&t);
	cr_assert_eq(check(&s, 1, s.raw.len, caps), CCP_GUESS_END);
	for (caps.out = 32000; caps.out < 50000; caps.out += 777)
		cr_assert_eq(check(&s, 1, s.raw.len, caps), CCP_GUESS_FULL);
	free_stream(&s);
	free(plain.data);
}

Test(inflate_guess, the_end_leaves_what_follows)
{
	struct bytes plain = make_plain(JSON, 40000);
	struct stream s = make_stream(plain, hows);
	uint8_t *data = help_alloc(s.raw.len + 50);
	struct trial t;

	memcpy(data, s.raw.data, s.raw.len);
	memset(data + s.raw.len, 0xff, 50);
	t = run(data, s.raw.len + 50, s.starts[s.count - 1].bit, plenty);
	cr_assert_eq(t.status, CCP_GUESS_END);
	cr_assert_eq(t.guess.after.phase, CCP_IN_END);
	cr_assert_eq(t.guess.in_used, s.raw.len - s.starts[s.count - 1].bit / 8);
	free_trial(&t);
	/* Beyond the end of the input there is nothing to be found. */
	t = run(data, 3, 24, plenty);
	cr_assert_eq(t.status, CCP_GUESS_INPUT);
	cr_assert_eq(t.guess.out_len + t.guess.in_used, 0);
	free_trial(&t);
	free(data);
	free_stream(&s);
	free(plain.data);
}
