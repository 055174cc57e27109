/*
 * run_make.c: all that a run has but executors, in the order in which one part needs the other.
 */
#include <pthread.h>

#include "pipeline/archive/archive.h"
#include "pipeline/claims.h"
#include "pipeline/inject.h"
#include "pipeline/memory.h"
#include "pipeline/meter.h"
#include "pipeline/net/fetch.h"
#include "pipeline/net/url.h"
#include "pipeline/profile.h"
#include "pipeline/run_internal.h"

#define SPANS 16384 /* of each worker, for a trace: half a MiB */

/* A stream is silent: whoever waits for it in the caller still has to tick. */
static void idle(void *arg)
{
	struct ccp_run *run = arg;

	if (pthread_equal(pthread_self(), run->thread))
		ccp_run_tick(run);
}

static int admit(const void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_run_options *options = arg;

	return options->sink->check(&options->sink_options, input, err);
}

static uint64_t target_key(const void *arg, const struct ccp_input *input)
{
	const struct ccp_run_options *options = arg;

	return options->sink->key(&options->sink_options, input);
}

/* For NEXT: asks where to begin with an input, and prepares its carry for that place. */
static uint64_t enter(const void *arg, struct ccp_input *input)
{
	const struct ccp_run_options *options = arg;
	struct ccp_entry entry;

	if (options->find_entry(options->find_arg, input, &entry, &input->err) != 1)
		return 0;
	options->transform->enter(input->carry, &entry);
	return entry.in;
}

/*
 * The arena. auto begins with as many slots as it could ever want; where address space is short it takes an eighth of
 * what there is room for, and leaves the rest to names, threads and states.
 */
static int allocate_slots(struct ccp_run *run, struct ccp_arena_options *shape, struct ccp_err *err)
{
	if (ccp_arena_new(&run->arena, shape, err) == 0)
		return 0;
	while (ccp_run_is_automatic(run) && shape->slots > 1) {
		shape->slots = (shape->slots + 1) / 2;
		if (ccp_arena_new(&run->arena, shape, err) < 0)
			continue;
		if (shape->slots < 16)
			return 0;
		ccp_arena_free(run->arena);
		run->arena = NULL;
		shape->slots /= 8;
		return ccp_arena_new(&run->arena, shape, err);
	}
	return -1;
}

/* What files under way, two each, leave to the meter. */
static unsigned spare_descriptors(const struct ccp_run *run, size_t slots)
{
	uint64_t all = run->options->profile->host.descriptors, taken = CCP_PLAN_DESCRIPTORS + 2 * (uint64_t)slots;

	if (all == 0)
		return CCP_METER_ACCOUNTS;
	return all <= taken ? 0 : all - taken < CCP_METER_ACCOUNTS ? (unsigned)(all - taken) : CCP_METER_ACCOUNTS;
}

/* How many inputs NEXT cuts in turn: as many as can be worked on at the same time. */
static unsigned cuts(const struct ccp_run_options *options, size_t slots)
{
	const struct ccp_plan *plan = &options->plan;
	unsigned most = plan->automatic ? plan->jobs : plan->stage[CCP_WORK].degree;

	if (options->sink->flags & CCP_SINK_SHARED)
		return 1;
	if (most > options->need.cuts)
		most = options->need.cuts;
	return most > slots / 2 ? (unsigned)(slots / 2) : most;
}

/* Whether a name can be a URL. Those of a list are not known yet. */
static bool meets_urls(const struct ccp_walk_options *walk)
{
	if (!walk->urls)
		return false;
	for (size_t i = 0; i < walk->name_count; i++)
		if (ccp_url_kind(walk->names[i]) > CCP_URL_FILE)
			return true;
	return walk->files_from != NULL;
}

/* The same for inputs that come from elsewhere: as many as there is room for, since they come at their own pace. */
static unsigned apart(const struct ccp_run_options *options, size_t slots)
{
	size_t most = slots / 2;

	if (!meets_urls(&options->walk) && !options->archive.wanted)
		return 0;
	/* one output for all: while one input is being cut nobody else may begin, of whatever kind it is */
	if (options->sink->flags & CCP_SINK_SHARED)
		return 0;
	return most < 1 ? 1 : most < CCP_CUTS_MAX ? (unsigned)most : CCP_CUTS_MAX;
}

/* What NEXT is told, but for what depends on how many slots there are. */
static struct ccp_next_options next_options(struct ccp_run *run)
{
	const struct ccp_run_options *options = run->options;

	return (struct ccp_next_options){
		.chunk_bytes = options->need.chunk_bytes,
		.lookahead = options->walk.urls ? options->fetch.depth : 0,
		.only = options->only,
		/* or digests would be told long after their sources are gone: results go out in this order */
		.shared_output = (options->sink->flags & CCP_SINK_SHARED) != 0 ||
				 (options->tee && options->sink_options.remove_source),
		.unordered = options->unordered,
		.source = &run->source,
		.claims = run->claims,
		.target_key = target_key,
		.target_arg = options,
		.refuse = options->sink->flags & CCP_SINK_BY_NAME ? admit : NULL,
		.refuse_arg = options,
		.enter = options->find_entry && options->transform->enter ? enter : NULL,
		.enter_arg = options,
	};
}

/* What inputs come through. */
static int make_source(struct ccp_run *run, struct ccp_err *err)
{
	const struct ccp_run_options *options = run->options;

	if (options->walk.urls && ccp_fetcher_new(&run->fetcher, &options->fetch, err) < 0)
		return -1;
	if (options->archive.wanted && ccp_archive_new(&run->archive, &options->archive, &options->fetch, err) < 0)
		return -1;
	run->source = options->source;
	run->source.fetcher = run->fetcher;
	run->source.archive = run->archive;
	run->source.idle = idle;
	run->source.idle_arg = run;
	if (options->sink->check) {
		run->source.admit = admit;
		run->source.admit_arg = options;
	}
	return 0;
}

static int make_profile(struct ccp_run *run, const struct ccp_arena_options *shape, struct ccp_err *err)
{
	const struct ccp_run_options *options = run->options;
	struct ccp_profile *profile = options->profile;

	if (!profile)
		return 0;
	if (ccp_meter_new(&run->meter, options->trace ? SPANS : 0, err) < 0)
		return -1;
	ccp_meter_limit(run->meter, spare_descriptors(run, shape->slots));
	profile->transform = options->transform->name;
	profile->sink = options->sink->name;
	profile->goes_ahead = options->transform->ahead != NULL;
	profile->sequential = ccp_transform_is_serial(options->transform);
	profile->shared_output = (options->sink->flags & CCP_SINK_SHARED) != 0;
	ccp_profile_begin(profile, &options->plan, run->meter, ccp_arena_bytes(shape) / shape->slots);
	return 0;
}

static int make_flow(struct ccp_run *run, struct ccp_err *err)
{
	const struct ccp_run_options *options = run->options;
	struct ccp_flow_config config = {
		.next = run->next,
		.transform = options->transform,
		.transform_options = &options->transform_options,
		.need = &options->need,
		.fold = options->fold,
		.fold_options = options->fold_options,
		.source_options = &run->source,
		.sink_ops = options->sink,
		.sink_options = &options->sink_options,
		.sink = run->sink,
		.arena = run->arena,
		.claims = run->claims,
		.meter = run->meter,
		.inject = run->inject,
		.tee = options->tee,
		.window = ccp_run_is_automatic(run) ? 1 : 0,
		.unordered = options->unordered,
		.report = options->report,
		.report_arg = options->arg,
	};

	if (ccp_flow_new(&run->flow, &config, err) < 0)
		return -1;
	ccp_next_set_cancel_fd(run->next, ccp_flow_cancel_fd(run->flow));
	return 0;
}

int ccp_run_make(struct ccp_run *run, struct ccp_err *err)
{
	const struct ccp_run_options *options = run->options;
	struct ccp_walk_options walk = options->walk;
	struct ccp_arena_options shape = ccp_arena_shape(&options->need, options->plan.window);
	struct ccp_next_options next;

	shape.shared = options->plan.forks || options->swap_ms > 0;
	/* as many as NEXT can have under way; auto may come to do with fewer slots, and then with fewer of these */
	shape.cuts = cuts(options, shape.slots) + apart(options, shape.slots);
	if (shape.cuts > CCP_CUTS_MAX)
		shape.cuts = CCP_CUTS_MAX;
	if (options->sink->key && ccp_claims_new(&run->claims, ccp_arena_inputs(&shape), err) < 0)
		return -1;
	if (make_source(run, err) < 0 || allocate_slots(run, &shape, err) < 0)
		return -1;
	walk.archive = run->archive;
	next = next_options(run);
	next.cuts = cuts(options, shape.slots);
	next.apart = apart(options, shape.slots);
	if (ccp_walk_new(&run->walk, &walk, err) < 0 ||
	    ccp_next_new(&run->next, run->walk, run->arena, &next, err) < 0 ||
	    options->sink->create(&run->sink, &options->sink_options, err) < 0)
		return -1;
	if (make_profile(run, &shape, err) < 0)
		return -1;
	if (options->inject && ccp_inject_new(&run->inject, options->inject, err) < 0)
		return -1;
	return make_flow(run, err);
}
