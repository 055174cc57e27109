/*
 * tar.h: the command tar: what its parts have in common.
 */
#ifndef CCP_CMD_TAR_H
#define CCP_CMD_TAR_H

#include "cmd/options.h"

/* -c: writes an archive of the named files. Returns the exit status. Threads: the main thread. */
int ccp_tar_create(struct ccp_settings *settings);

/* -t and -x: lists or unpacks. Returns the exit status. Threads: the main thread. */
int ccp_tar_extract(struct ccp_settings *settings);

/*
 * Says once, in `told`, that the names in an archive are shorter than those that were given, if this one is.
 * Threads: one at a time.
 */
void ccp_tar_tell_cut(const struct ccp_settings *settings, const char *path, bool *told);

#endif
