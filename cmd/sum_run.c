/*
 * sum_run.c: one run that computes digests. The results lie in the records of inputs; nothing is written.
 *
 * Standard output is the caller's: it prints in the order of the names.
 */
#include <errno.h>
#include <string.h>

#include "cmd/measure.h"
#include "cmd/prepare.h"
#include "cmd/printing.h"
#include "cmd/signals.h"
#include "cmd/sum.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"
#include "pipeline/run.h"
#include "pipeline/sink.h"
#include "strategies/strategies.h"

struct sum_run {
	struct ccp_printing print;
	void (*result)(void *arg, const struct ccp_result *result);
	void *arg;
};

static void on_result(void *arg, const struct ccp_result *result)
{
	struct sum_run *run = arg;

	if (result->err.code == CCP_E_CANCELLED)
		return;
	pthread_mutex_lock(&run->print.report.lock);
	ccp_progress_clear(&run->print.report.progress);
	run->result(run->arg, result);
	pthread_mutex_unlock(&run->print.report.lock);
}

static void on_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	struct sum_run *run = arg;

	ccp_printing_tick(&run->print, flow, next);
}

static void fill(struct ccp_run_options *run, const struct ccp_settings *s, const struct ccp_digest_set *set,
		 struct sum_run *arg)
{
	*run = (struct ccp_run_options){
		.transform = ccp_transform_find(ccp_digest_set_combines(set) ? "checksum" : "digest"),
		.transform_options = { .chunk_bytes = s->chunk_bytes, .digests = set },
		.fetch = s->fetch,
		.source = { .to_stdout = true }, /* links and devices are read like files */
		.sink = ccp_sink_find("record"),
		.report = on_result,
		.tick = on_tick,
		.arg = arg,
		.fault = s->fault,
		.swap_ms = s->swap_ms,
		.inject = s->injects ? &s->inject : NULL,
		.strategies = ccp_strategies,
	};
}

static void tell_summary(const struct ccp_settings *s, const struct ccp_run_summary *summary)
{
	uint64_t inputs = summary->inputs_done + summary->inputs_skipped + summary->inputs_failed;
	double seconds = (double)summary->wall_ns / 1e9;
	char in[CCP_SIZE_TEXT], time[CCP_SIZE_TEXT], speed[CCP_SIZE_TEXT];

	if (!s->verbose || s->gnu || s->explain || s->progress == CCP_PROGRESS_JSON)
		return;
	fprintf(stderr, "%s: %llu file%s, %s, %s", s->program, (unsigned long long)inputs, inputs == 1 ? "" : "s",
		ccp_text_size(summary->bytes_in, in), ccp_text_seconds(seconds, time));
	if (seconds > 0)
		fprintf(stderr, ", %s/s", ccp_text_size((uint64_t)((double)summary->bytes_in / seconds), speed));
	fprintf(stderr, "; %llu skipped, %llu failed\n", (unsigned long long)summary->inputs_skipped,
		(unsigned long long)summary->inputs_failed);
}

/* The run itself, which is planned. Returns 0, or an exit status after a message. */
static int go(struct ccp_run_options *run, struct ccp_settings *s, struct sum_run *arg)
{
	struct ccp_run_summary summary = { 0 };
	struct ccp_err err;
	int result, status = 0;

	ccp_err_clear(&err);
	if (ccp_printing_begin(&arg->print, run, true) != 0)
		return CCP_EXIT_FAILED;
	result = ccp_run(run, &summary, &err);
	ccp_printing_end(&arg->print);
	if (result != 0 && ccp_signals_caught() == 0 && err.code != CCP_E_CANCELLED)
		ccp_report_error(&arg->print.report, &err);
	else if (result == 0)
		tell_summary(s, &summary);
	if (ccp_measure_end(run, s, s->sum.runs++, result == 0) != 0 || result != 0)
		status = CCP_EXIT_FAILED;
	return status;
}

int ccp_sum_run(struct ccp_settings *s, const struct ccp_walk_options *walk, const struct ccp_digest_set *set,
		void (*result)(void *arg, const struct ccp_result *result), void *arg)
{
	struct sum_run sum = { .print = { .settings = s, .out = stdout }, .result = result, .arg = arg };
	struct ccp_run_options run;
	int status;

	ccp_report_init(&sum.print.report, s);
	fill(&run, s, set, &sum);
	run.walk = *walk;
	run.walk.follow = true;
	run.unordered = s->unordered != 0 && walk->urls; /* --check needs the order of its list */
	sum.print.report.run = &run;
	status = ccp_prepare_plan(&run, s);
	if (status == 0) {
		ccp_report_plan(&sum.print.report, &run.plan);
		if (!s->explain || run.plan.automatic) /* a plan that was said by hand has just been told */
			status = go(&run, s, &sum);
	}
	ccp_report_release(&sum.print.report);
	return status;
}
