/*
 * curl_words.h: why there was no answer, in the words of a line.
 */
#ifndef CCP_PIPELINE_NET_CURL_WORDS_H
#define CCP_PIPELINE_NET_CURL_WORDS_H

#ifdef CCP_HAVE_CURL

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

/* What is known of a try that libcurl gave up. */
struct ccp_curl_failure {
	CURLcode result;
	const char *own;    /* libcurl's own words */
	long sys;           /* errno of what failed to connect (CURLINFO_OS_ERRNO); 0 = none */
	unsigned connect_s; /* how long it was tried to connect, at most */
};

/*
 * Puts it into words, without a capital at the beginning. Returns whether there may be an answer the next time.
 * Shape: `text` has room for `room`; what is longer is cut. Threads: any.
 */
bool ccp_curl_words(const struct ccp_curl_failure *failure, char *text, size_t room);

#endif
#endif
