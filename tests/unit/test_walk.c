/* test_walk.c: names of inputs: arguments, lists, directories. */
#include "tests/unit/source_help.h"

#include <errno.h>
#include <sys/eventfd.h>

#define NAMES(...)                                                                                                     \
	.names = (char *const[]){ __VA_ARGS__ }, .name_count = sizeof((char *const[]){ __VA_ARGS__ }) / sizeof(char *)

TestSuite(walk, .init = help_enter, .fini = help_leave);

/* The whole walk as one string: the paths, each with a letter for an error (!), a directory (/), a link (@). */
static const char *walk_all(const struct ccp_walk_options *options)
{
	static char text[65536];
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;
	size_t used = 0;
	int before = help_free_fd();

	cr_assert_eq(ccp_walk_new(&walk, options, &err), 0, "%s", err.text);
	text[0] = '\0';
	while (ccp_walk_next(walk, &entry) == 1) {
		const char *mark = entry.err.code != CCP_OK ? "!" : "";

		if (entry.has_stat && S_ISDIR(entry.st.st_mode) && *mark == '\0')
			mark = "/";
		if (entry.has_stat && S_ISLNK(entry.st.st_mode))
			mark = "@";
		if (entry.is_stdin)
			mark = "=stdin";
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", used ? " " : "", entry.path, mark);
	}
	cr_assert_eq(ccp_walk_next(walk, &entry), 0);
	ccp_walk_free(walk);
	cr_assert_eq(help_free_fd(), before);
	return text;
}

#define PUT(path, text) put_text(path, text, sizeof(text) - 1)

static void put_text(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void make_tree(void)
{
	mkdir("d", 0755);
	mkdir("d/b", 0755);
	mkdir("d/empty", 0755);
	help_put("d/c", 1);
	help_put("d/a", 1);
	help_put("d/b/z", 1);
	help_put("d/b/.y", 1);
	help_put("d/b.txt", 1);
	help_put("f", 3);
	cr_assert_eq(symlink("b", "d/link"), 0);
	cr_assert_eq(symlink("d", "ld"), 0);
}

Test(walk, arguments_in_their_order)
{
	make_tree();
	struct ccp_walk_options options = { NAMES((char *)"f", (char *)"nothere", (char *)"-", (char *)"d",
						  (char *)"ld", (char *)"") };

	cr_assert_str_eq(walk_all(&options), "f nothere! -=stdin d/ ld@ !");
	options.follow = true;
	cr_assert_str_eq(walk_all(&options), "f nothere! -=stdin d/ ld/ !");
}

Test(walk, directories_sorted_and_depth_first)
{
	make_tree();
	struct ccp_walk_options options = { NAMES((char *)"d", (char *)"f"), .recursive = true };

	cr_assert_str_eq(walk_all(&options), "d/a d/b/.y d/b/z d/b.txt d/c d/link@ f");
	options = (struct ccp_walk_options){ NAMES((char *)"d/"), .recursive = true };
	cr_assert_str_eq(walk_all(&options), "d/a d/b/.y d/b/z d/b.txt d/c d/link@");
}

Test(walk, links_to_directories)
{
	make_tree();
	struct ccp_walk_options options = { NAMES((char *)"ld"), .recursive = true };

	cr_assert_str_eq(walk_all(&options), "ld@");
	options.follow = true; /* of the argument, not of what is inside */
	cr_assert_str_eq(walk_all(&options), "ld/a ld/b/.y ld/b/z ld/b.txt ld/c ld/link@");
}

Test(walk, passes_over_the_output_directory_and_temporaries)
{
	make_tree();
	help_put("d/b/.q.tmp", 1);
	help_put(".tmp", 1);
	struct ccp_walk_options options = {
		NAMES((char *)"d", (char *)".tmp", (char *)"d/b"),
		.recursive = true,
		.skip_dir = "ld/../d/b",
		.skip_name_suffix = ".tmp",
	};

	cr_assert_str_eq(walk_all(&options), "d/a d/b.txt d/c d/link@ .tmp d/b!");
	options.skip_dir = "nothere";
	cr_assert_str_eq(walk_all(&options), "d/a d/b/.y d/b/z d/b.txt d/c d/link@ .tmp d/b/.y d/b/z");
}

Test(walk, lists)
{
	make_tree();
	PUT("nl", "\nf\n\nd\nnot here\n-\nf");
	struct ccp_walk_options options = { NAMES((char *)"nl"), .files_from = "nl" };

	cr_assert_str_eq(walk_all(&options), "nl f d/ not here! -! f");
	options.recursive = true;
	cr_assert_str_eq(walk_all(&options), "nl f d/a d/b/.y d/b/z d/b.txt d/c d/link@ not here! -! f");
	PUT("nul", "f\0\0d\nd\0d/c\0");
	options = (struct ccp_walk_options){ .files_from = "nul", .nul_separated = true };
	cr_assert_str_eq(walk_all(&options), "f ! d\nd! d/c");
	options.nul_separated = false;
	cr_assert_str_eq(walk_all(&options), "f! d!", "NUL bytes in a list of lines");
	PUT("empty", "");
	options.files_from = "empty";
	cr_assert_str_eq(walk_all(&options), "");
	options.files_from = "d";
	cr_assert_str_eq(walk_all(&options), "d!", "a list that cannot be read is told like a name");
}

Test(walk, list_that_is_not_there)
{
	struct ccp_walk_options options = { .files_from = "nothere" };
	struct ccp_walk *walk;
	struct ccp_err err;

	cr_assert_eq(ccp_walk_new(&walk, &options, &err), -1);
	cr_assert_eq(err.sys, ENOENT);
	cr_assert_str_eq(err.text, "nothere: No such file or directory");
}

Test(walk, long_lists_of_long_names)
{
	FILE *list = fopen("list", "we");
	struct ccp_walk_options options = { .files_from = "list" };
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;
	int last = 0;

	for (int i = 0; i < 200; i++)
		fprintf(list, "%0*d\n", i * 1000 + 1, i); /* up to 200,000 bytes: longer than the buffer */
	fclose(list);
	cr_assert_eq(ccp_walk_new(&walk, &options, &err), 0);
	for (int i = 0; i < 200; i++, last++) {
		size_t len = (size_t)i * 1000 + 1;

		cr_assert_eq(ccp_walk_next(walk, &entry), 1);
		if (i >= 3) /* as it was written: a number of more digits than the width */
			cr_assert_eq(strlen(entry.path), len < PATH_MAX ? len : PATH_MAX - 1, "name %d", i);
		cr_assert_eq(entry.err.sys, len < 256 ? ENOENT : ENAMETOOLONG);
	}
	cr_assert_eq(ccp_walk_next(walk, &entry), 0);
	ccp_walk_free(walk);
}

Test(walk, names_that_are_too_long)
{
	char *name = malloc(5000);
	struct ccp_walk_options options = { NAMES(name) };
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;

	memset(name, 'x', 4999);
	name[4999] = '\0';
	cr_assert_eq(ccp_walk_new(&walk, &options, &err), 0);
	cr_assert_eq(ccp_walk_next(walk, &entry), 1);
	cr_assert_eq(strlen(entry.path), PATH_MAX - 1);
	cr_assert_eq(entry.err.code, CCP_E_SYS);
	cr_assert_str_eq(entry.err.text, "File name too long");
	cr_assert_eq(ccp_walk_next(walk, &entry), 0);
	ccp_walk_free(walk);
	free(name);
}

/* 60 levels of 100 bytes: too deep for a path, and more than may be open at once. A file before and one after each. */
Test(walk, deep_trees)
{
	struct ccp_walk_options options = { NAMES((char *)"top"), .recursive = true };
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;
	char level[101];
	int files = 0, errors = 0, before = help_free_fd();

	memset(level, 'm', 100);
	level[100] = '\0';
	mkdir("top", 0755);
	cr_assert_eq(chdir("top"), 0);
	for (int i = 0; i < 60; i++) {
		help_put("a", 1);
		help_put("z", 1);
		cr_assert_eq(mkdir(level, 0755), 0);
		cr_assert_eq(chdir(level), 0);
	}
	cr_assert_eq(chdir(help_folder), 0);
	cr_assert_eq(ccp_walk_new(&walk, &options, &err), 0);
	while (ccp_walk_next(walk, &entry) == 1) {
		cr_assert_lt(help_free_fd(), before + 20, "too many descriptors are open");
		if (entry.err.code == CCP_OK) {
			files++;
			continue;
		}
		errors++;
		cr_assert_str_eq(entry.err.text, "File name too long");
	}
	/* "top" and 40 levels are 4043 bytes: "/a" fits there, and another level does not */
	cr_assert_eq(files, 2 * 41);
	cr_assert_eq(errors, 1);
	ccp_walk_free(walk);
}

Test(walk, unreadable_directory)
{
	make_tree();
	struct ccp_walk_options options = { NAMES((char *)"d"), .recursive = true };

	cr_assert_eq(chmod("d/b", 0), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	cr_assert_str_eq(walk_all(&options), "d/a d/b! d/b.txt d/c d/link@");
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chmod("d/b", 0755), 0);
}

Test(walk, is_ready_only_for_whole_names)
{
	struct ccp_walk_options options = { .files_from = "-" };
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;
	int list = help_pipe_to_stdin();

	help_put("f", 1);
	cr_assert_eq(ccp_walk_new(&walk, &options, &err), 0);
	cr_assert_not(ccp_walk_ready(walk));
	cr_assert_eq(write(list, "f", 1), 1);
	cr_assert_not(ccp_walk_ready(walk));
	cr_assert_eq(write(list, "\nf\nf", 4), 4);
	for (int i = 0; i < 2; i++) {
		cr_assert(ccp_walk_ready(walk));
		cr_assert_eq(ccp_walk_next(walk, &entry), 1);
		cr_assert_str_eq(entry.path, "f");
		cr_assert_eq(entry.err.code, CCP_OK);
	}
	cr_assert_not(ccp_walk_ready(walk));
	close(list);
	cr_assert(ccp_walk_ready(walk));
	cr_assert_eq(ccp_walk_next(walk, &entry), 1);
	cr_assert_eq(ccp_walk_next(walk, &entry), 0);
	cr_assert(ccp_walk_ready(walk));
	ccp_walk_free(walk);
}

Test(walk, cancel_ends_the_wait_for_a_list, .timeout = 5)
{
	struct ccp_walk_options options = { .files_from = "-" };
	struct ccp_walk *walk;
	struct ccp_walk_entry entry;
	struct ccp_err err;
	int list = help_pipe_to_stdin();
	int cancel = eventfd(1, EFD_CLOEXEC);

	cr_assert_eq(write(list, "f", 1), 1);
	cr_assert_eq(ccp_walk_new(&walk, &options, &err), 0);
	ccp_walk_set_cancel_fd(walk, cancel);
	cr_assert_eq(ccp_walk_next(walk, &entry), 0);
	ccp_walk_free(walk);
}
