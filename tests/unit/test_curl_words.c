/* test_curl_words.c: why there was no answer, in words, and whether it is worth another try. */
#include <criterion/criterion.h>

#include "pipeline/net/curl_words.h"

#ifdef CCP_HAVE_CURL

#include <errno.h>

static void expect(CURLcode result, long sys, const char *own, bool again, const char *words)
{
	const struct ccp_curl_failure failure = { .result = result, .own = own, .sys = sys, .connect_s = 7 };
	char text[CURL_ERROR_SIZE];

	cr_expect_eq(ccp_curl_words(&failure, text, sizeof text), again, "%s", words);
	cr_expect_str_eq(text, words);
}

Test(curl_words, one_of_each_kind)
{
	expect(CURLE_COULDNT_RESOLVE_HOST, 0, "Could not resolve host: x", true, "host not found");
	expect(CURLE_COULDNT_CONNECT, 0, "Failed", true, "no connection");
	expect(CURLE_COULDNT_CONNECT, EINPROGRESS, "Failed", true, "no connection");
	expect(CURLE_COULDNT_CONNECT, ECONNREFUSED, "Failed", true, "connection refused");
	expect(CURLE_COULDNT_CONNECT, 99999, "Failed", true, "unknown error");
	expect(CURLE_OPERATION_TIMEDOUT, 0, "Timeout", true, "no connection within 7 s");
	expect(CURLE_SEND_ERROR, EPIPE, "Send failure", true, "the connection was closed");
	expect(CURLE_URL_MALFORMAT, 0, "URL using bad/illegal format", false, "malformed URL");
	expect(CURLE_SSL_CONNECT_ERROR, 0, "Self-signed certificate", false, "TLS: self-signed certificate");
	expect(CURLE_SSL_CONNECT_ERROR, 0, "SSL: no alternative", false, "TLS: SSL: no alternative");
	expect(CURLE_WRITE_ERROR, 0, "Failed writing", false, "failed writing");
	expect(CURLE_WRITE_ERROR, 0, "", false, "");
}

Test(curl_words, what_is_too_long_is_cut)
{
	const struct ccp_curl_failure failure = { .result = CURLE_SSL_CONNECT_ERROR, .own = "Wrong" };
	char text[8] = "";

	ccp_curl_words(&failure, text, 5);
	cr_expect_str_eq(text, "TLS:");
	ccp_curl_words(&failure, text, 6);
	cr_expect_str_eq(text, "TLS: ");
	ccp_curl_words(&failure, text, 8);
	cr_expect_str_eq(text, "TLS: wr");
}

#endif
