/*
 * printing.h: a run that writes no output of its own: the command prints what it finds, on standard output.
 */
#ifndef CCP_CMD_PRINTING_H
#define CCP_CMD_PRINTING_H

#include <stdio.h>

#include "cmd/options.h"
#include "cmd/report.h"
#include "pipeline/run.h"

/*
 * What is printed, and what guards it: whoever prints while the run goes on holds the report's lock.
 * Threads: set before the run.
 */
struct ccp_printing {
	struct ccp_settings *settings;
	FILE *out;               /* standard output, or what stands for it */
	struct ccp_report report; /* for its lock, its progress and its words about the run itself */
};

/*
 * What comes right before ccp_run, of a run that is planned. `at_once`: a signal may end the program where it stands,
 * for there is nothing to clean up.
 * Errors: -1 after a message: there is no run, and nothing to end.
 */
int ccp_printing_begin(struct ccp_printing *printing, struct ccp_run_options *run, bool at_once);

/* What comes right after it: nothing that was printed is held back, and no progress stands in the way of messages. */
void ccp_printing_end(struct ccp_printing *printing);

/* For struct ccp_run_options.tick: whoever reads what is printed waits for nothing that is known. */
void ccp_printing_tick(struct ccp_printing *printing, struct ccp_flow *flow, struct ccp_next *next);

#endif
