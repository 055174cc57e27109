/*
 * write/into.c: one tar archive with a member for each input (--into FILE.tar).
 *
 * Below it is the sink `single` or, without options.output, `stdout`: it opens the archive, and gives it its name when
 * the run is over. Members are put in by tar_append.h, in a file at the place of their own, to a stream through a
 * spool. An input that fails leaves nothing in it, and the others go on; but when the archive itself cannot be written
 * the next write fails, and with it the run.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/output.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/tar_append.h"
#include "pipeline/tar_layout.h"
#include "pipeline/target.h"

extern const struct ccp_sink_ops ccp_sink_into, ccp_sink_single, ccp_sink_stdout;

struct ccp_sink {
	/* set before the run */
	const struct ccp_sink_options *options;
	const struct ccp_sink_ops *below;
	struct ccp_sink *out;           /* of `below` */
	struct stat none;               /* of what has no metadata */
	/* owned by whoever emits */
	struct ccp_tar_append *archive;
	struct ccp_err broken;          /* why the archive is lost; CCP_OK = it is not */
};

static int put(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_sink *sink = arg;

	return sink->below->write(sink->out, NULL, data, len, err);
}

static int into_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct ccp_sink *made = calloc(1, sizeof *made);

	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->options = options;
	made->below = options->output != NULL ? &ccp_sink_single : &ccp_sink_stdout;
	made->none = (struct stat){ .st_mode = ccp_output_mode(), .st_uid = geteuid(), .st_gid = getegid(),
				    .st_mtim.tv_sec = time(NULL) };
	if (made->below->create(&made->out, options, err) != 0) {
		free(made);
		return -1;
	}

	const struct ccp_tar_append_options archive = {
		.fd = options->output != NULL ? ccp_sink_single_fd(made->out) : -1,
		.name = options->output != NULL ? options->output : "standard output",
		.put = put,
		.arg = made,
	};
	struct ccp_err late;

	if (ccp_tar_append_new(&made->archive, &archive, err) != 0) {
		made->below->destroy(made->out, true, &late);
		free(made);
		return -1;
	}
	*sink = made;
	return 0;
}

int ccp_sink_into_name(const struct ccp_sink_options *options, const struct ccp_input *input, char *name,
		       struct ccp_err *err)
{
	struct ccp_sink_options beside = *options;
	bool remote = input->source != NULL && (input->source->flags & CCP_SOURCE_REMOTE);
	char here[] = ".";

	beside.output = NULL;
	beside.output_dir = remote ? here : NULL;
	if (input->is_stdin)
		return ccp_err_set(err, CCP_E_NAME, "has no name for a member of the archive");
	if (ccp_target_name(&beside, input, name, err) != 0)
		return -1;
	if (remote) /* "./" */
		memmove(name, name + 2, strlen(name + 2) + 1);
	return input->source == &ccp_source_member ? ccp_target_cut_url(name, err) : 0;
}

static int into_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	char name[PATH_MAX];

	if (ccp_sink_into_name(options, input, name, err) != 0)
		return -1;
	return options->output != NULL ? ccp_sink_single.check(options, input, err)
				       : ccp_sink_stdout.check(options, input, err);
}

/* Remembers why the archive is lost. */
static int broken(struct ccp_sink *sink, const struct ccp_err *err)
{
	if (sink->broken.code == CCP_OK)
		sink->broken = *err;
	return -1;
}

static int into_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	struct stat st = sink->none;
	char name[PATH_MAX];

	input->sink_state = NULL;
	if (ccp_sink_into_name(sink->options, input, name, err) != 0)
		return -1;
	if (input->has_meta) {
		st = input->meta;
		st.st_mode &= 0777; /* others are for programs, and no file that we write keeps them */
	} else if (input->origin.has_mtime) {
		st.st_mtim = input->origin.mtime;
	}
	if (sink->options->restore_name && input->found.has_mtime) /* -N */
		st.st_mtim = input->found.mtime;
	return ccp_tar_append_begin(sink->archive, name + ccp_tar_name_cut(name), &st, err);
}

static int into_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
		      struct ccp_err *err)
{
	(void)input;
	if (sink->broken.code != CCP_OK) {
		*err = sink->broken;
		return -1;
	}
	return ccp_tar_append_write(sink->archive, data, len, err) == 0 ? 0 : broken(sink, err);
}

/* Sources stay: when the last byte of one has come, the archive does not stand yet. */
static int into_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)input;
	if (sink->broken.code != CCP_OK) {
		ccp_tar_append_drop(sink->archive);
		*err = sink->broken;
		return -1;
	}
	return ccp_tar_append_finish(sink->archive, err) == 0 ? 0 : broken(sink, err);
}

static void into_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)input;
	ccp_tar_append_drop(sink->archive);
}

static int into_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	struct ccp_err late;
	int result = 0;

	if (sink == NULL)
		return 0;
	if (!failed && sink->broken.code != CCP_OK)
		*err = sink->broken;
	if (!failed && (sink->broken.code != CCP_OK || ccp_tar_append_end(sink->archive, err) != 0))
		result = -1;
	if (result == 0)
		result = sink->below->destroy(sink->out, failed, err);
	else
		sink->below->destroy(sink->out, true, &late);
	ccp_tar_append_free(sink->archive);
	free(sink);
	return result;
}

const struct ccp_sink_ops ccp_sink_into = {
	.name = "into",
	.help = "a tar archive with a member for each input (--into FILE.tar)",
	.flags = CCP_SINK_SHARED | CCP_SINK_PLACES,
	.create = into_create,
	.check = into_check,
	.open = into_open,
	.write = into_write,
	.commit = into_commit,
	.abort = into_abort,
	.destroy = into_destroy,
};
