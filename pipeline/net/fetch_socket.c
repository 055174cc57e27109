/*
 * fetch_socket.c: transfers over plain sockets: tcp://HOST:PORT and unix:PATH (unix:@NAME is an abstract one); those
 * that wait for a caller are fetch_listen.c's until they have one.
 *
 * A connection's bytes are spliced into the pipe: they are never in this program's memory. Addresses of a host are
 * tried one after the other, each for its share of the time that there is. Hosts are looked up by threads, of which
 * there are LOOKUPS at most; the others wait for one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pipeline/net/fetch_internal.h"
#include "pipeline/net/resolve.h"

#define SPLICE_BYTES ((size_t)1 << 20)
#define SPLICES 8      /* of one transfer, before others have their turn */
#define LOOKUPS 32     /* hosts that are looked up at a time: a thread each */
#define SECOND_NS UINT64_C(1000000000)

void ccp_socket_fail(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, int sys)
{
	char why[100];
	struct ccp_err err;

	ccp_err_clear(&err);
	ccp_fetch_cut(fetch, ccp_fetch_sys_text(sys, why, sizeof why), &err);
	ccp_fetch_failed(fetch, verdict, 0, &err);
}

/* Waits in a list, or in none any more. */
void ccp_socket_wait_in(struct ccp_fetch *fetch, struct ccp_fetch_list *list)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	if (socket->waits_in != NULL)
		TAILQ_REMOVE(socket->waits_in, fetch, wait);
	if (list != NULL)
		TAILQ_INSERT_TAIL(list, fetch, wait);
	socket->waits_in = list;
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
		ccp_socket_fail(fetch, CCP_FETCH_NEVER, errno);
}

/* Neither end is ready, or there was enough for one turn. */
static void wait_again(struct ccp_fetch *fetch)
{
	struct pollfd pipe = { .fd = fetch->in, .events = POLLOUT };

	if (poll(&pipe, 1, 0) == 1)
		wait_for(fetch, EPOLLIN | EPOLLRDHUP);
	else if (ccp_fetch_wait_room(fetch) != 0)
		ccp_socket_fail(fetch, CCP_FETCH_NEVER, errno);
}

void ccp_socket_go_on(struct ccp_fetch *fetch)
{
	if (!ccp_fetch_pipe(fetch))
		return;
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
			ccp_socket_fail(fetch, CCP_FETCH_NEVER, errno);
			return;
		}
	}
	wait_again(fetch);
}

void ccp_socket_connected(struct ccp_fetch *fetch)
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
		ccp_socket_connected(fetch);
		return 0;
	}
	if (errno == EINPROGRESS) {
		wait_for(fetch, EPOLLOUT);
		return 0;
	}
	return errno;
}

/* What is left of the time for a connection is for all addresses that are left, and no less than a second for each. */
static uint64_t share_of(const struct ccp_fetch *fetch)
{
	uint64_t all_ns = fetch->fetcher->options.connect_s * SECOND_NS, gone_ns = ccp_fetch_now() - fetch->begun_ns;
	uint64_t left_ns = gone_ns < all_ns ? all_ns - gone_ns : 0;
	unsigned addresses = 0;

	for (const struct addrinfo *at = fetch->socket.at; at != NULL; at = at->ai_next)
		addresses++;
	return left_ns / addresses > SECOND_NS ? left_ns / addresses : SECOND_NS;
}

/* The next address of the list. `sys`: why the one before did not do. */
static void try_next(struct ccp_fetch *fetch, int sys)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	for (; socket->at != NULL; socket->at = socket->at->ai_next) {
		close_socket(socket);
		fetch->quiet_ns = ccp_fetch_now();
		socket->share_ns = share_of(fetch);
		sys = try_address(fetch, socket->at->ai_addr, socket->at->ai_addrlen);
		if (sys == 0)
			return;
	}
	if (sys == ECONNREFUSED)
		ccp_fetch_refused(fetch);
	ccp_socket_fail(fetch, CCP_FETCH_AGAIN, sys);
}

bool ccp_socket_late(struct ccp_fetch *fetch)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	if (socket->at == NULL || socket->at->ai_next == NULL)
		return false;
	socket->at = socket->at->ai_next;
	try_next(fetch, ETIMEDOUT);
	return true;
}

/* The look-up is over. */
static void resolved(struct ccp_fetch *fetch, int error)
{
	struct ccp_fetch_socket *socket = &fetch->socket;
	struct ccp_err err;

	ccp_resolve_close(socket->resolve);
	socket->resolve = NULL;
	socket->at = socket->list;
	if (error == 0) {
		try_next(fetch, EADDRNOTAVAIL);
		return;
	}
	ccp_err_set(&err, CCP_E_OTHER, "host not found");
	ccp_fetch_failed(fetch, error == EAI_AGAIN ? CCP_FETCH_AGAIN : CCP_FETCH_NEVER, 0, &err);
}

/* Begins to look a host up, or goes on at once if it is an address. */
static void look_up(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	struct ccp_fetch_socket *socket = &fetch->socket;
	char host[CCP_URL_HOST], port[CCP_URL_PORT];
	struct ccp_err err;
	int error;

	ccp_err_clear(&err);
	if (ccp_url_split(ccp_url_rest(fetch->url), host, port, &err) == 0 && host[0] == '\0')
		ccp_err_set(&err, CCP_E_OTHER, "the host is missing: HOST:PORT is wanted");
	if (err.code == CCP_OK) {
		socket->resolve = ccp_resolve_open(host, port, fetcher->bell);
		if (socket->resolve == NULL)
			ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for a transfer");
	}
	if (err.code != CCP_OK) {
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
	} else if (ccp_resolve_take(socket->resolve, &socket->list, &error)) {
		resolved(fetch, error);
	} else {
		ccp_socket_wait_in(fetch, &fetcher->resolving);
		fetcher->lookups++;
	}
}

/* No look-up of this transfer is under way, or is to begin, any more. */
static void leave_lookups(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	fetcher->lookups -= fetch->socket.waits_in == &fetcher->resolving;
	ccp_socket_wait_in(fetch, NULL);
}

void ccp_socket_rung(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch, *next;
	int error;

	for (fetch = TAILQ_FIRST(&fetcher->resolving); fetch != NULL; fetch = next) {
		next = TAILQ_NEXT(fetch, wait);
		if (!ccp_resolve_take(fetch->socket.resolve, &fetch->socket.list, &error))
			continue;
		leave_lookups(fetch);
		resolved(fetch, error);
	}
	while (fetcher->lookups < LOOKUPS && (fetch = TAILQ_FIRST(&fetcher->unresolved)) != NULL) {
		ccp_socket_wait_in(fetch, NULL);
		look_up(fetch);
	}
}

static void begin_tcp(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	struct ccp_err err;

	if (strchr(fetch->url, '@') != NULL) {
		ccp_err_set(&err, CCP_E_OTHER, "tcp:// has no user names");
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
	} else if (fetcher->lookups < LOOKUPS) {
		look_up(fetch);
	} else {
		ccp_socket_wait_in(fetch, &fetcher->unresolved);
	}
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
		ccp_socket_fail(fetch, sys == ECONNREFUSED || sys == EAGAIN || sys == ENOENT ? CCP_FETCH_AGAIN :
			 CCP_FETCH_NEVER, sys);
}

/* ---- the calls of a try -------------------------------------------------------------------------- */

void ccp_socket_begin(struct ccp_fetch *fetch)
{
	if (fetch->kind == CCP_URL_TCP)
		begin_tcp(fetch);
	else if (fetch->kind == CCP_URL_UNIX)
		begin_unix(fetch);
	else
		ccp_listener_begin(fetch);
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
		ccp_socket_connected(fetch);
	} else if (socket->at != NULL) {
		socket->at = socket->at->ai_next;
		try_next(fetch, sys);
	} else {
		ccp_socket_fail(fetch, CCP_FETCH_AGAIN, sys);
	}
}

void ccp_socket_release(struct ccp_fetch *fetch)
{
	struct ccp_fetch_socket *socket = &fetch->socket;

	close_socket(socket);
	leave_lookups(fetch);
	if (socket->resolve != NULL)
		ccp_resolve_close(socket->resolve);
	if (socket->list != NULL)
		freeaddrinfo(socket->list);
	if (socket->listener != NULL)
		ccp_listener_leave(fetch->fetcher, socket->listener);
	socket->resolve = NULL;
	socket->list = socket->at = NULL;
	socket->share_ns = 0;
	socket->listener = NULL;
}
