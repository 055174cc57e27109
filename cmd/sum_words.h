/*
 * sum_words.h: names and reasons in the messages of sum and its personas, and the end of standard output.
 */
#ifndef CCP_CMD_SUM_WORDS_H
#define CCP_CMD_SUM_WORDS_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/options.h"
#include "pipeline/flow.h"

/*
 * Prints a name as it stands in a message: for a persona as coreutils quotes it (bare, or in quotes for the shell; by
 * the locale, if setlocale was called), else as ccp_text_path.
 */
void ccp_sum_name(FILE *out, const struct ccp_settings *settings, const char *name);

/* Prints a word of the command line in the quotes that coreutils puts around it in this locale. */
void ccp_sum_quote(FILE *out, const char *word);

/*
 * Whether there is no digest of this input. If so the reason is told on standard error, after what was printed on
 * standard output: "sha256sum: NAME: Is a directory". *status becomes what the exit status has to be: 1; 2 for what a
 * walk passed over, 0 for links in a tree, which go without saying.
 * Threads: results, one at a time.
 */
bool ccp_sum_failed(struct ccp_settings *settings, const struct ccp_result *result, int *status);

/* Why the input has no digest, in words and without its name. */
const char *ccp_sum_reason(const struct ccp_settings *settings, const struct ccp_result *result);

/* Writes out what is buffered for standard output. Returns `status`, or 1 after a message that it cannot be written. */
int ccp_sum_flush(struct ccp_settings *settings, int status);

/*
 * A write to standard output failed (errno): notes that in settings->sum.output_error unless one did before, and stops
 * the run that goes on. Threads: one at a time.
 */
void ccp_sum_stop(struct ccp_settings *settings);

#endif
