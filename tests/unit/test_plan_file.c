/*
 * test_plan_file.c: plans that are saved and run again: what was saved is what is loaded, what is not understood is
 * refused with its line, and the file is whole or not there.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/plan.h"
#include "strategies/strategies.h"

#define FIRST "# ccpipe plan 1\n"

static char folder[64], path[96], message[CCP_ERR_TEXT];

static void set_up(void)
{
	strcpy(folder, "/tmp/ccpipe-test.XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/plan", folder);
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	cr_expect(system(command) == 0);
}

TestSuite(plan_file, .init = set_up, .fini = tear_down);

static void put(const char *text)
{
	FILE *file = fopen(path, "wb");

	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

/* Returns whether the text is a plan; if not, the message is kept, without what stands before the line's number. */
static bool loads(struct ccp_plan *plan, const char *text)
{
	struct ccp_err err;
	const char *line;

	if (text)
		put(text);
	memset(plan, 0, sizeof *plan);
	ccp_err_clear(&err);
	message[0] = '\0';
	if (ccp_plan_load(plan, path, ccp_strategies, &err) == 0)
		return true;
	cr_expect_eq(err.code, CCP_E_USAGE, "code %d: %s", (int)err.code, err.text);
	cr_expect(strstr(err.text, path), "the file is not named: %s", err.text);
	line = strstr(err.text, "line ");
	snprintf(message, sizeof message, "%s", line ? line : err.text);
	return false;
}

static void set(struct ccp_plan *plan, enum ccp_stage stage, const char *strategy, unsigned degree, unsigned exec)
{
	plan->stage[stage] = (struct ccp_stage_plan){ ccp_strategy_find(strategy), degree, exec };
	cr_assert(plan->stage[stage].strategy);
}

/* ---- there and back -------------------------------------------------------------------------------------------- */

static void check_round_trip(const struct ccp_plan *plan)
{
	struct ccp_plan loaded;
	struct ccp_err err;

	cr_assert(ccp_plan_save(plan, path, &err) == 0, "%s", err.text);
	cr_assert(loads(&loaded, NULL), "%s", message);
	for (int s = 0; s < CCP_STAGES; s++) {
		cr_expect_eq(loaded.stage[s].strategy, plan->stage[s].strategy);
		cr_expect_eq(loaded.stage[s].degree, plan->stage[s].degree);
		cr_expect_eq(loaded.stage[s].exec, plan->stage[s].exec);
	}
	cr_expect_eq(loaded.window, plan->window);
	cr_expect_eq(loaded.forks, plan->forks);
}

Test(plan_file, what_is_saved_is_loaded)
{
	struct ccp_plan plan = { .window = 14 };

	for (int s = 0; s < CCP_STAGES; s++)
		set(&plan, (enum ccp_stage)s, "threads", 6, 0);
	check_round_trip(&plan);

	set(&plan, CCP_READ, "async", 64, 0);
	set(&plan, CCP_WORK, "threads", 1024, 1);
	set(&plan, CCP_WRITE, "threads", 1, 2);
	plan.window = 2048;
	check_round_trip(&plan);

	set(&plan, CCP_READ, "proc", 3, 0);
	set(&plan, CCP_WORK, "proc", 3, 0);
	plan.forks = true;
	check_round_trip(&plan);

	for (int s = 0; s < CCP_STAGES; s++)
		set(&plan, (enum ccp_stage)s, "serial", 1, 0);
	plan.forks = false;
	plan.window = 1;
	check_round_trip(&plan);
}

/* Order, comments, empty lines, carriage returns and a missing window make no difference. */
Test(plan_file, what_is_understood)
{
	static const char *const texts[] = {
		FIRST "read threads 2 0\nwork threads 2 0\nwrite threads 2 0\nwindow 6\n",
		FIRST "window 6\nwrite threads 2 0\n\n# a word\nwork threads 2 0\nread threads 2 0",
		"# ccpipe plan 1\r\nread threads 2 0\r\nwork threads 2 0\r\nwrite threads 2 0\r\nwindow 6\r\n",
		FIRST "  read   threads\t2 0\nwork threads 2 0\nwrite threads 2 0\nwindow  6\n",
		FIRST "read threads 2 0\nwork threads 2 0\nwrite threads 2 0\n",
	};
	struct ccp_plan plan;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cr_expect(loads(&plan, texts[i]), "text %zu: %s", i, message);
		cr_expect_eq(plan.window, i < 4 ? 6 : 0);
		cr_expect_eq(plan.stage[CCP_WRITE].degree, 2);
		cr_expect(!plan.forks);
	}
}

/* ---- refused --------------------------------------------------------------------------------------------------- */

#define REST "work threads 2 0\nwrite threads 2 0\nwindow 6\n"

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "plan: it is empty" },
	{ "read threads 2 0\n" REST, "line 1: not a saved plan: it does not begin with \"# ccpipe plan 1\"" },
	{ "# ccpipe plan 2\nread threads 2 0\n" REST,
	  "line 1: not a saved plan: it does not begin with \"# ccpipe plan 1\"" },
	{ "\n" FIRST "read threads 2 0\n" REST,
	  "line 1: not a saved plan: it does not begin with \"# ccpipe plan 1\"" },
	{ FIRST "read threads 2 0 1\n" REST, "line 2: not of the form STAGE STRATEGY DEGREE EXEC, or window N" },
	{ FIRST "read threads 2\n" REST, "line 2: not of the form STAGE STRATEGY DEGREE EXEC, or window N" },
	{ FIRST "read threads two 0\n" REST, "line 2: the degree or the number of the executor is out of range" },
	{ FIRST "read threads 2 0x\n" REST, "line 2: the degree or the number of the executor is out of range" },
	{ FIRST "read threads 2 0\nwindow\n" REST, "line 3: not of the form STAGE STRATEGY DEGREE EXEC, or window N" },
	{ FIRST "read threads 2 0\nwindow 6 7\n" REST,
	  "line 3: not of the form STAGE STRATEGY DEGREE EXEC, or window N" },
	{ FIRST "read threads 2 0\nwindow 0\n" REST, "line 3: a window is a number of slots, one at least" },
	{ FIRST "read threads 2 0\nwindow x\n" REST, "line 3: a window is a number of slots, one at least" },
	{ FIRST "window 6\nread threads 2 0\n" REST, "line 6: a window stands there already" },
	{ FIRST "read threads 2 0\nread threads 2 0\n" REST, "line 3: the stage stands there twice" },
	{ FIRST "read serial 2 1\n" REST, "line 2: the caller is one worker" },
	{ FIRST "read serial 1 0\nwork threads 1 1\nwrite serial 1 2\n",
	  "line 4: there is one caller: its stages share an executor" },
	{ FIRST "emit threads 2 0\n" REST, "line 2: no such stage" },
	{ FIRST "read fibres 2 0\n" REST, "line 2: no such strategy" },
	{ FIRST "read threads 2 0\nwork async 2 0\nwrite threads 2 0\n",
	  "line 3: the strategy does not fit the stage" },
	{ FIRST "read threads 2 0\nwork threads 2 0\nwrite proc 2 1\n", "line 4: the strategy does not fit the stage" },
	{ FIRST "read threads 0 0\n" REST, "line 2: the degree or the number of the executor is out of range" },
	{ FIRST "read threads 1025 0\n" REST, "line 2: the degree or the number of the executor is out of range" },
	{ FIRST "read threads 2 3\n" REST, "line 2: the degree or the number of the executor is out of range" },
	{ FIRST REST, "line 4: a stage is missing" },
	{ FIRST "read threads 3 0\n" REST, "line 5: stages that share an executor differ in strategy or degree" },
	{ FIRST "read async 2 0\n" REST, "line 5: stages that share an executor differ in strategy or degree" },
	{ FIRST "read proc 2 1\n" REST, "line 5: that strategy reads only for its own work" },
};

Test(plan_file, what_is_refused_and_why)
{
	struct ccp_plan plan;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		cr_expect(!loads(&plan, refused[i].text), "text %zu was taken", i);
		cr_expect(strstr(message, refused[i].message), "text %zu: %s", i, message);
	}
}

/* What cannot run here is told with its reason. */
Test(plan_file, a_strategy_that_cannot_run)
{
	const struct ccp_strategy_ops *omp = ccp_strategy_find("omp");
	struct ccp_plan plan;
	bool loaded = loads(&plan, FIRST "read omp 2 0\nwork omp 2 0\nwrite omp 2 0\n");

	cr_expect_eq(loaded, !omp->probe || !omp->probe());
	if (!loaded)
		cr_expect(strstr(message, omp->probe()), "%s", message);
}

/* Numbers that are none, or that a machine word would bend into something else. */
Test(plan_file, numbers_are_numbers)
{
	static const char *const texts[] = {
		FIRST "read threads -2 0\n" REST,
		FIRST "read threads 4294967298 0\n" REST,
		FIRST "read threads 2 4294967296\n" REST,
		FIRST "read threads 2 0\nwork threads 2 0\nwrite threads 2 0\nwindow -1\n",
		FIRST "read threads 2 0\nwork threads 2 0\nwrite threads 2 0\nwindow 4294967298\n",
	};
	struct ccp_plan plan;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		cr_expect(!loads(&plan, texts[i]), "text %zu was taken: degree %u, window %zu", i,
			  plan.stage[CCP_READ].degree, plan.window);
}

/* Said twice: one of the two is not what is run. */
Test(plan_file, a_stage_or_a_window_twice)
{
	struct ccp_plan plan;

	cr_expect(!loads(&plan, FIRST "read threads 4 1\nread threads 2 0\n" REST), "a stage twice was taken");
	cr_expect(!loads(&plan, FIRST "read threads 2 0\nwindow 3\n" REST), "a window twice was taken");
}

/* The caller is one worker, whatever the numbers say: as many queues as there are callers would never be served. */
Test(plan_file, serial_is_one_worker)
{
	struct ccp_plan plan;

	if (loads(&plan, FIRST "read serial 1 0\nwork serial 1 1\nwrite serial 1 2\n"))
		cr_expect(plan.stage[CCP_READ].exec == plan.stage[CCP_WORK].exec &&
				  plan.stage[CCP_WORK].exec == plan.stage[CCP_WRITE].exec,
			  "three callers");
	if (loads(&plan, FIRST "read serial 5 0\nwork serial 5 0\nwrite serial 5 0\n"))
		cr_expect_eq(plan.stage[CCP_WORK].degree, 1, "serial x%u", plan.stage[CCP_WORK].degree);
	cr_expect(loads(&plan, FIRST "read serial 1 0\nwork threads 2 1\nwrite serial 1 0\n"), "%s", message);
}

/* A line that is longer than any that is right is one line. */
Test(plan_file, a_long_line)
{
	char text[1000];
	struct ccp_plan plan;

	snprintf(text, sizeof text, FIRST "# %0500d\nread threads 2 0\n" REST, 1);
	cr_expect(loads(&plan, text), "a long comment: %s", message);
	snprintf(text, sizeof text, FIRST "read threads 2 0%0500d\n" REST, 1);
	cr_expect(!loads(&plan, text), "a long line was taken");
	cr_expect_eq(strncmp(message, "line 2:", 7), 0, "%s", message);
}

Test(plan_file, what_cannot_be_read)
{
	struct ccp_plan plan;

	cr_expect(!loads(&plan, NULL));
	cr_expect(strstr(message, "No such file or directory"), "%s", message);
	cr_assert(mkdir(path, 0700) == 0);
	cr_expect(!loads(&plan, NULL));
	cr_expect(strstr(message, "Is a directory"), "%s", message);
}

/* ---- saving ---------------------------------------------------------------------------------------------------- */

static void make_plan(struct ccp_plan *plan)
{
	*plan = (struct ccp_plan){ .window = 6 };
	for (int s = 0; s < CCP_STAGES; s++)
		set(plan, (enum ccp_stage)s, "threads", 2, 0);
}

static unsigned count_files(void)
{
	char command[160];
	unsigned count = 0;
	FILE *list;

	snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
	list = popen(command, "r");
	cr_assert(list && fscanf(list, "%u", &count) == 1);
	pclose(list);
	return count;
}

Test(plan_file, saved_as_the_umask_says)
{
	struct ccp_plan plan;
	struct ccp_err err;
	struct stat st;
	mode_t before = umask(027);

	make_plan(&plan);
	cr_assert(ccp_plan_save(&plan, path, &err) == 0, "%s", err.text);
	cr_assert(stat(path, &st) == 0);
	cr_expect_eq(st.st_mode & 0777, 0640, "mode %o", st.st_mode & 0777);
	cr_assert(ccp_plan_save(&plan, path, &err) == 0, "once more: %s", err.text);
	cr_expect_eq(count_files(), 1);
	cr_expect_eq(umask(before), 027, "the umask was changed");
}

/* What cannot be written leaves nothing, and is told with its name. */
Test(plan_file, what_cannot_be_saved)
{
	struct ccp_plan plan;
	struct ccp_err err;
	char below[128];

	make_plan(&plan);
	snprintf(below, sizeof below, "%s/missing/plan", folder);
	ccp_err_clear(&err);
	cr_expect(ccp_plan_save(&plan, below, &err) < 0);
	cr_expect_eq(err.sys, ENOENT);
	cr_expect(strstr(err.text, below), "%s", err.text);
	cr_assert(mkdir(path, 0700) == 0);
	ccp_err_clear(&err);
	cr_expect(ccp_plan_save(&plan, path, &err) < 0, "a folder was replaced");
	cr_expect_eq(count_files(), 1, "something is left over");
}

/* A link stays a link, and what is no regular file (/dev/null, say) stays what it is. */
Test(plan_file, what_is_no_regular_file_is_not_replaced)
{
	char target[128];
	struct ccp_plan plan;
	struct ccp_err err;
	struct stat st;

	make_plan(&plan);
	snprintf(target, sizeof target, "%s/target", folder);
	cr_assert(symlink("target", path) == 0);
	cr_expect(ccp_plan_save(&plan, path, &err) == 0);
	cr_expect(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "the link was replaced");
	cr_expect(stat(target, &st) == 0 && S_ISREG(st.st_mode), "it was not written where the link leads");
	unlink(path);
	cr_assert(symlink("/dev/full", path) == 0);
	ccp_err_clear(&err);
	cr_expect(ccp_plan_save(&plan, path, &err) < 0, "a full device was no error");
	cr_expect(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "the link to a device was replaced");
}
