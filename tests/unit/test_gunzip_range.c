/*
 * test_gunzip_range.c: what is left of decoded bytes is the range that was asked for, however they are cut; and a file
 * that is entered in the middle gives what it has from there on.
 */
#include "tests/unit/codec_help.h"

#include <stdio.h>

#include "pipeline/transform/gunzip_range.h"

TestSuite(gunzip_range, .timeout = 200);

/* ---- cropping ------------------------------------------------------------------------------------ */

/* The range of data[0, len), told without any haste. */
static struct bytes slice(const uint8_t *data, size_t len, const struct ccp_range *range)
{
	struct bytes want = { help_alloc(1), 0, 1 };
	uint64_t at = 0;

	for (size_t i = 0; i < len; i++) {
		if (at >= range->from && at < range->to)
			help_append(&want, data + i, 1);
		at += !range->lines || data[i] == '\n';
	}
	return want;
}

/* Crops data in parts of `part` bytes. */
static struct bytes crop(const uint8_t *data, size_t len, size_t part, const struct ccp_range *range)
{
	uint8_t *room = help_alloc(part);
	struct bytes got = { help_alloc(1), 0, 1 };
	uint64_t at = 0;
	bool complete = false;

	for (size_t i = 0; i < len && !complete; i += part) {
		struct ccp_buf buf = { .data = room, .len = len - i < part ? len - i : part, .cap = part };

		memcpy(room, data + i, buf.len);
		complete = ccp_range_crop(range, &at, &buf);
		cr_assert_leq(buf.len, part);
		help_append(&got, room, buf.len);
	}
	free(room);
	cr_assert_eq(complete, at >= range->to, "complete %d at %llu", complete, (unsigned long long)at);
	return got;
}

static void compare(const uint8_t *data, size_t len, size_t part, const struct ccp_range *range)
{
	struct bytes want = slice(data, len, range), got = crop(data, len, part, range);

	cr_assert(help_same(want, got), "%s %llu to %llu in parts of %zu: %zu bytes instead of %zu",
		  range->lines ? "lines" : "bytes", (unsigned long long)range->from, (unsigned long long)range->to,
		  part, got.len, want.len);
	free(want.data);
	free(got.data);
}

/* Every range of a short text in parts of every size. */
Test(gunzip_range, every_range)
{
	static const char *const texts[] = { "", "a", "\n", "\n\n\n", "ab\nc\n\n\ndef\ng", "one\ntwo\nthree\n" };

	for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
		const uint8_t *data = (const uint8_t *)texts[t];
		size_t len = strlen(texts[t]);

		for (uint64_t from = 0; from <= len + 2; from++) {
			for (uint64_t to = from + 1; to <= len + 4; to++) {
				for (int lines = 0; lines < 2; lines++) {
					struct ccp_range range = { .lines = lines, .from = from, .to = to };

					if (to == len + 4)
						range.to = UINT64_MAX;
					for (size_t part = 1; part <= len + 1; part++)
						compare(data, len, part, &range);
				}
			}
		}
	}
}

/* Longer ones, with lines of many lengths: all of the counting in blocks. */
Test(gunzip_range, long_texts)
{
	static const size_t parts[] = { 1, 7, 239, 240, 241, 1000, 4096, 100000 };
	uint64_t seed = 1234567;
	size_t len = 60000;
	uint8_t *data = help_alloc(len);

	for (size_t i = 0; i < len; i++) { /* nothing but newlines, some, hardly any */
		uint64_t r = help_random(&seed) % 64;

		data[i] = i / 20000 == 0 ? '\n' : r < (i / 20000 == 1 ? 8 : 1) ? '\n' : (uint8_t)('a' + r % 26);
	}
	for (int i = 0; i < 60; i++) {
		struct ccp_range range = { .lines = i % 3 != 0 };

		range.from = help_random(&seed) % (range.lines ? 24000 : len + 10);
		range.to = i % 7 == 0 ? UINT64_MAX : range.from + 1 + help_random(&seed) % 5000;
		for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
			compare(data, len, parts[p], &range);
	}
	free(data);
}

/* ---- the transform ------------------------------------------------------------------------------- */

#define PLACES 200

struct place {
	struct ccp_entry entry;
	uint8_t window[32768];
};

/* A gzip file, its content, and the block boundaries that zlib sees in it. */
struct sample {
	struct bytes plain, file;
	struct place *place;
	size_t count;
};

/* Decodes by zlib block by block and notes every boundary, and every member. */
static void find_places(struct sample *s)
{
	z_stream z = { .next_in = s->file.data, .avail_in = (uInt)s->file.len };
	struct bytes out = { help_alloc(s->plain.len + 1), 0, s->plain.len + 1 };
	size_t member_at = 0;

	cr_assert_eq(inflateInit2(&z, 31), Z_OK);
	s->place = help_alloc(PLACES * sizeof *s->place);
	while (s->count < PLACES) {
		z.next_out = out.data + out.len;
		z.avail_out = (uInt)(out.cap - out.len);
		int status = inflate(&z, Z_BLOCK);
		struct place *place = &s->place[s->count];
		size_t in = s->file.len - z.avail_in;

		cr_assert(status == Z_OK || status == Z_STREAM_END, "zlib says %d", status);
		out.len = out.cap - z.avail_out;
		place->entry = (struct ccp_entry){ .in = in, .at = out.len, .member = status == Z_STREAM_END };
		if (status == Z_STREAM_END) {
			if (z.avail_in == 0)
				break;
			inflateReset(&z);
			member_at = out.len;
			s->count++;
		} else if ((z.data_type & 128) && !(z.data_type & 64)) {
			size_t len = out.len - member_at < 32768 ? out.len - member_at : 32768;

			memcpy(place->window, out.data + out.len - len, len);
			place->entry.bits = z.data_type & 7;
			place->entry.value = (uint8_t)(s->file.data[in - 1] >> (8 - place->entry.bits));
			place->entry.window = place->window;
			place->entry.window_len = len;
			s->count++;
		}
	}
	inflateEnd(&z);
	free(out.data);
}

static struct sample make_sample(void)
{
	struct sample s = { 0 };

	for (size_t i = 0; i < 3; i++) {
		struct bytes plain = help_content(i == 1 ? CONTENT_MIXED : CONTENT_TEXT, 300000, 5 + i);
		struct bytes member = help_gzip(plain.data, plain.len);

		help_append(&s.plain, plain.data, plain.len);
		help_append(&s.file, member.data, member.len);
		free(plain.data);
		free(member.data);
	}
	find_places(&s);
	return s;
}

static void release(struct sample *s)
{
	free(s->plain.data);
	free(s->file.data);
	free(s->place);
}

static uint64_t newlines_before(const struct sample *s, size_t at)
{
	uint64_t count = 0;

	for (size_t i = 0; i < at; i++)
		count += s->plain.data[i] == '\n';
	return count;
}

/* Runs it from `entry`, or the start, and expects the range and no error. */
static void expect_range(const struct sample *s, const struct ccp_range *range, const struct ccp_entry *entry,
			 uint64_t ahead)
{
	struct drive drive = {
		.ops = &ccp_transform_gunzip, .piece_bytes = 6000, .out_bytes = 20000, .entry = entry, .ahead = ahead,
		.options = { .chunk_bytes = 6000, .ranged = true, .range = *range },
	};
	struct bytes want = slice(s->plain.data, s->plain.len, range);
	struct result got = help_run(&drive, s->file.data, s->file.len);

	cr_assert_eq(got.status, 0, "from %llu: %s", entry ? (unsigned long long)entry->in : 0, got.err.text);
	cr_assert_eq(got.err.code, CCP_OK);
	cr_assert(help_same(want, got.out), "%s %llu to %llu from %llu: %zu bytes instead of %zu",
		  range->lines ? "lines" : "bytes", (unsigned long long)range->from, (unsigned long long)range->to,
		  entry ? (unsigned long long)entry->in : 0, got.out.len, want.len);
	free(want.data);
	free(got.out.data);
}

/* From every place in the file, in order and with pieces done ahead; behind it right there, a little, a lot. */
Test(gunzip_range, enters_at_every_place)
{
	struct sample s = make_sample();
	bool bits = false, member = false;

	cr_assert_gt(s.count, 10);
	for (size_t i = 0; i < s.count; i++) {
		struct ccp_entry entry = s.place[i].entry;

		bits |= entry.bits > 0;
		member |= entry.member;
		for (uint64_t lines = 0; lines < 2; lines++) {
			uint64_t at = lines ? newlines_before(&s, entry.at) + 1 : entry.at;
			const struct ccp_range ranges[] = {
				{ lines, at, at + 1 }, { lines, at + 100, at + 900 }, { lines, at + 3, UINT64_MAX },
			};

			entry.at = lines ? at - 1 : at;
			for (size_t r = 0; r < 3; r++) {
				expect_range(&s, &ranges[r], &entry, 0);
				expect_range(&s, &ranges[r], &entry, 1 + i);
			}
		}
	}
	cr_assert(bits && member, "no place of that kind");
	release(&s);
}

Test(gunzip_range, from_the_start)
{
	struct sample s = make_sample();
	const struct ccp_range ranges[] = {
		{ false, 0, 1 }, { false, 299999, 300001 }, { false, 899999, 900000 }, { false, 899999, 900001 },
		{ false, 900000, 900001 }, { false, UINT64_MAX - 1, UINT64_MAX }, { true, 0, 1 }, { true, 1000, 3000 },
		{ true, 100000000, 100000001 },
	};

	for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
		expect_range(&s, &ranges[r], NULL, 0);
		expect_range(&s, &ranges[r], NULL, 3 + r);
	}
	release(&s);
}

/* Damage counts up to the end of the range, and not behind it, however close. */
Test(gunzip_range, damage)
{
	struct sample s = make_sample();
	size_t trailer = 0;

	for (size_t i = 0; i < s.count && trailer == 0; i++)
		if (s.place[i].entry.member)
			trailer = s.place[i].entry.in - 8;
	s.file.data[trailer] ^= 1; /* the CRC of the first member, which has 300000 bytes */
	for (size_t piece = 5000; piece < 200000; piece *= 3) {
		for (uint64_t to = 299998; to < 300003; to++) {
			struct drive drive = {
				.ops = &ccp_transform_gunzip, .piece_bytes = piece,
				.options = { .chunk_bytes = piece, .ranged = true, .range = { false, 299000, to } },
			};

			for (uint64_t ahead = 0; ahead < 2; ahead++) {
				drive.ahead = ahead;
				struct result got = help_run(&drive, s.file.data, s.file.len);

				cr_expect_eq(got.err.code, to <= 300000 ? CCP_OK : CCP_E_CRC, "to %d: %s", (int)to,
					     got.err.text);
				cr_expect_eq(got.status, to <= 300000 ? 0 : -1);
				cr_expect_eq(got.out.len, (to <= 300000 ? to : 300000) - 299000);
				cr_expect(to > 300000 || got.err.offset == CCP_NO_OFFSET);
				free(got.out.data);
			}
		}
	}
	release(&s);
}

/* What begins in the middle of a member cannot know its CRC; the next member's is checked. */
Test(gunzip_range, checks_what_it_can)
{
	struct sample s = make_sample();
	struct drive drive = {
		.ops = &ccp_transform_gunzip, .piece_bytes = 6000,
		.options = { .chunk_bytes = 6000, .ranged = true, .range = { false, 200000, UINT64_MAX } },
	};
	size_t end[2], ends = 0;

	for (size_t i = 0; i < s.count; i++) {
		if (s.place[i].entry.member && ends < 2)
			end[ends++] = s.place[i].entry.in;
		if (!s.place[i].entry.member && s.place[i].entry.at <= 200000 && s.place[i].entry.at > 0)
			drive.entry = &s.place[i].entry;
	}
	cr_assert_eq(ends, 2);
	cr_assert_not_null(drive.entry);
	for (uint64_t ahead = 0; ahead < 2; ahead++) {
		drive.ahead = ahead;
		for (size_t i = 0; i < 2; i++) {
			s.file.data[end[i] - 8] ^= 1;
			struct result got = help_run(&drive, s.file.data, s.file.len);
			s.file.data[end[i] - 8] ^= 1;

			cr_expect_eq(got.err.code, i == 0 ? CCP_OK : CCP_E_CRC);
			cr_expect_eq(got.out.len, i == 0 ? 700000 : 400000);
			cr_expect(i == 0 || got.err.offset == end[1] - 8, "at %llu",
				  (unsigned long long)got.err.offset);
			free(got.out.data);
		}
	}
	release(&s);
}
