/*
 * write/file.c: one target for every input, beside it or mirrored below a directory.
 *
 * open makes a temporary in the target's folder (temp.h), write appends to it, commit gives it the source's metadata
 * and then its name, and only then removes the source. What came from elsewhere has no metadata but perhaps a time.
 * Nothing is shared by inputs but what create has set.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/claims.h"
#include "pipeline/commit.h"
#include "pipeline/sink.h"
#include "pipeline/target.h"

extern const struct ccp_sink_ops ccp_sink_file;

/* Set before the run. */
struct ccp_sink {
	const struct ccp_sink_options *options;
	mode_t mode;            /* of files without a source to copy it from */
	bool sync;
	/* with -f and --rm: what this run has made, which another input of it must not replace; else NULL */
	struct ccp_keys *made;
};

static int file_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct ccp_sink *made = calloc(1, sizeof *made);

	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	if (options->force && options->remove_source && ccp_keys_new(&made->made, err) != 0) {
		free(made);
		return -1;
	}
	made->options = options;
	made->mode = ccp_output_mode();
	made->sync = ccp_commit_syncs(options);
	*sink = made;
	return 0;
}

static int file_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	char target[PATH_MAX];

	if (ccp_target_name(options, input, target, err) != 0)
		return -1;
	/* with -N the name is in the header, which nobody has read yet: file_open looks */
	return options->restore_name ? 0 : ccp_target_check(options, input, target, err);
}

static int file_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_sink_options *options = sink->options;
	struct ccp_temp *temp;
	char target[PATH_MAX];

	if (ccp_target_name(options, input, target, err) != 0)
		return -1;
	if (options->restore_name && ccp_target_check(options, input, target, err) != 0)
		return -1;
	int result = ccp_temp_open(&temp, target, err);
	/* missing folders are learned of in this way, so that those that are there cost nothing */
	if (result != 0 && err->sys == ENOENT && options->output_dir != NULL) {
		if (ccp_target_parents(target, sink->sync, err) != 0)
			return -1;
		ccp_err_clear(err);
		result = ccp_temp_open(&temp, target, err);
	}
	if (result == 0)
		input->sink_state = temp;
	return result;
}

static int file_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	const struct ccp_temp *temp = input->sink_state;

	(void)sink;
	return ccp_output_write(temp->fd, temp->target, data, len, err);
}

/* The time of an output without a source to copy it from: the header's (-N), or the one that was sent with it. */
static void set_time(const struct ccp_sink_options *options, const struct ccp_temp *temp, const struct ccp_input *input,
		     struct ccp_err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, input->origin.mtime };

	if (options->restore_name && input->found.has_mtime)
		times[1] = input->found.mtime;
	else if (!input->dated)
		return;
	if (futimens(temp->fd, times) != 0)
		ccp_err_set(err, CCP_W_METADATA, "cannot keep the times: %s", strerrordesc_np(errno));
}

static int file_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_sink_options *options = sink->options;
	struct ccp_temp *temp = input->sink_state;
	const struct timespec *mtime = &input->meta.st_mtim;

	input->sink_state = NULL;
	if (options->keep_metadata && input->has_meta) {
		if (options->restore_name && input->found.has_mtime) /* -N: the header's, if it had one */
			mtime = &input->found.mtime;
		ccp_metadata_copy(temp->fd, &temp->st, input, mtime, err);
	} else if (fchmod(temp->fd, sink->mode) != 0) {
		ccp_err_sys(err, errno, "permissions of %s", temp->target);
		ccp_temp_discard(temp);
		return -1;
	} else if (options->keep_metadata) {
		set_time(options, temp, input, err);
	}
	if (ccp_commit_enter(sink->made, temp->target, err) != 0) {
		ccp_temp_discard(temp);
		return -1;
	}
	if (ccp_temp_commit(temp, options->force, sink->sync, err) != 0)
		return -1;
	ccp_commit_remove_source(options, input, err);
	return 0;
}

static void file_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	ccp_temp_discard(input->sink_state);
	input->sink_state = NULL;
}

static int file_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)failed;
	(void)err;
	ccp_keys_free(sink->made);
	free(sink);
	return 0;
}

const struct ccp_sink_ops ccp_sink_file = {
	.name = "file",
	.help = "one file for each input, beside it or below --output-dir",
	.flags = CCP_SINK_BY_NAME,
	.create = file_create,
	.key = ccp_target_key,
	.check = file_check,
	.open = file_open,
	.write = file_write,
	.commit = file_commit,
	.abort = file_abort,
	.destroy = file_destroy,
};
