/*
 * fold/sort.c: sorts the whole lines of a part into its note, or looks whether they are in order.
 *
 * Lines are copied in their order here, where that can be done in parallel, so that the collector has one large copy to
 * make of each part. Where lines are so short that there is no room for what is known of each, and where the note is
 * smaller than the part, it takes several calls.
 */
#include "pipeline/fold/sort.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold.h"
#include "pipeline/fold/join.h"
#include "pipeline/sort/lines.h"

extern const struct ccp_fold_ops ccp_fold_sort;

#define BYTES_A_LINE 16 /* as many lines are sorted at a time as if they had this many bytes at least */

struct state {
	const struct ccp_sort_fold *options;
	struct ccp_sort_lines lines;
};

static size_t line_count(const struct ccp_sort_fold *options)
{
	return options->chunk_bytes / BYTES_A_LINE + 1;
}

static int sort_need(const void *arg, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_sort_fold *options = arg;

	(void)err;
	need->chunk_bytes = options->chunk_bytes;
	need->state_bytes = sizeof(struct state);
	if (options->check)
		return 0;
	need->note_bytes = options->chunk_bytes + 1; /* a last line may want its end */
	need->state_bytes += line_count(options) * sizeof(struct ccp_sort_line);
	return 0;
}

static int sort_open(void **out, const void *options, struct ccp_err *err)
{
	struct state *state = calloc(1, sizeof *state);

	if (state == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	state->options = options;
	if (!state->options->check &&
	    ccp_sort_lines_init(&state->lines, state->options->order, line_count(options), err) != 0) {
		free(state);
		return -1;
	}
	*out = state;
	return 0;
}

static size_t line_len(const struct state *state, const struct ccp_part *part, size_t at, size_t to)
{
	const uint8_t *end = memchr(part->data + at, state->options->order->end, to - at);

	return (end != NULL ? (size_t)(end - part->data) : to) - at;
}

/* Goes through lines for as long as they are in order. */
static void check(const struct state *state, const struct ccp_part *part, struct ccp_join_inner inner,
		  struct ccp_sort_found *found)
{
	const struct ccp_sort_order *order = state->options->order;
	const int least = order->unique ? 0 : 1; /* of a comparison that is out of order */
	size_t last_len = 0;

	for (size_t at = inner.from; at < inner.to;) {
		size_t len = line_len(state, part, at, inner.to);

		if (found->lines > 0 && ccp_sort_compare(order, part->data + found->last_at, last_len, part->data + at,
							 len) >= least)
			found->disorder = true;
		found->lines++;
		found->last_at = at;
		if (found->disorder)
			return;
		last_len = len;
		at += len + 1;
	}
}

static int sort_map(void *arg, struct ccp_part *part, struct ccp_err *err)
{
	struct state *state = arg;
	struct ccp_join_inner inner = ccp_join_inner(part, state->options->order->end);
	struct ccp_sort_found found = { 0 };
	size_t at = part->used > inner.from ? part->used : inner.from, used = 0;

	_Static_assert(sizeof found <= CCP_FOUND_BYTES, "too much is found");
	(void)err;
	if (state->options->check) {
		check(state, part, inner, &found);
		at = inner.to;
	} else if (at < inner.to) {
		used = ccp_sort_lines(&state->lines, part->data + at, inner.to - at, &part->note);
		if (used == 0) {
			found.long_at = at;
			used = line_len(state, part, at, inner.to);
			used += at + used < inner.to; /* and its end */
			found.long_len = used;
		}
		at += used;
	}
	memcpy(part->found, &found, sizeof found);
	part->used = at < inner.to ? at : part->len;
	return at < inner.to;
}

static void sort_close(void *arg)
{
	struct state *state = arg;

	ccp_sort_lines_release(&state->lines);
	free(state);
}

const struct ccp_fold_ops ccp_fold_sort = {
	.name = "sort",
	.help = "put lines in order",
	.need = sort_need,
	.open = sort_open,
	.map = sort_map,
	.close = sort_close,
};
