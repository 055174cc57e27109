/*
 * untar_later.c: directories get their modes, owners and times at the end, since every member that is written into one
 * changes its time, and needs to be let in. Those below go first, because a mode may close the way to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/untar_disk.h"

#define ENTRY_MOST ((size_t)64 << 20) /* of a user or a group, with its members */

int ccp_untar_later_add(struct ccp_untar_disk *disk, const char *path, uint64_t key, mode_t mode,
			const struct ccp_untar_member *member, struct ccp_err *err)
{
	struct ccp_untar_later *later;

	if (disk->later_count == disk->later_room) {
		size_t room = disk->later_room ? 2 * disk->later_room : 64;

		later = reallocarray(disk->later, room, sizeof *later);
		if (!later)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the list of directories");
		disk->later = later;
		disk->later_room = room;
	}
	later = &disk->later[disk->later_count];
	*later = (struct ccp_untar_later){ .path = strdup(path), .number = disk->later_count, .key = key,
					   .mode = mode, .mtime = member->mtime };
	if (!later->path)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the list of directories");
	ccp_untar_owner(disk, member, &later->uid, &later->gid);
	disk->later_count++;
	return 0;
}

/* By path, what is below before what is above; of equals the one that the archive has later comes later, and counts. */
static int compare(const void *left, const void *right)
{
	const struct ccp_untar_later *a = left, *b = right;
	int order = strcmp(b->path, a->path);

	return order != 0 ? order : a->number < b->number ? -1 : 1;
}

static int do_one(struct ccp_untar_disk *disk, const struct ccp_untar_later *later, struct ccp_err *err)
{
	const struct ccp_untar_options *options = disk->options;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, later->mtime };
	const char *base;
	struct stat st;
	int parent = ccp_untar_find(disk, later->path, &base, err), fd, result = -1;

	if (parent < 0)
		return -1;
	fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(parent);
	if (fd < 0 || fstat(fd, &st) != 0)
		ccp_err_sys(err, errno, "its mode and time");
	else if (ccp_untar_key(&st) != later->key)
		ccp_err_set(err, CCP_E_CHANGED, "its mode and time: it was replaced by something else");
	else if (options->same_owner && (later->uid == (uid_t)-1 || later->gid == (gid_t)-1))
		ccp_err_set(err, CCP_W_METADATA, "its owner: there can be no such number");
	else if (options->same_owner && fchown(fd, later->uid, later->gid) != 0)
		ccp_err_sys(err, errno, "its owner");
	else if (fchmod(fd, later->mode) != 0)
		ccp_err_sys(err, errno, "its mode");
	else if (!options->drop_mtime && futimens(fd, times) != 0)
		ccp_err_sys(err, errno, "its time");
	else
		result = 0;
	if (fd >= 0)
		close(fd);
	return result;
}

void ccp_untar_later_do(struct ccp_untar_disk *disk)
{
	const struct ccp_untar_options *options = disk->options;
	struct ccp_err err;

	if (disk->later_count > 1)
		qsort(disk->later, disk->later_count, sizeof *disk->later, compare);
	for (size_t i = 0; i < disk->later_count; i++) {
		/* of several the last one: the mode of another could lock us out */
		if (i + 1 < disk->later_count && strcmp(disk->later[i].path, disk->later[i + 1].path) == 0)
			continue;
		ccp_err_clear(&err);
		if (do_one(disk, &disk->later[i], &err) != 0)
			options->tell(options->arg, CCP_UNTAR_WARNING, disk->later[i].path, &err);
	}
	for (size_t i = 0; i < disk->later_count; i++)
		free(disk->later[i].path);
	free(disk->later);
	disk->later = NULL;
	disk->later_count = disk->later_room = 0;
}

/* ---- owners ----------------------------------------------------------------------------------------- */

/* Fills last->id and last->found. A group may have more members than any buffer that one could think of. */
static void ask(struct ccp_untar_id *last, const char *name, bool of_group)
{
	char *text = NULL;
	int result = ERANGE;

	last->found = false;
	for (size_t room = 4096; result == ERANGE && room <= ENTRY_MOST; room *= 4) {
		char *more = realloc(text, room);
		struct group group, *as_group = NULL;
		struct passwd user, *as_user = NULL;

		if (more == NULL)
			break;
		text = more;
		result = of_group ? getgrnam_r(name, &group, text, room, &as_group)
				  : getpwnam_r(name, &user, text, room, &as_user);
		if (result == 0 && (as_group != NULL || as_user != NULL)) {
			last->found = true;
			last->id = of_group ? (uint32_t)group.gr_gid : (uint32_t)user.pw_uid;
		}
	}
	free(text);
}

static uint32_t look_up(struct ccp_untar_id *last, const char *name, int64_t number, bool of_group)
{
	uint32_t none = number >= 0 && number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;

	if (!name || name[0] == '\0' || strlen(name) >= sizeof last->name)
		return none;
	if (strcmp(last->name, name) != 0) {
		strcpy(last->name, name);
		ask(last, name, of_group);
	}
	return last->found ? last->id : none;
}

void ccp_untar_owner(struct ccp_untar_disk *disk, const struct ccp_untar_member *member, uid_t *uid, gid_t *gid)
{
	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (!disk->options->same_owner)
		return;
	*uid = look_up(&disk->user, member->user, member->uid, false);
	*gid = look_up(&disk->group, member->group, member->gid, true);
}
