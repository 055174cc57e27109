/* test_nameless.c: a temporary file can be written and read, and nobody finds it. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/nameless.h"

static unsigned count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned count = 0;

	cr_assert_not_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

Test(nameless, holds_what_is_written_and_has_no_name)
{
	char folder[] = "/tmp/test_nameless-XXXXXX", back[4];
	struct stat st;
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	fd = ccp_nameless_open(folder);
	cr_assert(fd >= 0);
	cr_assert_eq(count_entries(folder), 0);
	cr_assert_eq(write(fd, "text", 4), 4);
	cr_assert_eq(pread(fd, back, sizeof back, 0), 4);
	cr_assert_arr_eq(back, "text", 4);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_nlink, 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	cr_assert_eq(rmdir(folder), 0);
}

Test(nameless, tells_why_there_is_none)
{
	char folder[] = "/tmp/test_nameless-XXXXXX";

	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(rmdir(folder), 0);
	cr_assert_eq(ccp_nameless_open(folder), -1);
	cr_assert_eq(errno, ENOENT);
}

Test(nameless, the_folder_is_that_of_the_environment)
{
	setenv("TMPDIR", "/somewhere", 1);
	cr_assert_str_eq(ccp_nameless_dir("/else"), "/somewhere");
	setenv("TMPDIR", "", 1);
	cr_assert_str_eq(ccp_nameless_dir("/else"), "/else");
	unsetenv("TMPDIR");
	cr_assert_str_eq(ccp_nameless_dir("/else"), "/else");
}
