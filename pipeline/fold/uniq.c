/*
 * fold/uniq.c: the fold uniq: uniq_scan.c on the whole lines of every part, in as many calls as the note asks for. Each
 * call has a first and a last run of its own, which the collector puts together.
 */
#include "pipeline/fold/uniq.h"

#include <string.h>

#include "pipeline/fold.h"

extern const struct ccp_fold_ops ccp_fold_uniq;

#define CHUNK_BYTES ((size_t)1 << 20)

static int uniq_need(const void *arg, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_uniq_options *options = arg;

	(void)err;
	*need = (struct ccp_fold_need){ .chunk_bytes = CHUNK_BYTES, .note_bytes = options->note_bytes };
	return 0;
}

/* There is nothing to keep but the options, which nobody writes. */
static int uniq_open(void **state, const void *options, struct ccp_err *err)
{
	(void)err;
	*state = (void *)(uintptr_t)options;
	return 0;
}

static int uniq_map(void *state, struct ccp_part *part, struct ccp_err *err)
{
	const struct ccp_uniq_options *options = state;
	struct ccp_join_inner inner = ccp_uniq_inner(part, options->end);
	struct ccp_uniq_found found = { 0 };
	size_t at = part->used > inner.from ? part->used : inner.from;

	_Static_assert(sizeof found <= CCP_FOUND_BYTES, "too much is found");
	(void)err;
	if (at < inner.to)
		at = ccp_uniq_scan(options, part->data, at, inner.to, &part->note, &found);
	memcpy(part->found, &found, sizeof found);
	part->used = at < inner.to ? at : part->len;
	return at < inner.to;
}

static void uniq_close(void *state)
{
	(void)state;
}

const struct ccp_fold_ops ccp_fold_uniq = {
	.name = "uniq",
	.help = "find runs of equal lines",
	.need = uniq_need,
	.open = uniq_open,
	.map = uniq_map,
	.close = uniq_close,
};
