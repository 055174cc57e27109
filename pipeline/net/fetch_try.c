/*
 * fetch_try.c: how tries begin and end.
 *
 * A try that fails for a reason that may pass is followed by another one, after a pause that doubles from one to the
 * next: half a second, one, two and so on, at most half a minute, or what the server asked for. `tries` in a row may
 * fail without a byte; each byte that came begins the count anew, so that a long transfer over a bad line goes on.
 */
#include <stdio.h>

#include "pipeline/net/fetch_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define PAUSE_NS (SECOND_NS / 2)
#define PAUSE_MOST_NS (30 * SECOND_NS)
#define ASKED_MOST_S 120 /* of what a server asks for */
#define STALE_PART 12   /* of stall_s: servers are rarely less patient than five seconds */
#define CROWDED_NS (SECOND_NS / 10)    /* how often it is asked whether a host takes one more */
#define THROTTLED_NS (SECOND_NS / 100) /* how often those are looked at that went too fast */

void ccp_fetch_begin(struct ccp_fetch *fetch)
{
	fetch->host->trying += !fetch->trying;
	fetch->trying = true;
	fetch->begun_ns = ccp_fetch_now();
	fetch->connected = fetch->full = fetch->throttled = false;
	fetch->quiet_ns = ccp_fetch_now();
	if (fetch->kind == CCP_URL_CURL)
		ccp_curl_begin(fetch);
	else
		ccp_socket_begin(fetch);
}

void ccp_fetch_go_on(struct ccp_fetch *fetch)
{
	if (!fetch->trying || fetch->full || fetch->throttled)
		return;
	if (fetch->kind == CCP_URL_CURL)
		ccp_curl_go_on(fetch);
	else
		ccp_socket_go_on(fetch);
}

void ccp_fetch_release(struct ccp_fetch *fetch)
{
	if (fetch->kind == CCP_URL_CURL)
		ccp_curl_forget(fetch);
	else
		ccp_socket_release(fetch);
}

void ccp_fetch_done(struct ccp_fetch *fetch)
{
	ccp_fetch_release(fetch);
	ccp_fetch_finish(fetch, NULL);
}

void ccp_fetch_cut(const struct ccp_fetch *fetch, const char *why, struct ccp_err *err)
{
	unsigned long long written = fetch->written, size = fetch->info.size;

	if (fetch->written == 0)
		ccp_err_set(err, CCP_E_OTHER, "%s", why);
	else if (fetch->info.sized)
		ccp_err_set(err, CCP_E_OTHER, "cut after %llu of %llu bytes: %s", written, size, why);
	else
		ccp_err_set(err, CCP_E_OTHER, "cut after %llu byte%s: %s", written, written == 1 ? "" : "s", why);
}

void ccp_fetch_failed(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, unsigned wait_s, struct ccp_err *err)
{
	uint64_t pause_ns = PAUSE_NS << (fetch->failed < 10 ? fetch->failed : 10);

	if (fetch->kind == CCP_URL_CURL && ccp_curl_refused(fetch))
		ccp_fetch_refused(fetch);
	if (fetch->written > 0 && !fetch->resumable) {
		if (verdict == CCP_FETCH_AGAIN && fetch->kind == CCP_URL_CURL && ccp_fetch_put_back(fetch))
			return;
		verdict = CCP_FETCH_NEVER;
	}
	if (verdict == CCP_FETCH_NEVER || fetch->gone || ++fetch->failed >= fetch->fetcher->options.tries) {
		if (fetch->written > 0)
			err->offset = fetch->written;
		ccp_fetch_release(fetch);
		ccp_fetch_finish(fetch, err);
		return;
	}
	if (fetch->kind == CCP_URL_CURL)
		ccp_curl_release(fetch);
	else
		ccp_socket_release(fetch);
	if (pause_ns > PAUSE_MOST_NS)
		pause_ns = PAUSE_MOST_NS;
	if (wait_s > 0)
		pause_ns = (wait_s < ASKED_MOST_S ? wait_s : ASKED_MOST_S) * SECOND_NS;
	fetch->host->trying -= fetch->trying;
	fetch->trying = false;
	fetch->due_ns = ccp_fetch_now() + pause_ns;
}

/* For how long nothing may come. 0 = for ever. */
static uint64_t patience_ns(const struct ccp_fetch *fetch)
{
	const struct ccp_fetch_options *options = &fetch->fetcher->options;

	if (fetch->kind == CCP_URL_LISTEN && !fetch->connected) /* like a pipe that nobody writes to yet */
		return 0;
	if (!fetch->connected)
		return fetch->socket.share_ns > 0 ? fetch->socket.share_ns : options->connect_s * SECOND_NS;
	if (fetch->kind != CCP_URL_CURL && options->stall_s == 0)
		return 0;
	return (options->stall_s > 0 ? options->stall_s : CCP_FETCH_STALL_S) * SECOND_NS;
}

/*
 * A transfer that waits for its turn, and could not go on if it were cut: servers do not wait for ever either, and
 * whether this one still does is seen only when there is room. Returns until when it may wait.
 */
static uint64_t stale_ns(const struct ccp_fetch *fetch)
{
	unsigned stall_s = fetch->fetcher->options.stall_s;

	if (!fetch->full || fetch->reading || fetch->resumable || fetch->kind != CCP_URL_CURL || fetch->written == 0)
		return UINT64_MAX;
	return fetch->quiet_ns + (stall_s > 0 ? stall_s : CCP_FETCH_STALL_S) * (SECOND_NS / STALE_PART);
}

/* Looks at what the transfer itself waits for. */
static uint64_t check_own(struct ccp_fetch *fetch, uint64_t now_ns)
{
	uint64_t patience = patience_ns(fetch);
	struct ccp_err err;

	if (!fetch->trying) {
		if (fetch->due_ns > now_ns)
			return fetch->due_ns;
		if (!ccp_fetch_may_try(fetch))
			return now_ns + CROWDED_NS;
		ccp_fetch_begin(fetch);
		return now_ns; /* it may be gone */
	}
	if (fetch->throttled) {
		if (!ccp_fetch_may_go(fetch->fetcher))
			return now_ns + THROTTLED_NS;
		fetch->throttled = false;
		fetch->quiet_ns = now_ns;
		ccp_fetch_go_on(fetch);
		return now_ns;
	}
	if (fetch->kind == CCP_URL_CURL && ccp_curl_stands(fetch)) { /* the next part was silent for too long */
		ccp_fetch_go_on(fetch);
		return now_ns;
	}
	if (fetch->full || patience == 0) { /* it waits for its reader, as long as that takes */
		if (stale_ns(fetch) > now_ns)
			return stale_ns(fetch);
		(void)ccp_fetch_put_back(fetch);
		return now_ns;
	}
	if (fetch->quiet_ns + patience > now_ns)
		return fetch->quiet_ns + patience;
	if (!fetch->connected && ccp_socket_late(fetch))
		return now_ns;
	ccp_err_clear(&err);
	if (fetch->connected) {
		char why[80];

		snprintf(why, sizeof why, "stalled: no byte for %llu s", (unsigned long long)(patience / SECOND_NS));
		ccp_fetch_cut(fetch, why, &err);
	} else {
		ccp_err_set(&err, CCP_E_OTHER, "no connection within %u s", fetch->fetcher->options.connect_s);
	}
	ccp_fetch_failed(fetch, CCP_FETCH_AGAIN, 0, &err);
	return now_ns;
}

uint64_t ccp_fetch_check(struct ccp_fetch *fetch, uint64_t now_ns)
{
	uint64_t parts_ns = fetch->kind == CCP_URL_CURL ? ccp_curl_check(fetch, now_ns) : UINT64_MAX;
	uint64_t own_ns = check_own(fetch, now_ns);

	return own_ns < parts_ns ? own_ns : parts_ns;
}
