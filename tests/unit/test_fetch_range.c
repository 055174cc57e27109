/* test_fetch_range.c: how many connections one object is worth, and how large its parts are, with invented numbers. */
#include <criterion/criterion.h>

#include "pipeline/net/fetch_range.h"

#define EPOCH_NS UINT64_C(300000000)
#define MB UINT64_C(1000000)

/* A server that gives `each` bytes an epoch to a connection, over a line that takes `line`. Returns the connections. */
static unsigned settle(struct ccp_range_learn *learn, uint64_t each, uint64_t line)
{
	for (unsigned i = 0; i < 20 && !learn->settled; i++) {
		uint64_t bytes = each * learn->now;

		ccp_range_learn(learn, bytes < line ? bytes : line, EPOCH_NS, 0);
	}
	cr_assert(learn->settled);
	return learn->now;
}

Test(fetch_range, a_limit_for_each_connection_is_met_by_all_that_there_may_be)
{
	struct ccp_range_learn learn = { .now = 1, .most = 8 };

	cr_assert_eq(settle(&learn, MB, 100 * MB), 8);
}

Test(fetch_range, a_full_line_is_left_alone)
{
	struct ccp_range_learn learn = { .now = 1, .most = 8 };

	cr_assert_eq(settle(&learn, MB, MB), 1);
}

Test(fetch_range, the_last_doubling_that_does_not_pay_is_taken_back)
{
	struct ccp_range_learn learn = { .now = 1, .most = 64 };

	cr_assert_eq(settle(&learn, 10 * MB, 42 * MB), 4);
}

Test(fetch_range, a_tenth_is_not_enough_and_an_eighth_is)
{
	struct ccp_range_learn little = { .now = 1, .most = 2 }, more = little;

	cr_assert_eq(settle(&little, 100 * MB, 110 * MB), 1);
	cr_assert_eq(settle(&more, 100 * MB, 113 * MB), 2);
}

Test(fetch_range, a_bound_that_is_no_power_of_two_is_reached_and_not_passed)
{
	struct ccp_range_learn learn = { .now = 1, .most = 6 };

	cr_assert_eq(settle(&learn, MB, 100 * MB), 6);
}

Test(fetch_range, nothing_is_learned_while_the_reader_is_slow)
{
	struct ccp_range_learn learn = { .now = 2, .before = 1, .most = 8, .rate = 1e9 };

	ccp_range_learn(&learn, 1, EPOCH_NS, EPOCH_NS / 2);
	cr_assert(!learn.settled);
	cr_assert_eq(learn.now, 2);
	ccp_range_learn(&learn, 1, EPOCH_NS, EPOCH_NS / 8);
	cr_assert(learn.settled);
	cr_assert_eq(learn.now, 1);
}

Test(fetch_range, parts_of_one_object_fit_into_its_memory)
{
	const struct ccp_fetch_options all = { 0 }, few = { .part_bytes = 4 << 20 };
	const struct ccp_fetch_options many = { .part_bytes = UINT64_MAX };

	cr_assert_eq(ccp_range_all_bytes(&all), CCP_RANGE_ALL_BYTES);
	cr_assert_eq(ccp_range_all_bytes(&many), CCP_RANGE_ALL_BYTES);
	cr_assert_eq(ccp_range_all_bytes(&few), 4 << 20);
	for (unsigned n = 1; n <= CCP_FETCH_RANGES_MOST; n++) {
		size_t bytes = ccp_range_part_bytes(n, CCP_RANGE_ALL_BYTES);

		cr_assert_eq(bytes % 65536, 0);
		cr_assert(bytes >= 256 << 10 && bytes <= 4 << 20);
		cr_assert(bytes * CCP_RANGE_SLOTS(n) <= 32 << 20);
	}
	cr_assert_eq(ccp_range_part_bytes(1, CCP_RANGE_ALL_BYTES), 4 << 20);
	cr_assert_eq(ccp_range_part_bytes(8, CCP_RANGE_ALL_BYTES), 28 << 16); /* 16 of 1.75 MiB are 28 MiB */
	cr_assert_eq(ccp_range_part_bytes(2, 4 << 20), 512 << 10);
	cr_assert_eq(ccp_range_part_bytes(8, 4 << 20), 256 << 10); /* and not all of them at a time */
}
