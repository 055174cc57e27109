/*
 * ends.h: what the commands head and tail share: the beginning or the end of each input, under headers.
 */
#ifndef CCP_CMD_ENDS_H
#define CCP_CMD_ENDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cmd/options.h"
#include "pipeline/fold/ends.h"

/* A run. Zero at first. */
struct ccp_ends_run {
	struct ccp_settings *settings;
	struct ccp_ends_want want;
	struct ccp_ends ends;        /* of the input that is read */
	bool headers, any_header;
	bool broken;                 /* standard output cannot be written */
	bool failed;                 /* the input that is read cannot be held: err */
	struct ccp_err err;
	bool stdin_ended;            /* a run has read standard input: nobody knows how far */
	int stopped;                 /* the last input had what was wanted, and the run was cancelled for that */
	int status;
};

/* Prints what is wanted of every input. Returns the exit status. */
int ccp_ends_main(struct ccp_settings *settings, const struct ccp_ends_want *want);

/* ---- between ends.c and ends_plain.c ------------------------------------------------------------- */

/* An input that was opened to be read here, or to see whether it can be. */
struct ccp_plain {
	const char *name;
	int fd;                      /* -1 = not open */
	bool is_stdin, regular;
	off_t from, to;              /* regular: where it begins; and ends, if `sized` */
	bool sized;
};

/*
 * Whether an input is a file or a pipe of bytes that are not compressed. If it is not, or cannot be opened, it may be
 * open nevertheless, which keeps the other side of a pipe alive until ccp_plain_close. Waits for the first bytes.
 */
bool ccp_plain_open(struct ccp_plain *plain, const char *name);
void ccp_plain_close(struct ccp_plain *plain);

/* Reads it, a file only where that is needed, and prints what is wanted. */
void ccp_plain_print(struct ccp_ends_run *run, struct ccp_plain *plain);

/* Prints the header of an input, if there are headers. */
void ccp_ends_header(struct ccp_ends_run *run, const char *name);

/* Where what is wanted goes. */
struct ccp_ends_taker ccp_ends_taker(struct ccp_ends_run *run);

#endif
