/* test_tee.c: digests of what goes in and of what comes out, whatever the transform, the strategy and the output. */
#include "pipeline/tee.h"

#include "tests/unit/digest_help.h"

extern const struct ccp_transform_ops ccp_transform_gzip;

TestSuite(tee, .init = help_set_up, .fini = help_tear_down, .timeout = 300);

static struct ccp_digest_set set;
static struct ccp_err err;
_Alignas(CCP_DIGEST_STATE_ALIGN) static uint8_t output_state[STATE_BYTES];

static void add_files(void)
{
	static const size_t sizes[] = { 0, 1, 500, HELP_CHUNK, HELP_CHUNK + 1, 90001 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		help_file(sizes[i]);
}

/* The record is right: digests of the file, then, if there is an output for each, of what came of it. */
static void expect_right(const char *what, bool shared)
{
	uint8_t want[2 * CCP_DIGEST_SET_BYTES];
	size_t len, bytes;

	for (size_t i = 0; i < help.count; i++) {
		uint8_t *data = bytes_of(i, &len);

		bytes = digests_of(&set, data, len, want);
		if (!shared)
			bytes += digests_of(&set, help.input[i].out, help.input[i].out_len, want + bytes);
		cr_expect(help.input[i].outcome == CCP_DONE && kept[i].len == bytes &&
				  memcmp(kept[i].record, want, bytes) == 0,
			  "%s: input %zu: %s", what, i, help.input[i].err.text);
		free(data);
	}
}

static void run(const struct ccp_transform_ops *transform, size_t chunk, const char *strategy, unsigned swap_ms)
{
	struct ccp_tee tee = { .set = &set };
	struct ccp_transform_options options = { .chunk_bytes = chunk, .level = 1 };
	struct ccp_run_options run_options;

	digest_options(&run_options, transform, &options, ccp_tee_bytes(&set), strategy, "3");
	run_options.sink = &help_keep;
	run_options.tee = &tee;
	run_options.swap_ms = swap_ms;
	cr_assert(help_run(&run_options, &err) == 0, "%s", err.text);
	expect_right(strategy, false);
}

Test(tee, every_strategy)
{
	every_digest(&set, false);
	add_files();
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops; ops++) {
		if ((*ops)->probe && (*ops)->probe())
			continue;
		run(&ccp_transform_gzip, 1000, (*ops)->name, 0);
		run(&ccp_transform_gzip, 0, (*ops)->name, 0);
		run(&help_mix, 0, (*ops)->name, 0); /* its `out` is too small: pieces come in parts */
		run(&help_chain, 0, (*ops)->name, 0);
	}
	run(&ccp_transform_gzip, 1000, "threads", 2);
}

/* One output for all: its digests are those of everything that was written, over several runs. */
Test(tee, shared_output)
{
	struct ccp_sink_ops one = help_keep;
	struct ccp_tee tee = { .set = &set, .output = output_state };
	struct ccp_transform_options options = { .chunk_bytes = 1000 };
	struct ccp_run_options run_options;
	uint8_t want[CCP_DIGEST_SET_BYTES], got[CCP_DIGEST_SET_BYTES];
	uint8_t *all = NULL;
	size_t all_len = 0;

	one.flags |= CCP_SINK_SHARED;
	every_digest(&set, false);
	add_files();
	ccp_digest_set_start(&set, output_state);
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops; ops++) {
		if ((*ops)->probe && (*ops)->probe())
			continue;
		digest_options(&run_options, &ccp_transform_gzip, &options, ccp_tee_bytes(&set), (*ops)->name, "3");
		run_options.sink = &one;
		run_options.tee = &tee;
		cr_assert(help_run(&run_options, &err) == 0, "%s", err.text);
		expect_right((*ops)->name, true);
		for (size_t i = 0; i < help.count; i++) {
			all = realloc(all, all_len + help.input[i].out_len + 1);
			memcpy(all + all_len, help.input[i].out, help.input[i].out_len);
			all_len += help.input[i].out_len;
		}
	}
	digests_of(&set, all, all_len, want);
	ccp_digest_set_finish(&set, output_state, got);
	cr_expect(memcmp(got, want, ccp_digest_set_bytes(&set)) == 0);
	free(all);
}

static int failing_map(void *state, void *carry, struct ccp_piece *piece)
{
	if (piece->last && piece->offset + piece->in.len > 1)
		return ccp_err_set(&piece->err, CCP_E_OTHER, "as it should");
	return ccp_transform_gzip.map(state, carry, piece);
}

static int failing_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *why)
{
	keep_commit(sink, input, why);
	return ccp_err_set(why, CCP_E_OTHER, "as it should");
}

static void expect_failures(const struct ccp_run_options *run_options, size_t from)
{
	cr_assert(help_run(run_options, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < help.count; i++) {
		cr_expect_eq(help.input[i].outcome, i < from ? CCP_DONE : CCP_FAILED);
		cr_expect_eq(kept[i].len, i < from ? 2 * ccp_digest_set_bytes(&set) : 0);
	}
}

Test(tee, failure_leaves_no_digests)
{
	struct ccp_transform_ops failing = ccp_transform_gzip;
	struct ccp_sink_ops no_commit = help_keep;
	struct ccp_tee tee = { .set = &set };
	struct ccp_transform_options options = { .chunk_bytes = 1000 };
	struct ccp_run_options run_options;

	every_digest(&set, true);
	add_files();
	failing.map = failing_map;
	digest_options(&run_options, &failing, &options, ccp_tee_bytes(&set), "threads", "2");
	run_options.sink = &help_keep;
	run_options.tee = &tee;
	expect_failures(&run_options, 2);

	no_commit.commit = failing_commit;
	run_options.transform = &ccp_transform_gzip;
	run_options.sink = &no_commit;
	expect_failures(&run_options, 0);
}
