/*
 * write/put.c: one object of a server for all inputs (-o URL).
 *
 * The object is begun with the first byte, and not before, because libcurl is loaded then: processes have been forked
 * by that time. It is made at the very end, if the run went well.
 */
#include <errno.h>
#include <stdlib.h>

#include "pipeline/net/upload.h"
#include "pipeline/sink.h"

extern const struct ccp_sink_ops ccp_sink_put;

struct ccp_sink {
	const struct ccp_sink_options *options; /* set before the run */
	struct ccp_uploader *uploader;          /* set before the run */
	struct ccp_upload *upload;              /* owned by who writes; NULL before the first byte */
};

static int put_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	const struct ccp_upload_options upload = {
		.net = options->net, .force = options->force, .cancelled = options->cancelled,
	};
	struct ccp_sink *made;

	if (ccp_upload_allowed(options->output, err) != 0)
		return -1;
	made = calloc(1, sizeof *made);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->options = options;
	if (ccp_uploader_new(&made->uploader, &upload, err) != 0) {
		free(made);
		return -1;
	}
	*sink = made;
	return 0;
}

static int put_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	(void)options;
	(void)input;
	(void)err;
	return 0;
}

static int put_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)err;
	input->sink_state = NULL;
	return 0;
}

/* What goes wrong is the output's, and not this input's: told as a failed write is, once. */
static int of_output(struct ccp_err *err)
{
	if (err->code == CCP_E_OTHER || err->code == CCP_E_UNSUPPORTED) {
		err->code = CCP_E_SYS;
		err->sys = EREMOTEIO;
	}
	return -1;
}

static int put_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	(void)input;
	if (sink->upload == NULL &&
	    ccp_upload_open(sink->uploader, sink->options->output, &sink->upload, err) != 0)
		return of_output(err);
	return ccp_upload_write(sink->upload, data, len, err) == 0 ? 0 : of_output(err);
}

/* The source stays: when its last byte has come, the output does not stand yet. */
static int put_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void put_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	(void)input;
}

static int put_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	int result = 0;

	if (sink == NULL)
		return 0;
	if (failed)
		ccp_upload_abort(sink->upload);
	else if (sink->upload != NULL ||
		 ccp_upload_open(sink->uploader, sink->options->output, &sink->upload, err) == 0)
		result = ccp_upload_commit(sink->upload, err);
	else
		result = -1; /* nothing was ever written, and an object of nothing could not be made */
	ccp_uploader_free(sink->uploader);
	free(sink);
	return result;
}

const struct ccp_sink_ops ccp_sink_put = {
	.name = "put",
	.help = "one object of a server for all inputs (-o URL)",
	.flags = CCP_SINK_SHARED,
	.create = put_create,
	.check = put_check,
	.open = put_open,
	.write = put_write,
	.commit = put_commit,
	.abort = put_abort,
	.destroy = put_destroy,
};
