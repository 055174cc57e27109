/*
 * profile_help.h: a profile made by hand, as a run of gzip on 2 CPUs might leave it: omp x2 for all stages, after an
 * event loop had the reading for a while; one worker process. Every figure is known, so that reports can be compared
 * with them.
 */
#ifndef CCP_TESTS_UNIT_PROFILE_HELP_H
#define CCP_TESTS_UNIT_PROFILE_HELP_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/profile.h"
#include "strategies/strategies.h"

#define PROFILE_BEGUN_NS 1000000000
#define PROFILE_SPANS 64 /* of an account */

static const struct ccp_strategy_ops *profile_strategy(const char *name)
{
	for (size_t i = 0; ccp_strategies[i] != NULL; i++)
		if (strcmp(ccp_strategies[i]->name, name) == 0)
			return ccp_strategies[i];
	return NULL;
}

static void profile_add_span(struct ccp_meter_account *account, int64_t begin_ns, uint64_t length_ns,
			     enum ccp_meter_state state, uint64_t seq, bool overlaps)
{
	uint64_t n = atomic_load(&account->span_count);

	account->spans[n] = (struct ccp_span){ .begin_ns = (uint64_t)(PROFILE_BEGUN_NS + begin_ns), .seq = seq,
					       .length_ns = length_ns, .state = (uint8_t)state,
					       .bytes = seq != UINT64_MAX ? 262144 : 0, .overlaps = overlaps };
	atomic_store(&account->span_count, n + 1);
}

static struct ccp_meter_account *profile_add_account(struct ccp_profile *profile, const char *strategy, unsigned exec,
						     unsigned number)
{
	struct ccp_meter_account *account = ccp_meter_open(profile->meter, strategy, exec, number);

	cr_assert(account != NULL && account->spans != NULL);
	atomic_store(&account->begun_ns, PROFILE_BEGUN_NS);
	atomic_store(&account->since_ns, PROFILE_BEGUN_NS + 3410000000);
	atomic_store(&account->ended_ns, PROFILE_BEGUN_NS + 3410000000);
	atomic_store(&account->pid, (int)getpid());
	atomic_store(&account->tid, (int)getpid() + (int)(exec * 10 + number));
	for (int i = 0; i < CCP_METER_STATES; i++)
		atomic_store(&account->wall_ns[i], (uint64_t)(i + 1) * 100000000);
	return account;
}

static void profile_add_workers(struct ccp_profile *profile)
{
	struct ccp_meter_account *account;
	struct ccp_err err;

	cr_assert(ccp_meter_new(&profile->meter, PROFILE_SPANS, &err) == 0);
	account = profile_add_account(profile, "omp", 0, 0);
	profile_add_span(account, -5000, 10000, CCP_METER_HUB, UINT64_MAX, false);
	profile_add_span(account, 100000, 50000, CCP_METER_READ, 0, false);
	profile_add_span(account, 150000, 302100, CCP_METER_WORK, 0, false);
	profile_add_span(account, 452100, 30000, CCP_METER_WAIT_IN, UINT64_MAX, false);
	account = profile_add_account(profile, "omp", 0, 1);
	profile_add_span(account, 300000, 150000, CCP_METER_WORK, 1, false);
	profile_add_span(account, 500000, 9000, CCP_METER_WRITE, 0, false);
	account = profile_add_account(profile, "async", 1, 0);
	account->loop = true;
	profile_add_span(account, 10000, 90000, CCP_METER_READ, 2, true);
	profile_add_span(account, 20000, 60000, CCP_METER_READ, 3, true);
	account = profile_add_account(profile, "proc", 2, 0);
	atomic_store(&account->pid, 2147480000); /* no process can have it */
	for (int i = 0; i < PROFILE_SPANS; i++)
		profile_add_span(account, i * 1000, 900, CCP_METER_WORK, (uint64_t)i + 100, false);
	atomic_store(&account->span_count, PROFILE_SPANS + 6);
	ccp_meter_open(profile->meter, "threads", 3, 0); /* never began */
}

static void profile_set_stage(struct ccp_profile *profile, enum ccp_stage number, double wall_s, double share,
			      enum ccp_class class, double p50_us, double rate_alone)
{
	struct ccp_profile_stage *stage = &profile->stage[number];

	*stage = (struct ccp_profile_stage){
		.strategy = "omp", .degree = 2, .degree_max = 2, .degree_mean = 2, .class = class, .share = share,
		.time = { wall_s * 1e9, wall_s * 1e9 * share * 0.98, wall_s * 1e9 * 0.02,
			  wall_s * 1e9 * (0.98 - share * 0.98) },
		.jobs = 4096, .bytes_in = 1073741824, .bytes_out = 222298112, .p50_ns = p50_us * 1e3,
		.p95_ns = p50_us * 1.13e3, .max_ns = p50_us * 4e3, .utilisation = wall_s / 6.8,
		.rate_alone = rate_alone, .fused_with_previous = number != CCP_READ,
	};
}

static void profile_set_decision(struct ccp_decision *decision)
{
	*decision = (struct ccp_decision){ .window = 6, .predicted_ns = 3.38e9, .predicted_rate = 1212,
					   .serial_ns = 6.6e9, .reasons = 3, .rejects = 2 };
	for (int i = 0; i < CCP_STAGES; i++)
		decision->stage[i] = (struct ccp_stage_choice){ CCP_KIND_OMP, 2, 0, CCP_CLASS_CPU, 0.97 };
	decision->reason[0] = (struct ccp_reason){ CCP_WHY_CPU_SHARE, CCP_WORK, 0.97, 0.8 };
	decision->reason[1] = (struct ccp_reason){ CCP_WHY_CPUS, CCP_WORK, 2, (double)NAN };
	decision->reason[2] = (struct ccp_reason){ CCP_WHY_PREDICTED, -1, 3.38, 6.6 };
	decision->rejected[0] = (struct ccp_rejected){ "threads x2", 3.37e9 };
	decision->rejected[1] = (struct ccp_rejected){ "serial", 6.6e9 };
}

static void profile_set_auto(struct ccp_profile *profile)
{
	profile->automatic = profile->decided = true;
	profile->facts = (struct ccp_facts){
		.cpus = 2, .others = 1, .mem_budget = 536870912, .slot_bytes = 524288, .state_bytes = 65536,
		.slots = 64, .total_bytes = 1073741824, .inputs = 3, .total_known = true, .chunk_bytes = 262144,
		.fs = CCP_FS_LOCAL, .cached = 0.98, .can = { true, true, true, true, false }, .async_ring = true,
	};
	profile->probe_stop = CCP_PROBE_TIME;
	profile->probe_jobs = 9;
	profile->probe_workers = 1;
	profile->probe_s = 0.0051;
	for (int i = 0; i < CCP_STAGES; i++)
		profile->probe_vector[i] = (struct ccp_vector){ 8, 302e3, 2e3, 9e3, 262144 };
	profile_set_decision(&profile->decision);
	profile->final = profile->decision;
	profile->changes = 2;
	profile->change[0] = (struct ccp_change){
		.t_ns = 1200000000, .stages = CCP_STAGE_BIT(CCP_READ), .from = "threads x2", .to = "threads x4",
		.rate_before = 410e6, .rate_after = 418e6, .elasticity = 0.03, .judged = true,
		.reason = { CCP_WHY_INELASTIC, CCP_READ, 0.03, 0.15 },
	};
	profile->change[1] = (struct ccp_change){
		.t_ns = 2200000000, .from = "window 6", .to = "window 3", .elasticity = (double)NAN,
		.reason = { CCP_WHY_MEMORY_PRESSURE, -1, 0.07, 0.05 },
	};
}

static struct ccp_profile *profile_make(void)
{
	struct ccp_profile *profile = calloc(1, sizeof *profile);
	struct ccp_meter_sum *sum;

	cr_assert(profile != NULL);
	profile->host = (struct ccp_host){ .cpus_online = 2, .cpus_affinity = 2, .cpus = 2, .memory = 25276502016,
					   .cgroup = 2, .kernel = "6.1", .cpu_model = "a \"CPU\"", .simd = "avx2" };
	profile->plan = (struct ccp_plan){ .jobs = 2, .window = 64, .max_mem = 536870912, .memory = 14680064,
					   .why = "strategy and workers as they were given" };
	for (int i = 0; i < CCP_STAGES; i++)
		profile->plan.stage[i] = (struct ccp_stage_plan){ profile_strategy("threads"), 2, 0 };
	profile->transform = "gzip";
	profile->sink = "file";
	profile->begun_ns = PROFILE_BEGUN_NS;
	profile->wall_s = 3.41;
	profile->user_s = 6.31;
	profile->sys_s = 0.21;
	profile->bytes_in = 1000000000;
	profile->bytes_out = 212000000;
	profile->jobs = 4096;
	profile->inputs_done = 3;
	profile->peak_rss = 19922944;
	profile->buffers = 14680064;
	profile->psi_cpu_s = 0.1;
	profile->psi_io_s = -1;
	profile->external_load = 0.1;
	profile->live_mean = 5.2;
	profile->live_max = 6;
	profile_set_stage(profile, CCP_READ, 0.75, 0.985, CCP_CLASS_CPU, 36, 7.1e9);
	profile_set_stage(profile, CCP_WORK, 5.9, 0.985, CCP_CLASS_CPU, 302, 0.305e9);
	profile_set_stage(profile, CCP_WRITE, 0.1, 0.06, CCP_CLASS_WAIT_OPAQUE, 9, 21e9);
	profile->execs = 1;
	profile->exec[0] = (struct ccp_profile_exec){ .strategy = "omp", .degree = 2, .stages = 7 };
	sum = &profile->exec[0].sum;
	sum->workers = 2;
	for (int i = 0; i < CCP_STAGES; i++)
		sum->busy[i] = profile->stage[i].time;
	sum->busy[CCP_METER_HUB] = (struct ccp_meter_times){ 3e7, 3e7, 0, 0 };
	sum->wait_in = 2e7;
	sum->wait_out = 1e7;
	profile->all = *sum;
	profile->ticks = 3;
	for (unsigned i = 0; i < 3; i++)
		profile->tick[i] = (struct ccp_tick){ i * 1000000000ull, i * 300000000ull, i * 60000000ull, i * 1200,
						      i * 1900000000ull, 5, { 2, 2, 2 }, { 0, 0, 0 } };
	profile_set_auto(profile);
	profile->limit = CCP_LIMIT_CPU;
	profile->ceiling_rate = 3.05e8;
	snprintf(profile->limit_text, sizeof profile->limit_text,
		 "CPU: 2 of 2 busy 96 %%; at most 1.04x more by tuning; a faster transform or more CPUs would help, "
		 "more workers will not");
	profile_add_workers(profile);
	return profile;
}

static void profile_free(struct ccp_profile *profile)
{
	ccp_meter_free(profile->meter);
	free(profile);
}

#endif
