/*
 * fetch_link.c: one request of libcurl: what is asked for, and how.
 *
 * Each has a handle of its own, so that nothing of the one before (a name, a password) stays in it; connections are the
 * multi handle's and are used again. HTTP/1.1, because streams that share a connection could not be paused one by one
 * without curl keeping what comes for them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pipeline/net/fetch_range.h"
#include "pipeline/net/s3.h"

#ifdef CCP_HAVE_CURL

#define BUFFER_BYTES 65536L
#define SMALL_BUFFER_BYTES 16384L /* with more than MANY transfers ahead */
#define MANY 512

/* Something has come. */
static void note(struct ccp_link *link)
{
	if (link->part != NULL)
		link->part->quiet_ns = ccp_fetch_now();
	else
		link->fetch->quiet_ns = ccp_fetch_now();
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct ccp_link *link = arg;

	note(link);
	if (link->fetch->curl->http)
		ccp_answer_line(&link->answer, line, one * len);
	else
		ccp_answer_reply(&link->answer, line, one * len);
	return one * len;
}

/* The connection stands, and the request goes out. */
static int on_connected(void *arg, char *address, char *local, int port, int local_port)
{
	struct ccp_link *link = arg;

	(void)address;
	(void)local;
	(void)port;
	(void)local_port;
	if (link->part != NULL)
		link->part->connected = true;
	else
		link->fetch->connected = true;
	note(link);
	return CURL_PREREQFUNC_OK;
}

/* curl would make the same socket, and not tell why there is none. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct ccp_link *link = arg;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		link->sys = errno;
	return fd;
}

#define SET(option, value) lib->easy_setopt(link->easy, option, value)

/* What makes the answer a part of the input, and none of another one. */
static void set_range(struct ccp_link *link, const struct ccp_curl_lib *lib, uint64_t from, uint64_t to,
		      const char *validator)
{
	char text[CCP_ETAG + 16];

	if (from == 0 && to == UINT64_MAX)
		return;
	if (to == UINT64_MAX)
		snprintf(text, sizeof text, "%llu-", (unsigned long long)from);
	else
		snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)from, (unsigned long long)to - 1);
	SET(CURLOPT_RANGE, text);
	snprintf(text, sizeof text, "If-Range: %s", validator);
	link->headers = lib->slist_append(link->headers, text);
}

/* libcurl would do the same, and not tell why. */
static int on_host_key(CURL *easy, const struct curl_khkey *known, const struct curl_khkey *found,
		       enum curl_khmatch match, void *arg)
{
	struct ccp_link *link = arg;

	(void)easy;
	(void)known;
	(void)found;
	link->host_key = (int)match;
	return match == CURLKHMATCH_OK ? CURLKHSTAT_FINE : CURLKHSTAT_REJECT;
}

/* sftp: a host must be known already; libcurl refuses all others if it is told where to look. */
static void set_known_hosts(struct ccp_link *link, const struct ccp_curl_lib *lib)
{
	const char *home = getenv("HOME");
	char path[4096];

	snprintf(path, sizeof path, "%s/.ssh/known_hosts", home != NULL ? home : "");
	SET(CURLOPT_SSH_KNOWNHOSTS, path);
	SET(CURLOPT_SSH_KEYFUNCTION, on_host_key);
	SET(CURLOPT_SSH_KEYDATA, (void *)link);
}

static void set_options(struct ccp_link *link, const struct ccp_curl_lib *lib, const char *url)
{
	const struct ccp_fetch_options *options = &link->fetch->fetcher->options;
	char scheme[16];

	ccp_url_scheme(url, scheme);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, scheme);
	SET(CURLOPT_PRIVATE, (void *)link);
	SET(CURLOPT_ERRORBUFFER, link->why);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "ccpipe");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_FILETIME, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, options->depth > MANY ? SMALL_BUFFER_BYTES : BUFFER_BYTES);
	SET(CURLOPT_CONNECTTIMEOUT, (long)options->connect_s);
	SET(CURLOPT_NETRC, options->netrc ? (long)CURL_NETRC_OPTIONAL : (long)CURL_NETRC_IGNORED);
	if (options->cacert != NULL) { /* these and no others: libcurl has a folder of its own beside them */
		SET(CURLOPT_CAINFO, options->cacert);
		SET(CURLOPT_CAPATH, (char *)NULL);
	}
	if (strncmp(scheme, "http", 4) != 0) /* a proxy may answer in HTTP: its page about an error is not the file */
		SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, link);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, link);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, link);
	if (strcmp(scheme, "sftp") == 0)
		set_known_hosts(link, lib);
}

int ccp_link_open(struct ccp_link *link, const char *url, uint64_t from, uint64_t to, const char *validator,
		  ccp_link_body *body)
{
	struct ccp_curl *curl = link->fetch->fetcher->curl;
	const struct ccp_curl_lib *lib = &curl->lib;
	char *plain = NULL;
	struct ccp_err err;

	link->skip = 0;
	link->sys = link->host_key = 0;
	link->why[0] = '\0';
	ccp_answer_clear(&link->answer);
	link->easy = lib->easy_init();
	if (link->easy == NULL)
		return -1;
	if (ccp_url_is_s3(url) && ccp_s3_url(&link->fetch->fetcher->options, url, &plain, &err) != 0)
		goto failed;
	set_options(link, lib, plain != NULL ? plain : url);
	if (link->fetch->curl->http)
		set_range(link, lib, from, to, validator);
	else
		ccp_file_place(link, lib, from);
	if (plain != NULL && ccp_s3_sign(lib, link->easy, &link->fetch->fetcher->options, &link->headers, &err) != 0)
		goto failed;
	free(plain);
	SET(CURLOPT_WRITEFUNCTION, body);
	SET(CURLOPT_WRITEDATA, link);
	if (link->headers != NULL)
		SET(CURLOPT_HTTPHEADER, link->headers);
	if (lib->multi_add_handle(curl->multi, link->easy) == CURLM_OK)
		return 0;
	ccp_link_close(link);
	return -1;
failed:
	free(plain);
	ccp_link_close(link);
	snprintf(link->why, sizeof link->why, "%.*s", (int)sizeof link->why - 1, err.text);
	return -1;
}

void ccp_link_close(struct ccp_link *link)
{
	struct ccp_curl *curl = link->fetch->fetcher->curl;

	if (link->easy == NULL)
		return;
	curl->lib.multi_remove_handle(curl->multi, link->easy);
	curl->lib.easy_cleanup(link->easy);
	curl->lib.slist_free_all(link->headers);
	link->easy = NULL;
	link->headers = NULL;
}

#endif
