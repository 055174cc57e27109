/*
 * archive_tell.c: what the thread tells others: words about a name, and the bytes of members through their pipes.
 *
 * It waits while as many members have a pipe as may have one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/archive/archive_internal.h"

bool ccp_archive_wait(struct ccp_archive *archive, char **path, enum ccp_archive_source *source)
{
	pthread_mutex_lock(&archive->lock);
	while (archive->path == NULL && !archive->quit)
		pthread_cond_wait(&archive->changed, &archive->lock);
	*path = archive->path;
	*source = archive->source;
	if (!archive->quit)
		archive->path = NULL;

	bool goes_on = !archive->quit;

	pthread_mutex_unlock(&archive->lock);
	return goes_on;
}

static void say(struct ccp_archive *archive, struct ccp_archive_member *member)
{
	pthread_mutex_lock(&archive->lock);
	if (TAILQ_EMPTY(&archive->said))
		ccp_archive_ring(archive->news);
	TAILQ_INSERT_TAIL(&archive->said, member, link);
	pthread_mutex_unlock(&archive->lock);
}

/* A word is lost, for there is no memory for it. */
static void lose(struct ccp_archive *archive)
{
	pthread_mutex_lock(&archive->lock);
	archive->lost = true;
	pthread_mutex_unlock(&archive->lock);
}

static struct ccp_archive_member *new_member(struct ccp_archive *archive, enum ccp_archive_word word,
					     const char *path)
{
	struct ccp_archive_member *member = calloc(1, sizeof *member);

	if (member == NULL)
		return NULL;
	member->archive = archive;
	member->word = word;
	member->in = member->out = -1;
	member->path = strdup(path);
	ccp_err_clear(&member->err);
	if (member->path == NULL) {
		free(member);
		return NULL;
	}
	return member;
}

void ccp_archive_say(struct ccp_archive *archive, enum ccp_archive_word word, const char *path,
		     const struct ccp_err *err)
{
	struct ccp_archive_member *member = &archive->end;

	if (path != NULL) {
		member = new_member(archive, word, path);
	} else { /* there has to be memory for this one, or the walk would wait for ever */
		*member = (struct ccp_archive_member){ .archive = archive, .word = word, .in = -1, .out = -1 };
	}
	if (member == NULL) {
		lose(archive);
		return;
	}
	if (err != NULL)
		member->err = *err;
	say(archive, member);
}

/*
 * Makes a pipe, when there is room for it. If there are no descriptors it makes do with as many pipes as there are: one
 * that is closed gives back what the next one needs. Errors: -1 with `err`.
 */
static int make_pipe(struct ccp_archive *archive, int ends[2], struct ccp_err *err)
{
	unsigned most = archive->depth, live;
	bool quit;

	for (;;) {
		pthread_mutex_lock(&archive->lock);
		while (archive->live >= most && !archive->quit)
			pthread_cond_wait(&archive->changed, &archive->lock);
		quit = archive->quit;
		live = archive->live;
		pthread_mutex_unlock(&archive->lock);
		if (quit)
			return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
			return 0;
		if ((errno != EMFILE && errno != ENFILE) || live == 0)
			return ccp_err_sys(err, errno, "%s", "");
		most = live;
	}
}

struct ccp_archive_member *ccp_archive_begin(struct ccp_archive *archive, const char *path, bool itself,
					     const struct timespec *mtime, struct ccp_err *err)
{
	struct ccp_archive_member *member;
	int ends[2];

	if (make_pipe(archive, ends, err) != 0)
		return NULL;
	member = new_member(archive, CCP_ARCHIVE_MEMBER, path);
	if (member == NULL) {
		close(ends[0]);
		close(ends[1]);
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for what is in it");
		return NULL;
	}
	member->itself = itself;
	member->out = ends[0];
	member->in = ends[1];
	member->writing = true;
	member->has_mtime = mtime != NULL;
	if (mtime != NULL)
		member->mtime = *mtime;
	pthread_mutex_lock(&archive->lock);
	archive->live++;
	pthread_mutex_unlock(&archive->lock);
	say(archive, member);
	return member;
}

int ccp_archive_write(struct ccp_archive_member *member, const void *data, size_t len)
{
	const struct ccp_archive *archive = member->archive;
	size_t done = 0;

	while (done < len) {
		struct pollfd polls[2] = {
			{ .fd = archive->bell, .events = POLLIN },
			{ .fd = member->in, .events = POLLOUT },
		};
		ssize_t n = write(member->in, (const char *)data + done, len - done);

		if (n >= 0) {
			done += (size_t)n;
			member->written += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return 1;
		while (poll(polls, 2, -1) < 0)
			continue;
		if (polls[0].revents != 0)
			return -1;
	}
	return 0;
}

void ccp_archive_finish(struct ccp_archive_member *member, const struct ccp_err *err)
{
	struct ccp_archive *archive = member->archive;
	bool dropped;

	pthread_mutex_lock(&archive->lock);
	if (err != NULL)
		member->err = *err;
	member->writing = false;
	dropped = member->dropped;
	if (!dropped)
		ccp_archive_close_fd(&member->in); /* now, after all is said: whoever reads its end asks how it ended */
	pthread_mutex_unlock(&archive->lock);
	if (dropped)
		ccp_archive_free_member(member);
}
