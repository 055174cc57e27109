/*
 * fetch_file.c: files of servers that speak ftp, ftps or sftp: what they answer, and how one is read on where it was
 * cut.
 *
 * No request of theirs has a condition, as If-Range is one. So a file's size and time are asked for before each try
 * and, if there was more than one, again after the last byte: all of them have to be those of the first try, which was
 * no earlier than a minute after the file's last change, so that each further change has another time. Then nothing
 * between the first byte and the last one has changed. A file whose server does not tell both is not read on.
 *
 * Source: RFC 959, section 4.2 (replies); RFC 3659, sections 3 (MDTM), 4 (SIZE) and 5 (REST).
 */
#include "pipeline/net/fetch_range.h"

#ifdef CCP_HAVE_CURL

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SETTLED_S 60 /* times have whole seconds, and clocks differ */
#define BAD_PASSWORD 430 /* of some servers, in place of 530: it will not become right */

/* ---- what it answers ----------------------------------------------------------------------------- */

void ccp_answer_reply(struct ccp_answer *answer, const char *line, size_t len)
{
	size_t used = 0;

	if (len < 4 || line[3] != ' ' || !isdigit((unsigned char)line[0]) || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]))
		return; /* a line between, or of a proxy that speaks HTTP */
	answer->reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	for (size_t i = 4; i < len && used + 1 < sizeof answer->reason; i++)
		if (isprint((unsigned char)line[i]))
			answer->reason[used++] = line[i];
	answer->reason[used] = '\0';
}

/* The reply, behind words of our own, if there are any. */
static void say_reply(const struct ccp_answer *answer, const char *words, char *why, size_t room)
{
	bool has_words = words[0] != '\0';

	snprintf(why, room, "%s%sFTP %ld%s%s%s", words, has_words ? " (" : "", answer->reply,
		 answer->reason[0] != '\0' ? " " : "", answer->reason, has_words ? ")" : "");
}

/* Whether the last reply says that it may do better another time, and nothing is known that says more. */
static bool is_transient(const struct ccp_answer *answer, CURLcode result)
{
	if (answer->reply < 400 || answer->reply > 499 || answer->reply == BAD_PASSWORD)
		return false;
	/* libcurl says that it timed out if the server does not want to wait for it any longer */
	return (result != CURLE_OPERATION_TIMEDOUT || answer->reply == 421) && result != CURLE_PARTIAL_FILE &&
	       result != CURLE_RECV_ERROR && result != CURLE_SEND_ERROR && result != CURLE_COULDNT_CONNECT;
}

static void say_host_key(const struct ccp_link *link, char *why, size_t room)
{
	snprintf(why, room, "%s",
		 link->host_key == CURLKHMATCH_MISMATCH ? "the host key is another one than in ~/.ssh/known_hosts" :
		 link->host_key == CURLKHMATCH_MISSING ? "the host key is not in ~/.ssh/known_hosts" :
							 "the host key cannot be verified");
}

bool ccp_file_failed(const struct ccp_fetch *fetch, CURLcode result, enum ccp_fetch_verdict *verdict, char *why,
		     size_t room)
{
	const struct ccp_curl_try *try = fetch->curl;
	const struct ccp_answer *answer = &try->link.answer;

	*verdict = CCP_FETCH_NEVER;
	if (is_transient(answer, result)) {
		*verdict = CCP_FETCH_AGAIN;
		say_reply(answer, "", why, room);
	} else if (result == CURLE_REMOTE_ACCESS_DENIED && answer->reply > 0) {
		say_reply(answer, "no such folder there, or none that may be entered", why, room);
	} else if (result == CURLE_PEER_FAILED_VERIFICATION && try->sftp) {
		say_host_key(&try->link, why, room);
	} else if (result == CURLE_BAD_DOWNLOAD_RESUME || result == CURLE_FTP_COULDNT_USE_REST) {
		snprintf(why, room, "the server did not go on where it was cut");
	} else if (try->sftp && ((result == CURLE_SSH && try->link.why[0] == '\0') || result == CURLE_FAILED_INIT)) {
		/* libcurl has no words for a connection that broke; one that is not accepted may be one too many */
		*verdict = CCP_FETCH_AGAIN;
		snprintf(why, room, "%s", result == CURLE_SSH ? "the connection was closed" :
								"no SSH session could be begun");
	} else {
		return false;
	}
	return true;
}

/* ---- going on ------------------------------------------------------------------------------------ */

void ccp_file_place(struct ccp_link *link, const struct ccp_curl_lib *lib, uint64_t from)
{
	if (link->fetch->curl->checking)
		lib->easy_setopt(link->easy, CURLOPT_NOBODY, 1L);
	else if (from > 0)
		lib->easy_setopt(link->easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)from);
}

bool ccp_file_is_settled(const struct ccp_fetch *fetch)
{
	/* ";type=a": lines may have other ends there, and places other numbers */
	return fetch->info.sized && fetch->info.has_mtime && fetch->info.mtime.tv_sec <= time(NULL) - SETTLED_S &&
	       strcasestr(fetch->url, ";type=a") == NULL;
}

bool ccp_file_is_same(struct ccp_fetch *fetch)
{
	const struct ccp_curl_lib *lib = &fetch->fetcher->curl->lib;
	struct ccp_curl_try *try = fetch->curl;
	curl_off_t time = -1, size = -1;
	uint64_t wanted = try->checking ? fetch->info.size : fetch->info.size - fetch->written;

	if (fetch->written == 0)
		return true;
	lib->easy_getinfo(try->link.easy, CURLINFO_FILETIME_T, &time);
	lib->easy_getinfo(try->link.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
	try->changed = time < 0 || (time_t)time != fetch->info.mtime.tv_sec || size < 0 || (uint64_t)size != wanted;
	return !try->changed;
}

bool ccp_file_is_proved(const struct ccp_fetch *fetch)
{
	return !fetch->curl->resumed || fetch->curl->checking;
}

void ccp_file_changed(struct ccp_fetch *fetch)
{
	const char *why = "its size or time is another now, or no longer told";
	struct ccp_err err;

	if (fetch->curl->checking)
		ccp_err_set(&err, CCP_E_OTHER, "changed while it was read: %s", why);
	else
		ccp_fetch_cut(fetch, why, &err);
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

#endif
