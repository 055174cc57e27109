/*
 * test_sink_names.c: names of targets. The table was made by trying GNU gzip 1.12 (CI has other versions, so it is not
 * asked again here).
 */
#include "tests/unit/sink_help.h"

TestSuite(sink_names, .init = help_begin, .fini = help_end);

struct rule {
	const char *suffix, *input, *target; /* target NULL: refused with `code` */
	enum ccp_code code;
};

static void check_rules(enum ccp_naming naming, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct ccp_sink_options options = { .naming = naming, .suffix = rules[i].suffix };
		struct ccp_input *input = help_input(rules[i].input);
		char target[PATH_MAX] = "";
		struct ccp_err err;

		ccp_err_clear(&err);
		int result = ccp_target_name(&options, input, target, &err);
		if (rules[i].target != NULL)
			cr_expect(result == 0 && strcmp(target, rules[i].target) == 0, "%s -S %s: %s, not %s: %s",
				  rules[i].input, rules[i].suffix, target, rules[i].target, err.text);
		else
			cr_expect(result == -1 && err.code == rules[i].code, "%s -S %s: %s %s", rules[i].input,
				  rules[i].suffix, target, err.text);
	}
}

#define CHECK_RULES(naming, rules) check_rules(naming, rules, sizeof rules / sizeof rules[0])

Test(sink_names, add_suffix_follows_gzip)
{
	static const struct rule rules[] = {
		{ ".gz", "a", "a.gz", 0 }, { NULL, "a", "a.gz", 0 }, { ".gz", "d/e.f/a", "d/e.f/a.gz", 0 },
		{ ".gz", "/a", "/a.gz", 0 }, { ".gz", "a.tar", "a.tar.gz", 0 }, { ".gz", "a.zip", "a.zip.gz", 0 },
		{ ".gz", "a.gz.b", "a.gz.b.gz", 0 }, { ".gz", "a.gz/b", "a.gz/b.gz", 0 },
		/* nothing before the suffix: it is none */
		{ ".gz", ".gz", ".gz.gz", 0 }, { ".gz", "d/.tgz", "d/.tgz.gz", 0 }, { ".gz", "-gz", "-gz.gz", 0 },
		{ ".gz", "gz", "gz.gz", 0 }, { ".gz", "d/_z", "d/_z.gz", 0 },
		{ ".gz", "a.gz", NULL, CCP_W_HAS_SUFFIX }, { ".gz", "a.GZ", NULL, CCP_W_HAS_SUFFIX },
		{ ".gz", "a.tgz", NULL, CCP_W_HAS_SUFFIX }, { ".gz", "a.taz", NULL, CCP_W_HAS_SUFFIX },
		{ ".gz", "a.z", NULL, CCP_W_HAS_SUFFIX }, { ".gz", "a.Z", NULL, CCP_W_HAS_SUFFIX },
		{ ".gz", "a-gz", NULL, CCP_W_HAS_SUFFIX }, { ".gz", "a-z", NULL, CCP_W_HAS_SUFFIX },
		{ ".gz", "a_z", NULL, CCP_W_HAS_SUFFIX }, { ".gz", "d/a.TaZ", NULL, CCP_W_HAS_SUFFIX },
		{ ".foo", "a", "a.foo", 0 }, { ".foo", "a.gz", NULL, CCP_W_HAS_SUFFIX },
		{ ".foo", "a.FOO", NULL, CCP_W_HAS_SUFFIX }, { ".FOO", "a.foo", NULL, CCP_W_HAS_SUFFIX },
		{ ".tGZ", "a", "a.tGZ", 0 }, { "gz", "a", "agz", 0 }, { "gz", "agz", NULL, CCP_W_HAS_SUFFIX },
		{ "", "a", NULL, CCP_E_NAME }, { "x/y", "a", NULL, CCP_E_NAME },
		{ ".gz", "-", NULL, CCP_E_NAME }, { ".gz", "d/", NULL, CCP_E_NAME },
		{ ".gz", "d/..", NULL, CCP_E_NAME },
	};

	CHECK_RULES(CCP_NAME_ADD_SUFFIX, rules);
}

Test(sink_names, strip_suffix_follows_gzip)
{
	static const struct rule rules[] = {
		{ ".gz", "a.gz", "a", 0 }, { ".gz", "a.GZ", "a", 0 }, { ".gz", "d.gz/a.Gz", "d.gz/a", 0 },
		{ NULL, "a.gz", "a", 0 },
		{ ".gz", "a.tgz", "a.tar", 0 }, { ".gz", "a.TGZ", "a.tar", 0 }, { ".gz", "a.taz", "a.tar", 0 },
		{ ".gz", "a.z", "a", 0 }, { ".gz", "a.Z", "a", 0 }, { ".gz", "a-gz", "a", 0 },
		{ ".gz", "a_z", "a", 0 }, { ".gz", "a-z", "a", 0 }, { ".gz", "a-Z", "a", 0 },
		{ ".gz", "d.gz.gz", "d.gz", 0 }, { ".gz", "x.tar.Z", "x.tar", 0 },
		{ ".gz", "a.tar", NULL, CCP_W_NO_SUFFIX }, { ".gz", ".gz", NULL, CCP_W_NO_SUFFIX },
		{ ".gz", "d/.tgz", NULL, CCP_W_NO_SUFFIX }, { ".gz", "gz", NULL, CCP_W_NO_SUFFIX },
		{ ".gz", "-gz", NULL, CCP_W_NO_SUFFIX }, { ".gz", "a", NULL, CCP_W_NO_SUFFIX },
		/* the user's suffix first, but last if it is the tail of a known one */
		{ ".zip", "a.ZIP", "a", 0 }, { ".ZIP", "a.zip", "a", 0 }, { ".zip", "a.gz", "a", 0 },
		{ ".zip", "a.foo", NULL, CCP_W_NO_SUFFIX }, { "x", "a.gzx", "a.gz", 0 }, { "x", "ax", "a", 0 },
		{ "x", "x", NULL, CCP_W_NO_SUFFIX }, { "z", "a.z", "a", 0 }, { "z", "az", "a", 0 },
		{ "gz", "a.gz", "a", 0 }, { "gz", "agz", "a", 0 }, { "tgz", "a.tgz", "a.tar", 0 },
		{ "gz", "a.tgz", "a.tar", 0 }, { ".TGZ", "a.TGZ", "a.tar", 0 }, { "oz", "a.fooz", "a.fo", 0 },
		{ "b.z", "a.b.z", "a.", 0 }, { "b-gz", "ab-gz", "a", 0 }, { "a.gz", "a.gz", "a", 0 },
		{ "a.gz", "ba.gz", "b", 0 },
		/* regression: null-suffix-clobber */
		{ "", "a.gz", NULL, CCP_E_NAME }, { "", "a", NULL, CCP_E_NAME }, { "", "a.foo", NULL, CCP_E_NAME },
		/* what is left must be a name */
		{ ".gz", "..gz", NULL, CCP_E_NAME }, { ".gz", "d/...gz", NULL, CCP_E_NAME },
		{ ".gz", "-", NULL, CCP_E_NAME },
	};

	CHECK_RULES(CCP_NAME_STRIP_SUFFIX, rules);
}

Test(sink_names, texts_are_those_of_gzip)
{
	struct ccp_sink_options options = { .suffix = ".gz" };
	char target[PATH_MAX];
	struct ccp_err err;

	cr_assert_eq(ccp_target_name(&options, help_input("d/a.TGZ"), target, &err), -1);
	cr_assert_str_eq(err.text, "already has .TGZ suffix");
	options.naming = CCP_NAME_STRIP_SUFFIX;
	cr_assert_eq(ccp_target_name(&options, help_input("d/a"), target, &err), -1);
	cr_assert_str_eq(err.text, "unknown suffix");
}

Test(sink_names, force_suffix_adds_another)
{
	struct ccp_sink_options options = { .suffix = ".gz", .force_suffix = true };
	char target[PATH_MAX];
	struct ccp_err err;

	cr_assert_eq(ccp_target_name(&options, help_input("a.tgz"), target, &err), 0);
	cr_assert_str_eq(target, "a.tgz.gz");
}

Test(sink_names, output_dir_mirrors_paths)
{
	static const struct rule rules[] = { /* the suffix is the output directory */
		{ "out", "a", "out/a.gz", 0 }, { "out/", "a", "out/a.gz", 0 }, { "/", "a", "/a.gz", 0 },
		{ "out", "/x/a", "out/x/a.gz", 0 }, { "out", "./x/./y//a", "out/x/y/a.gz", 0 },
		{ "out", "//a", "out/a.gz", 0 }, { "../out", "x/a", "../out/x/a.gz", 0 },
		{ "out", "x/..y/a", "out/x/..y/a.gz", 0 }, { "out", "x/.../a", "out/x/.../a.gz", 0 },
		{ "out", "../a", NULL, CCP_E_NAME }, { "out", "x/../a", NULL, CCP_E_NAME },
		{ "out", "/../a", NULL, CCP_E_NAME }, { "out", "x/..", NULL, CCP_E_NAME },
		{ "", "a", NULL, CCP_E_NAME },
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct ccp_sink_options options = { .suffix = ".gz", .output_dir = rules[i].suffix };
		char target[PATH_MAX] = "";
		struct ccp_err err;
		int result = ccp_target_name(&options, help_input(rules[i].input), target, &err);

		if (rules[i].target != NULL)
			cr_expect(result == 0 && strcmp(target, rules[i].target) == 0, "%s: %s", rules[i].input,
				  target);
		else
			cr_expect(result == -1 && err.code == rules[i].code, "%s: %s", rules[i].input, target);
	}
}

Test(sink_names, restored_name_is_a_base_name)
{
	static const struct {
		const char *found, *target;
	} rules[] = {
		{ "", "d/a" }, { "b", "d/b" }, { "/etc/passwd", "d/passwd" }, { "../../b", "d/b" }, { ".", "d/a" },
		{ "..", "d/a" }, { "x/..", "d/a" }, { "x/", "d/a" }, { "b c\n", "d/b c\n" },
	};
	struct ccp_sink_options options = { .naming = CCP_NAME_STRIP_SUFFIX, .suffix = ".gz", .restore_name = true };
	struct ccp_input *input = help_input("d/a.gz");
	char target[PATH_MAX];
	struct ccp_err err;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		strcpy(input->found.name, rules[i].found);
		cr_expect(ccp_target_name(&options, input, target, &err) == 0 && strcmp(target, rules[i].target) == 0,
			  "'%s': %s", rules[i].found, target);
	}
	strcpy(input->found.name, "a.gz");
	cr_expect(ccp_target_name(&options, input, target, &err) == -1 && err.code == CCP_E_NAME, "the source itself");
	/* as in gzip, a suffix is needed all the same */
	strcpy(input->path, "d/a");
	cr_expect(ccp_target_name(&options, input, target, &err) == -1 && err.code == CCP_W_NO_SUFFIX);
}

Test(sink_names, a_long_name_is_never_shortened)
{
	struct ccp_sink_options options = help_options();
	char name[NAME_MAX + 1] = "", target[PATH_MAX];
	struct ccp_err err;

	memset(name, 'n', NAME_MAX - 3);
	help_write(name, "long");
	cr_assert_eq(help_run(&options, help_input(name), "x", &err), 0, "%s", err.text);
	snprintf(target, sizeof target, "%s.gz", name);
	cr_assert(help_holds(target, "x"), "255 bytes are allowed, though the temporary's plain name would not fit");

	name[NAME_MAX - 3] = 'n';
	help_write(name, "longer");
	cr_assert_eq(ccp_target_name(&options, help_input(name), (char[PATH_MAX]){ 0 }, &err), -1);
	cr_assert_eq(err.code, CCP_E_NAME);
	cr_assert_not(help_exists(target) && help_stat(target).st_size != 1);
}

Test(sink_names, temporary_of_a_long_name_is_hashed)
{
	char target[PATH_MAX] = "d/", path[PATH_MAX];

	memset(target + 2, 'n', NAME_MAX - 12);
	cr_assert_eq(ccp_temp_path(target, false, path), 0);
	cr_assert_eq(strlen(path), 2 + NAME_MAX);
	cr_assert_eq(strncmp(path, "d/.nnn", 6), 0);
	target[2 + NAME_MAX - 12] = 'n';
	cr_assert_eq(ccp_temp_path(target, false, path), 0);
	cr_assert_eq(strlen(path), strlen("d/.0123456789abcdef.ccpipe-tmp"));
	cr_assert_eq(strncmp(path, "d/.", 3), 0);
}

Test(sink_names, a_path_that_is_too_long_is_refused)
{
	struct ccp_sink_options options = { .suffix = ".gz", .output_dir = "out" };
	struct ccp_input *input = help_input("a");
	char target[PATH_MAX];
	struct ccp_err err;

	for (int i = 0; i < PATH_MAX - 2; i += 2)
		memcpy(input->path + i, "d/", 2);
	input->path[PATH_MAX - 2] = 'a';
	input->path[PATH_MAX - 1] = '\0';
	cr_assert_eq(ccp_target_name(&options, input, target, &err), -1);
	cr_assert_eq(err.code, CCP_E_NAME);
	options.output_dir = NULL;
	cr_assert_eq(ccp_target_name(&options, input, target, &err), -1);
	cr_assert_eq(err.code, CCP_E_NAME);
}
