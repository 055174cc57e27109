/*
 * mr.h: the inside of the command mr; between mr.c, mr_map.c and mr_reduce.c.
 */
#ifndef CCP_CMD_MR_H
#define CCP_CMD_MR_H

#include <limits.h>
#include <stdbool.h>

#include "cmd/blocks.h"
#include "cmd/jobs.h"
#include "cmd/mr_gather.h"
#include "cmd/mr_output.h"
#include "cmd/mr_tell.h"
#include "cmd/options.h"
#include "cmd/program.h"
#include "cmd/sorting.h"
#include "pipeline/mr/key.h"
#include "pipeline/sort/sorter.h"

struct ccp_mr {
	/* set before */
	struct ccp_settings *settings;
	struct ccp_jobs jobs;
	struct ccp_program map, combine, reduce; /* zero: there is no such command */
	enum ccp_mr_op feed_op; /* what is done with the lines of a map task */
	enum ccp_mr_op deal_op; /* with those of a reducer; NONE and no command: they are written */
	unsigned parts;         /* reducers; 0: there are none, only maps */
	uint64_t split_bytes;
	uint64_t sorter_bytes, tally_bytes, buffer_bytes; /* of memory */
	struct ccp_sort_order order, task_order; /* of all lines, tagged; of those of a map task */
	struct ccp_sorter_options sorting;
	char flow_bytes[CCP_SORTING_TEXT]; /* max_mem of the run */

	struct ccp_sorter *sorter;
	struct ccp_mr_gather *gather;
	struct ccp_mr_tell tell;
	struct ccp_mr_output output;
	char own_glob[2 * PATH_MAX]; /* matches its temporary folder */
};

/* Reads the inputs and runs the maps. Returns an exit status. */
int ccp_mr_map_all(struct ccp_mr *mr);

/* Sorts and runs the reducers. Returns an exit status. */
int ccp_mr_reduce_all(struct ccp_mr *mr);

/* Tells an error that is not one of a task. Returns an exit status. */
int ccp_mr_fail(const struct ccp_mr *mr, const struct ccp_err *err);

#endif
