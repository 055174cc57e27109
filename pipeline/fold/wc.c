/*
 * fold/wc.c: the fold wc: wc_count.c on every part.
 */
#include "pipeline/fold/wc.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold.h"

extern const struct ccp_fold_ops ccp_fold_wc;

/* Counting is quicker than any reading: larger chunks have fewer hand-offs, and smaller ones stay in the cache. */
#define CHUNK_BYTES ((size_t)1 << 20)

struct counter {
	const struct ccp_wc_options *options;
	struct ccp_wc_kinds kinds;
};

static int wc_need(const void *arg, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_wc_options *options = arg;

	(void)err;
	*need = (struct ccp_fold_need){ .chunk_bytes = CHUNK_BYTES, .state_bytes = sizeof(struct counter) };
	if (options->utf8) /* if all pages of Unicode are met */
		need->state_bytes += CCP_WC_PAGES * CCP_WC_PAGE_BYTES;
	return 0;
}

static int wc_open(void **state, const void *options, struct ccp_err *err)
{
	struct counter *counter = calloc(1, sizeof *counter);

	if (counter == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a counter");
	counter->options = options;
	*state = counter;
	return 0;
}

static int wc_map(void *state, struct ccp_part *part, struct ccp_err *err)
{
	struct counter *counter = state;
	struct ccp_wc_found found;

	_Static_assert(sizeof found <= CCP_FOUND_BYTES, "counts too large");
	(void)err;
	ccp_wc_count(counter->options, &counter->kinds, part->data, part->len, part->first, &found);
	memcpy(part->found, &found, sizeof found);
	part->used = part->len;
	return 0;
}

static void wc_close(void *state)
{
	struct counter *counter = state;

	ccp_wc_kinds_release(&counter->kinds);
	free(counter);
}

const struct ccp_fold_ops ccp_fold_wc = {
	.name = "wc",
	.help = "count lines, words, characters, and the columns of the longest line",
	.need = wc_need,
	.open = wc_open,
	.map = wc_map,
	.close = wc_close,
};
