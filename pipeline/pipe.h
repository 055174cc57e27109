/*
 * pipe.h: a bounded pipe between two threads: who writes waits while it is full, who reads while it is empty.
 */
#ifndef CCP_PIPELINE_PIPE_H
#define CCP_PIPELINE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

struct ccp_pipe;

/* What became of a write, and why a read gives nothing more. */
enum ccp_pipe_end {
	CCP_PIPE_OPEN,
	CCP_PIPE_ENDED,  /* read: all has been read. write: nothing more is wanted, the bytes were dropped */
	CCP_PIPE_FAILED, /* read: the writer failed, and what it wrote before has been read. write: the reader failed */
};

/*
 * Makes a pipe that holds `bytes`.
 * Errors: -1 with CCP_E_NO_MEMORY. Memory: *pipe is returned, for ccp_pipe_free; NULL is allowed there.
 */
int ccp_pipe_new(struct ccp_pipe **pipe, size_t bytes, struct ccp_err *err);
void ccp_pipe_free(struct ccp_pipe *pipe);

/*
 * Writes all of `data`, waiting for room; or drops it if the reader has left. Returns the reader's end.
 * Threads: one writer at a time.
 */
enum ccp_pipe_end ccp_pipe_write(struct ccp_pipe *pipe, const void *data, size_t len);

/* Says that nothing more will be written; `end` is ENDED or FAILED. The first word counts. Threads: the writer. */
void ccp_pipe_end(struct ccp_pipe *pipe, enum ccp_pipe_end end);

/*
 * Waits for bytes and lends as many as lie in one piece, at most a quarter of it, until the next call. Returns
 * how many; 0 if no more will come, and then *end tells why. Threads: the reader.
 */
size_t ccp_pipe_read(struct ccp_pipe *pipe, const void **data, enum ccp_pipe_end *end);

/* Says that nothing more will be read; `end` is ENDED or FAILED. Threads: the reader. */
void ccp_pipe_leave(struct ccp_pipe *pipe, enum ccp_pipe_end end);

#endif
