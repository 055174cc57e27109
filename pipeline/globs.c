/*
 * globs.c: fnmatch(3), on the part of the path that the pattern is about. Leading periods are nothing special.
 *
 * Slashes that say nothing (doubled ones, and those at the end) are taken out of both first: "d//" is an operand like
 * any other, and "build/" is how a shell completes a name. What is too long for a path is compared as it is.
 */
#include "pipeline/globs.h"

#include <fnmatch.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

/* Returns `text` without those slashes, in `room` if there are any. The root stays "/". */
static const char *squeeze(const char *text, char room[PATH_MAX])
{
	size_t len = strlen(text), to = 0;

	if (len == 0 || len >= PATH_MAX || (strstr(text, "//") == NULL && text[len - 1] != '/'))
		return text;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '/' || to == 0 || room[to - 1] != '/')
			room[to++] = text[i];
	if (to > 1 && room[to - 1] == '/')
		to--;
	room[to] = '\0';
	return room;
}

bool ccp_globs_match(const char *const *globs, const char *path)
{
	char path_room[PATH_MAX], glob_room[PATH_MAX];
	const char *base;

	path = squeeze(path, path_room);
	base = strrchr(path, '/');
	base = base != NULL && base[1] != '\0' ? base + 1 : path;
	for (; *globs != NULL; globs++) {
		const char *glob = squeeze(*globs, glob_room);

		if (fnmatch(glob, strchr(glob, '/') != NULL ? path : base, 0) == 0)
			return true;
	}
	return false;
}
