/*
 * freq_run.h: sorted records in temporary files, and their merge.
 */
#ifndef CCP_PIPELINE_FOLD_FREQ_RUN_H
#define CCP_PIPELINE_FOLD_FREQ_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/fold/freq_store.h"

#define CCP_FREQ_RUNS 256u

/* Runs, in the order in which they were written. Set up by ccp_freq_runs_init. */
struct ccp_freq_runs {
	bool by_count;      /* how they are sorted */
	size_t buffer_bytes;
	size_t count, written;
	struct ccp_freq_run {
		int fd;
		unsigned level; /* 0, or one more than that of the runs it was merged from */
		uint64_t bytes;
	} run[CCP_FREQ_RUNS];
};

/* `memory`: what a merge may take for buffers, about. */
void ccp_freq_runs_init(struct ccp_freq_runs *runs, bool by_count, uint64_t memory);
void ccp_freq_runs_release(struct ccp_freq_runs *runs);

/* Writes sorted items as a run; runs that have become many are merged. Errors: -1 with CCP_E_SYS, CCP_E_NO_MEMORY. */
int ccp_freq_runs_add(struct ccp_freq_runs *runs, const struct ccp_freq_store *store,
		      const struct ccp_freq_item *items, size_t count, struct ccp_err *err);

struct ccp_freq_merge;

/* Begins to merge runs from `first` on, which stay. Errors: -1 with CCP_E_SYS, CCP_E_NO_MEMORY. */
int ccp_freq_merge_new(struct ccp_freq_merge **merge, const struct ccp_freq_runs *runs, size_t first,
		       struct ccp_err *err);
void ccp_freq_merge_free(struct ccp_freq_merge *merge);

/*
 * The next record, borrowed until the next call, with the counts of those with the same key added up if runs are sorted
 * by key. Returns 1, 0 at the end. Errors: -1 with CCP_E_SYS, CCP_E_NO_MEMORY.
 */
int ccp_freq_merge_next(struct ccp_freq_merge *merge, struct ccp_freq_record **record, struct ccp_err *err);

#endif
