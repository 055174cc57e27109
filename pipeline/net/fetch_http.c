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
#include "pipeline/net/fetch_range.h"

#ifdef CCP_HAVE_CURL

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/net/curl_words.h"

#define REDIRECTS 10
#define SETTLED_S 60 /* between the last change and the answer: a date has whole seconds, and clocks differ */

/* ---- headers ------------------------------------------------------------------------------------- */

void ccp_answer_clear(struct ccp_answer *answer)
{
	*answer = (struct ccp_answer){ .from = UINT64_MAX, .to = UINT64_MAX, .total = UINT64_MAX, .date = -1 };
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

/* "bytes 100-199/200", "bytes 100-199/\*", "bytes *\/200" */
static void read_range(struct ccp_answer *answer, const char *text)
{
	unsigned long long from, to, total;
	int fields = sscanf(text, "bytes %llu-%llu/%llu", &from, &to, &total);

	if (fields >= 2) {
		answer->from = from;
		answer->to = to;
	}
	if (fields == 3 || sscanf(text, "bytes */%llu", &total) == 1)
		answer->total = total;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; others are out of use. Returns -1 if it is no such date. */
static time_t read_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4];
	const char *at;
	struct tm tm = { 0 };
	int end = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 || end == 0 || strlen(month) != 3)
		return -1;
	at = strstr(months, month);
	if (at == NULL || (at - months) % 3 != 0)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	return timegm(&tm);
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
	} else if (name_len == 4 && strncasecmp(line, "Date", 4) == 0) {
		answer->date = read_date(value);
	} else if (name_len == 13 && strncasecmp(line, "Accept-Ranges", 13) == 0) {
		answer->no_ranges = strcasecmp(value, "none") == 0;
	} else if (name_len == 13 && strncasecmp(line, "Content-Range", 13) == 0) {
		read_range(answer, value);
	}
}

/* ---- the body ------------------------------------------------------------------------------------ */

/* What has to stay the same: a strong ETag, or a date after which nothing can have been changed unseen; or "". */
static const char *validator_of(const struct ccp_answer *answer)
{
	time_t modified;

	if (answer->etag[0] != '\0' || answer->weak)
		return answer->etag;
	modified = read_date(answer->modified);
	return modified >= 0 && answer->date >= 0 && modified <= answer->date - SETTLED_S ? answer->modified : "";
}

/* What the first answer told. */
static void tell(struct ccp_fetch *fetch)
{
	const struct ccp_curl_lib *lib = &fetch->fetcher->curl->lib;
	struct ccp_curl_try *try = fetch->curl;
	const struct ccp_answer *answer = &try->link.answer;
	curl_off_t time = -1, size = -1;

	if (fetch->written > 0)
		return;
	lib->easy_getinfo(try->link.easy, CURLINFO_FILETIME_T, &time);
	lib->easy_getinfo(try->link.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
	pthread_mutex_lock(&fetch->fetcher->lock);
	fetch->info = (struct ccp_fetch_info){
		.mtime.tv_sec = time >= 0 ? (time_t)time : 0,
		.has_mtime = time >= 0,
		.size = size >= 0 ? (uint64_t)size : 0,
		.sized = size >= 0,
	};
	pthread_mutex_unlock(&fetch->fetcher->lock);
	snprintf(try->validator, sizeof try->validator, "%s", validator_of(answer));
	fetch->resumable = try->http ? try->validator[0] != '\0' && !answer->no_ranges : ccp_file_is_settled(fetch);
}

/* A date may be left out of the answer to If-Range, an ETag may not. */
bool ccp_answer_is_same(const struct ccp_answer *answer, const char *validator)
{
	if (validator[0] == '"')
		return strcmp(answer->etag, validator) == 0;
	return answer->modified[0] == '\0' || strcmp(answer->modified, validator) == 0;
}

/* Whether the body of this answer goes on where the pipe stands. */
static bool is_wanted(struct ccp_fetch *fetch)
{
	const struct ccp_curl_try *try = fetch->curl;
	const struct ccp_answer *answer = &try->link.answer;

	if (!try->http)
		return ccp_file_is_same(fetch);
	if (fetch->written == 0)
		return answer->code >= 200 && answer->code < 300 && answer->code != 206;
	return answer->code == 206 && answer->from == fetch->written &&
	       ccp_answer_is_same(answer, try->validator) &&
	       (answer->total == UINT64_MAX || !fetch->info.sized || answer->total == fetch->info.size);
}

void ccp_answer_begin(struct ccp_fetch *fetch)
{
	const struct ccp_answer *answer = &fetch->curl->link.answer;

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
		fetch->fetcher->curl->lib.easy_getinfo(fetch->curl->link.easy, CURLINFO_RETRY_AFTER, &wait_s);
	ccp_fetch_failed(fetch, verdict, wait_s > 0 && wait_s < 86400 ? (unsigned)wait_s : 0, &err);
}

/* Follows a redirect, if there is one that may be followed. Returns whether the answer was one. */
static bool redirect(struct ccp_fetch *fetch)
{
	struct ccp_curl_try *try = fetch->curl;
	char old_scheme[16], new_scheme[16], *location = NULL, *from = NULL;

	if (try->link.answer.code < 300 || try->link.answer.code > 399)
		return false;
	fetch->fetcher->curl->lib.easy_getinfo(try->link.easy, CURLINFO_REDIRECT_URL, &location);
	if (location == NULL)
		return false;
	fetch->fetcher->curl->lib.easy_getinfo(try->link.easy, CURLINFO_EFFECTIVE_URL, &from); /* s3: is http(s) */
	ccp_url_scheme(from != NULL ? from : "https", old_scheme);
	ccp_url_scheme(location, new_scheme);
	if (strcmp(new_scheme, "https") != 0 && strcmp(new_scheme, "http") != 0) {
		fail(fetch, CCP_FETCH_NEVER, "refused a redirect to another protocol");
	} else if (strcmp(old_scheme, "https") == 0 && strcmp(new_scheme, "https") != 0) {
		fail(fetch, CCP_FETCH_NEVER, "refused a redirect from https to http");
	} else if (++try->redirects > REDIRECTS) {
		fail(fetch, CCP_FETCH_NEVER, "more than 10 redirects");
	} else {
		location = ccp_url_redirected(try->location != NULL ? try->location : fetch->url, location);
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

bool ccp_answer_passes(long code)
{
	return code == 408 || code == 429 || (code >= 500 && code != 501 && code != 505);
}

static void fail_by_status(struct ccp_fetch *fetch)
{
	const struct ccp_answer *answer = &fetch->curl->link.answer;
	char why[80];

	if (fetch->written > 0 && answer->code < 300)
		snprintf(why, sizeof why, "the server did not go on where it was cut (HTTP %ld)", answer->code);
	else
		snprintf(why, sizeof why, "HTTP %ld%s%s", answer->code, answer->reason[0] != '\0' ? " " : "",
			 answer->reason);
	fail(fetch, ccp_answer_passes(answer->code) ? CCP_FETCH_AGAIN : CCP_FETCH_NEVER, why);
}

static void fail_by_result(struct ccp_fetch *fetch, CURLcode result)
{
	const struct ccp_curl_try *try = fetch->curl;
	const struct ccp_curl_lib *lib = &fetch->fetcher->curl->lib;
	struct ccp_curl_failure failure = {
		.result = result,
		.own = try->link.why[0] != '\0' ? try->link.why : lib->easy_strerror(result),
		.connect_s = fetch->fetcher->options.connect_s,
	};
	enum ccp_fetch_verdict verdict;
	char why[220];

	if (!try->http && ccp_file_failed(fetch, result, &verdict, why, sizeof why)) {
		fail(fetch, verdict, why);
		return;
	}
	switch (result) {
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (fetch->connected) /* a reply without a status line, which may be the rest of the one before it */
			fail(fetch, CCP_FETCH_AGAIN, "the answer is not HTTP");
		else
			fail(fetch, CCP_FETCH_NEVER, "libcurl here does not know this protocol");
		return;
	case CURLE_OPERATION_TIMEDOUT:
		if (!fetch->connected)
			break;
		fail(fetch, CCP_FETCH_AGAIN, "timed out");
		return;
	case CURLE_REMOTE_FILE_NOT_FOUND:
		fail(fetch, CCP_FETCH_NEVER, "no such file there");
		return;
	case CURLE_LOGIN_DENIED:
	case CURLE_REMOTE_ACCESS_DENIED:
		fail(fetch, CCP_FETCH_NEVER, "access denied");
		return;
	default:
		break;
	}
	lib->easy_getinfo(try->link.easy, CURLINFO_OS_ERRNO, &failure.sys);
	if (try->link.sys != 0)
		failure.sys = try->link.sys;
	fail(fetch, ccp_curl_words(&failure, why, sizeof why) ? CCP_FETCH_AGAIN : CCP_FETCH_NEVER, why);
}

/*
 * Whether there is nothing after what has been read: asked for the rest, the server says where the end is. It asked
 * If-Range first; it may leave the validator out.
 */
static bool is_all(const struct ccp_fetch *fetch)
{
	const struct ccp_answer *answer = &fetch->curl->link.answer;

	return answer->code == 416 && fetch->written > 0 && answer->total == fetch->written &&
	       (!fetch->info.sized || fetch->info.size == answer->total) &&
	       ((answer->etag[0] == '\0' && fetch->curl->validator[0] == '"') ||
		ccp_answer_is_same(answer, fetch->curl->validator));
}

void ccp_answer_end(struct ccp_fetch *fetch, CURLcode result)
{
	struct ccp_curl_try *try = fetch->curl;

	if (fetch->gone) {
		fail(fetch, CCP_FETCH_NEVER, "nobody reads it");
		return;
	}
	if (try->accepted && (try->handed || fetch->written == try->to)) { /* parts go on, or all is there */
		ccp_link_close(&try->link);
		ccp_ranges_turn(fetch);
		return;
	}
	if (try->http && is_all(fetch)) {
		ccp_fetch_done(fetch);
		return;
	}
	if (try->http && try->link.answer.code > 0 && !try->accepted && redirect(fetch))
		return;
	if (!try->accepted && (result == CURLE_OK || try->link.answer.code > 0)) /* without a body nobody has looked */
		ccp_answer_begin(fetch);
	if (try->http && try->link.answer.code > 0 && !try->accepted)
		fail_by_status(fetch);
	else if (try->changed)
		ccp_file_changed(fetch);
	else if (result != CURLE_OK)
		fail_by_result(fetch, result);
	else if (fetch->info.sized && fetch->written < fetch->info.size)
		fail(fetch, CCP_FETCH_AGAIN, "the connection was closed");
	else if (!try->http && !ccp_file_is_proved(fetch))
		ccp_curl_restart(fetch);
	else
		ccp_fetch_done(fetch);
}

#endif
