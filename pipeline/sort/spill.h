/*
 * spill.h: a temporary file without a name, for runs of lines: written from its beginning on, compressed where
 * that saves time or memory if this program was built with LZ4, and read from any place.
 *
 * It is cut into blocks of CCP_SPILL_BLOCK bytes; where each of them lies in the file is kept in memory, 8 bytes a
 * block. A run begins with a block. Positions are those of what was written, with the end of a run's last block left
 * empty.
 *
 *     ccp_spill_open(&spill, NULL, &err);
 *     begin = spill->end; ccp_spill_write(…); … ccp_spill_flush(spill, &err);      for each run, by one thread
 *     ccp_spill_read(spill, &reader, begin + from, to, len, &err);                  after that, by any
 */
#ifndef CCP_PIPELINE_SORT_SPILL_H
#define CCP_PIPELINE_SORT_SPILL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_SPILL_BLOCK ((size_t)32 << 10)

struct ccp_spill {
	int fd;
	uint64_t end;        /* where the next byte is to come */
	uint64_t stored;     /* bytes of the file */

	uint64_t *blocks;    /* where each begins in the file, twice that; + 1: it is not compressed */
	size_t count, room;
	uint8_t *pending;    /* the last block, as far as it is there; its memory and that of `packed` is one */
	size_t pending_len;
	uint8_t *packed;     /* blocks that are not yet in the file */
	size_t packed_len;
	bool in_memory;      /* the file is: packed in any case */
	double write_ns;     /* that writing a byte took of late */
	char name[PATH_MAX + 32]; /* for messages */
};

/*
 * Makes the file in `dir`; NULL: $TMPDIR, or /tmp. Errors: -1 with CCP_E_SYS, CCP_E_NO_MEMORY.
 * Memory: *spill is returned, for ccp_spill_close.
 */
int ccp_spill_open(struct ccp_spill **spill, const char *dir, struct ccp_err *err);

/* Appends. Errors: -1 with CCP_E_SYS: no space left, say; CCP_E_NO_MEMORY. */
int ccp_spill_write(struct ccp_spill *spill, const void *data, size_t len, struct ccp_err *err);

/* A run ends here: it can be read, and the next one begins with a block. Errors: as ccp_spill_write. */
int ccp_spill_flush(struct ccp_spill *spill, struct ccp_err *err);

/* Memory: `spill` is given; NULL is allowed. */
void ccp_spill_close(struct ccp_spill *spill);

/* What one reader needs; { 0 } at first. */
struct ccp_spill_reader {
	uint8_t *data;       /* the block that was last taken apart, and behind it what was read of the file */
	size_t len;          /* of the block, as far as it was */
	uint64_t block;      /* its number, from 1; 0 = none */
	const struct ccp_spill *of;
};

/*
 * Reads what was written at `from`, all of one run. Whole blocks go to `to` without a copy.
 * Errors: -1 with CCP_E_SYS, CCP_E_OTHER (the file is not as it was written), CCP_E_NO_MEMORY.
 * Threads: any, each with a reader of its own; no ccp_spill_write at the same time.
 */
int ccp_spill_read(const struct ccp_spill *spill, struct ccp_spill_reader *reader, uint64_t from, void *to, size_t len,
		   struct ccp_err *err);

void ccp_spill_reader_free(struct ccp_spill_reader *reader);

#endif
