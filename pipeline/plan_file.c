/*
 * plan_file.c: plans as text, so that what auto found can be looked at, kept and run again as it is.
 *
 * One line a stage and one for the window; what is not understood is refused with its line, because a plan that is run
 * half as it was meant is worth nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/plan.h"

#define FIRST_LINE "# ccpipe plan 1"
#define DEGREE_MAX 1024u

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

/* Reads one line. Returns NULL, or what is wrong with it. */
static const char *read_line(struct ccp_plan *plan, const char *line, const struct ccp_strategy_ops *const *strategies,
			     unsigned *seen)
{
	char word[16], name[16], rest[2];
	unsigned degree, exec, window;

	if (line[0] == '#' || line[0] == '\0')
		return NULL;
	if (sscanf(line, "window %u %1s", &window, rest) == 1) {
		if (window == 0)
			return "a window has at least one slot";
		plan->window = window;
		return NULL;
	}
	if (sscanf(line, "%15s %15s %u %u %1s", word, name, &degree, &exec, rest) != 4)
		return "not of the form STAGE STRATEGY DEGREE EXEC, or window N";

	int stage = stage_of(word);
	const struct ccp_strategy_ops *strategy = find(strategies, name);

	if (stage < 0)
		return "no such stage";
	if (!strategy)
		return "no such strategy";
	if (!(strategy->fits & CCP_STAGE_BIT((unsigned)stage)))
		return "the strategy does not fit the stage";
	if (strategy->probe && strategy->probe())
		return strategy->probe();
	if (degree < 1 || degree > DEGREE_MAX || exec >= CCP_STAGES)
		return "the degree or the number of the executor is out of range";
	plan->stage[stage] = (struct ccp_stage_plan){ strategy, degree, exec };
	plan->forks |= (strategy->flags & CCP_STRATEGY_FORKS) != 0;
	*seen |= CCP_STAGE_BIT((unsigned)stage);
	return NULL;
}

/* Stages that share an executor must agree on it. Returns NULL, or what is wrong. */
static const char *check(const struct ccp_plan *plan, unsigned seen)
{
	const struct ccp_stage_plan *stage = plan->stage;

	if (seen != (1u << CCP_STAGES) - 1)
		return "a stage is missing";
	for (int s = 0; s < CCP_STAGES; s++)
		for (int t = 0; t < s; t++)
			if (stage[s].exec == stage[t].exec &&
			    (stage[s].strategy != stage[t].strategy || stage[s].degree != stage[t].degree))
				return "stages that share an executor differ in strategy or degree";
	if ((stage[CCP_READ].strategy->flags & CCP_STRATEGY_READ_NEEDS_WORK) &&
	    stage[CCP_READ].exec != stage[CCP_WORK].exec)
		return "that strategy reads only for its own work";
	return NULL;
}

int ccp_plan_load(struct ccp_plan *plan, const char *path, const struct ccp_strategy_ops *const *strategies,
		  struct ccp_err *err)
{
	FILE *file = fopen(path, "re");
	char line[128];
	unsigned number = 0, seen = 0;
	const char *wrong = NULL;

	if (!file)
		return ccp_err_set(err, CCP_E_USAGE, "--plan: %s: %s", path, strerror(errno));
	plan->forks = false;
	while (!wrong && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (++number == 1 && strcmp(line, FIRST_LINE) != 0)
			wrong = "not a saved plan: it does not begin with \"" FIRST_LINE "\"";
		else
			wrong = read_line(plan, line, strategies, &seen);
	}
	if (!wrong && number == 0)
		wrong = "it is empty";
	if (!wrong)
		wrong = check(plan, seen);
	fclose(file);
	return wrong ? ccp_err_set(err, CCP_E_USAGE, "--plan: %s: line %u: %s", path, number, wrong) : 0;
}

/* Writes all of it. Returns 0 or an error number. */
static int write_all(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			return errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int ccp_plan_save(const struct ccp_plan *plan, const char *path, struct ccp_err *err)
{
	char part[PATH_MAX], text[256];
	size_t len = (size_t)snprintf(text, sizeof text, FIRST_LINE "\n");
	int fd, failed;

	for (int s = 0; s < CCP_STAGES; s++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s %s %u %u\n",
					ccp_stage_name((enum ccp_stage)s), plan->stage[s].strategy->name,
					plan->stage[s].degree, plan->stage[s].exec);
	len += (size_t)snprintf(text + len, sizeof text - len, "window %zu\n", plan->window);

	if (snprintf(part, sizeof part, "%s.XXXXXX", path) >= (int)sizeof part)
		return ccp_err_sys(err, ENAMETOOLONG, "%s", path);
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return ccp_err_sys(err, errno, "%s", path);

	mode_t mask = umask(0);

	umask(mask);
	failed = fchmod(fd, 0666 & ~mask) != 0 ? errno : write_all(fd, text, len);
	if (close(fd) != 0 && !failed)
		failed = errno;
	if (!failed && rename(part, path) != 0)
		failed = errno;
	if (!failed)
		return 0;
	unlink(part);
	return ccp_err_sys(err, failed, "%s", path);
}
