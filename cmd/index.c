/*
 * index.c: goes through an output that is in place already and writes its index beside it, hidden until it is whole.
 * So the index describes what is stored, and costs a small read for each block.
 */
#include "cmd/index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/text.h"
#include "pipeline/codec/bgzf.h"
#include "pipeline/commit.h"
#include "pipeline/temp.h"

#define INDEX_SUFFIX ".gzi"

/* With the mode of the output. Errors: -1 with `err`. */
static int make(const char *target, const char *index, bool sync, struct ccp_err *err)
{
	struct ccp_temp *temp;
	struct stat st;
	int fd = open(target, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "only a regular file can have an index");
	}
	result = ccp_temp_open(&temp, index, err);
	if (result == 0) {
		result = ccp_bgzf_index(fd, temp->fd, err);
		if (result == 0 && fchmod(temp->fd, st.st_mode & 0666) != 0)
			result = ccp_err_sys(err, errno, "permissions");
		if (result == 0)
			result = ccp_temp_commit(temp, true, sync, err);
		else
			ccp_temp_discard(temp);
	}
	close(fd);
	return result;
}

void ccp_index_make(struct ccp_report *report, const struct ccp_input *input)
{
	const struct ccp_settings *s = report->settings;
	char index[PATH_MAX + sizeof INDEX_SUFFIX], name[PATH_MAX];
	const char *target = input != NULL ? ccp_report_target(report, input, name) : s->output;
	bool sync = ccp_commit_syncs(&report->run->sink_options);
	struct ccp_err err;

	ccp_err_clear(&err);
	snprintf(index, sizeof index, "%s" INDEX_SUFFIX, target);
	if (make(target, index, sync, &err) == 0)
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
