/*
 * report.h: turns results into lines and an exit status, for commands that write outputs: every message about an input
 * of theirs goes through here. Those that print what they find (printing.h) tell of inputs themselves; theirs are the
 * lock, the progress, and the words about the plan and about what ended the run.
 */
#ifndef CCP_CMD_REPORT_H
#define CCP_CMD_REPORT_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/listing.h"
#include "cmd/options.h"
#include "cmd/progress.h"
#include "cmd/sum_tee.h"
#include "pipeline/flow.h"
#include "pipeline/run.h"
#include "pipeline/sink.h"

/* Threads: results come from any thread, one at a time; ticks from the main thread at the same time: hence the lock. */
struct ccp_report {
	/* set before a run */
	const struct ccp_settings *settings;
	const struct ccp_run_options *run;
	bool to_file;                        /* this run's outputs stand beside their sources */
	pthread_mutex_t lock;

	/* guarded by lock */
	int status;                          /* CCP_EXIT_… so far */
	uint64_t done, skipped, failed;
	struct ccp_err output_err;           /* of an output that all inputs share, CCP_OK if none */
	uint64_t bytes_in, bytes_out, plain_bytes;
	struct ccp_listing listing;
	struct ccp_sum_tee tee;
	unsigned runs; /* that have ended */
	struct ccp_progress progress;
};

void ccp_report_init(struct ccp_report *report, const struct ccp_settings *settings);
void ccp_report_release(struct ccp_report *report);

/* For struct ccp_run_options. `arg` is the report. */
void ccp_report_result(void *arg, const struct ccp_result *result);
void ccp_report_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next);

/* Raises the exit status: a failure outweighs a warning. */
void ccp_report_raise(struct ccp_report *report, int status);

/* Adds what a run came to, before the next one. `result` is that of ccp_run. */
void ccp_report_run_ended(struct ccp_report *report, const struct ccp_run_summary *summary, int result);

/* The error that kept a run from starting or ended it. */
void ccp_report_error(struct ccp_report *report, const struct ccp_err *err);

/* The plan, in words, with -v. */
void ccp_report_plan(struct ccp_report *report, const struct ccp_plan *plan);

/* The last words: totals of a list, the summary. Returns the exit status. */
int ccp_report_end(struct ccp_report *report);

/* The target's name for messages, or `path` itself if it has none. Shape: PATH_MAX. */
const char *ccp_report_target(const struct ccp_report *report, const struct ccp_input *input, char *target);

#endif
