/*
 * test_inflate_guess_wrong.c: decoding from the middle where no block begins, and of damaged streams: what zlib makes
 * of the same bits, and the same verdict at the same place.
 */
#include "tests/unit/guess_stream.h"

/* Any bytes, from any bit, with a window of random bytes: what zlib makes of them, and the same verdict. */
static void compare_verdict(const uint8_t *data, size_t len, uint64_t bit, uint64_t *seed)
{
	struct trial t = run(data, len, bit, plenty);
	uint8_t window[CCP_INFLATE_WINDOW], *out = help_alloc(LEN);
	struct oracle oracle;

	for (size_t i = 0; i < sizeof window; i++)
		window[i] = (uint8_t)(help_random(seed) >> 20);
	cr_assert(oracle_run(&oracle, t.in, t.in_len, bit & 7, out, LEN, window, sizeof window));
	ccp_guess_patch(&t.guess, t.out, t.groups, t.values, window, sizeof window);
	cr_assert_leq(t.guess.out_len, oracle.out_len);
	cr_assert_eq(memcmp(t.out, out, t.guess.out_len), 0);
	if (t.status != CCP_GUESS_FULL)
		cr_assert_eq(t.guess.out_len, oracle.out_len);
	if (t.status == CCP_GUESS_END)
		cr_assert(oracle.status == Z_STREAM_END && oracle.in_used == t.guess.in_used);
	if (t.status == CCP_GUESS_ERROR) {
		struct ccp_inflate_io io = { .in = t.in + t.guess.in_used,
					     .in_len = t.in_len - t.guess.in_used,
					     .out = out,
					     .out_len = LEN };

		/* `after` stands before what is wrong. */
		cr_assert_eq(oracle.status, Z_DATA_ERROR);
		cr_assert_eq(ccp_inflate_step(&t.guess.after, &io), CCP_INFLATE_ERROR);
		cr_assert_eq(io.out, out);
	}
	free(out);
	free_trial(&t);
}

static void start_wrongly(const struct stream *s, size_t start, uint64_t *seed)
{
	(void)start;
	for (unsigned i = 0; i < 8; i++)
		compare_verdict(s->raw.data, s->raw.len, help_random(seed) % (s->raw.len * 8), seed);
}

Test(inflate_guess_wrong, wrong_starts_do_no_harm)
{
	for_starts(start_wrongly);
}

static void damage(const struct stream *s, size_t start, uint64_t *seed)
{
	uint8_t *data = help_alloc(s->raw.len);
	size_t first = s->starts[start].bit / 8;

	for (unsigned i = 0; i < 6; i++) {
		size_t at = first + help_random(seed) % (s->raw.len - first);

		memcpy(data, s->raw.data, s->raw.len);
		data[at] ^= (uint8_t)(1u << (help_random(seed) & 7));
		compare_verdict(data, s->raw.len, s->starts[start].bit, seed);
	}
	free(data);
}

Test(inflate_guess_wrong, damage_is_found_where_zlib_finds_it)
{
	for_starts(damage);
}
