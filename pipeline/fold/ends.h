/*
 * ends.h: the beginning or the end of a stream, in lines or bytes, or all but that.
 *
 * Bytes are fed in portions of any size; what is to be printed is given to a taker as soon as that is sure.
 */
#ifndef CCP_PIPELINE_FOLD_ENDS_H
#define CCP_PIPELINE_FOLD_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"

enum ccp_ends_kind {
	CCP_ENDS_FIRST,    /* so many */
	CCP_ENDS_PAST,     /* all that follows the first so many */
	CCP_ENDS_LAST,     /* so many */
	CCP_ENDS_BUT_LAST, /* all but the last so many */
};

/* What is wanted of a stream. A line has its end with it; bytes after the last end are a line as well. */
struct ccp_ends_want {
	enum ccp_ends_kind kind;
	bool bytes;     /* `count` is of bytes, else of lines */
	uint64_t count;
	char end;       /* of lines */
};

/* Who gets what is wanted. Memory: borrowed during the call. */
struct ccp_ends_taker {
	void (*take)(void *arg, const uint8_t *data, size_t len);
	void *arg;
};

/* Bytes that may be among the last ones; of a list. */
struct ccp_ends_piece;

/*
 * One stream. Zero at first, but for `want`.
 * Threads: one at a time. Memory: of the last so many bytes or lines, and up to 64 KiB or a portion more.
 */
struct ccp_ends {
	struct ccp_ends_want want;
	uint64_t passed; /* lines or bytes of the first ones that have been seen */
	struct ccp_ends_piece *oldest, *newest, *spare;
	uint64_t held;   /* bytes or ends of lines in these */
};

/*
 * Takes what comes next. Returns 1 if nothing more is wanted of the stream, else 0. `used` is how many of the bytes
 * were looked at: all of them unless it returns 1.
 * Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_ends_feed(struct ccp_ends *ends, const uint8_t *data, size_t len, const struct ccp_ends_taker *taker,
		  size_t *used, struct ccp_err *err);

/* Whether nothing is wanted of any stream, however it begins. */
bool ccp_ends_is_nothing(const struct ccp_ends_want *want);

/* The stream has ended: what was held back is given out. The next one may begin. */
void ccp_ends_finish(struct ccp_ends *ends, const struct ccp_ends_taker *taker);

/* Forgets everything, to begin anew. */
void ccp_ends_release(struct ccp_ends *ends);

/*
 * Finds where the last `want->count` lines or bytes of a file begin, reading from its end. `from` and `to` are where
 * the stream begins and ends in the file.
 * Returns 0 with the place in `at`. Errors: -1 with errno.
 */
int ccp_ends_locate(const struct ccp_ends_want *want, int fd, off_t from, off_t to, off_t *at);

#endif
