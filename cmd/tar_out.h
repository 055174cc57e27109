/*
 * tar_out.h: standard output for the lines of an archive, which a signal ends even while nobody reads.
 */
#ifndef CCP_CMD_TAR_OUT_H
#define CCP_CMD_TAR_OUT_H

#include <stdio.h>

/*
 * Standard output or, if that is no file, a stream to it whose writes fail as soon as a signal was caught
 * (signals.h). Memory: for ccp_tar_out_close. Errors: NULL, errno.
 */
FILE *ccp_tar_out_open(void);

/* Flushes, and closes what is not standard output itself. Errors: EOF, errno. */
int ccp_tar_out_close(FILE *out);

#endif
