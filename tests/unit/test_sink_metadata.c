/* test_sink_metadata.c: extended attributes and ACLs; owner, mode and times are in test_sink_file.c. */
#include <sys/xattr.h>

#include "tests/unit/sink_help.h"

TestSuite(sink_metadata, .init = help_begin, .fini = help_end);

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

/* An ACL as the kernel takes it (linux/posix_acl_xattr.h): user 1234 may `named`, the group `group`, the mask is 7. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entry[5];
};

static struct acl make_acl(uint16_t named, uint16_t group)
{
	return (struct acl){ .version = 2, .entry = {
		{ 0x01, 6, UINT32_MAX }, { 0x02, named, 1234 }, { 0x04, group, UINT32_MAX }, { 0x10, 7, UINT32_MAX },
		{ 0x20, 0, UINT32_MAX },
	} };
}

static void set(const char *path, const char *name, const void *value, size_t len)
{
	if (setxattr(path, name, value, len, 0) != 0)
		help_skip("%s: no %s here: %s", help_folder, name, strerror(errno));
}

static void pack(struct ccp_input *input)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;

	cr_assert_eq(help_run(&options, input, "packed", &err), 0, "%s", err.text);
	cr_assert_eq(err.code, CCP_OK, "%s", err.text);
}

Test(sink_metadata, user_attributes_are_copied)
{
	char value[64] = "";

	help_write("a", "plain");
	set("a", "user.origin", "here", 4);
	set("a", "user.empty", "", 0);
	cr_assert_eq(chmod("a", 0444), 0);
	pack(help_input("a"));
	cr_assert_eq(getxattr("a.gz", "user.origin", value, sizeof value), 4);
	cr_assert_str_eq(value, "here");
	cr_assert_eq(getxattr("a.gz", "user.empty", value, sizeof value), 0);
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0444);
}

Test(sink_metadata, attributes_are_not_looked_for_without_need)
{
	struct ccp_input *input;

	help_write("a", "plain");
	set("a", "user.origin", "here", 4);
	input = help_input("a");
	input->has_xattr = false;
	pack(input);
	cr_assert_eq(getxattr("a.gz", "user.origin", NULL, 0), -1);
}

Test(sink_metadata, capabilities_go_the_way_of_set_id_bits)
{
	/* VFS_CAP_REVISION_2, effective, CAP_NET_RAW */
	static const uint32_t capability[5] = { 0x02000001, 1u << 13, 0, 0, 0 };

	help_write("a", "plain");
	set("a", "security.capability", capability, sizeof capability);
	pack(help_input("a"));
	cr_assert_eq(getxattr("a.gz", "security.capability", NULL, 0), -1);
}

Test(sink_metadata, attributes_of_another_file_are_not_taken)
{
	struct ccp_sink_options options = help_options();
	struct ccp_input *input;
	struct ccp_err err;

	help_write("a", "plain");
	help_write("b", "other");
	set("b", "user.origin", "other", 5);
	cr_assert_eq(chmod("a", 0644), 0);
	input = help_input("a");
	cr_assert_eq(rename("b", "a"), 0);
	cr_assert_eq(help_run(&options, input, "packed", &err), 0);
	cr_assert_eq(err.code, CCP_W_METADATA);
	cr_assert_eq(getxattr("a.gz", "user.origin", NULL, 0), -1);
}

Test(sink_metadata, access_acl_is_copied)
{
	const struct acl acl = make_acl(4, 0);
	struct acl found;

	help_write("a", "plain");
	set("a", ACCESS, &acl, sizeof acl);
	pack(help_input("a"));
	cr_assert_eq(getxattr("a.gz", ACCESS, &found, sizeof found), (ssize_t)sizeof acl);
	cr_assert_eq(memcmp(&found, &acl, sizeof acl), 0);
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0670);
}

Test(sink_metadata, an_acl_that_cannot_be_kept_opens_nothing)
{
	const struct acl acl = make_acl(4, 0);

	/* the group bits of the mode are the mask, rwx, while the group itself may nothing */
	help_write("a", "plain");
	set("a", ACCESS, &acl, sizeof acl);
	help_refuse(SYS_fsetxattr, ENOTSUP);
	pack(help_input("a"));
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0600);
}

Test(sink_metadata, a_default_acl_of_the_folder_adds_nobody)
{
	const struct acl acl = make_acl(7, 7);

	help_write("a", "plain");
	cr_assert_eq(chmod("a", 0640), 0);
	set(".", DEFAULT, &acl, sizeof acl);
	pack(help_input("a"));
	cr_assert_eq(getxattr("a.gz", ACCESS, NULL, 0), -1);
	cr_assert_eq(help_stat("a.gz").st_mode & 07777, 0640);
}
