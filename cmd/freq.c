/*
 * freq.c: the command freq: how often each key occurs in all inputs together.
 *
 * The fold counts the keys of a part; here they are put into one table, with those that begin in one part and end in
 * another. --max-mem is halved between the chunks under way and the table.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "cmd/commands.h"
#include "cmd/freq.h"
#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/sorting.h"
#include "cmd/sum_words.h"
#include "pipeline/fold/freq.h"
#include "pipeline/fold/freq_table.h"
#include "pipeline/plan_internal.h"

#define CHUNKS_LEAST ((uint64_t)40 << 20) /* of --max-mem, before the table has more than the least */

struct freq {
	struct ccp_settings *settings;
	struct ccp_freq_options options;
	struct ccp_freq_want want;
	struct ccp_freq_table *table;
	struct ccp_grep_matcher *matcher;
	struct ccp_join join;      /* the end of a part, as far as it may go on */
	struct ccp_freq_keys keys; /* of that */
	uint64_t memory;           /* of the table */
	char chunk_memory[32];     /* what is left of --max-mem */
	int broken;                /* the table is not whole: `err` says why */
	struct ccp_err err;
};

/* ---- collecting ---------------------------------------------------------------------------------- */

/* Counts the keys of what was joined. */
static int flush_join(struct freq *freq, struct ccp_err *err)
{
	const struct ccp_join *join = &freq->join;
	size_t at = 0;
	int more = 1;

	if (join->len > UINT32_MAX)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "a line or word of more than 4 GiB");
	while (more == 1 && at < join->len) {
		const struct ccp_freq_keys *keys = &freq->keys;

		more = ccp_freq_find(&freq->options, freq->matcher, join->data, join->len, &at, &freq->keys, err);
		if (more < 0)
			return -1;
		for (size_t i = 0; i < keys->count; i++)
			if (ccp_freq_table_key(freq->table, join->data + keys->begin[i], keys->end[i] - keys->begin[i],
					       1, err) != 0)
				return -1;
	}
	ccp_join_clear(&freq->join);
	return 0;
}

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct freq *freq = arg;

	(void)input, (void)err;
	ccp_join_clear(&freq->join);
	return 0;
}

static int take(struct freq *freq, const struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_join_inner inner = ccp_freq_inner(part, &freq->options);

	if (part->from == 0 && (inner.from > 0 || freq->join.len > 0)) {
		int whole = ccp_join_head(&freq->join, part, inner, '\n', err);

		if (whole < 0)
			return -1;
		if (freq->options.by == CCP_FREQ_WORD)
			whole = inner.from < part->len;
		if (whole && flush_join(freq, err) != 0)
			return -1;
	}
	if (ccp_freq_table_part(freq->table, part, err) != 0)
		return -1;
	return part->used == part->len ? ccp_join_tail(&freq->join, part, inner, err) : 0;
}

/* There can be no result. It is no input's fault, and told once. */
static void give_up(struct freq *freq)
{
	freq->broken = 1;
	ccp_run_cancel();
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct freq *freq = arg;

	(void)input, (void)err;
	if (freq->broken)
		return 1;
	if (part->len > 0 && take(freq, part, &freq->err) != 0)
		give_up(freq);
	return freq->broken;
}

/* What has no end ends here; if there is something wrong with the input, all that came before counts. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct freq *freq = arg;

	(void)input, (void)failed, (void)err;
	if (!freq->broken && flush_join(freq, &freq->err) != 0)
		give_up(freq);
	return 0;
}

/* ---- settings ------------------------------------------------------------------------------------ */

/* Returns 0, or an exit status after a message. */
static int settle(struct freq *freq)
{
	struct ccp_settings *s = freq->settings;
	const struct ccp_freq_settings *f = &s->freq;
	struct ccp_freq_options *o = &freq->options;
	int status;

	if (s->json && f->csv)
		return ccp_usage_error(s, "--json and --csv exclude each other");
	if (f->has_separator && f->by != CCP_FREQ_FIELD)
		return ccp_usage_error(s, "-t has no meaning without --by field=N");
	status = ccp_settings_refuse_names(s, "-0");
	if (status != 0)
		return status;
	o->by = (enum ccp_freq_by)f->by;
	o->field = f->field;
	o->by_char = f->has_separator;
	o->separator = f->separator;
	o->fold_case = f->ignore_case;
	freq->want.least = f->least;
	freq->want.top = f->top;
	if (getrandom(o->seed, sizeof o->seed, 0) != (ssize_t)sizeof o->seed)
		o->seed[0] = (uint64_t)(uintptr_t)freq;
	if (o->by == CCP_FREQ_REGEX) {
		setlocale(LC_CTYPE, "");
		o->pattern = (struct ccp_grep_pattern){
			.syntax = CCP_GREP_EXTENDED, .text = f->regex, .len = strlen(f->regex),
			.ignore_case = f->ignore_case, .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0, .end = '\n',
		};
	}
	return 0;
}

/* How many threads sort, and what of the memory is whose. */
static int settle_host(struct freq *freq, struct ccp_err *err)
{
	struct ccp_settings *s = freq->settings;
	struct ccp_host host;
	uint64_t budget, chunks;

	ccp_host_read(&host);
	if (ccp_plan_parse_jobs(s->plan.jobs, &host, &freq->want.threads, err) != 0 ||
	    ccp_plan_parse_budget(s->plan.max_mem, &host, &budget, err) != 0)
		return -1;
	freq->want.threads = ccp_sorting_threads(s, freq->want.threads);
	chunks = budget / 2;
	if (chunks < CHUNKS_LEAST)
		chunks = budget < CHUNKS_LEAST ? budget : CHUNKS_LEAST;
	freq->memory = budget - chunks;
	if (s->plan.max_mem == NULL)
		return 0;
	snprintf(freq->chunk_memory, sizeof freq->chunk_memory, "%llu", (unsigned long long)chunks);
	s->plan.max_mem = freq->chunk_memory;
	return 0;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static int tell(const struct freq *freq, const struct ccp_err *err)
{
	if (err->code == CCP_E_USAGE)
		return ccp_usage_error(freq->settings, "%s", err->text);
	fprintf(stderr, "%s: freq: %s\n", freq->settings->program, err->text);
	return CCP_EXIT_FAILED;
}

static int go(struct freq *freq)
{
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("freq"),
		.fold_options = &freq->options,
		.collector = { on_begin, on_take, on_end, freq },
		.stopped = &freq->broken,
	};
	struct ccp_err err;
	int status;

	ccp_err_clear(&err);
	if (freq->options.by == CCP_FREQ_REGEX &&
	    ccp_grep_matcher_new(&freq->matcher, &freq->options.pattern, &err) != 0)
		return tell(freq, &err);
	if (settle_host(freq, &err) != 0 ||
	    ccp_freq_table_new(&freq->table, &freq->options, freq->memory, &err) != 0)
		return tell(freq, &err);
	status = ccp_look(freq->settings, &look);
	if (freq->broken)
		return tell(freq, &freq->err);
	if (status == CCP_EXIT_USAGE || freq->settings->explain || ccp_signals_caught() != 0)
		return status;
	ccp_signals_clean(true);
	if (ccp_freq_table_finish(freq->table, &freq->want, &err) != 0 ||
	    ccp_freq_print(freq->settings, freq->table, &err) != 0)
		status = tell(freq, &err);
	ccp_signals_clean(false);
	return ccp_sum_flush(freq->settings, status);
}

static int run(struct ccp_settings *settings)
{
	struct freq freq = { .settings = settings };
	int status = settle(&freq);

	if (status == 0)
		status = go(&freq);
	ccp_freq_table_free(freq.table);
	ccp_join_free(&freq.join);
	if (freq.matcher != NULL)
		ccp_grep_matcher_free(freq.matcher);
	return status;
}

const struct ccp_command ccp_command_freq = {
	.name = "freq",
	.help = "count equal words, lines, fields or matches in files, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_FREQ,
	.run = run,
};
