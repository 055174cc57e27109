/*
 * untar_unpack.c: what becomes of each member: it is passed over, listed, refused, or unpacked.
 *
 * A refusal is told and costs that member alone. The archive ends early only if it is damaged, the disk takes no more,
 * or the files would become larger than they may.
 */
#include <errno.h>
#include <string.h>

#include "pipeline/untar_internal.h"

static void tell(const struct ccp_untar *untar, enum ccp_untar_word word, const char *name, const struct ccp_err *err)
{
	untar->options->tell(untar->options->arg, word, name, err);
}

/* An error of the disk after which no member can follow. */
static bool ends_all(const struct ccp_err *err)
{
	switch (err->code == CCP_E_SYS ? err->sys : 0) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return true;
	default:
		return err->code == CCP_E_NO_MEMORY;
	}
}

/* The data of a file. Returns 0; 1 if the member is lost, with `err`; -1 if all is, with untar->err. */
static int unpack_data(struct ccp_untar *untar, const struct ccp_untar_member *member,
		       struct ccp_err *err)
{
	for (;;) {
		const void *data;
		size_t len;
		uint64_t offset;
		int result = ccp_untar_read_data(untar, &data, &len, &offset);

		if (result <= 0)
			return result;
		if (offset > member->size || len > member->size - offset)
			return ccp_err_at(&untar->err, CCP_E_FORMAT, ccp_untar_position(untar),
					  "data beyond the end of a member");
		if (ccp_untar_file_write(&untar->disk, data, len, offset, err) != 0)
			return 1;
	}
}

/* Returns as unpack_data. */
static int unpack_file(struct ccp_untar *untar, const char *path,
		       const struct ccp_untar_member *member, struct ccp_err *err)
{
	const struct ccp_untar_options *options = untar->options;
	int result;

	if (options->max_bytes > 0 && member->size > options->max_bytes - untar->made_bytes)
		return ccp_err_at(&untar->err, CCP_E_OTHER, ccp_untar_position(untar),
				  "stopped: the next member would make more than --max-size");
	if (ccp_untar_file_begin(&untar->disk, path, member, err) != 0)
		return 1;
	result = unpack_data(untar, member, err);
	if (result == 0)
		result = -ccp_untar_file_finish(&untar->disk, path, member, err);
	ccp_untar_file_drop(&untar->disk);
	if (result == 0)
		untar->made_bytes += member->size;
	return result;
}

static int unpack_link(struct ccp_untar *untar, const char *path, const struct ccp_untar_member *member,
		       struct ccp_err *err)
{
	char target[PATH_MAX];
	bool absolute;

	if (ccp_untar_clean(member->link, target, &absolute, err) != 0)
		return ccp_err_set(err, CCP_E_NAME, "refused: what it links to has \"..\" in its name, or a long one");
	return ccp_untar_hard_link(&untar->disk, path, target, err);
}

/* Returns as unpack_data. */
static int unpack_kind(struct ccp_untar *untar, const char *path,
		       const struct ccp_untar_member *member, struct ccp_err *err)
{
	if (member->hard)
		return -unpack_link(untar, path, member, err);
	switch (member->mode & S_IFMT) {
	case S_IFREG:
		return unpack_file(untar, path, member, err);
	case S_IFDIR:
		return -ccp_untar_directory(&untar->disk, path, member, err);
	case S_IFLNK:
		if (!member->link)
			break;
		return -ccp_untar_symlink(&untar->disk, path, member, err);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		if (untar->options->devices)
			return -ccp_untar_special(&untar->disk, path, member, err);
		ccp_err_set(err, CCP_W_SPECIAL, "refused: %s, without --devices",
			    S_ISFIFO(member->mode) ? "a FIFO" : "a device");
		return 1;
	default:
		break;
	}
	ccp_err_set(err, CCP_W_SPECIAL, "refused: of an unknown kind");
	return 1;
}

/* What is left out of members goes without saying after the first time. */
static void note(struct ccp_untar *untar, const struct ccp_untar_member *member, bool absolute)
{
	struct ccp_err err;

	if (absolute && !untar->noted_absolute) {
		untar->noted_absolute = true;
		ccp_err_set(&err, CCP_W_OTHER, "removing leading / from names of members");
		tell(untar, CCP_UNTAR_NOTE, NULL, &err);
	}
	if ((member->mode & 07000) && !S_ISLNK(member->mode) && !member->hard && !untar->options->keep_setid &&
	    !untar->noted_setid) {
		untar->noted_setid = true;
		ccp_err_set(&err, CCP_W_SETID, "leaving out set-user-ID, set-group-ID and sticky bits of members");
		tell(untar, CCP_UNTAR_NOTE, NULL, &err);
	}
}

/* Returns 0 to go on, -1 with untar->err. */
static int unpack(struct ccp_untar *untar, const char *path, bool absolute,
		  const struct ccp_untar_member *member)
{
	struct ccp_err err;
	int result;

	ccp_err_clear(&err);
	note(untar, member, absolute);
	result = unpack_kind(untar, path, member, &err);
	if (result < 0)
		return -1;
	if (result > 0 || err.code != CCP_OK)
		tell(untar, result > 0 ? CCP_UNTAR_REFUSED : CCP_UNTAR_WARNING, member->name, &err);
	if (result > 0 && ends_all(&err))
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "%s", err.text);
	if (result == 0 && untar->options->member(untar->options->arg, member) != 0)
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	return 0;
}

/* The name that is asked for: without slashes around it and "./" before it. `clean` may have failed. */
static const char *plain_name(const struct ccp_untar_member *member, bool is_clean, const char *clean)
{
	const char *name = member->name;

	if (is_clean)
		return clean;
	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return name;
}

int ccp_untar_member(struct ccp_untar *untar, const struct ccp_untar_member *member)
{
	const struct ccp_untar_options *options = untar->options;
	char path[PATH_MAX];
	struct ccp_err err;
	bool absolute, is_clean;

	ccp_err_clear(&err);
	is_clean = ccp_untar_clean(member->name, path, &absolute, &err) == 0;
	if (options->wants && !options->wants(options->arg, plain_name(member, is_clean, path)))
		return 0;
	if (!options->extract) {
		if (options->member(options->arg, member) != 0)
			return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
		return 0;
	}
	if (!is_clean) {
		tell(untar, CCP_UNTAR_REFUSED, member->name, &err);
		return 0;
	}
	return unpack(untar, path, absolute, member);
}
