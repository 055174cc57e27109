/*
 * upload_internal.h: an upload as its parts see it: upload.c (an object), upload_parts.c (one in parts), upload_call.c
 * (a request, over its tries), upload_try.c (one try)
 * and upload_hop.c (one request to one server, by libcurl).
 */
#ifndef CCP_PIPELINE_NET_UPLOAD_INTERNAL_H
#define CCP_PIPELINE_NET_UPLOAD_INTERNAL_H

#include "pipeline/net/upload.h"

#ifdef CCP_HAVE_CURL

#include <pthread.h>

#include "pipeline/net/curl_lib.h"
#include "pipeline/net/fetch_curl.h"
#include "pipeline/net/upload_spool.h"

#define CCP_UPLOAD_SHOWN 200 /* room for a URL in messages, which have to keep their cause */
#define CCP_UPLOAD_IDLE 64   /* handles, with their connections, that are kept for the next request */
#define CCP_UPLOAD_TEXT 4096 /* of an answer */

struct ccp_uploader {
	/* set before the first upload */
	struct ccp_fetch_options net;
	bool force;
	bool (*cancelled)(void);

	pthread_mutex_t lock;
	/* guarded by lock */
	bool loaded;
	struct ccp_curl_lib lib; /* once it is loaded, const */
	CURL *idle[CCP_UPLOAD_IDLE];
	unsigned idle_count;
	uint64_t free_ns;        /* when limit_bytes allows the next byte */
};

/* A request, and its answer. Owned by its caller. */
struct ccp_call {
	struct ccp_uploader *uploader;
	const char *method;
	const char *url, *shown;
	const char *query;       /* "" = none */
	bool create_only;        /* If-None-Match: * */
	bool last_words;         /* of a run that is cancelled: is made all the same, but not for long */
	const struct ccp_spool *body; /* NULL = none */
	uint64_t at, len;        /* what of it is sent */

	/* the answer */
	struct ccp_answer answer;
	size_t text_len;
	char text[CCP_UPLOAD_TEXT];
	bool doubtful;           /* a try ended so that nobody knows whether the server did what it was asked for */
};

/* One hop. Owned by the thread that tries. */
struct ccp_hop {
	struct ccp_call *call;
	const struct ccp_curl_lib *lib;
	CURL *easy;
	struct curl_slist *headers;
	uint64_t sent;           /* bytes of the body that curl has taken */
	curl_off_t moved;        /* bytes in both directions */
	uint64_t quiet_ns;       /* since when none has moved */
	bool connected;
	struct ccp_err read_err; /* the body could not be read */
	char why[CURL_ERROR_SIZE];
};

/* What became of a try. */
enum ccp_tried { CCP_TRIED, CCP_TRIED_AGAIN, CCP_TRIED_NEVER };

/*
 * Makes a request until it is answered in a way that is not going to change: `call->answer`. After the last try any
 * answer is one. Errors: -1 with CCP_E_CANCELLED or CCP_E_OTHER: there was none. Threads: any.
 */
int ccp_call_make(struct ccp_call *call, struct ccp_err *err);

/* Says what a bad answer was. Returns -1. */
int ccp_call_refused(const struct ccp_call *call, struct ccp_err *err);

/* What stands between <NAME> and </NAME> in the answer's text, or false. Shape: `value` has room for `room`. */
bool ccp_call_element(const struct ccp_call *call, const char *name, char *value, size_t room);

/* One try: connections, redirects and bytes. `wait_s`: for how long the server asked to be left alone; 0 = not. */
enum ccp_tried ccp_call_try(struct ccp_call *call, unsigned *wait_s, struct ccp_err *err);

/* ---- upload_hop.c ---- */

/*
 * Fills the handle for one hop, which begins now. Memory: the headers are the hop's, until it is over.
 * Errors: -1 with `err`: no memory, or no signature.
 */
int ccp_hop_begin(struct ccp_hop *hop, const char *url, struct ccp_err *err);

/* For how long nothing may move. Units: seconds. */
unsigned ccp_hop_patience_s(const struct ccp_hop *hop);

/* ---- upload_call.c ---- */

/* Whether the run is over for this request. */
bool ccp_call_is_cancelled(const struct ccp_call *call);

/* ---- upload.c ---- */

/*
 * A handle of libcurl, which is loaded by the first of them. Errors: NULL with CCP_E_UNSUPPORTED or CCP_E_NO_MEMORY.
 * Threads: any.
 */
CURL *ccp_uploader_take_handle(struct ccp_uploader *uploader, struct ccp_err *err);

/* Gives it back: nothing of its request stays in it but its connection. Threads: any. */
void ccp_uploader_give_handle(struct ccp_uploader *uploader, CURL *easy);

/* ---- upload_parts.c ---- */

struct ccp_parts;

/* One object. Owned by whoever writes it. */
struct ccp_upload {
	struct ccp_uploader *uploader;
	char *url;
	char shown[CCP_UPLOAD_SHOWN];
	struct ccp_spool spool;
	struct ccp_parts *parts; /* NULL = it goes in one */
};

/* Sends the parts that are complete; all that is left, with `last`. Errors: -1 with `err`. */
int ccp_parts_send(struct ccp_upload *upload, bool last, struct ccp_err *err);

/* Makes the object of its parts. Errors: -1 with `err`. */
int ccp_parts_complete(struct ccp_upload *upload, struct ccp_err *err);

/* Waits for the parts that are on their way, has the server forget all of them if they have made no object, and
 * releases. */
void ccp_parts_free(struct ccp_upload *upload);

#endif
#endif
