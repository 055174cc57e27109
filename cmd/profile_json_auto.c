/*
 * profile_json_auto.c: what auto knew, measured, decided and changed, as JSON: the member "auto" of a profile.
 */
#include <math.h>

#include "cmd/profile_json.h"

#define NS 1e-9

static void write_facts(struct ccp_json *json, const struct ccp_facts *facts)
{
	static const char *const file_systems[] = { "unknown", "local", "memory", "remote" }; /* enum ccp_fs */
	unsigned fs = (unsigned)facts->fs < sizeof file_systems / sizeof file_systems[0] ? (unsigned)facts->fs : 0;

	ccp_json_open(json, "facts", '{');
	ccp_json_uint(json, "cpus", facts->cpus);
	ccp_json_number(json, "cpu_quota", facts->cpu_quota > 0 ? facts->cpu_quota : (double)NAN);
	ccp_json_uint(json, "others", facts->others);
	ccp_json_uint(json, "mem_budget_bytes", facts->mem_budget);
	ccp_json_uint(json, "slot_bytes", facts->slot_bytes);
	ccp_json_uint(json, "state_bytes", facts->state_bytes);
	ccp_json_uint(json, "slots", facts->slots);
	ccp_json_uint(json, "total_bytes", facts->total_bytes);
	ccp_json_uint(json, "inputs", facts->inputs);
	ccp_json_bool(json, "total_known", facts->total_known);
	ccp_json_uint(json, "chunk_bytes", facts->chunk_bytes);
	ccp_json_bool(json, "stream", facts->stream);
	ccp_json_text(json, "fs", file_systems[fs]);
	ccp_json_known(json, "cached", facts->cached);
	ccp_json_bool(json, "sequential", facts->sequential);
	ccp_json_bool(json, "shared_output", facts->shared_output);
	ccp_json_bool(json, "isolate", facts->isolate);
	ccp_json_open(json, "can", '[');
	for (int i = 0; i < CCP_KINDS; i++)
		if (facts->can[i])
			ccp_json_text(json, NULL, ccp_kind_name((enum ccp_kind)i));
	ccp_json_close(json, '[');
	ccp_json_bool(json, "async_ring", facts->async_ring);
	ccp_json_close(json, '{');
}

static void write_probe(struct ccp_json *json, const struct ccp_profile *profile)
{
	static const char *const stops[] = { "none", "input ended", "time", "blocked", "long" }; /* ccp_probe_stop */
	unsigned stop = (unsigned)profile->probe_stop;

	if (stop >= sizeof stops / sizeof stops[0])
		stop = 0;
	ccp_json_open(json, "probe", '{');
	ccp_json_text(json, "stop", stops[stop]);
	ccp_json_uint(json, "chunks", profile->probe_jobs);
	ccp_json_uint(json, "workers", profile->probe_workers);
	ccp_json_known(json, "wall_s", profile->probe_s);
	ccp_json_close(json, '{');
	ccp_json_open(json, "vectors", '[');
	for (int i = 0; i < CCP_STAGES; i++) {
		const struct ccp_vector *vector = &profile->probe_vector[i];

		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "stage", ccp_stage_name((enum ccp_stage)i));
		ccp_json_uint(json, "chunks", vector->jobs);
		ccp_json_known(json, "cpu_s", vector->cpu * NS);
		ccp_json_known(json, "runq_s", vector->runq * NS);
		ccp_json_known(json, "blocked_s", vector->blocked * NS);
		ccp_json_known(json, "bytes", vector->bytes);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
}

static void write_decision(struct ccp_json *json, const char *key, const struct ccp_decision *decision)
{
	char text[200];

	ccp_decision_text(decision, text, sizeof text);
	ccp_json_open(json, key, '{');
	ccp_json_text(json, "plan", text);
	ccp_json_uint(json, "window", decision->window);
	ccp_json_number(json, "predicted_s", decision->predicted_ns > 0 ? decision->predicted_ns * NS : (double)NAN);
	ccp_json_number(json, "predicted_chunks_per_s",
			decision->predicted_rate > 0 ? decision->predicted_rate : (double)NAN);
	ccp_json_number(json, "serial_s", decision->serial_ns > 0 ? decision->serial_ns * NS : (double)NAN);
	ccp_json_open(json, "stages", '[');
	for (int i = 0; i < CCP_STAGES; i++) {
		const struct ccp_stage_choice *choice = &decision->stage[i];

		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "name", ccp_stage_name((enum ccp_stage)i));
		ccp_json_text(json, "strategy", ccp_kind_name(choice->kind));
		ccp_json_uint(json, "degree", choice->degree);
		ccp_json_uint(json, "exec", choice->exec);
		ccp_json_text(json, "class", ccp_class_name(choice->class));
		ccp_json_known(json, "cpu_share", choice->share);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
	ccp_json_close(json, '{');
}

static void write_reason(struct ccp_json *json, const char *key, const struct ccp_reason *reason)
{
	bool of_stage = reason->stage >= 0 && reason->stage < CCP_STAGES;
	char text[200];

	ccp_reason_text(reason, text, sizeof text);
	ccp_json_open(json, key, '{');
	ccp_json_text(json, "code", ccp_reason_name(reason->code));
	ccp_json_text(json, "stage", of_stage ? ccp_stage_name((enum ccp_stage)reason->stage) : NULL);
	ccp_json_number(json, "value", reason->value);
	ccp_json_number(json, "threshold", reason->threshold);
	ccp_json_text(json, "text", text);
	ccp_json_close(json, '{');
}

static void write_changes(struct ccp_json *json, const struct ccp_profile *profile)
{
	ccp_json_open(json, "changes", '[');
	for (unsigned i = 0; i < profile->changes && i < CCP_PROFILE_CHANGES; i++) {
		const struct ccp_change *change = &profile->change[i];

		ccp_json_open(json, NULL, '{');
		ccp_json_number(json, "t_s", (double)change->t_ns * NS);
		ccp_json_stages(json, "stages", change->stages);
		ccp_json_text(json, "from", change->from[0] != '\0' ? change->from : NULL);
		ccp_json_text(json, "to", change->to);
		ccp_json_number(json, "rate_before_Bps", change->rate_before > 0 ? change->rate_before : (double)NAN);
		ccp_json_number(json, "rate_after_Bps", change->rate_after > 0 ? change->rate_after : (double)NAN);
		ccp_json_number(json, "elasticity", change->elasticity);
		if (change->judged)
			ccp_json_bool(json, "kept", change->kept);
		else
			ccp_json_null(json, "kept");
		write_reason(json, "reason", &change->reason);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
}

void ccp_profile_json_auto(struct ccp_json *json, const struct ccp_profile *profile)
{
	const struct ccp_decision *decision = &profile->decision;
	bool asked = profile->automatic || profile->replayed;

	ccp_json_open(json, "auto", '{');
	ccp_json_text(json, "mode", profile->replayed ? "plan" : profile->automatic ? "auto" : "fixed");
	if (asked)
		write_facts(json, &profile->facts);
	else
		ccp_json_null(json, "facts");
	write_probe(json, profile);
	if (profile->decided) {
		write_decision(json, "decision", decision);
		write_decision(json, "final", &profile->final);
	} else {
		ccp_json_null(json, "decision");
		ccp_json_null(json, "final");
	}
	ccp_json_open(json, "reasons", '[');
	for (unsigned i = 0; profile->decided && i < decision->reasons && i < CCP_DECISION_REASONS; i++)
		write_reason(json, NULL, &decision->reason[i]);
	ccp_json_close(json, '[');
	ccp_json_open(json, "alternatives", '[');
	for (unsigned i = 0; profile->decided && i < decision->rejects && i < CCP_DECISION_OTHERS; i++) {
		ccp_json_open(json, NULL, '{');
		ccp_json_text(json, "plan", decision->rejected[i].plan);
		ccp_json_known(json, "predicted_s", decision->rejected[i].predicted_ns * NS);
		ccp_json_close(json, '{');
	}
	ccp_json_close(json, '[');
	write_changes(json, profile);
	ccp_json_close(json, '{');
}
