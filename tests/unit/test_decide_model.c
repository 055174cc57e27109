/*
 * test_decide_model.c: the model's figures worked out by hand, and what must hold of every decision, whatever the facts
 * and vectors: a few thousand drawn at random, always the same ones.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/auto/decide.h"

#define DRAWS 5000

TestSuite(decide_model);

/* --- chance ------------------------------------------------------------------------------------------------------ */

struct chance {
	uint64_t state;
};

static unsigned draw(struct chance *chance, unsigned below)
{
	chance->state = chance->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(chance->state >> 33) % below;
}

static bool toss(struct chance *chance)
{
	return draw(chance, 2);
}

/* From 10 ns to 100 ms, every order of magnitude alike; or nothing. */
static double draw_time(struct chance *chance)
{
	return toss(chance) ? pow(10, 1 + draw(chance, 7001) / 1000.0) : 0;
}

struct question {
	struct ccp_facts facts;
	enum ccp_probe_stop stop;
	struct ccp_vector vector[CCP_STAGES];
	double chunks;
};

static void draw_question(struct chance *chance, struct question *q)
{
	memset(q, 0, sizeof *q);
	struct ccp_facts *f = &q->facts;

	f->cpus = 1 + draw(chance, draw(chance, 4) ? 8 : 128);
	f->cpu_quota = draw(chance, 4) ? 0 : 0.5 + draw(chance, 40) / 10.0;
	f->others = draw(chance, 3) ? 0 : draw(chance, 12);
	f->slot_bytes = 4096u << draw(chance, 12);
	f->state_bytes = (uint64_t)draw(chance, 4) << draw(chance, 23);
	f->mem_budget = f->slot_bytes * (1 + draw(chance, 400)) + f->state_bytes * (1 + draw(chance, 80));
	f->slots = 1 + draw(chance, 200);
	f->inputs = toss(chance) ? 1 : 1 + draw(chance, 1000);
	f->chunk_bytes = f->slot_bytes / 2;
	f->total_bytes = (uint64_t)draw(chance, 1u << 30) << draw(chance, 8);
	f->total_known = toss(chance);
	f->stream = !f->total_known && toss(chance);
	f->fs = (enum ccp_fs)draw(chance, 4);
	f->cached = draw(chance, 3) ? draw(chance, 101) / 100.0 : -1;
	f->sequential = !draw(chance, 3);
	f->shared_output = !draw(chance, 3);
	f->isolate = !draw(chance, 8);
	f->async_ring = toss(chance);
	for (int k = 0; k < CCP_KINDS; k++)
		f->can[k] = k == CCP_KIND_SERIAL || draw(chance, 4);
	q->stop = (enum ccp_probe_stop)draw(chance, 5);
	q->chunks = draw(chance, 8) ? pow(10, draw(chance, 6000) / 1000.0) : draw(chance, 3);
	for (int s = 0; s < CCP_STAGES; s++)
		q->vector[s] = (struct ccp_vector){ draw(chance, 12), draw_time(chance), draw_time(chance),
						    draw_time(chance), draw(chance, 1u << 20) };
}

static void decide(const struct question *q, struct ccp_decision *decision)
{
	ccp_decide(decision, &q->facts, q->stop, q->vector, q->chunks, &ccp_costs_default);
}

/* --- what always holds ------------------------------------------------------------------------------------------- */

/* The sum of degrees, an executor counted once; and that stages of one executor agree. */
static unsigned workers_of(const struct ccp_decision *d)
{
	unsigned workers = 0;

	for (int s = 0; s < CCP_STAGES; s++) {
		cr_assert_lt(d->stage[s].exec, CCP_STAGES);
		if (s == 0 || d->stage[s].exec != d->stage[s - 1].exec) {
			workers += d->stage[s].degree;
			for (int t = 0; t < s; t++)
				cr_assert_neq(d->stage[s].exec, d->stage[t].exec, "only neighbours share workers");
			continue;
		}
		cr_assert_eq(d->stage[s].kind, d->stage[s - 1].kind);
		cr_assert_eq(d->stage[s].degree, d->stage[s - 1].degree);
	}
	return workers;
}

static void check_kinds(const struct question *q, const struct ccp_decision *d)
{
	bool fused = d->stage[CCP_READ].exec == d->stage[CCP_WRITE].exec;

	for (int s = 0; s < CCP_STAGES; s++) {
		enum ccp_kind kind = d->stage[s].kind;
		unsigned degree = d->stage[s].degree;

		cr_assert_geq(degree, 1);
		cr_assert_leq(degree, kind == CCP_KIND_OMP || kind == CCP_KIND_PROC ? q->facts.cpus : CCP_DEGREE_MAX);
		cr_assert(!q->facts.isolate ? q->facts.can[kind] : true);
		if (kind == CCP_KIND_SERIAL)
			cr_assert(fused && degree == 1, "serial is the whole pipeline");
		if (kind == CCP_KIND_OMP)
			cr_assert_geq(degree, 2);
		if (kind == CCP_KIND_THREADS && fused)
			cr_assert_geq(degree, 2);
		if (kind == CCP_KIND_ASYNC)
			cr_assert(s == CCP_READ && d->stage[CCP_WORK].exec != d->stage[CCP_READ].exec);
		if (kind == CCP_KIND_PROC)
			cr_assert(s != CCP_WRITE && q->facts.isolate);
	}
	if (d->stage[CCP_READ].kind == CCP_KIND_ASYNC)
		cr_assert(q->facts.stream || q->facts.async_ring);
	if (q->facts.isolate && q->stop != CCP_PROBE_END)
		cr_assert(d->stage[CCP_WORK].kind == CCP_KIND_PROC && d->stage[CCP_READ].kind == CCP_KIND_PROC);
	if (q->facts.stream && !fused)
		cr_assert(d->stage[CCP_READ].kind == CCP_KIND_PROC || d->stage[CCP_READ].degree == 1);
}

static void check_memory(const struct question *q, const struct ccp_decision *d, unsigned workers)
{
	uint64_t needs = d->window * q->facts.slot_bytes + d->stage[CCP_WORK].degree * q->facts.state_bytes;

	cr_assert_geq(d->window, 1);
	cr_assert_leq(d->window, q->facts.slots);
	if (q->facts.isolate && workers == 2) /* there is no smaller plan */
		return;
	cr_assert_geq(d->window, workers);
	cr_assert_leq(needs, q->facts.mem_budget, "%u slots, %u states", d->window, d->stage[CCP_WORK].degree);
}

static void check_prediction(const struct question *q, const struct ccp_decision *d)
{
	struct ccp_stage_choice serial[CCP_STAGES] = { { .degree = 1 }, { .degree = 1 }, { .degree = 1 } };
	double serial_ns = ccp_predict(serial, &q->facts, q->vector, q->chunks, &ccp_costs_default);
	bool told = false;

	for (unsigned i = 0; i < d->reasons; i++)
		told = told || d->reason[i].code == CCP_WHY_PREDICTED;
	cr_assert_eq(told, d->serial_ns > 0);
	if (!told)
		return;
	cr_assert_eq(d->serial_ns, serial_ns);
	cr_assert_eq(d->predicted_ns,
		     ccp_predict(d->stage, &q->facts, q->vector, q->chunks, &ccp_costs_default));
	if (!q->facts.isolate)
		cr_assert_leq(d->predicted_ns, serial_ns * (1 + CCP_TIE_SHARE) + CCP_TIE_NS);
	for (unsigned i = 0; i < d->rejects && !q->facts.isolate; i++) {
		double slack = fmax(d->rejected[i].predicted_ns * CCP_TIE_SHARE, CCP_TIE_NS);

		if (!strstr(d->rejected[i].plan, "proc")) /* that one is for --isolate alone, whatever its time */
			cr_assert_leq(d->predicted_ns, d->rejected[i].predicted_ns + slack, "%s", d->rejected[i].plan);
	}
}

static void check_words(const struct ccp_decision *d)
{
	char plan[sizeof d->rejected[0].plan], text[160];

	ccp_decision_text(d, plan, sizeof plan);
	cr_assert_geq(d->reasons, 1);
	cr_assert_leq(d->reasons, CCP_DECISION_REASONS);
	for (unsigned i = 0; i < d->reasons; i++) {
		cr_assert_neq(d->reason[i].code, CCP_WHY_NONE);
		cr_assert(isfinite(d->reason[i].value) && isfinite(d->reason[i].threshold));
		ccp_reason_text(&d->reason[i], text, sizeof text);
		cr_assert_lt(strlen(text), sizeof text - 1);
	}
	cr_assert_leq(d->rejects, CCP_DECISION_OTHERS);
	for (unsigned i = 0; i < d->rejects; i++) {
		cr_assert_str_neq(d->rejected[i].plan, plan);
		for (unsigned j = 0; j < i; j++) {
			cr_assert_str_neq(d->rejected[i].plan, d->rejected[j].plan);
			cr_assert_geq(d->rejected[i].predicted_ns, d->rejected[j].predicted_ns, "best first");
		}
	}
}

Test(decide_model, whatever_the_question)
{
	struct chance chance = { 20240229 };
	unsigned kinds[CCP_KINDS] = { 0 }, staged = 0;

	for (unsigned i = 0; i < DRAWS; i++) {
		struct question q;
		struct ccp_decision d, again;

		draw_question(&chance, &q);
		decide(&q, &d);
		unsigned workers = workers_of(&d);

		check_kinds(&q, &d);
		if (d.stage[CCP_WORK].kind != CCP_KIND_SERIAL)
			check_memory(&q, &d, workers);
		else
			cr_assert_eq(d.window, 1);
		check_prediction(&q, &d);
		check_words(&d);
		memset(&again, 0xa5, sizeof again);
		decide(&q, &again);
		cr_assert_arr_eq(&d, &again, sizeof d, "draw %u: the same question, another answer", i);
		kinds[d.stage[CCP_WORK].kind]++;
		staged += d.stage[CCP_READ].exec != d.stage[CCP_WRITE].exec;
	}
	/* the draws reach every kind of plan, else they show nothing */
	cr_assert_gt(kinds[CCP_KIND_SERIAL], DRAWS / 20);
	cr_assert_gt(kinds[CCP_KIND_OMP], DRAWS / 50);
	cr_assert_gt(kinds[CCP_KIND_THREADS], DRAWS / 20);
	cr_assert_gt(kinds[CCP_KIND_PROC], DRAWS / 20);
	cr_assert_gt(staged, kinds[CCP_KIND_PROC]);
}

/* --- single figures ---------------------------------------------------------------------------------------------- */

static struct question simple(unsigned cpus)
{
	struct question q = {
		.facts = { .cpus = cpus, .mem_budget = 512u << 20, .slot_bytes = 1u << 20, .slots = 200,
			   .inputs = 16, .total_known = true, .total_bytes = 1u << 30, .chunk_bytes = 1u << 20,
			   .fs = CCP_FS_LOCAL, .cached = 0, .async_ring = true },
		.stop = CCP_PROBE_TIME,
		.vector = { { .jobs = 8, .cpu = 1e5 }, { .jobs = 8, .cpu = 2e6 }, { .jobs = 8, .cpu = 1e4 } },
		.chunks = 1000,
	};

	for (int k = 0; k < CCP_KINDS; k++)
		q.facts.can[k] = true;
	return q;
}

Test(decide_model, longer_waits_never_mean_fewer_threads)
{
	for (unsigned cpus = 1; cpus <= 16; cpus *= 2)
		for (double chunks = 10; chunks < 1e5; chunks *= 10) {
			unsigned before[2] = { 0 }, seen = 0; /* fused, staged */

			for (double blocked = 0; blocked < 1e9; blocked = blocked * 1.07 + 1000) {
				struct question q = simple(cpus);
				struct ccp_decision d;

				q.chunks = chunks;
				q.vector[CCP_READ].blocked = blocked;
				decide(&q, &d);
				bool staged = d.stage[CCP_WRITE].exec != 0;

				if (d.stage[CCP_READ].kind != CCP_KIND_THREADS)
					continue;
				cr_assert_geq(d.stage[0].degree, before[staged], "%u CPUs, %g chunks, %g us", cpus,
					      chunks, blocked / 1e3);
				before[staged] = d.stage[0].degree;
				seen++;
			}
			cr_assert_gt(seen, 50);
			cr_assert_gt(before[0] > before[1] ? before[0] : before[1], cpus < 10 ? cpus : 9);
		}
}

static double predict(const struct question *q, const struct ccp_stage_choice *choice)
{
	return ccp_predict(choice, &q->facts, q->vector, q->chunks, &ccp_costs_default);
}

static struct ccp_stage_choice with(enum ccp_kind kind, unsigned degree, unsigned exec)
{
	return (struct ccp_stage_choice){ .kind = kind, .degree = degree, .exec = exec };
}

#define PLAN(a, b, c) ((struct ccp_stage_choice[]){ a, b, c })
#define FUSED(kind, n) PLAN(with(kind, n, 0), with(kind, n, 0), with(kind, n, 0))

/* Every figure below is in ns and worked out by hand from the default costs: 256 pages a slot at 700 ns. */
Test(decide_model, figures_by_hand)
{
	struct question q = simple(2);
	double slot = 256 * 700.0, job = 2.11e6;

	cr_expect_float_eq(predict(&q, FUSED(CCP_KIND_SERIAL, 1)), 1000 * job, 1);
	cr_expect_float_eq(predict(&q, FUSED(CCP_KIND_THREADS, 2)), 2 * (24e3 + slot) + 500 * (job + 1e3), 1);
	cr_expect_float_eq(predict(&q, FUSED(CCP_KIND_OMP, 2)), 6e6 + 2 * (24e3 + slot) + 500 * (job + 1e3), 1);
	/* the CPUs are the limit, not the 16 threads, which are in each other's way: 8 % * 14 / 16 */
	cr_expect_float_eq(predict(&q, FUSED(CCP_KIND_THREADS, 16)),
			   16 * (24e3 + slot) + 500 * (job * (1 + 0.08 * 14 / 16) + 1e3), 1);
	/* one thread for READ is the limit; a job's way through the rest comes on top */
	q.vector[CCP_READ].blocked = 9e6;
	cr_expect_float_eq(predict(&q, PLAN(with(CCP_KIND_THREADS, 1, 0), with(CCP_KIND_THREADS, 2, 1),
					    with(CCP_KIND_THREADS, 2, 1))),
			   3 * (24e3 + slot) + 1000 * (9.1e6 + 1e3 + 3e3) + (2.01e6 + 3e3), 1);
	/* ten operations at once in one loop */
	cr_expect_float_eq(predict(&q, PLAN(with(CCP_KIND_ASYNC, 10, 0), with(CCP_KIND_THREADS, 2, 1),
					    with(CCP_KIND_THREADS, 2, 1))),
			   60e3 + 2 * 24e3 + 12 * slot + 1000 * (2.11e6 + 1e3 + 600 + 6e3) / 2 +
				   (9e6 + 2.11e6 + 1e3 + 600 + 6e3) - (2.11e6 + 1e3 + 600 + 6e3) / 2,
			   0.25 * 1000 * 1.06e6); /* waits do not come by turns */
	/* worker processes, shared memory */
	cr_expect_float_eq(predict(&q, PLAN(with(CCP_KIND_PROC, 2, 0), with(CCP_KIND_PROC, 2, 0),
					    with(CCP_KIND_THREADS, 1, 1))),
			   2 * 650e3 + 24e3 + 3 * 256 * 4500.0 + 1000 * (11.1e6 + 1e3 + 3.5e3) / 2 +
				   (11.11e6 + 1e3 + 7e3) - (11.1e6 + 1e3 + 3.5e3) / 2,
			   0.25 * 1000 * 5.55e6);
}

Test(decide_model, limits)
{
	struct question q = simple(4);
	double two = predict(&q, FUSED(CCP_KIND_THREADS, 2)), four = predict(&q, FUSED(CCP_KIND_THREADS, 4));

	cr_expect_lt(four, 0.6 * two);
	q.facts.sequential = true; /* 16 inputs: no matter */
	cr_expect_eq(predict(&q, FUSED(CCP_KIND_THREADS, 4)), four);
	q.facts.inputs = 1;
	cr_expect_gt(predict(&q, FUSED(CCP_KIND_THREADS, 4)), 1000 * 2e6, "WORK of one input goes in order");
	q.facts.total_known = false;
	cr_expect_eq(predict(&q, FUSED(CCP_KIND_THREADS, 4)), four, "more inputs may come");

	q = simple(4);
	q.vector[CCP_WRITE].blocked = 4e6;
	double free_to_write = predict(&q, FUSED(CCP_KIND_THREADS, 8));
	cr_expect_lt(free_to_write, 1000 * 1e6);
	q.facts.shared_output = true;
	cr_expect_gt(predict(&q, FUSED(CCP_KIND_THREADS, 8)), 1000 * 4e6, "one writes at a time");

	q = simple(4);
	q.facts.stream = true;
	q.facts.total_known = false;
	q.vector[CCP_READ].blocked = 3e6;
	cr_expect_gt(predict(&q, FUSED(CCP_KIND_THREADS, 8)), 1000 * 3.1e6, "one reads at a time");

	q = simple(4);
	q.facts.cpu_quota = 1.5;
	cr_expect_gt(predict(&q, FUSED(CCP_KIND_THREADS, 4)), 1000 * 2.11e6 / 1.5);
	q.facts.cpu_quota = 0;
	q.facts.others = 4;
	cr_expect_gt(predict(&q, FUSED(CCP_KIND_THREADS, 4)), 1.9 * four, "others take half");
	cr_expect_lt(predict(&q, FUSED(CCP_KIND_THREADS, 4)), 2.1 * four);
	q.vector[CCP_READ].blocked = 1e6; /* five want four CPUs: CPU time takes a quarter longer, waits do not */
	cr_expect_float_eq(predict(&q, FUSED(CCP_KIND_SERIAL, 1)), 1000 * (1.25 * 2.11e6 + 1e6), 1);
	q.vector[CCP_READ].blocked = 0;
	q.facts.others = 1;
	cr_expect_eq(predict(&q, FUSED(CCP_KIND_SERIAL, 1)), 1000 * 2.11e6, "there is room for both");
}

/* 1 ms is a lot for a short run: the slack alone never lets a plan pass that takes half as long again. */
Test(decide_model, slack_is_bounded)
{
	struct question q = simple(2);
	struct ccp_decision d;

	q.facts.slot_bytes = 4096;
	q.vector[CCP_WORK].cpu = 1e4;
	q.vector[CCP_READ].blocked = 1e4;
	for (q.chunks = 2; q.chunks < 500; q.chunks++) {
		decide(&q, &d);
		for (unsigned i = 0; i < d.rejects; i++)
			cr_assert_leq(d.predicted_ns, 1.5 * d.rejected[i].predicted_ns, "%s", d.rejected[i].plan);
	}
	cr_assert_neq(d.stage[0].kind, CCP_KIND_SERIAL);
}
