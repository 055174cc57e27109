/* curl_words.c: a table of libcurl's results, those that transfers in both directions have; see curl_words.h. */
#include "pipeline/net/curl_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef CCP_HAVE_CURL

/* Words that begin with a capital do not in the middle of a line, names like SSL do. */
static void lower(const char *before, const char *words, char *text, size_t room)
{
	size_t at = strlen(before);

	snprintf(text, room, "%s%s", before, words);
	if (isupper((unsigned char)words[0]) && islower((unsigned char)words[1]) && at < room)
		text[at] = (char)tolower((unsigned char)text[at]);
}

static void no_connection(long sys, char *text, size_t room)
{
	const char *words = strerrordesc_np((int)sys);

	if (sys == EINPROGRESS || sys == EAGAIN || sys == 0)
		snprintf(text, room, "no connection");
	else
		lower("", words != NULL ? words : "unknown error", text, room);
}

bool ccp_curl_words(const struct ccp_curl_failure *failure, char *text, size_t room)
{
	switch (failure->result) {
	case CURLE_COULDNT_RESOLVE_HOST:
		snprintf(text, room, "host not found");
		return true;
	case CURLE_COULDNT_RESOLVE_PROXY:
		snprintf(text, room, "proxy not found");
		return true;
	case CURLE_COULDNT_CONNECT:
		no_connection(failure->sys, text, room);
		return true;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(text, room, "no connection within %u s", failure->connect_s);
		return true;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		snprintf(text, room, "the connection was closed");
		return true;
	case CURLE_GOT_NOTHING:
		snprintf(text, room, "the server answered nothing");
		return true;
	case CURLE_URL_MALFORMAT:
		snprintf(text, room, "malformed URL");
		return false;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		lower("TLS: ", failure->own, text, room);
		return false;
	default:
		lower("", failure->own, text, room);
		return false;
	}
}

#endif
