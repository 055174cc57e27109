/*
 * sum_tee.h: `gzip --sum`: digests of what was read and of what was written, printed.
 */
#ifndef CCP_CMD_SUM_TEE_H
#define CCP_CMD_SUM_TEE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/options.h"
#include "pipeline/codec/digest_set.h"
#include "pipeline/flow.h"
#include "pipeline/run.h"
#include "pipeline/tee.h"

/*
 * Threads: set before the runs, but for `written_bytes`, `written`, `broken` and the state: the main thread's; and
 * `error`: whoever has the lock of the report.
 */
struct ccp_sum_tee {
	const struct ccp_settings *settings;
	FILE *to;                         /* standard output, or if data go there standard error; NULL = no lines */
	int error;                        /* errno of the first line that could not be written there, or 0 */
	struct ccp_tee each, shared;      /* for a run with an output for each input, or with one for all */
	uint64_t written_bytes;           /* to the output that inputs share */
	bool written, broken;             /* by a run that ended well; not so */
	_Alignas(CCP_DIGEST_STATE_ALIGN) uint8_t state[CCP_DIGEST_SET_MAX * CCP_DIGEST_STATE_MAX_BYTES];
};

/* Prepares for settings that have been checked, before a run. */
void ccp_sum_tee_init(struct ccp_sum_tee *tee, const struct ccp_settings *settings);

/* What the engine has to know of it for a run: NULL if no digests are wanted. Memory: borrowed from `tee`. */
const struct ccp_tee *ccp_sum_tee_of(const struct ccp_sum_tee *tee, const struct ccp_sink_ops *sink);

/*
 * Prints the lines of an input that is done, and of its output, whose name is `target`; NULL = it has none of its own.
 * Returns the exit status that it stands for. Threads: one at a time, with nobody else printing.
 */
int ccp_sum_tee_result(struct ccp_sum_tee *tee, const struct ccp_result *result, const char *target);

/*
 * Writes out the lines that were printed. If they cannot be written the run is cancelled, so that no more sources go
 * whose digests nobody will have. Threads: as ccp_sum_tee_result.
 */
void ccp_sum_tee_flush(struct ccp_sum_tee *tee);

/* Adds what a run came to. `result` is that of ccp_run. Threads: the main thread, between runs. */
void ccp_sum_tee_run_ended(struct ccp_sum_tee *tee, const struct ccp_sink_ops *sink,
			   const struct ccp_run_summary *summary, int result);

/*
 * Prints the lines of the output that inputs share, if it stands, and the message that lines could not be written.
 * Returns the exit status that it stands for. Threads: the main thread, after the last run.
 */
int ccp_sum_tee_end(struct ccp_sum_tee *tee);

#endif
