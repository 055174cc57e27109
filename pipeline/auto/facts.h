/*
 * facts.h: what can be known about an input and the machine before a byte is read.
 */
#ifndef CCP_PIPELINE_AUTO_FACTS_H
#define CCP_PIPELINE_AUTO_FACTS_H

#include "pipeline/auto/auto.h"

struct ccp_host;

/*
 * Fills facts->stream, ->fs and ->cached for one input, "-" being standard input. Never fails and never waits for a
 * writer: what cannot be found out stays CCP_FS_UNKNOWN and -1. `cached` is asked for regular files only.
 *
 * Where the kernel does not let the page cache be counted, a few pages are read without waiting, and those that were
 * missing are then on their way into memory: ask once for each file.
 * Source: cachestat(2), preadv2(2) RWF_NOWAIT, mincore(2), statfs(2).
 */
void ccp_facts_look(struct ccp_facts *facts, const char *path);

/*
 * Fills facts->cpu_quota and facts->others. `others` counts the tasks of the whole machine that are ready to run, also
 * on CPUs that this process may not use, less the calling thread.
 * Source: proc(5), /proc/loadavg.
 */
void ccp_facts_machine(struct ccp_facts *facts, const struct ccp_host *host);

/* "unknown", "local", "memory", "remote" */
const char *ccp_fs_name(enum ccp_fs fs);

/*
 * Whether cachestat(2) can be asked here. `limit` is why not, or for which files it cannot, or NULL if for all; a
 * constant string.
 */
bool ccp_cachestat_works(const char **limit);

/* The same for preadv2(2) with RWF_NOWAIT; a file system may still not know it. */
bool ccp_nowait_works(const char **limit);

#endif
