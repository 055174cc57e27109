/*
 * mr_env.h: what a task finds in its environment.
 *
 * These are properties of the job as Hadoop Streaming gives them, with underscores in place of dots, under their names
 * of today and, where they have one, of Hadoop 1.
 */
#ifndef CCP_CMD_MR_ENV_H
#define CCP_CMD_MR_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/program.h"
#include "pipeline/command/crew.h"

/* A task. Borrowed during the call. */
struct ccp_mr_task {
	bool map;          /* it is a map or its combiner, not a reducer */
	uint64_t number;   /* from 0 */
	unsigned reducers; /* of the job */
	unsigned attempt;  /* from 0 */
	const char *path;  /* of the input; NULL = it has none, or no name */
	uint64_t begin, len; /* of its part of the input, decoded */
	const char *dir;   /* the output's; NULL = standard output */
};

/* Ours, and what is said of the task. Memory: returned, one allocation. NULL if there is none. */
char **ccp_mr_env(const struct ccp_mr_task *task);

/*
 * Says what a crew starts for a try of a task, but for its input. `env` gets the environment in place of that of the
 * try before; it is released with free. Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_mr_program(const struct ccp_program *command, const struct ccp_mr_task *task, void **env,
		   struct ccp_crew_program *program, struct ccp_err *err);

#endif
