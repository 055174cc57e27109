/*
 * tar_layout_lists.c: lists that go with the members of an archive.
 *
 * Names of owners are looked up once and numbered. A table of device and inode, with open addressing, finds the further
 * names of a file; it goes when the layout is complete.
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/tar_layout_internal.h"

int ccp_tar_grow(void *list, size_t *room, size_t count, size_t more, size_t each, struct ccp_err *err)
{
	void *old, *new;

	if (*room - count >= more)
		return 0;
	memcpy(&old, list, sizeof old);

	size_t wanted = *room + *room / 2 + more + 64;

	new = reallocarray(old, wanted, each);
	if (new == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the layout of the archive");
	memcpy(list, &new, sizeof new);
	*room = wanted;
	return 0;
}

/* ---- owners ------------------------------------------------------------------------------------------------------ */

static void look_up(struct ccp_tar_owner *owner, bool group)
{
	const struct group *gr = group ? getgrgid(owner->id) : NULL;
	const struct passwd *pw = group ? NULL : getpwuid(owner->id);
	const char *name = gr != NULL ? gr->gr_name : pw != NULL ? pw->pw_name : "";

	if (strlen(name) < sizeof owner->name) /* a longer one would not be the name */
		strcpy(owner->name, name);
}

int ccp_tar_number_owner(const struct ccp_tar_layout_options *options, struct ccp_tar_owners *owners, bool group,
			 uint32_t id, uint32_t *number, struct ccp_err *err)
{
	const struct ccp_tar_owner *said = group ? &options->group : &options->owner;
	struct ccp_tar_owner new = said->said ? *said : (struct ccp_tar_owner){ .id = id };
	size_t i = owners->last;

	if (i >= owners->count || owners->list[i].id != new.id) {
		for (i = 0; i < owners->count && owners->list[i].id != new.id; i++)
			;
		if (i == owners->count) {
			if (ccp_tar_grow(&owners->list, &owners->room, i, 1, sizeof *owners->list, err) != 0)
				return -1;
			if (options->numeric_owner)
				new.name[0] = '\0';
			else if (!new.named)
				look_up(&new, group);
			owners->list[owners->count++] = new;
		}
		owners->last = i;
	}
	*number = (uint32_t)i;
	return 0;
}

/* ---- hard links -------------------------------------------------------------------------------------------------- */

/* The place of a file in the table, which has room: its own, or a free one. */
static struct ccp_tar_linked *find_linked(const struct ccp_tar_layout *layout, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino + (uint64_t)dev * UINT64_C(0x100000001b3)) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(hash >> 20) & (layout->linked_room - 1);

	while (layout->linked[i].member != 0 && (layout->linked[i].dev != dev || layout->linked[i].ino != ino))
		i = (i + 1) & (layout->linked_room - 1);
	return &layout->linked[i];
}

static int grow_linked(struct ccp_tar_layout *layout, struct ccp_err *err)
{
	struct ccp_tar_linked *old = layout->linked;
	size_t old_room = layout->linked_room;

	if (2 * layout->linked_count < old_room)
		return 0;
	layout->linked_room = old_room > 0 ? 2 * old_room : 256;
	layout->linked = calloc(layout->linked_room, sizeof *layout->linked);
	if (layout->linked == NULL) {
		layout->linked = old;
		layout->linked_room = old_room;
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the layout of the archive");
	}
	for (size_t i = 0; i < old_room; i++)
		if (old[i].member != 0)
			*find_linked(layout, old[i].dev, old[i].ino) = old[i];
	free(old);
	return 0;
}

int ccp_tar_link_to_first(struct ccp_tar_layout *layout, struct ccp_tar_place *member, const struct stat *st,
			 struct ccp_err *err)
{
	struct ccp_tar_linked *linked;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	if (grow_linked(layout, err) != 0)
		return -1;
	linked = find_linked(layout, st->st_dev, st->st_ino);
	if (linked->member == 0) {
		*linked = (struct ccp_tar_linked){ st->st_dev, st->st_ino, layout->count + 1 };
		layout->linked_count++;
		return 0;
	}

	const struct ccp_tar_place *first = &layout->member[linked->member - 1];

	if (strcmp(ccp_tar_name_of(layout, first), ccp_tar_name_of(layout, member)) == 0)
		return 0;
	member->type = '1';
	member->size = 0;
	member->link = first->path + first->name;
	return 0;
}
