/*
 * walk.c: names of inputs.
 *
 * First the arguments, then the list, one name at a time. A directory is opened, read whole, sorted, and becomes a
 * frame on a stack; the top frame gives the next name until it is empty. Names are looked at relative to the descriptor
 * of their directory, which spares the kernel the path; only the deepest OPEN_FRAMES directories keep theirs, and names
 * in the others are looked at by their whole path, so that a deep tree does not use up the descriptors. With archives
 * each name that was found is asked for its members, which then come in its place.
 */
#include "pipeline/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/globs.h"
#include "pipeline/net/url.h"
#include "pipeline/walk_internal.h"

#define OPEN_FRAMES 16
#define DENTS_BYTES 65536  /* about 2,000 names a call */

/* A directory whose names are being given. */
struct frame {
	int fd;                 /* or -1: closed, because the stack is deep */
	size_t path_len;        /* of walk->path, with the slash */
	char *text;             /* the names, one after the other */
	const char **names;     /* sorted, into text */
	size_t count, at;
};

struct ccp_walk {
	struct ccp_walk_options options;
	size_t name_at;         /* next argument */
	int cancel_fd;
	bool skip_known;        /* dev and ino are those of options.skip_dir */
	dev_t skip_dev;
	ino_t skip_ino;
	size_t skip_suffix_len;
	bool patient;           /* it may be waited for the list's writer, or for what an archive has */
	bool asked;             /* what `name` has, if it is an archive, is not told yet */
	struct ccp_walk_entry name; /* that was found last, with archives */
	int found;              /* what ccp_walk_ready has found: 1 a name, 0 the end; -1 = nothing */
	struct ccp_walk_entry entry; /* that name */
	struct frame *frames;
	size_t depth, frame_cap;
	char path[PATH_MAX];
	char dents[DENTS_BYTES] __attribute__((aligned(16)));
	struct ccp_walk_list list;
};

int ccp_walk_new(struct ccp_walk **out, const struct ccp_walk_options *options, struct ccp_err *err)
{
	struct ccp_walk *walk = malloc(sizeof *walk);

	if (walk == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the walk");
	memset(walk, 0, offsetof(struct ccp_walk, path));
	walk->options = *options;
	walk->cancel_fd = walk->found = -1;
	walk->skip_suffix_len = options->skip_name_suffix != NULL ? strlen(options->skip_name_suffix) : 0;
	if (ccp_walk_list_open(&walk->list, options, err) != 0) {
		ccp_walk_free(walk);
		return -1;
	}
	*out = walk;
	return 0;
}

void ccp_walk_set_cancel_fd(struct ccp_walk *walk, int fd)
{
	walk->cancel_fd = fd;
}

static void pop(struct ccp_walk *walk)
{
	struct frame *frame = &walk->frames[--walk->depth];

	if (frame->fd >= 0)
		close(frame->fd);
	free(frame->text);
	free(frame->names);
}

void ccp_walk_free(struct ccp_walk *walk)
{
	if (walk == NULL)
		return;
	while (walk->depth > 0)
		pop(walk);
	free(walk->frames);
	ccp_walk_list_close(&walk->list);
	free(walk);
}

/* ---- directories ------------------------------------------------------------------------------------------------- */

static bool passed_over(const struct ccp_walk *walk, const char *name, size_t len)
{
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	return walk->skip_suffix_len > 0 && len >= walk->skip_suffix_len &&
	       memcmp(name + len - walk->skip_suffix_len, walk->options.skip_name_suffix, walk->skip_suffix_len) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Reads all names into the frame, and sorts them. Errors: -1 with errno; the names read so far are in the frame. */
static int read_names(struct ccp_walk *walk, struct frame *frame)
{
	size_t used = 0, cap = 0;
	ssize_t got;
	int sys = 0;

	while ((got = getdents64(frame->fd, walk->dents, sizeof walk->dents)) != 0) {
		if (got < 0) {
			sys = errno != ENOENT ? errno : 0; /* removed meanwhile: it is empty */
			break;
		}
		if (cap - used < (size_t)got) { /* a name takes less room than its directory entry */
			size_t new_cap = 2 * cap + (size_t)got;
			char *text = realloc(frame->text, new_cap);

			if (text == NULL) {
				sys = ENOMEM;
				break;
			}
			frame->text = text;
			cap = new_cap;
		}
		for (const char *at = walk->dents; at < walk->dents + got;) {
			const struct dirent64 *entry = (const void *)at;
			size_t len = strlen(entry->d_name);

			at += entry->d_reclen;
			if (passed_over(walk, entry->d_name, len))
				continue;
			memcpy(frame->text + used, entry->d_name, len + 1);
			used += len + 1;
			frame->count++;
		}
	}
	if (frame->count > 0) {
		frame->names = malloc(frame->count * sizeof *frame->names);
		if (frame->names == NULL) {
			frame->count = 0;
			sys = ENOMEM;
		}
	}
	const char *name = frame->text;
	for (size_t i = 0; i < frame->count; i++) {
		frame->names[i] = name;
		name += strlen(name) + 1;
	}
	if (frame->count > 1)
		qsort(frame->names, frame->count, sizeof *frame->names, by_name);
	errno = sys;
	return sys != 0 ? -1 : 0;
}

/*
 * Puts the directory `name`, which is walk->path seen from `dir_fd`, onto the stack.
 * Errors: -1 with entry->err; if some of its names could be read they are on the stack all the same.
 */
static int descend(struct ccp_walk *walk, int dir_fd, const char *name, int flags, struct ccp_walk_entry *entry)
{
	struct frame frame = { .fd = -1 };
	size_t len = strlen(walk->path);

	if (len + 1 >= sizeof walk->path)
		return ccp_err_sys(&entry->err, ENAMETOOLONG, "%s", "");
	if (walk->depth == walk->frame_cap) {
		size_t cap = walk->frame_cap > 0 ? 2 * walk->frame_cap : 16;
		struct frame *frames = realloc(walk->frames, cap * sizeof *frames);

		if (frames == NULL)
			return ccp_err_set(&entry->err, CCP_E_NO_MEMORY, "no memory for a directory");
		walk->frames = frames;
		walk->frame_cap = cap;
	}
	frame.fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	if (frame.fd < 0)
		return ccp_err_sys(&entry->err, errno, "%s", "");
	int result = read_names(walk, &frame);
	if (result != 0)
		ccp_err_sys(&entry->err, errno, "%s", "");
	if (walk->path[len - 1] != '/')
		len++; /* the slash is written with the first name: until then path is the directory's, for messages */
	frame.path_len = len;
	if (walk->depth >= OPEN_FRAMES && walk->frames[walk->depth - OPEN_FRAMES].fd >= 0) {
		close(walk->frames[walk->depth - OPEN_FRAMES].fd);
		walk->frames[walk->depth - OPEN_FRAMES].fd = -1;
	}
	walk->frames[walk->depth++] = frame;
	return result;
}

static bool is_skip_dir(struct ccp_walk *walk, const struct stat *st)
{
	struct stat skip;

	if (walk->options.skip_dir == NULL)
		return false;
	if (!walk->skip_known) { /* it may be created while we walk */
		if (stat(walk->options.skip_dir, &skip) != 0)
			return false;
		walk->skip_known = true;
		walk->skip_dev = skip.st_dev;
		walk->skip_ino = skip.st_ino;
	}
	return st->st_dev == walk->skip_dev && st->st_ino == walk->skip_ino;
}

/* Whether something that is no directory, met in one, is to be given; and if so, whether as what cannot be an input. */
static bool is_wanted(const struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	const struct ccp_walk_options *options = &walk->options;

	if (options->include != NULL && !ccp_globs_match(options->include, walk->path))
		return false;
	if (!options->only_regular || S_ISREG(entry->st.st_mode))
		return true;
	if (S_ISLNK(entry->st.st_mode))
		ccp_err_set(&entry->err, CCP_W_WALKED_LINK, "is a symbolic link");
	else
		ccp_err_set(&entry->err, CCP_W_SPECIAL, "is not a regular file");
	entry->has_stat = false; /* nobody shall look behind the link */
	return true;
}

/*
 * Looks at walk->path, which is `name` seen from `dir_fd`. Returns 1 if `entry` is to be given, 0 if it was only
 * entered or passed over.
 */
static int look(struct ccp_walk *walk, int dir_fd, const char *name, bool top, struct ccp_walk_entry *entry)
{
	bool follow = top && walk->options.follow;

	entry->path = walk->path;
	if (!top && walk->options.exclude != NULL && ccp_globs_match(walk->options.exclude, walk->path))
		return 0;
	if (fstatat(dir_fd, name, &entry->st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
		ccp_err_sys(&entry->err, errno, "%s", "");
		return 1;
	}
	entry->has_stat = true;
	if (!S_ISDIR(entry->st.st_mode))
		return top || is_wanted(walk, entry);
	if (!walk->options.recursive)
		return 1;
	if (!top && walk->options.max_depth > 0 && walk->depth >= walk->options.max_depth)
		return 0;
	if (is_skip_dir(walk, &entry->st)) {
		if (!top)
			return 0;
		/* A name that the user gave is never passed over in silence. */
		ccp_err_set(&entry->err, CCP_W_DIRECTORY, "is the output directory");
		return 1;
	}
	return descend(walk, dir_fd, name, follow ? 0 : O_NOFOLLOW, entry) != 0 || walk->options.directories;
}

/* Copies as much of `name` as fits to path + at. Errors: -1 with `err` if that is not all. */
static int set_path(struct ccp_walk *walk, size_t at, const char *name, size_t len, struct ccp_err *err)
{
	bool fits = len < sizeof walk->path - at;

	if (!fits)
		len = sizeof walk->path - at - 1;
	memcpy(walk->path + at, name, len);
	walk->path[at + len] = '\0';
	return fits ? 0 : ccp_err_sys(err, ENAMETOOLONG, "%s", "");
}

/*
 * Looks at a name of the arguments or the list, which is walk->path: a URL is taken for what it says, and file:// is
 * another spelling of a path. Returns as look.
 */
static int look_at_name(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	enum ccp_url_kind kind = walk->options.urls ? ccp_url_kind(walk->path) : CCP_URL_NONE;
	char path[PATH_MAX];

	entry->path = walk->path;
	/* without slashes they can come of a glob: nobody shall open a port by naming a file so */
	if ((kind == CCP_URL_UNIX || kind == CCP_URL_LISTEN) && lstat(walk->path, &entry->st) == 0)
		kind = CCP_URL_NONE;
	if (kind == CCP_URL_FILE) {
		if (ccp_url_path(walk->path, path, sizeof path, &entry->err) != 0)
			return 1;
		memcpy(walk->path, path, strlen(path) + 1);
	} else if (kind != CCP_URL_NONE) {
		entry->is_url = true;
		return 1;
	}
	return look(walk, AT_FDCWD, walk->path, true, entry);
}

/* A name of the arguments or the list that cannot be looked at: whoever tells of it hides what is secret in a URL. */
static int give_bad_name(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	entry->is_url = walk->options.urls && ccp_url_kind(walk->path) > CCP_URL_FILE;
	return 1;
}

/* The next name of the top directory. Returns 1, or 0 if it gave none (but the stack has changed). */
static int next_of_frame(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	struct frame *frame = &walk->frames[walk->depth - 1];

	if (frame->at == frame->count) {
		pop(walk);
		return 0;
	}

	const char *name = frame->names[frame->at++];

	walk->path[frame->path_len - 1] = '/';
	entry->path = walk->path;
	if (set_path(walk, frame->path_len, name, strlen(name), &entry->err) != 0)
		return 1;
	if (frame->fd < 0)
		return look(walk, AT_FDCWD, walk->path, false, entry);
	return look(walk, frame->fd, name, false, entry);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

/* A name of the list. Returns 1 with the entry, 0 if it gave none, -1 at the end, -2 if it would have to wait. */
static int next_of_list(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	const char *name;
	size_t len;
	int result = ccp_walk_list_next(&walk->list, walk->patient, walk->cancel_fd, &name, &len);

	if (result == CCP_WALK_ERROR) {
		entry->path = walk->options.files_from;
		ccp_err_sys(&entry->err, errno, "%s", "");
		return 1;
	}
	if (result != CCP_WALK_NAME)
		return result;
	if (len == 0 && !walk->options.nul_separated)
		return 0;
	entry->path = walk->path;
	if (set_path(walk, 0, name, len, &entry->err) != 0)
		return give_bad_name(walk, entry);
	if (len == 0 || memchr(name, '\0', len) != NULL) {
		ccp_err_set(&entry->err, CCP_E_OTHER, "%s", len == 0 ? "empty file name" : "NUL byte in a file name");
		return give_bad_name(walk, entry);
	}
	return look_at_name(walk, entry);
}

/* The next name. Returns 1; 0 at the end; -1 if it would have to wait, and is not patient. */
static int find_name(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	int result = 0;

	entry->is_stdin = entry->is_url = entry->is_member = false;
	entry->has_stat = false;
	ccp_err_clear(&entry->err);
	while (result == 0) {
		if (walk->depth > 0) {
			result = next_of_frame(walk, entry);
		} else if (walk->name_at < walk->options.name_count) {
			const char *name = walk->options.names[walk->name_at++];

			entry->path = walk->path;
			entry->is_stdin = strcmp(name, "-") == 0;
			if (set_path(walk, 0, name, strlen(name), &entry->err) != 0 || entry->is_stdin)
				return give_bad_name(walk, entry);
			result = look_at_name(walk, entry);
		} else if (walk->list.fd >= 0) {
			result = next_of_list(walk, entry);
		} else {
			return 0;
		}
		if (result == 0)
			entry->has_stat = false; /* that of a directory which was entered */
	}
	return result == -2 ? -1 : result > 0;
}

/* The same, with the members of archives in place of them. */
static int find(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	struct ccp_archive *archive = walk->options.archive;
	int result;

	for (;;) {
		if (walk->asked) {
			result = ccp_walk_member(archive, walk->patient, walk->cancel_fd, &walk->name, entry);
			if (result == CCP_WALK_NAME || result == CCP_WALK_WAITS)
				return result == CCP_WALK_NAME ? 1 : -1;
			walk->asked = false;
			if (result == CCP_WALK_ERROR) /* the run was cancelled */
				return 0;
			if (result == CCP_WALK_NONE) {
				*entry = walk->name;
				return 1;
			}
		}
		result = find_name(walk, entry);
		if (result != 1 || archive == NULL || !ccp_walk_may_be_archive(entry) ||
		    ccp_walk_ask(archive, entry) != 0)
			return result;
		walk->name = *entry;
		walk->asked = true;
	}
}

bool ccp_walk_ready(struct ccp_walk *walk)
{
	if (walk->found < 0) {
		walk->patient = false;
		walk->found = find(walk, &walk->entry);
	}
	return walk->found >= 0;
}

int ccp_walk_next(struct ccp_walk *walk, struct ccp_walk_entry *entry)
{
	int found = walk->found;

	if (found < 0) {
		walk->patient = true;
		return find(walk, entry);
	}
	*entry = walk->entry;
	walk->found = -1;
	return found;
}
