/*
 * stats.c: the command stats: count, sum, mean, deviation and quantiles of the numbers in a field of all
 * inputs together.
 *
 * --max-mem is halved between the chunks under way and what is kept of keys and values.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "cmd/commands.h"
#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/stats.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"
#include "pipeline/plan_internal.h"

#define STDIN_NAME "standard input"
#define CHUNKS_LEAST ((uint64_t)8 << 20) /* of --max-mem, before the table has any */

struct stats {
	struct ccp_settings *settings;
	struct ccp_stats_options options;
	struct ccp_stats_collector collector;
	struct ccp_stats_quantiles quantiles;
	uint64_t memory;       /* of keys and values */
	char chunk_memory[32]; /* what is left of --max-mem */
	bool broken;           /* the table is not whole */
};

/* ---- collecting ---------------------------------------------------------------------------------- */

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct stats *stats = arg;

	(void)input, (void)err;
	ccp_stats_collector_begin(&stats->collector);
	return 0;
}

static const char *name_of(const struct ccp_input *input)
{
	return input->is_stdin ? STDIN_NAME : input->path;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct stats *stats = arg;
	int result = ccp_stats_collector_take(&stats->collector, name_of(input), part, err);

	stats->broken |= result < 0;
	return result;
}

/* If there is something wrong with the input, all that came before counts, but no record that was cut short. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct stats *stats = arg;

	if (failed)
		ccp_join_clear(&stats->collector.join);
	if (stats->broken)
		return 0;
	return ccp_stats_collector_end(&stats->collector, name_of(input), err);
}

/* ---- settings ------------------------------------------------------------------------------------ */

/* Reads a field: a number, or the name of one. Returns 0, or an exit status after a message. */
static int settle_field(const struct ccp_settings *s, const char *option, const char *text, uint32_t *number,
			const char **name)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
		if (value == 0 || value > UINT32_MAX - 1)
			return ccp_usage_error(s, "--%s: '%s' is not a number from 1 on", option, text);
		*number = (uint32_t)value;
		return 0;
	}
	if (!s->stats.header)
		return ccp_usage_error(s, "--%s: '%s' is not a number from 1 on; names need --header", option, text);
	*name = text;
	return 0;
}

static int settle_quantiles(struct stats *stats)
{
	const struct ccp_settings *s = stats->settings;
	const char *text = s->stats.quantiles != NULL ? s->stats.quantiles : "0.5,0.9,0.99";
	struct ccp_stats_quantiles *q = &stats->quantiles;

	if (strcmp(text, "none") == 0)
		return 0;
	for (const char *at = text;; at++) {
		char *end;
		double p = strtod(at, &end);

		if (end == at || !(p >= 0 && p <= 1) || (*end != ',' && *end != '\0'))
			return ccp_usage_error(s, "--quantiles: '%s' is not none, nor numbers from 0 to 1 with commas "
						  "between", text);
		if (q->count == CCP_STATS_QUANTILES)
			return ccp_usage_error(s, "--quantiles: more than %d", CCP_STATS_QUANTILES);
		q->p[q->count++] = p;
		at = end;
		if (*end == '\0')
			break;
	}
	stats->options.values = true;
	return 0;
}

/* Returns 0, or an exit status after a message. */
static int settle(struct stats *stats)
{
	struct ccp_settings *s = stats->settings;
	const struct ccp_stats_settings *t = &s->stats;
	struct ccp_stats_options *o = &stats->options;
	int status;

	if (s->json && t->to_csv)
		return ccp_usage_error(s, "--json and --to-csv exclude each other");
	if (t->tsv && (t->csv || t->separated))
		return ccp_usage_error(s, "--tsv excludes --csv and -t");
	status = ccp_settings_refuse_names(s, "-0");
	if (status != 0)
		return status;
	o->mode = t->csv ? CCP_STATS_CSV : t->tsv || t->separated ? CCP_STATS_BYTE : CCP_STATS_BLANKS;
	o->separator = (uint8_t)(t->separated ? t->separator : t->tsv ? '\t' : t->csv ? ',' : ' ');
	o->header = t->header;
	o->grouped = t->by != NULL;
	status = settle_field(s, "field", t->field != NULL ? t->field : "1", &o->columns.field, &o->field_name);
	if (status == 0 && t->by != NULL)
		status = settle_field(s, "by", t->by, &o->columns.by, &o->by_name);
	if (status == 0)
		status = settle_quantiles(stats);
	if (getrandom(&o->seed, sizeof o->seed, 0) != (ssize_t)sizeof o->seed)
		o->seed = (uint64_t)(uintptr_t)stats;
	return status;
}

/* What of the memory is whose, and what processes share. */
static int settle_host(struct stats *stats, struct ccp_err *err)
{
	struct ccp_settings *s = stats->settings;
	struct ccp_host host;
	uint64_t budget, chunks;

	ccp_host_read(&host);
	if (ccp_plan_parse_budget(s->plan.max_mem, &host, &budget, err) != 0)
		return -1;
	chunks = budget / 2;
	if (chunks < CHUNKS_LEAST)
		chunks = budget < CHUNKS_LEAST ? budget : CHUNKS_LEAST;
	stats->memory = budget - chunks;
	if (s->plan.max_mem != NULL) {
		snprintf(stats->chunk_memory, sizeof stats->chunk_memory, "%llu", (unsigned long long)chunks);
		s->plan.max_mem = stats->chunk_memory;
	}
	if (stats->options.field_name != NULL || stats->options.by_name != NULL) {
		void *shared = mmap(NULL, sizeof *stats->options.told, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (shared == MAP_FAILED)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory that processes share");
		stats->options.told = shared;
	}
	return 0;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static int tell(const struct stats *stats, const struct ccp_err *err)
{
	if (err->code == CCP_E_USAGE)
		return ccp_usage_error(stats->settings, "%s", err->text);
	fprintf(stderr, "%s: stats: %s\n", stats->settings->program, err->text);
	return CCP_EXIT_FAILED;
}

/* Tells of what is no number. Returns the exit status. */
static int warn_invalid(const struct stats *stats, int status)
{
	const struct ccp_stats_collector *c = &stats->collector;
	uint64_t invalid = 0;

	if (c->invalid_name == NULL)
		return status;
	for (uint32_t i = 0; i < c->table.count; i++)
		invalid += c->table.group[i].invalid;
	fflush(stdout);
	if (!stats->settings->quiet) {
		fprintf(stderr, "%s: ", stats->settings->program);
		strcmp(c->invalid_name, STDIN_NAME) == 0 ? (void)fputs(STDIN_NAME, stderr)
							 : ccp_text_path(stderr, c->invalid_name);
		fprintf(stderr, ": at byte %llu: not a number%s", (unsigned long long)c->invalid_at,
			invalid > 1 ? "; it is the first of " : "\n");
		if (invalid > 1)
			fprintf(stderr, "%llu\n", (unsigned long long)invalid);
	}
	return status == CCP_EXIT_OK ? CCP_EXIT_WARNING : status;
}

static int go(struct stats *stats)
{
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("stats"),
		.fold_options = &stats->options,
		.collector = { on_begin, on_take, on_end, stats },
	};
	struct ccp_stats_collector *c = &stats->collector;
	struct ccp_err err;
	int status;

	ccp_err_clear(&err);
	if (settle_host(stats, &err) != 0 ||
	    ccp_stats_collector_init(c, &stats->options, stats->memory, &err) != 0)
		return tell(stats, &err);
	status = ccp_look(stats->settings, &look);
	if (status == CCP_EXIT_USAGE || stats->settings->explain || stats->broken || ccp_signals_caught() != 0)
		return status;
	if (ccp_stats_table_finish(&c->table, &err) != 0 ||
	    ccp_stats_print(stats->settings, &c->table, &stats->quantiles, &err) != 0)
		return tell(stats, &err);
	return ccp_sum_flush(stats->settings, warn_invalid(stats, status));
}

static int run(struct ccp_settings *settings)
{
	struct stats stats = { .settings = settings };
	int status = settle(&stats);

	if (status == 0)
		status = go(&stats);
	ccp_stats_collector_release(&stats.collector);
	if (stats.options.told != NULL)
		munmap(stats.options.told, sizeof *stats.options.told);
	return status;
}

const struct ccp_command ccp_command_stats = {
	.name = "stats",
	.help = "count, sum up and describe the numbers in a field of files, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_STATS,
	.run = run,
};
