/*
 * joblog.h: a line for every job that is through, in the columns of GNU parallel and one more, and what an earlier run
 * has left in it.
 *
 * The last column, Key, tells what a job was: its command, and of every argument that is a file the size and time of
 * the last change, too. So a later run knows a job again whatever place it has in the list, and does not take a file
 * that was changed for the one it knew. A job that has the same key as one before it in its run has a key of its own.
 */
#ifndef CCP_PIPELINE_COMMAND_JOBLOG_H
#define CCP_PIPELINE_COMMAND_JOBLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

struct ccp_joblog;

struct ccp_joblog_key {
	uint64_t word[2];
};

enum ccp_joblog_known { CCP_JOBLOG_NEW, CCP_JOBLOG_WELL, CCP_JOBLOG_FAILED };

struct ccp_joblog_line {
	uint64_t number;
	uint64_t began_ns, took_ns; /* of the day; how long */
	uint64_t sent, received;    /* bytes */
	int status, signal;
	const char *command;
	struct ccp_joblog_key key;
};

/*
 * Opens the log for more lines; `go_on`: what is in it is read, else it must not exist or be empty. A last line that
 * was not finished is removed.
 * Errors: -1 with CCP_W_EXISTS, CCP_E_OTHER if it is no such log or another run writes it, CCP_E_SYS.
 */
int ccp_joblog_open(struct ccp_joblog **log, const char *path, bool go_on, struct ccp_err *err);
void ccp_joblog_close(struct ccp_joblog *log);

/* The key of a job: its command's words, and its arguments. Call it for every job of a run, in their order. */
struct ccp_joblog_key ccp_joblog_key(struct ccp_joblog *log, char *const *command, size_t words, char *const *args,
				     size_t count);

/* What the log says of it: of several lines, the last. */
enum ccp_joblog_known ccp_joblog_known(const struct ccp_joblog *log, struct ccp_joblog_key key);

/* Adds a line. Errors: -1 with CCP_E_SYS. */
int ccp_joblog_add(struct ccp_joblog *log, const struct ccp_joblog_line *line, struct ccp_err *err);

#endif
