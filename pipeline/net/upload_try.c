/*
 * upload_try.c: one try of a request, by libcurl's easy interface, in the caller's thread.
 *
 * Redirects are followed here, hop by hop (upload_hop.c), so that the rules hold for each: the method stays (307, 308;
 * any of them for HEAD), never from https to http, at most ten, and never for S3, whose signature is for one server.
 *
 * Source: RFC 9110, section 15.4 (redirects).
 */
#include "pipeline/net/upload_internal.h"

#ifdef CCP_HAVE_CURL

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/net/curl_words.h"
#include "pipeline/net/s3.h"
#include "pipeline/net/url.h"

#define REDIRECTS 10

/* There is no answer: why, and whether there may be one the next time. */
static enum ccp_tried failed(struct ccp_hop *hop, CURLcode result, struct ccp_err *err)
{
	struct ccp_curl_failure failure = {
		.result = result,
		.own = hop->why[0] != '\0' ? hop->why : hop->lib->easy_strerror(result),
		.connect_s = hop->call->uploader->net.connect_s,
	};
	char text[CURL_ERROR_SIZE + 8];
	bool again;

	if (ccp_err_is_error(&hop->read_err)) {
		*err = hop->read_err;
		return CCP_TRIED_NEVER;
	}
	if (ccp_call_is_cancelled(hop->call)) {
		ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		return CCP_TRIED_NEVER;
	}
	hop->call->doubtful |= hop->connected && (hop->sent == hop->call->len);
	if (result == CURLE_ABORTED_BY_CALLBACK) {
		ccp_err_set(err, CCP_E_OTHER, "stalled: no byte for %u s", ccp_hop_patience_s(hop));
		return CCP_TRIED_AGAIN;
	}
	hop->lib->easy_getinfo(hop->easy, CURLINFO_OS_ERRNO, &failure.sys);
	again = ccp_curl_words(&failure, text, sizeof text);
	ccp_err_set(err, CCP_E_OTHER, "%s", text);
	return again ? CCP_TRIED_AGAIN : CCP_TRIED_NEVER;
}

/* Where the answer leads: 1 with `location`, given; 0: nowhere. Errors: -1 with `err`. */
static int next_hop(struct ccp_hop *hop, const char *from, char **location, struct ccp_err *err)
{
	const struct ccp_call *call = hop->call;
	long code = call->answer.code;
	char old_scheme[16], new_scheme[16], *to = NULL;
	bool keeps_method = code == 307 || code == 308 || strcmp(call->method, "HEAD") == 0;

	if (code < 300 || code > 399 || !keeps_method || ccp_url_is_s3(call->url))
		return 0;
	hop->lib->easy_getinfo(hop->easy, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL)
		return 0;
	ccp_url_scheme(from, old_scheme);
	ccp_url_scheme(to, new_scheme);
	if (strcmp(new_scheme, "https") != 0 && strcmp(new_scheme, "http") != 0)
		return ccp_err_set(err, CCP_E_OTHER, "refused a redirect to another protocol");
	if (strcmp(old_scheme, "https") == 0 && strcmp(new_scheme, "https") != 0)
		return ccp_err_set(err, CCP_E_OTHER, "refused a redirect from https to http");
	*location = ccp_url_redirected(from, to);
	return *location != NULL ? 1 : ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
}

/* The URL of the first hop, with the query. Memory: given. */
static char *first_url(const struct ccp_call *call, struct ccp_err *err)
{
	char *plain = NULL, *whole;

	if (ccp_url_is_s3(call->url) && ccp_s3_url(&call->uploader->net, call->url, &plain, err) != 0)
		return NULL;
	if (asprintf(&whole, "%s%s%s", plain != NULL ? plain : call->url, call->query[0] != '\0' ? "?" : "",
		     call->query) < 0) {
		whole = NULL;
		ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	free(plain);
	return whole;
}

/*
 * Whether there is an answer all the same: a refusal that came while the body was still being sent, or a word that all
 * went well, whose own body was cut: nobody reads that of a PUT.
 */
static bool is_answered(const struct ccp_hop *hop, CURLcode result)
{
	const struct ccp_call *call = hop->call;
	bool cut = result == CURLE_RECV_ERROR || result == CURLE_PARTIAL_FILE;

	if (call->answer.code >= 300)
		return result == CURLE_SEND_ERROR;
	return call->answer.code >= 200 && cut && hop->sent == call->len && strcmp(call->method, "PUT") == 0;
}

/* ---- a try ------------------------------------------------------------------------------------------------------- */

static enum ccp_tried try_hop(struct ccp_hop *hop, const char *url, char **location, struct ccp_err *err)
{
	enum ccp_tried tried = CCP_TRIED_NEVER;
	CURLcode result;

	if (ccp_hop_begin(hop, url, err) != 0)
		goto out;
	result = hop->lib->easy_perform(hop->easy);
	if (result != CURLE_OK && !is_answered(hop, result))
		tried = failed(hop, result, err);
	else if (next_hop(hop, url, location, err) >= 0)
		tried = CCP_TRIED;
out:
	hop->lib->slist_free_all(hop->headers);
	hop->headers = NULL;
	return tried;
}

enum ccp_tried ccp_call_try(struct ccp_call *call, unsigned *wait_s, struct ccp_err *err)
{
	CURL *easy = ccp_uploader_take_handle(call->uploader, err);
	struct ccp_hop hop = { .call = call, .lib = &call->uploader->lib, .easy = easy };
	char *url = hop.easy != NULL ? first_url(call, err) : NULL, *location;
	enum ccp_tried tried = CCP_TRIED_NEVER;
	curl_off_t asked_s = 0;

	for (unsigned hops = 0; url != NULL; hops++) {
		location = NULL;
		if (hops > REDIRECTS) {
			ccp_err_set(err, CCP_E_OTHER, "more than 10 redirects");
			tried = CCP_TRIED_NEVER;
		} else {
			tried = try_hop(&hop, url, &location, err);
		}
		free(url);
		url = location;
		if (location != NULL)
			hop.lib->easy_reset(hop.easy);
	}
	if (hop.easy != NULL) {
		hop.lib->easy_getinfo(hop.easy, CURLINFO_RETRY_AFTER, &asked_s);
		ccp_uploader_give_handle(call->uploader, hop.easy);
	}
	*wait_s = asked_s > 0 && asked_s < 86400 ? (unsigned)asked_s : 0;
	return tried;
}

#endif
