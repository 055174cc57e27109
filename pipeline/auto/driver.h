/*
 * driver.h: `auto` at work on a run: begins on real data, decides, opens executors, and steps the controller.
 */
#ifndef CCP_PIPELINE_AUTO_DRIVER_H
#define CCP_PIPELINE_AUTO_DRIVER_H

#include "pipeline/auto/auto.h"
#include "pipeline/run_internal.h"

/*
 * Runs the flow to its end. run->caller is open, is every stage's executor, and the flow's window is 1. What was found
 * goes to options->profile. With options->explain the run is cancelled as soon as the decision is made.
 */
void ccp_auto_serve(struct ccp_run *run);

/* Gathers what is known of the machine and the inputs: for auto, and for what a fixed plan's profile tells. */
void ccp_auto_gather(struct ccp_facts *facts, struct ccp_run *run);

#endif
