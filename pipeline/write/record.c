/*
 * write/record.c: what comes of an input is kept with it, for the report: results that are a few bytes, like digests.
 */
#include <string.h>

#include "pipeline/sink.h"

extern const struct ccp_sink_ops ccp_sink_record;

static int record_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	(void)options;
	(void)err;
	*sink = NULL;
	return 0;
}

static int record_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)err;
	input->sink_state = NULL;
	input->record_len = 0;
	return 0;
}

static int record_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
			struct ccp_err *err)
{
	(void)sink;
	if (len > sizeof input->record - input->record_len)
		return ccp_err_set(err, CCP_E_OTHER, "a result of more than %zu bytes", sizeof input->record);
	memcpy(input->record + input->record_len, data, len);
	input->record_len += len;
	return 0;
}

static int record_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void record_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	input->record_len = 0;
}

static int record_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)sink;
	(void)failed;
	(void)err;
	return 0;
}

const struct ccp_sink_ops ccp_sink_record = {
	.name = "record",
	.help = "the report: results of a few bytes for each input",
	.create = record_create,
	.open = record_open,
	.write = record_write,
	.commit = record_commit,
	.abort = record_abort,
	.destroy = record_destroy,
};
