/*
 * test_sum_line.c: lines of checksums: what is written is read back, in every form, for every algorithm; what is cut or
 * changed is no line, or says something else.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sum_line.h"

#define ROOM 1024
#define HEX "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7" /* 64 digits */

static const struct ccp_digest_set any;

static struct ccp_digest_set set_of(const char *name)
{
	struct ccp_digest_set set = { .count = 1 };

	set.item[0].ops = ccp_digest_find(name, strlen(name));
	cr_assert_not_null(set.item[0].ops, "%s", name);
	set.item[0].bytes = set.item[0].ops->bytes;
	return set;
}

static struct ccp_sum_reader reader_of(const struct ccp_digest_set *only)
{
	return (struct ccp_sum_reader){ .only = only, .single = -1 };
}

/* Reads a copy of `text`, which lies in `room`, with not a byte more than the line may use. */
static bool read_bytes(struct ccp_sum_reader *reader, const char *text, size_t len, char room[ROOM],
		       struct ccp_sum_line *out)
{
	cr_assert_lt(len, ROOM);
	memset(room, '#', ROOM);
	memcpy(room, text, len);
	return ccp_sum_line_read(reader, room, len, out);
}

static bool reads(struct ccp_sum_reader *reader, const char *text, char room[ROOM], struct ccp_sum_line *out)
{
	return read_bytes(reader, text, strlen(text), room, out);
}

/* Whether `text` is a line of sha256 whose file is `name`; NULL: it is none. */
static void expect(const char *text, const char *name)
{
	struct ccp_digest_set set = set_of("sha256");
	struct ccp_sum_reader reader = reader_of(&set);
	struct ccp_sum_line line;
	char room[ROOM];
	bool is_line = reads(&reader, text, room, &line);

	cr_assert_eq(is_line, name != NULL, "'%s' is %s line", text, is_line ? "a" : "no");
	if (!is_line)
		return;
	cr_assert_str_eq(line.name, name, "'%s'", text);
	cr_assert_str_eq(line.ops->name, "sha256");
	cr_assert_eq(line.bytes, 32);
	cr_assert_eq(line.digest[0], 0x87);
	cr_assert_eq(line.digest[31], 0xc7);
}

Test(sum_line, forms_without_a_tag)
{
	expect(HEX "  a", "a");
	expect(HEX " *a", "a");
	expect(HEX " a", "a");
	expect(HEX "   a", " a");
	expect(HEX " **a", "*a");
	expect(HEX "\t a", "a");
	expect(" \t" HEX "  a b ", "a b ");
	expect("87428FC522803D31065E7BCE3CF03FE475096631E5E07BBD7A0FDE60C4CF25C7  a", "a");
	expect(HEX "  ", " "); /* one character is a name */
	expect(HEX " *", "*");
	expect(HEX " ", NULL);
	expect(HEX, NULL);
	expect(HEX "0  a", NULL);
	expect(HEX "x  a", NULL);
	expect("87428fc5  a", NULL);
	expect("g7428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  a", NULL);
	expect("", NULL);
	expect("  ", NULL);
	expect("  a", NULL);
}

Test(sum_line, forms_with_a_tag)
{
	expect("SHA256 (a) = " HEX, "a");
	expect("SHA256(a)= " HEX, "a");
	expect("SHA256(a)=" HEX, "a");
	expect("  SHA256 (a) \t = \t " HEX, "a");
	expect("SHA256 () = " HEX, "");
	expect("SHA256 (a)b) = " HEX, "a)b");
	expect("SHA256 (a) = (b) = " HEX, "a) = (b");
	expect("SHA256 ((a) = " HEX, "(a");
	expect("SHA256  (a) = " HEX, NULL);
	expect("SHA256\t(a) = " HEX, NULL);
	expect("SHA256-256 (a) = " HEX, NULL);
	expect("SHA256x (a) = " HEX, NULL);
	expect("sha256 (a) = " HEX, NULL);
	expect("MD5 (a) = " HEX, NULL);
	expect("SHA256 (a) = " HEX "0", NULL);
	expect("SHA256 (a) = " HEX " ", NULL);
	expect("SHA256 (a) = 87", NULL);
	expect("SHA256 (a) =", NULL);
	expect("SHA256 (a) " HEX, NULL);
	expect("SHA256 (a = " HEX, NULL);
	expect("SHA256 a) = " HEX, NULL);
	expect("SHA256 (a)", NULL);
	expect("SHA256 (", NULL);
	expect("SHA256 ", NULL);
	expect("SHA256", NULL);
}

Test(sum_line, escapes)
{
	expect("\\" HEX "  a", "a");
	expect("\\" HEX "  a\\nb\\rc\\\\d", "a\nb\rc\\d");
	expect(" \\" HEX "  a\\n", "a\n");
	expect(HEX "  a\\nb", "a\\nb"); /* the line does not begin with a backslash */
	expect("\\" HEX "  a\\", NULL);
	expect("\\" HEX "  a\\t", NULL);
	expect("\\ " HEX "  a", NULL);
	expect("\\\\" HEX "  a", NULL);
	expect("\\SHA256 (a\\nb) = " HEX, "a\nb");
	expect("\\SHA256 (a\\) = " HEX, NULL);
	expect("SHA256 (a\\nb) = " HEX, "a\\nb");
	expect("\\", NULL);
}

Test(sum_line, nothing_is_escaped_in_a_list_with_nul)
{
	struct ccp_digest_set set = set_of("sha256");
	struct ccp_sum_reader reader = reader_of(&set);
	struct ccp_sum_line line;
	char room[ROOM];

	reader.zero = true;
	cr_assert(reads(&reader, HEX "  a\nb\\n\\", room, &line));
	cr_assert_str_eq(line.name, "a\nb\\n\\");
	cr_assert_not(reads(&reader, "\\" HEX "  a", room, &line));
}

Test(sum_line, a_name_ends_at_nul)
{
	static const struct {
		const char *text;
		size_t len;
		const char *name;
	} cases[] = {
		{ HEX "  a\0b", 68, "a" },
		{ HEX "  \0b", 67, "" },
		{ "\\" HEX "  a\0b", 69, NULL },
		{ HEX "\0  b", 68, NULL },
		{ "SHA256 (a\0) = " HEX, 14 + 64, "a" },
		{ "SHA256 (a) = " HEX "\0zz", 13 + 64 + 3, "a" },
		{ "SHA256 (a) = " HEX "\0)", 13 + 64 + 2, NULL },
		{ "\\SHA256 (a\0b) = " HEX, 16 + 64, NULL },
		{ "\0" HEX "  a", 68, NULL },
	};
	struct ccp_digest_set set = set_of("sha256");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ccp_sum_reader reader = reader_of(&set);
		struct ccp_sum_line line;
		char room[ROOM];
		bool is_line = read_bytes(&reader, cases[i].text, cases[i].len, room, &line);

		cr_assert_eq(is_line, cases[i].name != NULL, "case %zu", i);
		if (is_line)
			cr_assert_str_eq(line.name, cases[i].name, "case %zu", i);
	}
}

/* The first line that tells decides whether there is one blank or two; lines that are none do not tell. */
Test(sum_line, one_blank_or_two)
{
	struct ccp_digest_set set = set_of("sha256");
	struct ccp_sum_reader reader = reader_of(&set);
	struct ccp_sum_line line;
	char room[ROOM];

	cr_assert_not(reads(&reader, "junk a", room, &line));
	cr_assert(reads(&reader, "SHA256 (a) = " HEX, room, &line));
	cr_assert_eq(reader.single, -1);
	cr_assert(reads(&reader, HEX " a", room, &line));
	cr_assert(reads(&reader, HEX "  a", room, &line));
	cr_assert_str_eq(line.name, " a");
	cr_assert(reads(&reader, HEX " *a", room, &line));
	cr_assert_str_eq(line.name, "*a");

	reader = reader_of(&set);
	cr_assert(reads(&reader, HEX "  a", room, &line));
	cr_assert_not(reads(&reader, HEX " a", room, &line));
	cr_assert(reads(&reader, HEX " *a", room, &line));
	cr_assert_str_eq(line.name, "a");
}

Test(sum_line, lengths_of_blake2b)
{
	static const struct {
		const char *text;
		size_t bytes; /* 0 = no line */
	} cases[] = {
		{ "BLAKE2b-8 (a) = 13", 1 },    { "BLAKE2b-8(a)= 13", 1 },      { "BLAKE2b-010 (a) = 13", 1 },
		{ "13  a", 1 },                 { "1313  a", 2 },               { "BLAKE2b-256 (a) = " HEX, 32 },
		{ HEX "  a", 32 },              { HEX HEX "  a", 64 },          { "BLAKE2b (a) = " HEX HEX, 64 },
		{ "BLAKE2b-512 (a) = " HEX HEX, 64 }, { "BLAKE2b (a) = " HEX, 0 }, { "BLAKE2b-512 (a) = " HEX, 0 },
		{ "BLAKE2b-9 (a) = 13", 0 },    { "BLAKE2b-0 (a) = 13", 0 },    { "BLAKE2b--8 (a) = 13", 0 },
		{ "BLAKE2b- (a) = 13", 0 },     { "BLAKE2b-520 (a) = 13", 0 },  { "BLAKE2b-8 (a) = 133", 0 },
		{ "133  a", 0 },                { HEX HEX "13  a", 0 },         { "BLAKE2bx (a) = " HEX HEX, 0 },
		{ "BLAKE2b-99999999999999999999999 (a) = 13", 0 },
	};
	struct ccp_digest_set set = set_of("blake2b");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ccp_sum_reader reader = reader_of(&set);
		struct ccp_sum_line line;
		char room[ROOM];
		bool is_line = reads(&reader, cases[i].text, room, &line);

		cr_assert_eq(is_line ? line.bytes : 0, cases[i].bytes, "'%s': %zu", cases[i].text, line.bytes);
		reader.exact = true;
		set.item[0].bytes = 32;
		is_line = reads(&reader, cases[i].text, room, &line);
		cr_assert_eq(is_line, cases[i].bytes == 32, "exactly 256 bits: '%s'", cases[i].text);
		set.item[0].bytes = 64;
	}
}

Test(sum_line, as_cksum_reads)
{
	struct ccp_sum_reader reader = reader_of(&any);
	struct ccp_sum_line line;
	char room[ROOM];

	reader.tagged = reader.loose = reader.gnu = true;
	cr_assert_null(reader.last);
	cr_assert(reads(&reader, "SHA256 (a) = " HEX, room, &line));
	cr_assert_str_eq(line.ops->name, "sha256");
	cr_assert(reads(&reader, "SHA256  (a) = " HEX, room, &line));
	cr_assert_not(reads(&reader, HEX "  a", room, &line));
	cr_assert_not(reads(&reader, "SHA256x (a) = " HEX, room, &line));
	cr_assert_not(reads(&reader, "CRC32 (a) = 12345678", room, &line));
	cr_assert_not(reads(&reader, "12345678 4 a", room, &line));
	cr_assert_str_eq(reader.last->name, "sha256");
	cr_assert_not(reads(&reader, "MD5 junk", room, &line));
	cr_assert_str_eq(reader.last->name, "md5");
}

/* Without a tag the number of digits tells; 16 of them tell nothing, since two algorithms have as many. */
Test(sum_line, digits_tell_the_algorithm)
{
	static const struct {
		size_t digits;
		const char *name;
	} cases[] = { { 8, "crc32" }, { 32, "md5" }, { 40, "sha1" }, { 56, "sha224" }, { 64, "sha256" },
		      { 96, "sha384" }, { 128, "sha512" }, { 16, NULL }, { 7, NULL }, { 130, NULL } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ccp_sum_reader reader = reader_of(&any);
		struct ccp_sum_line line;
		char text[ROOM], room[ROOM];

		snprintf(text, sizeof text, "%.*s  a", (int)cases[i].digits, HEX HEX HEX);
		cr_assert_eq(reads(&reader, text, room, &line), cases[i].name != NULL, "%s", text);
		if (cases[i].name != NULL)
			cr_assert_str_eq(line.ops->name, cases[i].name);
	}
}

Test(sum_line, lines_of_cksum)
{
	struct ccp_digest_set set = set_of("cksum");
	struct ccp_sum_reader reader = reader_of(&set);
	struct ccp_sum_line line;
	char room[ROOM];

	cr_assert(reads(&reader, "4294967295 18446744073709551615  a\\n", room, &line));
	cr_assert_str_eq(line.name, " a\\n");
	cr_assert(line.sized && line.size == UINT64_MAX && line.bytes == 4);
	cr_assert_arr_eq(line.digest, "\xff\xff\xff\xff", 4);
	cr_assert(reads(&reader, "258 0 a", room, &line));
	cr_assert_arr_eq(line.digest, "\0\0\1\2", 4);
	cr_assert_not(reads(&reader, "4294967296 1 a", room, &line));
	cr_assert_not(reads(&reader, "1 18446744073709551616 a", room, &line));
	cr_assert_not(reads(&reader, "1 2", room, &line));
	cr_assert_not(reads(&reader, "1  2 a", room, &line));
	cr_assert_not(reads(&reader, "-1 2 a", room, &line));
	cr_assert_not(reads(&reader, "12345678  a", room, &line));
}

/*
 * What is written is read back, by a reader that knows the algorithm, and with a tag, or if it is said to be plain, by
 * one that does not.
 */
static void round_trip(const struct ccp_digest_ops *ops, size_t bytes, const struct ccp_sum_style *style,
		       const char *name)
{
	struct ccp_digest_set set = { .count = 1, .item = { { ops, ops->bytes } } };
	struct ccp_sum_reader knows = reader_of(&set), asks = reader_of(&any);
	uint8_t digest[CCP_DIGEST_MAX_BYTES];
	struct ccp_sum_line line;
	char room[ROOM], *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < bytes; i++)
		digest[i] = (uint8_t)(i * 37 + 200);
	ccp_sum_line_print(out, style, ops, bytes, digest, 77, name);
	fclose(out);
	cr_assert_eq(text[len - 1], style->zero ? '\0' : '\n');
	knows.zero = asks.zero = style->zero;
	for (int i = 0; i < (style->tag || ccp_sum_line_is_plain(ops, bytes) ? 2 : 1); i++) {
		cr_assert(read_bytes(i == 0 ? &knows : &asks, text, len - 1, room, &line), "%s", text);
		cr_assert_eq(line.ops, ops, "%s", text);
		cr_assert_eq(line.bytes, bytes, "%s", text);
		cr_assert_arr_eq(line.digest, digest, bytes, "%s", text);
		cr_assert_str_eq(line.name, name, "%s", text);
	}
	free(text);
}

Test(sum_line, what_is_written_is_read)
{
	static const char *const names[] = { "a", "-", " a ", "*a", "a\nb", "\\", "a\\nb\r", "a) = b", "\xff", "#" };

	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++) {
		for (unsigned form = 0; form < 8; form++) {
			struct ccp_sum_style style = { .tag = form & 1, .binary = form & 2, .zero = form & 4 };

			for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
				round_trip(*ops, (*ops)->bytes, &style, names[i]);
				if ((*ops)->any_length)
					round_trip(*ops, i + 1, &style, names[i]);
			}
		}
	}
}

/* Digits that are another algorithm's need a tag, and so do those that are nobody's. */
Test(sum_line, what_needs_no_tag)
{
	static const char *const plain[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "crc32", "cksum" };
	static const char *const tagged[] = { "crc32c", "adler32", "xxh64", "xxh3", "xxh128", "blake2b" };

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		struct ccp_digest_set set = set_of(plain[i]);

		cr_assert(ccp_sum_line_is_plain(set.item[0].ops, set.item[0].bytes), "%s", plain[i]);
	}
	for (size_t i = 0; i < sizeof tagged / sizeof *tagged; i++) {
		struct ccp_digest_set set = set_of(tagged[i]);

		for (size_t bytes = 1; bytes <= set.item[0].bytes; bytes++)
			if (bytes == set.item[0].bytes || set.item[0].ops->any_length)
				cr_assert_not(ccp_sum_line_is_plain(set.item[0].ops, bytes), "%s", tagged[i]);
	}
}

/* A line that was cut is no line, or its name is shorter: it never says what the whole one said. */
Test(sum_line, a_line_that_was_cut_says_something_else)
{
	static const char *const texts[] = { HEX "  name", HEX " *name", "SHA256 (name) = " HEX,
					     "\\" HEX "  na\\nme", "\\SHA256 (na\\nme) = " HEX };
	struct ccp_digest_set set = set_of("sha256");

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		for (size_t len = 0; len < strlen(texts[i]); len++) {
			struct ccp_sum_reader reader = reader_of(&set);
			struct ccp_sum_line line;
			char room[ROOM];

			if (read_bytes(&reader, texts[i], len, room, &line))
				cr_assert(strcmp(line.name, "name") != 0 && strcmp(line.name, "na\nme") != 0, "%.*s",
					  (int)len, texts[i]);
			for (size_t k = len + 1; k < ROOM; k++)
				cr_assert_eq(room[k], '#', "byte %zu of %zu", k, len);
		}
	}
}
