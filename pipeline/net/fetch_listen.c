/*
 * fetch_listen.c: tcp-listen:ADDRESS:PORT, which takes one connection for each name.
 *
 * Transfers that wait at the same address share one listening socket, which hands connections out in the order of
 * their names and is closed with the last of them. Callers may come before their names' turn: as long as such a name is
 * queued the socket stays open, and the system keeps them. If there is no descriptor for a caller, it rests for a
 * while, and after RESTS of them in a row the first transfer that waits has failed.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"

#define BACKLOG 128
#define REST_NS UINT64_C(100000000)
#define RESTS 50

struct ccp_listener {
	LIST_ENTRY(ccp_listener) link;
	int fd;
	bool in_epoll;
	unsigned users;
	unsigned rests;          /* in a row */
	uint64_t rests_until_ns; /* 0 = it does not rest */
	struct ccp_fetch_list waiting; /* in the order of their names */
	char address[];
};

/* Returns 0 or an errno; `fd` is the socket. */
static int listen_at(const struct addrinfo *at, int *fd)
{
	int one = 1, sys;

	*fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno;
	if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(*fd, at->ai_addr, at->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
		return 0;
	sys = errno;
	close(*fd);
	*fd = -1;
	return sys;
}

/* Returns a listening socket, or -1 with `err`. */
static int open_address(const char *address, struct ccp_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV }, *list = NULL;
	char host[CCP_URL_HOST], port[CCP_URL_PORT];
	int fd = -1, sys = EADDRNOTAVAIL;

	if (ccp_url_split(address, host, port, err) != 0)
		return -1;
	if (atoi(port) == 0 || getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list) != 0)
		return ccp_err_set(err, CCP_E_OTHER, "an address of this host in digits, and a port, are wanted");
	for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next)
		sys = listen_at(at, &fd);
	freeaddrinfo(list);
	return fd >= 0 ? fd : ccp_err_set(err, CCP_E_OTHER, "cannot listen there: %s", strerrordesc_np(sys));
}

static struct ccp_listener *open_listener(struct ccp_fetcher *fetcher, const char *address, struct ccp_err *err)
{
	struct ccp_listener *listener;

	LIST_FOREACH(listener, &fetcher->listeners, link)
		if (strcmp(listener->address, address) == 0)
			break;
	if (listener == NULL) {
		listener = calloc(1, sizeof *listener + strlen(address) + 1);
		if (listener == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a transfer");
			return NULL;
		}
		strcpy(listener->address, address);
		TAILQ_INIT(&listener->waiting);
		listener->fd = open_address(address, err);
		if (listener->fd < 0) {
			free(listener);
			return NULL;
		}
		LIST_INSERT_HEAD(&fetcher->listeners, listener, link);
	}
	listener->users++;
	return listener;
}

static void close_listener(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	ccp_fetch_forget(fetcher, listener);
	LIST_REMOVE(listener, link);
	close(listener->fd);
	free(listener);
}

/* Whether somebody who has not begun will want it. */
static bool is_wanted(struct ccp_fetcher *fetcher, const struct ccp_listener *listener)
{
	const struct ccp_fetch *fetch;
	bool wanted = false;

	pthread_mutex_lock(&fetcher->lock);
	TAILQ_FOREACH(fetch, &fetcher->queued, link) {
		wanted = fetch->kind == CCP_URL_LISTEN && strcmp(ccp_url_rest(fetch->url), listener->address) == 0;
		if (wanted)
			break;
	}
	pthread_mutex_unlock(&fetcher->lock);
	return wanted;
}

void ccp_listener_leave(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	if (--listener->users == 0 && !is_wanted(fetcher, listener))
		close_listener(fetcher, listener);
}

void ccp_listener_free(struct ccp_fetcher *fetcher)
{
	struct ccp_listener *listener;

	while ((listener = LIST_FIRST(&fetcher->listeners)) != NULL)
		close_listener(fetcher, listener);
}

/* Returns 0, or -1 with errno. */
static int wait_for_caller(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	if (ccp_fetch_watch(fetcher, listener->fd, listener->in_epoll, EPOLLIN, CCP_TAG_LISTENER, listener) != 0)
		return -1;
	listener->in_epoll = true;
	return 0;
}

/* In the order of their names; they come in that order, but for those that somebody reads out of it. */
static void wait_at(struct ccp_fetch *fetch, struct ccp_listener *listener)
{
	struct ccp_fetch *after = TAILQ_LAST(&listener->waiting, ccp_fetch_list);

	while (after != NULL && after->index > fetch->index)
		after = TAILQ_PREV(after, ccp_fetch_list, wait);
	if (after != NULL)
		TAILQ_INSERT_AFTER(&listener->waiting, after, fetch, wait);
	else
		TAILQ_INSERT_HEAD(&listener->waiting, fetch, wait);
	fetch->socket.waits_in = &listener->waiting;
}

/* There was no caller, or nothing to hold one with. Returns whether the next transfer may have more luck. */
static bool no_caller(struct ccp_fetcher *fetcher, struct ccp_listener *listener, struct ccp_fetch *fetch)
{
	int sys = errno;

	if (sys == EINTR || sys == ECONNABORTED)
		return true;
	if (sys == EAGAIN) {
		if (wait_for_caller(fetcher, listener) == 0)
			return false;
		ccp_socket_fail(fetch, CCP_FETCH_NEVER, errno);
		return true;
	}
	if (++listener->rests < RESTS) {
		listener->rests_until_ns = ccp_fetch_now() + REST_NS;
		fetcher->look_ns = 0;
		return false;
	}
	ccp_socket_fail(fetch, CCP_FETCH_NEVER, sys);
	return true;
}

void ccp_listener_event(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	struct ccp_fetch *fetch;
	bool more = true;

	listener->users++; /* until here is an end of it */
	while (more && (fetch = TAILQ_FIRST(&listener->waiting)) != NULL) {
		fetch->socket.fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fetch->socket.fd < 0) {
			more = no_caller(fetcher, listener, fetch);
			continue;
		}
		listener->rests = 0;
		ccp_socket_wait_in(fetch, NULL);
		ccp_socket_connected(fetch);
	}
	ccp_listener_leave(fetcher, listener);
}

uint64_t ccp_listener_check(struct ccp_fetcher *fetcher, uint64_t now_ns)
{
	struct ccp_listener *listener;
	uint64_t due_ns = UINT64_MAX;

	LIST_FOREACH(listener, &fetcher->listeners, link) {
		if (listener->rests_until_ns == 0)
			continue;
		if (listener->rests_until_ns <= now_ns) {
			listener->rests_until_ns = 0;
			ccp_listener_event(fetcher, listener);
			return now_ns; /* it may be gone */
		} else if (listener->rests_until_ns < due_ns) {
			due_ns = listener->rests_until_ns;
		}
	}
	return due_ns;
}

void ccp_listener_begin(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	struct ccp_err err;

	ccp_err_clear(&err);
	fetch->socket.listener = open_listener(fetcher, ccp_url_rest(fetch->url), &err);
	if (fetch->socket.listener == NULL) {
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
		return;
	}
	wait_at(fetch, fetch->socket.listener);
	if (fetch->socket.listener->rests_until_ns == 0 && wait_for_caller(fetcher, fetch->socket.listener) != 0)
		ccp_socket_fail(fetch, CCP_FETCH_NEVER, errno);
}
