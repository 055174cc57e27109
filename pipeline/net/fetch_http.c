/*
 * fetch_http.c: what a server's answer means.
 *
 * Redirects are followed here and not by libcurl, so that the rules hold for every hop: at most ten, and never from
 * https to anything else. An answer of 200 is the input from its start. If a try was cut, the next one asks for the
 * rest, on the condition that the input is still the one of the first answer (If-Range with its strong ETag, or its
 * Last-Modified), and takes only a 206 that begins at the right byte.
 *
 * Source: RFC 9110, sections 8.8 (validators), 13.1.5 (If-Range), 14 (ranges), 15.4 (redirects).
 */
#include "pipeline/net/fetch_curl.h"

#ifdef CCP_HAVE_CURL

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REDIRECTS 10

/* ---- headers ------------------------------------------------------------------------------------- */

void ccp_answer_clear(struct ccp_answer *answer)
{
	*answer = (struct ccp_answer){ .from = UINT64_MAX, .total = UINT64_MAX };
}

/* Copies a header's value, without blanks around it and without what is not printable. */
static void copy_value(char *to, size_t room, const char *value, size_t len)
{
	size_t used = 0;

	while (len > 0 && isspace((unsigned char)value[0])) {
		value++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	for (size_t i = 0; i < len && used + 1 < room; i++)
		if (isprint((unsigned char)value[i]))
			to[used++] = value[i];
	to[used] = '\0';
}

static void read_status(struct ccp_answer *answer, const char *line, size_t len)
{
	char text[80];
	size_t at;

	ccp_answer_clear(answer);
	copy_value(text, sizeof text, line, len);
	at = strcspn(text, " ");
	answer->code = strtol(text + at, NULL, 10);
	at += strspn(text + at, " ");
	at += strcspn(text + at, " ");
	at += strspn(text + at, " ");
	snprintf(answer->reason, sizeof answer->reason, "%.*s", (int)sizeof answer->reason - 1, text + at);
}

/* "bytes 100-199/200", "bytes 100-199/\*" */
static void read_range(struct ccp_answer *answer, const char *text)
{
	unsigned long long from, to, total;
	int fields = sscanf(text, "bytes %llu-%llu/%llu", &from, &to, &total);

	if (fields >= 2)
		answer->from = from;
	if (fields == 3)
		answer->total = total;
}

void ccp_answer_line(struct ccp_answer *answer, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	char value[CCP_ETAG];
	size_t name_len;

	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		read_status(answer, line, len);
		return;
	}
	if (colon == NULL)
		return;
	name_len = (size_t)(colon - line);
	copy_value(value, sizeof value, colon + 1, len - name_len - 1);
	if (name_len == 4 && strncasecmp(line, "ETag", 4) == 0) {
		answer->weak = value[0] != '"' || strlen(value) + 1 >= sizeof value; /* promises no same bytes */
		if (!answer->weak)
			strcpy(answer->etag, value);
	} else if (name_len == 13 && strncasecmp(line, "Last-Modified", 13) == 0) {
		snprintf(answer->modified, sizeof answer->modified, "%.*s", (int)sizeof answer->modified - 1, value);
	} else if (name_len == 13 && strncasecmp(line, "Accept-Ranges", 13) == 0) {
		answer->no_ranges = strcasecmp(value, "none") == 0;
	} else if (name_len == 13 && strncasecmp(line, "Content-Range", 13) == 0) {
		read_range(answer, value);
	}
}

/* ---- the body ------------------------------------------------------------------------------------ */

/* What the first answer told. */
static void tell(struct ccp_fetch *fetch)
{
	const struct ccp_curl_lib *lib = &fetch->fetcher->curl->lib;
	struct ccp_curl_try *try = fetch->curl;
	const struct ccp_answer *answer = &try->answer;
	curl_off_t time = -1, size = -1;

	if (fetch->written > 0)
		return;
	lib->easy_getinfo(try->easy, CURLINFO_FILETIME_T, &time);
	lib->easy_getinfo(try->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
	pthread_mutex_lock(&fetch->fetcher->lock);
	fetch->info = (struct ccp_fetch_info){
		.mtime.tv_sec = time >= 0 ? (time_t)time : 0,
		.has_mtime = time >= 0,
		.size = size >= 0 ? (uint64_t)size : 0,
		.sized = size >= 0,
	};
	pthread_mutex_unlock(&fetch->fetcher->lock);
	snprintf(try->validator, sizeof try->validator, "%s",
		 answer->etag[0] != '\0' ? answer->etag : answer->weak ? "" : answer->modified);
	fetch->resumable = try->http && try->validator[0] != '\0' && !answer->no_ranges;
}

/* Whether a part is one of what came before. A date may be left out of the answer to If-Range, an ETag may not. */
static bool is_same(const struct ccp_curl_try *try)
{
	const struct ccp_answer *answer = &try->answer;

	if (try->validator[0] == '"')
		return strcmp(answer->etag, try->validator) == 0;
	return answer->modified[0] == '\0' || strcmp(answer->modified, try->validator) == 0;
}

/* Whether the body of this answer goes on where the pipe stands. */
static bool is_wanted(const struct ccp_fetch *fetch)
{
	const struct ccp_curl_try *try = fetch->curl;
	const struct ccp_answer *answer = &try->answer;

	if (!try->http)
		return true;
	if (fetch->written == 0)
		return answer->code >= 200 && answer->code < 300 && answer->code != 206;
	return answer->code == 206 && answer->from == fetch->written &&
	       is_same(try) &&
	       (answer->total == UINT64_MAX || !fetch->info.sized || answer->total == fetch->info.size);
}

void ccp_answer_begin(struct ccp_fetch *fetch)
{
	const struct ccp_answer *answer = &fetch->curl->answer;

	fetch->curl->accepted = is_wanted(fetch);
	if (!fetch->curl->accepted)
		return;
	tell(fetch);
	if (fetch->written > 0 && !fetch->info.sized && answer->total != UINT64_MAX) { /* only a part tells the size */
		pthread_mutex_lock(&fetch->fetcher->lock);
		fetch->info.size = answer->total;
		fetch->info.sized = true;
		pthread_mutex_unlock(&fetch->fetcher->lock);
	}
}

/* ---- the end of a try ---------------------------------------------------------------------------- */

static void fail(struct ccp_fetch *fetch, enum ccp_fetch_verdict verdict, const char *why)
{
	curl_off_t wait_s = 0;
	struct ccp_err err;

	ccp_err_clear(&err);
	ccp_fetch_cut(fetch, why, &err);
	if (fetch->curl->http)
		fetch->fetcher->curl->lib.easy_getinfo(fetch->curl->easy, CURLINFO_RETRY_AFTER, &wait_s);
	ccp_fetch_failed(fetch, verdict, wait_s > 0 && wait_s < 86400 ? (unsigned)wait_s : 0, &err);
}

/* Follows a redirect, if there is one that may be followed. Returns whether the answer was one. */
static bool redirect(struct ccp_fetch *fetch)
{
	struct ccp_curl_try *try = fetch->curl;
	const char *from = try->location != NULL ? try->location : fetch->url;
	char old_scheme[16], new_scheme[16], *location = NULL;

	if (try->answer.code < 300 || try->answer.code > 399)
		return false;
	fetch->fetcher->curl->lib.easy_getinfo(try->easy, CURLINFO_REDIRECT_URL, &location);
	if (location == NULL)
		return false;
	ccp_url_scheme(from, old_scheme);
	ccp_url_scheme(location, new_scheme);
	if (strcmp(new_scheme, "https") != 0 && strcmp(new_scheme, "http") != 0) {
		fail(fetch, CCP_FETCH_NEVER, "refused a redirect to another protocol");
	} else if (strcmp(old_scheme, "https") == 0 && strcmp(new_scheme, "https") != 0) {
		fail(fetch, CCP_FETCH_NEVER, "refused a redirect from https to http");
	} else if (++try->redirects > REDIRECTS) {
		fail(fetch, CCP_FETCH_NEVER, "more than 10 redirects");
	} else {
		location = strdup(location);
		if (location == NULL) {
			fail(fetch, CCP_FETCH_NEVER, "no memory for a redirect");
			return true;
		}
		free(try->location);
		try->location = location;
		ccp_curl_restart(fetch);
	}
	return true;
}

static void fail_by_status(struct ccp_fetch *fetch)
{
	const struct ccp_answer *answer = &fetch->curl->answer;
	bool passes = answer->code == 408 || answer->code == 429 ||
		      (answer->code >= 500 && answer->code != 501 && answer->code != 505);
	char why[80];

	if (fetch->written > 0 && answer->code < 300)
		snprintf(why, sizeof why, "the server did not go on where it was cut (HTTP %ld)", answer->code);
	else
		snprintf(why, sizeof why, "HTTP %ld%s%s", answer->code, answer->reason[0] != '\0' ? " " : "",
			 answer->reason);
	fail(fetch, passes ? CCP_FETCH_AGAIN : CCP_FETCH_NEVER, why);
}

/* curl's own words or an errno's, which begin with a capital; in the middle of a line they do not. */
static const char *lower(char *text, size_t room, const char *words)
{
	snprintf(text, room, "%s", words);
	if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

static void fail_by_connection(struct ccp_fetch *fetch, char *text, size_t room)
{
	long sys = 0;

	fetch->fetcher->curl->lib.easy_getinfo(fetch->curl->easy, CURLINFO_OS_ERRNO, &sys);
	if (sys == EINPROGRESS || sys == EAGAIN || sys == 0)
		snprintf(text, room, "no connection");
	else
		lower(text, room, strerrordesc_np((int)sys));
	fail(fetch, CCP_FETCH_AGAIN, text);
}

static void fail_by_result(struct ccp_fetch *fetch, CURLcode result)
{
	const struct ccp_curl_try *try = fetch->curl;
	const char *words = try->why[0] != '\0' ? try->why : fetch->fetcher->curl->lib.easy_strerror(result);
	char text[200], why[220];

	switch (result) {
	case CURLE_UNSUPPORTED_PROTOCOL:
		fail(fetch, CCP_FETCH_NEVER, "libcurl here does not know this protocol");
		return;
	case CURLE_URL_MALFORMAT:
		fail(fetch, CCP_FETCH_NEVER, "malformed URL");
		return;
	case CURLE_COULDNT_RESOLVE_HOST:
		fail(fetch, CCP_FETCH_AGAIN, "host not found");
		return;
	case CURLE_COULDNT_RESOLVE_PROXY:
		fail(fetch, CCP_FETCH_AGAIN, "proxy not found");
		return;
	case CURLE_COULDNT_CONNECT:
		fail_by_connection(fetch, text, sizeof text);
		return;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(why, sizeof why, fetch->connected ? "timed out" : "no connection within %u s",
			 fetch->fetcher->options.connect_s);
		fail(fetch, CCP_FETCH_AGAIN, why);
		return;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		fail(fetch, CCP_FETCH_AGAIN, "the connection was closed");
		return;
	case CURLE_GOT_NOTHING:
		fail(fetch, CCP_FETCH_AGAIN, "the server answered nothing");
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(why, sizeof why, "TLS: %s", lower(text, sizeof text, words));
		fail(fetch, CCP_FETCH_NEVER, why);
		return;
	case CURLE_REMOTE_FILE_NOT_FOUND:
		fail(fetch, CCP_FETCH_NEVER, "no such file there");
		return;
	case CURLE_LOGIN_DENIED:
	case CURLE_REMOTE_ACCESS_DENIED:
		fail(fetch, CCP_FETCH_NEVER, "access denied");
		return;
	default:
		fail(fetch, CCP_FETCH_NEVER, lower(text, sizeof text, words));
		return;
	}
}

void ccp_answer_end(struct ccp_fetch *fetch, CURLcode result)
{
	struct ccp_curl_try *try = fetch->curl;

	if (fetch->gone) {
		fail(fetch, CCP_FETCH_NEVER, "nobody reads it");
		return;
	}
	if (try->http && try->answer.code > 0 && !try->accepted && redirect(fetch))
		return;
	if (!try->accepted && (result == CURLE_OK || try->answer.code > 0)) /* without a body nobody has looked */
		ccp_answer_begin(fetch);
	if (try->http && try->answer.code > 0 && !try->accepted)
		fail_by_status(fetch);
	else if (result != CURLE_OK)
		fail_by_result(fetch, result);
	else if (fetch->info.sized && fetch->written < fetch->info.size)
		fail(fetch, CCP_FETCH_AGAIN, "the connection was closed");
	else
		ccp_fetch_done(fetch);
}

#endif
