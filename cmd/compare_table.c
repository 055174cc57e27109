/*
 * compare_table.c: the result as a table for people, all times in one unit, best first.
 */
#include "cmd/compare.h"

#include <math.h>
#include <string.h>

#include "cmd/text.h"

#define MIB (1024.0 * 1024)

/* A share as whole per cent, rounded up: "within 3 %". */
static unsigned percent_up(double share)
{
	return (unsigned)ceil(share * 100 - 1e-9);
}

static void print_head(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_plan *plan = &c->plan[c->reference];

	fprintf(out, "compare: %zu plan%s x %zu round%s, inputs %s, %u CPU%s, external CPU load %.1f %%\n",
		c->plan_count, c->plan_count == 1 ? "" : "s", c->round_count, c->round_count == 1 ? "" : "s",
		c->settings->cold ? "cold" : "cached", c->host.cpus, c->host.cpus == 1 ? "" : "s",
		c->ranking.external * 100);
	fprintf(out, "         outputs identical (xxh3 %08x...)\n", (unsigned)(plan->first.digest.high >> 32));
	if (c->rounds_run > c->round_count)
		fprintf(out, "         others used the CPUs: of %zu rounds the quietest count\n", c->rounds_run);
}

static void print_row(FILE *out, const struct ccp_compare *c, size_t place, int width, bool milli)
{
	const struct ccp_compare_plan *plan = &c->plan[place];
	const struct ccp_compare_stats *s = &plan->stats;
	double factor = milli ? 1e3 : 1;
	int digits = milli ? 1 : 3;

	fprintf(out, "%-*s%s%8.*f", width, plan->label, s->noisy > 0 ? " ~" : "  ", digits, s->mean * factor);
	if (c->round_count > 1)
		fprintf(out, " +/- %-7.*f %8.*f %8.*f .. %-8.*f", digits, s->sigma * factor, digits, s->median * factor,
			digits, s->min * factor, digits, s->max * factor);
	fprintf(out, " %8.3f %7.1f  %5.2f", s->user + s->system, (double)s->peak_rss / MIB, s->ratio);
	if (place != c->ranking.best && c->round_count > 1)
		fprintf(out, " +/- %.2f", s->ratio_error);
	fputc('\n', out);
}

static void print_rows(FILE *out, const struct ccp_compare *c)
{
	bool milli = c->plan[c->ranking.best].stats.median < 1;
	int width = 8;

	for (size_t i = 0; i < c->plan_count; i++)
		if (strlen(c->plan[i].label) > (size_t)width)
			width = (int)strlen(c->plan[i].label);
	fprintf(out, "%-*s  %8s", width, milli ? "plan, ms" : "plan, s", c->round_count > 1 ? "mean" : "time");
	if (c->round_count > 1)
		fprintf(out, " +/- sigma   %8s %8s .. %-8s", "median", "min", "max");
	fprintf(out, " %8s %7s   relative\n", "CPU s", "MiB");
	for (size_t i = 0; i < c->plan_count; i++)
		print_row(out, c, c->ranking.order[i], width, milli);
}

void ccp_compare_regret_words(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_regret *regret = &c->ranking.regret;
	double best;

	if (!c->ranking.has_regret)
		return;
	best = c->plan[regret->best].stats.median;
	fprintf(out, "auto takes %.2f times as long as %s", regret->ratio, c->plan[regret->best].label);
	if (c->round_count > 1)
		fprintf(out, " (95 %%: %.2f to %.2f)", regret->ratio_low, regret->ratio_high);
	fprintf(out, ", %+.1f ms", regret->loss_s * 1e3);
	if (regret->split)
		fprintf(out, ": finding out %+.1f ms (%+.1f %%), the choice %+.1f ms (%+.1f %%)",
			regret->overhead_s * 1e3, regret->overhead_s / best * 100, regret->choice_s * 1e3,
			regret->choice_s / best * 100);
	else
		fputs("; finding out and choice cannot be told apart, because auto's plan was not saved", out);
}

static void print_notes(FILE *out, const struct ccp_compare *c)
{
	unsigned noisy = 0, outliers = 0;

	for (size_t i = 0; i < c->plan_count; i++) {
		noisy += c->plan[i].stats.noisy;
		outliers += c->plan[i].stats.outliers;
	}
	if (noisy > 0)
		fprintf(out, "~ %u of %zu runs had company: others used more than %.0f %% of the CPUs\n", noisy,
			c->plan_count * c->round_count, CCP_COMPARE_NOISY_SHARE * 100);
	if (outliers > 0)
		fprintf(out, "%u of %zu runs %s more than 10 standard deviations away from the others\n", outliers,
			c->plan_count * c->round_count, outliers == 1 ? "is" : "are");
	if (c->plan[c->reference].first.status == CCP_EXIT_WARNING)
		fputs("All runs ended with warnings (status 2).\n", out);
}

void ccp_compare_table(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_ranking *ranking = &c->ranking;
	const struct ccp_compare_regret *regret = &ranking->regret;
	unsigned noise = percent_up(ranking->noise);

	print_head(out, c);
	print_rows(out, c);
	print_notes(out, c);
	if (ranking->has_regret) {
		fputs("Regret: ", out);
		ccp_compare_regret_words(out, c);
		fputs(".\n", out);
	}
	fprintf(out, "Best: %s", c->plan[ranking->best].label);
	if (ranking->has_regret && regret->plan != ranking->best)
		fprintf(out, "; auto is within %u %% of %s", percent_up(fmax(regret->ratio - 1, 0)),
			regret->best == ranking->best ? "it" : c->plan[regret->best].label);
	if (c->round_count > 1)
		fprintf(out, ". Differences below %u %% are noise on this machine.\n", noise < 1 ? 1 : noise);
	else
		fputs(". One round cannot tell what is noise: -r 5 or more.\n", out);
}
