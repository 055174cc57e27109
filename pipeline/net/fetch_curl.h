/*
 * fetch_curl.h: a transfer by libcurl, as fetch_curl.c (connections and bytes) and fetch_http.c (what a server's answer
 * means) see it. Owned by the loop's thread.
 */
#ifndef CCP_PIPELINE_NET_FETCH_CURL_H
#define CCP_PIPELINE_NET_FETCH_CURL_H

#include "pipeline/net/curl_lib.h"
#include "pipeline/net/fetch_internal.h"

#ifdef CCP_HAVE_CURL

#define CCP_ETAG 256

/* All of one fetcher's. */
struct ccp_curl {
	struct ccp_curl_lib lib;
	CURLM *multi;
	uint64_t due_ns;         /* when curl wants to be called, or UINT64_MAX */
};

/* The headers of one answer. */
struct ccp_answer {
	long code;               /* HTTP's; 0 = none yet */
	char reason[48];         /* its words */
	char etag[CCP_ETAG];     /* a strong one, or "" */
	bool weak;               /* an ETag came that is a weak one: the date says no more than that */
	char modified[48];       /* Last-Modified as it was sent, or "" */
	bool no_ranges;          /* Accept-Ranges: none */
	uint64_t from, total;    /* of Content-Range; UINT64_MAX = not said */
};

/* One transfer's, over its tries. */
struct ccp_curl_try {
	CURL *easy;              /* of the try that is under way, or NULL */
	struct curl_slist *headers;
	char *location;          /* where a redirect led, or NULL */
	unsigned redirects;
	bool http;
	bool told;               /* info is filled */
	bool accepted;           /* the answer's body is the input's */
	size_t skip;             /* bytes that are in the pipe while curl holds them, too */
	size_t discarded;        /* bytes of a body that nobody wants */
	struct ccp_answer answer;/* of this try */
	char validator[CCP_ETAG];/* what has to stay the same for a try to go on where the last one was cut, or "" */
	char why[CURL_ERROR_SIZE];
};

/* ---- fetch_http.c ---- */

/* One line of headers. */
void ccp_answer_line(struct ccp_answer *answer, const char *line, size_t len);

/* Forgets the answer before. */
void ccp_answer_clear(struct ccp_answer *answer);

/* Before the first byte of a body: notes what the server told, and says whether the body is what is to be read. */
void ccp_answer_begin(struct ccp_fetch *fetch);

/* The try is over by curl's word: the next hop of a redirect, a further try, or the end. The fetch may be gone. */
void ccp_answer_end(struct ccp_fetch *fetch, CURLcode result);

/* ---- fetch_curl.c ---- */

/* Releases the easy handle, and begins again, with `location` if it is set. */
void ccp_curl_restart(struct ccp_fetch *fetch);

#endif
#endif
