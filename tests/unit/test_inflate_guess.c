/*
 * test_inflate_guess.c: decoding from the middle against zlib: from every kind of block boundary, with the input, the
 * room and the patience cut anywhere, patched with the true window, and gone on with by the byte decoder.
 */
#include "tests/unit/guess_help.h"

#include <stdio.h>

#include "tests/unit/codec_help.h"

#define LEN 150000u
#define MAX_STARTS 7 /* boundaries tried of each stream */

enum plain { TEXT, BINARY, JSON, READS, LETTERS, PLAINS };

static struct bytes make_plain(enum plain kind, size_t len)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) + kind;
	struct bytes b;

	if (kind == TEXT)
		return help_content(CONTENT_TEXT, len, 7);
	b = (struct bytes){ help_alloc(len + 400), 0, len };
	while (b.len < len) {
		char *to = (char *)b.data + b.len;
		uint64_t r = help_random(&seed);
		size_t n;

		if (kind == JSON) {
			n = (size_t)snprintf(to, 300, "{\"time\":%zu,\"level\":\"%s\",\"user\":%u,\"id\":%u}\n",
					     1700000000 + b.len, r & 1 ? "info" : "warning",
					     (unsigned)(r >> 8 & 0xffff), (unsigned)(r >> 30 & 63));
			b.len += n;
		} else if (kind == READS) {
			n = (size_t)snprintf(to, 300, "@run:%u:%zu\n", (unsigned)(r & 0xfff), b.len);
			for (unsigned i = 0; i < 80; i++)
				to[n++] = "ACGT"[help_random(&seed) & 3];
			b.len += n;
		} else if (kind == LETTERS) { /* no match is worth it: markers die out */
			for (n = 0; n < 64; n++)
				to[n] = (char)('0' + (help_random(&seed) >> 20) % 64);
			b.len += n;
		} else if (r & 1 || b.len < 400) {
			n = 4 + (r >> 8 & 31);
			for (size_t i = 0; i < n; i++)
				to[i] = (char)(help_random(&seed) >> 30);
			b.len += n;
		} else { /* a copy; of one to eight bytes before, a repetition */
			size_t distance = 1 + (r >> 8) % (r & 2 ? 8 : b.len < 32768 ? b.len : 32768);

			n = 3 + (r >> 40) % 290;
			for (size_t i = 0; i < n; i++)
				b.data[b.len + i] = b.data[b.len + i - distance];
			b.len += n;
		}
	}
	b.len = len;
	return b;
}

struct how {
	int level, strategy, memory;
	size_t every; /* bytes between flushes, or 0 */
	int flush;
};

static const struct how hows[] = {
	{ 6, Z_DEFAULT_STRATEGY, 8, 0, 0 },
	{ 1, Z_DEFAULT_STRATEGY, 8, 0, 0 },
	{ 9, Z_DEFAULT_STRATEGY, 9, 0, 0 },
	{ 6, Z_DEFAULT_STRATEGY, 1, 0, 0 },
	{ 0, Z_DEFAULT_STRATEGY, 8, 0, 0 },
	{ 6, Z_FIXED, 4, 0, 0 },
	{ 6, Z_HUFFMAN_ONLY, 8, 0, 0 },
	{ 6, Z_RLE, 8, 0, 0 },
	{ 6, Z_FILTERED, 8, 0, 0 },
	{ 6, Z_DEFAULT_STRATEGY, 8, 20011, Z_SYNC_FLUSH },
	{ 6, Z_DEFAULT_STRATEGY, 8, 7001, Z_PARTIAL_FLUSH },
	{ 6, Z_DEFAULT_STRATEGY, 8, 50021, Z_FULL_FLUSH },
};

#define HOWS (sizeof hows / sizeof *hows)
#define MAX_BOUNDARIES 20000

/* A raw stream, what it decodes to, and where its blocks begin. */
struct stream {
	struct bytes plain, raw;
	size_t count;
	struct { uint64_t bit; size_t out; } *starts;
};

static struct stream make_stream(struct bytes plain, const struct how *how)
{
	struct stream s = { .plain = plain, .starts = help_alloc(MAX_BOUNDARIES * sizeof *s.starts) };
	size_t cap = plain.len + plain.len / 4 + 10000, done = 0;
	uint8_t *room = help_alloc(plain.len + 1);
	z_stream z = { 0 };
	int status;

	s.raw.data = help_alloc(cap);
	cr_assert_eq(deflateInit2(&z, how->level, Z_DEFLATED, -15, how->memory, how->strategy), Z_OK);
	z.next_out = s.raw.data;
	z.avail_out = (uInt)cap;
	do {
		size_t n = how->every && how->every < plain.len - done ? how->every : plain.len - done;

		z.next_in = plain.data + done;
		z.avail_in = (uInt)n;
		done += n;
		status = deflate(&z, done < plain.len ? how->flush : Z_FINISH);
		cr_assert_neq(status, Z_STREAM_ERROR);
	} while (status != Z_STREAM_END);
	s.raw.len = z.total_out;
	deflateEnd(&z);

	memset(&z, 0, sizeof z);
	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	z.next_in = s.raw.data;
	z.avail_in = (uInt)s.raw.len;
	z.next_out = room;
	z.avail_out = (uInt)plain.len + 1;
	s.starts[0].bit = s.starts[0].out = 0; /* not always reported */
	s.count = 1;
	while ((status = inflate(&z, Z_BLOCK)) == Z_OK) {
		if (!(z.data_type & 128) || z.data_type & 64 || z.total_in == 0)
			continue;
		cr_assert_lt(s.count, (size_t)MAX_BOUNDARIES);
		s.starts[s.count].bit = (uint64_t)(z.next_in - s.raw.data) * 8 - (unsigned)(z.data_type & 7);
		s.starts[s.count++].out = z.total_out;
	}
	cr_assert_eq(status, Z_STREAM_END);
	inflateEnd(&z);
	free(room);
	return s;
}

static void free_stream(struct stream *s)
{
	free(s->raw.data);
	free(s->starts);
}

/* A guess with buffers of just its size, so that a sanitizer sees what goes beyond them. */
struct trial {
	struct ccp_guess guess;
	enum ccp_guess_status status;
	uint8_t *in, *out;
	size_t in_len;
	struct ccp_patch_group *groups;
	uint16_t *values;
};

struct caps {
	size_t out, groups, values;
	unsigned calls; /* stops when it was asked so often; 0: never */
};

static bool count_down(void *arg)
{
	unsigned *left = arg;

	return --*left == 0;
}

/* The list of patches must be in order and point to bytes that are there. */
static void check_patches(const struct trial *t)
{
	size_t values = 0;
	uint64_t end = 0;
	unsigned least = 0x10000;
	bool good = true;

	for (size_t i = 0; i < t->guess.group_count; i++) {
		const struct ccp_patch_group *group = t->groups + i;

		good = good && group->mask != 0 && group->values == values && group->place >= end;
		values += (size_t)__builtin_popcountll(group->mask);
		end = group->place + 64 - (unsigned)__builtin_clzll(group->mask);
	}
	cr_assert(good);
	cr_assert_eq(values, t->guess.value_count);
	cr_assert_leq(end, t->guess.out_len);
	for (size_t i = 0; i < values; i++)
		least = t->values[i] < least ? t->values[i] : least;
	cr_assert_eq(least, 0x10000 - t->guess.reach);
}

static struct trial run(const uint8_t *data, size_t len, uint64_t bit, struct caps caps)
{
	static struct ccp_guess_work work;
	struct trial t = { .in = help_alloc(len - bit / 8),
			   .in_len = len - bit / 8,
			   .out = help_alloc(caps.out),
			   .groups = help_alloc(caps.groups * sizeof *t.groups),
			   .values = help_alloc(caps.values * sizeof *t.values) };

	memcpy(t.in, data + bit / 8, t.in_len);
	memset(&t.guess, 0x5a, sizeof t.guess);
	ccp_guess_begin(&t.guess, caps.out, caps.groups, caps.values);
	t.status = ccp_guess_run(&work, &t.guess, t.in, t.in_len, bit & 7, t.out, t.groups, t.values,
				 caps.calls ? count_down : NULL, &caps.calls);
	cr_assert_leq(t.guess.out_len, caps.out);
	cr_assert_leq(t.guess.group_count, caps.groups);
	cr_assert_leq(t.guess.value_count, caps.values);
	cr_assert_leq(t.guess.in_used, t.in_len);
	check_patches(&t);
	return t;
}

static void free_trial(struct trial *t)
{
	free(t->in);
	free(t->out);
	free(t->groups);
	free(t->values);
}

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

static const struct caps plenty = { LEN, LEN / 16, LEN, 0 };

/* Each test runs this for streams of all kinds, and starts all over them. */
static void for_starts(void (*test)(const struct stream *s, size_t start, uint64_t *seed))
{
	uint64_t seed = 88172645463325252u;

	for (unsigned kind = 0; kind < PLAINS; kind++) {
		struct bytes plain = make_plain(kind, LEN);

		for (size_t i = 0; i < HOWS; i++) {
			struct stream s = make_stream(plain, hows + i);
			size_t by = 1 + s.count / MAX_STARTS;

			for (size_t start = 0; start < s.count; start += 1 + help_random(&seed) % (2 * by - 1))
				test(&s, start, &seed);
			test(&s, s.count - 1, &seed);
			free_stream(&s);
		}
		free(plain.data);
	}
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

			for (size_t cut = s.starts[s.count / 2].bit / 8 + 1; cut <= s.raw.len; cut += 1 + i % 3)
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

Test(inflate_guess, wrong_starts_do_no_harm)
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

Test(inflate_guess, damage_is_found_where_zlib_finds_it)
{
	for_starts(damage);
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
