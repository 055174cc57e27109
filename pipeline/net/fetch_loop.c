/*
 * fetch_loop.c: the thread of a fetcher.
 *
 * It sleeps in one place, epoll, until a descriptor is ready, another thread rings, or the next deadline: of curl, of a
 * try that is to begin again, of a connection, of a server that is silent. All that it watches itself is reported once
 * and then asked for again (EPOLLONESHOT), so that what waits for its reader costs nothing; curl's connections are
 * watched as curl says.
 *
 * Deadlines are found by a walk over all that runs. With few that is done each time. With many it is done when the
 * first of those that were seen is over, or, as events may bring nearer ones, a quarter of a second after them: the
 * walk's price does not grow with the number of events.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS UINT64_C(1000000)
#define FEW 64                 /* transfers that are walked over each time */
#define NEARER_NS (250 * MS_NS) /* no deadline that an event brings is nearer */

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

/* The next transfer of which another thread has said something, or NULL. */
static struct ccp_fetch *next_news(struct ccp_fetcher *fetcher, bool *dropped)
{
	struct ccp_fetch *fetch;

	pthread_mutex_lock(&fetcher->lock);
	fetch = TAILQ_FIRST(&fetcher->news);
	if (fetch != NULL) {
		TAILQ_REMOVE(&fetcher->news, fetch, news_link);
		fetch->news = false;
		fetch->reading = fetch->taken;
		fetch->piped = fetch->in >= 0;
		*dropped = fetch->dropped;
	}
	pthread_mutex_unlock(&fetcher->lock);
	return fetch;
}

/* The bell has rung. Returns whether the thread is to end. */
static bool hear(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch;
	uint64_t times;
	bool quit, dropped;

	pthread_mutex_lock(&fetcher->lock);
	if (fetcher->rung)
		fetcher->rung = false;
	while (read(fetcher->bell, &times, sizeof times) < 0 && errno == EINTR)
		;
	quit = fetcher->quit;
	pthread_mutex_unlock(&fetcher->lock);
	if (quit)
		return true;
	while ((fetch = next_news(fetcher, &dropped)) != NULL) {
		if (dropped) {
			ccp_fetch_release(fetch);
			ccp_fetch_finish(fetch, NULL);
		} else if (fetch->parked) {
			ccp_fetch_unpark(fetch);
			ccp_fetch_go_on(fetch);
		}
	}
	ccp_socket_rung(fetcher);
	return false;
}

/* Descriptors may be free again: those that were parked first go on. */
static void unpark(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch;

	while ((fetch = TAILQ_FIRST(&fetcher->parked)) != NULL) {
		bool has;

		pthread_mutex_lock(&fetcher->lock);
		has = ccp_fetch_has_files_locked(fetcher, 2) && ccp_fetch_pipe_locked(fetch) == 0;
		pthread_mutex_unlock(&fetcher->lock);
		if (!has)
			return;
		fetch->piped = true;
		ccp_fetch_unpark(fetch);
		ccp_fetch_go_on(fetch);
	}
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
	uint64_t now_ns = ccp_fetch_now(), due_ns = UINT64_MAX, its_ns;
	struct ccp_fetch *fetch, *next;

	ccp_fetch_refill(fetcher);
	if (fetcher->runners > FEW && now_ns < fetcher->look_ns)
		return fetcher->look_ns;
	for (fetch = TAILQ_FIRST(&fetcher->running); fetch != NULL; fetch = next) {
		next = TAILQ_NEXT(fetch, link);
		its_ns = ccp_fetch_check(fetch, now_ns);
		if (its_ns < due_ns)
			due_ns = its_ns;
	}
	its_ns = ccp_listener_check(fetcher, now_ns);
	fetcher->look_ns = its_ns < due_ns ? its_ns : due_ns;
	return fetcher->look_ns;
}

/* Begins those whose turn it is, if that may have changed. */
static void admit(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch = NULL, *next;
	bool changed;

	pthread_mutex_lock(&fetcher->lock);
	changed = fetcher->changed;
	fetcher->changed = false;
	pthread_mutex_unlock(&fetcher->lock);
	if (!changed)
		return;
	unpark(fetcher);
	for (fetch = ccp_fetch_admit(fetcher); fetch != NULL; fetch = next) {
		next = TAILQ_NEXT(fetch, link);
		ccp_fetch_begin(fetch);
	}
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

	fetcher->epoch_ns = ccp_fetch_now();
	while (!quit) {
		uint64_t due_ns;
		bool rung;

		admit(fetcher);
		ccp_fetch_learn(fetcher, ccp_fetch_now());
		ccp_curl_timers(fetcher, ccp_fetch_now());
		due_ns = look(fetcher); /* last: tries that have just ended have deadlines, too */
		rung = nap(fetcher, due_ns);
		for (fetcher->event_at = 0; fetcher->event_at < fetcher->events; fetcher->event_at++) {
			const struct epoll_event *event = &fetcher->event[fetcher->event_at];

			handle(fetcher, event->data.u64, event->events);
		}
		if (fetcher->events > 0 && fetcher->look_ns > ccp_fetch_now() + NEARER_NS)
			fetcher->look_ns = ccp_fetch_now() + NEARER_NS;
		fetcher->events = 0;
		if (rung)
			quit = hear(fetcher);
	}
	TAILQ_FOREACH(fetch, &fetcher->running, link)
		ccp_fetch_release(fetch);
	ccp_listener_free(fetcher);
	ccp_curl_free(fetcher);
	return NULL;
}
