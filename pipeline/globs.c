/*
 * globs.c: fnmatch(3), on the part of the path that the pattern is about. Leading periods are nothing special.
 */
#include "pipeline/globs.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

bool ccp_globs_match(const char *const *globs, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;

	for (; *globs != NULL; globs++)
		if (fnmatch(*globs, strchr(*globs, '/') != NULL ? path : base, 0) == 0)
			return true;
	return false;
}
