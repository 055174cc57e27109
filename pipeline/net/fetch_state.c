/*
 * fetch_state.c: a transfer from one list to the next, and its pipe.
 *
 * A pipe is made when the first byte is there, or when somebody reads: what waits for its server has only a connection.
 * Its end that is written is closed after all is said, because whoever reads the end asks how the transfer ended.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

const char *ccp_fetch_sys_text(int sys, char *text, size_t room)
{
	const char *words = strerrordesc_np(sys);

	snprintf(text, room, "%s", words != NULL ? words : "unknown error");
	if (isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

void ccp_fetch_close_end_locked(struct ccp_fetch *fetch, int *fd)
{
	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	fetch->ends--;
	fetch->fetcher->ends--;
}

void ccp_fetch_free_locked(struct ccp_fetch *fetch)
{
	ccp_fetch_close_end_locked(fetch, &fetch->out);
	ccp_fetch_close_end_locked(fetch, &fetch->in);
	fetch->fetcher->ends -= fetch->ends; /* what its reader had */
	if (!fetch->taken)
		LIST_REMOVE(fetch, slot);
	else if (!fetch->ready && --fetch->fetcher->hungry == 0)
		fetch->fetcher->hungry_ns += ccp_fetch_now() - fetch->fetcher->hungry_since_ns;
	ccp_fetch_host_leave_locked(fetch->host);
	free(fetch->url);
	free(fetch);
}

int ccp_fetch_pipe_locked(struct ccp_fetch *fetch)
{
	int ends[2];

	if (fetch->in >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	fetch->out = ends[0];
	fetch->in = ends[1];
	fetch->ends += 2;
	fetch->fetcher->ends += 2;
	return 0;
}

void ccp_fetch_ready_locked(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	uint64_t one = 1;

	if (fetch->ready)
		return;
	fetch->ready = true;
	if (fetch->taken) {
		if (--fetcher->hungry == 0)
			fetcher->hungry_ns += ccp_fetch_now() - fetcher->hungry_since_ns;
	} else if (fetcher->ready_fd >= 0) {
		while (write(fetcher->ready_fd, &one, sizeof one) < 0 && errno == EINTR)
			;
	}
}

void ccp_fetch_finish(struct ccp_fetch *fetch, const struct ccp_err *err)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	ccp_fetch_forget(fetcher, fetch);
	ccp_fetch_unpark(fetch);
	fetch->host->trying -= fetch->trying;
	fetcher->epoch.objects += err == NULL;
	pthread_mutex_lock(&fetcher->lock);
	TAILQ_REMOVE(&fetcher->running, fetch, link);
	fetcher->runners--;
	if (fetch->news)
		TAILQ_REMOVE(&fetcher->news, fetch, news_link);
	fetch->news = false;
	ccp_fetch_host_count_locked(fetcher, fetch->host, 0, -1);
	fetch->state = CCP_FETCH_ENDED;
	if (err != NULL)
		fetch->err = *err;
	else if (!fetch->dropped)
		ccp_fetch_host_answered_locked(fetcher, fetch->host);
	ccp_fetch_ready_locked(fetch);
	if (fetch->dropped) {
		ccp_fetch_free_locked(fetch);
	} else {
		TAILQ_INSERT_TAIL(&fetcher->ended, fetch, link);
		/* now, after all is said: whoever reads its end asks how it ended */
		ccp_fetch_close_end_locked(fetch, &fetch->in);
	}
	fetcher->changed = true;
	pthread_mutex_unlock(&fetcher->lock);
}

bool ccp_fetch_put_back(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	pthread_mutex_lock(&fetcher->lock);
	if (fetch->taken || fetch->dropped) {
		pthread_mutex_unlock(&fetcher->lock);
		return false;
	}
	ccp_fetch_release(fetch); /* nobody may take it before that is done */
	ccp_fetch_forget(fetcher, fetch);
	ccp_fetch_unpark(fetch);
	ccp_fetch_close_end_locked(fetch, &fetch->out);
	ccp_fetch_close_end_locked(fetch, &fetch->in);
	fetch->host->trying -= fetch->trying;
	fetch->trying = fetch->connected = fetch->resumable = fetch->piped = fetch->in_epoll = false;
	fetch->full = fetch->throttled = false;
	fetch->written = 0;
	fetch->failed = 0;
	fetch->info = (struct ccp_fetch_info){ 0 };
	TAILQ_REMOVE(&fetcher->running, fetch, link);
	TAILQ_INSERT_TAIL(&fetcher->queued, fetch, link);
	ccp_fetch_host_count_locked(fetcher, fetch->host, 0, -1);
	fetch->state = CCP_FETCH_QUEUED;
	fetch->later = fetcher->changed = true; /* it counts as ahead: none is begun in vain in its place */
	fetcher->runners--;
	pthread_mutex_unlock(&fetcher->lock);
	return true;
}
