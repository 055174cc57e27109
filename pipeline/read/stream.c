/*
 * stream.c: the source for what can only be read from its beginning to its end: standard input, FIFOs, devices, and
 * files that do not say how long they are (/proc).
 *
 * A job reads one byte more than a chunk. If that byte is there, more follows: it is kept in input->peeked and becomes
 * the first byte of the next job. If the end comes first the job is the last one. So chunks are the same as those of a
 * file with the same bytes, however the writer's portions fall.
 *
 * With options.lulls what has come is given out once its first byte has waited for a moment and there is no more to be
 * read: of a stream that trickles, and of one that has fallen silent. A stream that comes fast fills its chunks.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/source.h"

#define LULL_NS UINT64_C(100000000) /* nobody who reads along notices; what writes without a pause is never that slow */

extern const struct ccp_source_ops ccp_source_stream;

/* Everything: it is asked last. */
static bool stream_claims(const char *path, const struct stat *st)
{
	(void)path;
	(void)st;
	return true;
}

/*
 * Standard input is not ours: its flags stay (O_NONBLOCK would be seen by everyone who shares the description), it is
 * read from where it stands, and the rules do not apply. A directory is refused by read itself.
 */
static int open_stdin(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	if (fstat(STDIN_FILENO, &input->meta) != 0)
		return ccp_err_sys(err, errno, "%s", "");

	bool regular = S_ISREG(input->meta.st_mode);

	if (regular && input->meta.st_size > 0) {
		off_t here = lseek(STDIN_FILENO, 0, SEEK_CUR);

		input->sized = here >= 0;
		input->size = here >= 0 && here < input->meta.st_size ? (uint64_t)(input->meta.st_size - here) : 0;
	}
	input->origin.name[0] = '\0';
	input->origin.mtime = input->meta.st_mtim;
	input->origin.has_mtime = regular || options->need_mtime;
	input->fd = STDIN_FILENO;
	return 0;
}

static int stream_open(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	int fd;

	if (input->is_stdin)
		return open_stdin(input, options, err);
	/* O_NONBLOCK: a FIFO without a writer opens at once; the wait for it is LOAD's, which can be cancelled. */
	do
		fd = open(input->path, ccp_source_open_flags(options));
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (ccp_source_describe(input, fd, options, err) != 0) {
		close(fd);
		return -1;
	}
	/* A size of 0 is why a regular file is a stream; it says nothing. */
	input->sized = input->size > 0;
	input->fd = fd;
	return 0;
}

static void stream_close(struct ccp_input *input)
{
	if (input->fd >= 0 && !input->is_stdin)
		close(input->fd);
	input->fd = -1;
}

/* Whether the job may be given out before it is full. Sources that read by way of this one are not cut anywhere. */
static bool may_lull(const struct ccp_job *job, const struct ccp_source_options *options)
{
	return options->lulls && job->input->source == &ccp_source_stream && job->piece.in.len > 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* To be called when the job may have got its first bytes. */
static void note_begin(struct ccp_job *job, const struct ccp_source_options *options)
{
	if (may_lull(job, options))
		job->input->since_ns = now_ns();
}

static int stream_want(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want)
{
	struct ccp_input *input = job->input;
	struct ccp_buf *in = &job->piece.in;

	if (job->step == CCP_LOAD_START) {
		in->len = 0;
		if (input->peeked >= 0)
			in->data[in->len++] = (uint8_t)input->peeked;
		input->peeked = -1;
		job->piece.offset = input->streamed;
		note_begin(job, options);
		job->step = CCP_LOAD_READING;
	}
	if (job->step != CCP_LOAD_READING) {
		want->kind = CCP_WANT_NOTHING;
		return 0;
	}
	assert(job->load_bytes > 1 && job->load_bytes <= in->cap);
	want->kind = CCP_WANT_STREAM;
	want->fd = input->fd;
	want->data = in->data + in->len;
	want->len = job->load_bytes - in->len;
	want->due_ns = may_lull(job, options) ? input->since_ns + LULL_NS : 0;
	return 0;
}

/* More may follow, unless piece.last says otherwise. */
static void give_out(struct ccp_job *job)
{
	job->input->streamed += job->piece.in.len;
	job->step = CCP_LOAD_DONE;
}

static int stream_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	struct ccp_input *input = job->input;
	struct ccp_buf *in = &job->piece.in;
	bool began;

	if (result == -EINTR || result == -EAGAIN)
		return 0;
	if (result == -ETIME && may_lull(job, options)) {
		give_out(job);
		job->piece.lull = true;
		return 0;
	}
	if (result < 0) {
		if (result == -ECANCELED) {
			ccp_err_set(&job->piece.err, CCP_E_CANCELLED, "interrupted");
		} else {
			ccp_err_sys(&job->piece.err, (int)-result, "%s", "");
			job->piece.err.offset = job->piece.offset + in->len;
		}
		job->piece.last = true; /* nothing follows */
		job->step = CCP_LOAD_DONE;
		return -1;
	}
	assert((uint64_t)result <= job->load_bytes - in->len);
	began = in->len == 0;
	in->len += (size_t)result;
	if (began)
		note_begin(job, options);
	if (result > 0 && in->len < job->load_bytes)
		return 0;
	if (result > 0) {
		input->peeked = in->data[--in->len];
	} else {
		job->piece.last = true;
		if (input->has_meta)
			ccp_source_note_change(input, input->fd, &job->piece.err);
	}
	give_out(job);
	return 0;
}

const struct ccp_source_ops ccp_source_stream = {
	.name = "stream",
	.help = "standard input, FIFOs, devices and /proc, read in order",
	.flags = CCP_SOURCE_STREAM,
	.rank = 20,
	.claims = stream_claims,
	.open = stream_open,
	.want = stream_want,
	.got = stream_got,
	.close = stream_close,
};
