/*
 * nameless.h: temporary files that nobody can find, and that are gone with whoever has them open.
 */
#ifndef CCP_PIPELINE_NAMELESS_H
#define CCP_PIPELINE_NAMELESS_H

/* Where temporary files are to be: $TMPDIR, or `otherwise` if that is not set. Memory: borrowed. */
const char *ccp_nameless_dir(const char *otherwise);

/*
 * Makes a file without a name in this folder, open for reading and writing.
 * Errors: -1 with errno. Threads: any. Memory: the descriptor is returned. Source: open(2), O_TMPFILE.
 */
int ccp_nameless_open(const char *dir);

#endif
