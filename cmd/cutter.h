/*
 * cutter.h: the bytes of all inputs, which come in order, cut at ends of lines into blocks for a queue.
 */
#ifndef CCP_CMD_CUTTER_H
#define CCP_CMD_CUTTER_H

#include "cmd/blocks.h"
#include "cmd/options.h"

/* Threads: the collector's. */
struct ccp_cutter {
	/* set before */
	struct ccp_blocks *blocks;
	char by;                 /* 'l' = lines, 's' = bytes, to the end of a line, 'f' = whole inputs */
	uint64_t count;          /* so many */

	/* zero at first */
	struct ccp_block *block; /* is being filled */
	uint64_t at;             /* in the input, decoded */
	uint64_t lines;          /* in the block */
};

/*
 * Runs over all inputs (look.h), and waits for the programs. Returns as ccp_look, or CCP_EXIT_FAILED if the run was
 * cancelled because no program is started any more.
 */
int ccp_cutter_run(struct ccp_cutter *cutter, struct ccp_settings *settings);

#endif
