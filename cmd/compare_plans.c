/*
 * compare_plans.c: which plans there are: strategies times numbers of workers, serial once, and for every auto one more
 * that replays what auto came to.
 *
 * A strategy that cannot run here is left out, and said so, if nobody asked for it, and is an error if somebody did.
 * That a map of stages fits together is left to the child, which says it best.
 */
#include "cmd/compare.h"

#include <stdlib.h>
#include <string.h>

#include "strategies/strategies.h"

#define JOBS_MAX 1024ul /* as for -j */

/* What is being collected. */
struct lists {
	char strategy[CCP_COMPARE_PLANS][CCP_COMPARE_LABEL];
	size_t strategies;
	unsigned jobs[CCP_COMPARE_PLANS];
	size_t job_counts;
};

/* auto is no strategy, but a way to choose them. */
static void list_names(char *text, size_t room)
{
	size_t len = 0;

	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops != NULL && len < room; ops++)
		len += (size_t)snprintf(text + len, room - len, "%s%s", len > 0 ? ", " : "", (*ops)->name);
	if (len < room)
		snprintf(text + len, room - len, ", auto");
}

/* One part of an item, "S" or "stage=S". Returns 0, or an exit status after a message. */
static int check_part(const struct ccp_compare *c, const char *part)
{
	const char *name = strchr(part, '=') != NULL ? strchr(part, '=') + 1 : part, *why;
	const struct ccp_strategy_ops *ops = ccp_strategy_find(name);
	char names[256];

	if (strcmp(name, "auto") == 0)
		return 0;
	if (ops == NULL) {
		list_names(names, sizeof names);
		return ccp_usage_error(c->settings, "--strategies: no strategy is called '%s' (there are: %s)", name,
				       names);
	}
	why = ops->probe != NULL ? ops->probe() : NULL;
	if (why != NULL)
		return ccp_usage_error(c->settings, "--strategies: %s cannot run here: %s", name, why);
	return 0;
}

/* One item of --strategies: '+' stands for the ',' of --strategy. */
static int add_strategy(const struct ccp_compare *c, struct lists *lists, const char *item, size_t len)
{
	char text[CCP_COMPARE_LABEL], *rest = text;
	int status = 0;

	if (len == 0 || len >= sizeof text || lists->strategies == CCP_COMPARE_PLANS)
		return ccp_usage_error(c->settings, "--strategies: '%.*s' is no strategy", (int)len, item);
	memcpy(text, item, len);
	text[len] = '\0';
	for (char *s = text; *s != '\0'; s++)
		if (*s == '+')
			*s = ',';
	for (size_t i = 0; i < lists->strategies; i++)
		if (strcmp(lists->strategy[i], text) == 0)
			return ccp_usage_error(c->settings, "--strategies: '%.*s' stands there twice", (int)len, item);
	memcpy(lists->strategy[lists->strategies++], text, len + 1);
	while (rest != NULL && status == 0) {
		char *part = strsep(&rest, ",");

		status = check_part(c, part);
	}
	return status;
}

static int read_strategies(const struct ccp_compare *c, struct lists *lists)
{
	int status = 0;

	for (const char *item = c->settings->strategies; item != NULL && status == 0;) {
		size_t len = strcspn(item, ",");

		status = add_strategy(c, lists, item, len);
		item = item[len] == ',' ? item + len + 1 : NULL;
	}
	return status;
}

static void add_default(struct ccp_compare *c, struct lists *lists, const struct ccp_strategy_ops *ops)
{
	size_t left = 0;

	if (ops->probe == NULL || ops->probe() == NULL) {
		if (lists->strategies < CCP_COMPARE_PLANS)
			snprintf(lists->strategy[lists->strategies++], CCP_COMPARE_LABEL, "%s", ops->name);
		return;
	}
	while (c->left_out[left] != NULL)
		left++;
	if (left + 1 < CCP_COMPARE_PLANS)
		c->left_out[left] = ops;
}

/* serial first, because it is the one whose outputs are right; auto last. */
static void default_strategies(struct ccp_compare *c, struct lists *lists)
{
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops != NULL; ops++)
		if (strcmp((*ops)->name, "serial") == 0)
			add_default(c, lists, *ops);
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops != NULL; ops++)
		if (strcmp((*ops)->name, "serial") != 0)
			add_default(c, lists, *ops);
	if (lists->strategies < CCP_COMPARE_PLANS)
		snprintf(lists->strategy[lists->strategies++], CCP_COMPARE_LABEL, "auto");
}

static int read_jobs(const struct ccp_compare *c, struct lists *lists)
{
	const char *item = c->settings->jobs_list;

	if (item == NULL)
		item = "auto";
	for (;; item++) {
		size_t len = strcspn(item, ",");
		unsigned long number = c->host.cpus;
		char *end = NULL;

		if (len != 4 || strncmp(item, "auto", 4) != 0) {
			number = item[0] >= '0' && item[0] <= '9' ? strtoul(item, &end, 10) : 0;
			if (number == 0 || number > JOBS_MAX || end != item + len)
				return ccp_usage_error(c->settings,
						       "-j: '%.*s' is not a number of workers from 1 to %lu, "
						       "nor auto",
						       (int)len, item, JOBS_MAX);
		}
		for (size_t i = 0; i < lists->job_counts; i++)
			if (lists->jobs[i] == number)
				return ccp_usage_error(c->settings, "-j: %lu stands there twice", number);
		if (lists->job_counts == CCP_COMPARE_PLANS)
			return ccp_usage_error(c->settings, "-j: more than %d numbers", CCP_COMPARE_PLANS);
		lists->jobs[lists->job_counts++] = (unsigned)number;
		item += len;
		if (*item == '\0')
			return 0;
	}
}

static struct ccp_compare_plan *add_plan(struct ccp_compare *c, enum ccp_compare_kind kind, const char *strategy,
					 unsigned jobs)
{
	struct ccp_compare_plan *plan;

	if (c->plan_count == CCP_COMPARE_PLANS)
		return NULL;
	plan = &c->plan[c->plan_count];
	plan->kind = kind;
	plan->jobs = jobs;
	plan->twin = c->plan_count++;
	snprintf(plan->strategy, sizeof plan->strategy, "%s", strategy);
	plan->serial = kind == CCP_COMPARE_FIXED && strcmp(strategy, "serial") == 0;
	return plan;
}

/* A plan's name in the table: what --strategy takes, with '+' for ',', and the workers. */
static void name_plan(struct ccp_compare_plan *plan, bool only)
{
	char workers[16] = "";

	if (!plan->serial && !(only && plan->kind != CCP_COMPARE_FIXED))
		snprintf(workers, sizeof workers, " x%u", plan->jobs);
	if (plan->kind == CCP_COMPARE_REPLAY)
		snprintf(plan->label, sizeof plan->label, "auto%s's plan, fixed", workers);
	else
		snprintf(plan->label, sizeof plan->label, "%s%s%s%s", plan->strategy, workers,
			 plan->chosen[0] != '\0' ? " > " : "", plan->chosen);
	for (char *s = plan->label; plan->kind == CCP_COMPARE_FIXED && *s != '\0'; s++)
		if (*s == ',')
			*s = '+';
}

/* How often auto stands there. */
static bool one_auto(const struct ccp_compare *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->plan_count; i++)
		count += c->plan[i].kind == CCP_COMPARE_AUTO;
	return count == 1;
}

static int make_plans(struct ccp_compare *c, const struct lists *lists)
{
	bool fits = true;

	for (size_t i = 0; i < lists->strategies; i++) {
		const char *strategy = lists->strategy[i];
		enum ccp_compare_kind kind = strcmp(strategy, "auto") == 0 ? CCP_COMPARE_AUTO : CCP_COMPARE_FIXED;

		if (strcmp(strategy, "serial") == 0) {
			fits &= add_plan(c, kind, strategy, 1) != NULL;
			continue;
		}
		for (size_t j = 0; j < lists->job_counts; j++)
			fits &= add_plan(c, kind, strategy, lists->jobs[j]) != NULL;
	}
	for (size_t i = 0, count = c->plan_count; i < count; i++) {
		struct ccp_compare_plan *plan = &c->plan[i], *twin;

		if (plan->serial)
			c->reference = i;
		if (plan->kind != CCP_COMPARE_AUTO)
			continue;
		twin = add_plan(c, CCP_COMPARE_REPLAY, "", plan->jobs);
		fits &= twin != NULL;
		if (twin != NULL) {
			plan->twin = twin->twin;
			twin->twin = i;
		}
	}
	if (!fits)
		return ccp_usage_error(c->settings, "compare: more than %d plans", CCP_COMPARE_PLANS);
	for (size_t i = 0; i < c->plan_count; i++)
		name_plan(&c->plan[i], one_auto(c));
	return 0;
}

static int out_of_memory(const struct ccp_compare *c)
{
	fprintf(stderr, "%s: out of memory\n", c->settings->program);
	return CCP_EXIT_FAILED;
}

int ccp_compare_plans_init(struct ccp_compare *c)
{
	struct lists *lists = calloc(1, sizeof *lists);
	size_t rounds = 2 * (size_t)c->settings->rounds;
	int status = 0;

	if (lists == NULL)
		return out_of_memory(c);
	if (c->settings->strategies == NULL)
		default_strategies(c, lists);
	else
		status = read_strategies(c, lists);
	if (status == 0)
		status = read_jobs(c, lists);
	if (status == 0)
		status = make_plans(c, lists);
	free(lists);
	for (size_t i = 0; i < c->plan_count && status == 0; i++) {
		c->plan[i].runs = calloc(rounds, sizeof *c->plan[i].runs);
		if (c->plan[i].runs == NULL)
			status = out_of_memory(c);
	}
	return status;
}

void ccp_compare_plans_release(struct ccp_compare *c)
{
	for (size_t i = 0; i < CCP_COMPARE_PLANS; i++)
		free(c->plan[i].runs);
}

void ccp_compare_plan_file(const struct ccp_compare *c, const struct ccp_compare_plan *plan, char *path)
{
	snprintf(path, PATH_MAX, "%s/plan.%u", c->scratch, plan->jobs);
}

/* What a plan file says of a stage. */
struct stage_line {
	char strategy[24];
	unsigned degree;
};

/* Returns false if it is no plan file. */
static bool read_plan(const char *path, struct stage_line *stage)
{
	FILE *file = fopen(path, "re");
	char line[256], name[16], strategy[24];
	unsigned degree, found = 0;

	if (file == NULL)
		return false;
	if (fgets(line, sizeof line, file) != NULL && strcmp(line, "# ccpipe plan 1\n") == 0) {
		while (fgets(line, sizeof line, file) != NULL) {
			if (sscanf(line, "%15s %23s %u", name, strategy, &degree) != 3)
				continue;
			for (unsigned s = 0; s < CCP_STAGES; s++) {
				if (strcmp(name, ccp_stage_name((enum ccp_stage)s)) != 0)
					continue;
				snprintf(stage[s].strategy, sizeof stage[s].strategy, "%s", strategy);
				stage[s].degree = degree;
				found |= 1u << s;
			}
		}
	}
	fclose(file);
	return found == (1u << CCP_STAGES) - 1;
}

/* "omp x2", and stages of another kind: "threads x2, read async x16". */
static void describe(const struct stage_line *stage, char *text, size_t room)
{
	static const enum ccp_stage order[] = { CCP_WORK, CCP_READ, CCP_WRITE };
	size_t len = 0;

	for (size_t i = 0; i < CCP_STAGES && len < room; i++) {
		const struct stage_line *s = &stage[order[i]];

		if (i > 0 && strcmp(s->strategy, stage[CCP_WORK].strategy) == 0)
			continue;
		len += (size_t)snprintf(text + len, room - len, "%s%s%s%s", i > 0 ? ", " : "",
					i > 0 ? ccp_stage_name(order[i]) : "", i > 0 ? " " : "", s->strategy);
		if (strcmp(s->strategy, "serial") != 0 && len < room)
			len += (size_t)snprintf(text + len, room - len, " x%u", s->degree);
	}
}

/* Takes a REPLAY out; they are the last, so that only other REPLAYs move. */
static void drop_plan(struct ccp_compare *c, size_t place)
{
	c->plan[c->plan[place].twin].twin = c->plan[place].twin;
	free(c->plan[place].runs);
	for (size_t i = place; i + 1 < c->plan_count; i++) {
		c->plan[i] = c->plan[i + 1];
		c->plan[c->plan[i].twin].twin = i;
	}
	c->plan[--c->plan_count].runs = NULL;
}

bool ccp_compare_plan_chosen(struct ccp_compare *c, size_t place)
{
	struct ccp_compare_plan *plan = &c->plan[place];
	struct stage_line stage[CCP_STAGES];
	char path[PATH_MAX];

	ccp_compare_plan_file(c, plan, path);
	if (read_plan(path, stage)) {
		describe(stage, plan->chosen, sizeof plan->chosen);
		name_plan(plan, one_auto(c));
		return true;
	}
	if (plan->twin != place)
		drop_plan(c, plan->twin);
	return false;
}
