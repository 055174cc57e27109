/* write/null.c: discards everything, for commands that only read (test, list) and for measuring. */
#include "pipeline/sink.h"

extern const struct ccp_sink_ops ccp_sink_null;

static int null_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	(void)options;
	(void)err;
	*sink = NULL;
	return 0;
}

static int null_check(const struct ccp_sink_options *options, const struct ccp_input *input, struct ccp_err *err)
{
	(void)options;
	(void)input;
	(void)err;
	return 0;
}

static int null_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)err;
	input->sink_state = NULL;
	return 0;
}

static int null_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static int null_take(struct ccp_sink *sink, struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)part;
	(void)err;
	return 0;
}

static int null_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void null_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	(void)input;
}

static int null_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)sink;
	(void)failed;
	(void)err;
	return 0;
}

const struct ccp_sink_ops ccp_sink_null = {
	.name = "null",
	.help = "nowhere",
	.create = null_create,
	.check = null_check,
	.open = null_open,
	.write = null_write,
	.take = null_take,
	.commit = null_commit,
	.abort = null_abort,
	.destroy = null_destroy,
};
