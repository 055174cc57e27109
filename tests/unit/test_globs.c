/*
 * test_globs.c: patterns match base names or whole paths, however many slashes either of them has.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#include "pipeline/globs.h"

static bool matches(const char *glob, const char *path)
{
	const char *const globs[] = { "no such name", glob, NULL };

	return ccp_globs_match(globs, path);
}

Test(globs, the_base_name_or_the_path)
{
	cr_assert(matches("*.c", "d/x.c"));
	cr_assert(matches("x.c", "d/x.c"));
	cr_assert_not(matches("d", "d/x.c"));
	cr_assert(matches("d/x*", "d/x.c"));
	cr_assert(matches("d/*.c", "d/sub/x.c"));
	cr_assert_not(matches("sub/x.c", "d/sub/x.c"));
	cr_assert(matches("*", ".hidden"));
	cr_assert(matches("*", "d/.hidden"));
}

Test(globs, slashes_at_the_end_of_a_pattern)
{
	cr_assert(matches("build/", "build"));
	cr_assert(matches("build/", "d/build"));
	cr_assert(matches("build//", "d/build"));
	cr_assert(matches("d/build/", "d/build"));
	cr_assert_not(matches("build/", "d/build/x"));
	cr_assert_not(matches("build/", "d/rebuild"));
	cr_assert(matches("/", "/"));
	cr_assert(matches("//", "/"));
	cr_assert_not(matches("/", "d"));
}

Test(globs, doubled_slashes)
{
	cr_assert(matches("d/s", "d//s"));
	cr_assert(matches("d//s", "d/s"));
	cr_assert(matches("d//s", "d///s"));
	cr_assert(matches("/d/s", "//d/s"));
	cr_assert(matches("d", "d//"));
	cr_assert(matches("d", "e/d/"));
	cr_assert_not(matches("d/s", "d//t"));
}

/* What does not fit is compared as it stands. */
Test(globs, longer_than_any_path)
{
	char path[2 * PATH_MAX];

	memset(path, 'x', sizeof path);
	path[1] = path[2] = '/';
	path[sizeof path - 1] = '\0';
	cr_assert_not(matches("x/x*", path));
	path[PATH_MAX - 1] = '\0';
	cr_assert(matches("x/x*", path));
}
