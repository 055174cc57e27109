/*
 * decide_candidates.c: the plans that are worth a look, each with its degrees, its window and its prediction.
 *
 * Fused pools: one worker for each CPU if all that counts is CPU work, else as many as keep the CPUs busy while others
 * wait: CPUs / CPU share. Staged plans: READ on its own workers, their number by Little's law from the rate that the
 * tightest limit allows. Then each degree is held to what the order of bytes lets run at once, to what pays for its
 * start in the time that is left (the cost n * start + time / n is least at n = sqrt(time / start)), and to memory: the
 * window shrinks down to the number of workers first, then the largest degree.
 */
#include <math.h>
#include <string.h>

#include "pipeline/auto/decide_internal.h"

#define HEADROOM 1.10      /* over Little's law, so that a limit is reached in spite of uneven jobs ... */
#define HEADROOM_WAITS 0.9 /* ... and so much more if they do nothing but wait: waits do not come by turns */
#define PROC_WRITERS_MAX 4u

static void because(struct ccp_candidate *candidate, enum ccp_reason_code code, int stage, double value,
		    double threshold)
{
	if (candidate->reasons < CCP_CANDIDATE_REASONS)
		candidate->reason[candidate->reasons++] = (struct ccp_reason){ code, stage, value, threshold };
}

static unsigned minimum(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static uint64_t minimum64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A number of workers from a figure that may be large. */
static unsigned whole(double value)
{
	return value > 1 ? (unsigned)ceil(fmin(value, 1e6)) : 1;
}

static void set_stage(struct ccp_candidate *candidate, unsigned stage, enum ccp_kind kind, unsigned degree,
		      unsigned exec)
{
	candidate->stage[stage] = (struct ccp_stage_choice){ .kind = kind, .degree = degree, .exec = exec };
}

static unsigned slots_of(const struct ccp_facts *facts)
{
	return facts->slots < 1 ? 1 : facts->slots;
}

/* How many slots the budget holds beside the states of WORK's workers. */
static unsigned slots_left(const struct ccp_facts *facts, unsigned states)
{
	uint64_t taken = facts->state_bytes > 0 && states > UINT64_MAX / facts->state_bytes ?
				 UINT64_MAX : states * facts->state_bytes;
	uint64_t left = taken < facts->mem_budget ? facts->mem_budget - taken : 0;

	return (unsigned)minimum64(facts->slot_bytes > 0 ? left / facts->slot_bytes : UINT32_MAX, slots_of(facts));
}

/* The memory that a degree or a window was held by: the budget, or the slots that were made of it. */
static double memory_limit(const struct ccp_facts *facts, unsigned states)
{
	if (slots_left(facts, states) < slots_of(facts))
		return (double)facts->mem_budget;
	return (double)slots_of(facts) * (double)facts->slot_bytes + states * (double)facts->state_bytes;
}

/* Sets the window to what is wished, or less if memory is short. The workers are known to fit. */
static void set_window(const struct ccp_question *question, struct ccp_candidate *candidate, unsigned wish,
		       unsigned states, bool held)
{
	unsigned slots = slots_left(question->facts, states);

	candidate->window = minimum(wish, slots < 1 ? 1 : slots);
	if (candidate->window < wish && !held)
		because(candidate, CCP_WHY_MEMORY, -1, candidate->window, memory_limit(question->facts, states));
}

/* The longest time a job that stages in order need. Units: ns; 0 = none is in order. */
static double order_limit(const struct ccp_question *question)
{
	double limit = 0;

	for (unsigned s = 0; s < CCP_STAGES; s++) {
		unsigned at_once = ccp_stage_at_once(question->facts, (enum ccp_stage)s);

		if (at_once != CCP_NO_LIMIT)
			limit = fmax(limit, question->service[s] / at_once);
	}
	return limit;
}

/* More workers than this cost more to start than they save, or have no job. */
static unsigned worth_starting(const struct ccp_question *question, enum ccp_kind kind, double service)
{
	double start = ccp_slot_touch(question->facts, question->vector, question->costs->page);

	if (kind != CCP_KIND_ASYNC)
		start += question->costs->thread;
	double few = start > 0 ? sqrt(question->chunks * service / start) : question->chunks;

	return minimum(whole(few), whole(question->chunks));
}

static bool only_cpu(const struct ccp_question *question, unsigned first, unsigned last)
{
	for (unsigned s = first; s <= last; s++)
		if (!question->idle[s] && question->class[s] != CCP_CLASS_CPU)
			return false;
	return true;
}

/*
 * The degree of workers that carry the stages from `first` to `last`, before memory is looked at; at least two if they
 * are all stages. `per_job` is the time that other limits impose on a job, 0 if there are none. Notes why.
 */
static unsigned pool_degree(const struct ccp_question *question, struct ccp_candidate *candidate, enum ccp_kind kind,
			    unsigned first, unsigned last, double per_job)
{
	double cpu = 0, service = 0, at_once = 0;
	bool fused = last - first + 1 == CCP_STAGES;
	unsigned least = fused ? 2 : 1;
	int stage = fused ? -1 : (int)first;

	for (unsigned s = first; s <= last; s++) {
		cpu += question->cpu[s];
		service += question->service[s];
		at_once += ccp_stage_at_once(question->facts, (enum ccp_stage)s);
	}
	bool all_cpu = kind == CCP_KIND_OMP || only_cpu(question, first, last);
	double share = service > 0 ? cpu / service : 1;
	double headroom = HEADROOM + HEADROOM_WAITS * (1 - share);
	unsigned degree = all_cpu ? question->cpus : whole(question->cpus / fmax(share, 1e-6) * (2 - share));
	struct ccp_reason why = { all_cpu ? CCP_WHY_CPUS : CCP_WHY_GOETZ, stage, 0, all_cpu ? 0 : share };

	degree = minimum(degree, CCP_DEGREE_MAX);
	unsigned useful = per_job > 0 ? whole(fmin(headroom * service / per_job, at_once)) : degree;
	if (useful < degree && degree > least) {
		degree = useful < least ? least : useful;
		why.code = CCP_WHY_LITTLE;
		why.threshold = 1e9 / per_job;
	}
	unsigned worth = worth_starting(question, kind, service);
	if (worth < degree && degree > least) {
		degree = worth < least ? least : worth;
		why.code = CCP_WHY_FEW_LEFT;
		why.threshold = question->chunks * service / 1e9;
	}
	why.value = degree;
	because(candidate, why.code, why.stage, why.value, why.threshold);
	return degree;
}

/* All stages in one pool. False if two workers are too many for it. */
static bool make_fused(const struct ccp_question *question, enum ccp_kind kind, struct ccp_candidate *candidate)
{
	const struct ccp_facts *facts = question->facts;

	memset(candidate, 0, sizeof *candidate);
	double order = order_limit(question);
	unsigned degree = pool_degree(question, candidate, kind, CCP_READ, CCP_WRITE, order), wish = degree;

	while (degree > 1 && slots_left(facts, degree) < degree)
		degree--;
	if (degree < 2 || question->chunks < 2)
		return false;
	if (degree < wish)
		because(candidate, CCP_WHY_MEMORY, -1, degree, memory_limit(facts, wish));
	for (unsigned s = 0; s < CCP_STAGES; s++)
		set_stage(candidate, s, kind, degree, 0);
	set_window(question, candidate, 2 * degree + 2, degree, degree < wish);
	candidate->rank = 2 * (unsigned)kind;
	return true;
}

/* Little's law: how many jobs are in a stage at the rate that all limits together allow. */
static unsigned little_degree(const struct ccp_question *question, struct ccp_candidate *candidate, enum ccp_kind kind,
			      unsigned stage, double per_job)
{
	unsigned at_once = ccp_stage_at_once(question->facts, (enum ccp_stage)stage);
	unsigned most = minimum(at_once, CCP_DEGREE_MAX);
	double service = question->service[stage];

	if (question->class[stage] == CCP_CLASS_CPU && kind != CCP_KIND_ASYNC)
		most = minimum(most, question->cpus);
	double waits = service > 0 ? 1 - question->cpu[stage] / service : 0;
	unsigned degree =
		minimum(most, per_job > 0 ? whole((HEADROOM + HEADROOM_WAITS * waits) * service / per_job) : 1);
	unsigned worth = worth_starting(question, kind, service);

	if (worth < degree) {
		because(candidate, CCP_WHY_FEW_LEFT, (int)stage, worth, question->chunks * service / 1e9);
		return worth;
	}
	because(candidate, CCP_WHY_LITTLE, (int)stage, degree, per_job > 0 ? 1e9 / per_job : 0);
	return degree;
}

/* Takes workers away, of the largest degree first, WORK's last, until they fit. False if one each is too many. */
static bool fit_memory(const struct ccp_question *question, struct ccp_candidate *candidate, unsigned degree[],
		       unsigned execs)
{
	unsigned work = candidate->stage[CCP_WORK].exec;
	bool held = false;

	for (;;) {
		unsigned sum = 0, largest = work, states = degree[work];

		for (unsigned e = 0; e < execs; e++) {
			sum += degree[e];
			if (degree[e] > degree[largest] || (largest == work && degree[e] == degree[work]))
				largest = e;
		}
		if (sum <= slots_left(question->facts, states)) {
			if (held)
				because(candidate, CCP_WHY_MEMORY, -1, sum, memory_limit(question->facts, states + 1));
			set_window(question, candidate, sum + 2 * (execs - 1) + states + 2, states, held);
			return true;
		}
		if (degree[largest] == 1)
			return false;
		degree[largest]--;
		held = true;
	}
}

/*
 * READ on workers of its own. WRITE stays with WORK, or has its own, too. False if it does not fit the memory, or would
 * be a team of one.
 */
static bool make_staged(const struct ccp_question *question, enum ccp_kind reader, enum ccp_kind worker,
			bool own_writer, struct ccp_candidate *candidate)
{
	unsigned writer = own_writer ? 2 : 1, degree[CCP_STAGES] = { 1, 1, 1 };
	double queues = question->costs->handoff * writer;
	double per_job = (question->cpu_sum + queues) / question->cpus;

	memset(candidate, 0, sizeof *candidate);
	if (slots_left(question->facts, 1) < writer + 1)
		return false;
	per_job = fmax(per_job, order_limit(question));
	for (unsigned s = 0; s < CCP_STAGES; s++)
		per_job = fmax(per_job, question->service[s] / CCP_DEGREE_MAX);
	set_stage(candidate, CCP_READ, reader, 1, 0);
	set_stage(candidate, CCP_WORK, worker, 1, 1);
	set_stage(candidate, CCP_WRITE, own_writer ? CCP_KIND_THREADS : worker, 1, writer);
	degree[0] = little_degree(question, candidate, reader, CCP_READ, per_job);
	degree[1] = pool_degree(question, candidate, worker, CCP_WORK, own_writer ? CCP_WORK : CCP_WRITE, per_job);
	if (own_writer)
		degree[2] = little_degree(question, candidate, CCP_KIND_THREADS, CCP_WRITE, per_job);
	if (!fit_memory(question, candidate, degree, writer + 1) || (worker == CCP_KIND_OMP && degree[1] < 2))
		return false;
	for (unsigned s = 0; s < CCP_STAGES; s++)
		candidate->stage[s].degree = degree[candidate->stage[s].exec];
	candidate->rank = 2 * (unsigned)reader + 1;
	return true;
}

static double predict(const struct ccp_question *question, const struct ccp_candidate *candidate)
{
	return ccp_predict(candidate->stage, question->facts, question->vector, question->chunks, question->costs);
}

void ccp_candidate_serial(const struct ccp_question *question, struct ccp_candidate *candidate)
{
	memset(candidate, 0, sizeof *candidate);
	for (unsigned s = 0; s < CCP_STAGES; s++)
		set_stage(candidate, s, CCP_KIND_SERIAL, 1, 0);
	candidate->window = 1;
	candidate->predicted_ns = predict(question, candidate);
}

void ccp_candidate_proc(const struct ccp_question *question, struct ccp_candidate *candidate)
{
	unsigned at_once = minimum(ccp_stage_at_once(question->facts, CCP_WORK), question->cpus);
	unsigned writers = minimum(ccp_stage_at_once(question->facts, CCP_WRITE), PROC_WRITERS_MAX);
	unsigned degree[CCP_STAGES] = { at_once, minimum(writers, question->cpus), 1 };

	memset(candidate, 0, sizeof *candidate);
	if (at_once == question->cpus)
		because(candidate, CCP_WHY_CPUS, CCP_WORK, at_once, 0);
	for (unsigned s = 0; s < CCP_STAGES; s++)
		set_stage(candidate, s, s == CCP_WRITE ? CCP_KIND_THREADS : CCP_KIND_PROC, 1, s == CCP_WRITE);
	if (!fit_memory(question, candidate, degree, 2)) /* one each: --isolate is not up to the budget */
		candidate->window = minimum(2, slots_of(question->facts));
	for (unsigned s = 0; s < CCP_STAGES; s++)
		candidate->stage[s].degree = degree[candidate->stage[s].exec];
	candidate->rank = 2 * CCP_KIND_PROC;
	candidate->predicted_ns = predict(question, candidate);
}

unsigned ccp_candidates_make(const struct ccp_question *question, struct ccp_candidate *candidate)
{
	const struct ccp_facts *facts = question->facts;
	bool cpu_work = !question->idle[CCP_WORK] && question->class[CCP_WORK] == CCP_CLASS_CPU;
	bool reads_wait = !question->idle[CCP_READ] && question->class[CCP_READ] != CCP_CLASS_CPU;
	bool writes_wait = !question->idle[CCP_WRITE] && question->class[CCP_WRITE] != CCP_CLASS_CPU;
	bool in_order = !question->idle[CCP_READ] && (facts->sequential || facts->stream);
	unsigned count = 0;

	ccp_candidate_serial(question, &candidate[count++]);
	if (facts->can[CCP_KIND_OMP] && only_cpu(question, CCP_READ, CCP_WRITE))
		count += make_fused(question, CCP_KIND_OMP, &candidate[count]);
	if (facts->can[CCP_KIND_THREADS])
		count += make_fused(question, CCP_KIND_THREADS, &candidate[count]);
	for (enum ccp_kind reader = CCP_KIND_THREADS; reader <= CCP_KIND_ASYNC; reader++) {
		bool polled = question->class[CCP_READ] == CCP_CLASS_WAIT_POLL;
		bool ring = question->class[CCP_READ] == CCP_CLASS_WAIT_FILE && facts->async_ring;

		if ((!reads_wait && !in_order) || question->chunks < 2 || !facts->can[reader])
			continue;
		if (reader == CCP_KIND_ASYNC && !polled && !ring)
			continue;
		for (enum ccp_kind worker = CCP_KIND_OMP; worker <= CCP_KIND_THREADS; worker++) {
			if (!facts->can[worker] || (worker == CCP_KIND_OMP && !cpu_work))
				continue;
			if (worker == CCP_KIND_THREADS || only_cpu(question, CCP_WORK, CCP_WRITE))
				count += make_staged(question, reader, worker, false, &candidate[count]);
			if (writes_wait && facts->can[CCP_KIND_THREADS])
				count += make_staged(question, reader, worker, true, &candidate[count]);
		}
	}
	for (unsigned i = 1; i < count; i++)
		candidate[i].predicted_ns = predict(question, &candidate[i]);
	return count;
}
