/*
 * async_ring.h: an io_uring that does what sources want; the only part that knows liburing.
 */
#ifndef CCP_STRATEGIES_ASYNC_RING_H
#define CCP_STRATEGIES_ASYNC_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/source.h"

struct ccp_ring;

/*
 * Makes a ring for `depth` things at once. Errors: -1 if there can be none here, and the reason in *why, a constant
 * string that ends with what is done instead.
 */
int ccp_ring_new(struct ccp_ring **ring, unsigned depth, const char **why);
void ccp_ring_free(struct ccp_ring *ring);

/* Readable when something is done. */
int ccp_ring_fd(const struct ccp_ring *ring);

/* How many things fit at once; at least as many as asked for, up to what a kernel allows. */
unsigned ccp_ring_depth(const struct ccp_ring *ring);

/*
 * Notes what is to be done. STREAM reads at the file's own position.
 * Threads: one. Memory: what `want` points to stays until it is done; `want` itself need not. The ring is not full.
 */
void ccp_ring_want(struct ccp_ring *ring, const struct ccp_want *want, void *tag);

/* Starts all that was noted, with one system call. False if some of it must be tried again a moment later. */
bool ccp_ring_submit(struct ccp_ring *ring);

/* Takes one result, >= 0 or -errno. False if there is none. */
bool ccp_ring_take(struct ccp_ring *ring, void **tag, int64_t *result);

#endif
