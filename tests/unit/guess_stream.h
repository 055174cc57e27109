/*
 * guess_stream.h: what the unit tests of decoding from the middle share: streams of all kinds with their block
 * boundaries, and a guess with buffers of its own, whose patches are checked.
 */
#ifndef CCP_TESTS_UNIT_GUESS_STREAM_H
#define CCP_TESTS_UNIT_GUESS_STREAM_H

#include "tests/unit/guess_help.h" /* the first: it asks zlib for const */

#include <stdio.h>

#include "tests/unit/codec_help.h"

#define LEN 150000u
#define MAX_STARTS 7 /* boundaries tried of each stream */

enum plain { TEXT, BINARY, JSON, READS, LETTERS, PLAINS };

static inline struct bytes make_plain(enum plain kind, size_t len)
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

static inline struct stream make_stream(struct bytes plain, const struct how *how)
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

static inline void free_stream(struct stream *s)
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

static inline bool count_down(void *arg)
{
	unsigned *left = arg;

	return --*left == 0;
}

/* The list of patches must be in order and point to bytes that are there. */
static inline void check_patches(const struct trial *t)
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

static inline struct trial run(const uint8_t *data, size_t len, uint64_t bit, struct caps caps)
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

static inline void free_trial(struct trial *t)
{
	free(t->in);
	free(t->out);
	free(t->groups);
	free(t->values);
}

static const struct caps plenty = { LEN, LEN / 16, LEN, 0 };

/* Each test runs this for streams of all kinds, and starts all over them. */
static inline void for_starts(void (*test)(const struct stream *s, size_t start, uint64_t *seed))
{
	uint64_t seed = 88172645463325252u;

	for (unsigned kind = 0; kind < PLAINS; kind++) {
		struct bytes plain = make_plain(kind, LEN);

		for (size_t i = 0; i < HOWS; i++) {
			struct stream s = make_stream(plain, hows + i);
			size_t by = 1 + s.count * help_less() / MAX_STARTS;

			for (size_t start = 0; start < s.count; start += 1 + help_random(&seed) % (2 * by - 1))
				test(&s, start, &seed);
			test(&s, s.count - 1, &seed);
			free_stream(&s);
		}
		free(plain.data);
	}
}

#endif
