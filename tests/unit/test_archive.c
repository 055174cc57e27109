/* test_archive.c: what bytes are, and a reader of archives by its calls: order, ends, and who waits for whom. */
#include "tests/unit/source_help.h"

#include <errno.h>
#include <poll.h>

#include "pipeline/archive/archive_internal.h"

TestSuite(archive, .init = help_enter, .fini = help_leave, .timeout = 120);

static struct ccp_archive *archive;
static const struct ccp_archive_options options = { .wanted = true };
static const struct ccp_fetch_options fetch;
static struct ccp_err err;

/* ---- archives ------------------------------------------------------------------------------------ */

static size_t put_header(uint8_t *block, const char *name, size_t size, char kind)
{
	unsigned sum = 0;

	memset(block, 0, 512);
	snprintf((char *)block, 100, "%s", name);
	snprintf((char *)block + 100, 8, "%07o", 0644u);
	snprintf((char *)block + 108, 8, "%07o", 0u);
	snprintf((char *)block + 116, 8, "%07o", 0u);
	snprintf((char *)block + 124, 12, "%011zo", size);
	snprintf((char *)block + 136, 12, "%011o", 1000000000u);
	block[156] = (uint8_t)kind;
	memcpy(block + 257, "ustar\00000", 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	return 512;
}

/* A member of `size` bytes 'x', with its padding. */
static void put_member(FILE *file, const char *name, size_t size, char kind)
{
	uint8_t block[512];

	fwrite(block, 1, put_header(block, name, size, kind), file);
	for (size_t i = 0; i < (size + 511) / 512 * 512; i++)
		putc(i < size ? 'x' : 0, file);
}

static void put_end(FILE *file)
{
	for (size_t i = 0; i < 1024; i++)
		putc(0, file);
	fclose(file);
}

/* ---- the reader ---------------------------------------------------------------------------------- */

static void open_reader(void)
{
	if (ccp_archive_probe() != NULL)
		cr_skip_test("not built");
	cr_assert_eq(ccp_archive_new(&archive, &options, &fetch, &err), 0, "%s", err.text);
}

/* The next word, waiting for it. */
static struct ccp_archive_found next_word(void)
{
	struct pollfd news = { .fd = ccp_archive_fd(archive), .events = POLLIN };
	struct ccp_archive_found found;

	while (ccp_archive_next(archive, &found) == 0)
		poll(&news, 1, -1);
	return found;
}

/* The next word is this member, which becomes input `index`. */
static void expect_member(const char *path, uint64_t index)
{
	struct ccp_archive_found found = next_word();

	cr_assert_eq(found.word, CCP_ARCHIVE_MEMBER, "%d: %s", (int)found.word, found.err.text);
	cr_assert_str_eq(found.path, path);
	ccp_archive_bind(archive, index);
}

/* Reads a member to its end. Returns how many bytes; `result` is how it ended. */
static size_t read_member(uint64_t index, int *result)
{
	struct ccp_archive_member *member;
	static char data[65536];
	size_t bytes = 0;
	ssize_t n;
	int fd;

	cr_assert_eq(ccp_archive_take(archive, index, &member, &fd, &err), 0, "%s", err.text);
	for (;;) {
		struct pollfd input = { .fd = fd, .events = POLLIN };

		poll(&input, 1, -1);
		n = read(fd, data, sizeof data);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	ccp_err_clear(&err);
	*result = ccp_archive_result(member, &err);
	close(fd);
	ccp_archive_close(member);
	return bytes;
}

static void open_path(const char *path)
{
	cr_assert_eq(ccp_archive_open(archive, path, CCP_ARCHIVE_PATH, &err), 0);
}

Test(archive, kinds)
{
	uint8_t block[CCP_KIND_BYTES] = { 0 };
	const struct {
		const char *bytes;
		size_t len;
		enum ccp_archive_kind kind;
	} cases[] = {
		{ "PK\3\4....", 8, CCP_KIND_ZIP },	{ "PK\5\6", 4, CCP_KIND_ZIP },
		{ "PK\1\2", 4, CCP_KIND_NONE },		{ "!<arch>\n", 8, CCP_KIND_AR },
		{ "!<arch>", 7, CCP_KIND_NONE },	{ "070707", 6, CCP_KIND_CPIO },
		{ "070703", 6, CCP_KIND_NONE },		{ "7z\xbc\xaf\x27\x1c", 6, CCP_KIND_7Z },
		{ "Rar!\x1a\x07\x01", 7, CCP_KIND_RAR },{ "\x1f\x8b\x08", 3, CCP_KIND_GZIP },
		{ "BZh9", 4, CCP_KIND_FILTER },		{ "hello", 5, CCP_KIND_NONE },
		{ "", 0, CCP_KIND_NONE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_expect_eq(ccp_archive_kind((const uint8_t *)cases[i].bytes, cases[i].len, true), cases[i].kind,
			     "case %zu", i);
	cr_expect_eq(ccp_archive_kind(block, 1024, true), CCP_KIND_EMPTY_TAR);
	cr_expect_eq(ccp_archive_kind(block, 1024, false), CCP_KIND_NONE);
	cr_expect_eq(ccp_archive_kind(block, 512, true), CCP_KIND_NONE);
	put_header(block, "name", 12345, '0');
	cr_expect_eq(ccp_archive_kind(block, 512, false), CCP_KIND_TAR);
	cr_expect_eq(ccp_archive_kind(block, 511, false), CCP_KIND_NONE);
	memset(block + 257, 0, 8); /* as before POSIX; its checksum is another one */
	cr_expect_eq(ccp_archive_kind(block, 512, false), CCP_KIND_NONE);
}

Test(archive, members_in_their_order)
{
	int before = help_free_fd(), result;
	FILE *file = fopen("a.tar", "w");

	put_member(file, "one", 5, '0');
	put_member(file, "d/", 0, '5');
	put_member(file, "d/two", 0, '0');
	put_member(file, "/../three", 100000, '0');
	put_end(file);
	help_put("plain", 2000);
	open_reader();
	for (int round = 0; round < 2; round++) {
		open_path("a.tar");
		expect_member("a.tar!one", 7);
		expect_member("a.tar!d/two", 8);
		expect_member("a.tar!/../three", 9);
		cr_expect_eq(read_member(8, &result), 0);
		cr_expect_eq(result, 0);
		cr_expect_eq(read_member(9, &result), 100000);
		cr_expect_eq(result, 0);
		cr_expect_eq(read_member(7, &result), 5);
		cr_expect_eq(result, 0);
		cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
		open_path("plain");
		cr_expect_eq(next_word().word, CCP_ARCHIVE_PLAIN);
		open_path("none");
		cr_expect_eq(next_word().word, CCP_ARCHIVE_PLAIN);
	}
	ccp_archive_free(archive);
	cr_expect_eq(help_free_fd(), before);
}

/* What is handed out after a large member would depend on who reads that: it is not, before the large one is read. */
Test(archive, nothing_follows_what_is_not_in_its_pipe)
{
	struct ccp_archive_found found;
	FILE *file = fopen("a.tar", "w");
	struct pollfd news;
	int result;

	put_member(file, "small", 5, '0');
	put_member(file, "large", 3000000, '0');
	put_member(file, "last", 5, '0');
	put_end(file);
	open_reader();
	open_path("a.tar");
	expect_member("a.tar!small", 0);
	expect_member("a.tar!large", 1);
	news = (struct pollfd){ .fd = ccp_archive_fd(archive), .events = POLLIN };
	cr_expect_eq(poll(&news, 1, 200), 0);
	cr_expect_eq(ccp_archive_next(archive, &found), 0);
	cr_expect_eq(read_member(0, &result), 5);
	cr_expect_eq(poll(&news, 1, 100), 0);
	cr_expect_eq(read_member(1, &result), 3000000);
	expect_member("a.tar!last", 2);
	cr_expect_eq(read_member(2, &result), 5);
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	ccp_archive_free(archive);
}

/* More than can have a pipe: the reader goes on when some are closed. */
Test(archive, many_members)
{
	FILE *file = fopen("a.tar", "w");
	uint64_t closed = 0;
	char name[32];
	int result;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "%d", i);
		put_member(file, name, (size_t)i, '0');
	}
	put_end(file);
	open_reader();
	open_path("a.tar");
	for (uint64_t i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "a.tar!%d", (int)i);
		expect_member(name, i);
		if (i >= 20) {
			cr_expect_eq(read_member(closed, &result), closed);
			closed++;
		}
	}
	while (closed < 300) {
		cr_expect_eq(read_member(closed, &result), closed);
		closed++;
	}
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	ccp_archive_free(archive);
}

Test(archive, cut_in_a_member)
{
	struct ccp_archive_found found;
	FILE *file = fopen("a.tar", "w");
	int result;

	put_member(file, "one", 5, '0');
	put_member(file, "two", 5000, '0');
	put_end(file);
	cr_assert_eq(truncate("a.tar", 1024 + 512 + 3000), 0);
	open_reader();
	open_path("a.tar");
	expect_member("a.tar!one", 0);
	expect_member("a.tar!two", 1);
	cr_expect_eq(read_member(0, &result), 5);
	cr_expect_eq(result, 0);
	cr_expect_leq(read_member(1, &result), 3000);
	cr_expect_eq(result, -1);
	cr_expect_leq(err.offset, 3000);
	found = next_word();
	cr_expect_eq(found.word, CCP_ARCHIVE_FAILED);
	cr_expect_str_eq(found.path, "a.tar");
	cr_expect(ccp_err_is_error(&found.err));
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	ccp_archive_free(archive);
}

Test(archive, no_end_mark_is_a_warning)
{
	struct ccp_archive_found found;
	FILE *file = fopen("a.tar", "w");
	int result;

	put_member(file, "one", 5, '0');
	fclose(file);
	open_reader();
	open_path("a.tar");
	expect_member("a.tar!one", 0);
	cr_expect_eq(read_member(0, &result), 5);
	cr_expect_eq(result, 0);
	found = next_word();
	cr_expect_eq(found.word, CCP_ARCHIVE_FAILED);
	cr_expect_eq(found.err.code, CCP_W_SPECIAL);
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	ccp_archive_free(archive);
}

/* Whoever closes a member early gets the next one all the same. */
Test(archive, members_that_are_dropped)
{
	struct ccp_archive_member *member;
	FILE *file = fopen("a.tar", "w");
	int result, fd;

	put_member(file, "large", 3000000, '0');
	put_member(file, "last", 5, '0');
	put_end(file);
	open_reader();
	open_path("a.tar");
	expect_member("a.tar!large", 3);
	cr_assert_eq(ccp_archive_take(archive, 3, &member, &fd, &err), 0);
	close(fd);
	ccp_archive_close(member);
	cr_expect_eq(ccp_archive_take(archive, 3, &member, &fd, &err), -1);
	expect_member("a.tar!last", 4);
	cr_expect_eq(read_member(4, &result), 5);
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	ccp_archive_free(archive);
}

/* The end of a run: members under way, handed out and not, and one that nobody reads. */
Test(archive, freed_in_the_middle)
{
	int before = help_free_fd();
	FILE *file = fopen("a.tar", "w");

	put_member(file, "small", 5, '0');
	put_member(file, "large", 3000000, '0');
	put_end(file);
	open_reader();
	open_path("a.tar");
	expect_member("a.tar!small", 0);
	ccp_archive_free(archive);
	cr_expect_eq(help_free_fd(), before);
	open_reader();
	ccp_archive_free(archive);
	cr_expect_eq(help_free_fd(), before);
}

/* A stream that is no archive comes as it is; one that is silent does not keep the reader from ending. */
Test(archive, streams)
{
	struct ccp_archive_found found;
	int in = help_pipe_to_stdin(), result;

	open_reader();
	cr_assert_eq(ccp_archive_open(archive, "-", CCP_ARCHIVE_STDIN, &err), 0);
	help_write(in, 0, 30000);
	found = next_word();
	cr_expect_eq(found.word, CCP_ARCHIVE_MEMBER);
	cr_expect(found.itself);
	cr_expect_str_eq(found.path, "-");
	ccp_archive_bind(archive, 0);
	close(in);
	cr_expect_eq(read_member(0, &result), 30000);
	cr_expect_eq(result, 0);
	cr_expect_eq(next_word().word, CCP_ARCHIVE_END);
	in = help_pipe_to_stdin();
	cr_assert_eq(ccp_archive_open(archive, "-", CCP_ARCHIVE_STDIN, &err), 0);
	ccp_archive_free(archive);
	close(in);
}
