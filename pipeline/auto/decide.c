/*
 * decide.c: which plan: classes from the vectors, candidates (decide_candidates.c), the least predicted time (model.c),
 * and of all that are hardly slower the simplest.
 *
 * A CPU share of 0.80 means that more threads than CPUs could gain less than a quarter; one of 0.20, that five times
 * as many would be needed. What is waited for comes from the kind of file, because timing cannot tell. Everything that
 * led to the plan is noted as a reason with its numbers.
 *
 * Source: Goetz et al., "Java Concurrency in Practice", 8.2 (threads = CPUs / share).
 */
#include <math.h>
#include <string.h>

#include "pipeline/auto/decide_internal.h"

#define HYSTERESIS 0.05
#define IDLE_SHARE 0.02    /* of all stages' time: below it a stage does not matter */
#define WAITS_SHARE 0.10   /* of all stages' time: below it a stage's waits do not */
#define CACHED_SHARE 0.95
#define STARVED_SHARE 0.90
#define BUSY_SHARE 0.20
#define SLACK_MAX 1.5      /* the absolute slack never lets a plan pass that takes longer than this many times */
#define FEW_JOBS 4         /* the probe wants to see so many */
#define CHUNKS_MAX 1e15

static void because(struct ccp_decision *decision, enum ccp_reason_code code, int stage, double value,
		    double threshold)
{
	if (decision->reasons < CCP_DECISION_REASONS)
		decision->reason[decision->reasons++] = (struct ccp_reason){ code, stage, value, threshold };
}

bool ccp_facts_small(const struct ccp_facts *facts)
{
	return facts->total_known && !facts->isolate && facts->total_bytes <= CCP_SMALL_BYTES &&
	       facts->inputs <= CCP_SMALL_INPUTS;
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

static enum ccp_class wait_kind(const struct ccp_facts *facts, enum ccp_stage stage)
{
	if (stage != CCP_READ)
		return CCP_CLASS_WAIT_OPAQUE;
	if (facts->stream)
		return CCP_CLASS_WAIT_POLL;
	if (facts->fs == CCP_FS_LOCAL && facts->cached < CACHED_SHARE)
		return CCP_CLASS_WAIT_FILE;
	return CCP_CLASS_WAIT_OPAQUE;
}

static bool is_wait(enum ccp_class class)
{
	return class == CCP_CLASS_WAIT_POLL || class == CCP_CLASS_WAIT_FILE || class == CCP_CLASS_WAIT_OPAQUE ||
	       class == CCP_CLASS_STARVED;
}

enum ccp_class ccp_classify(const struct ccp_facts *facts, enum ccp_stage stage, const struct ccp_vector *vector,
			    enum ccp_class previous, double *share)
{
	double cpu = fmax(vector->cpu, 0), blocked = fmax(vector->blocked, 0);
	double cpu_from = CCP_SHARE_CPU, wait_to = CCP_SHARE_WAIT;

	*share = -1;
	if (vector->jobs == 0 || !(cpu + blocked > 0))
		return CCP_CLASS_NONE;
	*share = cpu / (cpu + blocked);
	if (previous == CCP_CLASS_CPU)
		cpu_from -= HYSTERESIS;
	else if (is_wait(previous))
		wait_to += HYSTERESIS;
	else if (previous == CCP_CLASS_MIXED) {
		cpu_from += HYSTERESIS;
		wait_to -= HYSTERESIS;
	}
	if (*share >= cpu_from)
		return CCP_CLASS_CPU;
	return *share <= wait_to ? wait_kind(facts, stage) : CCP_CLASS_MIXED;
}

static void note_class(struct ccp_decision *decision, const struct ccp_facts *facts, int stage, enum ccp_class class,
		       double share)
{
	switch (class) {
	case CCP_CLASS_CPU:
		because(decision, CCP_WHY_CPU_SHARE, stage, share, CCP_SHARE_CPU);
		break;
	case CCP_CLASS_MIXED:
		because(decision, CCP_WHY_MIXED_SHARE, stage, share, 0);
		break;
	case CCP_CLASS_WAIT_POLL:
		because(decision, CCP_WHY_WAIT_SHARE, stage, share, CCP_SHARE_WAIT);
		because(decision, CCP_WHY_POLLABLE, stage, 0, 0);
		break;
	case CCP_CLASS_WAIT_FILE:
		because(decision, CCP_WHY_WAIT_SHARE, stage, share, CCP_SHARE_WAIT);
		because(decision, CCP_WHY_COLD_FILE, stage, facts->cached, CACHED_SHARE);
		break;
	case CCP_CLASS_WAIT_OPAQUE:
		because(decision, CCP_WHY_WAIT_SHARE, stage, share, CCP_SHARE_WAIT);
		because(decision, CCP_WHY_OPAQUE, stage, 0, 0);
		break;
	case CCP_CLASS_NONE:
	case CCP_CLASS_STARVED:
	case CCP_CLASSES:
		break;
	}
}

/* Fills in what follows from the vectors; false if nothing was measured. */
static bool ask(struct ccp_question *question, struct ccp_decision *decision)
{
	memset(question->idle, 0, sizeof question->idle);
	question->cpu_sum = question->service_sum = 0;
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		const struct ccp_vector *vector = &question->vector[s];

		question->class[s] = ccp_classify(question->facts, (enum ccp_stage)s, vector, CCP_CLASS_NONE,
						  &question->share[s]);
		question->cpu[s] = question->class[s] == CCP_CLASS_NONE ? 0 : fmax(vector->cpu, 0);
		question->service[s] = question->cpu[s] +
				       (question->class[s] == CCP_CLASS_NONE ? 0 : fmax(vector->blocked, 0));
		question->cpu_sum += question->cpu[s];
		question->service_sum += question->service[s];
		decision->stage[s].class = question->class[s];
		decision->stage[s].share = question->share[s];
	}
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		double waits = question->service[s] - question->cpu[s];

		question->idle[s] = question->service[s] < IDLE_SHARE * question->service_sum ||
				    (waits > 0 && question->class[s] != CCP_CLASS_CPU &&
				     waits < WAITS_SHARE * question->service_sum);
	}
	return question->service_sum > 0;
}

static void note_classes(struct ccp_decision *decision, const struct ccp_question *question)
{
	double cpu = question->cpu_sum, runq = 0;

	for (unsigned s = 0; s < CCP_STAGES; s++) {
		runq += fmax(question->vector[s].runq, 0);
		note_class(decision, question->facts, (int)s, question->class[s], question->share[s]);
	}
	if (question->facts->others > 0 && runq > BUSY_SHARE * (cpu + runq))
		because(decision, CCP_WHY_BUSY, -1, runq / (cpu + runq), BUSY_SHARE);
}

/* --- the choice -------------------------------------------------------------------------------------------------- */

static void take(struct ccp_decision *decision, const struct ccp_candidate *candidate)
{
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		decision->stage[s].kind = candidate->stage[s].kind;
		decision->stage[s].degree = candidate->stage[s].degree;
		decision->stage[s].exec = candidate->stage[s].exec;
	}
	decision->window = candidate->window;
	for (unsigned i = 0; i < candidate->reasons; i++)
		because(decision, candidate->reason[i].code, candidate->reason[i].stage, candidate->reason[i].value,
			candidate->reason[i].threshold);
}

static void set_prediction(struct ccp_decision *decision, const struct ccp_question *question,
			   const struct ccp_candidate *chosen)
{
	struct ccp_candidate serial;

	ccp_candidate_serial(question, &serial);
	decision->predicted_ns = chosen->predicted_ns;
	decision->serial_ns = serial.predicted_ns;
	if (decision->predicted_ns > 0)
		decision->predicted_rate = question->chunks * 1e9 / decision->predicted_ns;
	if (decision->serial_ns > 0)
		because(decision, CCP_WHY_PREDICTED, -1, decision->predicted_ns / 1e9, decision->serial_ns / 1e9);
}

/* Records the best of those that were not taken. */
static void set_rejected(struct ccp_decision *decision, const struct ccp_candidate *candidate, unsigned count,
			 const struct ccp_candidate *chosen)
{
	bool told[CCP_CANDIDATES_MAX + 1] = { false };
	char taken[sizeof decision->rejected[0].plan];

	ccp_choice_text(chosen->stage, taken, sizeof taken);
	for (;;) {
		unsigned best = count;

		for (unsigned i = 0; i < count; i++)
			if (!told[i] && (best == count || candidate[i].predicted_ns < candidate[best].predicted_ns))
				best = i;
		if (best == count || decision->rejects == CCP_DECISION_OTHERS)
			return;
		told[best] = true;
		struct ccp_rejected *rejected = &decision->rejected[decision->rejects];
		bool known = false;

		ccp_choice_text(candidate[best].stage, rejected->plan, sizeof rejected->plan);
		for (unsigned i = 0; i < decision->rejects && !known; i++)
			known = strcmp(decision->rejected[i].plan, rejected->plan) == 0;
		if (known || strcmp(rejected->plan, taken) == 0) {
			memset(rejected, 0, sizeof *rejected);
			continue;
		}
		rejected->predicted_ns = candidate[best].predicted_ns;
		decision->rejects++;
	}
}

static unsigned find_best(const struct ccp_candidate *candidate, unsigned count)
{
	unsigned best = 0;

	for (unsigned i = 1; i < count; i++)
		if (candidate[i].predicted_ns < candidate[best].predicted_ns)
			best = i;
	return best;
}

/*
 * Whether a plan is as good as the best: within 3 %, or 1 ms unless that is much for so short a run. A plan that is
 * later by the whole slack is not within it: OpenMP's start comes to just that by default.
 */
static bool is_as_good(double time, double best)
{
	if (time <= best * (1 + CCP_TIE_SHARE))
		return true;
	return time - best < CCP_TIE_NS - 1 && time <= best * SLACK_MAX;
}

/* The simplest of those as good as the best; of equally simple ones the first. */
static unsigned find_simplest(const struct ccp_candidate *candidate, unsigned count, double best_ns)
{
	unsigned chosen = count;

	for (unsigned i = 0; i < count; i++)
		if (is_as_good(candidate[i].predicted_ns, best_ns) &&
		    (chosen == count || candidate[i].rank < candidate[chosen].rank))
			chosen = i;
	return chosen;
}

static void choose(struct ccp_decision *decision, const struct ccp_question *question)
{
	struct ccp_candidate candidate[CCP_CANDIDATES_MAX + 1];
	unsigned count = ccp_candidates_make(question, candidate);
	unsigned best = find_best(candidate, count);
	unsigned chosen = find_simplest(candidate, count, candidate[best].predicted_ns);
	const struct ccp_candidate *plan = &candidate[chosen];
	unsigned at_once = ccp_stage_at_once(question->facts, CCP_WORK);

	take(decision, plan);
	set_prediction(decision, question, plan);
	if (plan->predicted_ns > candidate[best].predicted_ns)
		because(decision, CCP_WHY_SIMPLER, -1, plan->predicted_ns / candidate[best].predicted_ns - 1,
			CCP_TIE_SHARE);
	if (chosen == 0 && count > 1)
		because(decision, CCP_WHY_NO_GAIN, -1, 0, CCP_TIE_SHARE);
	if (chosen == 0 && question->cpus == 1)
		because(decision, CCP_WHY_CPUS, -1, 1, 0);
	if (question->facts->sequential)
		because(decision, CCP_WHY_SEQUENTIAL, CCP_WORK, at_once == CCP_NO_LIMIT ? 0 : at_once, 0);
	if (chosen > 0 && plan->stage[CCP_READ].exec == plan->stage[CCP_WRITE].exec)
		because(decision, CCP_WHY_FUSED, -1, question->chunks * question->costs->handoff / 1e9, 0);
	if (chosen > 0 && question->facts->can[CCP_KIND_PROC]) {
		ccp_candidate_proc(question, &candidate[count]);
		double price = candidate[count++].predicted_ns - plan->predicted_ns;

		if (price > 0)
			because(decision, CCP_WHY_PROC_PRICE, -1, price / 1e9, 0);
	}
	set_rejected(decision, candidate, count, &candidate[chosen]);
}

static void stay_serial(struct ccp_decision *decision, const struct ccp_question *question)
{
	struct ccp_candidate serial;

	ccp_candidate_serial(question, &serial);
	take(decision, &serial);
	if (question->service_sum > 0)
		set_prediction(decision, question, &serial);
}

static void isolate(struct ccp_decision *decision, const struct ccp_question *question)
{
	struct ccp_candidate proc;
	unsigned at_once = ccp_stage_at_once(question->facts, CCP_WORK);

	because(decision, CCP_WHY_ISOLATE, CCP_WORK, 0, 0);
	ccp_candidate_proc(question, &proc);
	take(decision, &proc);
	if (question->service_sum > 0)
		set_prediction(decision, question, &proc);
	if (question->facts->sequential)
		because(decision, CCP_WHY_SEQUENTIAL, CCP_WORK, at_once == CCP_NO_LIMIT ? 0 : at_once, 0);
}

/* Whether the source alone takes nearly all of the time of a serial run: no worker can hurry it. */
static bool is_starved(const struct ccp_question *question)
{
	double source = fmax(question->vector[CCP_READ].blocked, 0);

	return question->facts->stream && question->class[CCP_READ] != CCP_CLASS_NONE &&
	       source >= STARVED_SHARE * question->service_sum;
}

void ccp_decide(struct ccp_decision *decision, const struct ccp_facts *facts, enum ccp_probe_stop stop,
		const struct ccp_vector vector[CCP_STAGES], double chunks_left, const struct ccp_costs *costs)
{
	struct ccp_question question = {
		.facts = facts,
		.vector = vector,
		.costs = costs,
		.chunks = chunks_left > 0 ? fmin(chunks_left, CHUNKS_MAX) : 0,
		.cpus = facts->cpus < 1 ? 1 : facts->cpus,
	};
	bool measured;

	memset(decision, 0, sizeof *decision); /* the gaps, too: the same question gives the same bytes */
	measured = ask(&question, decision);
	uint64_t jobs = vector[CCP_WORK].jobs;

	if (ccp_facts_small(facts)) {
		because(decision, CCP_WHY_SMALL, -1, (double)facts->total_bytes, CCP_SMALL_BYTES);
	} else if (stop == CCP_PROBE_END) {
		because(decision, CCP_WHY_DONE_IN_PROBE, -1, 0, 0);
	} else if (!measured && !facts->isolate) {
		because(decision, CCP_WHY_LOW_CONFIDENCE, -1, 0, 0);
	} else {
		/* when the time was up, one chunk was long enough to be measured well */
		if (measured && (stop == CCP_PROBE_LONG || (stop != CCP_PROBE_TIME && jobs < FEW_JOBS)))
			because(decision, CCP_WHY_LOW_CONFIDENCE, -1, (double)jobs, 0);
		note_classes(decision, &question);
		if (facts->isolate) {
			isolate(decision, &question);
			return;
		}
		if (!is_starved(&question)) {
			choose(decision, &question);
			return;
		}
		decision->stage[CCP_READ].class = CCP_CLASS_STARVED;
		because(decision, CCP_WHY_STARVED, CCP_READ, vector[CCP_READ].blocked / question.service_sum,
			STARVED_SHARE);
	}
	stay_serial(decision, &question);
}
