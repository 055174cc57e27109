/*
 * resolve.h: the addresses of a host, looked up by a thread of its own, because that may take as long as the network
 * likes and cannot be interrupted.
 */
#ifndef CCP_PIPELINE_NET_RESOLVE_H
#define CCP_PIPELINE_NET_RESOLVE_H

struct addrinfo;
struct ccp_resolve;

/*
 * Begins to look up a host and a port for a stream. An address in digits is answered at once.
 * `bell`: an eventfd that is rung when the answer is there; it is duplicated. Returns NULL without memory or a thread.
 * Memory: returned; given back with ccp_resolve_close. Threads: any.
 */
struct ccp_resolve *ccp_resolve_open(const char *host, const char *port, int bell);

/*
 * Returns whether the answer is there: addresses, the caller's (freeaddrinfo), or NULL and one of getaddrinfo's errors.
 * Threads: one caller.
 */
int ccp_resolve_take(struct ccp_resolve *resolve, struct addrinfo **list, int *error);

/* Wants no answer any more. Memory: the rest of the look-up has its own. */
void ccp_resolve_close(struct ccp_resolve *resolve);

#endif
