/*
 * fetch_loop.c: the thread of a fetcher.
 *
 * It sleeps in one place, epoll, until a descriptor is ready, another thread rings, or the next deadline: of curl, of a
 * try that is to begin again, of a connection, of a server that is silent. All that it watches itself is reported once
 * and then asked for again (EPOLLONESHOT), so that what waits for its reader costs nothing; curl's connections are
 * watched as curl says.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS UINT64_C(1000000)

uint64_t ccp_fetch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

int ccp_fetch_watch(struct ccp_fetcher *fetcher, int fd, bool known, uint32_t events, enum ccp_tag tag,
		    const void *what)
{
	struct epoll_event event = { .events = events | EPOLLONESHOT, .data.u64 = (uintptr_t)what | (unsigned)tag };

	return epoll_ctl(fetcher->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

void ccp_fetch_forget(struct ccp_fetcher *fetcher, const void *what)
{
	for (int i = fetcher->event_at + 1; i < fetcher->events; i++) {
		uint64_t tag = fetcher->event[i].data.u64;

		if ((tag & ((1u << CCP_TAG_BITS) - 1)) > CCP_TAG_CURL && tag >> CCP_TAG_BITS ==
									   (uintptr_t)what >> CCP_TAG_BITS)
			fetcher->event[i].data.u64 = CCP_TAG_BELL;
	}
}

/* The bell has rung. Returns whether the thread is to end. */
static bool hear(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch, *next;
	uint64_t times;
	bool quit;

	pthread_mutex_lock(&fetcher->lock);
	if (fetcher->rung)
		fetcher->rung = false;
	while (read(fetcher->bell, &times, sizeof times) < 0 && errno == EINTR)
		;
	quit = fetcher->quit;
	pthread_mutex_unlock(&fetcher->lock);
	for (fetch = TAILQ_FIRST(&fetcher->running); fetch != NULL && !quit; fetch = next) {
		bool dropped;

		next = TAILQ_NEXT(fetch, link);
		pthread_mutex_lock(&fetcher->lock);
		dropped = fetch->dropped;
		pthread_mutex_unlock(&fetcher->lock);
		if (dropped) {
			ccp_fetch_release(fetch);
			ccp_fetch_finish(fetch, NULL);
		} else if (fetch->kind == CCP_URL_TCP) {
			ccp_socket_rung(fetch);
		}
	}
	return quit;
}

static void handle(struct ccp_fetcher *fetcher, uint64_t tag, uint32_t events)
{
	struct ccp_fetch *fetch = (void *)(uintptr_t)(tag >> CCP_TAG_BITS << CCP_TAG_BITS);

	switch ((enum ccp_tag)(tag & ((1u << CCP_TAG_BITS) - 1))) {
	case CCP_TAG_BELL: /* heard before, with all others' */
		break;
	case CCP_TAG_CURL:
		ccp_curl_event(fetcher, (int)(tag >> CCP_TAG_BITS), events);
		break;
	case CCP_TAG_PIPE:
		fetch->full = false;
		fetch->quiet_ns = ccp_fetch_now();
		ccp_fetch_go_on(fetch);
		break;
	case CCP_TAG_SOCKET:
		ccp_socket_event(fetch);
		break;
	case CCP_TAG_LISTENER:
		ccp_listener_event(fetcher, (struct ccp_listener *)(void *)fetch);
		break;
	}
}

/* Looks at all that runs: begins what is due, and ends what has been silent for too long. Returns the next deadline. */
static uint64_t look(struct ccp_fetcher *fetcher)
{
	uint64_t now_ns = ccp_fetch_now(), due_ns = UINT64_MAX;
	struct ccp_fetch *fetch, *next;

	ccp_fetch_refill(fetcher);
	for (fetch = TAILQ_FIRST(&fetcher->running); fetch != NULL; fetch = next) {
		uint64_t its_ns;

		next = TAILQ_NEXT(fetch, link);
		its_ns = ccp_fetch_check(fetch, now_ns);
		if (its_ns < due_ns)
			due_ns = its_ns;
	}
	return due_ns;
}

/* Begins those whose turn it is, if that may have changed. */
static void admit(struct ccp_fetcher *fetcher)
{
	bool changed;

	pthread_mutex_lock(&fetcher->lock);
	changed = fetcher->changed;
	fetcher->changed = false;
	pthread_mutex_unlock(&fetcher->lock);
	if (changed)
		ccp_fetch_admit(fetcher);
}

static int milliseconds_until(uint64_t due_ns)
{
	uint64_t now_ns = ccp_fetch_now();

	if (due_ns == UINT64_MAX)
		return -1;
	if (due_ns <= now_ns)
		return 0;
	return due_ns - now_ns > 3600 * SECOND_NS ? 3600000 : (int)((due_ns - now_ns) / MS_NS) + 1;
}

/* Sleeps until there is news. Returns whether the bell has rung. */
static bool nap(struct ccp_fetcher *fetcher, uint64_t due_ns)
{
	uint64_t curl_ns = ccp_curl_due(fetcher);
	bool rung = false;

	pthread_mutex_lock(&fetcher->lock);
	if (fetcher->changed)
		due_ns = 0;
	pthread_mutex_unlock(&fetcher->lock);
	fetcher->events = epoll_wait(fetcher->epoll, fetcher->event, CCP_FETCH_EVENTS,
				     milliseconds_until(curl_ns < due_ns ? curl_ns : due_ns));
	for (int i = 0; i < fetcher->events; i++)
		rung |= fetcher->event[i].data.u64 == CCP_TAG_BELL;
	return rung;
}

void *ccp_fetch_run(void *arg)
{
	struct ccp_fetcher *fetcher = arg;
	struct ccp_fetch *fetch;
	bool quit = false;

	while (!quit) {
		uint64_t due_ns;
		bool rung;

		admit(fetcher);
		ccp_curl_timers(fetcher, ccp_fetch_now());
		due_ns = look(fetcher); /* last: tries that have just ended have deadlines, too */
		rung = nap(fetcher, due_ns);
		for (fetcher->event_at = 0; fetcher->event_at < fetcher->events; fetcher->event_at++) {
			const struct epoll_event *event = &fetcher->event[fetcher->event_at];

			handle(fetcher, event->data.u64, event->events);
		}
		fetcher->events = 0;
		if (rung)
			quit = hear(fetcher);
	}
	TAILQ_FOREACH(fetch, &fetcher->running, link)
		ccp_fetch_release(fetch);
	ccp_curl_free(fetcher);
	return NULL;
}
