/*
 * map.c: the command map: inputs cut at ends of lines into blocks, each of which goes through a copy of a program.
 *
 * The run reads and decodes, and its collector cuts blocks (cutter.c); a thread with the crew runs programs on them
 * (blocks.c), and writes standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/blocks.h"
#include "cmd/commands.h"
#include "cmd/cutter.h"
#include "cmd/jobs.h"
#include "cmd/program.h"

#define BLOCK_BYTES ((uint64_t)1 << 20)

struct map {
	struct ccp_settings *settings;
	struct ccp_jobs jobs;
	struct ccp_program program;
	struct ccp_blocks blocks;
	struct ccp_cutter cutter;
};

/* ---- the crew's thread --------------------------------------------------------------------------- */

static int on_program(void *arg, struct ccp_work *work, unsigned slot, struct ccp_crew_program *program,
		      struct ccp_err *err)
{
	struct map *map = arg;

	(void)work, (void)slot, (void)err;
	program->path = ccp_template_path(map->program.template);
	program->argv = map->program.words.argv;
	return 0;
}

static int on_part(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err)
{
	struct map *map = arg;

	return ccp_jobs_show(&map->jobs, so_far, NULL, true, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	struct map *map = arg;
	const struct ccp_work *work = done->job;
	const struct ccp_block *block = work->block;

	if (ccp_jobs_show(&map->jobs, done, NULL, false, err) != 0)
		return -1;
	if ((done->end == CCP_CREW_EXITED && done->status == 0) || map->settings->quiet)
		return 0;
	flockfile(stderr);
	fprintf(stderr, "%s: %s: ", map->settings->program, block->name);
	if (map->cutter.by != 'f')
		fprintf(stderr, "block at byte %llu: ", (unsigned long long)block->at);
	ccp_jobs_tell_end(stderr, &map->jobs, done, map->program.shown.text);
	funlockfile(stderr);
	return 0;
}

/* ---- before and after ---------------------------------------------------------------------------- */

/* Parts what is said into the command, before --, and the names of inputs. */
static size_t part_names(struct ccp_settings *s, char **command)
{
	size_t words = 0, names;

	while (words < s->name_count && strcmp(s->names[words], "--") != 0)
		words++;
	memcpy(command, s->names, words * sizeof *command);
	names = words < s->name_count ? words + 1 : words;
	memmove(s->names, s->names + names, (s->name_count - names) * sizeof *s->names);
	s->name_count -= names;
	return words;
}

static int run_all(struct map *map)
{
	const struct ccp_blocks_calls calls = { on_program, on_part, on_done, map };
	struct ccp_settings *s = map->settings;
	int status, crew_status = CCP_EXIT_OK;
	struct ccp_err err;

	if (ccp_blocks_open(&map->blocks, &map->jobs.crew, &calls, &err) != 0) {
		fprintf(stderr, "%s: %s\n", s->program, err.text);
		return CCP_EXIT_FAILED;
	}
	map->cutter = (struct ccp_cutter){ .blocks = &map->blocks, .by = (char)(s->run.by != 0 ? s->run.by : 's'),
					   .count = s->run.by != 0 ? s->run.by_count : BLOCK_BYTES };
	status = ccp_cutter_run(&map->cutter, s);
	if (map->blocks.submitted > 0)
		crew_status = ccp_jobs_end(&map->jobs, map->blocks.result, &map->blocks.totals, &map->blocks.err);
	ccp_blocks_close(&map->blocks);
	return crew_status != CCP_EXIT_OK && status != CCP_EXIT_USAGE ? crew_status : status;
}

static int run_map(struct ccp_settings *s)
{
	struct map map = { .settings = s };
	char **command = calloc(s->name_count + 1, sizeof *command);
	int status = CCP_EXIT_FAILED;

	if (command == NULL) {
		fprintf(stderr, "%s: no memory for the command\n", s->program);
		return CCP_EXIT_FAILED;
	}
	status = ccp_program_make(&map.program, s, command, part_names(s, command));
	if (status == 0)
		status = ccp_jobs_open(&map.jobs, s);
	if (status == 0) {
		status = run_all(&map);
		ccp_jobs_close(&map.jobs);
	}
	ccp_program_free(&map.program);
	free(command);
	return status;
}

const struct ccp_command ccp_command_map = {
	.name = "map",
	.help = "run blocks of lines through copies of a command, outputs in order",
	.operands = " COMMAND... [-- FILE...]",
	.bit = CCP_FOR_MAP,
	.run = run_map,
};
