/*
 * mr_env.c: the variables are written into one text, with a NUL after each; what is inherited is pointed to.
 *
 * Only what is true here is set: there is no tracker, no queue and no user to name.
 */
#include "cmd/mr_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NAME=VALUE and a NUL. */
#define SAY(out, name, format, ...) fprintf(out, name "=" format "%c", __VA_ARGS__, 0)

static void say(FILE *out, const struct ccp_mr_task *task)
{
	unsigned long long number = task->number, begin = task->begin, len = task->len;
	const char *is_map = task->map ? "true" : "false";
	char kind = task->map ? 'm' : 'r';
	long job = (long)getpid();

	SAY(out, "mapreduce_job_id", "job_local%ld_0001", job);
	SAY(out, "mapred_job_id", "job_local%ld_0001", job);
	SAY(out, "mapreduce_task_id", "task_local%ld_0001_%c_%06llu", job, kind, number);
	SAY(out, "mapred_tip_id", "task_local%ld_0001_%c_%06llu", job, kind, number);
	SAY(out, "mapreduce_task_attempt_id", "attempt_local%ld_0001_%c_%06llu_%u", job, kind, number, task->attempt);
	SAY(out, "mapred_task_id", "attempt_local%ld_0001_%c_%06llu_%u", job, kind, number, task->attempt);
	SAY(out, "mapreduce_task_partition", "%llu", number);
	SAY(out, "mapred_task_partition", "%llu", number);
	SAY(out, "mapreduce_task_is_map", "%s", is_map);
	SAY(out, "mapred_task_is_map", "%s", is_map);
	SAY(out, "mapreduce_job_reduces", "%u", task->reducers);
	SAY(out, "mapred_reduce_tasks", "%u", task->reducers);
	if (task->dir != NULL) {
		SAY(out, "mapreduce_output_fileoutputformat_outputdir", "%s", task->dir);
		SAY(out, "mapred_output_dir", "%s", task->dir);
	}
	if (!task->map)
		return;
	if (task->path != NULL) {
		SAY(out, "mapreduce_map_input_file", "%s", task->path);
		SAY(out, "map_input_file", "%s", task->path);
	}
	SAY(out, "mapreduce_map_input_start", "%llu", begin);
	SAY(out, "map_input_start", "%llu", begin);
	SAY(out, "mapreduce_map_input_length", "%llu", len);
	SAY(out, "map_input_length", "%llu", len);
}

/* Whether an inherited variable speaks of a task: of another one, then. */
static bool is_ours(const char *variable)
{
	return strncmp(variable, "mapreduce_", 10) == 0 || strncmp(variable, "mapred_", 7) == 0 ||
	       strncmp(variable, "map_input_", 10) == 0;
}

char **ccp_mr_env(const struct ccp_mr_task *task)
{
	char *text = NULL, **made = NULL, *to;
	size_t len = 0, count = 0, said = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	say(out, task);
	if (fclose(out) != 0)
		goto out;
	for (size_t i = 0; i < len; i++)
		said += text[i] == '\0';
	while (environ[count] != NULL)
		count++;
	made = malloc((count + said + 1) * sizeof *made + len);
	if (made == NULL)
		goto out;
	to = memcpy(made + count + said + 1, text, len);
	count = 0;
	for (char **variable = environ; *variable != NULL; variable++)
		if (!is_ours(*variable))
			made[count++] = *variable;
	for (; said > 0; said--) {
		made[count++] = to;
		to += strlen(to) + 1;
	}
	made[count] = NULL;
out:
	free(text);
	return made;
}

int ccp_mr_program(const struct ccp_program *command, const struct ccp_mr_task *task, void **env,
		   struct ccp_crew_program *program, struct ccp_err *err)
{
	free(*env);
	*env = ccp_mr_env(task);
	if (*env == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an environment");
	program->path = ccp_template_path(command->template);
	program->argv = command->words.argv;
	program->envp = *env;
	return 0;
}
