/*
 * untar_internal.h: an archive that is being read; between untar.c (the caller's side), untar_read.c (libarchive) and
 * untar_unpack.c (what becomes of each member).
 */
#ifndef CCP_PIPELINE_UNTAR_INTERNAL_H
#define CCP_PIPELINE_UNTAR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/untar_disk.h"

struct archive;
struct ccp_pipe;
struct ccp_untar_filter;

/* What is decoded may be more than this only if it is not more than so many times what was read for it. */
#define CCP_UNTAR_GUARD_BYTES ((uint64_t)1 << 30)
#define CCP_UNTAR_GUARD_RATIO 1000u /* deflate's own bound is 1032; text comes to 10, logs to 50 */
#define CCP_UNTAR_PIECE ((uint64_t)4 << 20) /* the largest piece, where the guard is all there is */

struct ccp_untar {
	/* set before the thread is started */
	const struct ccp_untar_options *options;
	struct ccp_pipe *pipe;

	/* owned by the caller of take and end */
	pthread_t thread;
	bool started;
	uint64_t taken;                  /* bytes of the archive */
	uint64_t piece_in, before_piece; /* stored bytes before the piece that is being taken, and `taken` there */

	/* written by the caller, read by the thread: stored bytes before the piece that is being taken */
	_Atomic uint64_t stored;

	/* owned by the thread, and after it has ended by whoever joined it */
	struct ccp_untar_disk disk;
	struct archive *archive; /* libarchive's; NULL = not open */
	struct ccp_untar_filter *filter; /* decodes what is compressed, or NULL */
	const void *first; /* bytes that were looked at and not yet read */
	size_t first_len;
	const void *decoded; /* the same of decoded ones */
	size_t decoded_len;
	uint64_t read;     /* bytes of the archive so far, decoded */
	bool at_end;       /* the archive has no more bytes */
	bool cut;          /* because the writer failed */
	bool noted_absolute, noted_setid;
	uint64_t made_bytes; /* sizes of the files unpacked */
	struct ccp_err err;  /* why it ended; CCP_OK at the end of the archive */
};

/* The words of the guard. Returns -1 with CCP_E_OTHER. */
int ccp_untar_guarded(struct ccp_err *err);

/*
 * Reads the archive to its end, member by member. Returns 0, or -1 with untar->err: CCP_E_CANCELLED if everything has
 * been told. Threads: the reader.
 */
int ccp_untar_read(struct ccp_untar *untar);

/*
 * The next bytes of the member that was read last, borrowed until the next call. Returns 1; 0 at its end; -1 with
 * untar->err if the archive is damaged.
 */
int ccp_untar_read_data(struct ccp_untar *untar, const void **data, size_t *len, uint64_t *offset);

/* Where the member stands in the archive. */
uint64_t ccp_untar_position(const struct ccp_untar *untar);

/* What is to be done with a member. Returns 0 to go on, -1 with untar->err. */
int ccp_untar_member(struct ccp_untar *untar, const struct ccp_untar_member *member);

#endif
