/* test_tar_append.c: archives that grow by one member at a time, in a file and to a stream; the spool; and sizes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/spool.h"
#include "pipeline/tar_append.h"
#include "pipeline/tar_layout.h"
#include "pipeline/untar_filter.h"

TestSuite(tar_append, .timeout = 60);

struct bytes {
	uint8_t *data;
	size_t len, room;
	int calls, fail_at; /* the call that fails; 0 = none */
};

static int put(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct bytes *bytes = arg;

	if (++bytes->calls == bytes->fail_at)
		return ccp_err_set(err, CCP_E_OTHER, "full");
	if (bytes->len + len > bytes->room) {
		bytes->room = 2 * (bytes->len + len);
		bytes->data = realloc(bytes->data, bytes->room);
	}
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	return 0;
}

static int temporary(void)
{
	char path[] = "/tmp/ccpipe-append-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	cr_assert(fd >= 0);
	unlink(path);
	return fd;
}

static struct ccp_tar_append *archive_new(int fd, struct bytes *bytes)
{
	const struct ccp_tar_append_options options = { .fd = fd, .name = "a.tar", .put = put, .arg = bytes };
	struct ccp_tar_append *archive;
	struct ccp_err err;

	cr_assert_eq(ccp_tar_append_new(&archive, &options, &err), 0);
	return archive;
}

/* A member of `len` bytes, written in pieces, which is finished or dropped. */
static void member(struct ccp_tar_append *archive, const char *name, size_t len, bool drop)
{
	const struct stat st = { .st_mode = S_IFREG | 0640, .st_uid = 12345678, .st_mtim = { 1600000000, 5 } };
	static uint8_t data[70000];
	struct ccp_err err;

	cr_assert_eq(ccp_tar_append_begin(archive, name, &st, &err), 0, "%s", err.text);
	memset(data, name[0], sizeof data);
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < sizeof data ? len - at : sizeof data;
		cr_assert_eq(ccp_tar_append_write(archive, data, n, &err), 0, "%s", err.text);
	}
	if (drop)
		ccp_tar_append_drop(archive);
	else
		cr_assert_eq(ccp_tar_append_finish(archive, &err), 0, "%s", err.text);
}

/* The same members, of which some are dropped. Ends the archive. */
static void fill(struct ccp_tar_append *archive, bool drops)
{
	static const size_t sizes[] = { 0, 1, 511, 512, 513, 200000, 9000000, 3 };
	char name[300], letter[] = "a";
	struct ccp_err err;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++, letter[0]++) {
		if (drops)
			member(archive, "dropped", 10000000 / (i + 1), true);
		member(archive, letter, sizes[i], false);
	}
	if (drops)
		member(archive, "dropped", 700, true);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	member(archive, name, 5, false);
	if (drops)
		member(archive, "dropped", 20000, true);
	cr_assert_eq(ccp_tar_append_end(archive, &err), 0);
	ccp_tar_append_free(archive);
}

Test(tar_append, a_file_and_a_stream_are_the_same)
{
	struct bytes plain = { .len = 0 }, dropped = { .len = 0 };
	int fd = temporary(), fd_dropped = temporary();
	uint8_t *file, *file_dropped;
	struct stat st;

	fill(archive_new(-1, &plain), false);
	fill(archive_new(-1, &dropped), true);
	fill(archive_new(fd, NULL), false);
	fill(archive_new(fd_dropped, NULL), true);
	file = malloc(plain.len);
	file_dropped = malloc(plain.len);
	cr_assert_eq(pread(fd, file, plain.len, 0), (ssize_t)plain.len);
	cr_assert_eq(pread(fd_dropped, file_dropped, plain.len, 0), (ssize_t)plain.len);
	cr_assert(fstat(fd, &st) == 0 && st.st_size == (off_t)plain.len && st.st_size % 10240 == 0);
	cr_assert(fstat(fd_dropped, &st) == 0 && st.st_size == (off_t)plain.len, "%lld", (long long)st.st_size);
	cr_assert(plain.len == dropped.len && memcmp(plain.data, dropped.data, plain.len) == 0);
	cr_assert(memcmp(plain.data, file, plain.len) == 0);
	cr_assert(memcmp(plain.data, file_dropped, plain.len) == 0);
	/* the number of the owner does not fit in its field: records, then the header */
	cr_expect(plain.data[156] == 'x' && plain.data[2 * 512 + 156] == '0');
	cr_expect_str_eq((char *)&plain.data[2 * 512], "a");
	free(file);
	free(file_dropped);
	free(plain.data);
	free(dropped.data);
	close(fd);
	close(fd_dropped);
}

Test(tar_append, a_stream_that_takes_no_more)
{
	for (int call = 1; call <= 5; call++) {
		const struct stat st = { .st_mode = S_IFREG | 0640 };
		struct bytes bytes = { .fail_at = call };
		struct ccp_tar_append *archive = archive_new(-1, &bytes);
		int failed = 0;
		struct ccp_err err;

		for (int i = 0; i < 2; i++) {
			cr_assert_eq(ccp_tar_append_begin(archive, "a", &st, &err), 0);
			cr_assert_eq(ccp_tar_append_write(archive, "xyz", 3, &err), 0);
			if (ccp_tar_append_finish(archive, &err) != 0 && failed++ == 0)
				cr_expect_str_eq(err.text, "full");
		}
		cr_expect_eq(failed, 1, "call %d: %d", call, failed); /* three calls a member */
		ccp_tar_append_free(archive);
		free(bytes.data);
	}
}

Test(tar_append, the_spool_keeps_every_byte)
{
	uint8_t piece[1000];
	struct ccp_spool spool;
	struct ccp_err err;

	cr_assert_eq(ccp_spool_init(&spool, 4096, &err), 0);
	for (int turn = 0; turn < 4; turn++) {
		size_t total = turn == 0 ? 4096 : turn == 1 ? 4097 : turn == 2 ? 100000 : 0, wrong = 0;
		struct bytes bytes = { .len = 0 };

		for (size_t at = 0, n; at < total; at += n) {
			n = total - at < sizeof piece ? total - at : sizeof piece;
			for (size_t i = 0; i < n; i++)
				piece[i] = (uint8_t)((at + i) * 7 + (at + i) / 251);
			cr_assert_eq(ccp_spool_write(&spool, piece, n, &err), 0);
		}
		cr_expect_eq(spool.fd >= 0, total > 4096);
		cr_assert_eq(ccp_spool_send(&spool, put, &bytes, &err), 0);
		for (size_t i = 0; i < bytes.len; i++)
			wrong += bytes.data[i] != (uint8_t)(i * 7 + i / 251);
		cr_expect(bytes.len == total && wrong == 0, "%zu: %zu bytes, %zu wrong", total, bytes.len, wrong);
		ccp_spool_clear(&spool);
		cr_expect_eq(spool.fd, -1);
		free(bytes.data);
	}
	ccp_spool_release(&spool);
}

Test(tar_append, the_spool_has_nowhere_to_go)
{
	struct ccp_spool spool;
	struct ccp_err err;

	setenv("TMPDIR", "/nonexistent/folder", 1);
	cr_assert_eq(ccp_spool_init(&spool, 4, &err), 0);
	cr_expect_eq(ccp_spool_write(&spool, "1234", 4, &err), 0);
	cr_expect_eq(ccp_spool_write(&spool, "5", 1, &err), -1);
	cr_expect_eq(err.code, CCP_E_SYS);
	ccp_spool_release(&spool);
}

/* Of 8 GiB and more in its field, and the header stays a block. */
Test(tar_append, sizes_in_binary)
{
	static const uint64_t sizes[] = { 0, 077777777777, UINT64_C(1) << 33, (UINT64_C(1) << 62) + 12345 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const struct ccp_tar_member m = { .name = "a", .link = "", .owner = "", .group = "", .size = sizes[i],
						  .binary_size = true, .type = '0' };
		uint8_t bytes[CCP_TAR_HEADER_MAX];
		uint64_t value = 0;
		unsigned sum = 256;

		cr_assert_eq(ccp_tar_header_bytes(&m), CCP_TAR_BLOCK);
		cr_assert_eq(ccp_tar_header_put(&m, bytes), CCP_TAR_BLOCK);
		if (i < 2) {
			value = strtoull((char *)bytes + 124, NULL, 8);
		} else {
			cr_expect_eq(bytes[124], 0x80);
			for (int k = 1; k < 12; k++)
				value = value << 8 | bytes[124 + k];
		}
		cr_expect_eq(value, sizes[i]);
		for (int k = 0; k < 512; k++)
			sum += k >= 148 && k < 156 ? 0 : bytes[k];
		cr_expect_eq(strtoul((char *)bytes + 148, NULL, 8), sum);
	}
}

/* What would be longer than offsets can tell is refused, and what comes after it is stored. */
Test(tar_append, layouts_do_not_overflow)
{
	static const struct ccp_tar_layout_options none;
	struct ccp_tar_layout *layout;
	struct ccp_err err;

	cr_assert_eq(ccp_tar_layout_new(&layout, &none, &err), 0);
	for (int i = 0; i < 4; i++) {
		const struct stat st = { .st_mode = S_IFREG | 0644, .st_nlink = 2, .st_ino = 7,
					 .st_size = i % 2 == 0 ? INT64_MAX - i : 100 };

		cr_expect_eq(ccp_tar_layout_add(layout, "a", &st, &err), i % 2 == 0 ? -1 : 0, "%d", i);
		if (i % 2 == 0)
			cr_expect(strstr(err.text, "too large") != NULL, "%s", err.text);
	}
	for (int i = 0; i < 3; i++) {
		const struct stat st = { .st_mode = S_IFREG | 0644, .st_nlink = 1, .st_size = INT64_MAX / 4 };

		cr_expect_eq(ccp_tar_layout_add(layout, "b", &st, &err), i == 0 ? 0 : -1, "%d", i);
	}
	cr_assert_eq(ccp_tar_layout_end(layout, &err), 0);
	cr_expect(ccp_tar_layout_count(layout) == 3 && ccp_tar_layout_bytes(layout) < INT64_MAX / 2);
	ccp_tar_layout_free(layout);
}

Test(tar_append, names_of_compressions)
{
	uint8_t block[512] = "BZh91AY&SY";

	cr_expect_str_eq(ccp_untar_filter_name("\x28\xb5\x2f\xfd....", 8), "zstd");
	cr_expect_str_eq(ccp_untar_filter_name(block, sizeof block), "bzip2");
	cr_expect_null(ccp_untar_filter_name("BZ", 2));
	memcpy(block + 257, "ustar", 5); /* an archive whose first member is called so */
	cr_expect_null(ccp_untar_filter_name(block, sizeof block));
}
