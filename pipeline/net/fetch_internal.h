/*
 * fetch_internal.h: a fetcher as its parts see it: fetch.c (the calls of other threads, and whose turn it is),
 * fetch_loop.c (the thread), fetch_pipe.c (into the pipe, and not too fast), fetch_try.c (how tries begin and end),
 * and the two kinds of transfers: fetch_curl.c and fetch_socket.c.
 */
#ifndef CCP_PIPELINE_NET_FETCH_INTERNAL_H
#define CCP_PIPELINE_NET_FETCH_INTERNAL_H

#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "pipeline/net/fetch.h"
#include "pipeline/net/url.h"

struct addrinfo;
struct ccp_curl;
struct ccp_curl_try;
struct ccp_listener;
struct ccp_resolve;

enum ccp_fetch_state {
	CCP_FETCH_QUEUED,        /* announced, not begun */
	CCP_FETCH_RUNS,          /* the loop's */
	CCP_FETCH_ENDED,
};

/* What is to come of a try that failed. */
enum ccp_fetch_verdict {
	CCP_FETCH_AGAIN,         /* it may do better the next time */
	CCP_FETCH_NEVER,
};

/* A host and port that transfers go to. Guarded by the fetcher's lock. */
struct ccp_fetch_host {
	LIST_ENTRY(ccp_fetch_host) link;
	unsigned users;          /* transfers that name it */
	unsigned active;         /* those that run */
	char name[];
};

/* What an event of epoll is for, in the lowest bits of its tag; the rest is a pointer or a descriptor. */
enum ccp_tag { CCP_TAG_BELL, CCP_TAG_CURL, CCP_TAG_PIPE, CCP_TAG_SOCKET, CCP_TAG_LISTENER };
#define CCP_TAG_BITS 3

#define CCP_FETCH_EVENTS 64 /* taken from epoll at once */

/* A transfer over a plain socket. Owned by the loop's thread. */
struct ccp_fetch_socket {
	int fd;                  /* -1 = none */
	bool in_epoll;
	struct ccp_resolve *resolve; /* under way, or NULL */
	struct addrinfo *list, *at;  /* addresses, and the one that is tried */
	struct ccp_listener *listener;
};

struct ccp_fetch {
	/* set before it is queued */
	struct ccp_fetcher *fetcher;
	uint64_t index;
	enum ccp_url_kind kind;
	char *url;

	/* guarded by the fetcher's lock */
	TAILQ_ENTRY(ccp_fetch) link;
	struct ccp_fetch_host *host;
	enum ccp_fetch_state state;
	bool taken;              /* somebody reads it */
	bool dropped;            /* nobody wants it any more */
	int out;                 /* the end of the pipe that is read, until it is taken; -1 = none */
	struct ccp_fetch_info info;
	struct ccp_err err;      /* how it ended */

	/* owned by the loop's thread, once it runs */
	int in;                  /* the end of the pipe that is written; set under the lock */
	bool in_epoll;           /* ... is known to epoll */
	bool full;               /* the pipe is: the try waits for its reader */
	bool throttled;          /* the try waits because of limit_bytes */
	bool gone;               /* nobody reads the pipe any more */
	bool trying;             /* a try is under way; else one begins at due_ns (0 = now) */
	bool connected;          /* its connection stands */
	bool resumable;          /* a try could go on where the last one was cut */
	uint64_t written;        /* bytes that went into the pipe */
	unsigned failed;         /* tries without a byte, since the last one */
	uint64_t due_ns;
	uint64_t quiet_ns;       /* since when nothing has come */
	struct ccp_curl_try *curl;
	struct ccp_fetch_socket socket;
};

TAILQ_HEAD(ccp_fetch_list, ccp_fetch);
LIST_HEAD(ccp_fetch_hosts, ccp_fetch_host);
LIST_HEAD(ccp_listeners, ccp_listener);

struct ccp_fetcher {
	/* set before the thread begins */
	struct ccp_fetch_options options;
	int epoll, bell;

	pthread_mutex_t lock;
	/* guarded by lock */
	struct ccp_fetch_list queued; /* in the order of announcement; those that were taken go first */
	struct ccp_fetch_list running;/* changed by the loop's thread alone, which may walk it without the lock */
	struct ccp_fetch_list ended;  /* until they are closed */
	struct ccp_fetch_hosts hosts;
	unsigned ahead;          /* begun, and not taken */
	bool rung;               /* the bell has been rung, and not yet been heard */
	bool changed;            /* whose turn it is has to be asked */
	bool quit;
	bool runs;               /* there is a thread */
	int start_error;         /* why there is none: errno */
	pthread_t thread;

	/* owned by the loop's thread */
	struct ccp_curl *curl;   /* NULL until the first URL that needs it */
	struct ccp_listeners listeners;
	int64_t allowance;       /* bytes that limit_bytes allows now */
	uint64_t refilled_ns;
	struct epoll_event event[CCP_FETCH_EVENTS];
	int events, event_at;    /* how many there are, and which one is looked at */
};

/* ---- fetch.c ---- */

/* Wakes the loop. Threads: any, with the lock. */
void ccp_fetch_ring_locked(struct ccp_fetcher *fetcher);

/* Takes the transfers off the queue whose turn it is, to the end of `running`. Threads: the loop's. */
void ccp_fetch_admit(struct ccp_fetcher *fetcher);

/* Ends a transfer, whose try is over: with `err`, or well if that is NULL. Threads: the loop's. Memory: may be gone. */
void ccp_fetch_finish(struct ccp_fetch *fetch, const struct ccp_err *err);

/* The loop's thread. */
void *ccp_fetch_run(void *fetcher);

/* ---- fetch_loop.c: Threads: the loop's ---- */

uint64_t ccp_fetch_now(void);

/* Watches a descriptor for the next event only. `known`: it is in the set. Returns 0, or -1 with errno. */
int ccp_fetch_watch(struct ccp_fetcher *fetcher, int fd, bool known, uint32_t events, enum ccp_tag tag,
		    const void *what);

/* Forgets events that have come for something that is no more. */
void ccp_fetch_forget(struct ccp_fetcher *fetcher, const void *what);

/* ---- fetch_pipe.c: Threads: the loop's ---- */

/*
 * Writes what fits. Returns how many bytes; fewer than len: `full` or `throttled` or `gone` is set, and ccp_fetch_go_on
 * of fetch_try.c follows when there is room.
 */
size_t ccp_fetch_push(struct ccp_fetch *fetch, const void *data, size_t len);

/* How many of `wanted` bytes may go now; 0: `throttled` is set. */
size_t ccp_fetch_allow(struct ccp_fetch *fetch, size_t wanted);

/* Bytes went into the pipe. */
void ccp_fetch_count(struct ccp_fetch *fetch, size_t bytes);

/* The pipe is full: waits for its reader. */
void ccp_fetch_wait_room(struct ccp_fetch *fetch);

/* Whether there is enough in the bucket for a throttled transfer to go on: not for every byte. */
bool ccp_fetch_may_go(const struct ccp_fetcher *fetcher);

/* What limit_bytes has allowed since the last call. */
void ccp_fetch_refill(struct ccp_fetcher *fetcher);

/* ---- fetch_try.c: Threads: the loop's; each of them may end the transfer, which may then be gone ---- */

/* Begins a try. */
void ccp_fetch_begin(struct ccp_fetch *fetch);

/* There is room for bytes again. */
void ccp_fetch_go_on(struct ccp_fetch *fetch);

/* The try is over, well. */
void ccp_fetch_done(struct ccp_fetch *fetch);

/* The try failed. It is released; another one follows, or the transfer ends. `wait_s`: what the server asks for. */
void ccp_fetch_failed(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, unsigned wait_s, struct ccp_err *err);

/* Releases what a try holds. */
void ccp_fetch_release(struct ccp_fetch *fetch);

/* Looks at its deadlines. Returns when to look again, or UINT64_MAX if it is gone or has none. */
uint64_t ccp_fetch_check(struct ccp_fetch *fetch, uint64_t now_ns);

/* "cut after N of M bytes: WHY" */
void ccp_fetch_cut(const struct ccp_fetch *fetch, const char *why, struct ccp_err *err);

/* ---- fetch_curl.c: Threads: the loop's ---- */

void ccp_curl_begin(struct ccp_fetch *fetch);
void ccp_curl_go_on(struct ccp_fetch *fetch);
void ccp_curl_release(struct ccp_fetch *fetch); /* the try; curl keeps what the next one needs */
void ccp_curl_forget(struct ccp_fetch *fetch);  /* all of it */
void ccp_curl_event(struct ccp_fetcher *fetcher, int fd, uint32_t events);
void ccp_curl_timers(struct ccp_fetcher *fetcher, uint64_t now_ns); /* those that are due; and takes what ended */
uint64_t ccp_curl_due(const struct ccp_fetcher *fetcher);
void ccp_curl_free(struct ccp_fetcher *fetcher);

/* ---- fetch_socket.c: Threads: the loop's ---- */

void ccp_socket_begin(struct ccp_fetch *fetch);
void ccp_socket_go_on(struct ccp_fetch *fetch);
void ccp_socket_release(struct ccp_fetch *fetch);
void ccp_socket_event(struct ccp_fetch *fetch);
void ccp_socket_rung(struct ccp_fetch *fetch); /* the bell has rung: its host may have been resolved */
void ccp_listener_event(struct ccp_fetcher *fetcher, struct ccp_listener *listener);

#endif
