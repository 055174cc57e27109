/*
 * fetch.h: a fetcher: one thread with one event loop that runs any number of transfers, each into a pipe.
 *
 * Whoever reads an input has the other end of its pipe, and waits for it as for any pipe. Names are announced before
 * they are read (ccp_fetcher_ahead): up to `depth` transfers then run ahead of their readers, in the order in which
 * they were announced, so that the latency of one is spent beside the others'. What runs ahead holds at most what its
 * pipe and its connection's buffer take, 64 KiB each; a slow reader stops its transfer and no other. A transfer that is
 * being read never waits for its turn, whatever depth and per_host say, so that the order of reading does not matter.
 *
 * A fetcher has no thread, and has loaded no library, before the first name.
 */
#ifndef CCP_PIPELINE_NET_FETCH_H
#define CCP_PIPELINE_NET_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "pipeline/err.h"

#define CCP_FETCH_DEPTH_MOST 16384
#define CCP_FETCH_RANGES 8       /* connections for one object, by default at most */
#define CCP_FETCH_RANGES_MOST 64
#define CCP_FETCH_PER_HOST 64    /* at most by itself, and half of it, and so on, when the host refuses */
#define CCP_FETCH_RETRIES 3
#define CCP_FETCH_CONNECT_S 30
#define CCP_FETCH_STALL_S 60

struct ccp_fetcher;
struct ccp_fetch;

/* 0 is the default everywhere. Const during the run; strings are borrowed. */
struct ccp_fetch_options {
	unsigned depth;          /* transfers ahead; fewer if descriptors are short; 0 = as many as pay */
	unsigned per_host;       /* transfers at a time from one host and port; 0 = as many as it takes */
	unsigned tries;          /* the first one, and retries without a byte between them */
	unsigned connect_s;      /* until a connection must stand */
	unsigned stall_s;        /* without a byte; of sockets (tcp, unix) only if it is set */
	uint64_t limit_bytes;    /* a second, of all transfers together; 0 = no limit */
	bool netrc;              /* names and passwords from ~/.netrc */
	const char *cacert;      /* certificates that are trusted instead of the system's, or NULL */
	unsigned ranges;         /* connections that fetch parts of one object beside each other; 1 = one */
	uint64_t part_bytes;     /* of memory for parts that wait for their turn; 56 MiB at most, and by default */
	const char *s3_endpoint; /* URL of a server that speaks S3; NULL = the environment's, else AWS's own */
	const char *s3_region;   /* NULL = the environment's, else us-east-1 */
};

/* What a server told of an input. */
struct ccp_fetch_info {
	struct timespec mtime;
	bool has_mtime;
	uint64_t size;           /* bytes, if `sized` */
	bool sized;
};

/* Errors: -1 with CCP_E_NO_MEMORY. Memory: returned; freed with ccp_fetcher_free. Threads: one. */
int ccp_fetcher_new(struct ccp_fetcher **fetcher, const struct ccp_fetch_options *options, struct ccp_err *err);

/* Ends all transfers and the thread. No input is open any more. Threads: one, and no other call beside it. */
void ccp_fetcher_free(struct ccp_fetcher *fetcher);

/*
 * Announces an input: its transfer may begin. Starts the thread, so that it must not be called before all processes
 * that do not replace their program are forked.
 * Errors: none here: the input's ccp_fetcher_take tells them. Memory: `url` is copied. Threads: any.
 */
void ccp_fetcher_ahead(struct ccp_fetcher *fetcher, uint64_t index, const char *url);

/*
 * Hands out the transfer of an input that was announced: its bytes come out of `fd`, which does not block, and after
 * the last one, or an error, its end. Does not wait.
 * Errors: -1 with `err`. Memory: `fd` is the caller's to close, before ccp_fetch_close. Threads: any.
 */
int ccp_fetcher_take(struct ccp_fetcher *fetcher, uint64_t index, struct ccp_fetch **fetch, int *fd,
		     struct ccp_err *err);

/*
 * Whether a reader of an announced input would find its first byte, its end or its error there, without waiting.
 * Of an index that nobody announced, or that was taken: true. Threads: any.
 */
bool ccp_fetcher_ready(struct ccp_fetcher *fetcher, uint64_t index);

/*
 * Returns a descriptor that is readable when a transfer that was announced, and not taken, has become ready since
 * ccp_fetcher_ready_clear was called last, or -1 if there are no more descriptors. At the first call it is readable.
 * Memory: the fetcher's. Threads: any.
 */
int ccp_fetcher_ready_fd(struct ccp_fetcher *fetcher);

/* Call it before asking what is ready, and not after: then no news is lost. Threads: any. */
void ccp_fetcher_ready_clear(struct ccp_fetcher *fetcher);

/* Why the depth is what it is. */
enum ccp_depth_why {
	CCP_DEPTH_ASKED,         /* the options say so */
	CCP_DEPTH_BEGIN,         /* nothing is known yet */
	CCP_DEPTH_GROWS,         /* the last doubling paid, or is being tried */
	CCP_DEPTH_SOURCE,        /* doubling did not pay, twice: the source's limit, or the line's */
	CCP_DEPTH_REFUSED,       /* a server said that this was too much */
	CCP_DEPTH_MOST,          /* as much as is learned by itself */
	CCP_DEPTH_HOSTS,         /* all that wait are for hosts that have as many as they get */
	CCP_DEPTH_FILES,         /* descriptors are short */
};

/* How many transfers ran ahead, and why not more or fewer. */
struct ccp_fetch_depth_info {
	unsigned depth;          /* now */
	unsigned most;           /* the largest that was tried */
	unsigned at_once;        /* the most transfers that ran beside each other */
	unsigned per_host;       /* now, of the host that may have most; 0 = none is known now */
	enum ccp_depth_why why;
	bool learned;            /* not asked for */
	bool by_bytes;           /* objects are large: rates are bytes a second; else objects a second */
	double rate;             /* at `depth` */
	double rate_before;      /* at half of it */
	uint64_t refused;        /* answers of 429 and 503, and refused connections */
};

/* Threads: any. */
void ccp_fetcher_depth(struct ccp_fetcher *fetcher, struct ccp_fetch_depth_info *info);

/* What the server told. True from the first byte on, and at the end. Threads: any. */
void ccp_fetch_look(struct ccp_fetch *fetch, struct ccp_fetch_info *info);

/*
 * How the transfer ended; asked when its pipe has ended. Returns 0 if all is there.
 * Errors: -1 with CCP_E_OTHER and, after the first byte, an offset. Threads: any.
 */
int ccp_fetch_result(struct ccp_fetch *fetch, struct ccp_err *err);

/* Gives a transfer back; one that is under way ends. Memory: `fetch` is gone. Threads: any. */
void ccp_fetch_close(struct ccp_fetch *fetch);

#endif
