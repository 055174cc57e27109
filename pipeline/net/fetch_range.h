/*
 * fetch_range.h: several connections for one object: parts of it that are fetched before their turn.
 *
 * Only an object that somebody reads, whose size is known, and whose server gave a validator that proves that all parts
 * are of the same one. Owned by the loop's thread.
 */
#ifndef CCP_PIPELINE_NET_FETCH_RANGE_H
#define CCP_PIPELINE_NET_FETCH_RANGE_H

#include "pipeline/net/fetch_curl.h"

/* How many connections pay: what is known of it. */
struct ccp_range_learn {
	unsigned now;            /* connections */
	unsigned before, most;   /* ... of the step before, and at most */
	double rate;             /* bytes a second with `before`; 0 = not known */
	bool settled;            /* nothing is tried any more */
};

/*
 * Decides after some time with `now` connections: twice as many, as long as each doubling brought a tenth more; else
 * back to the step before, for good. If the reader was what was slow, nothing changes.
 * Units: full_ns is how much of elapsed_ns the pipe was full. Threads: any.
 */
void ccp_range_learn(struct ccp_range_learn *learn, uint64_t bytes, uint64_t elapsed_ns, uint64_t full_ns);

#define CCP_RANGE_ALL_BYTES (UINT64_C(56) << 20) /* of the parts of all objects, at most */

/* How much memory the parts of all objects may take. Threads: any. */
uint64_t ccp_range_all_bytes(const struct ccp_fetch_options *options);

/*
 * How large parts are: a multiple of 64 KiB, so that those of one object fit into half of that, if parts need not be
 * smaller than is good for them.
 * Threads: any.
 */
size_t ccp_range_part_bytes(unsigned connections, uint64_t all_bytes);

#define CCP_RANGE_SLOTS(connections) (2 * (connections)) /* parts of one object at a time */

#ifdef CCP_HAVE_CURL

TAILQ_HEAD(ccp_part_list, ccp_part);

/* Some bytes of an object, and the connection that fetches them. */
struct ccp_part {
	struct ccp_link link;
	TAILQ_ENTRY(ccp_part) next;
	uint64_t from;
	size_t len;
	size_t got;              /* how many have come */
	size_t done;             /* ... are in the pipe */
	bool connected;
	bool accepted;           /* it has been proved that the server sends this part of this object */
	bool refused;            /* ... or that it does not */
	bool paused;             /* because of limit_bytes */
	unsigned failed;         /* tries without a byte, since the last one */
	uint64_t quiet_ns;       /* since when nothing has come */
	uint64_t due_ns;         /* no further try before */
	unsigned char data[];
};

/* All parts of an object. */
struct ccp_ranges {
	struct ccp_part_list parts; /* by their place */
	struct ccp_part_list dropped; /* to be released outside curl's callbacks */
	struct ccp_part_list spare; /* memory for further ones */
	unsigned count;          /* of `parts` */
	unsigned running;        /* connections of parts */
	size_t part_bytes;
	char *url;               /* where the object was found in the end */
	uint64_t next;           /* the first byte that no part has */
	struct ccp_range_learn learn;
	bool refused;            /* the server sends no parts, or of another object: there are to be none */
	bool bounded;            /* host, memory or object did not allow as many as wanted */

	uint64_t received;       /* bytes of parts */
	uint64_t epoch_ns, epoch_bytes;
	bool warming;            /* connections are new: nothing is measured yet */
	uint64_t full_ns, asked_ns; /* how long the pipe has been full; and up to when that was counted */
	bool was_full;
};

/* ---- fetch_range.c ---- */

/* How many bytes the transfer's own connection may write before a part goes on; 0 = none. Threads: a callback may. */
size_t ccp_ranges_room(struct ccp_fetch *fetch);

/* Up to where the next request of the transfer's own connection has to ask, or UINT64_MAX. */
uint64_t ccp_ranges_end(struct ccp_fetch *fetch);

/*
 * Moves on what has no connection of its own under way: bytes of the part whose turn it is go into the pipe, and
 * where no part has what comes next its own connection begins again. The fetch may be gone.
 */
void ccp_ranges_turn(struct ccp_fetch *fetch);

/* Whether it is this part's turn to go into the pipe. */
bool ccp_ranges_is_turn(const struct ccp_part *part);

/* A part's request was refused or could not be made: fewer connections, or, if `all`, none but the transfer's own. */
void ccp_ranges_fewer(struct ccp_fetch *fetch, bool all);

/* More or fewer connections of parts, which count as transfers of their host. */
void ccp_ranges_count(struct ccp_fetch *fetch, int more);

/* Ends all parts and releases what they hold. */
void ccp_ranges_close(struct ccp_fetch *fetch);

/* ---- fetch_range_part.c ---- */

/* Returns a part of the object, or NULL: parts have as much memory as they get. Memory: freed with ccp_part_free. */
struct ccp_part *ccp_part_new(struct ccp_fetch *fetch, uint64_t from, size_t len);

/* Frees a part that has no connection. */
void ccp_part_free(struct ccp_part *part);

/* Asks for what is missing. Errors: -1: no memory. */
int ccp_part_open(struct ccp_part *part);

/* Ends its connection. Not from one of curl's callbacks. */
void ccp_part_close(struct ccp_part *part);

/* Writes what has come into the pipe: it is its turn. Sets `full` or `gone` if there is no room, or no reader. */
void ccp_part_drain(struct ccp_part *part);

/* Its request is over by curl's word. The fetch may be gone. */
void ccp_part_end(struct ccp_part *part, CURLcode result);

/* Looks at its deadlines, and goes on if it may. Returns when to look again, or UINT64_MAX. */
uint64_t ccp_part_check(struct ccp_part *part, uint64_t now_ns);

#endif
#endif
