/* test_library.c: a library that is loaded, its calls in a struct, and what is not there. */
#include <criterion/criterion.h>
#include <dlfcn.h>

#include "pipeline/library.h"

struct calls {
	const char *(*version)(void);
	unsigned long (*crc)(unsigned long, const unsigned char *, unsigned);
};

Test(library, calls_are_found_in_the_first_that_is_there)
{
	static const char *const names[] = { "libnone-of-this-name.so.1", "libz.so.1", NULL };
	static const struct ccp_library_call list[] = {
		{ "zlibVersion", offsetof(struct calls, version) },
		{ "crc32", offsetof(struct calls, crc) },
	};
	struct calls calls = { 0 };
	void *library = ccp_library_open(names);

	cr_assert_not_null(library, "%s", dlerror());
	cr_assert_null(ccp_library_find(library, list, 2, &calls));
	cr_assert_eq(calls.version()[0], '1');
	cr_assert_eq(calls.crc(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
}

Test(library, the_call_that_is_missing_is_named)
{
	static const char *const names[] = { "libz.so.1", NULL };
	static const struct ccp_library_call list[] = {
		{ "zlibVersion", offsetof(struct calls, version) },
		{ "crc33", offsetof(struct calls, crc) },
	};
	struct calls calls = { 0 };
	void *library = ccp_library_open(names);

	cr_assert_not_null(library, "%s", dlerror());
	cr_assert_str_eq(ccp_library_find(library, list, 2, &calls), "crc33");
	cr_assert_null(calls.crc);
}

Test(library, there_may_be_none)
{
	static const char *const names[] = { "libnone-of-this-name.so.1", NULL };

	cr_assert_null(ccp_library_open(names));
	cr_assert_not_null(dlerror());
}
