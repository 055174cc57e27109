/*
 * whole.h: reports and exports: made in memory, then written as a file at once.
 */
#ifndef CCP_CMD_WHOLE_H
#define CCP_CMD_WHOLE_H

#include <stdio.h>

/* Prints all of it. Returns 0, or -1 without memory. */
typedef int (*ccp_whole_fn)(FILE *out, const void *arg);

/* The file `path` gets what `print` prints, as ccp_replace does it. Returns 0 or an errno. */
int ccp_whole_write(const char *path, ccp_whole_fn print, const void *arg);

#endif
