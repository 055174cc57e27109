/*
 * fetch_curl.c: transfers by libcurl, whose multi interface runs on the fetcher's epoll: curl tells which descriptors
 * it wants to be watched and when it wants to be called, and is told what happened.
 *
 * Each try has a request of its own (fetch_link.c). A body goes into the pipe from curl's callback. If it does not fit,
 * the transfer is paused: curl keeps the bytes of this call and brings them again, and `skip` says how many of them
 * went into the pipe already. Parts of one object that are fetched beside each other are fetch_range.c's.
 */
#include "pipeline/net/fetch_curl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/net/fetch_range.h"

#ifdef CCP_HAVE_CURL

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
	curl->lib.multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, (long)fetcher->connections + 1);
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
		char *private = NULL;
		struct ccp_link *link;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl->lib.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		link = (struct ccp_link *)(void *)private;
		if (link->part != NULL)
			ccp_part_end(link->part, result);
		else
			ccp_answer_end(link->fetch, result);
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

/* Returns what curl wants to hear: all of it was taken, or pause, or, by anything else, stop. */
static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct ccp_link *link = arg;
	struct ccp_fetch *fetch = link->fetch;
	struct ccp_curl_try *try = fetch->curl;
	size_t done, pushed;

	len *= one;
	if (try->checking) /* of ftp libcurl makes headers then, and they come here, too */
		return len;
	if (!try->accepted) {
		ccp_answer_begin(fetch);
		if (!try->accepted) {
			try->discarded += len;
			return try->discarded < DISCARD_BYTES ? len : 0;
		}
	}
	done = link->skip < len ? link->skip : len;
	link->skip -= done;
	while (done < len) {
		size_t most = len - done, room = ccp_ranges_room(fetch);

		if (room == 0) {
			try->handed = true;
			return 0;
		}
		pushed = ccp_fetch_push(fetch, data + done, most < room ? most : room);
		try->received += pushed;
		done += pushed;
		if (fetch->gone)
			return 0;
		if (pushed < most && pushed < room) {
			link->skip = done;
			return CURL_WRITEFUNC_PAUSE;
		}
	}
	return len;
}

static void start_try(struct ccp_fetch *fetch)
{
	struct ccp_curl_try *try = fetch->curl;
	const char *url = try->location != NULL ? try->location : fetch->url;
	char scheme[16];
	struct ccp_err err;

	ccp_url_scheme(url, scheme);
	try->http = strncmp(scheme, "http", 4) == 0 || ccp_url_is_s3(url);
	try->sftp = strcmp(scheme, "sftp") == 0;
	try->accepted = try->handed = try->changed = false;
	try->discarded = 0;
	try->resumed |= !try->http && fetch->written > 0;
	try->checking = try->resumed && fetch->written == fetch->info.size;
	try->to = ccp_ranges_end(fetch);
	if (ccp_link_open(&try->link, url, fetch->written, try->to, try->validator, on_body) == 0)
		return;
	ccp_err_set(&err, CCP_E_OTHER, "%s", try->link.why[0] != '\0' ? try->link.why : "no memory for a transfer");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_curl_begin(struct ccp_fetch *fetch)
{
	struct ccp_err err;

	ccp_err_clear(&err);
	if (fetch->curl == NULL) {
		fetch->curl = calloc(1, sizeof *fetch->curl);
		if (fetch->curl != NULL)
			fetch->curl->link.fetch = fetch;
	}
	if (fetch->curl == NULL)
		ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for a transfer");
	else if (open_curl(fetch->fetcher, &err) == 0)
		ccp_ranges_turn(fetch);
	if (err.code != CCP_OK)
		ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_curl_go_on(struct ccp_fetch *fetch)
{
	struct ccp_link *link = &fetch->curl->link;
	struct ccp_err err;

	if (link->easy == NULL) {
		ccp_ranges_turn(fetch);
		return;
	}
	fetch->fetcher->curl->lib.easy_pause(link->easy, CURLPAUSE_CONT);
	if (!fetch->gone)
		return;
	ccp_err_set(&err, CCP_E_OTHER, "nobody reads it");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

bool ccp_curl_refused(const struct ccp_fetch *fetch)
{
	const struct ccp_link *link;
	long sys = 0;

	if (fetch->curl == NULL || fetch->curl->link.easy == NULL)
		return false;
	link = &fetch->curl->link;
	if (link->answer.code == 0)
		fetch->fetcher->curl->lib.easy_getinfo(link->easy, CURLINFO_OS_ERRNO, &sys);
	return link->answer.code == 429 || link->answer.code == 503 ||
	       (link->answer.reply == 421 && fetch->written == 0) || (!fetch->connected && sys == ECONNREFUSED);
}

void ccp_curl_restart(struct ccp_fetch *fetch)
{
	ccp_link_close(&fetch->curl->link);
	fetch->connected = false;
	fetch->quiet_ns = ccp_fetch_now();
	start_try(fetch);
}

void ccp_curl_release(struct ccp_fetch *fetch)
{
	ccp_link_close(&fetch->curl->link);
	free(fetch->curl->location); /* a further try begins where the user said: a redirect may be for a short time */
	fetch->curl->location = NULL;
	fetch->curl->redirects = 0;
}

void ccp_curl_forget(struct ccp_fetch *fetch)
{
	if (fetch->curl == NULL)
		return;
	ccp_ranges_close(fetch);
	if (fetch->fetcher->curl != NULL)
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

bool ccp_curl_refused(const struct ccp_fetch *fetch)
{
	(void)fetch;
	return false;
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

bool ccp_curl_stands(const struct ccp_fetch *fetch)
{
	(void)fetch;
	return false;
}

uint64_t ccp_curl_check(struct ccp_fetch *fetch, uint64_t now_ns)
{
	(void)fetch;
	(void)now_ns;
	return UINT64_MAX;
}

void ccp_curl_free(struct ccp_fetcher *fetcher)
{
	(void)fetcher;
}

#endif
