/*
 * prepare.h: what commands that run something do before: the walk and the plan.
 */
#ifndef CCP_CMD_PREPARE_H
#define CCP_CMD_PREPARE_H

#include "cmd/options.h"
#include "pipeline/run.h"

/*
 * The walk over what the settings name, of a command that writes no files: it takes what is not regular as a stream if
 * it is named. A persona has no URLs. Memory: borrows from the settings.
 */
struct ccp_walk_options ccp_prepare_walk(const struct ccp_settings *settings);

/*
 * Fills run->need and run->plan from the settings; run->transform and its options are set. Fills settings->host.
 * Returns 0, or the exit status after a message.
 */
int ccp_prepare_plan(struct ccp_run_options *run, struct ccp_settings *settings);

#endif
