/*
 * walk.h: names of inputs, from arguments, lists and directories.
 *
 * A directory is read whole and sorted by name before its first entry is given, so that the order does not depend on
 * the file system and outputs that appear meanwhile are not seen.
 */
#ifndef CCP_PIPELINE_WALK_H
#define CCP_PIPELINE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pipeline/err.h"

struct ccp_archive;
struct ccp_walk;

/* Const while the walk is used; strings are borrowed. */
struct ccp_walk_options {
	char *const *names;          /* arguments; "-" is standard input */
	size_t name_count;
	const char *files_from;      /* a file of names, "-" = standard input, NULL = none; read as it is needed */
	bool nul_separated;          /* -0 */
	bool recursive;              /* -r: walk directories; symbolic links inside are not followed */
	bool directories;            /* with recursive: give directories as well, each before what is in it */
	bool urls;                   /* names like URLs (net/url.h) are none of files; not so in directories */
	bool follow;                 /* links among the arguments and in the list are followed (gzip -f, -c) */
	struct ccp_archive *archive; /* archives are replaced by their members; NULL = they are files like others */
	const char *skip_dir;        /* do not descend into this directory (--output-dir), or NULL */
	const char *skip_name_suffix;/* pass over names in directories that end so (our temporaries), or NULL */

	/* of what is met in directories; what the user named himself is never passed over */
	unsigned max_depth;          /* levels of directories that are entered, 1 = those named alone; 0 = no bound */
	const char *const *include;  /* globs.h: only files that one of them matches; NULL = all */
	const char *const *exclude;  /* no files and no directories that one of them matches; NULL = none */
	bool only_regular;           /* others are given with a CCP_W_WALKED_LINK or a CCP_W_SPECIAL */
};

/* One name. `path` is borrowed until the next call. */
struct ccp_walk_entry {
	const char *path;
	bool is_stdin;
	bool is_url;                 /* it is no path */
	bool is_member;              /* nor is it: its bytes come from options.archive */
	bool has_stat;
	struct stat st;              /* by lstat; of a link's target if options.follow and it is no directory's entry */
	struct ccp_err err;          /* code CCP_OK, or why this name cannot be looked at (no such file, too long…) */
};

int ccp_walk_new(struct ccp_walk **walk, const struct ccp_walk_options *options, struct ccp_err *err);
void ccp_walk_free(struct ccp_walk *walk);

/*
 * A descriptor that becomes readable when the run is cancelled, or -1: a wait for a slow list or archive then ends, and
 * so does the walk. Threads: same caller rule as below.
 */
void ccp_walk_set_cancel_fd(struct ccp_walk *walk, int fd);

/*
 * Whether ccp_walk_next would answer without waiting for whoever writes the list, or reads an archive.
 * Threads: same caller rule.
 */
bool ccp_walk_ready(struct ccp_walk *walk);

/*
 * The next name. Returns 1, or 0 at the end. A name that cannot be looked at is given too, with entry->err; so is a
 * directory without -r (its st says so; the caller decides).
 * Threads: one caller at a time.
 */
int ccp_walk_next(struct ccp_walk *walk, struct ccp_walk_entry *entry);

#endif
