/*
 * fold/lines.c: the fold lines: it looks at nothing. The collector wants the bytes themselves, whole lines of which it
 * gives to programs.
 */
#include "pipeline/fold.h"

extern const struct ccp_fold_ops ccp_fold_lines;

#define CHUNK_BYTES ((size_t)1 << 20)

static int lines_need(const void *options, struct ccp_fold_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	*need = (struct ccp_fold_need){ .chunk_bytes = CHUNK_BYTES };
	return 0;
}

static int lines_open(void **state, const void *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*state = NULL;
	return 0;
}

static int lines_map(void *state, struct ccp_part *part, struct ccp_err *err)
{
	(void)state, (void)err;
	part->used = part->len;
	return 0;
}

static void lines_close(void *state)
{
	(void)state;
}

const struct ccp_fold_ops ccp_fold_lines = {
	.name = "lines",
	.help = "take what was decoded as it is",
	.need = lines_need,
	.open = lines_open,
	.map = lines_map,
	.close = lines_close,
};
