/* test_fetch_depth.c: how many transfers run ahead, learned from invented sources. */
#include <criterion/criterion.h>

#include "pipeline/net/fetch_depth.h"

#define MS UINT64_C(1000000)

/* A source of small objects. */
struct source {
	double latency_s;
	double most;             /* objects a second, whatever the depth */
	double readers;          /* ... that are read */
	unsigned per_host;       /* transfers that it lets run; 0 = all */
	uint64_t object_bytes;
	uint64_t now_ns;
};

/* An epoch of a length at a depth. */
static struct ccp_depth_epoch epoch_of(const struct source *source, unsigned depth, uint64_t elapsed_ns)
{
	bool held = source->per_host > 0 && depth > source->per_host;
	double rate = (held ? source->per_host : depth) / source->latency_s, seconds = (double)elapsed_ns / 1e9;
	bool fed;

	if (rate > source->most)
		rate = source->most;
	fed = source->readers > 0 && rate > source->readers;
	if (fed)
		rate = source->readers;
	return (struct ccp_depth_epoch){
		.elapsed_ns = elapsed_ns,
		.objects = (uint64_t)(rate * seconds),
		.bytes = (uint64_t)(rate * seconds * (double)source->object_bytes),
		.hungry_ns = fed ? 0 : elapsed_ns * 9 / 10,
		.stuffed = fed,
		.waiting = !held,
		.held_by_host = held,
	};
}

/* One decision, as soon as there is enough for one. */
static unsigned decide(struct ccp_depth *depth, struct source *source)
{
	uint64_t elapsed_ns = 5 * MS;
	struct ccp_depth_epoch epoch = epoch_of(source, depth->depth, elapsed_ns);

	while (!ccp_depth_enough(depth, &epoch)) {
		elapsed_ns += 5 * MS;
		epoch = epoch_of(source, depth->depth, elapsed_ns);
		cr_assert_lt(elapsed_ns, 60000 * MS, "no decision at %u", depth->depth);
	}
	source->now_ns += elapsed_ns;
	return ccp_depth_next(depth, &epoch, source->now_ns);
}

static unsigned after(struct ccp_depth *depth, struct source *source, unsigned decisions)
{
	for (unsigned i = 0; i < decisions; i++)
		(void)decide(depth, source);
	return depth->depth;
}

Test(fetch_depth, latency_is_doubled_away)
{
	struct source source = { .latency_s = 0.05, .most = 1e9, .object_bytes = 1000 };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 0);
	cr_expect_eq(depth.depth, CCP_DEPTH_FIRST);
	cr_expect_eq(depth.why, CCP_DEPTH_BEGIN);
	cr_expect_eq(decide(&depth, &source), 2 * CCP_DEPTH_FIRST);
	cr_expect_eq(depth.why, CCP_DEPTH_GROWS);
	cr_expect_eq(after(&depth, &source, 20), CCP_DEPTH_BY_ITSELF);
	cr_expect_eq(depth.why, CCP_DEPTH_MOST);
	cr_expect_eq(depth.most, CCP_DEPTH_BY_ITSELF);
	cr_expect_not(depth.by_bytes);
}

Test(fetch_depth, a_source_has_its_limit)
{
	/* 40 at a time fill it: 64 give a quarter more than 32, 128 nothing more */
	struct source source = { .latency_s = 0.1, .most = 400, .object_bytes = 1000 };
	struct ccp_depth depth;
	unsigned tried = 0;

	ccp_depth_init(&depth, 0);
	cr_expect_eq(after(&depth, &source, 20), 64);
	cr_expect_eq(depth.why, CCP_DEPTH_SOURCE);
	cr_expect_eq(depth.most, 128);
	cr_expect_float_eq(depth.rate_before, 400, 20);
	/* it is looked at again, but rarely: not within the rest */
	source.now_ns = depth.rest_until_ns - 2000 * MS;
	for (unsigned i = 0; i < 3; i++)
		tried += decide(&depth, &source) > 64;
	cr_expect_eq(tried, 0);
	source.now_ns = depth.rest_until_ns;
	cr_expect_eq(decide(&depth, &source), 128);
	cr_expect_eq(after(&depth, &source, 3), 64, "one failure is enough then");
	cr_expect_eq(depth.why, CCP_DEPTH_SOURCE);
	/* a source that has become faster is found */
	source.most = 1e9;
	source.now_ns = depth.rest_until_ns;
	cr_expect_eq(after(&depth, &source, 10), CCP_DEPTH_BY_ITSELF);
}

Test(fetch_depth, two_failures_make_a_limit)
{
	struct source source = { .latency_s = 0.1, .most = 160, .object_bytes = 1000 };
	struct ccp_depth depth;
	unsigned doubled = 0, before;

	ccp_depth_init(&depth, 0);
	for (unsigned i = 0; i < 12; i++) {
		before = depth.depth;
		doubled += decide(&depth, &source) > before;
	}
	cr_expect_eq(doubled, 2);
	cr_expect_eq(depth.depth, CCP_DEPTH_FIRST);
	cr_expect_eq(depth.why, CCP_DEPTH_SOURCE);
}

Test(fetch_depth, an_elasticity_of_15_percent_is_enough)
{
	struct ccp_depth_epoch epoch = { .elapsed_ns = 1000 * MS, .objects = 1000, .hungry_ns = 1000 * MS,
					 .waiting = true };
	struct ccp_depth depth;

	for (unsigned more = 105; more <= 115; more += 10) {
		epoch.objects = 1000;
		ccp_depth_init(&depth, 0);
		cr_assert_eq(ccp_depth_next(&depth, &epoch, 0), 32);
		cr_assert_eq(ccp_depth_next(&depth, &epoch, 0), 32, "settles");
		epoch.objects = 10 * more;
		cr_expect_eq(ccp_depth_next(&depth, &epoch, 0), more > 111 ? 64 : 16, "%u", more);
	}
}

Test(fetch_depth, readers_that_have_enough_need_no_more)
{
	struct source source = { .latency_s = 0.1, .most = 1e9, .readers = 100, .object_bytes = 1000 };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 0);
	cr_expect_eq(after(&depth, &source, 10), CCP_DEPTH_FIRST);
	cr_expect_eq(depth.why, CCP_DEPTH_BEGIN);
	/* they are the limit at twice the depth: it is kept, and that is all */
	source.readers = 200;
	cr_expect_eq(after(&depth, &source, 10), 2 * CCP_DEPTH_FIRST);
}

Test(fetch_depth, hosts_that_have_enough)
{
	struct source source = { .latency_s = 0.1, .most = 1e9, .per_host = 64, .object_bytes = 1000 };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 0);
	(void)after(&depth, &source, 20);
	cr_expect_leq(depth.level, 64);
	cr_expect_eq(depth.why, CCP_DEPTH_HOSTS);
}

Test(fetch_depth, nothing_waits)
{
	struct source source = { .latency_s = 0.1, .most = 1e9, .object_bytes = 1000 };
	struct ccp_depth depth;
	struct ccp_depth_epoch epoch;

	ccp_depth_init(&depth, 0);
	epoch = epoch_of(&source, depth.depth, 1000 * MS);
	epoch.waiting = false;
	cr_expect_eq(ccp_depth_next(&depth, &epoch, 0), CCP_DEPTH_FIRST);
}

Test(fetch_depth, large_objects_are_a_matter_of_bytes)
{
	/* 100 MB a second, whatever the depth */
	struct source source = { .latency_s = 0.05, .most = 10, .object_bytes = 10000000 };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 0);
	(void)after(&depth, &source, 12);
	cr_expect(depth.by_bytes);
	cr_expect_eq(depth.depth, CCP_DEPTH_FIRST);
	cr_expect_eq(depth.why, CCP_DEPTH_SOURCE);
	cr_expect_float_eq(depth.rate_before, 1e8, 3e7);
}

Test(fetch_depth, what_is_asked_for_is_kept)
{
	struct ccp_depth_epoch epoch = { .elapsed_ns = 60000 * MS, .objects = 1000000, .hungry_ns = 60000 * MS,
					 .waiting = true };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 10000);
	cr_expect_eq(depth.depth, 10000);
	cr_expect_eq(depth.why, CCP_DEPTH_ASKED);
	cr_expect_not(ccp_depth_enough(&depth, &epoch));
	cr_expect_eq(ccp_depth_next(&depth, &epoch, 0), 10000);
	cr_expect_eq(ccp_depth_refused(&depth, 0), 10000);
}

Test(fetch_depth, refusals_end_what_is_tried)
{
	struct source source = { .latency_s = 0.05, .most = 1e9, .object_bytes = 1000 };
	struct ccp_depth depth;

	ccp_depth_init(&depth, 0);
	cr_assert_eq(decide(&depth, &source), 32);
	cr_expect_eq(ccp_depth_refused(&depth, source.now_ns), 16);
	cr_expect_eq(depth.why, CCP_DEPTH_REFUSED);
	cr_expect_eq(after(&depth, &source, 4), 16, "it rests");
	source.now_ns = depth.rest_until_ns;
	cr_expect_gt(after(&depth, &source, 4), 16);
}
