/*
 * files.c: the source for regular files.
 *
 * A small file is one job that opens, reads and closes it by itself, so that a worker process can do all of it. It asks
 * for one byte more than fstat promised: a read that comes back with exactly the promised size has seen the end, and no
 * second read is needed to learn it. A big file is opened once, by NEXT, and its jobs read at their own offsets; in a
 * worker process, where that descriptor is not valid, a job opens it again through /proc, or by its path if that is not
 * allowed, and makes sure that it is the same file. When a job has its bytes, fstat tells whether the file changed
 * meanwhile.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pipeline/source.h"

/* Links and directories as well: they are opened, or refused, by the rules of files. */
static bool files_claims(const char *path, const struct stat *st)
{
	(void)path;
	return st != NULL && (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode) || S_ISDIR(st->st_mode));
}

static int open_error(struct ccp_err *err, int sys, const struct ccp_source_options *options)
{
	if (sys == ELOOP && !ccp_source_follows(options)) {
		ccp_err_set(err, CCP_E_SYMLINK, "is a symbolic link");
		err->sys = ELOOP;
		return -1;
	}
	return ccp_err_sys(err, sys, "%s", "");
}

/* The rules, and: what was a regular file when NEXT looked at it still is one. */
static int describe(struct ccp_input *input, int fd, const struct ccp_source_options *options, struct ccp_err *err)
{
	if (ccp_source_describe(input, fd, options, err) != 0)
		return -1;
	if (!input->has_meta)
		return ccp_err_set(err, CCP_E_CHANGED, "is no longer a regular file");
	return 0;
}

static int files_open(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	int fd;

	do
		fd = open(input->path, ccp_source_open_flags(options));
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return open_error(err, errno, options);
	if (describe(input, fd, options, err) != 0) {
		close(fd);
		return -1;
	}
	/* Advice: without it the kernel reads ahead half as far, and several readers at once look random to it. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	input->fd = fd;
	input->opener = getpid();
	return 0;
}

static void files_close(struct ccp_input *input)
{
	if (input->fd >= 0)
		close(input->fd);
	input->fd = -1;
}

/* Ends a job that failed. piece.err is set. */
static int give_up(struct ccp_job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	job->fd = -1;
	job->step = CCP_LOAD_DONE;
	return -1;
}

/* How many bytes the job still asks for. */
static size_t missing(const struct ccp_job *job)
{
	size_t goal = job->load_bytes;

	/*
	 * A whole file: its size and one byte. All that there is room for if the size is no help: it is 0, or there was
	 * more.
	 */
	if (job->whole && job->input->size > 0 && job->piece.in.len <= job->input->size && job->input->size < goal)
		goal = (size_t)job->input->size + 1;
	return goal - job->piece.in.len;
}

static int files_want(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want)
{
	if (job->step == CCP_LOAD_START) {
		job->piece.in.len = 0;
		if (job->whole || job->reopen) {
			want->kind = CCP_WANT_OPEN;
			want->path = job->input->path;
			want->flags = ccp_source_open_flags(options);
			if (!job->whole && !job->by_path) { /* the very file, whatever its name is now */
				snprintf(job->descriptor, sizeof job->descriptor, "/proc/%d/fd/%d",
					 (int)job->input->opener, job->input->fd);
				want->path = job->descriptor;
				want->flags &= ~O_NOFOLLOW;
			}
			return 0;
		}
		/* A file that became empty between NEXT's look and its open has one job of no bytes. */
		job->step = job->load_bytes > 0 ? CCP_LOAD_READING : CCP_LOAD_DONE;
	}
	switch (job->step) {
	case CCP_LOAD_READING:
		assert(missing(job) <= ccp_buf_room(&job->piece.in));
		want->kind = CCP_WANT_READ;
		want->fd = job->fd >= 0 ? job->fd : job->input->fd;
		want->offset = job->piece.offset + job->piece.in.len;
		want->data = job->piece.in.data + job->piece.in.len;
		want->len = missing(job);
		break;
	case CCP_LOAD_CLOSING:
		want->kind = CCP_WANT_CLOSE;
		want->fd = job->fd;
		break;
	default:
		want->kind = CCP_WANT_NOTHING;
		break;
	}
	return 0;
}

static int got_open(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	struct ccp_input *input = job->input;
	struct ccp_err *err = &job->piece.err;
	struct stat st;

	if (result == -EINTR)
		return 0;
	if (result < 0 && !job->whole && !job->by_path) { /* no /proc, or not allowed there */
		job->by_path = true;
		return 0;
	}
	if (result < 0) {
		open_error(err, (int)-result, options);
		return give_up(job);
	}
	job->fd = (int)result;
	if (job->whole) {
		if (describe(input, job->fd, options, err) != 0)
			return give_up(job);
		if (input->size >= job->load_bytes) {
			ccp_err_set(err, CCP_E_CHANGED, "grew while it was read");
			return give_up(job);
		}
	} else if (fstat(job->fd, &st) != 0) {
		ccp_err_sys(err, errno, "%s", "");
		return give_up(job);
	} else if (st.st_dev != input->meta.st_dev || st.st_ino != input->meta.st_ino) {
		ccp_err_at(err, CCP_E_CHANGED, job->piece.offset, "was replaced while it was read");
		return give_up(job);
	}
	job->step = job->whole || job->load_bytes > 0 ? CCP_LOAD_READING : CCP_LOAD_CLOSING;
	return 0;
}

static int got_read(struct ccp_job *job, int64_t result)
{
	struct ccp_buf *in = &job->piece.in;
	struct ccp_err *err = &job->piece.err;

	if (result == -EINTR || result == -EAGAIN)
		return 0;
	if (result < 0) {
		ccp_err_sys(err, (int)-result, "%s", "");
		err->offset = job->piece.offset + in->len;
		return give_up(job);
	}
	assert((uint64_t)result <= missing(job));
	in->len += (size_t)result;
	if (job->whole) {
		if (in->len == job->load_bytes) {
			ccp_err_at(err, CCP_E_CHANGED, in->len - 1, "grew while it was read");
			return give_up(job);
		}
		/* One byte more than the size was asked for: exactly the size is the end. A short read is not. */
		if (result > 0 && in->len != job->input->size)
			return 0;
	} else if (in->len < job->load_bytes) {
		if (result > 0)
			return 0;
		ccp_err_at(err, CCP_E_CHANGED, job->piece.offset + in->len, "shrank while it was read");
		return give_up(job);
	}
	ccp_source_note_change(job->input, job->fd >= 0 ? job->fd : job->input->fd, err);
	job->step = job->fd >= 0 ? CCP_LOAD_CLOSING : CCP_LOAD_DONE;
	return 0;
}

static int files_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	switch (job->step) {
	case CCP_LOAD_START:
		return got_open(job, options, result);
	case CCP_LOAD_READING:
		return got_read(job, result);
	default:
		/* Whatever close says, the descriptor is gone: close(2), "Dealing with error returns from close()". */
		job->fd = -1;
		job->step = CCP_LOAD_DONE;
		return 0;
	}
}

const struct ccp_source_ops ccp_source_files = {
	.name = "files",
	.help = "regular files, cut into chunks that are read in parallel",
	.rank = 10,
	.claims = files_claims,
	.open = files_open,
	.want = files_want,
	.got = files_got,
	.close = files_close,
};
