/*
 * model.c: how long a number of jobs takes under a plan.
 *
 * A straight pipeline moves at the rate of its tightest limit. The limits, each in ns a job, are
 *
 *   each set of workers   (C + B) / degree         C, B: CPU and blocked time of its stages
 *   an event loop         C, for it is one thread, and (C + B) / operations at once
 *   the CPUs              sum of C / CPUs
 *   a stage in order      (C + B) / k              k: jobs that the order lets in at once
 *
 * The time is the start of the workers and the first touch of their buffers, the jobs times the largest limit, and the
 * time that one job takes to run through. What a queue or an event loop costs is added to C of the stages beside it; a
 * stage with more workers than CPUs pays for the crowd.
 *
 * Source: operational analysis as in Kuchnik et al., "Plumber", MLSys 2022, in closed form because the pipeline has no
 * branches; Goetz et al., "Java Concurrency in Practice", 8.2, for the number of threads.
 */
#include <math.h>

#include "pipeline/auto/decide_internal.h"

#define SHARED_NS 1e3   /* a job of any pool, fused or not: locks and wakes */
#define CROWDED 0.08    /* CPU time that is lost to caches and switches if far more workers than CPUs want to run */
#define TIME_MAX 1e15   /* ns: what is longer is taken as this, so that sums stay finite */

/* The plan's stages with what the plan itself costs, and what the machine leaves to it. */
struct load {
	double cpu[CCP_STAGES], blocked[CCP_STAGES];
	double stretch;  /* how much longer CPU time takes, because others run, too */
	double capacity; /* CPUs that this plan gets */
};

static double figure(double value)
{
	return value > 0 ? fmin(value, TIME_MAX) : 0;
}

unsigned ccp_stage_at_once(const struct ccp_facts *facts, enum ccp_stage stage)
{
	unsigned inputs = facts->inputs < 1 ? 1 : facts->inputs > CCP_NO_LIMIT ? CCP_NO_LIMIT : (unsigned)facts->inputs;

	if (!facts->total_known && !facts->stream)
		inputs = CCP_NO_LIMIT; /* the walk goes on */
	switch (stage) {
	case CCP_READ:
		return facts->stream ? 1 : CCP_NO_LIMIT;
	case CCP_WORK:
		return facts->sequential ? inputs : CCP_NO_LIMIT;
	case CCP_WRITE:
		return facts->shared_output ? 1 : inputs;
	}
	return CCP_NO_LIMIT;
}

double ccp_slot_touch(const struct ccp_facts *facts, const struct ccp_vector vector[CCP_STAGES], double page)
{
	double bytes = figure(vector[CCP_READ].bytes), filled = 1;

	if (bytes > 0 && facts->chunk_bytes > 0) /* small files do not touch all of their slot */
		filled = fmin(bytes / (double)facts->chunk_bytes, 1);
	return ceil((double)facts->slot_bytes * filled / 4096) * page;
}

/* The first stage of the workers that carry `stage`; all that is serial is one worker, the caller. */
static unsigned leader(const struct ccp_stage_choice *choice, unsigned stage)
{
	for (unsigned s = 0; s < stage; s++)
		if (choice[s].exec == choice[stage].exec ||
		    (choice[s].kind == CCP_KIND_SERIAL && choice[stage].kind == CCP_KIND_SERIAL))
			return s;
	return stage;
}

static unsigned degree_of(const struct ccp_stage_choice *choice)
{
	return choice->kind == CCP_KIND_SERIAL || choice->degree < 1 ? 1 : choice->degree;
}

static bool is_serial(const struct ccp_stage_choice *choice)
{
	for (unsigned s = 0; s < CCP_STAGES; s++)
		if (choice[s].kind != CCP_KIND_SERIAL)
			return false;
	return true;
}

/* What others leave: CPU time is shared out evenly among all that want to run. */
static void set_capacity(struct load *load, const struct ccp_stage_choice *choice, const struct ccp_facts *facts)
{
	unsigned cpus = facts->cpus < 1 ? 1 : facts->cpus;
	double usable = facts->cpu_quota > 0 && facts->cpu_quota < cpus ? facts->cpu_quota : cpus;
	double runnable = 0;

	for (unsigned s = 0; s < CCP_STAGES; s++)
		if (leader(choice, s) == s)
			runnable += choice[s].kind == CCP_KIND_ASYNC ? 1 : degree_of(&choice[s]);
	/* more threads than CPUs would get a larger share from others; that is no merit of a plan */
	runnable = fmin(runnable, cpus);
	load->stretch = 1;
	load->capacity = usable;
	if (facts->others > 0 && runnable + facts->others > cpus) {
		load->stretch = (runnable + facts->others) / cpus;
		load->capacity = usable * runnable / (runnable + facts->others);
	}
}

static void set_load(struct load *load, const struct ccp_stage_choice *choice, const struct ccp_facts *facts,
		     const struct ccp_vector *vector, const struct ccp_costs *costs)
{
	unsigned cpus = facts->cpus < 1 ? 1 : facts->cpus;

	for (unsigned s = 0; s < CCP_STAGES; s++) {
		load->cpu[s] = vector[s].jobs > 0 ? figure(vector[s].cpu) : 0;
		load->blocked[s] = vector[s].jobs > 0 ? figure(vector[s].blocked) : 0;
	}
	if (is_serial(choice))
		return;
	for (unsigned s = 0; s < CCP_STAGES; s++)
		if (degree_of(&choice[s]) > cpus && choice[s].kind != CCP_KIND_ASYNC)
			load->cpu[s] *= 1 + CROWDED * (1 - (double)cpus / degree_of(&choice[s]));
	load->cpu[CCP_READ] += SHARED_NS;
	for (unsigned s = 0; s < CCP_STAGES; s++)
		if (choice[s].kind == CCP_KIND_ASYNC)
			load->cpu[s] += costs->op;
	for (unsigned s = 0; s + 1 < CCP_STAGES; s++) {
		bool ring = choice[s].kind == CCP_KIND_PROC || choice[s + 1].kind == CCP_KIND_PROC;
		double queue = ring ? costs->ring : costs->handoff;

		if (choice[s].exec == choice[s + 1].exec)
			continue;
		load->cpu[s] += queue / 2; /* one side wakes, the other is woken */
		load->cpu[s + 1] += queue / 2;
	}
}

/* Start of the workers, and first touch of as many slots as there are jobs under way. */
static double start_of(const struct ccp_stage_choice *choice, const struct ccp_facts *facts,
		       const struct ccp_vector *vector, const struct ccp_costs *costs)
{
	double start = 0, page = costs->page;

	if (is_serial(choice))
		return 0; /* its slot was used by the probe */
	for (unsigned s = 0; s < CCP_STAGES; s++)
		if (choice[s].kind == CCP_KIND_PROC)
			page = costs->page_shared;
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		double degree = degree_of(&choice[s]);

		if (leader(choice, s) != s)
			continue;
		start += degree * ccp_slot_touch(facts, vector, page);
		switch (choice[s].kind) {
		case CCP_KIND_OMP:
			start += costs->omp + degree * costs->thread;
			break;
		case CCP_KIND_THREADS:
			start += degree * costs->thread;
			break;
		case CCP_KIND_ASYNC:
			start += costs->loop;
			break;
		case CCP_KIND_PROC:
			start += degree * costs->fork;
			break;
		case CCP_KIND_SERIAL:
		case CCP_KINDS:
			break;
		}
	}
	return start;
}

/*
 * Workers that wait by turns do not always leave the CPUs just one job each: near the point where both limits are the
 * same, the two together are slower than either. The norm's exponent is 3 if all is waiting, and grows without end as
 * the waits go. With 20 ms of waiting and 3.4 ms of CPU on 2 CPUs it is within 10 % of what 8 to 32 workers reached.
 */
static double meet(const struct ccp_stage_choice *choice, double cpu, double blocked, double of_cpus)
{
	double of_workers = (cpu + blocked) / degree_of(choice);
	double larger = fmax(of_workers, of_cpus), smaller = fmin(of_workers, of_cpus);
	double waits = cpu + blocked > 0 ? blocked / (cpu + blocked) : 0;

	if (waits < 0.01 || larger <= 0 || degree_of(choice) == 1)
		return larger;
	return larger * pow(1 + pow(smaller / larger, 3 / waits), waits / 3);
}

/* The tightest limit. Units: ns a job. */
static double limit_of(const struct load *load, const struct ccp_stage_choice *choice, const struct ccp_facts *facts)
{
	double cpus_limit = (load->cpu[CCP_READ] + load->cpu[CCP_WORK] + load->cpu[CCP_WRITE]) / load->capacity;
	double limit = cpus_limit;

	for (unsigned s = 0; s < CCP_STAGES; s++) {
		unsigned at_once = ccp_stage_at_once(facts, (enum ccp_stage)s);
		double cpu = 0, blocked = 0;

		if (at_once != CCP_NO_LIMIT)
			limit = fmax(limit, (load->cpu[s] * load->stretch + load->blocked[s]) / at_once);
		if (leader(choice, s) != s)
			continue;
		for (unsigned t = s; t < CCP_STAGES; t++)
			if (leader(choice, t) == s) {
				cpu += load->cpu[t] * load->stretch;
				blocked += load->blocked[t];
			}
		limit = fmax(limit, meet(&choice[s], cpu, blocked, cpus_limit));
		if (choice[s].kind == CCP_KIND_ASYNC)
			limit = fmax(limit, cpu);
	}
	return limit;
}

double ccp_predict(const struct ccp_stage_choice choice[CCP_STAGES], const struct ccp_facts *facts,
		   const struct ccp_vector vector[CCP_STAGES], double chunks, const struct ccp_costs *costs)
{
	struct load load;
	double through = 0;

	chunks = figure(chunks);
	set_load(&load, choice, facts, vector, costs);
	set_capacity(&load, choice, facts);
	for (unsigned s = 0; s < CCP_STAGES; s++)
		through += load.cpu[s] * load.stretch + load.blocked[s];
	double limit = limit_of(&load, choice, facts);
	double time = chunks * limit;

	if (leader(choice, CCP_WORK) == 0 && leader(choice, CCP_WRITE) == 0)
		time = fmax(time, fmin(chunks, 1) * through);
	else /* the last stage begins when the first job arrives */
		time += fmin(chunks, 1) * fmax(through - limit, 0);
	return start_of(choice, facts, vector, costs) + time;
}
