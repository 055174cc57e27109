/*
 * compare_digest.c: one number for all outputs of a run: XXH3 with 128 bits over the relative names, kinds, sizes and
 * contents of what stands below a folder, each folder in the order of its names.
 *
 * Not SHA-256: nobody tries to deceive here, and the digest is made between two measurements, where it should not heat
 * the caches and the CPU for longer than it must.
 */
#include "cmd/compare.h"

#ifdef CCP_HAVE_XXHASH
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define BUFFER_BYTES 65536

const char *ccp_compare_digest_probe(void)
{
	return NULL;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Returns 0, or an errno. */
static int add_content(XXH3_state_t *state, const char *path)
{
	unsigned char buffer[BUFFER_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error = 0;
	ssize_t n = 0;

	if (fd < 0)
		return errno;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	do {
		n = read(fd, buffer, sizeof buffer);
		if (n > 0)
			XXH3_128bits_update(state, buffer, (size_t)n);
		else if (n < 0 && errno != EINTR)
			error = errno;
	} while (n > 0 || (n < 0 && error == 0));
	close(fd);
	return error;
}

/* Returns 0, or an errno. */
static int add_entry(XXH3_state_t *state, const FTSENT *entry, size_t root_len)
{
	const char *name = entry->fts_path + root_len;
	uint64_t size;
	char kind;

	if (entry->fts_info == FTS_DP)
		return 0;
	if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
		return entry->fts_errno;
	kind = entry->fts_info == FTS_D ? 'd' : entry->fts_info == FTS_F ? 'f' : '?';
	size = kind == 'f' ? (uint64_t)entry->fts_statp->st_size : 0;
	XXH3_128bits_update(state, name, strlen(name) + 1);
	XXH3_128bits_update(state, &kind, 1);
	XXH3_128bits_update(state, &size, sizeof size);
	return kind == 'f' ? add_content(state, entry->fts_path) : 0;
}

int ccp_compare_digest_folder(struct ccp_compare_digest *digest, const char *folder, struct ccp_err *err)
{
	XXH3_state_t *state = XXH3_createState();
	char root[PATH_MAX], *const roots[] = { root, NULL };
	XXH128_hash_t hash;
	FTSENT *entry;
	FTS *walk;
	int error = 0;

	if (state == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	snprintf(root, sizeof root, "%s", folder);
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (walk == NULL) {
		ccp_err_sys(err, errno, "%s", folder);
		XXH3_freeState(state);
		return -1;
	}
	XXH3_128bits_reset(state);
	for (errno = 0; error == 0 && (entry = fts_read(walk)) != NULL; errno = 0)
		error = add_entry(state, entry, strlen(root));
	if (error == 0)
		error = errno; /* of fts_read */
	fts_close(walk);
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	if (error != 0)
		return ccp_err_sys(err, error, "outputs cannot be read back");
	*digest = (struct ccp_compare_digest){ hash.high64, hash.low64 };
	return 0;
}
#else
const char *ccp_compare_digest_probe(void)
{
	return "it needs libxxhash to compare outputs";
}

int ccp_compare_digest_folder(struct ccp_compare_digest *digest, const char *folder, struct ccp_err *err)
{
	(void)digest, (void)folder;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "built without libxxhash");
}
#endif
