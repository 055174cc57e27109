/*
 * compare_stats.c: figures from times, and the ranking; no clock, no file, no state.
 *
 * The ratio of two plans is that of their medians. Its error is propagated from their relative standard deviations. The
 * 95 % range resamples rounds, not runs, because whatever slowed a round down slowed all plans of it. An outlier is 10
 * standard deviations away from the median, these being estimated from the median absolute deviation.
 */
#include "cmd/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1.4826 makes a standard deviation of the median absolute deviation of normal values. */
#define OUTLIER_DEVIATIONS (1.4826 * 10)
#define OUTLIER_ROUNDS 5 /* fewer are too few to say what is usual */

uint64_t ccp_compare_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 … count - 1; the bias of the remainder is far below what could be seen. */
static size_t pick_below(size_t count, uint64_t *state)
{
	return (size_t)(ccp_compare_random(state) % count);
}

void ccp_compare_shuffle(size_t *order, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = pick_below(i, state), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double ccp_compare_median(const double *value, size_t count)
{
	double sorted[CCP_COMPARE_ROUNDS] = { 0 };

	memcpy(sorted, value, count * sizeof *value);
	qsort(sorted, count, sizeof *sorted, by_value);
	return count % 2 != 0 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static unsigned count_outliers(const double *value, size_t count, double median)
{
	double away[CCP_COMPARE_ROUNDS] = { 0 }, limit;
	unsigned outliers = 0;

	if (count < OUTLIER_ROUNDS)
		return 0;
	for (size_t i = 0; i < count; i++)
		away[i] = fabs(value[i] - median);
	limit = ccp_compare_median(away, count) * OUTLIER_DEVIATIONS;
	for (size_t i = 0; i < count; i++)
		outliers += away[i] > limit;
	return outliers;
}

void ccp_compare_summarize(struct ccp_compare_stats *stats, const double *value, size_t count)
{
	double sum = 0, squares = 0;

	stats->min = stats->max = value[0];
	for (size_t i = 0; i < count; i++) {
		sum += value[i];
		stats->min = fmin(stats->min, value[i]);
		stats->max = fmax(stats->max, value[i]);
	}
	stats->mean = sum / (double)count;
	for (size_t i = 0; i < count; i++)
		squares += (value[i] - stats->mean) * (value[i] - stats->mean);
	stats->sigma = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
	stats->median = ccp_compare_median(value, count);
	stats->outliers = count_outliers(value, count, stats->median);
}

void ccp_compare_bootstrap(const double *a, const double *b, size_t count, double *low, double *high)
{
	double ratio[CCP_COMPARE_RESAMPLES], x[CCP_COMPARE_ROUNDS], y[CCP_COMPARE_ROUNDS];
	uint64_t state = CCP_COMPARE_SEED;

	for (size_t r = 0; r < CCP_COMPARE_RESAMPLES; r++) {
		for (size_t i = 0; i < count; i++) {
			size_t round = pick_below(count, &state);

			x[i] = a[round];
			y[i] = b[round];
		}
		ratio[r] = ccp_compare_median(x, count) / ccp_compare_median(y, count);
	}
	qsort(ratio, CCP_COMPARE_RESAMPLES, sizeof *ratio, by_value);
	*low = ratio[CCP_COMPARE_RESAMPLES / 40];
	*high = ratio[CCP_COMPARE_RESAMPLES - 1 - CCP_COMPARE_RESAMPLES / 40];
}

void ccp_compare_pick(const unsigned *noisy, size_t count, size_t wanted, size_t *picked)
{
	unsigned limit = 0;
	size_t at_limit, found;

	if (wanted > count)
		wanted = count;
	/* the lowest limit that enough rounds keep; of those right at it only as many as are needed */
	for (;; limit++) {
		size_t below = 0, same = 0;

		for (size_t i = 0; i < count; i++) {
			below += noisy[i] < limit;
			same += noisy[i] == limit;
		}
		at_limit = wanted - below;
		if (same >= at_limit)
			break;
	}
	found = 0;
	for (size_t i = 0; i < count && found < wanted; i++) {
		if (noisy[i] > limit || (noisy[i] == limit && at_limit == 0))
			continue;
		at_limit -= noisy[i] == limit;
		picked[found++] = i;
	}
}

bool ccp_compare_same(const struct ccp_compare_run *a, const struct ccp_compare_run *b)
{
	return a->status == b->status && a->digest.high == b->digest.high && a->digest.low == b->digest.low;
}

enum ccp_compare_verdict ccp_compare_judge(const struct ccp_compare_plan *plan, size_t count, size_t reference,
					   bool *differs)
{
	int status = plan[reference].first.status;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		differs[i] = plan[i].has_odd || !ccp_compare_same(&plan[i].first, &plan[reference].first);
		any |= differs[i];
	}
	if (any)
		return CCP_COMPARE_DIFFER;
	return status == CCP_EXIT_OK || status == CCP_EXIT_WARNING ? CCP_COMPARE_SAME : CCP_COMPARE_FAILED;
}

static void walls_of(const struct ccp_compare_plan *plan, size_t rounds, double *wall)
{
	for (size_t i = 0; i < rounds; i++)
		wall[i] = plan->runs[i].wall;
}

static void figures(struct ccp_compare_plan *plan, size_t rounds)
{
	struct ccp_compare_stats *stats = &plan->stats;
	double wall[CCP_COMPARE_ROUNDS] = { 0 };

	*stats = (struct ccp_compare_stats){ 0 };
	walls_of(plan, rounds, wall);
	ccp_compare_summarize(stats, wall, rounds);
	for (size_t i = 0; i < rounds; i++) {
		stats->user += plan->runs[i].user / (double)rounds;
		stats->system += plan->runs[i].system / (double)rounds;
		stats->noisy += plan->runs[i].noisy;
		if (plan->runs[i].peak_rss > stats->peak_rss)
			stats->peak_rss = plan->runs[i].peak_rss;
	}
}

static void relate(struct ccp_compare_plan *plan, const struct ccp_compare_plan *best, size_t rounds)
{
	struct ccp_compare_stats *s = &plan->stats;
	const struct ccp_compare_stats *b = &best->stats;
	double mine[CCP_COMPARE_ROUNDS] = { 0 }, its[CCP_COMPARE_ROUNDS] = { 0 };

	s->ratio = s->median / b->median;
	s->ratio_error = plan == best ? 0 : s->ratio * hypot(s->sigma / s->mean, b->sigma / b->mean);
	walls_of(plan, rounds, mine);
	walls_of(best, rounds, its);
	ccp_compare_bootstrap(mine, its, rounds, &s->ratio_low, &s->ratio_high);
}

/* Against what could be had by hand with the same -j: with more workers auto could do more, too. */
static bool find_regret(struct ccp_compare_regret *regret, const struct ccp_compare_plan *plan, size_t count,
			size_t rounds)
{
	double mine[CCP_COMPARE_ROUNDS] = { 0 }, its[CCP_COMPARE_ROUNDS] = { 0 };
	size_t none = count, a = none, best = none;

	for (size_t i = 0; i < count; i++)
		if (plan[i].kind == CCP_COMPARE_AUTO && (a == none || plan[i].jobs > plan[a].jobs))
			a = i;
	for (size_t i = 0; i < count && a != none; i++)
		if (plan[i].kind == CCP_COMPARE_FIXED && (plan[i].serial || plan[i].jobs == plan[a].jobs) &&
		    (best == none || plan[i].stats.median < plan[best].stats.median))
			best = i;
	if (a == none || best == none)
		return false;
	*regret = (struct ccp_compare_regret){
		.plan = a,
		.best = best,
		.ratio = plan[a].stats.median / plan[best].stats.median,
		.loss_s = plan[a].stats.median - plan[best].stats.median,
		.split = plan[a].twin != a,
	};
	if (regret->split) {
		regret->overhead_s = plan[a].stats.median - plan[plan[a].twin].stats.median;
		regret->choice_s = plan[plan[a].twin].stats.median - plan[best].stats.median;
	}
	walls_of(&plan[a], rounds, mine);
	walls_of(&plan[best], rounds, its);
	ccp_compare_bootstrap(mine, its, rounds, &regret->ratio_low, &regret->ratio_high);
	return true;
}

/* By median, the earlier first if alike; `order` is short, and one at a time is added. */
static void insert(struct ccp_compare_ranking *ranking, const struct ccp_compare_plan *plan, size_t place)
{
	size_t at = place;

	for (; at > 0 && plan[ranking->order[at - 1]].stats.median > plan[place].stats.median; at--)
		ranking->order[at] = ranking->order[at - 1];
	ranking->order[at] = place;
}

void ccp_compare_rank(struct ccp_compare_ranking *ranking, struct ccp_compare_plan *plan, size_t count, size_t rounds,
		      unsigned cpus)
{
	double external = 0, all = 0;

	for (size_t i = 0; i < count; i++) {
		figures(&plan[i], rounds);
		insert(ranking, plan, i);
		for (size_t r = 0; r < rounds; r++) {
			external += plan[i].runs[r].external;
			all += plan[i].runs[r].wall * cpus;
		}
	}
	ranking->best = ranking->order[0];
	for (size_t i = 0; i < count && plan[ranking->best].kind == CCP_COMPARE_REPLAY; i++)
		ranking->best = ranking->order[i];
	for (size_t i = 0; i < count; i++)
		relate(&plan[i], &plan[ranking->best], rounds);
	/* the error of the ratio of two plans that are alike */
	ranking->noise = sqrt(2) * plan[ranking->best].stats.sigma / plan[ranking->best].stats.mean;
	ranking->external = all > 0 ? external / all : 0;
	ranking->has_regret = find_regret(&ranking->regret, plan, count, rounds);
}
