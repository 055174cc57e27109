/*
 * child.h: one program that was started: its process group, its standard descriptors, its end.
 */
#ifndef CCP_PIPELINE_COMMAND_CHILD_H
#define CCP_PIPELINE_COMMAND_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "pipeline/err.h"

/* Threads: owned by its holder. `pid` is the number of its process group as well. */
struct ccp_child {
	pid_t pid;    /* 0 = none */
	int pidfd;    /* readable once it has ended; -1 = that was noted */
	int out, err; /* our ends of its standard output and error; -1 = closed */
	int status;   /* once it has ended: its exit status, or 0 */
	int signal;   /* what killed it, or 0 */
};

/*
 * Looks for a program as a shell does: where PATH says, or at `name` if that has a slash. Returns what to start, which
 * the caller releases, or NULL with errno.
 */
char *ccp_child_find(const char *name);

/*
 * Starts the program at `path` in a process group of its own, its standard input being `input`, its output and error
 * pipes to us. It inherits no other descriptor that is closed on exec. `path` NULL: argv[0] is looked for in PATH.
 * `envp` NULL: its environment is ours.
 * Errors: -1 with CCP_E_SYS and the errno of what failed.
 */
int ccp_child_start(struct ccp_child *child, const char *path, char *const *argv, char *const *envp, int input,
		    struct ccp_err *err);

/* Notes how it ended, after pidfd became readable. It stays a zombie, so that its number remains its own. */
void ccp_child_note_end(struct ccp_child *child);

/* Sends a signal to the whole process group; with SIGTERM, SIGCONT as well, for those that are stopped. */
void ccp_child_signal(const struct ccp_child *child, int signal);

/* Closes what is open and forgets the process, which has ended. */
void ccp_child_reap(struct ccp_child *child);

#endif
