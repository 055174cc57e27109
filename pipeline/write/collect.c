/*
 * write/collect.c: a collector of the command takes what a fold has found (fold.h), of all inputs in order.
 */
#include <stdlib.h>

#include "pipeline/fold.h"
#include "pipeline/sink.h"

extern const struct ccp_sink_ops ccp_sink_collect;

/* Set before the run. */
struct ccp_sink {
	const struct ccp_collector *collector;
};

static int collect_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	struct ccp_sink *made;

	if (options->collector == NULL)
		return ccp_err_set(err, CCP_E_OTHER, "nobody is there to take what was found");
	made = malloc(sizeof *made);
	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->collector = options->collector;
	*sink = made;
	return 0;
}

static int collect_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	input->sink_state = NULL;
	return sink->collector->begin(sink->collector->arg, input, err);
}

/* There is a fold, so that nothing is written. */
static int collect_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len,
			 struct ccp_err *err)
{
	(void)sink, (void)input, (void)data, (void)len;
	return ccp_err_set(err, CCP_E_OTHER, "there is no output");
}

static int collect_take(struct ccp_sink *sink, struct ccp_input *input, const struct ccp_part *part,
			struct ccp_err *err)
{
	return sink->collector->take(sink->collector->arg, input, part, err);
}

static int collect_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	return sink->collector->end(sink->collector->arg, input, false, err);
}

static void collect_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	struct ccp_err err; /* the input has one already */

	ccp_err_clear(&err);
	(void)sink->collector->end(sink->collector->arg, input, true, &err);
}

static int collect_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)failed, (void)err;
	free(sink);
	return 0;
}

const struct ccp_sink_ops ccp_sink_collect = {
	.name = "collect",
	.help = "the command itself: what was counted or found",
	.flags = CCP_SINK_SHARED,
	.create = collect_create,
	.open = collect_open,
	.write = collect_write,
	.take = collect_take,
	.commit = collect_commit,
	.abort = collect_abort,
	.destroy = collect_destroy,
};
