/*
 * proc_help.h: what the tests of worker processes share: six inputs, a look at who descends from whom, and whether
 * anybody is left.
 */
#ifndef CCP_TESTS_UNIT_PROC_HELP_H
#define CCP_TESTS_UNIT_PROC_HELP_H

#include "tests/unit/strategy_help.h"

static const size_t sizes[] = { 40 * HELP_CHUNK + 17, 100, 0, HELP_CHUNK, 7 * HELP_CHUNK, HELP_CHUNK - 1 };
#define FILES (sizeof sizes / sizeof *sizes)

UNUSED static void add_files(void)
{
	for (size_t i = 0; i < FILES; i++)
		help_file(sizes[i]);
}

/* Checks all inputs but `bad` (FILES = none). */
UNUSED static void check_all(const struct ccp_transform_ops *transform, size_t bad)
{
	for (size_t i = 0; i < FILES; i++)
		cr_expect(i == bad || help_file_right(transform, i, sizes[i]), "input %zu: %s", i,
			  help.input[i].err.text);
	cr_expect(help.summary.inputs_failed == (bad < FILES));
}

/* The one that failed; FILES if none did. */
UNUSED static size_t failed_input(void)
{
	for (size_t i = 0; i < FILES; i++)
		if (help.input[i].outcome == CCP_FAILED)
			return i;
	return FILES;
}

/* The name of a process, and whether it is one. */
UNUSED static bool has_name(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(comm, sizeof comm, file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* The oldest descendant of `pid` with that name, or 0. */
UNUSED static pid_t oldest(pid_t pid, const char *name)
{
	char path[300];
	struct dirent *entry;
	pid_t best = 0;
	DIR *dir;
	int child;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, entry->d_name);
		FILE *file = fopen(path, "r");

		while (file && fscanf(file, "%d", &child) == 1) {
			pid_t deeper = oldest(child, name);

			if (has_name(child, name) && (best == 0 || child < best))
				best = child;
			if (deeper > 0 && (best == 0 || deeper < best))
				best = deeper;
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return best;
}

/*
 * Nobody is left, or only who is about to be gone: workers whose helper was killed, and which we, the subreaper, have
 * to bury.
 */
UNUSED static void expect_alone(void)
{
	for (int i = 0; i < 300; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return;
		help_sleep_us(10000);
	}
	cr_expect(false, "a process is left over");
}

#endif
