/*
 * proc_helper.h: the helper, a process with one thread that is forked before the parent has any other, and that forks
 * the workers, now and later: a process with threads cannot fork safely (a lock may be held for ever in the child).
 */
#ifndef CCP_STRATEGIES_PROC_HELPER_H
#define CCP_STRATEGIES_PROC_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"
#include "strategies/proc_box.h"

/* To the helper: FORK, END. From it: BORN, DIED, FAILED. */
enum ccp_helper_word {
	CCP_HELPER_FORK,         /* fork worker `worker`, whose box is empty */
	CCP_HELPER_END,          /* wait for all workers, which have been told to quit, and end */
	CCP_HELPER_BORN,         /* value: process id */
	CCP_HELPER_DIED,         /* value: wait status */
	CCP_HELPER_FAILED,       /* fork failed, again and again; value: errno */
};

struct ccp_helper_message {
	enum ccp_helper_word word;
	uint32_t worker;
	int32_t value;
};

/*
 * The parent's end. `socket` reads end-of-file when the helper and all of its workers are dead (they hold the other
 * end), hence when nobody touches shared memory any more.
 */
struct ccp_helper {
	pid_t pid;
	int socket;
};

/*
 * Forks the helper. Errors: -1 with `err`. Threads: the caller is the only one of its process.
 * Memory: `setup` and all that it points to stay where they are; the child has its own copy.
 */
int ccp_helper_start(struct ccp_helper *helper, const struct ccp_proc_setup *setup, struct ccp_err *err);

/* Sends a message. Returns 0, or -1 if the helper is gone. */
int ccp_helper_tell(const struct ccp_helper *helper, enum ccp_helper_word word, unsigned worker);

/* Takes a message. Returns 1, 0 if there is none now (only if !wait), -1 if helper and workers are gone. */
int ccp_helper_hear(const struct ccp_helper *helper, struct ccp_helper_message *message, bool wait);

/* Waits for the helper's end, after CCP_HELPER_END or its death, and closes the socket. Returns its wait status. */
int ccp_helper_finish(struct ccp_helper *helper);

#endif
