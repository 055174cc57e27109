/*
 * printing.c: the steps around a run of a command that prints.
 *
 * What was printed is written out before the run, because workers may be forked, which would have it, too; at every
 * tick; and after the run. A write that fails is noted, and stops the run.
 */
#include "cmd/printing.h"

#include "cmd/measure.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"

static void write_out(struct ccp_printing *printing)
{
	if (fflush(printing->out) != 0)
		ccp_sum_stop(printing->settings);
}

int ccp_printing_begin(struct ccp_printing *printing, struct ccp_run_options *run, bool at_once)
{
	struct ccp_err err;

	ccp_err_clear(&err);
	if (ccp_measure_begin(run, printing->settings, &err) != 0) {
		ccp_report_error(&printing->report, &err);
		return -1;
	}
	write_out(printing);
	ccp_signals_clean(at_once);
	return 0;
}

void ccp_printing_end(struct ccp_printing *printing)
{
	ccp_signals_clean(false);
	ccp_progress_clear(&printing->report.progress);
	write_out(printing);
}

void ccp_printing_tick(struct ccp_printing *printing, struct ccp_flow *flow, struct ccp_next *next)
{
	pthread_mutex_lock(&printing->report.lock);
	write_out(printing);
	pthread_mutex_unlock(&printing->report.lock);
	ccp_report_tick(&printing->report, flow, next);
}
