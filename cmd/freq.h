/*
 * freq.h: between freq.c, which counts, and freq_print.c, which prints.
 */
#ifndef CCP_CMD_FREQ_H
#define CCP_CMD_FREQ_H

#include "cmd/options.h"
#include "pipeline/err.h"
#include "pipeline/fold/freq_table.h"

/*
 * Prints what a finished table gives: lines as those of uniq -c, JSON or CSV. Stops, and is content, when standard
 * output fails: that is found out when it is written out. Errors: -1 as ccp_freq_table_next.
 */
int ccp_freq_print(const struct ccp_settings *settings, struct ccp_freq_table *table, struct ccp_err *err);

#endif
