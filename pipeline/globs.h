/*
 * globs.h: patterns for the names that a walk meets, with the wildcards of the shell.
 */
#ifndef CCP_PIPELINE_GLOBS_H
#define CCP_PIPELINE_GLOBS_H

#include <stdbool.h>

/*
 * Whether one of the patterns, which end with NULL, matches: the base name of `path` or, if there is a slash in the
 * pattern, all of `path`, where * and ? match slashes, too (as find -path has it). Slashes at the end of a pattern or
 * of the path, and all but one of several, count for nothing. Threads: any.
 */
bool ccp_globs_match(const char *const *globs, const char *path);

#endif
