/*
 * counters.h: what tasks report on standard error, and the sums of their counters.
 *
 *   reporter:counter:GROUP,COUNTER,AMOUNT    adds to a counter
 *   reporter:status:MESSAGE                  tells how far the task is
 *
 * Source: Hadoop Streaming, "How do I update counters in streaming applications?"; PipeMapRed.incrCounter: three parts
 * with commas between, the last a number of 64 bits.
 */
#ifndef CCP_PIPELINE_MR_COUNTERS_H
#define CCP_PIPELINE_MR_COUNTERS_H

#include <stddef.h>

#include "pipeline/err.h"
#include "pipeline/mr/number.h"

enum ccp_mr_report { CCP_MR_PLAIN, CCP_MR_COUNTER, CCP_MR_STATUS };

struct ccp_mr_counter {
	char *name;    /* "GROUP,COUNTER" */
	size_t len;
	struct ccp_mr_number amount;
};

/* In the order of their names, by bytes. Zero at first. Owned by its holder. */
struct ccp_mr_counters {
	struct ccp_mr_counter *list;
	size_t count, room;
};

/*
 * What a line is, without its end: a counter is added; of a status `message` is set to its words, in the line.
 * What cannot be understood is plain, a counter that would not fit into 127 bits as well.
 * Returns enum ccp_mr_report, or -1 with CCP_E_NO_MEMORY.
 */
int ccp_mr_counters_line(struct ccp_mr_counters *counters, const char *line, size_t len, const char **message,
			 struct ccp_err *err);

/* Adds to one, named by "GROUP,COUNTER". Returns CCP_MR_COUNTER, or else as above. */
int ccp_mr_counters_add(struct ccp_mr_counters *counters, const char *name, size_t len, struct ccp_mr_number amount,
			struct ccp_err *err);

void ccp_mr_counters_free(struct ccp_mr_counters *counters);

#endif
