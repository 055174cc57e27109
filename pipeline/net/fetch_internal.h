/*
 * fetch_internal.h: a fetcher as its parts see it: fetch.c (the calls of other threads), fetch_state.c (from list to
 * list), fetch_turn.c (whose turn it is), fetch_loop.c (the thread), fetch_pipe.c (into the pipe, and not too fast),
 * fetch_try.c (how tries begin and end), and the two kinds of transfers: fetch_curl.c, and fetch_socket.c with
 * fetch_listen.c.
 */
#ifndef CCP_PIPELINE_NET_FETCH_INTERNAL_H
#define CCP_PIPELINE_NET_FETCH_INTERNAL_H

#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "pipeline/net/fetch.h"
#include "pipeline/net/fetch_depth.h"
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

/* A host and port that transfers go to. Guarded by the fetcher's lock, but for `trying`, which is the loop's. */
struct ccp_fetch_host {
	LIST_ENTRY(ccp_fetch_host) link;
	unsigned users;          /* transfers that name it */
	unsigned queued;         /* those that are queued, and not taken */
	unsigned active;         /* those that run */
	unsigned helpers;        /* ... which are further connections of one of them */
	unsigned most;           /* as many as may run ahead */
	unsigned trying;         /* those whose try is under way */
	uint64_t changed_ns;     /* when `most` did */
	char name[];
};

/* What an event of epoll is for, in the lowest bits of its tag; the rest is a pointer or a descriptor. */
enum ccp_tag { CCP_TAG_BELL, CCP_TAG_CURL, CCP_TAG_PIPE, CCP_TAG_SOCKET, CCP_TAG_LISTENER };
#define CCP_TAG_BITS 3

#define CCP_FETCH_EVENTS 64 /* taken from epoll at once */
#define CCP_FETCH_SLOTS 1024 /* of indexes */
#define CCP_FETCH_HOST_SLOTS 256

TAILQ_HEAD(ccp_fetch_list, ccp_fetch);

/* A transfer over a plain socket. Owned by the loop's thread. */
struct ccp_fetch_socket {
	int fd;                  /* -1 = none */
	bool in_epoll;
	struct ccp_resolve *resolve; /* under way, or NULL */
	struct addrinfo *list, *at;  /* addresses, and the one that is tried */
	uint64_t share_ns;           /* of connect_s, for that one */
	struct ccp_listener *listener;
	struct ccp_fetch_list *waits_in; /* the list that `wait` is in, or NULL */
};

struct ccp_fetch {
	/* set before it is queued */
	struct ccp_fetcher *fetcher;
	uint64_t index;
	enum ccp_url_kind kind;
	char *url;

	/* guarded by the fetcher's lock */
	TAILQ_ENTRY(ccp_fetch) link;
	LIST_ENTRY(ccp_fetch) slot; /* among those of like index, until it is taken */
	TAILQ_ENTRY(ccp_fetch) news_link;
	struct ccp_fetch_host *host;
	enum ccp_fetch_state state;
	bool taken;              /* somebody reads it */
	bool dropped;            /* nobody wants it any more */
	bool later;              /* it was begun in vain: not again before somebody reads it */
	bool news;               /* one of these has changed, and the loop does not know */
	bool ready;              /* there are bytes, or the end; set by the loop, which asks without the lock */
	unsigned ends;           /* of its pipe that count as open: 0 to 2 */
	int out;                 /* the end of the pipe that is read, until it is taken; -1 = none */
	struct ccp_fetch_info info;
	struct ccp_err err;      /* how it ended */

	/* owned by the loop's thread, once it runs */
	int in;                  /* the end of the pipe that is written, once `piped`; set under the lock */
	bool piped;              /* there is a pipe */
	bool parked;             /* there are bytes, and no descriptors for a pipe: it is `full`, too */
	bool reading;            /* as `taken`, with all that the loop has heard */
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
	uint64_t begun_ns;       /* when this try began */
	uint64_t quiet_ns;       /* since when nothing has come */
	TAILQ_ENTRY(ccp_fetch) park;
	TAILQ_ENTRY(ccp_fetch) wait; /* for an address, or a caller */
	struct ccp_curl_try *curl;
	struct ccp_fetch_socket socket;
};

LIST_HEAD(ccp_fetch_slot, ccp_fetch);
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
	struct ccp_fetch_list news;   /* of those that run */
	struct ccp_fetch_slot slots[CCP_FETCH_SLOTS]; /* those that are not taken, by index */
	struct ccp_fetch_hosts hosts[CCP_FETCH_HOST_SLOTS];
	unsigned open_hosts;     /* those of which something is queued that may run ahead */
	unsigned ahead;          /* begun, and not taken */
	unsigned runners;        /* length of `running` */
	unsigned at_once;        /* the most of them */
	unsigned ends;           /* of pipes that are open */
	unsigned connections;    /* that are kept open for the next transfers, at most */
	uint64_t files;          /* descriptors there are for all of that */
	bool short_of_files;     /* somebody had to wait for some */
	unsigned hungry;         /* those that are read, and not ready */
	uint64_t hungry_since_ns, hungry_ns;
	uint64_t refused;
	struct ccp_depth depth;
	int ready_fd;            /* -1 until somebody asks */
	bool rung;               /* the bell has been rung, and not yet been heard */
	bool changed;            /* whose turn it is has to be asked */
	bool quit;
	bool runs;               /* there is a thread */
	int start_error;         /* why there is none: errno */
	pthread_t thread;

	/* owned by the loop's thread */
	struct ccp_curl *curl;   /* NULL until the first URL that needs it */
	struct ccp_listeners listeners;
	struct ccp_fetch_list parked;    /* in the order in which their bytes came */
	struct ccp_fetch_list resolving; /* hosts that are being looked up */
	struct ccp_fetch_list unresolved;/* those whose look-up has to wait */
	unsigned lookups;        /* under way */
	uint64_t look_ns;        /* when all that runs is looked at, at the latest */
	uint64_t epoch_ns;       /* since when is counted: */
	struct ccp_depth_epoch epoch;
	int64_t allowance;       /* bytes that limit_bytes allows now */
	uint64_t refilled_ns;
	struct epoll_event event[CCP_FETCH_EVENTS];
	int events, event_at;    /* how many there are, and which one is looked at */
};

/* ---- fetch.c ---- */

/* Wakes the loop. Threads: any, with the lock. */
void ccp_fetch_ring_locked(struct ccp_fetcher *fetcher);

/* ---- fetch_state.c ---- */

/* The words of an errno, as they stand in the middle of a line. Shape: text has room for `room`. Threads: any. */
const char *ccp_fetch_sys_text(int sys, char *text, size_t room);

/* Closes an end of a pipe, if it is open. Threads: any, with the lock. */
void ccp_fetch_close_end_locked(struct ccp_fetch *fetch, int *fd);

/* It is in no list, and its try is released. Threads: any, with the lock. */
void ccp_fetch_free_locked(struct ccp_fetch *fetch);

/* Makes the pipe, if there is none. Returns 0, or -1 with errno. Threads: any, with the lock. */
int ccp_fetch_pipe_locked(struct ccp_fetch *fetch);

/* There are bytes, or the end. Threads: the loop's, with the lock. */
void ccp_fetch_ready_locked(struct ccp_fetch *fetch);

/* Ends a transfer, whose try is over: with `err`, or well if that is NULL. Threads: the loop's. Memory: may be gone. */
void ccp_fetch_finish(struct ccp_fetch *fetch, const struct ccp_err *err);

/*
 * Takes a transfer back that cannot go on and that nobody reads: its bytes are forgotten, and it begins anew when
 * somebody does. Returns false, and does nothing, if somebody reads it. Threads: the loop's.
 */
bool ccp_fetch_put_back(struct ccp_fetch *fetch);

/* ---- fetch_turn.c ---- */

/* The host of a URL; counts a user. Returns NULL without memory. Threads: any, with the lock. */
struct ccp_fetch_host *ccp_fetch_host_locked(struct ccp_fetcher *fetcher, const char *url);

/* It has one user less. Memory: gone with the last one. Threads: any, with the lock. */
void ccp_fetch_host_leave_locked(struct ccp_fetch_host *host);

/* More or fewer transfers of a host are queued or active. Threads: any, with the lock. */
void ccp_fetch_host_count_locked(struct ccp_fetcher *fetcher, struct ccp_fetch_host *host, int queued, int active);

/* A transfer from it ended well. Threads: the loop's, with the lock. */
void ccp_fetch_host_answered_locked(struct ccp_fetcher *fetcher, struct ccp_fetch_host *host);

/* Asks for as many descriptors as the depth may need. Threads: any, with the lock, once. */
void ccp_fetch_files_locked(struct ccp_fetcher *fetcher);

/* Whether there are `wanted` descriptors for what nobody reads yet. Threads: any, with the lock. */
bool ccp_fetch_has_files_locked(struct ccp_fetcher *fetcher, unsigned wanted);

/*
 * Takes the transfers off the queue whose turn it is, to the end of `running`. Returns the first of them, or NULL.
 * Threads: the loop's.
 */
struct ccp_fetch *ccp_fetch_admit(struct ccp_fetcher *fetcher);

/* Learns how many may run ahead. Threads: the loop's. */
void ccp_fetch_learn(struct ccp_fetcher *fetcher, uint64_t now_ns);

/* A server said that it is too much: 429, 503, or no connection at all. Threads: the loop's. */
void ccp_fetch_refused(struct ccp_fetch *fetch);

/* Whether a further try may begin now: its host may take fewer than before. Threads: the loop's. */
bool ccp_fetch_may_try(struct ccp_fetch *fetch);

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

/*
 * Makes the pipe, if there is none. Returns whether there is one; else it is parked, and ccp_fetch_go_on follows when
 * there are descriptors again, or somebody reads it.
 */
bool ccp_fetch_pipe(struct ccp_fetch *fetch);

/* It is parked no more. */
void ccp_fetch_unpark(struct ccp_fetch *fetch);

/* How many of `wanted` bytes may go now; 0: `throttled` is set. */
size_t ccp_fetch_allow(struct ccp_fetch *fetch, size_t wanted);

/* Bytes went into the pipe. */
void ccp_fetch_count(struct ccp_fetch *fetch, size_t bytes);

/* The pipe is full: waits for its reader. Returns 0, or -1 with errno: `gone` is set, it cannot go on. */
int ccp_fetch_wait_room(struct ccp_fetch *fetch);

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
bool ccp_curl_refused(const struct ccp_fetch *fetch); /* the try has failed because the server has too much to do */
void ccp_curl_forget(struct ccp_fetch *fetch);  /* all of it */
void ccp_curl_event(struct ccp_fetcher *fetcher, int fd, uint32_t events);
void ccp_curl_timers(struct ccp_fetcher *fetcher, uint64_t now_ns); /* those that are due; and takes what ended */
uint64_t ccp_curl_due(const struct ccp_fetcher *fetcher);

/* Whether nothing is under way for what comes next, so that the transfer has to be asked to go on. */
bool ccp_curl_stands(const struct ccp_fetch *fetch);

/* Looks at the connections that a transfer has beside its own; does not end it. Returns when to look again. */
uint64_t ccp_curl_check(struct ccp_fetch *fetch, uint64_t now_ns);

void ccp_curl_free(struct ccp_fetcher *fetcher);

/* ---- fetch_socket.c: Threads: the loop's ---- */

void ccp_socket_begin(struct ccp_fetch *fetch);
void ccp_socket_go_on(struct ccp_fetch *fetch);
void ccp_socket_release(struct ccp_fetch *fetch);
void ccp_socket_event(struct ccp_fetch *fetch);
void ccp_socket_rung(struct ccp_fetcher *fetcher); /* the bell has rung: hosts may have been resolved */
bool ccp_socket_late(struct ccp_fetch *fetch); /* no connection in time: returns whether another address is tried */

/* The try failed, with an errno's words. The fetch may be gone. */
void ccp_socket_fail(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, int sys);

/* Waits in a list, or, NULL, in none any more. */
void ccp_socket_wait_in(struct ccp_fetch *fetch, struct ccp_fetch_list *list);

/* There is a connection. */
void ccp_socket_connected(struct ccp_fetch *fetch);

/* ---- fetch_listen.c: Threads: the loop's ---- */

void ccp_listener_begin(struct ccp_fetch *fetch);
void ccp_listener_event(struct ccp_fetcher *fetcher, struct ccp_listener *listener);
void ccp_listener_leave(struct ccp_fetcher *fetcher, struct ccp_listener *listener); /* it has one user less */
void ccp_listener_free(struct ccp_fetcher *fetcher); /* those that are left: nobody waits there any more */
uint64_t ccp_listener_check(struct ccp_fetcher *fetcher, uint64_t now_ns); /* those that rest. Returns when again */

#endif
