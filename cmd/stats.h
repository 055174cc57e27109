/*
 * stats.h: between stats.c, which collects, and stats_print.c, which prints.
 */
#ifndef CCP_CMD_STATS_H
#define CCP_CMD_STATS_H

#include "cmd/options.h"
#include "pipeline/err.h"
#include "pipeline/fold/stats_table.h"

#define CCP_STATS_QUANTILES 32

/* Quantiles that were asked for, in that order. */
struct ccp_stats_quantiles {
	size_t count;
	double p[CCP_STATS_QUANTILES];
};

/* Prints a finished table: for people, JSON or CSV. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_stats_print(const struct ccp_settings *settings, struct ccp_stats_table *table,
		    const struct ccp_stats_quantiles *quantiles, struct ccp_err *err);

#endif
