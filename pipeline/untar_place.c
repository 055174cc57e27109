/*
 * untar_place.c: where members go.
 *
 * A path is walked one component at a time from a descriptor of the directory before it, with O_NOFOLLOW: so no
 * symbolic link is ever passed, whoever made it and when, and there is no moment between a check and its use. The
 * directory of the last member stays open, because most members lie beside or below the one before.
 */
#include "pipeline/untar_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ccp_untar_clean(const char *name, char *clean, bool *was_absolute, struct ccp_err *err)
{
	size_t len = 0;

	*was_absolute = name[0] == '/';
	while (*name != '\0') {
		size_t n = strcspn(name, "/");

		if (n == 2 && name[0] == '.' && name[1] == '.')
			return ccp_err_set(err, CCP_E_NAME, "refused: there is a \"..\" in its name");
		if (n > 0 && !(n == 1 && name[0] == '.')) {
			if (len + n + 2 > PATH_MAX)
				return ccp_err_set(err, CCP_E_NAME, "refused: its name is too long");
			if (len > 0)
				clean[len++] = '/';
			memcpy(clean + len, name, n);
			len += n;
		}
		name += n + (name[n] == '/');
	}
	if (len == 0)
		clean[len++] = '.';
	clean[len] = '\0';
	return 0;
}

uint64_t ccp_untar_key(const struct stat *st)
{
	uint64_t key = ((uint64_t)st->st_ino ^ (uint64_t)st->st_dev << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return key == 0 ? 1 : key;
}

/* ---- what this run has made ---------------------------------------------------------------------- */

static uint64_t *slot_of(const struct ccp_untar_made *made, uint64_t key)
{
	size_t at = (size_t)(key >> 20) & (made->slots - 1);

	while (made->key[at] != 0 && made->key[at] != key)
		at = (at + 1) & (made->slots - 1);
	return &made->key[at];
}

int ccp_untar_made_add(struct ccp_untar_made *made, uint64_t key, struct ccp_err *err)
{
	if (2 * (made->count + 1) > made->slots) {
		struct ccp_untar_made more = { .slots = made->slots ? 2 * made->slots : 1024 };

		more.key = calloc(more.slots, sizeof *more.key);
		if (!more.key)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the list of members");
		for (size_t i = 0; i < made->slots; i++)
			if (made->key[i] != 0)
				*slot_of(&more, made->key[i]) = made->key[i];
		free(made->key);
		made->key = more.key;
		made->slots = more.slots;
	}

	uint64_t *slot = slot_of(made, key);

	made->count += *slot == 0;
	*slot = key;
	return 0;
}

bool ccp_untar_made_has(const struct ccp_untar_made *made, uint64_t key)
{
	return made->slots > 0 && *slot_of(made, key) == key;
}

/* ---- walking --------------------------------------------------------------------------------------- */

/* Makes a directory that a member lies in and that the archive has not named yet. */
static int make_directory(struct ccp_untar_disk *disk, int at, const char *name, struct ccp_err *err)
{
	struct stat st;

	if (mkdirat(at, name, 0777) != 0)
		return errno == EEXIST ? 0 : ccp_err_sys(err, errno, "making its directory");
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ccp_err_sys(err, errno, "its directory");
	return ccp_untar_made_add(&disk->made, ccp_untar_key(&st), err);
}

/* Why `name` could not be entered. */
static int explain(int at, const char *name, int sys, struct ccp_err *err)
{
	struct stat st;

	if (sys == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return ccp_err_set(err, CCP_E_SYMLINK, "refused: it lies behind a symbolic link");
	if (sys == ENOTDIR)
		return ccp_err_set(err, CCP_E_NAME, "refused: it lies in what is no directory");
	return ccp_err_sys(err, sys, "its directory");
}

/*
 * Enters the first `len` bytes of `path`, component by component, from `at`, which stays open. `maker` makes what is
 * missing; NULL = nobody does. Returns a new descriptor, or -1.
 */
static int enter(struct ccp_untar_disk *maker, int at, const char *path, size_t len, struct ccp_err *err)
{
	int fd = fcntl(at, F_DUPFD_CLOEXEC, 0);
	char name[PATH_MAX];

	if (fd < 0)
		return ccp_err_sys(err, errno, "its directory");
	while (len > 0) {
		size_t n = 0;
		int next;

		while (n < len && path[n] != '/')
			n++;
		memcpy(name, path, n);
		name[n] = '\0';
		for (int turn = 0; turn < 2; turn++) {
			next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (next >= 0 || errno != ENOENT || !maker || turn == 1)
				break;
			if (make_directory(maker, fd, name, err) != 0)
				goto out;
		}
		if (next < 0) {
			explain(fd, name, errno, err);
			goto out;
		}
		close(fd);
		fd = next;
		n += n < len;
		path += n;
		len -= n;
	}
	return fd;
out:
	close(fd);
	return -1;
}

/* Splits a clean path: returns the length of the directory's, which is 0 if there is none. */
static size_t split(const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');

	*base = slash ? slash + 1 : path;
	return slash ? (size_t)(slash - path) : 0;
}

int ccp_untar_place(struct ccp_untar_disk *disk, const char *path, const char **base, struct ccp_err *err)
{
	size_t len = split(path, base), had = strlen(disk->parent_path);
	bool below = disk->parent >= 0 && len >= had && memcmp(path, disk->parent_path, had) == 0;
	int from = disk->root, fd;

	if (below && len == had)
		return 0;
	below = below && had > 0 && path[had] == '/';
	if (below)
		from = disk->parent;
	else
		had = 0;
	fd = enter(disk, from, path + had + below, len - had - below, err);
	if (disk->parent >= 0)
		close(disk->parent);
	disk->parent = fd;
	disk->parent_path[0] = '\0';
	if (fd < 0)
		return -1;
	memcpy(disk->parent_path, path, len);
	disk->parent_path[len] = '\0';
	return 0;
}

int ccp_untar_find(const struct ccp_untar_disk *disk, const char *path, const char **base, struct ccp_err *err)
{
	return enter(NULL, disk->root, path, split(path, base), err);
}
