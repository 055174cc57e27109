/* test_tar_layout.c: the layout of an archive that is to be written, its headers, and how its chunks are loaded. */
#include "tests/unit/source_help.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

#include "pipeline/tar_layout.h"

TestSuite(tar_layout, .init = help_enter, .fini = help_leave);

#define GIB (UINT64_C(1) << 30)

static struct ccp_tar_layout *layout_new(const struct ccp_tar_layout_options *options)
{
	static const struct ccp_tar_layout_options none;
	struct ccp_tar_layout *layout;
	struct ccp_err err;

	cr_assert_eq(ccp_tar_layout_new(&layout, options != NULL ? options : &none, &err), 0);
	return layout;
}

static void end(struct ccp_tar_layout *layout)
{
	struct ccp_err err;

	cr_assert_eq(ccp_tar_layout_end(layout, &err), 0);
}

/* Adds a file that need not be there. */
static void add_file(struct ccp_tar_layout *layout, const char *path, uint64_t size, unsigned links, unsigned ino)
{
	struct stat st = { .st_mode = S_IFREG | 0644, .st_size = (off_t)size, .st_nlink = links, .st_ino = ino };
	struct ccp_err err;

	cr_assert_eq(ccp_tar_layout_add(layout, path, &st, &err), 0, "%s", err.text);
}

/* Adds what is there. */
static void add(struct ccp_tar_layout *layout, const char *path)
{
	struct ccp_err err;
	struct stat st;

	cr_assert_eq(lstat(path, &st), 0);
	cr_assert_eq(ccp_tar_layout_add(layout, path, &st, &err), 0, "%s", err.text);
}

static uint64_t octal(const uint8_t *field, size_t room)
{
	uint64_t value = 0;

	for (size_t i = 0; i < room && field[i] >= '0' && field[i] <= '7'; i++)
		value = 8 * value + (uint64_t)(field[i] - '0');
	return value;
}

/* A block whose checksum is right. */
static void check_block(const uint8_t *block)
{
	unsigned sum = 8 * ' ';

	for (size_t i = 0; i < CCP_TAR_BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += block[i];
	cr_assert_eq(octal(block + 148, 6), sum);
	cr_assert_eq(memcmp(block + 257, "ustar\0" "00", 8), 0);
}

/* The value of a record of extended data, NUL-terminated in `value`, or NULL. All records must be well formed. */
static const char *record(const uint8_t *data, size_t len, const char *name, char *value)
{
	const char *found = NULL;

	for (size_t at = 0; at < len;) {
		char *end_of_number;
		size_t all = strtoul((const char *)data + at, &end_of_number, 10);
		const char *text = end_of_number + 1, *equals = strchr(text, '=');

		cr_assert_leq(at + all, len);
		cr_assert_eq(*end_of_number, ' ');
		cr_assert_eq(data[at + all - 1], '\n');
		if ((size_t)(equals - text) == strlen(name) && memcmp(text, name, strlen(name)) == 0) {
			size_t n = (size_t)((const char *)data + at + all - 1 - (equals + 1));

			memcpy(value, equals + 1, n);
			value[n] = '\0';
			found = value;
		}
		at += all;
	}
	return found;
}

Test(tar_layout, what_is_cut_off_names)
{
	static const struct {
		const char *path;
		size_t cut;
	} list[] = {
		{ "a", 0 }, { "./a", 0 }, { "/", 1 }, { "/a", 1 }, { "///a//b", 3 }, { "..", 2 }, { "../a", 3 },
		{ "a/../b", 5 }, { "a/..", 4 }, { "a/..b", 0 }, { "..a", 0 }, { "a../b", 0 }, { "../../", 6 },
		{ "", 0 },
		{ "/../x", 4 }, { "a/.../b", 0 },
	};

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		cr_expect_eq(ccp_tar_name_cut(list[i].path), list[i].cut, "%s: %zu", list[i].path,
			     ccp_tar_name_cut(list[i].path));
}

Test(tar_layout, names_of_members)
{
	struct ccp_tar_layout *layout = layout_new(&(struct ccp_tar_layout_options){ .dir = "some/dir" });
	static const char *const list[][4] = { /* directory?, path, name, path to open */
		{ "", "a/b", "a/b", "some/dir/a/b" }, { "", "/a", "a", "/a" }, { "", "../x", "x", "some/dir/../x" },
		{ "/", "d", "d/", "some/dir/d/" }, { "/", "d/", "d/", "some/dir/d/" }, { "/", "/", "./", "/./" },
		{ "/", "..", "./", "some/dir/.././" }, { "/", ".", "./", "some/dir/./" },
	};
	struct ccp_err err;

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		struct stat st = { .st_mode = (list[i][0][0] != '\0' ? S_IFDIR : S_IFREG) | 0755 };

		cr_assert_eq(ccp_tar_layout_add(layout, list[i][1], &st, &err), 0);
		cr_expect_str_eq(ccp_tar_layout_name(layout, i), list[i][2]);
		cr_expect_str_eq(ccp_tar_layout_path(layout, i), list[i][3]);
	}
	cr_assert_eq(mknod("s", S_IFSOCK | 0600, 0), 0);

	struct stat st = { .st_mode = S_IFSOCK | 0600 };

	cr_assert_eq(ccp_tar_layout_add(layout, "s", &st, &err), -1);
	cr_assert_eq(err.code, CCP_W_SPECIAL);
	cr_assert_eq(ccp_tar_layout_count(layout), sizeof list / sizeof list[0]);
	ccp_tar_layout_free(layout);
}

/* Names of every length, with and without slashes, UTF-8 and not: the header gives them back. */
Test(tar_layout, headers_give_names_back)
{
	static uint8_t bytes[CCP_TAR_HEADER_MAX];
	static char name[PATH_MAX], value[PATH_MAX];

	for (size_t len = 1; len < PATH_MAX; len += len < 1100 ? 1 : 97) {
		for (unsigned kind = 0; kind < 3; kind++) {
			struct ccp_tar_member member = {
				.name = name, .link = kind == 1 && len < 300 ? name : "", .owner = "o", .group = "g",
				.size = 5, .mode = 0640, .uid = 1, .gid = 2, .type = '0',
			};
			char got[PATH_MAX + 300] = "";
			size_t at = 0;

			memset(name, kind == 2 ? '\xff' : 'n', len);
			name[len] = '\0';
			for (size_t i = 60; i + 1 < len && kind == 1; i += 61)
				name[i] = '/';

			size_t all = ccp_tar_header_put(&member, bytes);

			cr_assert_eq(all, ccp_tar_header_bytes(&member));
			cr_assert_eq(all % CCP_TAR_BLOCK, 0);
			if (bytes[156] == 'L' || bytes[156] == 'x') {
				size_t n = octal(bytes + 124, 11);

				check_block(bytes);
				cr_assert_eq(bytes[156], kind == 2 ? 'L' : 'x');
				if (kind == 2)
					memcpy(got, bytes + CCP_TAR_BLOCK, n);
				else if (record(bytes + CCP_TAR_BLOCK, n, "path", value) != NULL)
					strcpy(got, value);
				at = CCP_TAR_BLOCK + (n + CCP_TAR_BLOCK - 1) / CCP_TAR_BLOCK * CCP_TAR_BLOCK;
			}
			check_block(bytes + at);
			cr_assert_eq(at + CCP_TAR_BLOCK, all);
			cr_assert_eq(octal(bytes + at + 124, 11), 5);
			if (got[0] == '\0')
				snprintf(got, sizeof got, "%.155s%s%.100s", (char *)bytes + at + 345,
					 bytes[at + 345] != 0 ? "/" : "", (char *)bytes + at);
			cr_assert_str_eq(got, name);
			cr_assert(len > 100 || all == CCP_TAR_BLOCK || kind == 1);
		}
	}
}

Test(tar_layout, headers_of_large_numbers)
{
	static uint8_t bytes[CCP_TAR_HEADER_MAX];
	struct ccp_tar_member member = {
		.name = "a", .link = "", .owner = "o", .group = "g", .size = 8 * GIB - 1, .mtime = 077777777777,
		.uid = 07777777, .gid = 07777777, .type = '0',
	};
	char value[100];

	cr_assert_eq(ccp_tar_header_put(&member, bytes), CCP_TAR_BLOCK);
	cr_assert_eq(octal(bytes + 124, 11), 8 * GIB - 1);
	member.size++;
	member.uid++;
	member.gid = UINT32_MAX;
	member.mtime = -5;
	cr_assert_eq(ccp_tar_header_put(&member, bytes), 3 * CCP_TAR_BLOCK);
	check_block(bytes);

	size_t n = octal(bytes + 124, 11);

	cr_expect_str_eq(record(bytes + CCP_TAR_BLOCK, n, "size", value), "8589934592");
	cr_expect_str_eq(record(bytes + CCP_TAR_BLOCK, n, "uid", value), "2097152");
	cr_expect_str_eq(record(bytes + CCP_TAR_BLOCK, n, "gid", value), "4294967295");
	cr_expect_str_eq(record(bytes + CCP_TAR_BLOCK, n, "mtime", value), "-5");
	cr_expect_null(record(bytes + CCP_TAR_BLOCK, n, "path", value));
}

/* Whatever pieces the archive is made in, it is the same; places of files are told right, beyond 8 GiB as well. */
Test(tar_layout, any_cut_gives_the_same)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 513, 9 * GIB + 3, 1024, 0, 7 };
	struct ccp_tar_layout *layout = layout_new(NULL);
	static char name[300];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		memset(name, (int)('a' + i), 40 * i + 1 < sizeof name ? 40 * i + 1 : 290);
		add_file(layout, name, sizes[i], 1, 0);
	}
	end(layout);

	uint64_t total = ccp_tar_layout_bytes(layout), big = 0;

	cr_assert_eq(total % 10240, 0);
	for (size_t room = 1; room < 3000; room += room / 3 + 1) {
		static uint8_t made[4 * CCP_TAR_BLOCK * 20], first[sizeof made];
		size_t used = 0, file = 0;
		uint64_t data_bytes = 0;

		for (uint64_t at = 0; at < total;) {
			uint8_t piece[3000];
			struct ccp_tar_data data;
			size_t want = total - at < room ? (size_t)(total - at) : room;
			size_t n = ccp_tar_layout_fill(layout, at, piece, want, &data);

			if (used + n <= sizeof made)
				memcpy(made + used, piece, n);
			used += n;
			at += n;
			if (data.len == 0) {
				cr_assert_eq(n, want);
				continue;
			}
			cr_assert_leq(n + data.len, want);
			cr_assert_geq(data.member, file);
			file = data.member;
			data_bytes += data.len;
			if (sizes[file] < GIB || data.offset > 0) {
				at += data.len;
				continue;
			}
			/* a jump over most of it, to a place that is not its block's end */
			big = at;
			at += sizes[file] - 100;
			data_bytes += sizes[file] - 100 - data.len;
			ccp_tar_layout_fill(layout, at, piece, room, &data);
			cr_assert_eq(data.offset, 9 * GIB + 3 - 100);
			cr_assert_eq(data.len, room < 100 ? room : 100);
		}
		cr_assert_eq(data_bytes, 9 * GIB + 3 + 1 + 511 + 512 + 513 + 1024 + 7);
		if (room == 1)
			memcpy(first, made, sizeof made);
		cr_assert_eq(memcmp(first, made, used < sizeof made ? used : sizeof made), 0, "pieces of %zu", room);
	}
	cr_assert_gt(big, 0);
	ccp_tar_layout_free(layout);
}

/* The header of a member, as a reader would see its last block. */
static void header_of(struct ccp_tar_layout *layout, uint64_t at, uint8_t *block)
{
	struct ccp_tar_data data;

	cr_assert_eq(ccp_tar_layout_fill(layout, at, block, CCP_TAR_BLOCK, &data), CCP_TAR_BLOCK);
	check_block(block);
}

Test(tar_layout, further_names_are_links)
{
	struct ccp_tar_layout *layout = layout_new(NULL);
	uint8_t block[CCP_TAR_BLOCK];

	add_file(layout, "x/a", 600, 2, 5);
	add_file(layout, "x/b", 600, 2, 5);
	add_file(layout, "x/a", 600, 2, 5);
	add_file(layout, "x/c", 600, 1, 5);
	for (unsigned i = 0; i < 1000; i++) {
		char name[20];

		snprintf(name, sizeof name, "m%u", i);
		add_file(layout, name, 0, 3, 100 + i / 2);
	}
	end(layout);
	header_of(layout, 0, block);
	cr_expect_eq(block[156], '0');
	header_of(layout, 512 + 1024, block);
	cr_expect_eq(block[156], '1');
	cr_expect_eq(octal(block + 124, 11), 0);
	cr_expect_str_eq((char *)block + 157, "x/a");
	header_of(layout, 2 * 512 + 1024, block); /* no link to itself */
	cr_expect_eq(block[156], '0');
	header_of(layout, 3 * 512 + 2 * 1024, block);
	cr_expect_eq(block[156], '0');
	for (unsigned i = 0; i < 1000; i++) {
		header_of(layout, 4 * 512 + 3 * 1024 + 512 * i, block);
		cr_expect_eq(block[156], i % 2 ? '1' : '0', "%u", i);
	}
	ccp_tar_layout_free(layout);
}

Test(tar_layout, owners_that_are_said)
{
	struct ccp_tar_layout *layout = layout_new(&(struct ccp_tar_layout_options){
		.owner = { .said = true, .named = true, .id = 7, .name = "me" }, .group = { .said = true, .id = 0 },
		.has_mtime = true, .mtime = 0123,
	});
	uint8_t block[CCP_TAR_BLOCK];

	add_file(layout, "a", 0, 1, 1);
	end(layout);
	header_of(layout, 0, block);
	cr_expect_eq(octal(block + 108, 7), 7);
	cr_expect_eq(octal(block + 136, 11), 0123);
	cr_expect_str_eq((char *)block + 265, "me");
	cr_expect_str_eq((char *)block + 297, "root");
	ccp_tar_layout_free(layout);
	layout = layout_new(&(struct ccp_tar_layout_options){ .numeric_owner = true });
	add_file(layout, "a", 0, 1, 1);
	end(layout);
	header_of(layout, 0, block);
	cr_expect_str_eq((char *)block + 265, "");
	ccp_tar_layout_free(layout);
}

Test(tar_layout, notes_are_shared)
{
	struct ccp_tar_layout *layout = layout_new(NULL);
	int sys, status;

	add_file(layout, "a", 1, 1, 1);
	add_file(layout, "b", 1, 1, 2);
	end(layout);

	pid_t child = fork();

	if (child == 0) {
		ccp_tar_layout_note(layout, 1, CCP_TAR_UNREAD, EACCES);
		ccp_tar_layout_note(layout, 1, CCP_TAR_UNREAD, EIO);
		ccp_tar_layout_note(layout, 1, CCP_TAR_CHANGED, 0);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(ccp_tar_layout_noted(layout, 0, &sys), 0);
	cr_expect_eq(ccp_tar_layout_noted(layout, 1, &sys), CCP_TAR_UNREAD | CCP_TAR_CHANGED);
	cr_expect_eq(sys, EACCES);
	ccp_tar_layout_free(layout);
}

/* Loads the whole archive in chunks. Returns its bytes. */
static uint8_t *load_all(struct ccp_tar_layout *layout, size_t chunk)
{
	const struct ccp_next_only only = { .source = &ccp_source_tar, .name = "archive",
					    .bytes = ccp_tar_layout_bytes(layout) };
	struct ccp_arena_options shape = { .slots = 2, .in_bytes = chunk + 1, .out_bytes = 16 };
	struct rig rig = { .source = { .tar = layout } };
	struct ccp_next_options options = { .chunk_bytes = chunk, .only = &only, .source = &rig.source };
	const struct ccp_walk_options names = { .name_count = 0 };
	uint8_t *all = malloc(only.bytes);
	uint64_t at = 0;
	struct ccp_err err;
	int word, before;

	cr_assert_eq(ccp_walk_new(&rig.walk, &names, &err), 0);
	cr_assert_eq(ccp_arena_new(&rig.arena, &shape, &err), 0);
	cr_assert_eq(ccp_next_new(&rig.next, rig.walk, rig.arena, &options, &err), 0);
	before = help_free_fd();
	for (bool last = false; !last;) {
		struct ccp_job *job = rig_next(&rig, &word);

		cr_assert_not_null(job);
		cr_assert_eq(job->piece.offset, at);
		cr_assert_not(job->whole);
		cr_assert_eq(rig_load(&rig, job), 0, "%s", job->piece.err.text);
		cr_assert_eq(job->piece.in.len, job->load_bytes);
		memcpy(all + at, job->piece.in.data, job->piece.in.len);
		at += job->piece.in.len;
		last = job->piece.last;
		rig_give(&rig, job, last);
		cr_assert_eq(help_free_fd(), before);
	}
	cr_assert_eq(at, only.bytes);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_close(&rig);
	return all;
}

Test(tar_layout, chunks_of_any_size_load_the_same)
{
	static const size_t chunks[] = { 1, 100, 512, 1000, 4096, 10240, 100000 };
	struct ccp_tar_layout *layout = layout_new(NULL);
	uint8_t *first = NULL;

	help_put("a", 700);
	help_put("b", 512);
	help_put("c", 0);
	help_put("d", 9000);
	cr_assert_eq(mkdir("e", 0755), 0);
	cr_assert_eq(symlink("nowhere", "f"), 0);
	for (const char *name = "abcdef"; *name != '\0'; name++)
		add(layout, (char[]){ *name, '\0' });
	end(layout);
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
		uint8_t *all = load_all(layout, chunks[i]);

		if (first == NULL)
			first = all;
		cr_assert_eq(memcmp(first, all, ccp_tar_layout_bytes(layout)), 0, "chunks of %zu", chunks[i]);
		if (first != all)
			free(all);
	}
	for (size_t i = 0; i < 700; i++)
		cr_assert_eq(first[512 + i], help_byte(i));
	for (size_t i = 700; i < 1024; i++)
		cr_assert_eq(first[512 + i], 0);
	cr_assert_str_eq((char *)first + 1536, "b");
	free(first);
	ccp_tar_layout_free(layout);
}

Test(tar_layout, files_that_are_no_longer_what_they_were)
{
	struct ccp_tar_layout *layout = layout_new(NULL);
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 1, 1 } };
	static const unsigned wanted[] = { 0, CCP_TAR_UNREAD, CCP_TAR_SHRANK, CCP_TAR_CHANGED, CCP_TAR_CHANGED,
					   CCP_TAR_UNREAD, CCP_TAR_UNREAD };
	int sys;

	for (const char *name = "abcdefg"; *name != '\0'; name++) {
		help_put((char[]){ *name, '\0' }, 600);
		add(layout, (char[]){ *name, '\0' });
	}
	end(layout);
	cr_assert_eq(unlink("b"), 0);
	cr_assert_eq(truncate("c", 100), 0);
	cr_assert_eq(truncate("d", 601), 0);
	cr_assert_eq(utimensat(AT_FDCWD, "e", times, 0), 0);
	cr_assert_eq(unlink("f"), 0);
	cr_assert_eq(symlink("a", "f"), 0);
	cr_assert_eq(unlink("g"), 0);
	cr_assert_eq(mkdir("g", 0755), 0);

	uint8_t *all = load_all(layout, 1000);

	for (size_t i = 0; i < 7; i++) {
		const uint8_t *data = all + i * 1536 + 512;
		size_t kept = wanted[i] & CCP_TAR_UNREAD ? 0 : wanted[i] & CCP_TAR_SHRANK ? 100 : 600;

		cr_expect_eq(ccp_tar_layout_noted(layout, i, &sys), wanted[i], "%zu", i);
		for (size_t k = 0; k < 1024; k++)
			cr_assert_eq(data[k], k < kept ? help_byte(k) : 0, "byte %zu of %zu", k, i);
	}
	ccp_tar_layout_noted(layout, 1, &sys);
	cr_expect_eq(sys, ENOENT);
	ccp_tar_layout_noted(layout, 5, &sys);
	cr_expect_eq(sys, ELOOP);
	free(all);
	ccp_tar_layout_free(layout);
}
