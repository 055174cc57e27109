/*
 * prepare.h: what all commands that run something do before: the plan.
 */
#ifndef CCP_CMD_PREPARE_H
#define CCP_CMD_PREPARE_H

#include "cmd/options.h"
#include "pipeline/run.h"

/*
 * Fills run->need and run->plan from the settings; run->transform and its options are set. Fills settings->host.
 * Returns 0, or the exit status after a message.
 */
int ccp_prepare_plan(struct ccp_run_options *run, struct ccp_settings *settings);

#endif
