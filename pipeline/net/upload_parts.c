/*
 * upload_parts.c: an object of S3 in parts.
 *
 * A part is a piece of the spool. Each goes in a thread of its own, which makes one request and ends; when all places
 * are taken the writer waits for the one that ends first, so that what is kept on disk stays bounded as well: the file
 * gives back the place of what has been sent. The server has no object until it is told the list of all parts. If that
 * does not come about it is told to forget them, whatever has happened; it would keep them, and their price, for ever.
 *
 * Source: Amazon S3 API Reference, CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload;
 * limits: 10,000 parts of at most 5 GiB, 5 TiB in all.
 */
#include "pipeline/net/upload_internal.h"

#ifdef CCP_HAVE_CURL

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/net/url.h"
#include "pipeline/thread.h"

#define PARTS_MOST 10000
#define PARTS_OF_A_SIZE 1000
#define LIST_MEMORY 65536

struct part {
	pthread_t thread;
	struct ccp_upload *upload;
	bool taken;              /* has a thread that was not joined; the writer's */
	bool done;               /* guarded by lock */
	unsigned number;         /* from 0 */
	uint64_t at, len;
};

struct ccp_parts {
	char *id;                /* as it stands in queries */
	bool complete;
	unsigned count;          /* parts that were begun; the writer's */
	uint64_t given;          /* bytes of them */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* guarded by lock */
	char (*etag)[CCP_ETAG];
	unsigned room;
	struct ccp_err err;      /* of the first that failed */
	struct part part[CCP_UPLOAD_PARTS];
};

static uint64_t part_bytes(unsigned number)
{
	return CCP_UPLOAD_PART << number / PARTS_OF_A_SIZE;
}

static struct ccp_call call_for(const struct ccp_upload *upload, const char *method, const char *query)
{
	return (struct ccp_call){ .uploader = upload->uploader, .method = method, .query = query,
				  .url = upload->url, .shown = upload->shown };
}

/* ---- one part ---------------------------------------------------------------------------------------------------- */

static int send_part(const struct part *part, char *etag, struct ccp_err *err)
{
	const struct ccp_upload *upload = part->upload;
	struct ccp_call call;
	char *query;
	int result = -1;

	if (asprintf(&query, "partNumber=%u&uploadId=%s", part->number + 1, upload->parts->id) < 0)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	call = call_for(upload, "PUT", query);
	call.body = &upload->spool;
	call.at = part->at;
	call.len = part->len;
	if (ccp_call_make(&call, err) == 0) {
		if (call.answer.code != 200)
			ccp_call_refused(&call, err);
		else if (call.answer.etag[0] == '\0' || strpbrk(call.answer.etag, "<&") != NULL)
			ccp_err_set(err, CCP_E_OTHER, "%s: the server names no ETag for a part", upload->shown);
		else
			result = 0;
	}
	strcpy(etag, call.answer.etag);
	free(query);
	return result;
}

static void *run_part(void *arg)
{
	struct part *part = arg;
	struct ccp_parts *parts = part->upload->parts;
	char etag[CCP_ETAG];
	struct ccp_err err;
	int result;

	ccp_err_clear(&err);
	result = send_part(part, etag, &err);
	ccp_upload_forget(&part->upload->spool, part->at, part->len);
	pthread_mutex_lock(&parts->lock);
	if (result == 0)
		strcpy(parts->etag[part->number], etag);
	else if (!ccp_err_is_error(&parts->err))
		parts->err = err;
	part->done = true;
	pthread_cond_signal(&parts->changed);
	pthread_mutex_unlock(&parts->lock);
	return NULL;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

/* A place that no thread has any more, or NULL. */
static struct part *find_place_locked(struct ccp_parts *parts)
{
	for (unsigned i = 0; i < CCP_UPLOAD_PARTS; i++)
		if (!parts->part[i].taken || parts->part[i].done)
			return &parts->part[i];
	return NULL;
}

static void join(struct part *part)
{
	if (part->taken)
		pthread_join(part->thread, NULL);
	part->taken = false;
}

static int make_room_locked(struct ccp_parts *parts, struct ccp_err *err)
{
	unsigned room = parts->room > 0 ? 2 * parts->room : 64;
	char (*more)[CCP_ETAG];

	if (parts->count < parts->room)
		return 0;
	more = reallocarray(parts->etag, room, sizeof *more);
	if (more == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	parts->etag = more;
	parts->room = room;
	return 0;
}

/* Gives a part to a thread, when there is a place. */
static int start_part(struct ccp_upload *upload, uint64_t len, struct ccp_err *err)
{
	struct ccp_parts *parts = upload->parts;
	struct part *part = NULL;
	int result = 0, failed;

	if (parts->count == PARTS_MOST)
		return ccp_err_set(err, CCP_E_OTHER, "%s: larger than S3 allows", upload->shown);
	pthread_mutex_lock(&parts->lock);
	while (parts->err.code == CCP_OK && (part = find_place_locked(parts)) == NULL)
		pthread_cond_wait(&parts->changed, &parts->lock);
	if (parts->err.code != CCP_OK) {
		*err = parts->err;
		result = -1;
	} else {
		result = make_room_locked(parts, err);
	}
	pthread_mutex_unlock(&parts->lock);
	if (result != 0)
		return -1;
	join(part);
	*part = (struct part){ .upload = upload, .number = parts->count, .at = parts->given, .len = len };
	failed = ccp_thread_start(&part->thread, run_part, part);
	if (failed != 0)
		return ccp_err_sys(err, failed, "a thread to send a part");
	part->taken = true;
	parts->count++;
	parts->given += len;
	return 0;
}

/* All that were begun have ended. */
static int wait_for_all(struct ccp_parts *parts, struct ccp_err *err)
{
	for (unsigned i = 0; i < CCP_UPLOAD_PARTS; i++)
		join(&parts->part[i]);
	if (parts->err.code == CCP_OK)
		return 0;
	*err = parts->err;
	return -1;
}

/* Announces the object to the server, which gives it an id. */
static int begin(struct ccp_upload *upload, struct ccp_err *err)
{
	struct ccp_call call = call_for(upload, "POST", "uploads=");
	struct ccp_parts *parts;
	char id[1024];

	call.body = &upload->spool; /* none of it */
	if (ccp_call_make(&call, err) != 0)
		return -1;
	if (call.answer.code != 200)
		return ccp_call_refused(&call, err);
	if (!ccp_call_element(&call, "UploadId", id, sizeof id) || id[0] == '\0')
		return ccp_err_set(err, CCP_E_OTHER, "%s: the server gives no id for an upload in parts",
				   upload->shown);
	parts = calloc(1, sizeof *parts);
	if (parts == NULL || (parts->id = malloc(3 * strlen(id) + 1)) == NULL) {
		free(parts);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	ccp_url_encode(parts->id, id, CCP_URL_VALUE);
	ccp_err_clear(&parts->err);
	pthread_mutex_init(&parts->lock, NULL);
	pthread_cond_init(&parts->changed, NULL);
	upload->parts = parts;
	return 0;
}

int ccp_parts_send(struct ccp_upload *upload, bool last, struct ccp_err *err)
{
	struct ccp_parts *parts;

	if (upload->parts == NULL && begin(upload, err) != 0)
		return -1;
	parts = upload->parts;
	while (upload->spool.len - parts->given >= part_bytes(parts->count))
		if (start_part(upload, part_bytes(parts->count), err) != 0)
			return -1;
	if (!last)
		return 0;
	if (upload->spool.len > parts->given && start_part(upload, upload->spool.len - parts->given, err) != 0)
		return -1;
	return wait_for_all(parts, err);
}

static int write_list(const struct ccp_parts *parts, struct ccp_spool *list, struct ccp_err *err)
{
	static const char first[] = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
	static const char last[] = "</CompleteMultipartUpload>";
	char text[CCP_ETAG + 100];

	if (ccp_spool_write(list, first, sizeof first - 1, err) != 0)
		return -1;
	for (unsigned i = 0; i < parts->count; i++) {
		int len = snprintf(text, sizeof text, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
				   parts->etag[i]);

		if (ccp_spool_write(list, text, (size_t)len, err) != 0)
			return -1;
	}
	return ccp_spool_write(list, last, sizeof last - 1, err);
}

int ccp_parts_complete(struct ccp_upload *upload, struct ccp_err *err)
{
	struct ccp_parts *parts = upload->parts;
	struct ccp_spool list = { .fd = -1 };
	struct ccp_call call;
	char *query = NULL;
	int result = -1;

	if (ccp_spool_init(&list, LIST_MEMORY, err) != 0 || write_list(parts, &list, err) != 0)
		goto out;
	if (asprintf(&query, "uploadId=%s", parts->id) < 0) {
		query = NULL;
		ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
		goto out;
	}
	call = call_for(upload, "POST", query);
	call.body = &list;
	call.len = list.len;
	call.create_only = !upload->uploader->force;
	if (ccp_call_make(&call, err) != 0)
		goto out;
	parts->complete = call.answer.code == 200 && strstr(call.text, "<Error>") == NULL;
	result = parts->complete ? 0 : ccp_call_refused(&call, err);
out:
	free(query);
	ccp_spool_release(&list);
	return result;
}

static void forget(const struct ccp_upload *upload)
{
	struct ccp_call call;
	struct ccp_err err;
	char *query;

	if (asprintf(&query, "uploadId=%s", upload->parts->id) < 0)
		return;
	call = call_for(upload, "DELETE", query);
	call.last_words = true;
	(void)ccp_call_make(&call, &err);
	free(query);
}

void ccp_parts_free(struct ccp_upload *upload)
{
	struct ccp_parts *parts = upload->parts;
	struct ccp_err err;

	(void)wait_for_all(parts, &err);
	if (!parts->complete)
		forget(upload);
	pthread_cond_destroy(&parts->changed);
	pthread_mutex_destroy(&parts->lock);
	free(parts->etag);
	free(parts->id);
	free(parts);
	upload->parts = NULL;
}

#endif
