/*
 * upload.c: an object from its first byte to its name; see upload.h.
 *
 * Without force the server is asked (HEAD) before anything is kept, as a courtesy; what decides is If-None-Match, which
 * goes with the request that makes the object. Handles are kept with their connections and used again, so that small
 * objects do not pay for a connection each.
 */
#include "pipeline/net/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/net/upload_internal.h"
#include "pipeline/net/url.h"

int ccp_upload_allowed(const char *url, struct ccp_err *err)
{
	char scheme[16];

	ccp_url_scheme(url, scheme);
	if (ccp_url_kind(url) == CCP_URL_FILE)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "nothing is written to file://; name the path itself");
	if (ccp_url_kind(url) == CCP_URL_CURL && (strncmp(scheme, "http", 4) == 0 || ccp_url_is_s3(url)))
		return 0;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "nothing is written to %s: names; http, https and s3 can be",
			   scheme);
}

#ifdef CCP_HAVE_CURL

/* ---- handles ----------------------------------------------------------------------------------------------------- */

CURL *ccp_uploader_take_handle(struct ccp_uploader *uploader, struct ccp_err *err)
{
	CURL *easy = NULL;
	int result = 0;

	pthread_mutex_lock(&uploader->lock);
	if (!uploader->loaded)
		result = ccp_curl_load(&uploader->lib, err);
	uploader->loaded = result == 0;
	if (uploader->idle_count > 0)
		easy = uploader->idle[--uploader->idle_count];
	pthread_mutex_unlock(&uploader->lock);
	if (result == 0 && easy == NULL) {
		easy = uploader->lib.easy_init();
		if (easy == NULL)
			ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	return easy;
}

void ccp_uploader_give_handle(struct ccp_uploader *uploader, CURL *easy)
{
	uploader->lib.easy_reset(easy);
	pthread_mutex_lock(&uploader->lock);
	if (uploader->idle_count < CCP_UPLOAD_IDLE) {
		uploader->idle[uploader->idle_count++] = easy;
		easy = NULL;
	}
	pthread_mutex_unlock(&uploader->lock);
	if (easy != NULL)
		uploader->lib.easy_cleanup(easy);
}

int ccp_uploader_new(struct ccp_uploader **out, const struct ccp_upload_options *options, struct ccp_err *err)
{
	struct ccp_uploader *uploader = calloc(1, sizeof *uploader);
	struct ccp_fetch_options *net;

	if (uploader == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	net = &uploader->net;
	if (options->net != NULL)
		*net = *options->net;
	net->tries = net->tries > 0 ? net->tries : 1 + CCP_FETCH_RETRIES;
	net->connect_s = net->connect_s > 0 ? net->connect_s : CCP_FETCH_CONNECT_S;
	net->stall_s = net->stall_s > 0 ? net->stall_s : CCP_FETCH_STALL_S;
	uploader->force = options->force;
	uploader->cancelled = options->cancelled;
	pthread_mutex_init(&uploader->lock, NULL);
	*out = uploader;
	return 0;
}

void ccp_uploader_free(struct ccp_uploader *uploader)
{
	if (uploader == NULL)
		return;
	while (uploader->idle_count > 0)
		uploader->lib.easy_cleanup(uploader->idle[--uploader->idle_count]);
	pthread_mutex_destroy(&uploader->lock);
	free(uploader);
}

/* ---- an object --------------------------------------------------------------------------------------------------- */

/* For messages: without a password, on one line, and short enough that what happened stands behind it. */
static void show(const char *url, char *shown)
{
	char whole[4096];
	size_t len;

	ccp_url_show(url, whole, sizeof whole);
	len = strlen(whole);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)whole[i] < 0x20 || whole[i] == 0x7f)
			whole[i] = '_';
	if (len < CCP_UPLOAD_SHOWN)
		strcpy(shown, whole);
	else
		snprintf(shown, CCP_UPLOAD_SHOWN, "%.*s...%s", CCP_UPLOAD_SHOWN / 2, whole,
			 whole + len - CCP_UPLOAD_SHOWN / 3);
}

/* Whether there is an object of that name. Servers may not tell: then the request that makes it decides. */
static int ask(const struct ccp_upload *upload, struct ccp_err *err)
{
	struct ccp_call call = {
		.uploader = upload->uploader, .method = "HEAD", .query = "", .url = upload->url, .shown = upload->shown,
	};
	long code;

	if (ccp_call_make(&call, err) != 0)
		return -1;
	code = call.answer.code;
	if (code >= 200 && code <= 299)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", upload->shown);
	if (code == 404 || code == 410 || code == 403 || code == 405 || code == 501)
		return 0;
	return ccp_call_refused(&call, err);
}

int ccp_upload_open(struct ccp_uploader *uploader, const char *url, struct ccp_upload **out, struct ccp_err *err)
{
	struct ccp_upload *upload = calloc(1, sizeof *upload);

	if (upload == NULL || (upload->url = strdup(url)) == NULL) {
		free(upload);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	upload->uploader = uploader;
	upload->spool.fd = -1;
	show(url, upload->shown);
	if ((!uploader->force && ask(upload, err) != 0) ||
	    ccp_spool_init(&upload->spool, CCP_UPLOAD_MEMORY, err) != 0) {
		ccp_upload_abort(upload);
		return -1;
	}
	*out = upload;
	return 0;
}

int ccp_upload_write(struct ccp_upload *upload, const void *data, size_t len, struct ccp_err *err)
{
	if (ccp_spool_write(&upload->spool, data, len, err) != 0)
		return -1;
	if (!ccp_url_is_s3(upload->url) || upload->spool.len <= CCP_UPLOAD_PART)
		return 0;
	return ccp_parts_send(upload, false, err);
}

/* The object in one request. */
static int put(const struct ccp_upload *upload, struct ccp_err *err)
{
	struct ccp_call call = {
		.uploader = upload->uploader, .method = "PUT", .query = "", .url = upload->url, .shown = upload->shown,
		.create_only = !upload->uploader->force, .body = &upload->spool, .len = upload->spool.len,
	};

	if (ccp_call_make(&call, err) != 0)
		return -1;
	if (call.answer.code == 200 || call.answer.code == 201 || call.answer.code == 204)
		return 0;
	return ccp_call_refused(&call, err);
}

int ccp_upload_commit(struct ccp_upload *upload, struct ccp_err *err)
{
	int result;

	if (upload->parts == NULL)
		result = put(upload, err);
	else if (ccp_parts_send(upload, true, err) == 0)
		result = ccp_parts_complete(upload, err);
	else
		result = -1;
	ccp_upload_abort(upload);
	return result;
}

void ccp_upload_abort(struct ccp_upload *upload)
{
	if (upload == NULL)
		return;
	if (upload->parts != NULL)
		ccp_parts_free(upload);
	ccp_spool_release(&upload->spool);
	free(upload->url);
	free(upload);
}

#else

int ccp_uploader_new(struct ccp_uploader **uploader, const struct ccp_upload_options *options, struct ccp_err *err)
{
	(void)uploader;
	(void)options;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "uploads are not built: libcurl is missing");
}

void ccp_uploader_free(struct ccp_uploader *uploader)
{
	(void)uploader;
}

int ccp_upload_open(struct ccp_uploader *uploader, const char *url, struct ccp_upload **upload, struct ccp_err *err)
{
	(void)uploader;
	(void)url;
	(void)upload;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "uploads are not built: libcurl is missing");
}

int ccp_upload_write(struct ccp_upload *upload, const void *data, size_t len, struct ccp_err *err)
{
	(void)upload;
	(void)data;
	(void)len;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "uploads are not built: libcurl is missing");
}

int ccp_upload_commit(struct ccp_upload *upload, struct ccp_err *err)
{
	return ccp_upload_write(upload, NULL, 0, err);
}

void ccp_upload_abort(struct ccp_upload *upload)
{
	(void)upload;
}

#endif
