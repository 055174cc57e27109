/*
 * tar_into.h: --into: what a command has to see to when its outputs become members of an archive.
 */
#ifndef CCP_CMD_TAR_INTO_H
#define CCP_CMD_TAR_INTO_H

#include "cmd/options.h"
#include "cmd/report.h"
#include "pipeline/run.h"

/* Between the run and its report. Threads: as those of the report's calls. */
struct ccp_tar_into {
	struct ccp_report *report;
	bool told_cut;
};

/* What has no meaning with --into. Returns 0, or an exit status after a message. */
int ccp_tar_into_check(const struct ccp_settings *settings);

/* The archive as the sink's options have it: NULL is standard output. */
const char *ccp_tar_into_output(const struct ccp_settings *settings);

/* Stands between a run that is filled and its report, to tell how names are stored. Memory: `into` is borrowed. */
void ccp_tar_into_attach(struct ccp_tar_into *into, struct ccp_report *report, struct ccp_run_options *run);

#endif
