/*
 * fetch_curl.c: transfers by libcurl, whose multi interface runs on the fetcher's epoll: curl tells which descriptors
 * it wants to be watched and when it wants to be called, and is told what happened.
 *
 * Each try has a handle of its own, so that nothing of the one before (a name, a password) stays in it; connections are
 * the multi handle's and are used again. A body goes into the pipe from curl's callback. If it does not fit, the
 * transfer is paused: curl keeps the bytes of this call and brings them again, and `skip` says how many of them went
 * into the pipe already. HTTP/1.1, because streams that share a connection could not be paused one by one without curl
 * keeping what comes for them.
 */
#include "pipeline/net/fetch_curl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CCP_HAVE_CURL

#define BUFFER_BYTES 65536L
#define DISCARD_BYTES 65536 /* of the body of an error or a redirect: keeping the connection is worth so much */

/* ---- the loop ------------------------------------------------------------------------------------ */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct ccp_fetcher *fetcher = arg;
	struct epoll_event event = { .data.u64 = (uint64_t)(unsigned)fd << CCP_TAG_BITS | CCP_TAG_CURL };

	(void)easy;
	(void)of_socket;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(fetcher->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(fetcher->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
		(void)epoll_ctl(fetcher->epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct ccp_curl *curl = arg;

	(void)multi;
	curl->due_ns = timeout_ms < 0 ? UINT64_MAX : ccp_fetch_now() + (uint64_t)timeout_ms * 1000000;
	return 0;
}

/* Loads the library at the first call. Errors: -1 with `err`. */
static int open_curl(struct ccp_fetcher *fetcher, struct ccp_err *err)
{
	struct ccp_curl *curl;

	if (fetcher->curl != NULL)
		return 0;
	curl = calloc(1, sizeof *curl);
	if (curl == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for transfers");
	curl->due_ns = UINT64_MAX;
	if (ccp_curl_load(&curl->lib, err) != 0) {
		free(curl);
		return -1;
	}
	curl->multi = curl->lib.multi_init();
	if (curl->multi == NULL) {
		free(curl);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for transfers");
	}
	curl->lib.multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl->lib.multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl->lib.multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl->lib.multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	fetcher->curl = curl;
	return 0;
}

void ccp_curl_event(struct ccp_fetcher *fetcher, int fd, uint32_t events)
{
	int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0), running;

	fetcher->curl->lib.multi_socket_action(fetcher->curl->multi, fd, mask, &running);
}

void ccp_curl_timers(struct ccp_fetcher *fetcher, uint64_t now_ns)
{
	struct ccp_curl *curl = fetcher->curl;
	struct CURLMsg *message;
	int count;

	if (curl == NULL)
		return;
	if (curl->due_ns <= now_ns) {
		curl->due_ns = UINT64_MAX; /* curl sets it again */
		curl->lib.multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &count);
	}
	while ((message = curl->lib.multi_info_read(curl->multi, &count)) != NULL) {
		CURLcode result = message->data.result;
		char *fetch = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl->lib.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		ccp_answer_end((struct ccp_fetch *)(void *)fetch, result);
	}
}

uint64_t ccp_curl_due(const struct ccp_fetcher *fetcher)
{
	return fetcher->curl != NULL ? fetcher->curl->due_ns : UINT64_MAX;
}

void ccp_curl_free(struct ccp_fetcher *fetcher)
{
	if (fetcher->curl != NULL)
		fetcher->curl->lib.multi_cleanup(fetcher->curl->multi);
	free(fetcher->curl);
	fetcher->curl = NULL;
}

/* ---- one transfer -------------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct ccp_fetch *fetch = arg;

	fetch->quiet_ns = ccp_fetch_now();
	if (fetch->curl->http)
		ccp_answer_line(&fetch->curl->answer, line, one * len);
	return one * len;
}

/* Returns what curl wants to hear: all of it was taken, or pause, or, by anything else, stop. */
static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct ccp_fetch *fetch = arg;
	struct ccp_curl_try *try = fetch->curl;
	size_t skipped, done;

	len *= one;
	if (!try->accepted) {
		ccp_answer_begin(fetch);
		if (!try->accepted) {
			try->discarded += len;
			return try->discarded < DISCARD_BYTES ? len : 0;
		}
	}
	skipped = try->skip < len ? try->skip : len;
	done = skipped + ccp_fetch_push(fetch, data + skipped, len - skipped);
	try->skip -= skipped;
	if (fetch->gone)
		return 0;
	if (done == len)
		return len;
	try->skip = done;
	return CURL_WRITEFUNC_PAUSE;
}

/* The connection stands, and the request goes out. */
static int on_connected(void *arg, char *address, char *local, int port, int local_port)
{
	struct ccp_fetch *fetch = arg;

	(void)address;
	(void)local;
	(void)port;
	(void)local_port;
	fetch->connected = true;
	fetch->quiet_ns = ccp_fetch_now();
	return CURL_PREREQFUNC_OK;
}

#define SET(option, value) lib->easy_setopt(try->easy, option, value)

/* What makes the answer the rest of the input, if a part of it is there. */
static void set_resume(const struct ccp_fetch *fetch, const struct ccp_curl_lib *lib)
{
	struct ccp_curl_try *try = fetch->curl;
	char text[CCP_ETAG + 16];

	if (fetch->written == 0)
		return;
	snprintf(text, sizeof text, "%llu-", (unsigned long long)fetch->written);
	SET(CURLOPT_RANGE, text);
	snprintf(text, sizeof text, "If-Range: %s", try->validator);
	try->headers = lib->slist_append(try->headers, text);
	SET(CURLOPT_HTTPHEADER, try->headers);
}

/* sftp: a host must be known already; libcurl refuses all others if it is told where to look. */
static void set_known_hosts(const struct ccp_curl_try *try, const struct ccp_curl_lib *lib)
{
	const char *home = getenv("HOME");
	char path[4096];

	snprintf(path, sizeof path, "%s/.ssh/known_hosts", home != NULL ? home : "");
	SET(CURLOPT_SSH_KNOWNHOSTS, path);
}

static void set_options(struct ccp_fetch *fetch, const struct ccp_curl_lib *lib)
{
	const struct ccp_fetch_options *options = &fetch->fetcher->options;
	struct ccp_curl_try *try = fetch->curl;
	const char *url = try->location != NULL ? try->location : fetch->url;
	char scheme[16];

	ccp_url_scheme(url, scheme);
	try->http = strncmp(scheme, "http", 4) == 0;
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, scheme);
	SET(CURLOPT_PRIVATE, (void *)fetch);
	SET(CURLOPT_ERRORBUFFER, try->why);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "ccpipe");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_FILETIME, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_CONNECTTIMEOUT, (long)options->connect_s);
	SET(CURLOPT_NETRC, options->netrc ? (long)CURL_NETRC_OPTIONAL : (long)CURL_NETRC_IGNORED);
	if (options->cacert != NULL) { /* these and no others: libcurl has a folder of its own beside them */
		SET(CURLOPT_CAINFO, options->cacert);
		SET(CURLOPT_CAPATH, (char *)NULL);
	}
	if (!try->http) /* a proxy may answer in HTTP: its page about an error is not the file */
		SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, fetch);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, fetch);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, fetch);
	if (strcmp(scheme, "sftp") == 0)
		set_known_hosts(try, lib);
	set_resume(fetch, lib);
}

static void start_try(struct ccp_fetch *fetch)
{
	struct ccp_curl *curl = fetch->fetcher->curl;
	struct ccp_curl_try *try = fetch->curl;
	struct ccp_err err;

	try->accepted = false;
	try->skip = try->discarded = 0;
	try->why[0] = '\0';
	ccp_answer_clear(&try->answer);
	try->easy = curl->lib.easy_init();
	if (try->easy != NULL) {
		set_options(fetch, &curl->lib);
		if (curl->lib.multi_add_handle(curl->multi, try->easy) == CURLM_OK)
			return;
		curl->lib.easy_cleanup(try->easy);
		try->easy = NULL;
	}
	ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for a transfer");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_curl_begin(struct ccp_fetch *fetch)
{
	struct ccp_err err;

	ccp_err_clear(&err);
	if (fetch->curl == NULL)
		fetch->curl = calloc(1, sizeof *fetch->curl);
	if (fetch->curl == NULL)
		ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for a transfer");
	else if (open_curl(fetch->fetcher, &err) == 0)
		start_try(fetch);
	if (err.code != CCP_OK)
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_curl_go_on(struct ccp_fetch *fetch)
{
	struct ccp_err err;

	fetch->fetcher->curl->lib.easy_pause(fetch->curl->easy, CURLPAUSE_CONT);
	if (!fetch->gone)
		return;
	ccp_err_set(&err, CCP_E_OTHER, "nobody reads it");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

static void release_easy(struct ccp_fetch *fetch)
{
	struct ccp_curl *curl = fetch->fetcher->curl;
	struct ccp_curl_try *try = fetch->curl;

	if (try == NULL || try->easy == NULL)
		return;
	curl->lib.multi_remove_handle(curl->multi, try->easy);
	curl->lib.easy_cleanup(try->easy);
	curl->lib.slist_free_all(try->headers);
	try->easy = NULL;
	try->headers = NULL;
}

void ccp_curl_restart(struct ccp_fetch *fetch)
{
	release_easy(fetch);
	fetch->connected = false;
	fetch->quiet_ns = ccp_fetch_now();
	start_try(fetch);
}

void ccp_curl_release(struct ccp_fetch *fetch)
{
	release_easy(fetch);
	free(fetch->curl->location); /* a further try begins where the user said: a redirect may be for a short time */
	fetch->curl->location = NULL;
	fetch->curl->redirects = 0;
}

void ccp_curl_forget(struct ccp_fetch *fetch)
{
	if (fetch->curl == NULL)
		return;
	ccp_curl_release(fetch);
	free(fetch->curl);
	fetch->curl = NULL;
}

#else

void ccp_curl_begin(struct ccp_fetch *fetch)
{
	struct ccp_err err;

	ccp_err_set(&err, CCP_E_UNSUPPORTED, "not built: libcurl is missing");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_curl_go_on(struct ccp_fetch *fetch)
{
	(void)fetch;
}

void ccp_curl_release(struct ccp_fetch *fetch)
{
	(void)fetch;
}

void ccp_curl_forget(struct ccp_fetch *fetch)
{
	(void)fetch;
}

void ccp_curl_event(struct ccp_fetcher *fetcher, int fd, uint32_t events)
{
	(void)fetcher;
	(void)fd;
	(void)events;
}

void ccp_curl_timers(struct ccp_fetcher *fetcher, uint64_t now_ns)
{
	(void)fetcher;
	(void)now_ns;
}

uint64_t ccp_curl_due(const struct ccp_fetcher *fetcher)
{
	(void)fetcher;
	return UINT64_MAX;
}

void ccp_curl_free(struct ccp_fetcher *fetcher)
{
	(void)fetcher;
}

#endif
