/*
 * commit.c: deciding about syncing, and removing a source safely; see commit.h.
 *
 * Removing by name is a race: the name may stand for another file by now (gzip, pigz, zstd, bzip2 and lz4 all remove
 * it). So the name is looked at once more. Between that look and the unlink a moment remains, which Linux gives no way
 * to close.
 */
#include "pipeline/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ccp_commit_syncs(const struct ccp_sink_options *options)
{
	return options->fsync == CCP_FSYNC_ALWAYS || (options->fsync == CCP_FSYNC_AUTO && options->remove_source);
}

int ccp_commit_enter(struct ccp_keys *made, const char *target, struct ccp_err *err)
{
	if (made == NULL || ccp_keys_add(made, ccp_path_key(target)) == 1)
		return 0;
	return ccp_err_set(err, CCP_W_EXISTS, "%s was made from another input just now; not overwritten", target);
}

static bool same(const struct stat *now, const struct stat *then)
{
	return now->st_dev == then->st_dev && now->st_ino == then->st_ino && now->st_size == then->st_size &&
	       now->st_mtim.tv_sec == then->st_mtim.tv_sec && now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

void ccp_commit_remove_source(const struct ccp_sink_options *options, const struct ccp_input *input,
			      struct ccp_err *err)
{
	struct stat st;

	if (!options->remove_source || !input->has_meta || input->is_stdin || input->salvaged)
		return;
	int result = fstatat(AT_FDCWD, input->path, &st, AT_SYMLINK_NOFOLLOW);
	/* with -f a link was followed, and as in gzip and xz the link is what goes; the file behind it stays */
	if (result == 0 && S_ISLNK(st.st_mode) && options->force)
		result = fstatat(AT_FDCWD, input->path, &st, 0);
	if (result != 0)
		ccp_err_set(err, CCP_W_CHANGED, "the source was not removed: %s", strerrordesc_np(errno));
	else if (st.st_dev != input->meta.st_dev || st.st_ino != input->meta.st_ino)
		ccp_err_set(err, CCP_W_CHANGED, "another file has taken the source's name; it was kept");
	else if (!same(&st, &input->meta))
		ccp_err_set(err, CCP_W_CHANGED, "the source changed while it was read; it was kept");
	else if (unlinkat(AT_FDCWD, input->path, 0) != 0)
		ccp_err_set(err, CCP_W_OTHER, "cannot remove the source: %s", strerrordesc_np(errno));
}
