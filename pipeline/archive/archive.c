/*
 * archive.c: the calls of other threads.
 *
 * Words about the name that is read stand in a list, which NEXT empties; a member that it was given goes to a second
 * one, by the number of its input, until somebody has read and closed it.
 */
#include "pipeline/archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pipeline/archive/archive_internal.h"
#include "pipeline/thread.h"

#define DEPTH 64              /* members that have a pipe */
#define SPARE_DESCRIPTORS 256 /* for the rest of the program */
#define TAKEN_PIPE (1 << 20)  /* the most that an ordinary user may ask for: fs.pipe-max-size */

void ccp_archive_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static unsigned depth_of_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= SPARE_DESCRIPTORS + 2 * DEPTH)
		return DEPTH;
	return limit.rlim_cur > SPARE_DESCRIPTORS + 4 ? (unsigned)(limit.rlim_cur - SPARE_DESCRIPTORS) / 2 : 2;
}

int ccp_archive_new(struct ccp_archive **out, const struct ccp_archive_options *options,
		    const struct ccp_fetch_options *fetch, struct ccp_err *err)
{
	struct ccp_archive *archive;

	if (ccp_archive_probe() != NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "--archive is not built: %s", ccp_archive_probe());
	archive = calloc(1, sizeof *archive);
	if (archive == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for archives");
	archive->options = options;
	archive->fetch_options = fetch;
	archive->depth = depth_of_limits();
	archive->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	archive->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&archive->lock, NULL);
	pthread_cond_init(&archive->changed, NULL);
	TAILQ_INIT(&archive->said);
	TAILQ_INIT(&archive->out);
	if (archive->bell < 0 || archive->news < 0) {
		ccp_err_sys(err, errno, "eventfd");
		ccp_archive_free(archive);
		return -1;
	}
	*out = archive;
	return 0;
}

void ccp_archive_ring(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		continue;
}

static void clear_event(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		continue;
}

void ccp_archive_free_member(struct ccp_archive_member *member)
{
	if (member == &member->archive->end)
		return;
	ccp_archive_close_fd(&member->in);
	ccp_archive_close_fd(&member->out);
	free(member->path);
	free(member);
}

static void free_list(struct ccp_archive_members *list)
{
	struct ccp_archive_member *member;

	while ((member = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, member, link);
		ccp_archive_free_member(member);
	}
}

void ccp_archive_free(struct ccp_archive *archive)
{
	if (archive == NULL)
		return;
	pthread_mutex_lock(&archive->lock);
	archive->quit = true;
	pthread_cond_broadcast(&archive->changed);
	pthread_mutex_unlock(&archive->lock);
	ccp_archive_ring(archive->bell);
	if (archive->runs)
		pthread_join(archive->thread, NULL);
	free_list(&archive->said);
	free_list(&archive->out);
	if (archive->last != NULL)
		ccp_archive_free_member(archive->last);
	ccp_fetcher_free(archive->fetcher);
	free(archive->path);
	ccp_archive_close_fd(&archive->bell);
	ccp_archive_close_fd(&archive->news);
	pthread_cond_destroy(&archive->changed);
	pthread_mutex_destroy(&archive->lock);
	free(archive);
}

/* ---- NEXT's calls -------------------------------------------------------------------------------- */

static int start(struct ccp_archive *archive, struct ccp_err *err)
{
	int failed = ccp_thread_start(&archive->thread, ccp_archive_run, archive);

	archive->runs = failed == 0;
	return failed == 0 ? 0 : ccp_err_sys(err, failed, "starting a thread");
}

int ccp_archive_open(struct ccp_archive *archive, const char *path, enum ccp_archive_source source,
		     struct ccp_err *err)
{
	char *copy = strdup(path);

	if (copy == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an archive");
	if (!archive->runs && start(archive, err) != 0) {
		free(copy);
		return -1;
	}
	pthread_mutex_lock(&archive->lock);
	archive->path = copy;
	archive->source = source;
	pthread_cond_broadcast(&archive->changed);
	pthread_mutex_unlock(&archive->lock);
	return 0;
}

int ccp_archive_fd(const struct ccp_archive *archive)
{
	return archive->news;
}

int ccp_archive_next(struct ccp_archive *archive, struct ccp_archive_found *found)
{
	struct ccp_archive_member *member;
	bool lost;

	if (archive->last != NULL)
		ccp_archive_free_member(archive->last);
	pthread_mutex_lock(&archive->lock);
	member = TAILQ_FIRST(&archive->said);
	lost = member == &archive->end && archive->lost;
	if (lost) {
		archive->lost = false;
		member = NULL;
	} else if (member != NULL) {
		TAILQ_REMOVE(&archive->said, member, link);
		if (TAILQ_EMPTY(&archive->said))
			clear_event(archive->news);
		if (member->word == CCP_ARCHIVE_MEMBER)
			TAILQ_INSERT_TAIL(&archive->out, member, link);
	}
	pthread_mutex_unlock(&archive->lock);
	/* a member is freed by whoever closes it; of what failed only the words are wanted, until the next call */
	archive->last = member != NULL && member->word == CCP_ARCHIVE_FAILED ? member : NULL;
	if (lost) {
		*found = (struct ccp_archive_found){ .word = CCP_ARCHIVE_FAILED };
		ccp_err_set(&found->err, CCP_E_NO_MEMORY, "no memory for what is in it");
		return 1;
	}
	if (member == NULL)
		return 0;
	*found = (struct ccp_archive_found){ .word = member->word, .path = member->path, .itself = member->itself };
	ccp_err_clear(&found->err);
	if (member->word == CCP_ARCHIVE_FAILED)
		found->err = member->err;
	return 1;
}

void ccp_archive_bind(struct ccp_archive *archive, uint64_t index)
{
	struct ccp_archive_member *member;

	pthread_mutex_lock(&archive->lock);
	member = TAILQ_LAST(&archive->out, ccp_archive_members);
	if (member != NULL && !member->bound) {
		member->index = index;
		member->bound = true;
	}
	pthread_mutex_unlock(&archive->lock);
}

/* ---- calls about members ------------------------------------------------------------------------- */

int ccp_archive_take(struct ccp_archive *archive, uint64_t index, struct ccp_archive_member **out, int *fd,
		     struct ccp_err *err)
{
	struct ccp_archive_member *member;
	bool writing = false;

	pthread_mutex_lock(&archive->lock);
	TAILQ_FOREACH(member, &archive->out, link)
		if (member->bound && !member->taken && member->index == index)
			break;
	if (member != NULL) {
		member->taken = true;
		*fd = member->out;
		member->out = -1;
		writing = member->writing;
	}
	pthread_mutex_unlock(&archive->lock);
	if (member == NULL)
		return ccp_err_set(err, CCP_E_OTHER, "no such member");
	if (writing)
		fcntl(*fd, F_SETPIPE_SZ, TAKEN_PIPE); /* fewer changes between the two ends */
	*out = member;
	return 0;
}

bool ccp_archive_mtime(const struct ccp_archive_member *member, struct timespec *mtime)
{
	if (member->has_mtime)
		*mtime = member->mtime;
	return member->has_mtime;
}

int ccp_archive_result(struct ccp_archive_member *member, struct ccp_err *err)
{
	int result = 0;

	pthread_mutex_lock(&member->archive->lock);
	if (member->err.code != CCP_OK) {
		*err = member->err;
		result = -1;
	}
	pthread_mutex_unlock(&member->archive->lock);
	return result;
}

void ccp_archive_close(struct ccp_archive_member *member)
{
	struct ccp_archive *archive = member->archive;
	bool writing;

	pthread_mutex_lock(&archive->lock);
	TAILQ_REMOVE(&archive->out, member, link);
	member->dropped = true;
	writing = member->writing;
	archive->live--;
	pthread_cond_broadcast(&archive->changed);
	pthread_mutex_unlock(&archive->lock);
	if (!writing)
		ccp_archive_free_member(member);
}
