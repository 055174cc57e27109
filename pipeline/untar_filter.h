/*
 * untar_filter.h: an archive that was compressed with something other than gzip, decoded by libarchive.
 */
#ifndef CCP_PIPELINE_UNTAR_FILTER_H
#define CCP_PIPELINE_UNTAR_FILTER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"

struct ccp_untar_filter;

/* What these first bytes say that the rest was compressed with, or NULL. Threads: any. */
const char *ccp_untar_filter_name(const void *data, size_t len);

/* Where compressed bytes come from: lends some until its next call, 0 at the end. Failures are its own matter. */
struct ccp_untar_bytes {
	size_t (*pull)(void *arg, const void **data);
	void *arg;
};

/*
 * Begins to decode what is compressed with `name`. What `bytes` gives begins with the bytes that the name was found by.
 * Errors: -1 with CCP_E_UNSUPPORTED if libarchive is not there or would have to start another program for it, or with
 * CCP_E_FORMAT. Memory: *filter is returned, for ccp_untar_filter_close; NULL is allowed there.
 */
int ccp_untar_filter_open(struct ccp_untar_filter **filter, const char *name, const struct ccp_untar_bytes *bytes,
			  struct ccp_err *err);
void ccp_untar_filter_close(struct ccp_untar_filter *filter);

/*
 * The next decoded bytes, borrowed until the next call. Returns how many, 0 at the end, -1 with CCP_E_FORMAT.
 * Threads: one at a time.
 */
ssize_t ccp_untar_filter_read(struct ccp_untar_filter *filter, const void **data, struct ccp_err *err);

/* Bytes that were taken in, and given out. */
uint64_t ccp_untar_filter_in(const struct ccp_untar_filter *filter);
uint64_t ccp_untar_filter_out(const struct ccp_untar_filter *filter);

#endif
