/*
 * test_replace.c: a file is written whole or stays as it was; links, FIFOs and long names.
 */
#include "pipeline/replace.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void set_up(void)
{
	strcpy(folder, "/tmp/ccpipe-test.XXXXXX");
	cr_assert(mkdtemp(folder) && chdir(folder) == 0);
	umask(027);
}

static void tear_down(void)
{
	char command[100];

	cr_assert(chdir("/tmp") == 0);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	cr_expect_eq(system(command), 0);
}

static unsigned count_names(void)
{
	DIR *dir = opendir(".");
	unsigned count = 0;

	cr_assert(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static int put(const char *path, const char *text)
{
	return ccp_replace(path, text, strlen(text));
}

static void expect_content(const char *path, const char *text)
{
	char got[100] = "";
	FILE *file = fopen(path, "r");

	cr_assert(file, "%s", path);
	cr_expect_eq(fread(got, 1, sizeof got - 1, file), strlen(text));
	cr_expect_str_eq(got, text);
	fclose(file);
}

TestSuite(replace, .init = set_up, .fini = tear_down, .timeout = 20);

Test(replace, a_new_file_has_the_rights_of_the_umask)
{
	struct stat st;

	cr_expect_eq(put("new", "one"), 0);
	expect_content("new", "one");
	cr_expect(stat("new", &st) == 0 && (st.st_mode & 07777) == 0640, "%o", st.st_mode);
	cr_expect_eq(count_names(), 1);
}

Test(replace, a_failure_leaves_what_was_there)
{
	cr_expect_eq(put("file", "one"), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 2, RLIM_INFINITY }) == 0);
	cr_expect_eq(put("file", "two"), EFBIG);
	expect_content("file", "one");
	cr_expect_eq(put("missing/file", "two"), ENOENT);
	cr_expect_eq(count_names(), 1);
}

Test(replace, a_disk_that_is_full)
{
	cr_expect_eq(put("/dev/full", "one"), ENOSPC);
}

/* Readers that have the old file open keep it. */
Test(replace, the_old_file_is_not_written_into)
{
	char got[4] = "";
	int fd;

	cr_expect_eq(put("file", "one"), 0);
	fd = open("file", O_RDONLY);
	cr_expect_eq(put("file", "two"), 0);
	cr_expect_eq(read(fd, got, 3), 3);
	cr_expect_str_eq(got, "one");
	expect_content("file", "two");
	close(fd);
}

Test(replace, links_stay)
{
	struct stat st;

	cr_assert(mkdir("d", 0777) == 0 && symlink("d/file", "link") == 0);
	cr_expect_eq(put("link", "one"), 0, "what it leads to is not there yet");
	expect_content("d/file", "one");
	cr_expect_eq(put("link", "two"), 0);
	expect_content("d/file", "two");
	cr_expect(lstat("link", &st) == 0 && S_ISLNK(st.st_mode));
	cr_assert(symlink("loop", "loop") == 0);
	cr_expect_eq(put("loop", "one"), ELOOP);
	cr_expect_eq(count_names(), 3);
}

Test(replace, a_fifo_is_written_into)
{
	struct stat st;
	char got[4] = "";
	int fd;

	cr_assert(mkfifo("fifo", 0666) == 0);
	fd = open("fifo", O_RDWR);
	cr_expect_eq(put("fifo", "one"), 0);
	cr_expect_eq(read(fd, got, 3), 3);
	cr_expect_str_eq(got, "one");
	cr_expect(lstat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	close(fd);
}

Test(replace, a_name_as_long_as_can_be)
{
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof name);
	name[NAME_MAX] = '\0';
	cr_expect_eq(put(name, "one"), 0);
	expect_content(name, "one");
	name[NAME_MAX] = 'n', name[NAME_MAX + 1] = '\0';
	cr_expect_eq(put(name, "one"), ENAMETOOLONG);
	cr_expect_eq(count_names(), 1);
}
