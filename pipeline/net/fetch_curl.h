/*
 * fetch_curl.h: a transfer by libcurl, as its parts see it: fetch_curl.c (its bytes), fetch_link.c (requests),
 * fetch_http.c (what a server's answer means), fetch_file.c (the same for ftp and sftp), and fetch_range.c (several
 * connections for one object). Owned by the loop's thread.
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
	uint64_t kept_bytes;     /* memory of parts that are fetched before their turn */
	unsigned ranged;         /* transfers that have several connections */
};

/* The headers of one answer. */
struct ccp_answer {
	long code;               /* HTTP's; 0 = none yet */
	long reply;              /* the last one of ftp; 0 = none yet */
	char reason[48];         /* its words */
	char etag[CCP_ETAG];     /* a strong one, or "" */
	bool weak;               /* an ETag came that is a weak one: the date says no more than that */
	char modified[48];       /* Last-Modified as it was sent, or "" */
	bool no_ranges;          /* Accept-Ranges: none */
	uint64_t from, to, total;/* of Content-Range, `to` is its last byte; UINT64_MAX = not said */
	time_t date;             /* Date, or -1 */
};

struct ccp_part;
struct ccp_ranges;

/* One request: a handle of curl, and what belongs to it. */
struct ccp_link {
	struct ccp_fetch *fetch;
	struct ccp_part *part;   /* that it fetches; NULL = it is the transfer's own */
	CURL *easy;              /* NULL = none is under way */
	struct curl_slist *headers;
	struct ccp_answer answer;
	size_t skip;             /* bytes that were taken while curl holds them, too */
	int sys;                 /* why there is no socket: an errno, or 0 */
	int host_key;            /* sftp: what is known of the host's key, as libcurl numbers it; 0 = it is the one */
	char why[CURL_ERROR_SIZE];
};

/* One transfer's, over its tries. */
struct ccp_curl_try {
	struct ccp_link link;    /* of the try that is under way */
	char *location;          /* where a redirect led, or NULL */
	unsigned redirects;
	bool http, sftp;
	bool resumed;            /* of ftp and sftp: went on where a try was cut, and has to be proved to be the same */
	bool checking;           /* all bytes are there, and this try is that proof */
	bool changed;            /* it is not the same any more, or nobody knows */
	bool accepted;           /* the answer's body is the input's */
	size_t discarded;        /* bytes of a body that nobody wants */
	char validator[CCP_ETAG];/* what has to stay the same for a try to go on where the last one was cut, or "" */
	uint64_t received;       /* bytes of all its tries */
	uint64_t to;             /* the first byte that was not asked for; UINT64_MAX = all were */
	bool handed;             /* it was stopped where a part goes on */
	struct ccp_ranges *ranges; /* parts that are fetched beside it, or NULL; see fetch_range.h */
	bool single;             /* there are to be none (any more) */
};

/* ---- fetch_http.c ---- */

/* One line of headers. */
void ccp_answer_line(struct ccp_answer *answer, const char *line, size_t len);

/* Forgets the answer before. */
void ccp_answer_clear(struct ccp_answer *answer);

/* Whether a part is one of what has this validator. */
bool ccp_answer_is_same(const struct ccp_answer *answer, const char *validator);

/* Whether an answer's failure may pass. */
bool ccp_answer_passes(long code);

/* Before the first byte of a body: notes what the server told, and says whether the body is what is to be read. */
void ccp_answer_begin(struct ccp_fetch *fetch);

/* The try is over by curl's word: the next hop of a redirect, a further try, or the end. The fetch may be gone. */
void ccp_answer_end(struct ccp_fetch *fetch, CURLcode result);

/* ---- fetch_file.c ---- */

/* One line of what an ftp server says. */
void ccp_answer_reply(struct ccp_answer *answer, const char *line, size_t len);

/* Whether there are words for a result of libcurl that are better than its own; what is to come of it, too. */
bool ccp_file_failed(const struct ccp_fetch *fetch, CURLcode result, enum ccp_fetch_verdict *verdict, char *why,
		     size_t room);

/* Asks for what follows `from`, or, in a try that checks, for nothing but what the server tells of the file. */
void ccp_file_place(struct ccp_link *link, const struct ccp_curl_lib *lib, uint64_t from);

/* Whether a change of a file whose info is filled would be seen in it, so that it may be read on if it is cut. */
bool ccp_file_is_settled(const struct ccp_fetch *fetch);

/* Whether what the try was told of the file is still what the first one was told. Sets `changed`. */
bool ccp_file_is_same(struct ccp_fetch *fetch);

/* Whether nothing more has to be asked: after a try that went on where another was cut it has to be. */
bool ccp_file_is_proved(const struct ccp_fetch *fetch);

/* The try ends because it is not the same file any more. The fetch may be gone. */
void ccp_file_changed(struct ccp_fetch *fetch);

/* ---- fetch_curl.c ---- */

/* Releases the easy handle, and begins again, with `location` if it is set. The fetch may be gone. */
void ccp_curl_restart(struct ccp_fetch *fetch);

/* ---- fetch_link.c ---- */

/* What curl calls with the bytes of a body; `arg` is the link. */
typedef size_t ccp_link_body(char *data, size_t one, size_t len, void *arg);

/*
 * Sends a request. from, to: the bytes that are asked for, `to` is the first that is not, or UINT64_MAX; all of them if
 * `from` is 0 and `to` UINT64_MAX; else only if the validator is still true.
 * Errors: -1: no memory, or what `link->why` says. Nothing is open then.
 */
int ccp_link_open(struct ccp_link *link, const char *url, uint64_t from, uint64_t to, const char *validator,
		  ccp_link_body *body);

/* Ends a request, not from one of curl's callbacks; one that is not open is left alone. */
void ccp_link_close(struct ccp_link *link);

#endif
#endif
