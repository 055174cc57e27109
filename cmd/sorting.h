/*
 * sorting.h: what commands that sort do with the memory and the workers that they were given.
 */
#ifndef CCP_CMD_SORTING_H
#define CCP_CMD_SORTING_H

#include <stdint.h>

#include "cmd/options.h"

#define CCP_SORTING_TEXT 32

/*
 * Takes what parts under way need out of `bytes`, the memory for all, which becomes what is left; `text` will be the
 * --max-mem of the run, and chunks are made as small as it wants them, `chunk_most` at most. `who`, an option and the
 * command, begins the message if there is too little.
 * Returns 0, or an exit status after that. Memory: `text` is borrowed by the settings.
 */
int ccp_sorting_share(struct ccp_settings *s, const char *who, uint64_t chunk_most, uint64_t *bytes,
		      char text[CCP_SORTING_TEXT]);

/* How many threads sort, of `jobs`: one under the strategy serial. */
unsigned ccp_sorting_threads(const struct ccp_settings *s, unsigned jobs);

#endif
