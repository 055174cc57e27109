/*
 * kept.h: what a program wrote, until it is its turn: in memory as far as it is little, else in a file without a name.
 */
#ifndef CCP_PIPELINE_COMMAND_KEPT_H
#define CCP_PIPELINE_COMMAND_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_KEPT_MEMORY_BYTES ((size_t)1 << 20) /* of each */

/* Owned by its holder; empty: ccp_kept_init. Units: bytes. What lies in the file comes before what lies in memory. */
struct ccp_kept {
	uint8_t *data;
	size_t len, room;
	int fd;          /* of the file; -1 = none */
	uint64_t stored; /* in the file */
};

void ccp_kept_init(struct ccp_kept *kept);

/*
 * Reads once from `fd` what is there. Returns 1, 0 at the end of it.
 * Errors: -1 with CCP_E_SYS (of the read, or of the file, below $TMPDIR or /tmp), CCP_E_NO_MEMORY.
 */
int ccp_kept_read(struct ccp_kept *kept, int fd, struct ccp_err *err);

/* Moves what lies in memory to the file. Errors: -1 with CCP_E_SYS. */
int ccp_kept_store(struct ccp_kept *kept, struct ccp_err *err);

/*
 * Hands over all of it, piece by piece, until `take` returns something else than 0, which is returned then.
 * Errors: -1 with CCP_E_SYS if the file cannot be read.
 */
int ccp_kept_each(const struct ccp_kept *kept,
		  int (*take)(void *arg, const void *data, size_t len, struct ccp_err *err), void *arg,
		  struct ccp_err *err);

static inline uint64_t ccp_kept_bytes(const struct ccp_kept *kept)
{
	return kept->stored + kept->len;
}

/* Empties it; what it took goes back. */
void ccp_kept_clear(struct ccp_kept *kept);

/* A file without a name below $TMPDIR or /tmp, open for reading and writing. Errors: -1 with CCP_E_SYS. */
int ccp_kept_file(struct ccp_err *err);

/* Writes everything. Errors: -1 with CCP_E_SYS. */
int ccp_kept_write(int fd, const void *data, size_t len, struct ccp_err *err);

#endif
