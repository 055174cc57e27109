/*
 * replace.h: small files that are written in one go: reports, plans.
 *
 * Outputs of a run are a sink's (sink.h, temp.h): those are locked, synced and carry metadata. This is for what can be
 * written again.
 */
#ifndef CCP_PIPELINE_REPLACE_H
#define CCP_PIPELINE_REPLACE_H

#include <stddef.h>

/*
 * The file `path` gets these bytes: whole, or it stays what it was. A link stays, and its target is replaced; what is
 * no regular file, as a FIFO, or /dev/stdout, is written into as it is.
 * Errors: an errno. Threads: any.
 */
int ccp_replace(const char *path, const void *data, size_t len);

#endif
