/*
 * read/tar.c: the source of an archive that is to be written.
 *
 * A chunk of the archive holds headers and padding, which the layout makes without I/O, and parts of files, each of
 * which is opened, read and closed by the job alone: nobody shares a descriptor, and any process can load any chunk.
 * What lies where was settled before the run. So a file that cannot be read any more, or has become shorter, leaves
 * zeros, and one that has become longer is cut; each is noted in the layout for whoever reports, and the run goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/source.h"
#include "pipeline/tar_layout.h"

/* It is what the command reads from (next.h, only), and no name leads to it. */
static bool tar_claims(const char *path, const struct stat *st)
{
	(void)path, (void)st;
	return false;
}

static int tar_open(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	(void)err;
	input->size = ccp_tar_layout_bytes(options->tar);
	input->sized = true;
	return 0;
}

static void tar_close(struct ccp_input *input)
{
	(void)input;
}

/* Makes what comes from no file, and finds the file that comes next; data->len is 0 at the end of the chunk. */
static void fill(struct ccp_job *job, const struct ccp_tar_layout *layout, struct ccp_tar_data *data)
{
	struct ccp_buf *in = &job->piece.in;

	in->len += ccp_tar_layout_fill(layout, job->piece.offset + in->len, in->data + in->len,
				       job->load_bytes - in->len, data);
}

static int tar_want(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want)
{
	struct ccp_tar_data data;

	if (job->step == CCP_LOAD_START) {
		job->piece.in.len = 0;
		job->step = CCP_LOAD_BETWEEN;
	}
	if (job->step == CCP_LOAD_CLOSING) {
		want->kind = CCP_WANT_CLOSE;
		want->fd = job->fd;
		return 0;
	}
	fill(job, options->tar, &data);
	if (data.len == 0) {
		job->step = CCP_LOAD_DONE;
		want->kind = CCP_WANT_NOTHING;
	} else if (job->step == CCP_LOAD_BETWEEN) {
		want->kind = CCP_WANT_OPEN;
		want->path = data.path;
		want->flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	} else {
		want->kind = CCP_WANT_READ;
		want->fd = job->fd;
		want->offset = data.offset;
		want->data = job->piece.in.data + job->piece.in.len;
		want->len = data.len;
	}
	return 0;
}

/* The rest of this file's part of the chunk becomes zeros. */
static void give_zeros(struct ccp_job *job, const struct ccp_tar_layout *layout, unsigned what, int sys)
{
	struct ccp_buf *in = &job->piece.in;
	struct ccp_tar_data data;

	fill(job, layout, &data);
	memset(in->data + in->len, 0, data.len);
	in->len += data.len;
	ccp_tar_layout_note(layout, data.member, what, sys);
}

static void got_read(struct ccp_job *job, const struct ccp_tar_layout *layout, int64_t result)
{
	struct ccp_tar_data data;
	struct stat st;

	fill(job, layout, &data); /* makes nothing: tells what was asked for */
	if (result <= 0) {
		give_zeros(job, layout, result == 0 ? CCP_TAR_SHRANK : CCP_TAR_UNREAD, (int)-result);
	} else {
		job->piece.in.len += (size_t)result;
		if ((uint64_t)result < data.len)
			return;
		if (fstat(job->fd, &st) != 0 || !ccp_tar_layout_same(layout, data.member, &st))
			ccp_tar_layout_note(layout, data.member, CCP_TAR_CHANGED, 0);
	}
	job->step = CCP_LOAD_CLOSING;
}

static int tar_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	struct ccp_tar_data data;
	struct stat st;

	if (job->step == CCP_LOAD_CLOSING) { /* whatever close says, the descriptor is gone */
		job->fd = -1;
		job->step = CCP_LOAD_BETWEEN;
		return 0;
	}
	if (result == -EINTR || result == -EAGAIN)
		return 0;
	if (job->step == CCP_LOAD_READING) {
		got_read(job, options->tar, result);
		return 0;
	}
	if (result == -EMFILE || result == -ENFILE || result == -ENOMEM) { /* our trouble, not the file's */
		job->step = CCP_LOAD_DONE;
		return ccp_err_sys(&job->piece.err, (int)-result, "%s", "");
	}
	if (result < 0) {
		give_zeros(job, options->tar, CCP_TAR_UNREAD, (int)-result);
		return 0;
	}
	job->fd = (int)result;
	fill(job, options->tar, &data); /* makes nothing: tells whose bytes are wanted */
	if (fstat(job->fd, &st) == 0 && ccp_tar_layout_is(options->tar, data.member, &st)) {
		job->step = CCP_LOAD_READING;
		return 0;
	}
	/* whoever may change the tree must not choose what of the rest of the system is stored, or make us wait */
	give_zeros(job, options->tar, CCP_TAR_UNREAD, ENOENT);
	job->step = CCP_LOAD_CLOSING;
	return 0;
}

const struct ccp_source_ops ccp_source_tar = {
	.name = "tar",
	.help = "an archive that is to be written: headers, and parts of files",
	.rank = 100,
	.claims = tar_claims,
	.open = tar_open,
	.want = tar_want,
	.got = tar_got,
	.close = tar_close,
};
