/*
 * sum.h: digests of files: what the command sum prints and what --check compares have one run in common.
 */
#ifndef CCP_CMD_SUM_H
#define CCP_CMD_SUM_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/options.h"
#include "pipeline/codec/digest_set.h"
#include "pipeline/flow.h"
#include "pipeline/walk.h"

/*
 * Computes the digests of `set` of every input that `walk` names, by the plan of the settings (strategy, -j, --max-mem,
 * --profile…), with progress. `result` is called in the order of the names, one at a time, from any thread; it may
 * print, and stop the run by ccp_sum_stop. For an input that is done result->input->record holds the digests in the
 * order of the set.
 * Returns 0, or an exit status after it has told why the run could not start. With --explain nothing has a record. An
 * interrupt is told by ccp_signals_caught.
 * Threads: the main thread.
 */
int ccp_sum_run(struct ccp_settings *settings, const struct ccp_walk_options *walk, const struct ccp_digest_set *set,
		void (*result)(void *arg, const struct ccp_result *result), void *arg);

/*
 * --check: reads the lists that are named (standard input if none is), digests the files that they name, and says of
 * each whether it matches. settings->sum.set holds the algorithms that may occur if settings->sum.said. Returns the
 * exit status.
 */
int ccp_sum_check(struct ccp_settings *settings);

/*
 * Makes the set of the lists and the length that were said, and refuses what means nothing. Returns 0, or the exit
 * status after a message.
 */
int ccp_sum_settle(struct ccp_settings *settings);

/* ---- personas and short forms ------------------------------------------------------------------------------------ */

/* Whether the program was called by a name like sha256sum; fills the settings for it then. */
bool ccp_sum_persona(struct ccp_settings *settings, const char *program, const char *name);

/* Whether `name` is an algorithm's, and so the short form of "sum -a NAME". */
bool ccp_sum_is_algorithm(const char *name);

/* What comes before and after the options in the help of sum, its short forms and personas. */
void ccp_sum_help_begin(const struct ccp_settings *settings);
void ccp_sum_help_end(const struct ccp_settings *settings);

/* The names of all algorithms, separated by blanks. */
void ccp_sum_print_algorithms(FILE *out);

/* For the table of options: -a of cksum, which takes one name that coreutils knows. -1 after a message. */
int ccp_sum_choose_cksum(struct ccp_settings *settings, const char *name);

#endif
