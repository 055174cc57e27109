/*
 * gnu.h: the words of GNU gzip 1.12, for the persona gzip, gunzip, zcat, and the lines of -v for both personas.
 */
#ifndef CCP_CMD_GNU_H
#define CCP_CMD_GNU_H

#include "cmd/report.h"

/* Says what became of an input, as GNU gzip does. Returns the exit status that it stands for. */
int ccp_gnu_result(const struct ccp_report *report, const struct ccp_result *result);

/* The line of -v about an input that is done: "a:	 78.3% -- replaced with a.gz". */
void ccp_gnu_verbose(const struct ccp_report *report, const struct ccp_result *result, const char *between);

#endif
