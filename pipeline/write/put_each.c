/*
 * write/put_each.c: one object of a server for every input, below a URL (--output-dir URL).
 *
 * The names are those that the file sink would give below a directory, and then encoded for http; keys of S3 are what
 * they are. An input's source is removed, if asked, when the server has said that its object stands. Uploads of
 * different inputs run beside each other, each in the thread that emits.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/claims.h"
#include "pipeline/commit.h"
#include "pipeline/net/upload.h"
#include "pipeline/net/url.h"
#include "pipeline/sink.h"
#include "pipeline/target.h"

extern const struct ccp_sink_ops ccp_sink_put_each;

#define URL_BYTES (3 * PATH_MAX)

/* Set before the run. */
struct ccp_sink {
	const struct ccp_sink_options *options;
	struct ccp_uploader *uploader;
	/* with -f and --rm: what this run has made, which another input of it must not replace; else NULL */
	struct ccp_keys *made;
};

static int put_each_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	const struct ccp_upload_options upload = {
		.net = options->net, .force = options->force, .cancelled = options->cancelled,
	};
	struct ccp_sink *made;

	if (ccp_upload_allowed(options->output_dir, err) != 0)
		return -1;
	made = calloc(1, sizeof *made);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->options = options;
	if ((options->force && options->remove_source && ccp_keys_new(&made->made, err) != 0) ||
	    ccp_uploader_new(&made->uploader, &upload, err) != 0) {
		ccp_keys_free(made->made);
		free(made);
		return -1;
	}
	*sink = made;
	return 0;
}

static int put_each_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	char target[PATH_MAX];

	return ccp_target_name(options, input, target, err);
}

/* The URL below the folder's. */
static int make_url(const struct ccp_sink_options *options, const struct ccp_input *input, char *url,
		    struct ccp_err *err)
{
	size_t folder = strlen(options->output_dir);
	char target[PATH_MAX];

	if (ccp_target_name(options, input, target, err) != 0)
		return -1;
	if (ccp_url_is_s3(target)) {
		strcpy(url, target);
	} else {
		memcpy(url, target, folder);
		ccp_url_encode(url + folder, target + folder, CCP_URL_PATH);
	}
	return 0;
}

static int put_each_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	char url[URL_BYTES];
	struct ccp_upload *upload;

	if (make_url(sink->options, input, url, err) != 0 ||
	    ccp_upload_open(sink->uploader, url, &upload, err) != 0)
		return -1;
	input->sink_state = upload;
	return 0;
}

static int put_each_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
			  struct ccp_err *err)
{
	(void)sink;
	return ccp_upload_write(input->sink_state, data, len, err);
}

static int put_each_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	struct ccp_upload *upload = input->sink_state;
	char target[PATH_MAX];

	input->sink_state = NULL;
	if (sink->made != NULL && ccp_target_name(sink->options, input, target, err) == 0 &&
	    ccp_commit_enter(sink->made, target, err) != 0) {
		ccp_upload_abort(upload);
		return -1;
	}
	if (ccp_upload_commit(upload, err) != 0)
		return -1;
	ccp_commit_remove_source(sink->options, input, err);
	return 0;
}

static void put_each_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	ccp_upload_abort(input->sink_state);
	input->sink_state = NULL;
}

static int put_each_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)failed;
	(void)err;
	ccp_uploader_free(sink->uploader);
	ccp_keys_free(sink->made);
	free(sink);
	return 0;
}

const struct ccp_sink_ops ccp_sink_put_each = {
	.name = "put_each",
	.help = "one object of a server for each input, below --output-dir URL",
	.create = put_each_create,
	.check = put_each_check,
	.key = ccp_target_key,
	.open = put_each_open,
	.write = put_each_write,
	.commit = put_each_commit,
	.abort = put_each_abort,
	.destroy = put_each_destroy,
};
