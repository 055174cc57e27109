/*
 * fetch.c: the calls of other threads, and whose turn it is.
 *
 * A transfer stands in one of three lists. Announced ones are queued. The loop takes those off whose turn it is: all
 * that somebody reads, and of the others as many as `depth` allows, passing over those whose host has enough. It is
 * asked again only when something has changed. What has ended waits in the third list until its reader has closed it.
 */
#include "pipeline/net/fetch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

#define SPARE_DESCRIPTORS 256 /* for the rest of the program */
#define DESCRIPTORS_EACH 4    /* two ends of a pipe, a connection, and one for name look-ups and the like */
#define SCAN 4096             /* names that are looked at for one whose host has room */
#define TAKEN_PIPE (1 << 20)  /* the most that an ordinary user may ask for: fs.pipe-max-size */

/* ---- the fetcher --------------------------------------------------------------------------------- */

/* Transfers ahead, with the descriptors that there are. */
static unsigned depth_of(unsigned wanted)
{
	struct rlimit limit;
	rlim_t most;

	if (wanted == 0)
		wanted = 64;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return wanted;
	most = limit.rlim_cur > SPARE_DESCRIPTORS ? (limit.rlim_cur - SPARE_DESCRIPTORS) / DESCRIPTORS_EACH : 1;
	return most < wanted ? (unsigned)(most > 0 ? most : 1) : wanted;
}

int ccp_fetcher_new(struct ccp_fetcher **out, const struct ccp_fetch_options *options, struct ccp_err *err)
{
	struct ccp_fetcher *fetcher = calloc(1, sizeof *fetcher);

	if (fetcher == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for transfers");
	fetcher->options = *options;
	fetcher->options.depth = depth_of(options->depth);
	if (options->per_host == 0)
		fetcher->options.per_host = CCP_FETCH_PER_HOST;
	if (options->tries == 0)
		fetcher->options.tries = 1 + CCP_FETCH_RETRIES;
	if (options->connect_s == 0)
		fetcher->options.connect_s = CCP_FETCH_CONNECT_S;
	fetcher->epoll = fetcher->bell = -1;
	pthread_mutex_init(&fetcher->lock, NULL);
	TAILQ_INIT(&fetcher->queued);
	TAILQ_INIT(&fetcher->running);
	TAILQ_INIT(&fetcher->ended);
	LIST_INIT(&fetcher->hosts);
	LIST_INIT(&fetcher->listeners);
	*out = fetcher;
	return 0;
}

/* Makes descriptors and the thread. Returns 0, or an error number. */
static int start_locked(struct ccp_fetcher *fetcher)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = CCP_TAG_BELL };
	sigset_t all, before;
	int failed;

	fetcher->epoll = epoll_create1(EPOLL_CLOEXEC);
	fetcher->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fetcher->epoll < 0 || fetcher->bell < 0 ||
	    epoll_ctl(fetcher->epoll, EPOLL_CTL_ADD, fetcher->bell, &event) != 0)
		return errno;
	/* signals are others': and a write to a pipe that nobody reads must not kill the program */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	failed = pthread_create(&fetcher->thread, NULL, ccp_fetch_run, fetcher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
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

static struct ccp_fetch_host *host_of_locked(struct ccp_fetcher *fetcher, const char *url)
{
	char name[CCP_URL_HOST];
	struct ccp_fetch_host *host;

	ccp_url_host(url, name);
	LIST_FOREACH(host, &fetcher->hosts, link)
		if (strcmp(host->name, name) == 0)
			break;
	if (host == NULL) {
		host = calloc(1, sizeof *host + strlen(name) + 1);
		if (host == NULL)
			return NULL;
		strcpy(host->name, name);
		LIST_INSERT_HEAD(&fetcher->hosts, host, link);
	}
	host->users++;
	return host;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* It is in no list, and its try is released. */
static void free_locked(struct ccp_fetch *fetch)
{
	if (fetch->host != NULL && --fetch->host->users == 0) {
		LIST_REMOVE(fetch->host, link);
		free(fetch->host);
	}
	close_if_open(&fetch->out);
	close_if_open(&fetch->in);
	free(fetch->url);
	free(fetch);
}

/* Makes the pipe, if there is none. Returns 0, or -1 with errno. */
static int open_pipe_locked(struct ccp_fetch *fetch)
{
	int ends[2];

	if (fetch->in >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	fetch->out = ends[0];
	fetch->in = ends[1];
	return 0;
}

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
	fetch->host = host_of_locked(fetcher, url);
	if (fetch->host == NULL) {
		free_locked(fetch);
	} else {
		TAILQ_INSERT_TAIL(&fetcher->queued, fetch, link);
		if (!fetcher->runs && fetcher->start_error == 0)
			fetcher->start_error = start_locked(fetcher);
		ccp_fetch_ring_locked(fetcher);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

static struct ccp_fetch *find_locked(struct ccp_fetcher *fetcher, uint64_t index)
{
	struct ccp_fetch_list *lists[] = { &fetcher->ended, &fetcher->running, &fetcher->queued };
	struct ccp_fetch *fetch;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		TAILQ_FOREACH(fetch, lists[i], link)
			if (fetch->index == index && !fetch->taken)
				return fetch;
	return NULL;
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
	if (fetcher->start_error != 0) {
		ccp_err_sys(err, fetcher->start_error, "%s", "");
		goto out;
	}
	if (fetch->state == CCP_FETCH_QUEUED) {
		if (open_pipe_locked(fetch) != 0) {
			ccp_err_sys(err, errno, "%s", "");
			goto out;
		}
		TAILQ_REMOVE(&fetcher->queued, fetch, link);
		TAILQ_INSERT_HEAD(&fetcher->queued, fetch, link);
	} else {
		fetcher->ahead--;
	}
	fetch->taken = true;
	*fd = fetch->out;
	fetch->out = -1;
	/* few are read at a time: a larger pipe costs little, and there are fewer changes between the two ends */
	if (fetch->state != CCP_FETCH_ENDED)
		fcntl(*fd, F_SETPIPE_SZ, TAKEN_PIPE);
	*out = fetch;
	result = 0;
	ccp_fetch_ring_locked(fetcher);
out:
	pthread_mutex_unlock(&fetcher->lock);
	return result;
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
	fetch->dropped = true;
	if (fetch->state == CCP_FETCH_RUNS) {
		ccp_fetch_ring_locked(fetcher);
	} else {
		TAILQ_REMOVE(fetch->state == CCP_FETCH_ENDED ? &fetcher->ended : &fetcher->queued, fetch, link);
		free_locked(fetch);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

/* ---- whose turn it is ---------------------------------------------------------------------------- */

static bool may_begin_locked(struct ccp_fetcher *fetcher, const struct ccp_fetch *fetch)
{
	if (fetch->taken)
		return true;
	return fetcher->ahead < fetcher->options.depth &&
	       (fetch->host->name[0] == '\0' || fetch->host->active < fetcher->options.per_host);
}

void ccp_fetch_admit(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch, *next;
	unsigned left = SCAN;

	pthread_mutex_lock(&fetcher->lock);
	for (fetch = TAILQ_FIRST(&fetcher->queued); fetch != NULL && left-- > 0; fetch = next) {
		next = TAILQ_NEXT(fetch, link);
		if (!fetch->taken && fetcher->ahead >= fetcher->options.depth)
			break;
		if (!may_begin_locked(fetcher, fetch))
			continue;
		if (open_pipe_locked(fetch) != 0) /* no descriptors: when it is read somebody will say so */
			break;
		TAILQ_REMOVE(&fetcher->queued, fetch, link);
		TAILQ_INSERT_TAIL(&fetcher->running, fetch, link);
		fetch->state = CCP_FETCH_RUNS;
		fetch->host->active++;
		fetcher->ahead += !fetch->taken;
	}
	pthread_mutex_unlock(&fetcher->lock);
}

void ccp_fetch_finish(struct ccp_fetch *fetch, const struct ccp_err *err)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	ccp_fetch_forget(fetcher, fetch);
	pthread_mutex_lock(&fetcher->lock);
	TAILQ_REMOVE(&fetcher->running, fetch, link);
	fetch->host->active--;
	fetch->state = CCP_FETCH_ENDED;
	if (err != NULL)
		fetch->err = *err;
	if (fetch->dropped) {
		free_locked(fetch);
	} else {
		TAILQ_INSERT_TAIL(&fetcher->ended, fetch, link);
		close_if_open(&fetch->in); /* now, after all is said: whoever reads its end asks how it ended */
	}
	fetcher->changed = true;
	pthread_mutex_unlock(&fetcher->lock);
}

/* ---- the end ------------------------------------------------------------------------------------- */

static void free_list(struct ccp_fetch_list *list)
{
	struct ccp_fetch *fetch;

	while ((fetch = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, fetch, link);
		free_locked(fetch);
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
	close_if_open(&fetcher->epoll);
	close_if_open(&fetcher->bell);
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher);
}
