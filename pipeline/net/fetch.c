/*
 * fetch.c: the calls of other threads.
 *
 * A transfer stands in one of three lists. Announced ones are queued. The loop takes those off whose turn it is, and is
 * asked again only when something has changed. What has ended waits in the third list until its reader has closed it.
 * Until it is taken a transfer is found by its index; what is said of one that runs is news for the loop.
 */
#include "pipeline/net/fetch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"
#include "pipeline/thread.h"

#define TAKEN_PIPE (1 << 20)  /* the most that an ordinary user may ask for: fs.pipe-max-size */

/* ---- the fetcher --------------------------------------------------------------------------------- */

int ccp_fetcher_new(struct ccp_fetcher **out, const struct ccp_fetch_options *options, struct ccp_err *err)
{
	struct ccp_fetcher *fetcher = calloc(1, sizeof *fetcher);

	if (fetcher == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for transfers");
	fetcher->options = *options;
	if (options->tries == 0)
		fetcher->options.tries = 1 + CCP_FETCH_RETRIES;
	if (options->connect_s == 0)
		fetcher->options.connect_s = CCP_FETCH_CONNECT_S;
	ccp_depth_init(&fetcher->depth, options->depth);
	fetcher->epoll = fetcher->bell = fetcher->ready_fd = -1;
	pthread_mutex_init(&fetcher->lock, NULL);
	TAILQ_INIT(&fetcher->queued);
	TAILQ_INIT(&fetcher->running);
	TAILQ_INIT(&fetcher->ended);
	TAILQ_INIT(&fetcher->news);
	TAILQ_INIT(&fetcher->parked);
	TAILQ_INIT(&fetcher->resolving);
	TAILQ_INIT(&fetcher->unresolved);
	LIST_INIT(&fetcher->listeners);
	*out = fetcher;
	return 0;
}

/* Makes descriptors and the thread. Returns 0, or an error number. */
static int start_locked(struct ccp_fetcher *fetcher)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = CCP_TAG_BELL };
	int failed;

	ccp_fetch_files_locked(fetcher);
	fetcher->epoll = epoll_create1(EPOLL_CLOEXEC);
	fetcher->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fetcher->epoll < 0 || fetcher->bell < 0 ||
	    epoll_ctl(fetcher->epoll, EPOLL_CTL_ADD, fetcher->bell, &event) != 0)
		return errno;
	failed = ccp_thread_start(&fetcher->thread, ccp_fetch_run, fetcher);
	fetcher->runs = failed == 0;
	return failed;
}

void ccp_fetch_ring_locked(struct ccp_fetcher *fetcher)
{
	uint64_t one = 1;

	fetcher->changed = true;
	if (fetcher->rung || fetcher->bell < 0)
		return;
	fetcher->rung = true;
	while (write(fetcher->bell, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* ---- one transfer -------------------------------------------------------------------------------- */

void ccp_fetcher_ahead(struct ccp_fetcher *fetcher, uint64_t index, const char *url)
{
	struct ccp_fetch *fetch = calloc(1, sizeof *fetch);
	char *copy = strdup(url);

	if (fetch == NULL || copy == NULL) {
		free(fetch);
		free(copy);
		return;
	}
	fetch->fetcher = fetcher;
	fetch->index = index;
	fetch->kind = ccp_url_kind(url);
	fetch->url = copy;
	fetch->in = fetch->out = fetch->socket.fd = -1;
	ccp_err_clear(&fetch->err);

	pthread_mutex_lock(&fetcher->lock);
	fetch->host = ccp_fetch_host_locked(fetcher, url);
	if (fetch->host == NULL) {
		free(fetch->url);
		free(fetch);
	} else {
		TAILQ_INSERT_TAIL(&fetcher->queued, fetch, link);
		LIST_INSERT_HEAD(&fetcher->slots[index % CCP_FETCH_SLOTS], fetch, slot);
		ccp_fetch_host_count_locked(fetcher, fetch->host, 1, 0);
		if (!fetcher->runs && fetcher->start_error == 0)
			fetcher->start_error = start_locked(fetcher);
		ccp_fetch_ring_locked(fetcher);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

static struct ccp_fetch *find_locked(struct ccp_fetcher *fetcher, uint64_t index)
{
	struct ccp_fetch *fetch;

	LIST_FOREACH(fetch, &fetcher->slots[index % CCP_FETCH_SLOTS], slot)
		if (fetch->index == index)
			break;
	return fetch;
}

/* The loop is to look at a transfer that runs. */
static void tell_locked(struct ccp_fetch *fetch)
{
	if (!fetch->news)
		TAILQ_INSERT_TAIL(&fetch->fetcher->news, fetch, news_link);
	fetch->news = true;
	ccp_fetch_ring_locked(fetch->fetcher);
}

/* It is somebody's from here on. */
static void take_locked(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	LIST_REMOVE(fetch, slot);
	if (fetch->state == CCP_FETCH_QUEUED) {
		TAILQ_REMOVE(&fetcher->queued, fetch, link);
		TAILQ_INSERT_HEAD(&fetcher->queued, fetch, link);
		ccp_fetch_host_count_locked(fetcher, fetch->host, fetch->later ? 0 : -1, 0);
		fetcher->ahead -= fetch->later;
	} else {
		fetcher->ahead--;
	}
	fetch->taken = true;
	if (!fetch->ready && fetcher->hungry++ == 0)
		fetcher->hungry_since_ns = ccp_fetch_now();
	if (fetch->state == CCP_FETCH_RUNS)
		tell_locked(fetch);
	else
		ccp_fetch_ring_locked(fetcher);
}

/* Nobody wants it any more. Memory: gone, or the loop frees it. */
static void drop_locked(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	fetch->dropped = true;
	if (fetch->state == CCP_FETCH_RUNS) {
		tell_locked(fetch);
		return;
	}
	TAILQ_REMOVE(fetch->state == CCP_FETCH_ENDED ? &fetcher->ended : &fetcher->queued, fetch, link);
	ccp_fetch_free_locked(fetch);
	if (fetcher->short_of_files) /* there are some again */
		ccp_fetch_ring_locked(fetcher);
}

/* There is no pipe for a reader: nobody will come again for this one, and it does not stay in others' way. */
static int refuse_locked(struct ccp_fetch *fetch, int sys, struct ccp_err *err)
{
	char text[100];

	take_locked(fetch);
	drop_locked(fetch);
	return ccp_err_set(err, CCP_E_OTHER, "%s", ccp_fetch_sys_text(sys, text, sizeof text));
}

int ccp_fetcher_take(struct ccp_fetcher *fetcher, uint64_t index, struct ccp_fetch **out, int *fd, struct ccp_err *err)
{
	struct ccp_fetch *fetch;
	int result = -1;

	pthread_mutex_lock(&fetcher->lock);
	fetch = find_locked(fetcher, index);
	if (fetch == NULL) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a transfer");
		goto out;
	}
	if (fetcher->start_error != 0 || (fetch->out < 0 && ccp_fetch_pipe_locked(fetch) != 0)) {
		refuse_locked(fetch, fetcher->start_error != 0 ? fetcher->start_error : errno, err);
		goto out;
	}
	*fd = fetch->out;
	fetch->out = -1; /* it counts until ccp_fetch_close */
	/* few are read at a time: a larger pipe costs little, and there are fewer changes between the two ends */
	if (fetch->state != CCP_FETCH_ENDED)
		fcntl(*fd, F_SETPIPE_SZ, TAKEN_PIPE);
	else
		ccp_fetch_close_end_locked(fetch, &fetch->in); /* a new one: it ended without a byte */
	take_locked(fetch);
	*out = fetch;
	result = 0;
out:
	pthread_mutex_unlock(&fetcher->lock);
	return result;
}

bool ccp_fetcher_ready(struct ccp_fetcher *fetcher, uint64_t index)
{
	struct ccp_fetch *fetch;
	bool ready;

	pthread_mutex_lock(&fetcher->lock);
	fetch = find_locked(fetcher, index);
	ready = fetch == NULL || fetch->ready || fetcher->start_error != 0;
	pthread_mutex_unlock(&fetcher->lock);
	return ready;
}

int ccp_fetcher_ready_fd(struct ccp_fetcher *fetcher)
{
	int fd;

	pthread_mutex_lock(&fetcher->lock);
	if (fetcher->ready_fd < 0)
		fetcher->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = fetcher->ready_fd;
	pthread_mutex_unlock(&fetcher->lock);
	return fd;
}

void ccp_fetcher_ready_clear(struct ccp_fetcher *fetcher)
{
	uint64_t times;
	int fd = ccp_fetcher_ready_fd(fetcher);

	while (fd >= 0 && read(fd, &times, sizeof times) < 0 && errno == EINTR)
		;
}

void ccp_fetch_look(struct ccp_fetch *fetch, struct ccp_fetch_info *info)
{
	pthread_mutex_lock(&fetch->fetcher->lock);
	*info = fetch->info;
	pthread_mutex_unlock(&fetch->fetcher->lock);
}

int ccp_fetch_result(struct ccp_fetch *fetch, struct ccp_err *err)
{
	int result = 0;

	pthread_mutex_lock(&fetch->fetcher->lock);
	assert(fetch->state == CCP_FETCH_ENDED);
	if (fetch->err.code != CCP_OK) {
		*err = fetch->err;
		result = -1;
	}
	pthread_mutex_unlock(&fetch->fetcher->lock);
	return result;
}

void ccp_fetch_close(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	pthread_mutex_lock(&fetcher->lock);
	drop_locked(fetch);
	pthread_mutex_unlock(&fetcher->lock);
}

/* ---- the end ------------------------------------------------------------------------------------- */

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void free_list(struct ccp_fetch_list *list)
{
	struct ccp_fetch *fetch;

	while ((fetch = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, fetch, link);
		ccp_fetch_free_locked(fetch);
	}
}

void ccp_fetcher_free(struct ccp_fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	pthread_mutex_lock(&fetcher->lock);
	fetcher->quit = true;
	ccp_fetch_ring_locked(fetcher);
	pthread_mutex_unlock(&fetcher->lock);
	if (fetcher->runs)
		pthread_join(fetcher->thread, NULL);
	free_list(&fetcher->queued);
	free_list(&fetcher->running);
	free_list(&fetcher->ended);
	close_if_open(fetcher->epoll);
	close_if_open(fetcher->bell);
	close_if_open(fetcher->ready_fd);
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher);
}
