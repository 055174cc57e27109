/*
 * plan_file.c: plans as text, so that what auto found can be looked at, kept and run again as it is.
 *
 * One line a stage and one for the window; what is not understood is refused with its line, because a plan that is run
 * half as it was meant is worth nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/plan.h"
#include "pipeline/replace.h"

#define FIRST_LINE "# ccpipe plan 1"
#define DEGREE_MAX 1024
#define WINDOW_MAX 1000000

static const struct ccp_strategy_ops *find(const struct ccp_strategy_ops *const *table, const char *name)
{
	for (; *table; table++)
		if (strcmp((*table)->name, name) == 0)
			return *table;
	return NULL;
}

static int stage_of(const char *word)
{
	for (int s = 0; s < CCP_STAGES; s++)
		if (strcmp(word, ccp_stage_name((enum ccp_stage)s)) == 0)
			return s;
	return -1;
}

/* Digits only, least to most. Returns -1 if it is anything else. */
static long number_of(const char *word, long least, long most)
{
	size_t digits = strspn(word, "0123456789");

	if (digits == 0 || digits > 9 || word[digits] != '\0')
		return -1;

	long number = strtol(word, NULL, 10);

	return number < least || number > most ? -1 : number;
}

/* What was read so far. */
struct reading {
	struct ccp_plan *plan;
	const struct ccp_strategy_ops *const *strategies;
	unsigned seen; /* CCP_STAGE_BITs */
	bool window;
};

static const char *read_stage(struct reading *reading, char *const word[4])
{
	const struct ccp_strategy_ops *strategy = find(reading->strategies, word[1]);
	long degree = number_of(word[2], 1, DEGREE_MAX), exec = number_of(word[3], 0, CCP_STAGES - 1);
	int stage = stage_of(word[0]);

	if (stage < 0)
		return "no such stage";
	if (reading->seen & CCP_STAGE_BIT((unsigned)stage))
		return "the stage stands there twice";
	if (!strategy)
		return "no such strategy";
	if (!(strategy->fits & CCP_STAGE_BIT((unsigned)stage)))
		return "the strategy does not fit the stage";
	if (strategy->probe && strategy->probe())
		return strategy->probe();
	if (degree < 0 || exec < 0)
		return "the degree or the number of the executor is out of range";
	if ((strategy->flags & CCP_STRATEGY_CALLER) && degree != 1)
		return "the caller is one worker";
	reading->plan->stage[stage] = (struct ccp_stage_plan){ strategy, (unsigned)degree, (unsigned)exec };
	reading->plan->forks |= (strategy->flags & CCP_STRATEGY_FORKS) != 0;
	reading->seen |= CCP_STAGE_BIT((unsigned)stage);
	return NULL;
}

/* Reads one line, which is changed. Returns NULL, or what is wrong with it. */
static const char *read_line(struct reading *reading, char *line)
{
	char *word[5], *rest = NULL;
	unsigned words = 0;

	if (line[0] == '#')
		return NULL;
	for (char *at = strtok_r(line, " \t\r\n", &rest); at && words < 5; at = strtok_r(NULL, " \t\r\n", &rest))
		word[words++] = at;
	if (words == 0)
		return NULL;
	if (words == 4)
		return read_stage(reading, word);
	if (words != 2 || strcmp(word[0], "window") != 0)
		return "not of the form STAGE STRATEGY DEGREE EXEC, or window N";

	long window = number_of(word[1], 1, WINDOW_MAX);

	if (window < 0)
		return "a window is a number of slots, one at least";
	if (reading->window)
		return "a window stands there already";
	reading->plan->window = (size_t)window;
	reading->window = true;
	return NULL;
}

/* Stages that share an executor must agree on it. Returns NULL, or what is wrong. */
static const char *check(const struct ccp_plan *plan, unsigned seen)
{
	const struct ccp_stage_plan *stage = plan->stage;

	if (seen != (1u << CCP_STAGES) - 1)
		return "a stage is missing";
	for (int s = 0; s < CCP_STAGES; s++)
		for (int t = 0; t < s; t++) {
			bool callers = (stage[s].strategy->flags & CCP_STRATEGY_CALLER) &&
				       (stage[t].strategy->flags & CCP_STRATEGY_CALLER);

			if (callers && stage[s].exec != stage[t].exec)
				return "there is one caller: its stages share an executor";
			if (stage[s].exec == stage[t].exec &&
			    (stage[s].strategy != stage[t].strategy || stage[s].degree != stage[t].degree))
				return "stages that share an executor differ in strategy or degree";
		}
	if ((stage[CCP_READ].strategy->flags & CCP_STRATEGY_READ_NEEDS_WORK) &&
	    stage[CCP_READ].exec != stage[CCP_WORK].exec)
		return "that strategy reads only for its own work";
	return NULL;
}

int ccp_plan_load(struct ccp_plan *plan, const char *path, const struct ccp_strategy_ops *const *strategies,
		  struct ccp_err *err)
{
	FILE *file = fopen(path, "re");
	struct reading reading = { .plan = plan, .strategies = strategies };
	const char *wrong = NULL;
	unsigned number = 0;
	char *line = NULL;
	size_t room = 0;
	int failed;

	if (!file)
		return ccp_err_set(err, CCP_E_USAGE, "--plan: %s: %s", path, strerror(errno));
	plan->forks = false;
	errno = 0;
	while (!wrong && getline(&line, &room, file) >= 0) {
		number++;
		if (number == 1 && (strncmp(line, FIRST_LINE, strlen(FIRST_LINE)) != 0 ||
				    line[strlen(FIRST_LINE) + strspn(line + strlen(FIRST_LINE), "\r\n")] != '\0'))
			wrong = "not a saved plan: it does not begin with \"" FIRST_LINE "\"";
		else
			wrong = read_line(&reading, line);
	}
	failed = ferror(file) ? errno : 0;
	free(line);
	fclose(file);
	if (failed)
		return ccp_err_set(err, CCP_E_USAGE, "--plan: %s: %s", path, strerror(failed));
	if (!wrong && number == 0)
		return ccp_err_set(err, CCP_E_USAGE, "--plan: %s: it is empty", path);
	if (!wrong)
		wrong = check(plan, reading.seen);
	return wrong ? ccp_err_set(err, CCP_E_USAGE, "--plan: %s: line %u: %s", path, number, wrong) : 0;
}

int ccp_plan_save(const struct ccp_plan *plan, const char *path, struct ccp_err *err)
{
	char text[256];
	size_t len = (size_t)snprintf(text, sizeof text, FIRST_LINE "\n");
	int error;

	for (int s = 0; s < CCP_STAGES; s++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s %s %u %u\n",
					ccp_stage_name((enum ccp_stage)s), plan->stage[s].strategy->name,
					plan->stage[s].degree, plan->stage[s].exec);
	len += (size_t)snprintf(text + len, sizeof text - len, "window %zu\n", plan->window);
	error = ccp_replace(path, text, len);
	return error ? ccp_err_sys(err, error, "%s", path) : 0;
}
