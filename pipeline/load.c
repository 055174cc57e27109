/*
 * load.c: LOAD in the caller, and the rules that all sources share.
 *
 * ccp_source_load asks the source what it wants, does it with one blocking call, and tells the result, until the job is
 * loaded. Only streams are waited for: a regular file always answers, so it is not worth a poll.
 * The rules (what may be an input, what is kept of its stat, whether it changed) stand here once, so that a file that
 * is read whole, one that is cut and one that is streamed are refused for the same reasons with the same words.
 */
#include "pipeline/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pipeline/meter.h"

const struct ccp_source_ops *ccp_source_for(const char *path, const struct stat *st)
{
	const struct ccp_source_ops *best = NULL;

	for (size_t i = 0; ccp_sources[i] != NULL; i++) {
		const struct ccp_source_ops *source = ccp_sources[i];

		if ((best == NULL || source->rank < best->rank) && source->claims(path, st))
			best = source;
	}
	return best;
}

int ccp_source_open_flags(const struct ccp_source_options *options)
{
	return O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (ccp_source_follows(options) ? 0 : O_NOFOLLOW);
}

int ccp_source_check(const struct stat *st, const struct ccp_source_options *options, struct ccp_err *err)
{
	if (S_ISDIR(st->st_mode))
		return ccp_err_set(err, CCP_W_DIRECTORY, "is a directory");
	if (options->to_stdout)
		return 0;
	if (S_ISLNK(st->st_mode)) {
		ccp_err_set(err, CCP_E_SYMLINK, "is a symbolic link");
		err->sys = ELOOP;
		return -1;
	}
	if (!S_ISREG(st->st_mode))
		return ccp_err_set(err, CCP_W_SPECIAL, "is not a directory or a regular file");
	/* The order, the words and what -f forgives (sticky and links, never set-id) are those of GNU gzip 1.12. */
	if (options->refuse_setid && (st->st_mode & S_ISUID) != 0)
		return ccp_err_set(err, CCP_W_SETID, "is set-user-ID on execution");
	if (options->refuse_setid && (st->st_mode & S_ISGID) != 0)
		return ccp_err_set(err, CCP_W_SETID, "is set-group-ID on execution");
	if (options->refuse_setid && !options->force && (st->st_mode & S_ISVTX) != 0)
		return ccp_err_set(err, CCP_W_SETID, "has the sticky bit set");
	if (options->remove_source && !options->force && st->st_nlink > 1)
		return ccp_err_set(err, CCP_W_LINKS, "has %lu other link%s", (unsigned long)st->st_nlink - 1,
				   st->st_nlink == 2 ? "" : "s");
	return 0;
}

int ccp_source_describe(struct ccp_input *input, int fd, const struct ccp_source_options *options, struct ccp_err *err)
{
	struct ccp_origin *origin = &input->origin;

	if (fstat(fd, &input->meta) != 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (ccp_source_check(&input->meta, options, err) != 0)
		return -1;

	bool regular = S_ISREG(input->meta.st_mode);

	input->has_meta = regular;
	/* Attributes go to a file beside the source; to_stdout makes none, and saves the call. */
	input->has_xattr = regular && !options->to_stdout && flistxattr(fd, NULL, 0) > 0;
	input->sized = regular;
	input->size = regular ? (uint64_t)input->meta.st_size : 0;

	const char *slash = strrchr(input->path, '/');
	const char *base = slash != NULL ? slash + 1 : input->path;
	size_t len = strnlen(base, sizeof origin->name - 1);

	memcpy(origin->name, base, len);
	origin->name[len] = '\0';
	origin->mtime = input->meta.st_mtim;
	origin->has_mtime = regular || options->need_mtime;
	return 0;
}

void ccp_source_note_change(const struct ccp_input *input, int fd, struct ccp_err *err)
{
	struct stat now;

	/* A failing fstat says that nothing more is known of the source: as good a reason to keep it as a change. */
	if (fstat(fd, &now) == 0 && now.st_size == input->meta.st_size &&
	    now.st_mtim.tv_sec == input->meta.st_mtim.tv_sec && now.st_mtim.tv_nsec == input->meta.st_mtim.tv_nsec)
		return;
	ccp_err_set(err, CCP_W_CHANGED, "changed while it was read");
}

int ccp_source_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	bool opening = job->whole && job->step == CCP_LOAD_START;

	if (job->input->source->got(job, options, result) != 0)
		return -1;
	if (!opening || job->step == CCP_LOAD_START || options->admit == NULL)
		return 0;
	if (options->admit(options->admit_arg, job->input, &job->piece.err) == 0)
		return 0;
	if (job->fd >= 0)
		close(job->fd);
	job->fd = -1;
	job->step = CCP_LOAD_DONE;
	return -1;
}

#define LOOK_MS 50
#define NS_PER_MS UINT64_C(1000000)

/* For how long to wait in one go. */
static int patience_ms(uint64_t due_ns)
{
	uint64_t now = due_ns > 0 ? ccp_meter_now() : 0;

	if (due_ns == 0 || due_ns >= now + LOOK_MS * NS_PER_MS)
		return LOOK_MS;
	return due_ns <= now ? 0 : (int)((due_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

/*
 * Waits until the stream has bytes or has ended, or is due. Returns 0; -ETIME; or -ECANCELED if the run was cancelled
 * first, or an earlier job of the input failed: a silent stream whose decoder has given up is not waited for.
 */
static int wait_readable(const struct ccp_job *job, const struct ccp_source_options *options,
			 const struct ccp_want *want, int cancel_fd)
{
	struct pollfd polls[2] = {
		{ .fd = want->fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN }, /* poll passes over -1 */
	};
	int wait_ms;

	do {
		wait_ms = patience_ms(want->due_ns);
		/* EINTR: a signal that cancels the run makes cancel_fd readable as well. ENOMEM passes. */
		if (poll(polls, 2, wait_ms) < 0)
			polls[0].revents = polls[1].revents = 0;
		if (polls[1].revents != 0 || ccp_job_is_past_end(job))
			return -ECANCELED;
		if (polls[0].revents == 0 && wait_ms == 0)
			return -ETIME;
		if (polls[0].revents == 0 && options->idle != NULL)
			options->idle(options->idle_arg);
	} while (polls[0].revents == 0);
	return 0;
}

static int64_t result_of(ssize_t n)
{
	return n >= 0 ? n : -errno;
}

int ccp_source_load(struct ccp_job *job, const struct ccp_source_options *options, int cancel_fd)
{
	const struct ccp_source_ops *source = job->input->source;
	struct ccp_want want;
	int64_t result = 0;

	for (;;) {
		if (source->want(job, options, &want) != 0)
			return -1;
		switch (want.kind) {
		case CCP_WANT_NOTHING:
			return ccp_err_is_error(&job->piece.err) || ccp_code_refuses(job->piece.err.code) ? -1 : 0;
		case CCP_WANT_OPEN:
			result = result_of(open(want.path, want.flags));
			break;
		case CCP_WANT_READ:
			assert(want.offset <= INT64_MAX);
			result = result_of(pread(want.fd, want.data, want.len, (off_t)want.offset));
			break;
		case CCP_WANT_STREAM:
			result = wait_readable(job, options, &want, cancel_fd);
			if (result == 0)
				result = result_of(read(want.fd, want.data, want.len));
			break;
		case CCP_WANT_CLOSE:
			result = result_of(close(want.fd));
			break;
		}
		if (ccp_source_got(job, options, result) != 0)
			return -1;
	}
}
