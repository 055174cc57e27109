/*
 * plan.c: strategies, degrees, window and memory, decided once.
 *
 * Without a word from the user, or with "auto", nothing is decided here but the budget: the stages begin serial, and
 * auto goes on from there (auto/driver.h). Stages that the user left open beside others run as `threads`. The window is
 * two slots a worker and two more, so that a worker that has finished finds the next job waiting while earlier ones are
 * emitted. If that does not fit the memory budget the window shrinks first, then the number of workers.
 */
#include "pipeline/plan.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/memory.h"
#include "pipeline/plan_internal.h"

#define ASYNC_DEPTH 16u /* reads at once of one event loop: beyond that no device here was faster */
#define WRITERS_MAX 4u  /* default for a pool that only writes */
#define AUTO_BYTES ((uint64_t)512 << 20) /* what auto takes at most without --max-mem */
#define AUTO_WINDOW 200u                 /* 64 readers, 64 workers, and what lies between them */
#define WINDOW_MAX 2048u

static const char *const stage_names[CCP_STAGES] = { "read", "work", "write" };

const char *ccp_stage_name(enum ccp_stage stage)
{
	return stage_names[stage];
}

/* The strategies that were named by hand, or NULL: "auto" beside --readers or --writers leaves them open. */
static const char *named_strategy(const struct ccp_plan_options *options)
{
	return options->strategy && strcmp(options->strategy, "auto") != 0 ? options->strategy : NULL;
}

static const struct ccp_strategy_ops *find(const struct ccp_strategy_ops *const *table, const char *name, size_t len)
{
	for (; *table; table++)
		if (strlen((*table)->name) == len && memcmp((*table)->name, name, len) == 0)
			return *table;
	return NULL;
}

static void append_name(char *list, size_t size, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

/* Names of the strategies that fit a stage (all of them for stage < 0). */
static void list_fitting(const struct ccp_strategy_ops *const *table, int stage, char *list, size_t size)
{
	list[0] = '\0';
	for (; *table; table++)
		if (stage < 0 || ((*table)->fits & CCP_STAGE_BIT((unsigned)stage)))
			append_name(list, size, (*table)->name);
}

struct choice {
	const struct ccp_strategy_ops *all;               /* from "S" */
	const struct ccp_strategy_ops *stage[CCP_STAGES]; /* from "stage=S" */
};

static int parse_one(const char *word, size_t len, const struct ccp_strategy_ops *const *table, struct choice *choice,
		     struct ccp_err *err)
{
	const char *equals = memchr(word, '=', len);
	const char *name = equals ? equals + 1 : word;
	size_t name_len = len - (size_t)(name - word);
	const struct ccp_strategy_ops *strategy = find(table, name, name_len);
	char list[128];

	if (!strategy) {
		list_fitting(table, -1, list, sizeof list);
		return ccp_err_set(err, CCP_E_USAGE, "--strategy: no strategy is called '%.*s' (there are: %s)",
				   (int)name_len, name, list);
	}
	if (!equals) {
		choice->all = strategy;
		return 0;
	}
	for (int s = 0; s < CCP_STAGES; s++) {
		size_t stage_len = strlen(stage_names[s]);

		if (stage_len != (size_t)(equals - word) || memcmp(word, stage_names[s], stage_len) != 0)
			continue;
		if (!(strategy->fits & CCP_STAGE_BIT((unsigned)s))) {
			list_fitting(table, s, list, sizeof list);
			return ccp_err_set(err, CCP_E_USAGE, "--strategy: %s does not fit the %s stage (these do: %s)",
					   strategy->name, stage_names[s], list);
		}
		choice->stage[s] = strategy;
		return 0;
	}
	return ccp_err_set(err, CCP_E_USAGE, "--strategy: no stage is called '%.*s' (there are: read, work, write)",
			   (int)(equals - word), word);
}

/*
 * Fills in what the user left open. "S" is the strategy of WORK, and of the stages beside it that it fits; one that
 * does not fit WORK (async) is that of READ, and the default does the rest.
 */
static int choose(struct ccp_plan *plan, const char *text, const struct ccp_strategy_ops *const *table,
		  struct ccp_err *err)
{
	const struct ccp_strategy_ops *pool = find(table, "threads", 7);
	struct choice choice = { 0 };

	for (const char *word = text; word && *word;) {
		size_t len = strcspn(word, ",");

		if (parse_one(word, len, table, &choice, err) < 0)
			return -1;
		word += len + (word[len] == ',');
	}

	const struct ccp_strategy_ops *work = choice.stage[CCP_WORK];

	if (!work && choice.all && (choice.all->fits & CCP_STAGE_BIT(CCP_WORK)))
		work = choice.all;
	if (!work)
		work = pool;
	for (int s = 0; s < CCP_STAGES; s++) {
		const struct ccp_strategy_ops *strategy = choice.stage[s];

		if (!strategy && s == CCP_WORK)
			strategy = work;
		if (!strategy && choice.all && (choice.all->fits & CCP_STAGE_BIT((unsigned)s)) &&
		    (!(choice.all->flags & CCP_STRATEGY_READ_NEEDS_WORK) || work == choice.all))
			strategy = choice.all;
		if (!strategy)
			strategy = (work->fits & CCP_STAGE_BIT((unsigned)s)) ? work : pool;
		plan->stage[s].strategy = strategy;
	}
	if ((plan->stage[CCP_READ].strategy->flags & CCP_STRATEGY_READ_NEEDS_WORK) &&
	    plan->stage[CCP_READ].strategy != work)
		return ccp_err_set(err, CCP_E_USAGE,
				   "--strategy: read=%s needs work=%s: a worker reads its own chunks only",
				   plan->stage[CCP_READ].strategy->name, plan->stage[CCP_READ].strategy->name);
	for (int s = 0; s < CCP_STAGES; s++) {
		const struct ccp_strategy_ops *strategy = plan->stage[s].strategy;
		const char *reason = strategy->probe ? strategy->probe() : NULL;

		if (reason)
			return ccp_err_set(err, CCP_E_UNSUPPORTED, "--strategy: %s cannot run here: %s", strategy->name,
					   reason);
		plan->forks |= (strategy->flags & CCP_STRATEGY_FORKS) != 0;
	}
	return 0;
}

static unsigned minimum(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Degrees, and which stages share an executor: neighbours with the same strategy, unless they were counted apart. */
static void set_degrees(struct ccp_plan *plan, const struct ccp_plan_options *options)
{
	unsigned asked[CCP_STAGES] = { options->readers, 0, options->writers };
	unsigned execs = 0;

	for (int s = 0; s < CCP_STAGES; s++) {
		struct ccp_stage_plan *stage = &plan->stage[s];
		const struct ccp_strategy_ops *strategy = stage->strategy;

		stage->exec = execs++;
		for (int t = s - 1; t >= 0; t--) /* serial is one queue, wherever it stands */
			if (plan->stage[t].strategy == strategy &&
			    ((strategy->flags & CCP_STRATEGY_CALLER) || (t == s - 1 && !asked[s] && !asked[t])))
				stage->exec = plan->stage[t].exec;
		if (strategy->flags & CCP_STRATEGY_CALLER)
			stage->degree = 1;
		else if (asked[s])
			stage->degree = asked[s];
		else if (s == CCP_READ && !(strategy->fits & CCP_STAGE_BIT(CCP_WORK)))
			stage->degree = ASYNC_DEPTH;
		else if (s == CCP_WORK || stage->exec == plan->stage[CCP_WORK].exec ||
			 strategy == plan->stage[CCP_WORK].strategy)
			stage->degree = plan->jobs;
		else
			stage->degree = minimum(plan->jobs, WRITERS_MAX);
	}
	for (int s = 0; s < CCP_STAGES; s++) /* a fused READ was numbered before WORK */
		if (plan->stage[s].exec == plan->stage[CCP_WORK].exec)
			plan->stage[s].degree = plan->stage[CCP_WORK].degree;
}

static uint64_t memory_of(const struct ccp_plan *plan, const struct ccp_transform_need *need, size_t window)
{
	struct ccp_arena_options shape = ccp_arena_shape(need, window);

	return ccp_arena_bytes(&shape) +
	       (uint64_t)plan->stage[CCP_WORK].degree * (need->state_bytes + need->fold_state_bytes);
}

static void shrink_jobs(struct ccp_plan *plan, unsigned jobs)
{
	plan->jobs = jobs;
	for (int s = 0; s < CCP_STAGES; s++)
		if (plan->stage[s].exec == plan->stage[CCP_WORK].exec)
			plan->stage[s].degree = jobs;
}

/* The window, and what it costs. */
static int fit_memory(struct ccp_plan *plan, const struct ccp_plan_options *options, const struct ccp_host *host,
		      const struct ccp_transform_need *need, struct ccp_err *err)
{
	size_t wish = options->window;

	if (!wish) {
		wish = 2 * (size_t)plan->stage[CCP_WORK].degree + 2;
		if (plan->stage[CCP_READ].exec != plan->stage[CCP_WORK].exec)
			wish += plan->stage[CCP_READ].degree;
		if (plan->stage[CCP_WRITE].exec != plan->stage[CCP_WORK].exec)
			wish += plan->stage[CCP_WRITE].degree;
	}
	if (wish > WINDOW_MAX)
		wish = WINDOW_MAX;
	if (host->descriptors > 0) { /* a file under way needs two */
		/* auto measures its workers, and may open more pools than one */
		uint64_t taken = CCP_PLAN_DESCRIPTORS + (plan->automatic ? host->descriptors / 4 : 0);
		size_t files = host->descriptors > taken + CCP_PLAN_DESCRIPTORS ?
				       (size_t)(host->descriptors - taken) / 2 : 1;

		wish = wish < files ? wish : files;
	}
	for (;;) {
		unsigned workers = plan->stage[CCP_WORK].degree;

		plan->window = wish;
		while (plan->window > 1 && memory_of(plan, need, plan->window) > plan->max_mem)
			plan->window--;
		plan->memory = memory_of(plan, need, plan->window);
		/* more workers than slots would have nothing to do but hold memory */
		if (plan->memory <= plan->max_mem && workers <= plan->window)
			return 0;
		if (workers <= 1)
			break;
		shrink_jobs(plan, workers - 1);
	}
	return ccp_err_set(err, CCP_E_USAGE, "--max-mem: one chunk of %zu bytes needs at least %llu KiB",
			   need->chunk_bytes, (unsigned long long)(plan->memory + 1023) / 1024);
}

/* A plan that was saved, within the budget of now. */
static int plan_replayed(struct ccp_plan *plan, const struct ccp_plan_options *options, const struct ccp_host *host,
			 const struct ccp_transform_need *need, const struct ccp_strategy_ops *const *strategies,
			 struct ccp_err *err)
{
	struct ccp_plan_options fixed = *options;

	if (options->strategy || options->isolate)
		return ccp_err_set(err, CCP_E_USAGE, "--plan does not go with --strategy or --isolate");
	if (options->readers || options->writers)
		return ccp_err_set(err, CCP_E_USAGE, "--plan does not go with --readers or --writers");
	if (ccp_plan_load(plan, options->plan_file, strategies, err) < 0)
		return -1;
	plan->jobs = plan->stage[CCP_WORK].degree;
	if (!fixed.window)
		fixed.window = plan->window;
	if (fit_memory(plan, &fixed, host, need, err) < 0)
		return -1;
	plan->replayed = true;
	snprintf(plan->why, sizeof plan->why, "the plan of %s", options->plan_file);
	return 0;
}

/* auto: everything is serial at first, and there may be as many slots as it could ever want. */
static int plan_automatic(struct ccp_plan *plan, const struct ccp_plan_options *options, const struct ccp_host *host,
			  const struct ccp_transform_need *need, const struct ccp_strategy_ops *const *strategies,
			  struct ccp_err *err)
{
	struct ccp_plan_options most = *options;
	unsigned jobs = plan->jobs;

	for (int s = 0; s < CCP_STAGES; s++)
		plan->stage[s] = (struct ccp_stage_plan){ find(strategies, "serial", 6), 1, 0 };
	plan->automatic = true;
	if (!options->max_mem && plan->max_mem > AUTO_BYTES)
		plan->max_mem = AUTO_BYTES;
	if (!most.window)
		most.window = AUTO_WINDOW + 2 * jobs;
	if (fit_memory(plan, &most, host, need, err) < 0)
		return -1;
	plan->jobs = jobs;
	return 0;
}

/* What the user named: strategies, or --isolate, or workers counted by hand. */
static bool is_automatic(const struct ccp_plan_options *options)
{
	bool named = options->strategy && strcmp(options->strategy, "auto") != 0;

	return !named && !options->isolate && !options->readers && !options->writers && !options->plan_file;
}

int ccp_plan_make(struct ccp_plan *plan, const struct ccp_plan_options *options, const struct ccp_transform_need *need,
		  const struct ccp_host *host, const struct ccp_strategy_ops *const *strategies, struct ccp_err *err)
{
	memset(plan, 0, sizeof *plan);
	if (ccp_plan_parse_jobs(options->jobs, host, &plan->jobs, err) < 0 ||
	    ccp_plan_parse_budget(options->max_mem, host, &plan->max_mem, err) < 0)
		return -1;
	plan->isolate = options->isolate;
	if (is_automatic(options)) {
		if (plan_automatic(plan, options, host, need, strategies, err) < 0)
			return -1;
		snprintf(plan->why, sizeof plan->why, "auto; -j %s: %u of %u usable CPUs",
			 options->jobs ? options->jobs : "auto", plan->jobs, host->cpus);
		return 0;
	}
	if (options->plan_file)
		return plan_replayed(plan, options, host, need, strategies, err);
	if (options->isolate && options->strategy && strcmp(options->strategy, "auto") != 0 &&
	    strcmp(options->strategy, "proc") != 0)
		return ccp_err_set(err, CCP_E_USAGE, "--isolate means proc: it does not go with --strategy=%s",
				   options->strategy);
	if (choose(plan, options->isolate ? "proc" : named_strategy(options), strategies, err) < 0)
		return -1;
	if (options->readers > CCP_JOBS_MAX || options->writers > CCP_JOBS_MAX)
		return ccp_err_set(err, CCP_E_USAGE, "more than %u readers or writers", CCP_JOBS_MAX);

	unsigned wished = plan->jobs;

	set_degrees(plan, options);
	if (fit_memory(plan, options, host, need, err) < 0)
		return -1;
	snprintf(plan->why, sizeof plan->why, "%s; -j %s: %u of %u usable CPUs%s",
		 options->isolate ? "proc for --isolate" : named_strategy(options) ? "your strategy" : "threads",
		 options->jobs ? options->jobs : "auto", wished, host->cpus,
		 plan->stage[CCP_WORK].degree < wished && plan->stage[CCP_WORK].strategy->flags == 0
			 ? "; fewer workers, for the memory budget or window"
			 : "");
	return 0;
}
