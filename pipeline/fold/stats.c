/*
 * fold/stats.c: the fold stats: stats_scan.c on the records of a part.
 *
 * A part that begins an input with a header finds the columns itself and tells them to all others, for whom they are
 * only a guess: the collector knows.
 */
#include "pipeline/fold/stats.h"

#include <string.h>

extern const struct ccp_fold_ops ccp_fold_stats;

#define CHUNK_BYTES ((size_t)1 << 20)

static int stats_need(const void *arg, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_stats_options *options = arg;

	(void)err;
	*need = (struct ccp_fold_need){
		.chunk_bytes = CHUNK_BYTES,
		.note_bytes = ccp_stats_room(options).bytes,
		.state_bytes = ccp_stats_scan_bytes(options),
	};
	return 0;
}

static int stats_open(void **state, const void *options, struct ccp_err *err)
{
	struct ccp_stats_scan *scan = ccp_stats_scan_new(options, err);

	if (scan == NULL)
		return -1;
	*state = scan;
	return 0;
}

static void stats_close(void *state)
{
	ccp_stats_scan_free(state);
}

/* What comes before the records. Returns 1 if they can be looked at, else 0. */
static int begin(const struct ccp_stats_options *options, struct ccp_part *part, struct ccp_stats_found *found,
		 struct ccp_err *err)
{
	bool csv = options->mode == CCP_STATS_CSV;

	ccp_stats_inner(options, part, csv && !part->first && ccp_stats_guess(options, part->data, part->len), found);
	part->used = found->inner.from;
	found->columns = options->columns;
	if (options->header && part->first && found->inner.to > 0) {
		found->header = true;
		part->used = ccp_stats_record_end(options, part->data, 0, found->inner.to);
		if (ccp_stats_header(options, part->data, part->used, &found->columns, err) != 0)
			return -1;
		if (options->told != NULL)
			atomic_store(options->told, (uint64_t)found->columns.field << 32 | found->columns.by);
	} else if (options->told != NULL) {
		uint64_t told = atomic_load(options->told);

		found->columns = (struct ccp_stats_columns){ (uint32_t)(told >> 32), (uint32_t)told };
	}
	return found->columns.field != 0 && found->inner.from < found->inner.to;
}

static int stats_map(void *state, struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_stats_scan *scan = state;
	const struct ccp_stats_options *options = ccp_stats_scan_options(scan);
	struct ccp_stats_found found;
	int more = 1;

	_Static_assert(sizeof found <= CCP_FOUND_BYTES, "too large");
	if (part->len > UINT32_MAX)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "stats: chunks of more than 4 GiB");
	if (part->used == 0) {
		more = begin(options, part, &found, err);
		memcpy(part->found, &found, sizeof found);
	}
	memcpy(&found, part->found, sizeof found);
	if (more > 0)
		more = ccp_stats_scan_records(scan, found.columns, part->data, &part->used, found.inner.to,
					      &part->note);
	if (more == 0)
		part->used = part->len;
	return more;
}

const struct ccp_fold_ops ccp_fold_stats = {
	.name = "stats",
	.help = "count and sum up the numbers in a field",
	.need = stats_need,
	.open = stats_open,
	.map = stats_map,
	.close = stats_close,
};
