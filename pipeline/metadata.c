/*
 * metadata.c: owner first, then attributes and ACL, then the mode, then the times; see metadata.h.
 *
 * The order matters. Until the mode is set the file is private, so nobody sees it with the wrong owner or without its
 * ACL. Attributes come before the mode, which may forbid to write them, and the times come last, because nothing may
 * touch the file after them.
 */
#include "pipeline/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL_NAME "system.posix_acl_access"

/* Gives the file its source's owner and group. Returns whether the group is right. */
static bool copy_owner(int fd, const struct stat *fresh, const struct stat *meta, struct ccp_err *err)
{
	bool owner = fresh->st_uid != meta->st_uid, group = fresh->st_gid != meta->st_gid;

	if (!owner && !group)
		return true;
	if (fchown(fd, owner ? meta->st_uid : (uid_t)-1, group ? meta->st_gid : (gid_t)-1) == 0)
		return true;
	int cause = errno;
	/* an ordinary user may give a file to another group of his own, but not to another user */
	if (owner && group && fchown(fd, (uid_t)-1, meta->st_gid) == 0)
		group = false;
	if (geteuid() == 0)
		ccp_err_set(err, CCP_W_METADATA, "cannot keep the owner: %s", strerrordesc_np(cause));
	return !group;
}

static bool starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool wanted(const char *name)
{
	if (starts_with(name, "security."))
		return strcmp(name, "security.capability") != 0 && strcmp(name, "security.ima") != 0 &&
		       strcmp(name, "security.evm") != 0;
	return starts_with(name, "user.") || strcmp(name, ACL_NAME) == 0;
}

/* Copies one attribute. Returns 0 or errno. */
static int copy_attribute(int from, int to, const char *name, void *value, size_t room)
{
	ssize_t n = fgetxattr(from, name, value, room);

	if (n < 0)
		return errno;
	return fsetxattr(to, name, value, (size_t)n, 0) == 0 ? 0 : errno;
}

/* The source, open once more, if it still is what was read; else -1. */
static int reopen(const struct ccp_input *input)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = input->fd >= 0 ? fcntl(input->fd, F_DUPFD_CLOEXEC, 0) : open(input->path, flags | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ELOOP) /* with -f the source may be a link; the check below holds all the same */
		fd = open(input->path, flags);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == input->meta.st_dev && st.st_ino == input->meta.st_ino)
		return fd;
	close(fd);
	return -1;
}

/* What copying the attributes has brought to light about the ACL. */
enum acl { ACL_NONE, ACL_KEPT, ACL_LOST };

static enum acl copy_attributes(int fd, const struct ccp_input *input, bool group_kept, struct ccp_err *err)
{
	/* XATTR_LIST_MAX and XATTR_SIZE_MAX, the kernel's own limits, so that no size need be asked for first */
	const size_t room = 65536;
	enum acl acl = ACL_LOST;
	int source = reopen(input);
	char *names = malloc(2 * room);
	ssize_t len = source >= 0 && names != NULL ? flistxattr(source, names, room) : -1;

	if (len < 0) {
		if (source >= 0 && names != NULL && errno == ENOTSUP)
			acl = ACL_NONE;
		else
			ccp_err_set(err, CCP_W_METADATA, "cannot read the extended attributes of the source");
		goto out;
	}
	acl = ACL_NONE;
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		bool is_acl = strcmp(name, ACL_NAME) == 0;
		int cause;

		if (!wanted(name))
			continue;
		if (is_acl && !group_kept) { /* its entry for the owning group would speak of another one */
			acl = ACL_LOST;
			continue;
		}
		cause = copy_attribute(source, fd, name, names + room, room);
		if (is_acl)
			acl = cause == 0 ? ACL_KEPT : ACL_LOST;
		if (cause != 0 && cause != ENOTSUP && cause != ENODATA && !starts_with(name, "security."))
			ccp_err_set(err, CCP_W_METADATA, "cannot keep the attribute %s: %s", name,
				    strerrordesc_np(cause));
	}
out:
	free(names);
	if (source >= 0)
		close(source);
	return acl;
}

void ccp_metadata_copy(int fd, const struct stat *fresh, const struct ccp_input *input, const struct timespec *mtime,
		       struct ccp_err *err)
{
	const struct timespec times[2] = { input->meta.st_atim, *mtime };
	mode_t mode = input->meta.st_mode & 0777;
	bool group_kept = copy_owner(fd, fresh, &input->meta, err);
	enum acl acl = input->has_xattr ? copy_attributes(fd, input, group_kept, err) : ACL_NONE;

	/* the folder's default ACL may name people whom the source's permissions did not */
	if (acl != ACL_KEPT && fgetxattr(fd, ACL_NAME, NULL, 0) > 0 && fremovexattr(fd, ACL_NAME) != 0)
		group_kept = false;
	if (!group_kept || acl == ACL_LOST) {
		mode_t both = (mode >> 3) & mode & 07;

		mode = (mode & 0700) | (both << 3) | both;
	}
	if ((fresh->st_mode & 07777) != mode && fchmod(fd, mode) != 0)
		ccp_err_set(err, CCP_W_METADATA, "cannot keep the permissions: %s", strerrordesc_np(errno));
	if (futimens(fd, times) != 0)
		ccp_err_set(err, CCP_W_METADATA, "cannot keep the times: %s", strerrordesc_np(errno));
}
