/* curl_lib.c: the table of the names that are looked up; see curl_lib.h. */
#include "pipeline/net/curl_lib.h"

#ifdef CCP_HAVE_CURL

#include <pthread.h>

#include "pipeline/library.h"

#define OLDEST 0x075500 /* 7.85.0 has CURLOPT_PROTOCOLS_STR */

#define CALL(name) { "curl_" #name, offsetof(struct ccp_curl_lib, name) }

static const struct ccp_library_call calls[] = {
	CALL(global_init),
	CALL(version_info),
	CALL(slist_append),
	CALL(slist_free_all),
	CALL(easy_init),
	CALL(easy_setopt),
	CALL(easy_getinfo),
	CALL(easy_perform),
	CALL(easy_reset),
	CALL(easy_pause),
	CALL(easy_strerror),
	CALL(easy_cleanup),
	CALL(multi_init),
	CALL(multi_setopt),
	CALL(multi_add_handle),
	CALL(multi_remove_handle),
	CALL(multi_socket_action),
	CALL(multi_info_read),
	CALL(multi_cleanup),
};

/*
 * curl counts how often it was started, but not every build of it may be started by two threads at once. The lock is
 * the process's, as what it guards.
 */
static int start(const struct ccp_curl_lib *lib, struct ccp_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	CURLcode result;

	pthread_mutex_lock(&lock);
	result = lib->global_init(CURL_GLOBAL_DEFAULT);
	pthread_mutex_unlock(&lock);
	return result == CURLE_OK ? 0 : ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl cannot be started");
}

int ccp_curl_load(struct ccp_curl_lib *lib, struct ccp_err *err)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
	void *library = ccp_library_open(names);
	const char *missing;

	if (library == NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl is not installed");
	missing = ccp_library_find(library, calls, sizeof calls / sizeof calls[0], lib);
	if (missing != NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl has no %s", missing);
	if (lib->version_info(CURLVERSION_NOW)->version_num < OLDEST)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl is older than 7.85");
	return start(lib, err);
}

#endif
