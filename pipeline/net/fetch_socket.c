/*
 * fetch_socket.c: transfers over plain sockets: tcp://HOST:PORT, unix:PATH (unix:@NAME is an abstract one), and
 * tcp-listen:ADDRESS:PORT, which takes one connection for each name.
 *
 * A connection's bytes are spliced into the pipe: they are never in this program's memory. Addresses of a host are
 * tried one after the other. Transfers that wait at the same address share one listening socket, which hands
 * connections out in the order of their names and is closed with the last of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"
#include "pipeline/net/resolve.h"

#define SPLICE_BYTES ((size_t)1 << 20)
#define SPLICES 8      /* of one transfer, before others have their turn */
#define BACKLOG 128

struct ccp_listener {
	LIST_ENTRY(ccp_listener) link;
	int fd;
	bool in_epoll;
	unsigned users;
	char address[];
};

/* The words of an errno, which begin with a capital; in the middle of a line they do not. */
static void fail_sys(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, int sys)
{
	char why[100];
	struct ccp_err err;

	snprintf(why, sizeof why, "%s", strerrordesc_np(sys) != NULL ? strerrordesc_np(sys) : "unknown error");
	if (why[0] >= 'A' && why[0] <= 'Z' && !(why[1] >= 'A' && why[1] <= 'Z'))
		why[0] = (char)(why[0] - 'A' + 'a');
	ccp_err_clear(&err);
	ccp_fetch_cut(fetch, why, &err);
	ccp_fetch_failed(fetch, verdict, 0, &err);
}

static void close_socket(struct ccp_fetch_socket *socket)
{
	if (socket->fd >= 0)
		close(socket->fd);
	socket->fd = -1;
	socket->in_epoll = false;
}

/* ---- bytes --------------------------------------------------------------------------------------- */

static void wait_for(struct ccp_fetch *fetch, uint32_t events)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	if (ccp_fetch_watch(fetch->fetcher, socket->fd, socket->in_epoll, events, CCP_TAG_SOCKET, fetch) == 0)
		socket->in_epoll = true;
	else
		fail_sys(fetch, CCP_FETCH_NEVER, errno);
}

/* Neither end is ready, or there was enough for one turn. */
static void wait_again(struct ccp_fetch *fetch)
{
	struct pollfd pipe = { .fd = fetch->in, .events = POLLOUT };

	if (poll(&pipe, 1, 0) == 1)
		wait_for(fetch, EPOLLIN | EPOLLRDHUP);
	else
		ccp_fetch_wait_room(fetch);
}

void ccp_socket_go_on(struct ccp_fetch *fetch)
{
	for (unsigned i = 0; i < SPLICES; i++) {
		size_t allowed = ccp_fetch_allow(fetch, SPLICE_BYTES);
		ssize_t n;

		if (allowed == 0)
			return;
		n = splice(fetch->socket.fd, NULL, fetch->in, NULL, allowed, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n == 0) {
			ccp_fetch_done(fetch);
			return;
		}
		if (n > 0) {
			ccp_fetch_count(fetch, (size_t)n);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			fetch->gone = errno == EPIPE;
			fail_sys(fetch, CCP_FETCH_NEVER, errno);
			return;
		}
	}
	wait_again(fetch);
}

static void connected(struct ccp_fetch *fetch)
{
	fetch->connected = true;
	fetch->quiet_ns = ccp_fetch_now();
	wait_for(fetch, EPOLLIN | EPOLLRDHUP);
}

/* ---- connecting ---------------------------------------------------------------------------------- */

/* Begins to connect. Returns 0 (also if that takes a while), or an errno. */
static int try_address(struct ccp_fetch *fetch, const struct sockaddr *address, socklen_t len)
{
	struct ccp_fetch_socket *own = &fetch->socket;

	own->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (own->fd < 0)
		return errno;
	if (connect(own->fd, address, len) == 0) {
		connected(fetch);
		return 0;
	}
	if (errno == EINPROGRESS) {
		wait_for(fetch, EPOLLOUT);
		return 0;
	}
	return errno;
}

/* The next address of the list. `sys`: why the one before did not do. */
static void try_next(struct ccp_fetch *fetch, int sys)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	for (; socket->at != NULL; socket->at = socket->at->ai_next) {
		close_socket(socket);
		sys = try_address(fetch, socket->at->ai_addr, socket->at->ai_addrlen);
		if (sys == 0)
			return;
	}
	fail_sys(fetch, CCP_FETCH_AGAIN, sys);
}

void ccp_socket_rung(struct ccp_fetch *fetch)
{
	struct ccp_fetch_socket *socket = &fetch->socket;
	struct ccp_err err;
	int error;

	if (socket->resolve == NULL || !ccp_resolve_take(socket->resolve, &socket->list, &error))
		return;
	ccp_resolve_close(socket->resolve);
	socket->resolve = NULL;
	socket->at = socket->list;
	if (error == 0) {
		try_next(fetch, EADDRNOTAVAIL);
		return;
	}
	ccp_err_set(&err, CCP_E_OTHER, "host not found");
	ccp_fetch_failed(fetch, CCP_FETCH_AGAIN, 0, &err);
}

static void begin_tcp(struct ccp_fetch *fetch)
{
	char host[CCP_URL_HOST], port[CCP_URL_PORT];
	struct ccp_err err;

	ccp_err_clear(&err);
	if (strchr(fetch->url, '@') != NULL)
		ccp_err_set(&err, CCP_E_OTHER, "tcp:// has no user names");
	else if (ccp_url_split(ccp_url_rest(fetch->url), host, port, &err) == 0 && host[0] == '\0')
		ccp_err_set(&err, CCP_E_OTHER, "the host is missing: HOST:PORT is wanted");
	if (err.code == CCP_OK) {
		fetch->socket.resolve = ccp_resolve_open(host, port, fetch->fetcher->bell);
		if (fetch->socket.resolve == NULL)
			ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for a transfer");
	}
	if (err.code != CCP_OK)
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
	else
		ccp_socket_rung(fetch);
}

static void begin_unix(struct ccp_fetch *fetch)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = ccp_url_rest(fetch->url);
	size_t len = strlen(path);
	int sys = ENAMETOOLONG;

	if (len == 0) {
		sys = ENOENT;
	} else if (len < sizeof address.sun_path) {
		memcpy(address.sun_path, path, len + 1);
		if (path[0] == '@')
			address.sun_path[0] = '\0';
		sys = try_address(fetch, (const struct sockaddr *)&address,
				  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@')));
	}
	if (sys != 0) /* EAGAIN: its queue is full */
		fail_sys(fetch, sys == ECONNREFUSED || sys == EAGAIN || sys == ENOENT ? CCP_FETCH_AGAIN :
			 CCP_FETCH_NEVER, sys);
}

/* ---- listening ----------------------------------------------------------------------------------- */

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
	if (--listener->users > 0)
		return;
	ccp_fetch_forget(fetcher, listener);
	LIST_REMOVE(listener, link);
	close(listener->fd);
	free(listener);
}

static void wait_for_caller(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	if (ccp_fetch_watch(fetcher, listener->fd, listener->in_epoll, EPOLLIN, CCP_TAG_LISTENER, listener) == 0)
		listener->in_epoll = true;
}

/* The transfer that waits at a listener with the first name. */
static struct ccp_fetch *first_waiting(struct ccp_fetcher *fetcher, const struct ccp_listener *listener)
{
	struct ccp_fetch *fetch, *first = NULL;

	TAILQ_FOREACH(fetch, &fetcher->running, link)
		if (fetch->socket.listener == listener && fetch->trying && fetch->socket.fd < 0 &&
		    (first == NULL || fetch->index < first->index))
			first = fetch;
	return first;
}

void ccp_listener_event(struct ccp_fetcher *fetcher, struct ccp_listener *listener)
{
	struct ccp_fetch *fetch;

	listener->users++; /* until here is an end of it */
	while ((fetch = first_waiting(fetcher, listener)) != NULL) {
		fetch->socket.fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fetch->socket.fd < 0)
			break;
		connected(fetch);
	}
	if (fetch != NULL)
		wait_for_caller(fetcher, listener);
	close_listener(fetcher, listener);
}

static void begin_listen(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	struct ccp_err err;

	ccp_err_clear(&err);
	fetch->socket.listener = open_listener(fetcher, ccp_url_rest(fetch->url), &err);
	if (fetch->socket.listener != NULL)
		wait_for_caller(fetcher, fetch->socket.listener);
	else
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

/* ---- the calls of a try -------------------------------------------------------------------------- */

void ccp_socket_begin(struct ccp_fetch *fetch)
{
	if (fetch->kind == CCP_URL_TCP)
		begin_tcp(fetch);
	else if (fetch->kind == CCP_URL_UNIX)
		begin_unix(fetch);
	else
		begin_listen(fetch);
}

void ccp_socket_event(struct ccp_fetch *fetch)
{
	struct ccp_fetch_socket *socket = &fetch->socket;
	socklen_t len = sizeof(int);
	int sys = 0;

	if (fetch->connected) {
		ccp_fetch_go_on(fetch);
		return;
	}
	if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0)
		sys = errno;
	if (sys == 0) {
		connected(fetch);
	} else if (socket->at != NULL) {
		socket->at = socket->at->ai_next;
		try_next(fetch, sys);
	} else {
		fail_sys(fetch, CCP_FETCH_AGAIN, sys);
	}
}

void ccp_socket_release(struct ccp_fetch *fetch)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	close_socket(socket);
	if (socket->resolve != NULL)
		ccp_resolve_close(socket->resolve);
	if (socket->list != NULL)
		freeaddrinfo(socket->list);
	if (socket->listener != NULL)
		close_listener(fetch->fetcher, socket->listener);
	socket->resolve = NULL;
	socket->list = socket->at = NULL;
	socket->listener = NULL;
}
