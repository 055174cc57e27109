/*
 * mr.c: the command mr: map and reduce, with the contract of Hadoop Streaming.
 *
 * Inputs are cut into splits, each of which goes through a copy of the map command (mr_map.c). What that writes is put
 * together or combined as far as it can be (mr_gather.c) and goes to a sorter, the part of each line before its key.
 * Then the parts are dealt out to the reducers (mr_reduce.c). The output has its name once all of it is there.
 */
#include "cmd/mr.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/signals.h"
#include "cmd/text.h"
#include "pipeline/plan_internal.h"

#define SPLIT_BYTES ((uint64_t)8 << 20)
#define CHUNK_MOST ((uint64_t)1 << 20)
#define TALLY_LEAST ((uint64_t)256 << 10)
#define TALLY_MOST ((uint64_t)32 << 20)
#define BUFFER_LEAST ((uint64_t)64 << 10)
#define BUFFER_MOST ((uint64_t)8 << 20)

int ccp_mr_fail(const struct ccp_mr *mr, const struct ccp_err *err)
{
	/* signals may be blocked where it is written: then EPIPE is all there is to tell */
	if (err->code == CCP_E_SYS && err->sys == EPIPE && mr->output.dir == NULL && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	else if (err->code != CCP_E_CANCELLED && ccp_signals_caught() == 0)
		fprintf(stderr, "%s: %s\n", mr->settings->program, err->text);
	return CCP_EXIT_FAILED;
}

/* ---- what was said ------------------------------------------------------------------------------- */

static int make_program(struct ccp_mr *mr, struct ccp_program *program, const char *line)
{
	char *words[] = { (char *)(uintptr_t)line };

	return ccp_program_make(program, mr->settings, words, 1);
}

/* What makes no sense together. Returns 0, or an exit status after a message. */
static int check(const struct ccp_mr *mr)
{
	const struct ccp_settings *s = mr->settings;
	const struct ccp_mr_settings *said = &s->mr;
	const enum ccp_mr_op reduce = ccp_mr_op_find(said->reduce != NULL ? said->reduce : "");
	const enum ccp_mr_op combine = ccp_mr_op_find(said->combine != NULL ? said->combine : "");
	const bool none = said->reduce != NULL && strcmp(said->reduce, "none") == 0;

	if (said->map == NULL)
		return ccp_usage_error(s, "there is no --map");
	if (none && said->has_reducers && said->reducers > 0)
		return ccp_usage_error(s, "--reduce none does not go with --reducers %u", said->reducers);
	if (said->has_reducers && said->reducers == 0 && said->reduce != NULL && !none)
		return ccp_usage_error(s, "--reducers 0 does not go with --reduce");
	if (mr->parts == 0 && (said->combine != NULL || said->order.key_count > 0))
		return ccp_usage_error(s, "%s does not go without reducers",
				       said->combine != NULL ? "--combine" : "--sort-key");
	if (reduce != CCP_MR_NONE && said->order.key_count > 0)
		return ccp_usage_error(s, "--sort-key does not go with --reduce %s, which has one line for each key",
				       said->reduce);
	if (reduce == CCP_MR_COUNT && combine != CCP_MR_NONE && combine != CCP_MR_COUNT)
		return ccp_usage_error(s, "--combine %s does not go with --reduce count", said->combine);
	return 0;
}

static int read_settings(struct ccp_mr *mr)
{
	const struct ccp_mr_settings *said = &mr->settings->mr;
	enum ccp_mr_op combine = CCP_MR_NONE;
	int status;

	mr->parts = said->has_reducers ? said->reducers : 1;
	if (said->reduce != NULL && strcmp(said->reduce, "none") == 0)
		mr->parts = 0;
	status = check(mr);
	if (status != 0)
		return status;
	mr->split_bytes = said->split_bytes > 0 ? said->split_bytes : SPLIT_BYTES;
	status = make_program(mr, &mr->map, said->map);
	if (status == 0 && said->combine != NULL) {
		combine = ccp_mr_op_find(said->combine);
		if (combine == CCP_MR_NONE)
			status = make_program(mr, &mr->combine, said->combine);
	}
	if (status == 0 && said->reduce != NULL && mr->parts > 0) {
		mr->deal_op = ccp_mr_op_find(said->reduce);
		if (mr->deal_op == CCP_MR_NONE)
			status = make_program(mr, &mr->reduce, said->reduce);
	}
	/* what can be put together at the end can be before, with the same result */
	mr->feed_op = combine != CCP_MR_NONE ? combine : mr->deal_op;
	if (combine == CCP_MR_NONE)
		mr->deal_op = ccp_mr_op_again(mr->deal_op);
	else if (mr->deal_op == CCP_MR_COUNT)
		mr->deal_op = CCP_MR_SUM;
	ccp_mr_order(&mr->order, &said->order, mr->parts);
	ccp_mr_order(&mr->task_order, &said->order, 1);
	return status;
}

/* ---- memory -------------------------------------------------------------------------------------- */

static uint64_t between(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/*
 * Shares memory out between parts under way, map outputs that lines are made of, and the sorter. What is known of keys
 * has as much as it may have whatever -j is if a command gets what is given out, since these lines depend on it.
 */
static int fill_memory(struct ccp_mr *mr)
{
	struct ccp_settings *s = mr->settings;
	const unsigned threads = mr->jobs.crew.degree;
	uint64_t bytes;
	struct ccp_err err;
	int status;

	if (ccp_plan_parse_budget(s->plan.max_mem, &s->host, &bytes, &err) != 0)
		return ccp_usage_error(s, "%s", err.text);
	status = ccp_sorting_share(s, "--max-mem: mr", CHUNK_MOST, &bytes, mr->flow_bytes);
	if (status != 0)
		return status;
	mr->tally_bytes = between(bytes / 8 / (mr->deal_op != CCP_MR_NONE ? threads : 2), TALLY_LEAST, TALLY_MOST);
	mr->buffer_bytes = between(bytes / 8 / threads, BUFFER_LEAST, BUFFER_MOST);
	mr->sorting = (struct ccp_sorter_options){
		.order = &mr->order,
		.max_bytes = bytes / 2,
		.threads = ccp_sorting_threads(s, threads),
		.stop = ccp_signals_caught,
	};
	return 0;
}

/* ---- the job ------------------------------------------------------------------------------------- */

/* While inputs are looked for, the folder that is being written is none of them; its name may look like a pattern. */
static void pass_over(struct ccp_mr *mr)
{
	struct ccp_settings *s = mr->settings;
	const char *slash = strrchr(mr->output.temp, '/');
	char *to = mr->own_glob;
	size_t i = 0;

	if (!s->recursive || mr->output.dir == NULL)
		return;
	for (const char *c = slash != NULL ? slash + 1 : mr->output.temp; *c != '\0'; c++) {
		if (strchr("*?[\\", *c) != NULL)
			*to++ = '\\';
		*to++ = *c;
	}
	*to = '\0';
	while (s->exclude[i] != NULL)
		i++;
	s->exclude[i] = mr->own_glob;
}

static int run_job(struct ccp_mr *mr)
{
	struct ccp_settings *s = mr->settings;
	const struct ccp_sorter_options task_sorting = {
		.order = &mr->task_order,
		.max_bytes = mr->sorting.max_bytes / 2 / mr->jobs.crew.degree,
		.stop = ccp_signals_caught,
	};
	const struct ccp_mr_gather_options gathering = {
		.threads = mr->jobs.crew.degree,
		.feed = { .parts = mr->parts, .op = mr->feed_op, .tally_bytes = mr->tally_bytes,
			  .buffer_bytes = mr->buffer_bytes },
		.sorter = mr->sorter,
		.combine = mr->combine.template != NULL ? &mr->combine : NULL,
		.task_sorting = &task_sorting,
		.tell = &mr->tell,
		.reducers = mr->parts,
		.dir = s->output,
	};
	struct ccp_err err;
	int status, warned;

	if (mr->parts > 0 && ccp_mr_gather_new(&mr->gather, &gathering, &err) != 0)
		return ccp_mr_fail(mr, &err);
	status = ccp_mr_map_all(mr);
	ccp_mr_gather_free(mr->gather);
	mr->gather = NULL;
	if ((status != CCP_EXIT_OK && status != CCP_EXIT_WARNING) || s->explain || ccp_signals_caught() != 0)
		return status;
	warned = status;
	if (mr->parts > 0)
		status = ccp_mr_reduce_all(mr);
	else
		status = CCP_EXIT_OK;
	if (status == CCP_EXIT_OK && ccp_signals_caught() == 0) {
		if (ccp_mr_output_commit(&mr->output, &err) != 0)
			return ccp_mr_fail(mr, &err);
		ccp_mr_tell_counters(&mr->tell);
	}
	return status == CCP_EXIT_OK ? warned : status;
}

static int run_all(struct ccp_mr *mr)
{
	struct ccp_err err;
	int status = fill_memory(mr);

	if (status != 0)
		return status;
	mr->jobs.crew.halt = CCP_CREW_SOON;
	mr->jobs.crew.halt_failures = 1;
	ccp_err_clear(&err);
	if (ccp_mr_output_open(&mr->output, mr->settings->explain ? NULL : mr->settings->output, &mr->jobs.out,
			       &err) != 0)
		return ccp_mr_fail(mr, &err);
	pass_over(mr);
	if (mr->parts > 0 && ccp_sorter_new(&mr->sorter, &mr->sorting, &err) != 0)
		status = ccp_mr_fail(mr, &err);
	ccp_mr_tell_open(&mr->tell, &mr->jobs);
	if (status == 0)
		status = run_job(mr);
	ccp_mr_tell_close(&mr->tell);
	ccp_sorter_free(mr->sorter);
	ccp_mr_output_close(&mr->output);
	return status;
}

static int run(struct ccp_settings *s)
{
	struct ccp_mr mr = { .settings = s };
	int status = read_settings(&mr);

	if (status == 0)
		status = ccp_jobs_open(&mr.jobs, s);
	if (status == 0) {
		status = run_all(&mr);
		ccp_jobs_close(&mr.jobs);
	}
	ccp_program_free(&mr.map);
	ccp_program_free(&mr.combine);
	ccp_program_free(&mr.reduce);
	return status;
}

const struct ccp_command ccp_command_mr = {
	.name = "mr",
	.help = "map and reduce with commands, as Hadoop Streaming does",
	.operands = " --map CMD [FILE]...",
	.bit = CCP_FOR_MR,
	.run = run,
};
