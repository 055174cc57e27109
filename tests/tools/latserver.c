/*
 * latserver.c: usage: latserver [PORT]: an HTTP server at 127.0.0.1 that takes its time and little of the CPU, for
 * measurements. Prints its port, and ends when its standard input does.
 *
 * GET /DELAY_MS/RATE/SIZE/NAME: SIZE bytes, DELAY_MS after the request, at most RATE bytes a second on each connection
 * (0: as fast as they go). Ranges are answered if If-Range names the ETag. RATE, SIZE: K, M, G as suffixes.
 * GET /connections: how many connections were accepted so far. GET /stored: how many bodies were taken, by PUT
 * /DELAY_MS/NAME: 201, DELAY_MS after the last byte; the body is read and forgotten, and needs a length.
 *
 * One thread, one epoll. A connection that waits, for its delay or because its rate says so, stands in a list in the
 * order of deadlines; new ones are nearly always the latest, so that a place is found from the end. Bodies come out of
 * one megabyte of text that is made at the start.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (1 << 20)
#define REQUEST 4096
#define SLICE_NS UINT64_C(5000000) /* of a connection whose rate is limited: so often it is given something */
#define SECOND_NS UINT64_C(1000000000)

struct connection {
	struct connection *before, *after; /* in the list of those that wait, if due_ns > 0 */
	uint64_t due_ns, began_ns;
	int fd;
	bool blocked;
	char request[REQUEST];
	size_t request_len;
	char head[512];
	size_t head_len, head_done;
	uint64_t rate, at, end, sent;      /* of the body */
	uint64_t to_take, put_delay_ms;    /* bytes of a body that is being put */
};

static char *block;
static struct connection *first, *last;
static int epoll;
static unsigned long accepted, stored;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void unlist(struct connection *c)
{
	if (c->due_ns == 0)
		return;
	*(c->before != NULL ? &c->before->after : &first) = c->after;
	*(c->after != NULL ? &c->after->before : &last) = c->before;
	c->due_ns = 0;
}

static void enlist(struct connection *c, uint64_t due_ns)
{
	struct connection *before = last;

	unlist(c);
	while (before != NULL && before->due_ns > due_ns)
		before = before->before;
	c->due_ns = due_ns;
	c->before = before;
	c->after = before != NULL ? before->after : first;
	*(c->after != NULL ? &c->after->before : &last) = c;
	*(before != NULL ? &before->after : &first) = c;
}

static void drop(struct connection *c)
{
	unlist(c);
	close(c->fd);
	free(c);
}

/* ---- requests ------------------------------------------------------------------------------------ */

static uint64_t number(const char **text)
{
	char *end;
	uint64_t value = strtoull(*text, &end, 10);

	switch (*end) {
	case 'G':
		value <<= 10; /* fallthrough */
	case 'M':
		value <<= 10; /* fallthrough */
	case 'K':
		value <<= 10;
		end++;
	}
	*text = *end == '/' ? end + 1 : end;
	return value;
}

/* The value of a header in the request, or NULL. */
static const char *header(const char *request, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(request, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
			return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
	return NULL;
}

static void answer_text(struct connection *c, const char *status, unsigned long value)
{
	char text[32];
	int len = snprintf(text, sizeof text, "%lu\n", value);

	c->head_len = (size_t)snprintf(c->head, sizeof c->head, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status,
				       len, text);
	c->at = c->end = 0;
}

static uint64_t created(struct connection *c)
{
	c->head_len = (size_t)snprintf(c->head, sizeof c->head, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	c->at = c->end = 0;
	stored++;
	return c->put_delay_ms;
}

/* Reads the head of a PUT, whose answer comes behind its body. */
static uint64_t understand_put(struct connection *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *path = c->request + 5, *len = header(c->request, "Content-Length"),
		   *expect = header(c->request, "Expect");

	c->put_delay_ms = number(&path);
	if (len == NULL) {
		answer_text(c, "411 Length Required", 411);
		return 0;
	}
	c->to_take = strtoull(len, NULL, 10);
	if (c->to_take == 0)
		return created(c);
	if (expect != NULL && send(c->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL) < 0)
		c->to_take = 0; /* it is closed, as the next call finds */
	return 0;
}

/* Reads one whole request, and prepares its answer. Returns how long that is to wait. */
static uint64_t understand(struct connection *c)
{
	const char *path = c->request + 5, *range = header(c->request, "Range"), *only = header(c->request, "If-Range");
	unsigned long long from = 0, to = ULLONG_MAX;
	uint64_t delay_ms, size;
	char etag[40];
	int fields = 0;

	c->head_done = c->sent = c->rate = 0;
	c->began_ns = 0;
	if (strncmp(c->request, "GET /connections ", 17) == 0) {
		answer_text(c, "200 OK", accepted);
		return 0;
	}
	if (strncmp(c->request, "GET /stored ", 12) == 0) {
		answer_text(c, "200 OK", stored);
		return 0;
	}
	if (strncmp(c->request, "PUT /", 5) == 0)
		return understand_put(c);
	if (strncmp(c->request, "GET /", 5) != 0) {
		answer_text(c, "405 Method Not Allowed", 405);
		return 0;
	}
	delay_ms = number(&path);
	c->rate = number(&path);
	size = number(&path);
	snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)size);
	if (range != NULL && (only == NULL || strncmp(only, etag, strlen(etag)) == 0))
		fields = sscanf(range, "bytes=%llu-%llu", &from, &to);
	if (fields > 0 && from >= size) {
		answer_text(c, "416 Range Not Satisfiable", 416);
		return delay_ms;
	}
	c->at = fields > 0 ? from : 0;
	c->end = fields > 1 && to < size ? to + 1 : size;
	c->head_len = (size_t)snprintf(c->head, sizeof c->head,
		"HTTP/1.1 %s\r\nContent-Length: %llu\r\nETag: %s\r\nAccept-Ranges: bytes\r\n",
		fields > 0 ? "206 Partial Content" : "200 OK", (unsigned long long)(c->end - c->at), etag);
	if (fields > 0)
		c->head_len += (size_t)snprintf(c->head + c->head_len, sizeof c->head - c->head_len,
			"Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)c->at,
			(unsigned long long)c->end - 1, (unsigned long long)size);
	c->head_len += (size_t)snprintf(c->head + c->head_len, sizeof c->head - c->head_len, "\r\n");
	return delay_ms;
}

/* ---- answers ------------------------------------------------------------------------------------- */

/* How many bytes of the body may go now; 0: none, and the connection waits. */
static uint64_t may_send(struct connection *c, uint64_t now)
{
	uint64_t room = BLOCK - c->at % BLOCK, allowed, least;

	if (room > c->end - c->at)
		room = c->end - c->at;
	if (c->rate == 0)
		return room;
	if (c->began_ns == 0)
		c->began_ns = now;
	allowed = (uint64_t)((double)(now - c->began_ns + SLICE_NS) / 1e9 * (double)c->rate);
	/* a slice at a time: what the clock allows between two calls would keep us at this connection alone */
	least = (uint64_t)((double)SLICE_NS / 1e9 * (double)c->rate) / 2;
	if (least > room)
		least = room;
	if (allowed <= c->sent || allowed - c->sent < least) {
		enlist(c, now + SLICE_NS);
		return 0;
	}
	return room < allowed - c->sent ? room : allowed - c->sent;
}

/* Sends what can be sent. Returns -1 if the connection is to be dropped. */
static int push(struct connection *c)
{
	while (c->head_done < c->head_len || c->at < c->end) {
		bool is_head = c->head_done < c->head_len;
		const char *data = is_head ? c->head + c->head_done : block + c->at % BLOCK;
		uint64_t len = is_head ? c->head_len - c->head_done : may_send(c, now_ns());
		ssize_t n;

		if (len == 0)
			return 0;
		n = send(c->fd, data, len, MSG_NOSIGNAL | (is_head && c->at < c->end ? MSG_MORE : 0));
		if (n < 0 && errno == EAGAIN) {
			c->blocked = true; /* the next event goes on */
			return 0;
		}
		if (n < 0)
			return -1;
		if (is_head) {
			c->head_done += (size_t)n;
		} else {
			c->at += (uint64_t)n;
			c->sent += (uint64_t)n;
		}
	}
	c->head_len = 0; /* ready for the next request */
	return 0;
}

/* Gives the answer that was prepared, now or later. Returns -1 if the connection is to be dropped. */
static int answer(struct connection *c, uint64_t wait_ms)
{
	if (wait_ms == 0)
		return push(c);
	enlist(c, now_ns() + wait_ms * 1000000);
	return 0;
}

static void forget_request(struct connection *c, size_t used)
{
	memmove(c->request, c->request + used, c->request_len - used);
	c->request_len -= used;
}

/* Takes a body, as far as it is there. Returns 1 if that is all of it, 0, or -1. */
static int take_body(struct connection *c)
{
	static char body[256 << 10];
	size_t here = c->request_len < c->to_take ? c->request_len : (size_t)c->to_take;

	forget_request(c, here);
	c->to_take -= here;
	while (c->to_take > 0) {
		ssize_t n = recv(c->fd, body, c->to_take < sizeof body ? (size_t)c->to_take : sizeof body, 0);

		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		c->to_take -= (uint64_t)n;
	}
	return 1;
}

/* Takes requests, one after the other, as far as they are there. Returns -1 if the connection is to be dropped. */
static int pull(struct connection *c)
{
	for (;;) {
		uint64_t wait_ms;
		char *end;
		ssize_t n;

		if (c->head_len > 0)
			return 0; /* an answer is under way */
		if (c->to_take > 0) {
			int all = take_body(c);

			if (all <= 0)
				return all;
			if (answer(c, created(c)) != 0)
				return -1;
			continue;
		}
		c->request[c->request_len] = '\0';
		end = strstr(c->request, "\r\n\r\n");
		if (end == NULL) {
			if (c->request_len == REQUEST - 1)
				return -1;
			n = recv(c->fd, c->request + c->request_len, REQUEST - 1 - c->request_len, 0);
			if (n == 0)
				return -1;
			if (n < 0)
				return errno == EAGAIN ? 0 : -1;
			c->request_len += (size_t)n;
			continue;
		}
		end[2] = '\0';
		wait_ms = understand(c);
		forget_request(c, (size_t)(end + 4 - c->request));
		if (c->head_len > 0 && answer(c, wait_ms) != 0)
			return -1;
	}
}

static void on_event(struct connection *c, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR)) {
		drop(c);
		return;
	}
	if (events & EPOLLRDHUP && c->head_len == 0) {
		drop(c);
		return;
	}
	if (c->blocked && events & EPOLLOUT) {
		c->blocked = false;
		if (push(c) != 0) {
			drop(c);
			return;
		}
	}
	if (pull(c) != 0)
		drop(c);
}

static void on_deadline(struct connection *c)
{
	unlist(c);
	if (push(c) != 0 || pull(c) != 0)
		drop(c);
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static void accept_all(int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
		struct connection *c = calloc(1, sizeof *c);

		if (c == NULL)
			abort();
		accepted++;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		c->fd = fd;
		event.data.ptr = c;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
			drop(c);
	}
}

static void prepare(int argc, char **argv, int *listener)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN };
	socklen_t len = sizeof address;
	struct rlimit files;
	uint64_t seed = 1;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	block = malloc(BLOCK);
	for (size_t i = 0; block != NULL && i < BLOCK; i++) { /* words of few letters, as text is */
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		block[i] = seed >> 60 < 3 ? ' ' : (char)('a' + (seed >> 40) % 9 * ((seed >> 50) % 3));
	}
	*listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (block == NULL || epoll < 0 || *listener < 0 ||
	    bind(*listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(*listener, 16384) != 0 ||
	    getsockname(*listener, (struct sockaddr *)&address, &len) != 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, *listener, &event) != 0) {
		perror("latserver");
		exit(1);
	}
	event.data.ptr = &epoll; /* standard input; a file cannot be watched: then it never ends */
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	int listener;

	prepare(argc, argv, &listener);
	for (;;) {
		uint64_t now = now_ns(), left = first == NULL ? 0 : first->due_ns > now ? first->due_ns - now : 0;
		struct timespec wait = { .tv_sec = (time_t)(left / SECOND_NS), .tv_nsec = (long)(left % SECOND_NS) };
		int count = epoll_pwait2(epoll, events, 256, first != NULL ? &wait : NULL, NULL);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &epoll) {
				char said[64];

				if (read(STDIN_FILENO, said, sizeof said) <= 0)
					return 0;
			} else if (events[i].data.ptr == NULL)
				accept_all(listener);
			else
				on_event(events[i].data.ptr, events[i].events);
		}
		for (now = now_ns(); first != NULL && first->due_ns <= now;)
			on_deadline(first);
	}
}
