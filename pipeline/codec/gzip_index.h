/*
 * gzip_index.h: an index of a gzip file: places where decoding can begin without what comes before them.
 *
 * Two formats are read, told apart by their first bytes. Blocked gzip has bgzip's .gzi: the offsets of its members.
 * Any other file has gztool's: some block boundaries, each with the window before it and, in the kind with lines, the
 * number of its line.
 */
#ifndef CCP_PIPELINE_CODEC_GZIP_INDEX_H
#define CCP_PIPELINE_CODEC_GZIP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/inflate.h"
#include "pipeline/err.h"

#define CCP_INDEX_SPACING ((uint64_t)8 << 20) /* decoded bytes between two places, at least */

/* A place to begin at. */
struct ccp_index_place {
	uint64_t in;   /* offset in the file of the first whole byte */
	unsigned bits; /* that many bits before it, 0 to 7, belong to the place: the highest ones of byte in - 1 */
	uint64_t out;  /* decoded bytes before it */
	uint64_t line; /* newlines before it, if has_line */
	bool has_line;
	bool member;   /* a member begins there: no bits and no window; else a deflate block */
	size_t window_len;
	uint8_t window[CCP_INFLATE_WINDOW]; /* the last window_len decoded bytes before it */
};

/*
 * Finds the last place at or before decoded byte `where`, or, with by_line, the last with fewer than `where` newlines
 * before it: so it is never behind the beginning of the line that has `where` before it.
 * Shape: returns 1; 0 if there is none but the beginning of the file, or the index has no lines; -1 on an error. Of
 * *place only what is used of the window is set.
 * Errors: CCP_E_FORMAT with the offset in the index, if it is not one, is not complete, or is damaged; CCP_E_SYS;
 * CCP_E_NO_MEMORY. That the index belongs to the file it cannot know.
 * Threads: any; the descriptor's position is not used. Memory: about 40 KiB of stack and what zlib takes, whatever the
 * index says; it is not read as a whole.
 * Source: bgzip(1), GZI FORMAT; gztool 1.5.1, its file format.
 */
int ccp_index_find(int index_fd, bool by_line, uint64_t where, struct ccp_index_place *place, struct ccp_err *err);

/*
 * Decodes the gzip file of the descriptor and writes gztool's index of it, the kind with lines, to index_fd, which is
 * empty.
 * Shape: places are at least `spacing` decoded bytes apart, each at the first block boundary after that; the first is
 * the beginning. `stop` (may be NULL) is asked all 256 KiB or so; true ends it.
 * Errors: those of gunzip for a bad file, with the offset in it, as all of it is checked; CCP_E_SYS; CCP_E_CANCELLED;
 * CCP_E_NO_MEMORY; then what was written is of no use. 0 with the warning CCP_W_TRAILING in `err` if there is garbage
 * after the last member.
 * Threads: any; the positions of the descriptors are not used. Memory: less than 1 MiB.
 * Source: gztool 1.5.1, its file format.
 */
int ccp_index_write(int fd, int index_fd, uint64_t spacing, bool (*stop)(void *arg), void *arg, struct ccp_err *err);

#endif
