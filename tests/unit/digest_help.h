/* digest_help.h: what the tests of digests in a run share: sets, what they come to, and reports that keep records. */
#ifndef CCP_TESTS_UNIT_DIGEST_HELP_H
#define CCP_TESTS_UNIT_DIGEST_HELP_H

#include "pipeline/codec/digest_set.h"
#include "tests/unit/strategy_help.h"

#define STATE_BYTES (CCP_DIGEST_SET_MAX * CCP_DIGEST_STATE_MAX_BYTES)

/* What the report said of an input beside what `help` keeps. */
static struct kept {
	size_t len;
	uint8_t record[CCP_RECORD_BYTES];
} kept[HELP_INPUTS];

/* Every digest that is built in; with `combines` only those that do. */
UNUSED static void every_digest(struct ccp_digest_set *set, bool combines)
{
	struct ccp_err err;

	*set = (struct ccp_digest_set){ .count = 0 };
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops; ops++)
		if ((!(*ops)->probe || !(*ops)->probe()) && (!combines || (*ops)->combines))
			cr_assert(ccp_digest_set_add(set, (*ops)->name, &err) == 0, "%s", err.text);
	cr_assert_gt(set->count, 0);
}

/* The digests of some bytes, each algorithm by itself and in one go. Returns their length. */
UNUSED static size_t digests_of(const struct ccp_digest_set *set, const uint8_t *data, size_t len, uint8_t *out)
{
	_Alignas(CCP_DIGEST_STATE_ALIGN) uint8_t state[CCP_DIGEST_STATE_MAX_BYTES];
	size_t at = 0;

	for (size_t i = 0; i < set->count; at += set->item[i++].bytes) {
		set->item[i].ops->start(state, set->item[i].bytes);
		set->item[i].ops->update(state, data, len);
		set->item[i].ops->finish(state, out + at);
	}
	return at;
}

/* What stands in a file of help_file. The caller frees it. */
UNUSED static uint8_t *bytes_of(size_t index, size_t *len)
{
	FILE *file = fopen(help.input[index].path, "rb");
	uint8_t *bytes;

	cr_assert(file && fseek(file, 0, SEEK_END) == 0);
	*len = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(*len + 1);
	cr_assert(fread(bytes, 1, *len, file) == *len);
	fclose(file);
	return bytes;
}

UNUSED static void keep_record(void *arg, const struct ccp_result *result)
{
	struct kept *to = &kept[result->input->index];

	help_report(arg, result);
	to->len = result->input->record_len;
	memcpy(to->record, result->input->record, to->len);
}

/* As help_options, with options of the transform and a tee. */
UNUSED static void digest_options(struct ccp_run_options *run, const struct ccp_transform_ops *transform,
				  const struct ccp_transform_options *options, size_t tee_bytes, const char *strategy,
				  const char *jobs)
{
	static char *names[HELP_INPUTS];
	struct ccp_plan_options wish = { .strategy = strategy, .jobs = jobs, .window = 24 };
	struct ccp_host host;
	struct ccp_err err;

	*run = (struct ccp_run_options){ .transform = transform, .transform_options = *options,
					 .sink = ccp_sink_find("record"), .report = keep_record,
					 .strategies = ccp_strategies };
	for (size_t i = 0; i < help.count; i++) {
		names[i] = help.input[i].path;
		help.input[i].out_len = 0;
		help.input[i].outcome = CCP_PENDING;
	}
	memset(kept, 0, sizeof kept);
	run->walk.names = names;
	run->walk.name_count = help.count;
	run->source.to_stdout = true;
	cr_assert(transform->need(options, &run->need, &err) == 0, "%s", err.text);
	run->need.tee_bytes = tee_bytes;
	ccp_host_read(&host);
	cr_assert(ccp_plan_make(&run->plan, &wish, &run->need, &host, ccp_strategies, &err) == 0, "%s", err.text);
}

#endif
