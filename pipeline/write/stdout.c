/*
 * write/stdout.c: standard output, for all inputs in order.
 *
 * Late errors: a full device (/dev/full, a full disk) tells at write already, because there is no buffer here that
 * could hold bytes back; quotas of NFS and the like tell when the descriptor is flushed at the end; a dying disk tells
 * only at fsync, which is done if asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/commit.h"
#include "pipeline/sink.h"

#define NAME "standard output"
#define PIPE_BYTES (1 << 20) /* the most that an ordinary user may ask for: fs.pipe-max-size */

extern const struct ccp_sink_ops ccp_sink_stdout;

/* Set before the run. */
struct ccp_sink {
	bool sync;
};

static int stdout_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct stat st;
	struct ccp_sink *made;

	if (fstat(STDOUT_FILENO, &st) != 0)
		return ccp_err_sys(err, errno, NAME);
	/* fewer changes between us and the reader; a pipe that is larger already stays */
	if (S_ISFIFO(st.st_mode) && fcntl(STDOUT_FILENO, F_GETPIPE_SZ) < PIPE_BYTES)
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	made = malloc(sizeof *made);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	/* AUTO syncs where a source goes, and none goes for what was written to a stream */
	made->sync = options->fsync == CCP_FSYNC_ALWAYS;
	*sink = made;
	return 0;
}

/* `ccpipe -c a >>a` would read what it writes: refused, as cat does. */
static int stdout_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	struct stat st;

	(void)options;
	if (!S_ISREG(input->meta.st_mode) || input->meta.st_size == 0)
		return 0;
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == input->meta.st_dev &&
	    st.st_ino == input->meta.st_ino)
		return ccp_err_set(err, CCP_E_OTHER, "input file is output file");
	return 0;
}

static int stdout_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	input->sink_state = NULL;
	/* once more: a worker process, which has another standard output, cannot know */
	return input->bytes_out == 0 ? stdout_check(NULL, input, err) : 0;
}

static int stdout_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
			struct ccp_err *err)
{
	(void)sink;
	(void)input;
	return ccp_output_write(STDOUT_FILENO, NAME, data, len, err);
}

static int stdout_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void stdout_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	(void)input;
}

static int stdout_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	bool sync = sink != NULL && sink->sync;

	free(sink);
	if (failed)
		return 0;
	return sync ? ccp_output_sync(STDOUT_FILENO, NAME, err) : ccp_output_flush(STDOUT_FILENO, NAME, err);
}

const struct ccp_sink_ops ccp_sink_stdout = {
	.name = "stdout",
	.help = "standard output",
	.flags = CCP_SINK_SHARED,
	.create = stdout_create,
	.check = stdout_check,
	.open = stdout_open,
	.write = stdout_write,
	.commit = stdout_commit,
	.abort = stdout_abort,
	.destroy = stdout_destroy,
};
