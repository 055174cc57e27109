/*
 * index.c: goes through a file that is in place already and writes its index beside it, hidden until it is whole. So
 * the index describes what is stored.
 *
 * Blocked gzip tells its places itself, which costs a small read for each block; that is tried first, and anything else
 * is noticed at the first byte that does not belong to it. Then the file is decoded.
 */
#include "cmd/index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/text.h"
#include "pipeline/codec/bgzf.h"
#include "pipeline/codec/gzip_index.h"
#include "pipeline/commit.h"
#include "pipeline/temp.h"

static bool is_interrupted(void *arg)
{
	(void)arg;
	return ccp_signals_caught() != 0;
}

static int write_index(int fd, const struct stat *st, int to, struct ccp_err *err)
{
	struct stat now;

	/* an empty file is no blocks of blocked gzip, too, but no gzip file */
	if (st->st_size > 0 && ccp_bgzf_index(fd, to, err) == 0)
		ccp_err_clear(err);
	else if (st->st_size > 0 && err->code != CCP_E_FORMAT)
		return -1;
	else if (ftruncate(to, 0) != 0)
		return ccp_err_sys(err, errno, "writing the index");
	else if (ccp_index_write(fd, to, CCP_INDEX_SPACING, is_interrupted, NULL, err) != 0)
		return -1;
	if (is_interrupted(NULL))
		return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
	if (fchmod(to, st->st_mode & 0666) != 0)
		return ccp_err_sys(err, errno, "permissions");
	if (fstat(fd, &now) != 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (now.st_size != st->st_size || now.st_mtim.tv_sec != st->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
		return ccp_err_set(err, CCP_E_CHANGED, "changed while it was read");
	return 0;
}

int ccp_index_file(const char *path, const char *index, bool force, bool sync, struct ccp_err *err)
{
	struct ccp_temp *temp;
	struct stat st, old;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), result = -1;

	if (fd < 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		ccp_err_set(err, CCP_E_UNSUPPORTED, "only a regular file can have an index");
	else if (!force && lstat(index, &old) == 0)
		ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", index);
	else
		result = ccp_temp_open(&temp, index, err);
	if (result == 0) {
		result = write_index(fd, &st, temp->fd, err);
		if (result == 0)
			result = ccp_temp_commit(temp, force, sync, err);
		else
			ccp_temp_discard(temp);
	}
	close(fd);
	return result;
}

void ccp_index_make(struct ccp_report *report, const struct ccp_input *input)
{
	const struct ccp_settings *s = report->settings;
	char index[PATH_MAX + sizeof CCP_INDEX_SUFFIX], name[PATH_MAX];
	const char *target = input != NULL ? ccp_report_target(report, input, name) : s->output;
	bool sync = ccp_commit_syncs(&report->run->sink_options);
	struct ccp_err err;

	ccp_err_clear(&err);
	snprintf(index, sizeof index, "%s" CCP_INDEX_SUFFIX, target);
	if (ccp_index_file(target, index, true, sync, &err) == 0 || err.code == CCP_E_CANCELLED)
		return;
	pthread_mutex_lock(&report->lock);
	ccp_progress_clear(&report->progress);
	flockfile(stderr);
	fprintf(stderr, "%s: ", s->program);
	ccp_text_path(stderr, index);
	fprintf(stderr, ": %s\n", err.text);
	funlockfile(stderr);
	ccp_report_raise(report, CCP_EXIT_FAILED);
	pthread_mutex_unlock(&report->lock);
}
