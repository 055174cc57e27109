/*
 * profile_json.c: a profile as JSON, `ccpipe.profile/1`.
 *
 * Times are in seconds and end in _s, rates in bytes a second and end in _Bps; bytes are integers. What is not known is
 * null, and so is what is no number. The reference is testdata/schema/ccpipe.profile-1.schema.json; within /1, members
 * are added and never changed.
 */
#include "cmd/profile_json.h"

#include <inttypes.h>
#include <math.h>

#include "cmd/profile.h"
#include "cmd/text.h"
#include "version.h"

#define NS 1e-9

/* What stands before any value. A line for each member of the whole, and for each element of its lists. */
static void lead(struct ccp_json *json, const char *key)
{
	if (json->comma)
		fputc(',', json->out);
	if (json->depth == 1 || (json->depth == 2 && key == NULL))
		fputc('\n', json->out);
	if (key != NULL)
		fprintf(json->out, "\"%s\":", key);
	json->comma = true;
}

void ccp_json_open(struct ccp_json *json, const char *key, char bracket)
{
	lead(json, key);
	fputc(bracket, json->out);
	json->comma = false;
	json->depth++;
}

void ccp_json_close(struct ccp_json *json, char bracket)
{
	json->depth--;
	fputc(bracket == '{' ? '}' : ']', json->out);
	json->comma = true;
}

void ccp_json_uint(struct ccp_json *json, const char *key, uint64_t value)
{
	lead(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void ccp_json_bool(struct ccp_json *json, const char *key, bool value)
{
	lead(json, key);
	fputs(value ? "true" : "false", json->out);
}

void ccp_json_null(struct ccp_json *json, const char *key)
{
	lead(json, key);
	fputs("null", json->out);
}

void ccp_json_number(struct ccp_json *json, const char *key, double value)
{
	lead(json, key);
	if (isfinite(value))
		fprintf(json->out, "%.12g", value);
	else
		fputs("null", json->out);
}

void ccp_json_known(struct ccp_json *json, const char *key, double value)
{
	ccp_json_number(json, key, value < 0 ? (double)NAN : value);
}

void ccp_json_text(struct ccp_json *json, const char *key, const char *value)
{
	lead(json, key);
	if (value != NULL)
		ccp_text_json(json->out, value);
	else
		fputs("null", json->out);
}

void ccp_json_stages(struct ccp_json *json, const char *key, unsigned stages)
{
	ccp_json_open(json, key, '[');
	for (unsigned stage = 0; stage < CCP_STAGES; stage++)
		if (stages & CCP_STAGE_BIT(stage))
			ccp_json_text(json, NULL, ccp_stage_name((enum ccp_stage)stage));
	ccp_json_close(json, '[');
}

static void write_tool(struct ccp_json *json)
{
	bool openmp = false, liburing = false;

#ifdef CCP_HAVE_OPENMP
	openmp = true;
#endif
#ifdef CCP_HAVE_LIBURING
	liburing = true;
#endif
	ccp_json_open(json, "tool", '{');
	ccp_json_text(json, "version", CCP_VERSION);
	ccp_json_bool(json, "openmp", openmp);
	ccp_json_bool(json, "liburing", liburing);
	ccp_json_close(json, '{');
}

static void write_host(struct ccp_json *json, const struct ccp_host *host)
{
	ccp_json_open(json, "host", '{');
	ccp_json_uint(json, "cpus", host->cpus);
	ccp_json_uint(json, "cpus_online", host->cpus_online);
	ccp_json_uint(json, "cpus_affinity", host->cpus_affinity);
	ccp_json_number(json, "cpu_quota", host->cpu_quota > 0 ? host->cpu_quota : (double)NAN);
	ccp_json_uint(json, "mem_bytes", host->memory);
	if (host->memory_limit > 0)
		ccp_json_uint(json, "mem_limit_bytes", host->memory_limit);
	else
		ccp_json_null(json, "mem_limit_bytes");
	if (host->cgroup > 0)
		ccp_json_uint(json, "cgroup", (unsigned)host->cgroup);
	else
		ccp_json_null(json, "cgroup");
	ccp_json_text(json, "kernel", host->kernel);
	ccp_json_text(json, "cpu_model", host->cpu_model);
	ccp_json_text(json, "simd", host->simd);
	ccp_json_close(json, '{');
}

static void write_run(struct ccp_json *json, const struct ccp_profile *profile)
{
	ccp_json_open(json, "run", '{');
	ccp_json_text(json, "transform", profile->transform);
	ccp_json_text(json, "sink", profile->sink);
	ccp_json_known(json, "wall_s", profile->wall_s);
	ccp_json_known(json, "user_s", profile->user_s);
	ccp_json_known(json, "sys_s", profile->sys_s);
	ccp_json_uint(json, "bytes_in", profile->bytes_in);
	ccp_json_uint(json, "bytes_out", profile->bytes_out);
	ccp_json_uint(json, "chunks", profile->jobs);
	ccp_json_uint(json, "chunks_ahead", profile->ahead);
	ccp_json_uint(json, "chunks_ahead_used", profile->ahead_used);
	ccp_json_uint(json, "inputs_done", profile->inputs_done);
	ccp_json_uint(json, "inputs_skipped", profile->inputs_skipped);
	ccp_json_uint(json, "inputs_failed", profile->inputs_failed);
	ccp_json_uint(json, "peak_rss_bytes", profile->peak_rss);
	ccp_json_uint(json, "buffers_bytes", profile->buffers);
	ccp_json_open(json, "psi", '{');
	ccp_json_known(json, "cpu_some_s", profile->psi_cpu_s);
	ccp_json_known(json, "io_some_s", profile->psi_io_s);
	ccp_json_known(json, "mem_some_s", profile->psi_mem_s);
	ccp_json_close(json, '{');
	ccp_json_known(json, "external_load_cpus", profile->external_load);
	ccp_json_number(json, "throttled_s", (double)profile->throttled_ns * NS);
	ccp_json_known(json, "slots_mean", profile->live_mean);
	ccp_json_uint(json, "slots_max", profile->live_max);
	ccp_json_bool(json, "cancelled", profile->cancelled);
	ccp_json_close(json, '{');
}

static void write_plan(struct ccp_json *json, const struct ccp_plan *plan)
{
	ccp_json_open(json, "plan", '{');
	ccp_json_uint(json, "jobs", plan->jobs);
	ccp_json_uint(json, "window", plan->window);
	ccp_json_uint(json, "max_mem_bytes", plan->max_mem);
	ccp_json_uint(json, "memory_bytes", plan->memory);
	ccp_json_text(json, "why", plan->why);
	ccp_json_open(json, "stages", '[');
	for (int i = 0; i < CCP_STAGES; i++) {
		const struct ccp_stage_plan *stage = &plan->stage[i];

		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "name", ccp_stage_name((enum ccp_stage)i));
		ccp_json_text(json, "strategy", stage->strategy != NULL ? stage->strategy->name : NULL);
		ccp_json_uint(json, "degree", stage->degree);
		ccp_json_uint(json, "exec", stage->exec);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
	ccp_json_close(json, '{');
}

static void write_times(struct ccp_json *json, const char *key, const struct ccp_meter_times *times)
{
	ccp_json_open(json, key, '{');
	ccp_json_known(json, "wall", times->wall * NS);
	ccp_json_known(json, "cpu", times->cpu * NS);
	ccp_json_known(json, "runq", times->runq * NS);
	ccp_json_known(json, "blocked", times->blocked * NS);
	ccp_json_close(json, '{');
}

static void write_stage(struct ccp_json *json, const struct ccp_profile_stage *stage, const char *name)
{
	ccp_json_open(json, NULL, '{');
	ccp_json_text(json, "name", name);
	ccp_json_text(json, "strategy", stage->strategy);
	ccp_json_uint(json, "exec", stage->exec);
	ccp_json_bool(json, "fused_with_previous", stage->fused_with_previous);
	ccp_json_open(json, "degree", '{');
	ccp_json_uint(json, "final", stage->degree);
	ccp_json_uint(json, "max", stage->degree_max);
	ccp_json_known(json, "mean", stage->degree_mean);
	ccp_json_close(json, '{');
	ccp_json_text(json, "class", ccp_class_name(stage->class));
	ccp_json_known(json, "cpu_share", stage->share);
	write_times(json, "time_s", &stage->time);
	ccp_json_uint(json, "chunks", stage->jobs);
	ccp_json_uint(json, "bytes_in", stage->bytes_in);
	ccp_json_uint(json, "bytes_out", stage->bytes_out);
	ccp_json_open(json, "service_s", '{');
	ccp_json_known(json, "p50", stage->p50_ns * NS);
	ccp_json_known(json, "p95", stage->p95_ns * NS);
	ccp_json_known(json, "max", stage->max_ns * NS);
	ccp_json_close(json, '{');
	ccp_json_known(json, "utilisation", stage->utilisation);
	ccp_json_number(json, "rate_alone_Bps", stage->rate_alone > 0 ? stage->rate_alone : (double)NAN);
	ccp_json_close(json, '{');
}

/* The members of a sum over workers. */
static void write_sum(struct ccp_json *json, const struct ccp_meter_sum *sum)
{
	ccp_json_uint(json, "workers", sum->workers);
	ccp_json_known(json, "life_s", sum->life * NS);
	ccp_json_known(json, "cpu_s", sum->life_cpu * NS);
	ccp_json_open(json, "busy_s", '{');
	for (int i = 0; i < CCP_METER_BUSY; i++)
		write_times(json, ccp_meter_state_name((enum ccp_meter_state)i), &sum->busy[i]);
	ccp_json_close(json, '{');
	ccp_json_known(json, "wait_in_s", sum->wait_in * NS);
	ccp_json_known(json, "wait_out_s", sum->wait_out * NS);
	ccp_json_known(json, "parked_s", sum->parked * NS);
	ccp_json_uint(json, "switches_voluntary", sum->switches_vol);
	ccp_json_uint(json, "switches_involuntary", sum->switches_inv);
}

static void write_executors(struct ccp_json *json, const struct ccp_profile *profile)
{
	ccp_json_open(json, "executors", '[');
	for (unsigned i = 0; i < profile->execs && i < CCP_PROFILE_EXECS; i++) {
		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "strategy", profile->exec[i].strategy);
		ccp_json_uint(json, "degree", profile->exec[i].degree);
		ccp_json_stages(json, "stages", profile->exec[i].stages);
		write_sum(json, &profile->exec[i].sum);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
	ccp_json_open(json, "total", '{');
	write_sum(json, &profile->all);
	ccp_json_close(json, '{');
}

static void write_workers(struct ccp_json *json, const struct ccp_profile *profile)
{
	size_t count = 0;
	struct ccp_meter_account *account =
		profile->meter != NULL ? ccp_meter_accounts(profile->meter, &count) : NULL;

	ccp_json_open(json, "workers", '[');
	for (size_t i = 0; i < count; i++, account++) {
		if (atomic_load(&account->strategy) == NULL || atomic_load(&account->begun_ns) == 0)
			continue;
		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "strategy", atomic_load(&account->strategy));
		ccp_json_uint(json, "exec", account->exec);
		ccp_json_uint(json, "number", account->number);
		ccp_json_uint(json, "pid", (unsigned)atomic_load(&account->pid));
		ccp_json_uint(json, "tid", (unsigned)atomic_load(&account->tid));
		ccp_json_bool(json, "loop", account->loop);
		ccp_json_open(json, "time_s", '{');
		for (int s = 0; s < CCP_METER_STATES; s++)
			ccp_json_number(json, ccp_meter_state_name((enum ccp_meter_state)s),
					(double)atomic_load(&account->wall_ns[s]) * NS);
		ccp_json_close(json, '{');
		ccp_json_number(json, "cpu_s", (double)atomic_load(&account->life_cpu_ns) * NS);
		ccp_json_open(json, "chunks", '{');
		for (int s = 0; s < CCP_STAGES; s++)
			ccp_json_uint(json, ccp_stage_name((enum ccp_stage)s), atomic_load(&account->jobs[s]));
		ccp_json_close(json, '{');
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
}

/* A row a tick, [t_s, bytes_in, bytes_out, live slots, cpu_s, degree of read, of work, of write]: there are many. */
static void write_ticks(struct ccp_json *json, const struct ccp_profile *profile)
{
	ccp_json_open(json, "ticks", '[');
	for (unsigned i = 0; i < profile->ticks && i < CCP_PROFILE_TICKS; i++) {
		const struct ccp_tick *tick = &profile->tick[i];

		ccp_json_open(json, NULL, '[');
		ccp_json_number(json, NULL, (double)tick->t_ns * NS);
		ccp_json_uint(json, NULL, tick->bytes_in);
		ccp_json_uint(json, NULL, tick->bytes_out);
		ccp_json_uint(json, NULL, tick->live);
		ccp_json_number(json, NULL, (double)tick->cpu_ns * NS);
		for (int s = 0; s < CCP_STAGES; s++)
			ccp_json_uint(json, NULL, tick->degree[s]);
		ccp_json_close(json, '[');
	}
	ccp_json_close(json, '[');
}

int ccp_profile_write_json(FILE *out, const struct ccp_profile *profile)
{
	struct ccp_json json = { .out = out };
	int slowest = ccp_profile_bottleneck(profile);

	ccp_json_open(&json, NULL, '{');
	ccp_json_text(&json, "schema", CCP_PROFILE_SCHEMA);
	write_tool(&json);
	write_host(&json, &profile->host);
	write_run(&json, profile);
	write_plan(&json, &profile->plan);
	ccp_json_open(&json, "stages", '[');
	for (int i = 0; i < CCP_STAGES; i++)
		write_stage(&json, &profile->stage[i], ccp_stage_name((enum ccp_stage)i));
	ccp_json_close(&json, '[');
	write_executors(&json, profile);
	write_workers(&json, profile);
	ccp_profile_json_auto(&json, profile);
	ccp_json_open(&json, "limit", '{');
	ccp_json_text(&json, "resource", ccp_limit_name(profile->limit));
	ccp_json_text(&json, "bottleneck", slowest >= 0 ? ccp_stage_name((enum ccp_stage)slowest) : NULL);
	ccp_json_number(&json, "ceiling_Bps", profile->ceiling_rate > 0 ? profile->ceiling_rate : (double)NAN);
	ccp_json_text(&json, "text", profile->limit_text);
	ccp_json_close(&json, '{');
	write_ticks(&json, profile);
	ccp_json_close(&json, '{');
	fputc('\n', out);
	return ferror(out) ? -1 : 0;
}
