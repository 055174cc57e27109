/*
 * write/taker.c: somebody in this process takes the bytes of all inputs in order, an unpacker for one. It may keep the
 * caller waiting as a full pipe would.
 */
#include <stdlib.h>

#include "pipeline/sink.h"

extern const struct ccp_sink_ops ccp_sink_taker;

/* Set before the run. */
struct ccp_sink {
	struct ccp_taker taker;
};

static int taker_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct ccp_sink *made;

	if (options->taker.take == NULL)
		return ccp_err_set(err, CCP_E_OTHER, "nobody is there to take the output");
	made = malloc(sizeof *made);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->taker = options->taker;
	*sink = made;
	return 0;
}

static int taker_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)err;
	input->sink_state = NULL;
	return 0;
}

static int taker_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
		       struct ccp_err *err)
{
	return sink->taker.take(sink->taker.arg, input, data, len, err);
}

static int taker_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink;
	(void)input;
	(void)err;
	return 0;
}

static void taker_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	(void)input;
}

/* Whoever takes learns from the caller of the run how it ended. */
static int taker_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)failed;
	(void)err;
	free(sink);
	return 0;
}

const struct ccp_sink_ops ccp_sink_taker = {
	.name = "taker",
	.help = "the command itself: members of an archive",
	.flags = CCP_SINK_SHARED,
	.create = taker_create,
	.open = taker_open,
	.write = taker_write,
	.commit = taker_commit,
	.abort = taker_abort,
	.destroy = taker_destroy,
};
