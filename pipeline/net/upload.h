/*
 * upload.h: objects that are sent to a server: http, https and s3.
 *
 * Nothing stands under an object's name before it is complete: its bytes are kept (spool.h) and sent in one
 * request, with their exact number, when the last one has come; so that can be tried again. What is larger than a part
 * goes to S3 in parts while the others are still being made, and becomes an object only when all of them are there.
 *
 * An uploader has loaded no library, and has no thread, before its first object.
 */
#ifndef CCP_PIPELINE_NET_UPLOAD_H
#define CCP_PIPELINE_NET_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"
#include "pipeline/net/fetch.h"

#define CCP_UPLOAD_PART (UINT64_C(16) << 20) /* of the first parts; after each thousand they are twice as large */
#define CCP_UPLOAD_PARTS 4                   /* of one object on their way at the same time */

struct ccp_uploader;
struct ccp_upload;

/* Const while there is an uploader. */
struct ccp_upload_options {
	const struct ccp_fetch_options *net; /* NULL = the defaults */
	bool force;                          /* replace what is there */
	bool (*cancelled)(void);             /* asked all the time while something is waited for; NULL = never */
};

/* Whether objects may be sent to this name, by its scheme. Errors: -1 with CCP_E_UNSUPPORTED. Threads: any. */
int ccp_upload_allowed(const char *url, struct ccp_err *err);

/* All uploads of a run. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_uploader_new(struct ccp_uploader **uploader, const struct ccp_upload_options *options, struct ccp_err *err);

/* There is no upload any more. Shape: may be NULL. */
void ccp_uploader_free(struct ccp_uploader *uploader);

/*
 * Begins with an object; asks the server first whether there is one of that name, without `force`.
 * Errors: -1 with CCP_W_EXISTS, or an error; the text begins with the URL. Memory: `upload` ends with commit or abort.
 * Threads: any; calls for one object never overlap.
 */
int ccp_upload_open(struct ccp_uploader *uploader, const char *url, struct ccp_upload **upload, struct ccp_err *err);

/* Appends. Waits while parts are on their way that are not to become more. Errors: as above. */
int ccp_upload_write(struct ccp_upload *upload, const void *data, size_t len, struct ccp_err *err);

/* Sends what is left, and makes the object. Errors: -1 with CCP_W_EXISTS or an error, and there is no object. */
int ccp_upload_commit(struct ccp_upload *upload, struct ccp_err *err);

/* Leaves nothing behind, as far as the server can be reached. Shape: may be NULL. */
void ccp_upload_abort(struct ccp_upload *upload);

#endif
