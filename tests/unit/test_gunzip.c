/*
 * test_gunzip.c: the gunzip transform: members, headers, padding, garbage, damage, at every cut of the input.
 * The verdicts for odd endings are those of GNU gzip 1.12, found by experiment.
 */
#include "tests/unit/codec_help.h"

static struct result run(struct drive drive, const void *data, size_t len)
{
	drive.ops = &ccp_transform_gunzip;
	return help_run(&drive, data, len);
}

/* Runs whole, then in pieces of several sizes and with little room; all must agree. Returns the first result. */
static struct result run_cut(struct drive drive, const void *data, size_t len)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 18, 100 };
	struct result whole = run(drive, data, len);

	for (size_t i = 0; i < 6; i++) {
		struct drive cut = drive;

		if (len / pieces[i] > 7000) /* a step costs some microseconds */
			continue;
		cut.piece_bytes = pieces[i];
		cut.out_bytes = i % 2 ? 300 : 5000;
		cut.bad_memory = true;
		cut.late_end = i == 3;
		struct result r = run(cut, data, len);

		cr_assert_eq(r.err.code, whole.err.code, "pieces of %zu: %s, not %s", pieces[i], r.err.text,
			     whole.err.text);
		cr_assert_eq(r.err.offset, whole.err.offset, "pieces of %zu: at %lu, not %lu", pieces[i], r.err.offset,
			     whole.err.offset);
		cr_assert_str_eq(r.err.text, whole.err.text);
		cr_assert_eq(r.plain_bytes, r.out.len);
		cr_assert(help_same(r.out, whole.out), "pieces of %zu", pieces[i]);
		free(r.out.data);
	}
	return whole;
}

/* A gzip file of all `parts`, each a text to be compressed, or bytes to be put in as they are if it starts with '='. */
static struct bytes file_of(const char *const *parts, const size_t *raw_lens)
{
	struct bytes b = { help_alloc(1), 0, 1 };

	for (size_t i = 0; parts[i]; i++) {
		if (parts[i][0] == '=') {
			help_append(&b, parts[i] + 1, raw_lens[i]);
		} else {
			struct bytes gz = help_gzip((const uint8_t *)parts[i], strlen(parts[i]));

			help_append(&b, gz.data, gz.len);
			free(gz.data);
		}
	}
	return b;
}

static void expect(struct drive drive, struct bytes file, enum ccp_code code, uint64_t offset, const char *out)
{
	struct result r = run_cut(drive, file.data, file.len);

	cr_assert_eq(r.err.code, code, "%s", r.err.text);
	cr_assert_eq(r.err.offset, offset, "at %lu, not %lu: %s", r.err.offset, offset, r.err.text);
	cr_assert_eq(r.status, code >= CCP_E_FIRST ? -1 : 0);
	cr_assert_eq(r.out.len, strlen(out));
	cr_assert_arr_eq(r.out.data, out, r.out.len);
	free(r.out.data);
}

Test(gunzip, every_size_and_content)
{
	static const size_t sizes[] = { 0, 1, 100, 32767, 32768, 70000 };

	for (size_t i = 0; i < 6; i++) {
		for (int kind = 0; kind < CONTENT_KINDS; kind++) {
			for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy += 2) {
				struct bytes plain = help_content((enum content)kind, sizes[i], i);
				struct bytes gz = help_deflate(plain.data, plain.len, 1 + (int)i, 31, strategy);
				struct result r = run_cut((struct drive){ 0 }, gz.data, gz.len);

				cr_assert_eq(r.status, 0, "%s", r.err.text);
				cr_assert(help_same(r.out, plain));
				free(r.out.data);
				free(gz.data);
				free(plain.data);
			}
		}
	}
}

Test(gunzip, what_follows_a_member)
{
	const struct drive plain = { 0 }, cat = { .options.passthrough = true };
	const struct drive quiet = { .options.ignore_trailing_quietly = true };
	struct bytes one = file_of((const char *const[]){ "one", NULL }, NULL);
	uint64_t end = one.len;
	static const struct {
		const char *tail;
		size_t len;
		enum ccp_code code; /* at `at` after the member */
		uint64_t at;
	} cases[] = {
		{ "", 0, CCP_OK, 0 },
		{ "\0", 1, CCP_OK, 0 },
		{ "\0\0\0\0\0", 5, CCP_OK, 0 },
		{ "\0\0\0\0x", 5, CCP_W_TRAILING, 4 },
		{ "\0\x1f", 2, CCP_W_TRAILING, 1 },
		{ "xy", 2, CCP_W_TRAILING, 0 },
		{ "PK\3\4", 4, CCP_W_TRAILING, 0 },
		{ "x", 1, CCP_E_TRUNCATED, 1 },
		{ "\x1f", 1, CCP_E_TRUNCATED, 1 },
		{ "\x1f\x8b", 2, CCP_E_TRUNCATED, 2 },
		{ "\x1f\x8b\x08\0", 4, CCP_E_TRUNCATED, 4 },
		{ "\x1f\x8b\x07\0", 4, CCP_E_METHOD, 2 },
		{ "\x1f\x8b\x08\x20", 4, CCP_E_METHOD, 3 },
		{ "\x1f\x9d\x90", 3, CCP_E_UNSUPPORTED, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bytes file = { help_alloc(1), 0, 1 };
		char copied[32] = "one";

		help_append(&file, one.data, one.len);
		help_append(&file, cases[i].tail, cases[i].len);
		expect(plain, file, cases[i].code, cases[i].code ? end + cases[i].at : CCP_NO_OFFSET, "one");
		if (cases[i].code == CCP_W_TRAILING) {
			expect(quiet, file, CCP_OK, CCP_NO_OFFSET, "one");
			memcpy(copied + 3, cases[i].tail, cases[i].len);
			struct result r = run_cut(cat, file.data, file.len);
			cr_assert_eq(r.status, 0);
			cr_assert_eq(r.out.len, 3 + cases[i].len);
			cr_assert_arr_eq(r.out.data, copied, r.out.len);
			free(r.out.data);
		}
		free(file.data);
	}
	free(one.data);
}

Test(gunzip, what_is_no_gzip_at_all)
{
	const struct drive plain = { 0 }, cat = { .options.passthrough = true };
	static const struct {
		const char *data;
		size_t len;
		enum ccp_code code;
		uint64_t at;
		bool also_cat; /* the same with passthrough */
	} cases[] = {
		{ "", 0, CCP_E_TRUNCATED, 0, false },
		{ "x", 1, CCP_E_TRUNCATED, 1, false },
		{ "\0", 1, CCP_E_NOT_GZIP, 0, false },
		{ "plain text", 10, CCP_E_NOT_GZIP, 0, false },
		{ "PK\3", 3, CCP_E_NOT_GZIP, 0, false },
		{ "PKWARE", 6, CCP_E_NOT_GZIP, 0, false },
		{ "\x28\xb5\x2f\xfd zstd", 9, CCP_E_NOT_GZIP, 0, false },
		{ "\x1f\x8b", 2, CCP_E_TRUNCATED, 2, true },
		{ "\x1f\x8b\x07", 3, CCP_E_METHOD, 2, true },
		{ "\x1f\x8b\x08\xe1", 4, CCP_E_METHOD, 3, true },
		{ "\x1f\x9d\x90 Z", 5, CCP_E_UNSUPPORTED, 0, true },
		{ "\x1f\x1e pack", 7, CCP_E_UNSUPPORTED, 0, true },
		{ "\x1f\xa0 lzh", 6, CCP_E_UNSUPPORTED, 0, true },
		{ "PK\3\4 zip", 8, CCP_E_UNSUPPORTED, 0, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bytes file = { help_alloc(1), 0, 1 };

		help_append(&file, cases[i].data, cases[i].len);
		expect(plain, file, cases[i].code, cases[i].at, "");
		if (cases[i].also_cat) {
			expect(cat, file, cases[i].code, cases[i].at, "");
		} else {
			struct result r = run_cut(cat, file.data, file.len);
			cr_assert_eq(r.status, 0, "%s", r.err.text);
			cr_assert(help_same(r.out, file));
			free(r.out.data);
		}
		free(file.data);
	}
}

Test(gunzip, many_members)
{
	struct bytes file = file_of((const char *const[]){ "one ", "", "", "two ", "three", NULL }, NULL);

	expect((struct drive){ 0 }, file, CCP_OK, CCP_NO_OFFSET, "one two three");
	free(file.data);
}

Test(gunzip, header_fields)
{
	uint8_t h[300] = { 0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3, 3, 0, 'x', 'y', 'z' };
	struct bytes raw = help_deflate((const uint8_t *)"content", 7, 6, -15, Z_DEFAULT_STRATEGY);
	struct bytes file = { help_alloc(1), 0, 1 };
	uint32_t crc = (uint32_t)crc32(0, (const uint8_t *)"content", 7);
	size_t n = 15;

	memcpy(h + n, "name\0comment", 13);
	n += 13;
	uint32_t hcrc = (uint32_t)crc32(0, h, (uInt)n);
	h[n++] = (uint8_t)hcrc;
	h[n++] = (uint8_t)(hcrc >> 8);
	help_append(&file, h, n);
	help_append(&file, raw.data, raw.len);
	help_append(&file, &crc, 4);
	help_append(&file, "\7\0\0", 4);
	expect((struct drive){ 0 }, file, CCP_OK, CCP_NO_OFFSET, "content");
	for (size_t cut = 2; cut < file.len; cut++) {
		struct result r = run_cut((struct drive){ 0 }, file.data, cut);
		cr_assert_eq(r.err.code, CCP_E_TRUNCATED, "cut at %zu: %s", cut, r.err.text);
		cr_assert_eq(r.err.offset, cut);
		free(r.out.data);
	}
	file.data[n - 1] ^= 0x10;
	expect((struct drive){ 0 }, file, CCP_E_CRC, n - 2, "");
	free(file.data);
	free(raw.data);
}

Test(gunzip, trailers_are_checked)
{
	struct bytes file = file_of((const char *const[]){ "first", "second", NULL }, NULL);

	file.data[file.len - 8] ^= 1;
	expect((struct drive){ 0 }, file, CCP_E_CRC, file.len - 8, "firstsecond");
	file.data[file.len - 8] ^= 1;
	file.data[file.len - 1] ^= 1;
	expect((struct drive){ 0 }, file, CCP_E_LENGTH, file.len - 4, "firstsecond");
	free(file.data);
}

Test(gunzip, every_cut_in_two)
{
	struct bytes plain = help_content(CONTENT_MIXED, 3000, 3);
	struct bytes gz = help_gzip(plain.data, plain.len);

	help_append(&gz, gz.data, 0);
	for (size_t at = 1; at < gz.len; at++) {
		struct drive drive = { .piece_bytes = at, .out_bytes = 1 + at % 700, .bad_memory = at % 3 == 0 };
		struct result r = run(drive, gz.data, gz.len);

		cr_assert_eq(r.status, 0);
		cr_assert(help_same(r.out, plain));
		free(r.out.data);
	}
	free(gz.data);
	free(plain.data);
}

/*
 * Damaged files: never a crash, never good news for bad content, the same for every cut, and all the bytes that zlib
 * gives before the damage. ISA-L accepts incomplete codes that zlib refuses; then its bytes go on after zlib's.
 */
Test(gunzip, damage)
{
	unsigned long rounds = help_env("CCP_CAMPAIGN", 150);
	uint64_t seed = 4711;

	for (unsigned long i = 0; i < rounds; i++) {
		struct bytes plain = help_content((enum content)(i % CONTENT_KINDS), 1 + help_random(&seed) % 5000, i);
		struct bytes gz = help_deflate(plain.data, plain.len, (int)(i % 10), 31, (int)(i / 10 % 5)), z;
		uint64_t r = help_random(&seed);
		size_t used;

		if (i % 5 == 0)
			gz.len = 11 + r % (gz.len - 11);
		else
			gz.data[10 + r % (gz.len - 10)] ^= (uint8_t)(1u << (r >> 32) % 8);
		help_zlib(gz.data + 10, gz.len - 10, -15, &z, &used);
		struct result ours = run_cut((struct drive){ 0 }, gz.data, gz.len);

		if (ours.status == 0)
			cr_assert(help_same(ours.out, plain));
		if (i % 5 == 0)
			cr_assert_eq(ours.err.code, CCP_E_TRUNCATED);
		/* ISA-L looks two literals up at once and may miss them at a cut. */
		cr_assert_geq(ours.out.len + 2, z.len);
		cr_assert_arr_eq(ours.out.data, z.data, ours.out.len < z.len ? ours.out.len : z.len);
		free(ours.out.data);
		free(z.data);
		free(gz.data);
		free(plain.data);
	}
}
