/* test_sink_source.c: when the file sink removes a source, and what must be durable before. */
#include "tests/unit/sink_help.h"

TestSuite(sink_source, .init = help_begin, .fini = help_end);

Test(sink_source, removes_the_source_if_asked)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.remove_source = true;
	help_write("a", "plain");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);
	cr_assert_str_eq(help_list(), "a.gz ");
}

Test(sink_source, a_source_that_was_replaced_is_not_removed)
{
	struct ccp_sink_options options = help_options();
	struct ccp_input *input;
	struct ccp_err err;

	options.remove_source = true;
	help_write("a", "plain");
	input = help_input("a");
	help_write("b", "other");
	cr_assert_eq(rename("b", "a"), 0);
	cr_assert_eq(help_run(&options, input, "packed", &err), 0);
	cr_assert_eq(err.code, CCP_W_CHANGED);
	cr_assert_str_eq(err.text, "another file has taken the source's name; it was kept");
	cr_assert(help_holds("a", "other") && help_holds("a.gz", "packed"));
}

Test(sink_source, a_source_that_changed_is_kept)
{
	const struct timespec later[2] = { { 0, UTIME_OMIT }, { 1500000000, 1 } };
	struct ccp_sink_options options = help_options();
	struct ccp_input *input;
	struct ccp_err err;

	options.remove_source = true;
	help_write("a", "plain");
	input = help_input("a");
	cr_assert_eq(utimensat(AT_FDCWD, "a", later, 0), 0);
	cr_assert_eq(help_run(&options, input, "packed", &err), 0);
	cr_assert_eq(err.code, CCP_W_CHANGED);
	cr_assert(help_exists("a"));

	help_write("b", "plain");
	input = help_input("b");
	input->meta.st_size--; /* it grew, within the clock's tick */
	cr_assert_eq(help_run(&options, input, "packed", &err), 0);
	cr_assert_eq(err.code, CCP_W_CHANGED);
	cr_assert(help_exists("b"));
}

Test(sink_source, a_followed_link_goes_and_its_file_stays)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.remove_source = options.force = true;
	help_write("real", "plain");
	cr_assert_eq(symlink("real", "a"), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);
	cr_assert_str_eq(help_list(), "a.gz real ");
}

Test(sink_source, an_unsynced_file_is_not_committed)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_refuse(SYS_fsync, EIO);
	help_write("a", "plain");
	/* AUTO: no source goes, so nothing is synced */
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	options.remove_source = options.force = true;
	cr_assert_eq(help_run(&options, help_input("a"), "again", &err), -1);
	cr_assert(err.code == CCP_E_SYS && err.sys == EIO);
	cr_assert(help_holds("a.gz", "packed") && help_holds("a", "plain"));
	options.fsync = CCP_FSYNC_NEVER;
	cr_assert_eq(help_run(&options, help_input("a"), "again", &err), 0, "%s", err.text);
	cr_assert_str_eq(help_list(), "a.gz ");
}

/* Returns 0 if the commit came out as it should with a syncfs that answers *(unsigned *)arg, or works if that is 0. */
static int sync_as_nobody(void *arg)
{
	struct ccp_sink_options options = help_options();
	unsigned error = *(unsigned *)arg;
	struct ccp_err err;

	if (error != 0)
		help_refuse(SYS_syncfs, error);
	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		return 77;
	options.remove_source = true;
	int result = help_run(&options, help_input("d/a"), "packed", &err);
	return error != 0 ? result == 0 || err.sys != (int)error : result != 0 || err.code != CCP_OK;
}

Test(sink_source, a_folder_that_cannot_be_read_is_synced_all_the_same)
{
	unsigned error = EIO;

	cr_assert_eq(chmod(".", 0755), 0);
	cr_assert_eq(mkdir("d", 0755), 0);
	help_write("d/a", "plain");
	if (geteuid() == 0)
		cr_assert_eq(chown("d", 65534, 65534) | chown("d/a", 65534, 65534), 0);
	cr_assert_eq(chmod("d", 0300), 0);
	int status = help_fork(sync_as_nobody, &error);
	cr_assert_eq(chmod("d", 0700), 0);
	if (status == 77)
		help_skip("cannot become another user");
	cr_assert_eq(status, 0);
	cr_assert(!help_exists("d/a.gz") && help_holds("d/a", "plain"), "a name that may not last is taken back");

	error = 0;
	cr_assert_eq(chmod("d", 0300), 0);
	cr_assert_eq(help_fork(sync_as_nobody, &error), 0);
	cr_assert_eq(chmod("d", 0700), 0);
	cr_assert(help_holds("d/a.gz", "packed") && !help_exists("d/a"));
}
