/*
 * upload_call.c: a request over its tries.
 *
 * A try that fails for a reason that may pass is followed by another one, after a pause that doubles: half a second,
 * one, two and so on, at most half a minute, or what the server asked for. A try of which nobody knows whether the
 * server did what it was asked for (the connection was lost after the last byte) makes what follows doubtful: then "it
 * exists" may be about our own object.
 */
#include "pipeline/net/upload_internal.h"

#ifdef CCP_HAVE_CURL

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/net/url.h"

#define PAUSE_MS 500u
#define PAUSE_MOST_MS 30000u
#define ASKED_MOST_S 120 /* of what a server asks for */
#define LAST_TRIES 2     /* of what is said when the run is over: somebody waits for its end */
#define LOOK_MS 50       /* how often a pause looks whether the run is over */

bool ccp_call_is_cancelled(const struct ccp_call *call)
{
	return !call->last_words && call->uploader->cancelled != NULL && call->uploader->cancelled();
}

/* Returns false if the run is over meanwhile. */
static bool wait_for(const struct ccp_call *call, unsigned ms)
{
	struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };

	for (unsigned waited = 0; waited < ms && !ccp_call_is_cancelled(call); waited += LOOK_MS)
		nanosleep(&pause, NULL);
	return !ccp_call_is_cancelled(call);
}

/* Whether the server may answer something else the next time. */
static bool may_pass(const struct ccp_call *call)
{
	long code = call->answer.code;

	if (code == 409) /* S3: another request for the same object is under way */
		return call->create_only && ccp_url_is_s3(call->url);
	/* S3 may find out what is wrong only after it has begun an answer that was to be a good one */
	if (code == 200 && strcmp(call->method, "POST") == 0 && strstr(call->text, "<Error>") != NULL)
		return true;
	return code == 408 || code == 429 || (code >= 500 && code != 501 && code != 505);
}

/* Puts the URL before the words. */
static int name_it(const struct ccp_call *call, struct ccp_err *err)
{
	char text[CCP_ERR_TEXT];

	snprintf(text, sizeof text, "%s", err->text);
	snprintf(err->text, sizeof err->text, "%s: %.*s", call->shown,
		 (int)(sizeof err->text - 3 - strlen(call->shown)), text);
	return -1;
}

int ccp_call_make(struct ccp_call *call, struct ccp_err *err)
{
	unsigned most = call->uploader->net.tries, pause_ms = PAUSE_MS;

	if (call->last_words && most > LAST_TRIES)
		most = LAST_TRIES;
	for (unsigned tries = 1;; tries++) {
		unsigned wait_s;
		enum ccp_tried tried;

		ccp_err_clear(err);
		if (ccp_call_is_cancelled(call))
			return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		tried = ccp_call_try(call, &wait_s, err);
		if (tried == CCP_TRIED_NEVER || (tried == CCP_TRIED_AGAIN && tries >= most))
			return name_it(call, err);
		if (tried == CCP_TRIED) {
			long code = call->answer.code;

			if (!may_pass(call) || tries >= most)
				return 0;
			call->doubtful |= code == 200 || code == 500 || code == 502 || code == 504;
		}
		if (wait_s > 0 && !call->last_words)
			pause_ms = (wait_s < ASKED_MOST_S ? wait_s : ASKED_MOST_S) * 1000;
		if (!wait_for(call, pause_ms))
			return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		pause_ms = pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2 : PAUSE_MOST_MS;
	}
}

int ccp_call_refused(const struct ccp_call *call, struct ccp_err *err)
{
	const struct ccp_answer *answer = &call->answer;
	const char *also = "";
	char code[64] = "";

	if (call->doubtful && (answer->code == 412 || answer->code == 404))
		also = "; an earlier try of this upload may have been completed";
	else if (answer->code == 412 && call->create_only)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", call->shown);
	if (ccp_url_is_s3(call->url) && ccp_call_element(call, "Code", code, sizeof code - 4)) {
		memmove(code + 2, code, strlen(code) + 1);
		memcpy(code, " (", 2);
		strcat(code, ")");
	}
	return ccp_err_set(err, CCP_E_OTHER, "%s: HTTP %ld%s%s%s%s", call->shown, answer->code,
			   answer->reason[0] != '\0' ? " " : "", answer->reason, code, also);
}

bool ccp_call_element(const struct ccp_call *call, const char *name, char *value, size_t room)
{
	char tag[32];
	const char *at, *end;
	size_t len = 0;

	snprintf(tag, sizeof tag, "<%s>", name);
	at = strstr(call->text, tag);
	end = at != NULL ? strchr(at + strlen(tag), '<') : NULL;
	if (end == NULL)
		return false;
	for (at += strlen(tag); at < end && len + 1 < room; len++) {
		bool amp = strncmp(at, "&amp;", 5) == 0;

		value[len] = *at >= 0x20 && *at < 0x7f ? *at : '_';
		at += amp ? 5 : 1;
	}
	value[len] = '\0';
	return at == end;
}

#endif
