/*
 * test_compare_stats.c: the figures of compare against known values, what resampling and picking must keep, and when
 * plans may be ranked at all. The file under test belongs to the program, not to the library: it is included.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "cmd/compare_stats.c"

#define NEAR(a, b) cr_assert(fabs((a) - (b)) < 1e-9, "%.12g is not %.12g", (double)(a), (double)(b))

Test(compare_stats, known_values)
{
	const double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };
	struct ccp_compare_stats s;

	ccp_compare_summarize(&s, odd, 3);
	NEAR(s.mean, 2);
	NEAR(s.sigma, 1); /* n - 1 */
	NEAR(s.median, 2);
	NEAR(s.min, 1);
	NEAR(s.max, 3);
	ccp_compare_summarize(&s, even, 4);
	NEAR(s.median, 2.5);
	NEAR(s.sigma, sqrt(5.0 / 3));
	ccp_compare_summarize(&s, one, 1);
	NEAR(s.median, 7);
	NEAR(s.sigma, 0);
	cr_assert_eq(s.outliers, 0);
}

Test(compare_stats, outliers_by_median_absolute_deviation)
{
	/* median 10, deviations 0 1 1 2 x: their median is 1, so the limit is 14.826 */
	double value[] = { 9, 10, 11, 12, 10 + 14.8 };
	struct ccp_compare_stats s;

	value[3] = 8;
	ccp_compare_summarize(&s, value, 5);
	NEAR(s.median, 10);
	cr_assert_eq(s.outliers, 0);
	value[4] = 10 + 14.9;
	ccp_compare_summarize(&s, value, 5);
	cr_assert_eq(s.outliers, 1);
	value[3] = 10 - 14.9; /* now 10 of 9 10 11 -4.9 24.9, deviations 0 1 1 14.9 14.9 */
	ccp_compare_summarize(&s, value, 5);
	cr_assert_eq(s.outliers, 2);
}

Test(compare_stats, bootstrap_repeats_itself_and_pairs_by_round)
{
	double a[10], b[10], low, high, low2, high2;

	/* every round is slower than the one before, and twice as slow for a: by round the ratio is always 2 */
	for (int i = 0; i < 10; i++) {
		b[i] = 1 << i;
		a[i] = 2 * b[i];
	}
	ccp_compare_bootstrap(a, b, 10, &low, &high);
	NEAR(low, 2);
	NEAR(high, 2);
	for (int i = 0; i < 10; i++) {
		a[i] = 10 + i % 5;
		b[i] = 10 + i % 3;
	}
	ccp_compare_bootstrap(a, b, 10, &low, &high);
	ccp_compare_bootstrap(a, b, 10, &low2, &high2);
	cr_assert(low == low2 && high == high2);
	cr_assert(low < high && low >= 10.0 / 12 && high <= 14.0 / 10);
	cr_assert(low <= 12.0 / 11 && high >= 12.0 / 11); /* the ratio itself */
}

Test(compare_stats, random_numbers_of_the_published_sequence)
{
	uint64_t state = 1234567; /* splitmix64's own test values */

	cr_assert_eq(ccp_compare_random(&state), 6457827717110365317u);
	cr_assert_eq(ccp_compare_random(&state), 3203168211198807973u);
	cr_assert_eq(ccp_compare_random(&state), 9817491932198370423u);
}

Test(compare_stats, shuffle_keeps_all_and_gives_every_order)
{
	uint64_t state = CCP_COMPARE_SEED;
	unsigned seen = 0;

	for (int i = 0; i < 200; i++) {
		size_t order[] = { 0, 1, 2 };

		ccp_compare_shuffle(order, 3, &state);
		cr_assert_eq((1u << order[0]) | (1u << order[1]) | (1u << order[2]), 7u);
		seen |= 1u << (order[0] * 2 + (order[1] > order[2]));
	}
	cr_assert_eq(seen, 63u);
}

Test(compare_stats, picks_the_quietest_rounds_in_their_order)
{
	const unsigned noisy[] = { 2, 0, 1, 0, 3, 1 };
	size_t picked[6];

	ccp_compare_pick(noisy, 6, 3, picked);
	cr_assert(picked[0] == 1 && picked[1] == 2 && picked[2] == 3, "%zu %zu %zu", picked[0], picked[1], picked[2]);
	ccp_compare_pick(noisy, 6, 1, picked);
	cr_assert_eq(picked[0], 1u);
	ccp_compare_pick(noisy, 6, 5, picked);
	for (size_t i = 0, want[] = { 0, 1, 2, 3, 5 }; i < 5; i++)
		cr_assert_eq(picked[i], want[i]);
	ccp_compare_pick(noisy, 6, 6, picked);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(picked[i], i);
}

/* Three plans that gave the same. */
static void fill(struct ccp_compare_plan *plan, struct ccp_compare_run (*runs)[5])
{
	static const double wall[3][5] = { { 4, 4, 5, 4, 3 }, { 2, 1, 2, 3, 2 }, { 3, 2, 2, 4, 3 } };

	memset(plan, 0, 3 * sizeof *plan);
	for (size_t i = 0; i < 3; i++) {
		plan[i].first = (struct ccp_compare_run){ .digest = { 11, 22 } };
		plan[i].jobs = 2;
		plan[i].twin = i;
		plan[i].runs = runs[i];
		for (int r = 0; r < 5; r++)
			runs[i][r] = (struct ccp_compare_run){ .wall = wall[i][r], .user = 1, .system = 0.5,
							       .external = 0.1, .peak_rss = (uint64_t)(100 + r),
							       .noisy = r == 4 };
	}
	plan[0].serial = true;
	plan[0].jobs = 1;
	plan[2].kind = CCP_COMPARE_AUTO;
}

Test(compare_stats, judges_before_it_ranks)
{
	struct ccp_compare_plan plan[3];
	struct ccp_compare_run runs[3][5];
	bool differs[3];

	fill(plan, runs);
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_SAME);
	for (size_t i = 0; i < 3; i++)
		plan[i].first.status = CCP_EXIT_WARNING;
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_SAME);
	for (size_t i = 0; i < 3; i++)
		plan[i].first.status = CCP_EXIT_FAILED;
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_FAILED);

	fill(plan, runs);
	plan[1].first.digest.low++;
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_DIFFER);
	cr_assert(!differs[0] && differs[1] && !differs[2]);

	fill(plan, runs);
	plan[2].first.status = CCP_EXIT_WARNING; /* one status that is no failure, but another one */
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_DIFFER);
	cr_assert(!differs[0] && !differs[1] && differs[2]);

	fill(plan, runs);
	plan[0].has_odd = true; /* the reference itself did not give the same twice */
	cr_assert_eq(ccp_compare_judge(plan, 3, 0, differs), CCP_COMPARE_DIFFER);
	cr_assert(differs[0] && !differs[1] && !differs[2]);
}

Test(compare_stats, ranks_by_median)
{
	struct ccp_compare_plan plan[3];
	struct ccp_compare_run runs[3][5];
	struct ccp_compare_ranking ranking;
	double sigma0 = sqrt(0.5), sigma1 = sqrt(0.5);

	fill(plan, runs);
	ccp_compare_rank(&ranking, plan, 3, 5, 2);
	cr_assert(ranking.order[0] == 1 && ranking.order[1] == 2 && ranking.order[2] == 0);
	cr_assert_eq(ranking.best, 1u);
	NEAR(plan[0].stats.ratio, 2);
	NEAR(plan[0].stats.ratio_error, 2 * sqrt(sigma0 / 4 * sigma0 / 4 + sigma1 / 2 * sigma1 / 2));
	NEAR(plan[1].stats.ratio_error, 0);
	NEAR(plan[1].stats.ratio_low, 1);
	NEAR(plan[1].stats.ratio_high, 1);
	NEAR(plan[0].stats.user, 1);
	NEAR(plan[0].stats.system, 0.5);
	cr_assert_eq(plan[0].stats.peak_rss, 104u);
	cr_assert_eq(plan[0].stats.noisy, 1u);
	NEAR(ranking.noise, sqrt(2) * sigma1 / 2);
	NEAR(ranking.external, 1.5 / (44 * 2.0));
}

Test(compare_stats, regret_is_against_the_best_by_hand)
{
	struct ccp_compare_plan plan[3];
	struct ccp_compare_run runs[3][5];
	struct ccp_compare_ranking ranking;

	fill(plan, runs);
	ccp_compare_rank(&ranking, plan, 3, 5, 2);
	cr_assert(ranking.has_regret && ranking.regret.plan == 2 && ranking.regret.best == 1);
	NEAR(ranking.regret.ratio, 1.5);
	NEAR(ranking.regret.loss_s, 1);
	cr_assert(!ranking.regret.split);

	plan[1].jobs = 4; /* auto had two workers only: this is no plan that it could have had */
	ccp_compare_rank(&ranking, plan, 3, 5, 2);
	cr_assert_eq(ranking.regret.best, 0u);
	NEAR(ranking.regret.ratio, 0.75);

	plan[2].kind = CCP_COMPARE_FIXED;
	ccp_compare_rank(&ranking, plan, 3, 5, 2);
	cr_assert(!ranking.has_regret);
}

Test(compare_stats, a_replay_splits_regret_and_is_never_the_best)
{
	struct ccp_compare_plan plan[3];
	struct ccp_compare_run runs[3][5];
	struct ccp_compare_ranking ranking;

	fill(plan, runs);
	plan[0].serial = false; /* 4 s: by hand; 3 s: auto; 2 s: what it came to */
	plan[0].jobs = 2;
	plan[1].kind = CCP_COMPARE_REPLAY;
	plan[1].twin = 2;
	plan[2].twin = 1;
	ccp_compare_rank(&ranking, plan, 3, 5, 2);
	cr_assert_eq(ranking.order[0], 1u);
	cr_assert_eq(ranking.best, 2u);
	NEAR(plan[1].stats.ratio, 2.0 / 3);
	cr_assert(ranking.has_regret && ranking.regret.split && ranking.regret.best == 0);
	NEAR(ranking.regret.overhead_s, 1);
	NEAR(ranking.regret.choice_s, -2);
	NEAR(ranking.regret.overhead_s + ranking.regret.choice_s, ranking.regret.loss_s);
}
