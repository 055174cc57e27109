/*
 * idleserver.c: an HTTP server that takes any number of connections and lets them wait, for tests of many of them.
 *
 *   idleserver [-n COUNT] [-l MS] [-s SIZE] [-b MOST]
 *
 * Listens at 127.0.0.1 on a port that the kernel chooses, and prints it. Each request, of whatever path, is answered
 * with SIZE bytes (100): with -n when COUNT requests have come and none has been answered before, so that all of them
 * have been waiting at the same time; then, and without -n, MS milliseconds after the request (0). With -b the
 * requests beyond MOST that wait at the same time get 503 at once. Ends when its standard input does, and prints to
 * standard error: "connections N, at once N, refused N".
 *
 * All waits are equally long, so that a queue in the order of the requests is in the order of their deadlines.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
	TAILQ_ENTRY(client) link;
	int fd;
	bool waits;
	unsigned matched;        /* bytes of the empty line that ends a request */
	uint64_t due_ns;
	size_t sent;             /* of an answer that did not fit */
	bool sending;
};

TAILQ_HEAD(clients, client);

struct server {
	int epoll, listener;
	unsigned count, most;
	uint64_t latency_ns;
	char *answer;
	size_t answer_len;
	struct clients waiting;
	unsigned waits, at_once, connections, refused;
	bool released;
};

static const char busy[] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(const struct server *server, struct client *client, int fd, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	if (epoll_ctl(server->epoll, how, fd, &event) != 0) {
		perror("epoll_ctl");
		exit(1);
	}
}

static void drop(struct server *server, struct client *client)
{
	if (client->waits) {
		TAILQ_REMOVE(&server->waiting, client, link);
		server->waits--;
	}
	close(client->fd);
	free(client);
}

/* Returns whether the client is still there. */
static bool send_more(struct server *server, struct client *client)
{
	ssize_t n = send(client->fd, server->answer + client->sent, server->answer_len - client->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN) {
		drop(server, client);
		return false;
	}
	client->sent += n > 0 ? (size_t)n : 0;
	if (client->sent == server->answer_len) {
		if (client->sending)
			watch(server, client, client->fd, EPOLL_CTL_MOD, EPOLLIN);
		client->sending = false;
		client->sent = 0;
	} else if (!client->sending) {
		client->sending = true;
		watch(server, client, client->fd, EPOLL_CTL_MOD, EPOLLOUT);
	}
	return true;
}

/* A whole request has come. */
static void request(struct server *server, struct client *client)
{
	if (server->most > 0 && server->waits >= server->most) {
		server->refused++;
		(void)!send(client->fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	client->waits = true;
	client->due_ns = now() + server->latency_ns;
	TAILQ_INSERT_TAIL(&server->waiting, client, link);
	if (++server->waits > server->at_once)
		server->at_once = server->waits;
	server->released |= server->waits >= server->count;
}

static void receive(struct server *server, struct client *client)
{
	static const char end[] = "\r\n\r\n";
	char data[4096];
	ssize_t n = recv(client->fd, data, sizeof data, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		drop(server, client);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		client->matched = data[i] == end[client->matched] ? client->matched + 1 : data[i] == '\r';
		if (client->matched == 4) {
			client->matched = 0;
			request(server, client);
		}
	}
}

static void accept_all(struct server *server)
{
	int fd, one = 1;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *client = calloc(1, sizeof *client);

		if (client == NULL)
			exit(1);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		client->fd = fd;
		server->connections++;
		watch(server, client, fd, EPOLL_CTL_ADD, EPOLLIN);
	}
	if (errno != EAGAIN && errno != ECONNABORTED) {
		perror("accept4");
		exit(1);
	}
}

/* Answers those whose time has come. Returns the milliseconds to the next one, or -1. */
static int answer_due(struct server *server)
{
	uint64_t now_ns = now();
	struct client *client;

	while (server->released && (client = TAILQ_FIRST(&server->waiting)) != NULL) {
		if (client->due_ns > now_ns)
			return (int)((client->due_ns - now_ns) / 1000000 + 1);
		TAILQ_REMOVE(&server->waiting, client, link);
		client->waits = false;
		server->waits--;
		(void)send_more(server, client);
	}
	return -1;
}

static void prepare(struct server *server, size_t size)
{
	struct rlimit limit;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int head;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	server->answer = malloc(size + 100);
	if (server->answer == NULL)
		exit(1);
	head = sprintf(server->answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
	memset(server->answer + head, 'x', size);
	server->answer_len = (size_t)head + size;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)&address, len) != 0 || listen(server->listener, 16384) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) {
		perror("listen");
		exit(1);
	}
	watch(server, (void *)&server->listener, server->listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(server, NULL, 0, EPOLL_CTL_ADD, EPOLLIN);
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct server server = { .count = 0 };
	struct epoll_event events[256];
	size_t size = 100;
	char ignored[256];
	int option;

	while ((option = getopt(argc, argv, "n:l:s:b:")) != -1) {
		unsigned long value = strtoul(optarg != NULL ? optarg : "", NULL, 10);

		if (option == 'n')
			server.count = (unsigned)value;
		else if (option == 'l')
			server.latency_ns = value * 1000000;
		else if (option == 's')
			size = value;
		else if (option == 'b')
			server.most = (unsigned)value;
		else
			return 2;
	}
	TAILQ_INIT(&server.waiting);
	prepare(&server, size);
	for (;;) {
		int n = epoll_wait(server.epoll, events, 256, answer_due(&server));

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL) {
				if (read(0, ignored, sizeof ignored) > 0)
					continue;
				fprintf(stderr, "connections %u, at once %u, refused %u\n", server.connections,
					server.at_once, server.refused);
				return 0;
			}
			if (events[i].data.ptr == &server.listener)
				accept_all(&server);
			else if (events[i].events & EPOLLOUT)
				(void)send_more(&server, events[i].data.ptr);
			else
				receive(&server, events[i].data.ptr);
		}
	}
}
