/*
 * deal.h: sorted lines, dealt out to their parts: without their tags, and put together key by key if that is wanted.
 */
#ifndef CCP_PIPELINE_MR_DEAL_H
#define CCP_PIPELINE_MR_DEAL_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/mr/tally.h"

/*
 * Who gets the parts: each once, from 0 on, those that are empty as well. Errors: -1 with `err`: nothing more comes.
 * Memory: borrowed during the call.
 */
struct ccp_mr_sink {
	int (*begin)(void *arg, unsigned part, struct ccp_err *err);
	int (*take)(void *arg, const void *data, size_t len, struct ccp_err *err);
	int (*end)(void *arg, struct ccp_err *err);
	void *arg;
};

struct ccp_mr_deal;

/*
 * Makes a deal for lines tagged as ccp_mr_tag_write has it, if there are several parts. `op`: not NONE: lines with the
 * same key become one. Errors: -1 with CCP_E_NO_MEMORY. Threads: one caller at a time. Memory: `sink` is borrowed.
 */
int ccp_mr_deal_new(struct ccp_mr_deal **deal, unsigned parts, enum ccp_mr_op op, const struct ccp_mr_sink *sink,
		    struct ccp_err *err);
void ccp_mr_deal_free(struct ccp_mr_deal *deal);

/*
 * Takes whole lines in order; `arg` is the deal: it fits struct ccp_sorter_taker.
 * Errors: -1 as ccp_mr_line_number, ccp_mr_op_join, CCP_E_NO_MEMORY, or what the sink says.
 */
int ccp_mr_deal_take(void *arg, const void *data, size_t len, struct ccp_err *err);

/* Nothing follows: ends the last part, begins and ends those that are empty. Errors: as above. */
int ccp_mr_deal_end(struct ccp_mr_deal *deal, struct ccp_err *err);

#endif
