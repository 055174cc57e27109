/*
 * block.h: bytes that become the standard input of a program, as a file without a name: in memory, or on disk if they
 * are many. A program that does not read all of them is in nobody's way, and another try can read them again.
 */
#ifndef CCP_PIPELINE_COMMAND_BLOCK_H
#define CCP_PIPELINE_COMMAND_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_BLOCK_MEMORY_BYTES ((uint64_t)16 << 20)

/* Owned by its holder. Units: bytes. */
struct ccp_block {
	struct ccp_block *next; /* the holder's */
	int fd;                 /* -1 = dropped */
	bool stored;            /* on disk */
	uint64_t len;
	uint64_t at;            /* where it begins in what was decoded */
	char name[];            /* of the input, as messages show it */
};

/* Makes an empty block. Returns NULL with `err`: CCP_E_SYS, CCP_E_NO_MEMORY. */
struct ccp_block *ccp_block_new(const char *name, uint64_t at, struct ccp_err *err);
void ccp_block_free(struct ccp_block *block);

/* Lets go of its bytes: from now on it has only a name, a place and a length. */
void ccp_block_drop(struct ccp_block *block);

/* Appends. Errors: -1 with CCP_E_SYS. */
int ccp_block_add(struct ccp_block *block, const void *data, size_t len, struct ccp_err *err);

/* Cuts off what follows the last end of a line; all of it, if there is none. Errors: -1 with CCP_E_SYS. */
int ccp_block_cut(struct ccp_block *block, struct ccp_err *err);

/* Makes it ready to be read from its beginning. Errors: -1 with CCP_E_SYS. */
int ccp_block_rewind(struct ccp_block *block, struct ccp_err *err);

#endif
