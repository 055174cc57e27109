/* test_meter_parts.c: CPU, run queue and blocked are what the worker really did, sampled or not. */
#include "tests/unit/meter_help.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "pipeline/meter_internal.h"

TestSuite(parts, .init = open_meter, .fini = close_meter);

/* One worker thread of a test: `jobs` times WORK, which burns or sleeps. */
struct worker {
	pthread_t thread;
	struct ccp_meter_account *account;
	unsigned jobs;
	uint64_t burn_ns, nap_ns;
	unsigned nap_every; /* 0 = never */
	bool read_first;    /* each job is burnt in READ too, without naps */
	int cpu;            /* to be pinned to, or -1 */
	uint64_t cpu_ns;    /* result: of the thread */
};

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t begun = thread_cpu();

	if (w->cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((unsigned)w->cpu, &set);
		sched_setaffinity(0, sizeof set, &set);
	}
	ccp_meter_mark(w->account, CCP_METER_HUB);
	for (unsigned i = 0; i < w->jobs; i++) {
		struct ccp_job job = a_job(i);

		if (w->read_first) {
			ccp_meter_mark(w->account, CCP_METER_READ);
			burn(w->burn_ns);
			ccp_meter_mark_job(w->account, CCP_METER_HUB, CCP_READ, &job);
		}
		ccp_meter_mark(w->account, CCP_METER_WORK);
		if (w->burn_ns > 0)
			burn(w->burn_ns);
		if (w->nap_every > 0 && i % w->nap_every == w->nap_every - 1)
			nap(w->nap_ns);
		ccp_meter_mark_job(w->account, CCP_METER_HUB, CCP_WORK, &job);
	}
	ccp_meter_close(w->account);
	w->cpu_ns = thread_cpu() - begun;
	return NULL;
}

static void start(struct worker *w, unsigned number)
{
	w->account = ccp_meter_open(meter, "threads", 0, number);
	cr_assert_eq(pthread_create(&w->thread, NULL, work, w), 0);
}

static struct ccp_meter_sum run(struct worker w)
{
	struct ccp_meter_sum sum;

	start(&w, 0);
	pthread_join(w.thread, NULL);
	sum = read_all();
	expect_whole(&sum);
	cr_assert_float_eq(sum.life_cpu, (double)w.cpu_ns, (double)w.cpu_ns * 0.02 + 3e6);
	return sum;
}

Test(parts, burning_is_cpu)
{
	struct ccp_meter_sum sum = run((struct worker){ .jobs = 20, .burn_ns = 5 * MS, .cpu = -1 });
	struct ccp_meter_times *t = &sum.busy[CCP_METER_WORK];

	cr_assert_geq(t->cpu, 100 * MS * 0.98);
	cr_assert_leq(t->cpu, 100 * MS * 1.05);
	cr_assert_leq(t->blocked, t->wall * 0.05);
	cr_assert_geq(t->cpu + t->runq, t->wall * 0.9);
}

Test(parts, sleeping_is_blocked)
{
	struct ccp_meter_sum sum = run((struct worker){ .jobs = 20, .nap_ns = 3 * MS, .nap_every = 1, .cpu = -1 });
	struct ccp_meter_times *t = &sum.busy[CCP_METER_WORK];

	cr_assert_geq(t->blocked, (t->wall - t->runq) * 0.8, "%f of %f", t->blocked, t->wall);
	cr_assert_geq(t->blocked, 20 * 3 * MS * 0.8);
	cr_assert_leq(t->cpu, t->wall * 0.1);
	cr_assert_geq(sum.switches_vol, 20);
}

Test(parts, a_full_cpu_is_run_queue)
{
	struct worker w[4];
	cpu_set_t set;
	int cpu = 0;

	cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
	while (!CPU_ISSET((unsigned)cpu, &set))
		cpu++;
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct worker){ .jobs = 40, .burn_ns = MS, .nap_ns = 0, .cpu = cpu };
		start(&w[i], i);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(w[i].thread, NULL);

	struct ccp_meter_sum sum = read_all();
	struct ccp_meter_times *t = &sum.busy[CCP_METER_WORK];

	expect_whole(&sum);
	cr_assert_eq(sum.workers, 4);
	cr_assert_geq(t->runq, t->wall * 0.4, "%f of %f", t->runq, t->wall);
	cr_assert_leq(t->blocked, t->wall * 0.1);
	cr_assert_float_eq(t->cpu, 160.0 * MS, 16.0 * MS);
}

/* What a hypervisor takes looks as if the thread had blocked, but for the switch that a call that blocks makes. */
Test(parts, without_a_switch_nothing_blocked)
{
	static struct ccp_meter_account account = { .own = { .cpu = 1000, .nvcsw = 5 }, .runq_clock = 500 };
	const struct {
		struct ccp_meter_point point;
		uint64_t slept, length;
		struct ccp_meter_parts want;
	} cases[] = {
		{ { 41000, 20500, 5, 0 }, 0, 100000, { 40000, 60000, 0 } },
		{ { 41000, 20500, 6, 0 }, 0, 100000, { 40000, 20000, 40000 } },
		{ { 41000, 20500, 8, 0 }, 3, 100000, { 40000, 60000, 0 } }, /* the waits before it switched */
		{ { 41000, 20500, 9, 0 }, 3, 100000, { 40000, 20000, 40000 } },
		{ { 41000, 500, 5, 0 }, 0, 40900, { 40900, 0, 0 } }, /* what the reading itself takes */
		{ { 41000, 20500, 6, 0 }, 0, 30000, { 30000, 0, 0 } }, /* never more than the wall */
		{ { 41000, 20500, 6, 0 }, 0, 45000, { 40000, 5000, 0 } },
		{ { 1000, 400, 6, 0 }, 0, 10, { 0, 0, 10 } }, /* a clock that stands, one that went back */
		{ { 1000, 500, 5, 0 }, 0, 0, { 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		account.own.slept = cases[i].slept;

		struct ccp_meter_parts got = ccp_meter_divide(&account, &cases[i].point, cases[i].length);

		cr_assert_eq(got.cpu, cases[i].want.cpu, "case %zu", i);
		cr_assert_eq(got.runq, cases[i].want.runq, "case %zu", i);
		cr_assert_eq(got.blocked, cases[i].want.blocked, "case %zu", i);
	}
}

Test(parts, schedstat_is_parsed)
{
	uint64_t cpu = 0, runq = 0;

	cr_assert_eq(ccp_meter_parse_schedstat("873294 67580 2\n", &cpu, &runq), 0);
	cr_assert_eq(cpu, 873294);
	cr_assert_eq(runq, 67580);
	cr_assert_eq(ccp_meter_parse_schedstat("", &cpu, &runq), -1);
	cr_assert_eq(ccp_meter_parse_schedstat("12", &cpu, &runq), -1);
	cr_assert_eq(ccp_meter_parse_schedstat("12 x", &cpu, &runq), -1);
	cr_assert_eq(ccp_meter_parse_schedstat("version 15\n", &cpu, &runq), -1);
}

/* The samples are few, about one of a hundred: what they say is within 10 %, or a little more on a crowded machine. */
Test(parts, tiny_jobs_are_estimated)
{
	struct ccp_meter_sum sum = run((struct worker){ .jobs = 20000, .burn_ns = MS / 50, .cpu = -1 });
	const struct ccp_meter_account *account = ccp_meter_accounts(meter, &(size_t){ 0 });

	cr_assert_lt(account->sampled_ns[CCP_METER_WORK], account->wall_ns[CCP_METER_WORK] / 4, "few are sampled");
	cr_assert_gt(account->sampled_ns[CCP_METER_WORK], 0);
	cr_assert_float_eq(busy_cpu(&sum), sum.life_cpu, sum.life_cpu * 0.1 + crowd(&sum), "%f of %f",
			   busy_cpu(&sum), sum.life_cpu);
	cr_assert_leq(sum.busy[CCP_METER_WORK].blocked, sum.busy[CCP_METER_WORK].wall * 0.05);
}

/*
 * One job of a hundred blocks for a long time, as when a read ahead is used up; the samples miss most of these. The
 * other stage of the same worker must not be taken for one that blocks.
 */
Test(parts, rare_long_blocks_are_not_missed)
{
	struct worker w = { .jobs = 4000, .burn_ns = MS / 100, .nap_ns = 5 * MS, .nap_every = 100, .read_first = true,
			    .cpu = -1 };
	struct ccp_meter_sum sum = run(w);
	struct ccp_meter_times *t = &sum.busy[CCP_METER_WORK], *other = &sum.busy[CCP_METER_READ];

	cr_assert_geq(t->blocked, 40 * 5 * MS * 0.85, "%f of %f", t->blocked, t->wall);
	cr_assert_float_eq(t->cpu, other->cpu, t->wall * 0.1, "they burn the same: %f, %f", t->cpu, other->cpu);
	cr_assert_leq(other->blocked, other->wall * 0.05);
	cr_assert_float_eq(busy_cpu(&sum), sum.life_cpu, sum.life_cpu * 0.15 + crowd(&sum), "%f of %f",
			   busy_cpu(&sum), sum.life_cpu);
}

/* A worker that goes round its stages: each is sampled, whatever the distance of the samples is. */
Test(parts, every_stage_is_sampled)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);
	struct ccp_job job = a_job(0);
	uint64_t before[CCP_STAGES];

	for (unsigned i = 0; i < 30000; i++) {
		if (i == 3000)
			for (unsigned s = 0; s < CCP_STAGES; s++)
				before[s] = account->sampled_ns[s];
		ccp_meter_mark(account, (enum ccp_meter_state)(i % 3));
		for (unsigned j = 0; j < 1000; j++)
			atomic_signal_fence(memory_order_seq_cst);
		ccp_meter_mark_job(account, CCP_METER_HUB, (enum ccp_stage)(i % 3), &job);
	}
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		cr_assert_gt(account->sampled_ns[s], before[s]);
		cr_assert_gt(account->sampled_ns[s], 0);
		cr_assert_lt(account->sampled_ns[s], account->wall_ns[s] / 2);
	}
	cr_assert_gt(account->sampled_ns[CCP_METER_HUB], 0);
	ccp_meter_close(account);
}

Test(parts, cpu_is_what_the_kernel_says)
{
	struct worker w[3] = {
		{ .jobs = 4000, .burn_ns = MS / 100, .cpu = -1 },
		{ .jobs = 30, .burn_ns = 2 * MS, .nap_ns = MS, .nap_every = 2, .cpu = -1 },
		{ .jobs = 500, .burn_ns = MS / 10, .read_first = true, .cpu = -1 },
	};
	uint64_t cpu_ns = 0;
	double life = 0;

	for (unsigned i = 0; i < 3; i++)
		start(&w[i], i);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		cpu_ns += w[i].cpu_ns;
		life += (double)(w[i].account->ended_ns - w[i].account->begun_ns);
	}

	struct ccp_meter_sum sum = read_all();

	expect_whole(&sum);
	cr_assert_float_eq(sum.life, life, 10);
	cr_assert_float_eq(sum.life_cpu, (double)cpu_ns, (double)cpu_ns * 0.02 + 3e6);
	cr_assert_float_eq(busy_cpu(&sum), (double)cpu_ns, (double)cpu_ns * 0.06 + 5e6 + crowd(&sum), "%f of %f",
			   busy_cpu(&sum), (double)cpu_ns);
}
