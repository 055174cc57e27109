/*
 * sort_profile.h: what --profile tells of a sorter: spilling, and merging, which comes when the run is over.
 */
#ifndef CCP_CMD_SORT_PROFILE_H
#define CCP_CMD_SORT_PROFILE_H

#include <stdint.h>

#include "cmd/options.h"
#include "pipeline/sort/sorter.h"

/* Begins as { 0 }. Nothing is measured if --profile was not asked for. Threads: one at a time. */
struct ccp_sort_profile {
	const struct ccp_settings *settings;
	uint64_t begun_ns;      /* what is measured now */
	double begun_cpu_s;
	uint64_t spilled_bytes; /* before all was read */
	uint64_t spill_ns;
};

/* A part is about to be taken, or all lines to be given out. */
void ccp_sort_profile_begin(struct ccp_sort_profile *profile, const struct ccp_settings *settings);

/* A part was taken. */
void ccp_sort_profile_took(struct ccp_sort_profile *profile, const struct ccp_sorter *sorter);

/* All lines were given out: prints a line on standard error, behind the table or the short report. */
void ccp_sort_profile_tell(const struct ccp_sort_profile *profile, const struct ccp_sorter *sorter);

#endif
