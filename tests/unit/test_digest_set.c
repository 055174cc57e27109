/*
 * test_digest_set.c: several digests in one pass, and of whole inputs by the engine, however they are cut and shared.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/digest_help.h"

extern const struct ccp_transform_ops ccp_transform_digest, ccp_transform_checksum;

TestSuite(digest_set, .init = help_set_up, .fini = help_tear_down, .timeout = 300);

static struct ccp_digest_set set;
static struct ccp_err err;

/* ---- the set --------------------------------------------------------------------------------------------------- */

Test(digest_set, names_are_added_in_order_and_once)
{
	cr_assert(ccp_digest_set_add(&set, "cksum,crc32", &err) == 0, "%s", err.text);
	cr_assert(ccp_digest_set_add(&set, "CRC32,adler32,cksum", &err) == 0, "%s", err.text);
	cr_assert_eq(set.count, 3);
	cr_expect_str_eq(set.item[0].ops->name, "cksum");
	cr_expect_str_eq(set.item[1].ops->name, "crc32");
	cr_expect_str_eq(set.item[2].ops->name, "adler32");
	cr_expect_eq(ccp_digest_set_bytes(&set), 12);
	cr_expect_eq(ccp_digest_set_state_bytes(&set) % CCP_DIGEST_STATE_ALIGN, 0);
	cr_expect(ccp_digest_set_combines(&set));
}

Test(digest_set, what_is_no_digest_is_named)
{
	static const char *const bad[][2] = { { "sha3", "'sha3'" }, { "", "''" }, { "crc32,", "''" }, { ",", "''" },
					      { "crc32,crc", "'crc'" }, { "crc32 ", "'crc32 '" },
					      { "crc32,,md5", "''" } };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		set.count = 0;
		cr_assert(ccp_digest_set_add(&set, bad[i][0], &err) < 0, "'%s'", bad[i][0]);
		cr_expect_eq(err.code, CCP_E_USAGE);
		cr_expect(strstr(err.text, bad[i][1]), "'%s': %s", bad[i][0], err.text);
	}
}

Test(digest_set, what_is_not_built_in_is_named)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops; ops++) {
		const char *why = (*ops)->probe ? (*ops)->probe() : NULL;

		set.count = 0;
		cr_expect((ccp_digest_set_add(&set, (*ops)->name, &err) == 0) == !why, "%s", (*ops)->name);
		if (!why)
			continue;
		cr_expect_eq(err.code, CCP_E_UNSUPPORTED);
		cr_expect(strstr(err.text, (*ops)->name) && strstr(err.text, why), "%s", err.text);
	}
}

/* All digests fit, and what is computed together in pieces is what each comes to alone. */
Test(digest_set, pieces_make_no_difference)
{
	static const size_t pieces[] = { 1, 3, 64, 1000, 16384, 16385, 50000, 200000 };
	static uint8_t data[200000];
	_Alignas(CCP_DIGEST_STATE_ALIGN) static uint8_t state[2][STATE_BYTES];
	uint8_t want[CCP_DIGEST_SET_BYTES], got[CCP_DIGEST_SET_BYTES];
	size_t bytes;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = help_byte(i);
	every_digest(&set, false);
	bytes = digests_of(&set, data, sizeof data, want);
	cr_assert_eq(bytes, ccp_digest_set_bytes(&set));
	cr_assert_leq(ccp_digest_set_state_bytes(&set), STATE_BYTES);
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		unsigned side = 0;

		ccp_digest_set_start(&set, state[0]);
		for (size_t at = 0, n; at < sizeof data; at += n) {
			n = pieces[p] < sizeof data - at ? pieces[p] : sizeof data - at;
			ccp_digest_set_update(&set, state[side], data + at, n);
			memcpy(state[!side], state[side], STATE_BYTES); /* it is plain data */
			memset(state[side], 0xee, STATE_BYTES);
			side = !side;
		}
		ccp_digest_set_finish(&set, state[side], got);
		cr_expect(memcmp(got, want, bytes) == 0, "in pieces of %zu", pieces[p]);
	}
}

/* ---- the transforms -------------------------------------------------------------------------------------------- */

static void expect_right(const char *what, size_t chunk, const char *jobs)
{
	uint8_t want[CCP_DIGEST_SET_BYTES];
	size_t len, bytes;

	for (size_t i = 0; i < help.count; i++) {
		uint8_t *data = bytes_of(i, &len);

		bytes = digests_of(&set, data, len, want);
		cr_expect(help.input[i].outcome == CCP_DONE && kept[i].len == bytes &&
				  memcmp(kept[i].record, want, bytes) == 0,
			  "%s, chunk %zu, -j %s: input %zu: %s", what, chunk, jobs, i, help.input[i].err.text);
		free(data);
	}
}

static void run(const struct ccp_transform_ops *transform, const char *strategy, size_t chunk, const char *jobs,
		unsigned swap_ms)
{
	struct ccp_transform_options options = { .chunk_bytes = chunk, .digests = &set };
	struct ccp_run_options run_options;

	digest_options(&run_options, transform, &options, 0, strategy, jobs);
	run_options.swap_ms = swap_ms;
	cr_assert(help_run(&run_options, &err) == 0, "%s", err.text);
	expect_right(strategy, chunk, jobs);
}

/* The smallest file is named first and the biggest one is begun first, so that records wait for their turn. */
static void run_everything(const struct ccp_transform_ops *transform)
{
	static const size_t sizes[] = { 0, 1, 2, 699, 700, 701, 4096, 4097, 70000, 1400001 };
	static const size_t chunks[] = { 700, 4096, 65536, 1 << 20, 0 };
	static const char *const jobs[] = { "1", "2", "8" };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		help_file(sizes[i]);
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops; ops++) {
		if ((*ops)->probe && (*ops)->probe())
			continue;
		for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++)
			run(transform, (*ops)->name, chunks[c], jobs[c % 3], 0);
	}
	run(transform, "read=async,work=proc,write=threads", 4096, "2", 0);
	run(transform, "threads", 700, "3", 2);
}

static void run_bytes(const struct ccp_transform_ops *transform)
{
	static const size_t sizes[] = { 0, 1, 2, 130, 777 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		help_file(sizes[i]);
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops; ops++)
		if (!(*ops)->probe || !(*ops)->probe())
			run(transform, (*ops)->name, 1, "2", 0);
}

Test(digest_set, digest_is_the_same_under_every_strategy)
{
	every_digest(&set, false);
	run_everything(&ccp_transform_digest);
}

Test(digest_set, checksum_is_the_same_under_every_strategy)
{
	every_digest(&set, true);
	run_everything(&ccp_transform_checksum);
}

Test(digest_set, chunks_of_one_byte)
{
	every_digest(&set, true);
	run_bytes(&ccp_transform_checksum);
	every_digest(&set, false);
	run_bytes(&ccp_transform_digest);
}

Test(digest_set, checksum_refuses_what_does_not_combine)
{
	struct ccp_transform_options options = { .digests = &set };
	struct ccp_transform_need need = { .chunk_bytes = 0 };

	cr_expect(ccp_transform_checksum.need(&options, &need, &err) < 0, "no digest is named");
	cr_expect(ccp_transform_digest.need(&options, &need, &err) < 0, "no digest is named");
	options.digests = NULL;
	cr_expect(ccp_transform_digest.need(&options, &need, &err) < 0, "no digest is named");
	options.digests = &set;
	every_digest(&set, false);
	cr_expect_eq(ccp_transform_checksum.need(&options, &need, &err) == 0, ccp_digest_set_combines(&set));
	options.chunk_bytes = SIZE_MAX;
	cr_expect(ccp_transform_digest.need(&options, &need, &err) < 0, "a chunk of all memory");
}

/* ---- what went wrong ------------------------------------------------------------------------------------------- */

static int changing_map(void *state, void *carry, struct ccp_piece *piece)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	if (piece->first && utimensat(AT_FDCWD, help.input[1].path, times, 0) != 0)
		cr_assert(false);
	return ccp_transform_digest.map(state, carry, piece);
}

/* The warning is in the result: nobody may print such a digest. */
Test(digest_set, input_that_changes_is_told)
{
	struct ccp_transform_ops changing = ccp_transform_digest;
	struct ccp_transform_options options = { .chunk_bytes = 1000, .digests = &set };
	struct ccp_run_options run_options;

	changing.map = changing_map;
	every_digest(&set, false);
	help_file(500);
	help_file(9999);
	digest_options(&run_options, &changing, &options, 0, "serial", "1");
	run_options.plan.window = 1;
	cr_assert(help_run(&run_options, &err) == 0, "%s", err.text);
	cr_expect_eq(help.input[0].err.code, CCP_OK);
	cr_expect_eq(help.input[1].err.code, CCP_W_CHANGED, "%s", help.input[1].err.text);
	cr_expect_eq(help.input[1].outcome, CCP_DONE);
}

Test(digest_set, input_that_fails_has_no_record)
{
	every_digest(&set, true);
	help_file(5000);
	help_name();
	help_file(5000);

	struct ccp_transform_options options = { .chunk_bytes = 1000, .digests = &set };
	struct ccp_run_options run_options;

	digest_options(&run_options, &ccp_transform_checksum, &options, 0, "threads", "2");
	cr_assert(help_run(&run_options, &err) == 0, "%s", err.text);
	cr_expect_eq(help.input[1].outcome, CCP_FAILED);
	cr_expect_eq(kept[1].len, 0);
	cr_expect_eq(kept[0].len, ccp_digest_set_bytes(&set));
	cr_expect_eq(kept[2].len, ccp_digest_set_bytes(&set));
}
