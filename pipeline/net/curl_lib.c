/* curl_lib.c: dlopen, and a table of the names that are looked up; see curl_lib.h. */
#include "pipeline/net/curl_lib.h"

#ifdef CCP_HAVE_CURL

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define OLDEST 0x075500 /* 7.85.0 has CURLOPT_PROTOCOLS_STR */

#define CALL(name) { "curl_" #name, offsetof(struct ccp_curl_lib, name) }

static const struct {
	const char *name;
	size_t at;
} calls[] = {
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

static void *open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *library = NULL;

	for (size_t i = 0; i < sizeof names / sizeof names[0] && library == NULL; i++)
		library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	return library;
}

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
	void *library = open_library();

	if (library == NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl is not installed");
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		void *call = dlsym(library, calls[i].name);

		if (call == NULL)
			return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl has no %s", calls[i].name);
		memcpy((char *)lib + calls[i].at, &call, sizeof call);
	}
	if (lib->version_info(CURLVERSION_NOW)->version_num < OLDEST)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl is older than 7.85");
	return start(lib, err);
}

#endif
