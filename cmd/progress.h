/*
 * progress.h: how far the run has come: a line on a terminal, or lines for a log or a program; and the status line.
 */
#ifndef CCP_CMD_PROGRESS_H
#define CCP_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/options.h"

struct ccp_flow;
struct ccp_next;

/* What was reached at one moment. Units: bytes as they are stored. */
struct ccp_progress_counts {
	uint64_t bytes_in, bytes_out, bytes_total;
	uint64_t done, skipped, failed, inputs_total;
	bool complete;               /* the walk has seen everything: the totals are final */
};

/* Threads: guarded by the report's lock, but for the first two, which are set before the run. */
struct ccp_progress {
	enum ccp_progress_kind kind; /* never AUTO; NONE on a terminal with `terminal` set means the line */
	bool terminal;
	uint64_t start_ns, last_ns;
	bool shown;                  /* the line stands on the terminal */
	struct ccp_progress_counts base; /* of the runs before this one */
};

void ccp_progress_init(struct ccp_progress *progress, const struct ccp_settings *settings);

/* Shows the progress if it is time to; `status` asks for a line now. */
void ccp_progress_tick(struct ccp_progress *progress, struct ccp_flow *flow, struct ccp_next *next, bool status,
		       const char *program);

/* Takes the line off the terminal, so that a message can be printed. */
void ccp_progress_clear(struct ccp_progress *progress);

uint64_t ccp_progress_now(void);

#endif
