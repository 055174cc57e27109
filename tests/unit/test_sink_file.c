/* test_sink_file.c: the file sink: what it writes, keeps, replaces and removes. */
#include "tests/unit/sink_help.h"

TestSuite(sink_file, .init = help_begin, .fini = help_end);

Test(sink_file, writes_beside_the_source_and_keeps_it)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_write("a", "plain");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);
	cr_assert(help_holds("a.gz", "packed") && help_holds("a", "plain"));
	cr_assert_str_eq(help_list(), "a a.gz ");
}

Test(sink_file, metadata_is_kept_to_the_nanosecond)
{
	const struct timespec times[2] = { { 1111111111, 222222222 }, { 1333333333, 444444444 } };
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_write("a", "plain");
	cr_assert_eq(chmod("a", 06751), 0);
	cr_assert_eq(utimensat(AT_FDCWD, "a", times, 0), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);

	struct stat st = help_stat("a.gz");
	cr_assert_eq(st.st_mode & 07777, 0751, "set-id bits are dropped");
	cr_assert(st.st_mtim.tv_sec == 1333333333 && st.st_mtim.tv_nsec == 444444444);
	cr_assert(st.st_atim.tv_sec == 1111111111 && st.st_atim.tv_nsec == 222222222);
}

Test(sink_file, without_metadata_the_umask_decides)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.keep_metadata = false;
	umask(027);
	help_write("a", "plain");
	cr_assert_eq(chmod("a", 0777), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0640);
}

Test(sink_file, owner_is_kept_by_root)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_write("a", "plain");
	if (chown("a", 1234, 5678) != 0)
		help_skip("only root may give files away");
	cr_assert_eq(chmod("a", 0640), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);

	struct stat st = help_stat("a.gz");
	cr_assert(st.st_uid == 1234 && st.st_gid == 5678 && (st.st_mode & 07777) == 0640);
}

static int run_as_nobody(void *arg)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	(void)arg;
	if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
		return 77;
	return help_run(&options, help_input("d/a"), "packed", &err) == 0 && err.code == CCP_OK ? 0 : 1;
}

Test(sink_file, a_group_that_cannot_be_kept_costs_its_permissions)
{
	if (geteuid() != 0)
		help_skip("needs a file of another's group: root only");
	cr_assert_eq(chmod(".", 0755), 0);
	cr_assert_eq(mkdir("d", 0777), 0);
	help_write("d/a", "plain");
	cr_assert_eq(chown("d", 65534, 65534) | chown("d/a", 65534, 0) | chmod("d/a", 0674), 0);
	int status = help_fork(run_as_nobody, NULL);
	if (status == 77)
		help_skip("cannot become another user");
	cr_assert_eq(status, 0);
	/* what group 0 could do is not handed to group 65534; what both could do stays */
	cr_assert_eq(help_stat("d/a.gz").st_mode & 07777, 0644);
}

Test(sink_file, is_private_while_it_is_written)
{
	struct ccp_sink_options options = help_options();
	struct help_sink s = help_create(&ccp_sink_file, &options);
	struct ccp_input *input;

	umask(0);
	help_write("a", "plain");
	cr_assert_eq(chmod("a", 0666), 0);
	input = help_input("a");
	cr_assert_eq(help_open(&s, input), 0, "%s", s.err.text);
	cr_assert_eq(help_put(&s, input, "pack"), 0);
	cr_assert_eq(help_stat(".a.gz.ccpipe-tmp").st_mode & 07777, 0600);
	cr_assert_not(help_exists("a.gz"));
	cr_assert_eq(help_commit(&s, input), 0);
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0666);
	help_destroy(&s, false);
}

Test(sink_file, abort_leaves_nothing)
{
	struct ccp_sink_options options = help_options();
	struct help_sink s;
	struct ccp_input *input;

	options.remove_source = options.force = true;
	s = help_create(&ccp_sink_file, &options);
	help_write("a", "plain");
	help_write("a.gz", "old");
	input = help_input("a");
	cr_assert_eq(help_open(&s, input), 0);
	cr_assert_eq(help_put(&s, input, "pack"), 0);
	ccp_sink_file.abort(s.sink, input);
	help_destroy(&s, true);
	cr_assert_str_eq(help_list(), "a a.gz ");
	cr_assert(help_holds("a.gz", "old"));
}

Test(sink_file, an_existing_target_is_kept)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.remove_source = true;
	help_write("a", "plain");
	help_write("a.gz", "old");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_W_EXISTS);
	cr_assert_str_eq(err.text, "a.gz already exists; not overwritten");
	cr_assert(help_holds("a.gz", "old") && help_holds("a", "plain"));
	/* a link that leads nowhere is in the way as well */
	cr_assert_eq(unlink("a.gz") | symlink("nowhere", "a.gz"), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_W_EXISTS);
}

static void target_appears(const char *target)
{
	struct ccp_sink_options options = help_options();
	struct help_sink s;
	struct ccp_input *input;

	options.remove_source = true;
	s = help_create(&ccp_sink_file, &options);
	help_write("a", "plain");
	input = help_input("a");
	cr_assert_eq(help_open(&s, input), 0);
	cr_assert_eq(help_put(&s, input, "packed"), 0);
	help_write(target, "theirs");
	cr_assert_eq(help_commit(&s, input), -1);
	cr_assert_eq(s.err.code, CCP_W_EXISTS);
	help_destroy(&s, false);
	cr_assert_str_eq(help_list(), "a a.gz ");
	cr_assert(help_holds("a.gz", "theirs") && help_holds("a", "plain"));
}

Test(sink_file, a_target_that_appears_meanwhile_is_kept)
{
	target_appears("a.gz");
}

Test(sink_file, a_target_that_appears_meanwhile_is_kept_without_renameat2)
{
	help_refuse(SYS_renameat2, EINVAL);
	target_appears("a.gz");
}

Test(sink_file, a_target_that_appears_meanwhile_is_kept_without_links)
{
	help_refuse(SYS_renameat2, EINVAL);
	help_refuse(SYS_linkat, EPERM);
	target_appears("a.gz");
}

Test(sink_file, commits_without_renameat2)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.remove_source = true;
	help_refuse(SYS_renameat2, ENOSYS);
	help_write("a", "plain");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert_str_eq(help_list(), "a.gz ");
	help_refuse(SYS_linkat, EPERM);
	help_write("a", "plain");
	help_write("b", "plain");
	cr_assert_eq(help_run(&options, help_input("b"), "packed", &err), 0, "%s", err.text);
	cr_assert_str_eq(help_list(), "a a.gz b.gz ");
}

Test(sink_file, force_replaces_in_one_step)
{
	struct ccp_sink_options options = help_options();
	struct help_sink s;
	struct ccp_input *input;

	options.force = true;
	s = help_create(&ccp_sink_file, &options);
	help_write("a", "plain");
	help_write("a.gz", "old");
	input = help_input("a");
	cr_assert_eq(ccp_sink_file.check(&options, input, &s.err), 0);
	cr_assert_eq(help_open(&s, input), 0);
	cr_assert_eq(help_put(&s, input, "packed"), 0);
	cr_assert(help_holds("a.gz", "old"), "the old one stays until the end");
	int old = open("a.gz", O_RDONLY);
	cr_assert_eq(help_commit(&s, input), 0);
	cr_assert(help_holds("a.gz", "packed"));
	char text[4] = "";
	cr_assert(read(old, text, 3) == 3 && strcmp(text, "old") == 0, "the old file itself was not written to");
	close(old);
	help_destroy(&s, false);
}

Test(sink_file, force_does_not_follow_a_link_at_the_target)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.force = true;
	help_write("a", "plain");
	help_write("victim", "precious");
	cr_assert_eq(symlink("victim", "a.gz"), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert(help_holds("victim", "precious") && help_holds("a.gz", "packed"));
	cr_assert(S_ISREG(help_stat("a.gz").st_mode));
}

Test(sink_file, a_link_at_the_temporary_is_not_followed)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_write("a", "plain");
	help_write("victim", "precious");
	cr_assert_eq(symlink("victim", ".a.gz.ccpipe-tmp"), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert(help_holds("victim", "precious") && !help_exists("a.gz"));
}

Test(sink_file, a_directory_is_no_target)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	help_write("a", "plain");
	cr_assert_eq(mkdir("a.gz", 0755), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	options.force = true;
	cr_assert_eq(ccp_sink_file.check(&options, help_input("a"), &err), -1);
	cr_assert(err.code == CCP_E_SYS && err.sys == EISDIR);
	cr_assert_str_eq(help_list(), "a a.gz ");
}

Test(sink_file, the_source_is_never_the_target)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	options.force = options.remove_source = options.force_suffix = true;
	options.suffix = "";
	help_write("a", "plain");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	options.naming = CCP_NAME_STRIP_SUFFIX;
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	/* the same file under another name */
	options = help_options();
	options.force = true;
	cr_assert_eq(link("a", "a.gz"), 0);
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert(help_holds("a", "plain") && help_holds("a.gz", "plain"));
}

Test(sink_file, output_dir_makes_folders)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;
	char path[PATH_MAX];

	options.output_dir = "out/put";
	options.fsync = CCP_FSYNC_ALWAYS;
	cr_assert_eq(mkdir("x", 0755) | mkdir("x/y", 0755), 0);
	help_write("x/y/a", "plain");
	cr_assert_eq(help_run(&options, help_input("./x//y/a"), "packed", &err), 0, "%s", err.text);
	cr_assert(help_holds("out/put/x/y/a.gz", "packed"));
	snprintf(path, sizeof path, "%s/x/y/a", help_folder);
	cr_assert_eq(help_run(&options, help_input(path), "packed", &err), 0, "%s", err.text);
	snprintf(path, sizeof path, "out/put%s/x/y/a.gz", help_folder);
	cr_assert(help_holds(path, "packed"));
	cr_assert_eq(help_run(&options, help_input("x/../x/y/a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_E_NAME);
	/* a file where a folder should be */
	help_write("out/put/z", "in the way");
	cr_assert_eq(mkdir("z", 0755), 0);
	help_write("z/a", "plain");
	cr_assert_eq(help_run(&options, help_input("z/a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_E_SYS);
}

Test(sink_file, restored_name_and_time)
{
	struct ccp_sink_options options = help_options();
	struct ccp_input *input;
	struct ccp_err err;

	options.naming = CCP_NAME_STRIP_SUFFIX;
	options.restore_name = true;
	help_write("x.gz", "packed");
	help_write("x", "not in the way");
	input = help_input("x.gz");
	cr_assert_eq(ccp_sink_file.check(&options, input, &err), 0, "the name is not known yet");
	strcpy(input->found.name, "orig");
	input->found.mtime = (struct timespec){ 1234567890, 0 };
	input->found.has_mtime = true;
	cr_assert_eq(help_run(&options, input, "plain", &err), 0, "%s", err.text);
	cr_assert(help_holds("orig", "plain") && help_stat("orig").st_mtim.tv_sec == 1234567890);
	cr_assert_eq(help_run(&options, input, "plain", &err), -1);
	cr_assert_eq(err.code, CCP_W_EXISTS);
	/* the name of the source itself */
	strcpy(input->found.name, "x.gz");
	options.force = true;
	cr_assert_eq(help_run(&options, input, "plain", &err), -1);
	cr_assert(help_holds("x.gz", "packed"));
	cr_assert_eq(link("x.gz", "y"), 0);
	strcpy(input->found.name, "y");
	cr_assert_eq(help_run(&options, input, "plain", &err), -1);
	cr_assert(help_holds("x.gz", "packed") && help_holds("y", "packed"));
}

Test(sink_file, standard_input_has_no_target)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	cr_assert_eq(help_run(&options, help_input("-"), "x", &err), -1);
	cr_assert_eq(err.code, CCP_E_NAME);
}
