/*
 * measure.h: what a run is measured for: auto, --profile, -v, --explain, --save-plan; before the run and after it.
 */
#ifndef CCP_CMD_MEASURE_H
#define CCP_CMD_MEASURE_H

#include "cmd/options.h"
#include "pipeline/run.h"

/*
 * Refuses files of reports that are inputs or outputs, before anything runs, and notes when that was.
 * Errors: the exit status of a usage error, which was told.
 */
int ccp_measure_check(struct ccp_settings *settings);

/*
 * Gives the run a profile if anybody wants one, and what else the settings say about measuring. run->plan and run->sink
 * are set; with --explain the sink becomes null. Errors: -1 with `err`.
 */
int ccp_measure_begin(struct ccp_run_options *run, const struct ccp_settings *settings, struct ccp_err *err);

/*
 * Reports the run, number `number` of this command line from 0, and releases its profile. `ran` is whether it began at
 * all. Errors: -1 if a report or a plan could not be written; that was said.
 */
int ccp_measure_end(struct ccp_run_options *run, const struct ccp_settings *settings, unsigned number, bool ran);

#endif
