/*
 * sum_check.h: a list of checksums in memory, for --check.
 */
#ifndef CCP_CMD_SUM_CHECK_H
#define CCP_CMD_SUM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sum_line.h"

enum ccp_sum_verdict { CCP_SUM_WAITS, CCP_SUM_MATCHES, CCP_SUM_DIFFERS, CCP_SUM_UNREAD, CCP_SUM_MISSING };

/* A line of the list, blank ones and comments left out. */
struct ccp_sum_entry {
	char *name;                       /* into the list */
	const struct ccp_digest_ops *ops; /* of a line that is none: of the last tag, or NULL */
	uint64_t line;                    /* its number, from 1 */
	uint64_t size;                    /* if `sized` */
	uint8_t bytes;
	bool bad, sized; /* it is no line of a checksum; it tells the input's size */
	uint8_t lines;   /* so many from this one on are one input; 0 = it belongs to one before it, or to none */
	uint8_t set;     /* of those: which algorithms they are of (sum_check.c) */
	uint8_t verdict; /* enum ccp_sum_verdict */
	char *why;       /* UNREAD: allocated; NULL = for want of memory */
	uint8_t digest[CCP_DIGEST_MAX_BYTES];
};

/* Zero before it is read; then the reader's. */
struct ccp_sum_list {
	char *data; /* with room for a NUL */
	size_t len;
	int error; /* errno of the read that ended it before its end, or 0 */
	struct ccp_sum_entry *entries;
	size_t count, cap;
	uint64_t good, bad; /* entries of either kind */
};

/*
 * Reads a list, "-" = standard input, and takes its lines apart. One that stops in the middle is a list all the same.
 * Errors: -1 with errno if it cannot be opened or there is no memory. Memory: released by ccp_sum_list_release, after
 * an error too.
 */
int ccp_sum_list_read(struct ccp_sum_list *list, const char *name, struct ccp_sum_reader *reader);
void ccp_sum_list_release(struct ccp_sum_list *list);

#endif
