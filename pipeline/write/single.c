/*
 * write/single.c: one file for all inputs (-o FILE).
 *
 * A file is written as the file sink does it: a temporary beside it, renamed at the very end, removed if the run
 * failed. What exists and is no file (a FIFO, a device, /dev/stdout) cannot be replaced, so it is opened and written in
 * place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/commit.h"
#include "pipeline/sink.h"
#include "pipeline/target.h"

extern const struct ccp_sink_ops ccp_sink_single;

/* Set before the run. */
struct ccp_sink {
	const struct ccp_sink_options *options;
	struct ccp_temp *temp;  /* NULL = in place */
	int fd;                 /* of either */
	bool sync;
};

/* Decides how `path` will be written and opens it. */
static int open_output(struct ccp_sink *sink, const char *path, struct ccp_err *err)
{
	struct stat st;
	int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC;
	bool exists = stat(path, &st) == 0;

	if (exists && S_ISDIR(st.st_mode))
		return ccp_err_sys(err, EISDIR, "%s", path);
	if (exists && (!S_ISREG(st.st_mode) || ccp_target_is_descriptor(path))) {
		/* behind a descriptor's name may stand a file with something in it */
		sink->fd = open(path, S_ISREG(st.st_mode) ? flags | O_APPEND : flags);
		return sink->fd >= 0 ? 0 : ccp_err_sys(err, errno, "%s", path);
	}
	/* lstat: a link that leads nowhere is in the way too */
	if (!sink->options->force && lstat(path, &st) == 0)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", path);
	if (ccp_temp_open(&sink->temp, path, err) != 0)
		return -1;
	sink->fd = sink->temp->fd;
	return 0;
}

static int single_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct ccp_sink *made = malloc(sizeof *made);

	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	*made = (struct ccp_sink){ .options = options, .fd = -1, .sync = ccp_commit_syncs(options) };
	if (options->output == NULL || options->output[0] == '\0') {
		ccp_err_set(err, CCP_E_NAME, "the output has no name");
		goto out;
	}
	if (open_output(made, options->output, err) != 0)
		goto out;
	*sink = made;
	return 0;
out:
	free(made);
	return -1;
}

static bool is_file(const char *path, const struct stat *meta)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == meta->st_dev && st.st_ino == meta->st_ino;
}

/* The output among the inputs: an older one that would be replaced, or the temporary, met by a walk of its folder. */
static int single_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	const char *slash = strrchr(input->path, '/');
	char temp[PATH_MAX];

	if (!S_ISREG(input->meta.st_mode))
		return 0;
	if (is_file(options->output, &input->meta))
		return ccp_err_set(err, CCP_E_OTHER, "input file is output file");
	/* a name that is no temporary's needs no look at the disk */
	if (slash == NULL ? input->path[0] != '.' : slash[1] != '.')
		return 0;
	for (int hashed = 0; hashed <= 1; hashed++) {
		if (ccp_temp_path(options->output, hashed != 0, temp) == 0 && is_file(temp, &input->meta))
			return ccp_err_set(err, CCP_E_OTHER, "input file is output file");
	}
	return 0;
}

static int single_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	input->sink_state = NULL;
	/* once more: in a worker process names like /dev/stdout mean another file */
	return single_check(sink->options, input, err);
}

static int single_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
			struct ccp_err *err)
{
	(void)input;
	return ccp_output_write(sink->fd, sink->options->output, data, len, err);
}

/* The source stays even with remove_source: when its last byte has come, the output does not stand yet. */
static int single_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void single_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	(void)input;
}

static int finish_temp(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	if (failed) {
		ccp_temp_discard(sink->temp);
		return 0;
	}
	if (fchmod(sink->fd, ccp_output_mode()) != 0) {
		ccp_err_sys(err, errno, "permissions of %s", sink->options->output);
		ccp_temp_discard(sink->temp);
		return -1;
	}
	return ccp_temp_commit(sink->temp, sink->options->force, sink->sync, err);
}

static int finish_in_place(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	const char *name = sink->options->output;
	int result = 0;

	if (!failed && sink->sync)
		result = ccp_output_sync(sink->fd, name, err);
	if (close(sink->fd) != 0 && errno != EINTR && !failed && result == 0)
		result = ccp_err_sys(err, errno, "closing %s", name);
	return result;
}

int ccp_sink_single_fd(const struct ccp_sink *sink)
{
	return sink->temp != NULL ? sink->fd : -1;
}

static int single_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	int result;

	if (sink == NULL)
		return 0;
	result = sink->temp != NULL ? finish_temp(sink, failed, err) : finish_in_place(sink, failed, err);
	free(sink);
	return result;
}

const struct ccp_sink_ops ccp_sink_single = {
	.name = "single",
	.help = "one file for all inputs (-o FILE)",
	.flags = CCP_SINK_SHARED,
	.create = single_create,
	.check = single_check,
	.open = single_open,
	.write = single_write,
	.commit = single_commit,
	.abort = single_abort,
	.destroy = single_destroy,
};
