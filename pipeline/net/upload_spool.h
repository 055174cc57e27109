/*
 * upload_spool.h: what an upload needs of a spool beside spool.h: to read it in any order, and to be rid of what was
 * sent.
 */
#ifndef CCP_PIPELINE_NET_UPLOAD_SPOOL_H
#define CCP_PIPELINE_NET_UPLOAD_SPOOL_H

#include "pipeline/spool.h"

#define CCP_UPLOAD_MEMORY (1u << 20) /* of each object; there may be one for every writer */

/*
 * Reads all of `len` bytes from `at` on, which are there. Errors: -1 with CCP_E_SYS. Threads: any, if it has a file by
 * now; bytes may be appended meanwhile.
 */
int ccp_upload_read(const struct ccp_spool *spool, uint64_t at, void *data, size_t len, struct ccp_err *err);

/* Bytes that nobody will read any more: the file gives their place back, where it can. Threads: as above. */
void ccp_upload_forget(const struct ccp_spool *spool, uint64_t at, uint64_t len);

#endif
