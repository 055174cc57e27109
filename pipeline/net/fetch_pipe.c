/*
 * fetch_pipe.c: bytes go into a transfer's pipe, as many as fit and as limit_bytes allows.
 *
 * The limit is a bucket for all transfers together, which is filled by the clock and holds what may go in a tenth of a
 * second. A transfer that finds it empty is marked, and asked to go on when something is in it again.
 *
 * There is a pipe from the first byte on, or from the time when somebody reads. A transfer that nobody reads yet is
 * parked if there are no descriptors for one: it counts as full, and goes on when some are free, or when it is read.
 */
#include <errno.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

#define BUCKETS 10 /* a second */

static int64_t bucket(const struct ccp_fetcher *fetcher)
{
	uint64_t bytes = fetcher->options.limit_bytes / BUCKETS;

	return bytes > INT64_MAX ? INT64_MAX : bytes > 0 ? (int64_t)bytes : 1;
}

void ccp_fetch_refill(struct ccp_fetcher *fetcher)
{
	uint64_t now_ns = ccp_fetch_now();
	double fresh;

	if (fetcher->options.limit_bytes == 0)
		return;
	fresh = (double)(now_ns - fetcher->refilled_ns) * (double)fetcher->options.limit_bytes / 1e9;
	if (fresh < 1)
		return;
	fetcher->refilled_ns = now_ns;
	if (fresh >= (double)bucket(fetcher) - (double)fetcher->allowance)
		fetcher->allowance = bucket(fetcher);
	else
		fetcher->allowance += (int64_t)fresh;
}

bool ccp_fetch_may_go(const struct ccp_fetcher *fetcher)
{
	return fetcher->allowance > bucket(fetcher) / 4;
}

size_t ccp_fetch_allow(struct ccp_fetch *fetch, size_t wanted)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	if (fetcher->options.limit_bytes == 0)
		return wanted;
	ccp_fetch_refill(fetcher);
	if (fetcher->allowance <= 0) {
		fetch->throttled = true;
		fetcher->look_ns = 0;
		return 0;
	}
	return (uint64_t)fetcher->allowance < wanted ? (size_t)fetcher->allowance : wanted;
}

void ccp_fetch_count(struct ccp_fetch *fetch, size_t bytes)
{
	if (!fetch->ready) {
		pthread_mutex_lock(&fetch->fetcher->lock);
		ccp_fetch_ready_locked(fetch);
		pthread_mutex_unlock(&fetch->fetcher->lock);
	}
	fetch->fetcher->epoch.bytes += bytes;
	fetch->written += bytes;
	fetch->failed = 0;
	fetch->quiet_ns = ccp_fetch_now();
	if (fetch->fetcher->options.limit_bytes > 0)
		fetch->fetcher->allowance -= (int64_t)bytes;
}

bool ccp_fetch_pipe(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	if (fetch->piped)
		return true;
	if (fetch->parked)
		return false;
	pthread_mutex_lock(&fetcher->lock);
	fetch->piped = fetch->in >= 0 ||
		       (ccp_fetch_has_files_locked(fetcher, 2) && ccp_fetch_pipe_locked(fetch) == 0);
	if (!fetch->piped) {
		fetcher->short_of_files = true;
		TAILQ_INSERT_TAIL(&fetcher->parked, fetch, park);
		fetch->parked = fetch->full = true;
		ccp_fetch_ready_locked(fetch); /* a reader finds bytes at once */
	}
	pthread_mutex_unlock(&fetcher->lock);
	return fetch->piped;
}

void ccp_fetch_unpark(struct ccp_fetch *fetch)
{
	if (!fetch->parked)
		return;
	TAILQ_REMOVE(&fetch->fetcher->parked, fetch, park);
	fetch->parked = fetch->full = false;
	fetch->quiet_ns = ccp_fetch_now();
}

int ccp_fetch_wait_room(struct ccp_fetch *fetch)
{
	fetch->full = true;
	fetch->fetcher->epoch.stuffed |= fetch->reading;
	if (ccp_fetch_watch(fetch->fetcher, fetch->in, fetch->in_epoll, EPOLLOUT, CCP_TAG_PIPE, fetch) == 0) {
		fetch->in_epoll = true;
		return 0;
	}
	fetch->gone = true; /* no memory for it: the transfer cannot go on */
	return -1;
}

size_t ccp_fetch_push(struct ccp_fetch *fetch, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t allowed = ccp_fetch_allow(fetch, len - done);
		ssize_t n;

		if (allowed == 0 || !ccp_fetch_pipe(fetch))
			break;
		n = write(fetch->in, (const char *)data + done, allowed);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			(void)ccp_fetch_wait_room(fetch);
			break;
		}
		if (n < 0) {
			fetch->gone = true;
			break;
		}
		done += (size_t)n;
		ccp_fetch_count(fetch, (size_t)n);
	}
	return done;
}
