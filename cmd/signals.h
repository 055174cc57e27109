/*
 * signals.h: signals as flags. A signal that ends the program cancels the run first, so that nothing partial is left.
 */
#ifndef CCP_CMD_SIGNALS_H
#define CCP_CMD_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens closed standard descriptors, installs the handlers (what was inherited as ignored stays so), and raises the
 * limit of descriptors as far as we may.
 */
void ccp_signals_init(void);

/* Says whether a signal may end the program at once, without cancelling the run. */
void ccp_signals_clean(bool nothing_to_clean);

/*
 * From now on every signal that asks us to end, and SIGQUIT is one of them, also adds 1 to `fd`, an eventfd(2); whoever
 * waits for it has children to end, so that the program does not die at once. SIGTSTP (Ctrl-Z) is passed on to the
 * `count` process groups in `groups`, of which those that are 0 are none; when we go on they get SIGCONT.
 * -1 and NULL = nobody waits, and there are none, any more.
 */
void ccp_signals_wake(int fd, const _Atomic pid_t *groups, unsigned count);

/* Puts back the limit of descriptors that was inherited: programs that are started shall inherit it, too. */
void ccp_signals_restore_descriptors(void);

/* The signal that asked us to end, or 0. */
int ccp_signals_caught(void);

/* Notes that the program has to die by `signal`, unless another one was first. */
void ccp_signals_note(int signal);

/* Whether SIGUSR1 has come since the last call. Threads: the main thread. */
bool ccp_signals_status_asked(void);

/* Whether SIGINT reaches us: not in the background, where a question would have no answer. */
bool ccp_signals_foreground(void);

/* Dies by `signal`, as the parent expects it. */
void ccp_signals_die(int signal);

/* Whether SIGPIPE was inherited as ignored: then a closed pipe is an error like any other. */
bool ccp_signals_pipe_ignored(void);

#endif
