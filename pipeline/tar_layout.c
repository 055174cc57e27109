/*
 * tar_layout.c: the members of an archive in order, with the offset of each.
 *
 * A member takes 64 bytes and its path. Headers are not kept: their length is computed when the member is added and
 * their bytes when they are read, from the same figures. What lies at an offset is found by bisection.
 */
#include "pipeline/tar_layout.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/tar_layout_internal.h"

#define MOST_BYTES ((uint64_t)INT64_MAX / 2) /* of members; what offsets can tell, less padding and the end */

int ccp_tar_layout_new(struct ccp_tar_layout **out, const struct ccp_tar_layout_options *options, struct ccp_err *err)
{
	struct ccp_tar_layout *layout = calloc(1, sizeof *layout);

	if (layout == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the layout of the archive");
	layout->options = *options;
	*out = layout;
	return 0;
}

void ccp_tar_layout_free(struct ccp_tar_layout *layout)
{
	if (layout == NULL)
		return;
	if (layout->notes != NULL)
		munmap(layout->notes, layout->count * sizeof *layout->notes);
	free(layout->member);
	free(layout->text);
	free(layout->users.list);
	free(layout->groups.list);
	free(layout->linked);
	free(layout);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

size_t ccp_tar_name_cut(const char *path)
{
	size_t cut = 0;

	for (const char *at = path; *at != '\0';) {
		size_t len = strcspn(at, "/");

		if (len == 2 && at[0] == '.' && at[1] == '.')
			cut = (size_t)(at - path) + 2;
		at += len + (at[len] == '/');
	}
	return cut + strspn(path + cut, "/");
}

/* Puts a text behind the others. Returns its place; there is room. */
static uint64_t put_text(struct ccp_tar_layout *layout, const char *text, size_t len)
{
	uint64_t at = layout->text_len;

	memcpy(layout->text + at, text, len);
	layout->text_len += len;
	return at;
}

/*
 * Keeps the path that a member is opened by, with what stands before its name in the archive. What would have no name
 * is ".", and a directory's name ends with a slash.
 */
static int keep_path(struct ccp_tar_layout *layout, struct ccp_tar_place *member, const char *path, bool directory,
		     struct ccp_err *err)
{
	const char *dir = path[0] != '/' && layout->options.dir != NULL ? layout->options.dir : "";
	size_t dir_len = strlen(dir), len = strlen(path), cut = ccp_tar_name_cut(path);
	size_t name = dir_len + (dir_len > 0) + cut;

	if (name - cut + len + 4 > PATH_MAX) /* a slash, a dot, a slash, NUL */
		return ccp_err_sys(err, ENAMETOOLONG, "%s", "");
	if (ccp_tar_grow(&layout->text, &layout->text_room, layout->text_len, PATH_MAX, 1, err) != 0)
		return -1;
	member->path = put_text(layout, dir, dir_len);
	if (dir_len > 0)
		put_text(layout, "/", 1);
	put_text(layout, path, len);
	if (path[cut] == '\0') {
		if (len > 0 && path[len - 1] != '/') {
			put_text(layout, "/", 1);
			name++;
		}
		put_text(layout, ".", 1);
	}
	if (directory && layout->text[layout->text_len - 1] != '/')
		put_text(layout, "/", 1);
	put_text(layout, "", 1);
	member->name = (uint16_t)name;
	return 0;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* Sets what the kind of file asks for. `path` is seen from where the process stands. */
static int set_kind(struct ccp_tar_layout *layout, struct ccp_tar_place *member, const char *path,
		    const struct stat *st, struct ccp_err *err)
{
	char target[PATH_MAX];
	ssize_t len;

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		member->type = '0';
		member->size = (uint64_t)st->st_size;
		member->dev = st->st_dev;
		member->ino = st->st_ino;
		if (layout->bytes + ccp_tar_whole_blocks(member->size) > MOST_BYTES)
			return ccp_err_set(err, CCP_E_OTHER,
					   "is too large: the archive would have more than 2^62 bytes");
		/* what everybody may read needs no question; what it hides from us is met when it is opened */
		if (st->st_size > 0 && (st->st_mode & 0444) != 0444 && geteuid() != 0 &&
		    faccessat(AT_FDCWD, path, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0)
			return ccp_err_sys(err, errno, "%s", "");
		return 0;
	case S_IFLNK:
		member->type = '2';
		len = readlink(path, target, sizeof target);
		if (len < 0 || len == sizeof target)
			return ccp_err_sys(err, len < 0 ? errno : ENAMETOOLONG, "%s", "");
		if (ccp_tar_grow(&layout->text, &layout->text_room, layout->text_len, PATH_MAX, 1, err) != 0)
			return -1;
		member->link = put_text(layout, target, (size_t)len);
		put_text(layout, "", 1);
		return 0;
	case S_IFDIR:
		member->type = '5';
		return 0;
	case S_IFIFO:
		member->type = '6';
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		member->type = S_ISCHR(st->st_mode) ? '3' : '4';
		member->rdev = st->st_rdev;
		return 0;
	case S_IFSOCK:
		return ccp_err_set(err, CCP_W_SPECIAL, "is a socket");
	}
	return ccp_err_set(err, CCP_W_SPECIAL, "is nothing that an archive can hold");
}

int ccp_tar_layout_add(struct ccp_tar_layout *layout, const char *path, const struct stat *st, struct ccp_err *err)
{
	struct ccp_tar_place member = {
		.at = layout->bytes,
		.mtime = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
		.mode = st->st_mode & 07777,
	};
	struct ccp_tar_member header;
	size_t text_len = layout->text_len;

	assert(layout->notes == NULL);
	if (ccp_tar_grow(&layout->member, &layout->room, layout->count, 1, sizeof member, err) != 0 ||
	    set_kind(layout, &member, path, st, err) != 0 ||
	    keep_path(layout, &member, path, S_ISDIR(st->st_mode), err) != 0 ||
	    ccp_tar_number_owner(&layout->options, &layout->users, false, st->st_uid, &member.owner, err) != 0 ||
	    ccp_tar_number_owner(&layout->options, &layout->groups, true, st->st_gid, &member.group, err) != 0 ||
	    ccp_tar_link_to_first(layout, &member, st, err) != 0) {
		layout->text_len = text_len;
		return -1;
	}
	ccp_tar_describe(layout, &member, &header);

	size_t bytes = ccp_tar_header_bytes(&header);

	member.blocks = (uint8_t)(bytes / CCP_TAR_BLOCK);
	layout->member[layout->count++] = member;
	layout->bytes += bytes + ccp_tar_whole_blocks(member.size);
	return 0;
}

int ccp_tar_layout_end(struct ccp_tar_layout *layout, struct ccp_err *err)
{
	size_t size = layout->count * sizeof *layout->notes;

	free(layout->linked);
	layout->linked = NULL;
	layout->bytes = ccp_tar_whole_records(layout->bytes);
	if (size == 0)
		return 0;
	layout->notes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (layout->notes != MAP_FAILED)
		return 0;
	layout->notes = NULL;
	return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the layout of the archive");
}

uint64_t ccp_tar_layout_bytes(const struct ccp_tar_layout *layout)
{
	return layout->bytes;
}

size_t ccp_tar_layout_count(const struct ccp_tar_layout *layout)
{
	return layout->count;
}

const char *ccp_tar_layout_name(const struct ccp_tar_layout *layout, size_t member)
{
	return ccp_tar_name_of(layout, &layout->member[member]);
}

const char *ccp_tar_layout_path(const struct ccp_tar_layout *layout, size_t member)
{
	return layout->text + layout->member[member].path;
}
