/*
 * curl_lib.h: the calls of libcurl that are used, found when the first URL needs them.
 *
 * Not linked, but loaded: it brings some thirty libraries along, whose relocations every start of the program would pay
 * for, URL or not; and a libcrypto of its own, which is not to be mixed with the one that is linked for digests.
 */
#ifndef CCP_PIPELINE_NET_CURL_LIB_H
#define CCP_PIPELINE_NET_CURL_LIB_H

#include "pipeline/err.h"

#ifdef CCP_HAVE_CURL

#include <curl/curl.h>

/* Calls have libcurl's names without "curl_". */
struct ccp_curl_lib {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_version_info) *version_info;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_easy_init) *easy_init;
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_easy_pause) *easy_pause;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_multi_init) *multi_init;
	CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_socket_action) *multi_socket_action;
	__typeof__(curl_multi_info_read) *multi_info_read;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
};

/*
 * Loads the library and finds the calls. It stays loaded. Not before all processes that do not replace their program
 * are forked: libraries that it brings along may not be used on the other side of a fork.
 * Errors: -1 with CCP_E_UNSUPPORTED: it is not there, or too old. Threads: any.
 */
int ccp_curl_load(struct ccp_curl_lib *lib, struct ccp_err *err);

#endif
#endif
