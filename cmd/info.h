/*
 * info.h: the parts of the command info.
 */
#ifndef CCP_CMD_INFO_H
#define CCP_CMD_INFO_H

#include "pipeline/plan.h"

/* One line about something that there is, and a second with the reason if it cannot run here (`why`, or NULL). */
void ccp_info_entry(const char *name, const char *help, const char *why);

/* The same as JSON, after the text `before`; the object is left open. */
void ccp_info_entry_json(const char *before, const char *name, const char *help, const char *why);

/* CPUs, memory, kernel: lines, or members of the open object without a comma at the end. */
void ccp_info_host_print(const struct ccp_host *host);
void ccp_info_host_json(const struct ccp_host *host);

/* Ways to read that the kernel has and may forbid: likewise. */
void ccp_info_engines_print(void);
void ccp_info_engines_json(void);

#endif
