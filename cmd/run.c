/*
 * run.c: the command run: a program for each argument, some at a time, their outputs in order.
 *
 * The line about a job goes to the log once its output has been written: what --resume passes over has been seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/jobs.h"
#include "cmd/run_batch.h"
#include "cmd/text.h"

#define TIMED_OUT_STATUS 124 /* as timeout(1) has it; in the log */
#define NOT_RUN_STATUS 127

struct run {
	struct ccp_settings *settings;
	struct ccp_jobs jobs;
	struct ccp_template *template;
	struct ccp_run_batch batch;
	struct ccp_joblog *log;     /* NULL = none */
	struct ccp_wordlist words;     /* of the program that is started */
	char **command;             /* on the command line */
	size_t command_words;
	int arg_fd;                 /* ours; -1 = none */
};

static struct ccp_template_values values_of(const struct ccp_run_job *job, unsigned slot)
{
	return (struct ccp_template_values){ job->words.argv, job->words.count, job->number, slot };
}

/* ---- calls of the crew --------------------------------------------------------------------------- */

static void complain(void *arg, const struct ccp_err *err)
{
	const struct run *run = arg;

	fprintf(stderr, "%s: %s\n", run->settings->program, err->text);
}

/* Whether a job is to be run, by the log. */
static bool is_wanted(struct run *run, struct ccp_run_job *job)
{
	enum ccp_joblog_known known;

	if (run->log == NULL)
		return true;
	job->key = ccp_joblog_key(run->log, run->command, run->command_words, job->words.argv, job->words.count);
	known = ccp_joblog_known(run->log, job->key);
	switch (run->settings->run.resume) {
	case 'r':
		return known != CCP_JOBLOG_WELL;
	case 'f':
		return known == CCP_JOBLOG_FAILED;
	default:
		return true;
	}
}

static int on_next(void *arg, bool ready, void **item, struct ccp_err *err)
{
	struct run *run = arg;

	for (;; ready = false) {
		struct ccp_run_job *job;
		int result = ccp_run_batch_next(&run->batch, ready, &job, complain, run, err);

		if (result == CCP_ARGS_LATER)
			return CCP_CREW_LATER;
		if (result != CCP_ARGS_ONE)
			return result == CCP_ARGS_END ? CCP_CREW_NONE : -1;
		if (is_wanted(run, job)) {
			*item = job;
			return CCP_CREW_JOB;
		}
		ccp_run_job_free(job);
	}
}

static int on_program(void *arg, void *item, unsigned slot, struct ccp_crew_program *program, struct ccp_err *err)
{
	struct run *run = arg;
	const struct ccp_template_values values = values_of(item, slot);

	if (ccp_template_expand(run->template, &values, &run->words, err) != 0)
		return -1;
	program->path = ccp_template_path(run->template);
	program->argv = run->words.argv;
	return 0;
}

static void tell(struct run *run, const struct ccp_crew_done *done, const char *command)
{
	const struct ccp_run_job *job = done->job;

	flockfile(stderr);
	fprintf(stderr, "%s: job %llu: ", run->settings->program, (unsigned long long)job->number);
	ccp_jobs_tell_end(stderr, &run->jobs, done, command);
	funlockfile(stderr);
}

static int add_to_log(struct run *run, const struct ccp_crew_done *done, const char *command, struct ccp_err *err)
{
	const struct ccp_run_job *job = done->job;
	const struct ccp_joblog_line line = {
		.number = job->number, .began_ns = done->began_ns, .took_ns = done->took_ns,
		.received = done->shown_bytes + ccp_kept_bytes(done->out),
		.status = done->end == CCP_CREW_TIMED_OUT ? TIMED_OUT_STATUS
			: done->end == CCP_CREW_NOT_RUN   ? NOT_RUN_STATUS : done->status,
		.signal = done->signal, .command = command, .key = job->key,
	};
	struct ccp_err why;

	if (ccp_joblog_add(run->log, &line, &why) == 0)
		return 0;
	return ccp_err_set(err, CCP_E_SYS, "%s: %s", run->settings->run.joblog, why.text);
}

/* The words, with blanks between. Returns NULL if there is no memory. */
static const char *join(struct ccp_wordlist *line, char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			ccp_wordlist_add(line, " ", 1);
		ccp_wordlist_add(line, words[i], strlen(words[i]));
	}
	ccp_wordlist_end(line);
	return line->failed ? NULL : line->text;
}

/* Shows what a job wrote, or a part of it. */
static int show(struct run *run, const struct ccp_crew_done *done, bool part, struct ccp_err *err)
{
	const struct ccp_run_job *job = done->job;
	struct ccp_wordlist tag = { 0 };
	int result = 0;

	if (run->settings->run.tag && join(&tag, job->words.argv) == NULL)
		result = ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a tag");
	if (result == 0)
		result = ccp_jobs_show(&run->jobs, done, tag.text, part, err);
	ccp_wordlist_free(&tag);
	return result;
}

static int on_part(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err)
{
	return show(arg, so_far, true, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	struct run *run = arg;
	const struct ccp_template_values values = values_of(done->job, done->slot);
	struct ccp_wordlist command = { 0 };
	bool tells = ccp_jobs_tells(&run->jobs, done), logs = run->log != NULL;
	int result = show(run, done, false, err);

	if (result == 0 && (tells || logs)) {
		result = ccp_template_show(run->template, &values, &command, err);
		ccp_wordlist_end(&command);
	}
	if (result == 0 && tells)
		tell(run, done, command.text);
	if (result == 0 && logs)
		result = add_to_log(run, done, command.text, err);
	ccp_wordlist_free(&command);
	return result;
}

static void on_drop(void *arg, void *item)
{
	(void)arg;
	ccp_run_job_free(item);
}

/* ---- before -------------------------------------------------------------------------------------- */

/* Finds what ends the command, ::: or ::::, and where arguments come from. Returns 0, or an exit status. */
static int find_args(struct run *run)
{
	struct ccp_settings *s = run->settings;
	char end = s->nul_separated ? '\0' : '\n', **list = NULL;
	const char *file = s->run.arg_file;
	size_t count = 0;

	run->command = s->names;
	run->command_words = s->name_count;
	for (size_t i = 0; i < s->name_count; i++) {
		if (strcmp(s->names[i], ":::") != 0 && strcmp(s->names[i], "::::") != 0)
			continue;
		if (list != NULL)
			return ccp_usage_error(s, "there can be one ::: or :::: only");
		run->command_words = i;
		list = &s->names[i + 1];
		count = s->name_count - i - 1;
	}
	if (list != NULL && file != NULL)
		return ccp_usage_error(s, "--arg-file and %s cannot both be", list[-1]);
	if (list != NULL && strcmp(list[-1], "::::") == 0) {
		if (count != 1)
			return ccp_usage_error(s, ":::: wants one file");
		file = list[0];
		list = NULL;
	}
	if (list != NULL) {
		ccp_args_from_list(&run->batch.args, list, count);
		return 0;
	}
	if (file != NULL && strcmp(file, "-") != 0) {
		run->arg_fd = open(file, O_RDONLY | O_CLOEXEC);
		if (run->arg_fd < 0) {
			fprintf(stderr, "%s: ", s->program);
			ccp_text_path(stderr, file);
			fprintf(stderr, ": %s\n", strerrordesc_np(errno));
			return CCP_EXIT_FAILED;
		}
	}
	ccp_args_from_file(&run->batch.args, run->arg_fd >= 0 ? run->arg_fd : STDIN_FILENO, end);
	return 0;
}

static int open_log(struct run *run)
{
	const struct ccp_settings *s = run->settings;
	struct ccp_err err;

	if (s->run.joblog == NULL)
		return s->run.resume == 0 ? 0
					  : ccp_usage_error(s, "--%s wants a --joblog", s->run.resume == 'r'
							    ? "resume" : "retry-failed");
	if (s->run.dry_run && (s->run.resume == 0 || access(s->run.joblog, F_OK) != 0))
		return 0; /* which writes nothing */
	if (ccp_joblog_open(&run->log, s->run.joblog, s->run.resume != 0, &err) == 0)
		return 0;
	fprintf(stderr, "%s: ", s->program);
	ccp_text_path(stderr, s->run.joblog);
	fprintf(stderr, ": %s\n", err.text);
	return CCP_EXIT_FAILED;
}

/* Prints the commands. Returns the exit status. */
static int dry_run(struct run *run)
{
	struct ccp_err err;
	void *item;
	int result;

	run->batch.args.waits = false; /* nobody waits but for the next */
	while ((result = on_next(run, true, &item, &err)) == CCP_CREW_JOB) {
		const struct ccp_template_values values = values_of(item, 1);
		struct ccp_wordlist line = { 0 };

		if (ccp_template_show(run->template, &values, &line, &err) == 0)
			fwrite(line.text, 1, line.len, stdout);
		putchar('\n');
		ccp_wordlist_free(&line);
		ccp_run_job_free(item);
	}
	if (result == CCP_CREW_NONE)
		return run->batch.bad > 0 ? CCP_EXIT_FAILED : CCP_EXIT_OK;
	fprintf(stderr, "%s: %s\n", run->settings->program, err.text);
	return CCP_EXIT_FAILED;
}

static int run_all(struct run *run)
{
	const struct ccp_crew_calls calls = { .next = on_next, .program = on_program, .part = on_part,
					      .done = on_done, .drop = on_drop, .arg = run };
	struct ccp_crew_totals totals;
	struct ccp_err err;
	int result, status;

	run->jobs.crew.later_fd = run->batch.args.fd;
	run->jobs.crew.unordered = run->settings->unordered;
	result = ccp_crew_run(&run->jobs.crew, &calls, &totals, &err);
	status = ccp_jobs_end(&run->jobs, result, &totals, &err);
	return run->batch.bad > 0 ? CCP_EXIT_FAILED : status;
}

static int make_template(struct run *run)
{
	const struct ccp_settings *s = run->settings;
	struct ccp_err err;

	if (ccp_template_new(&run->template, run->command, run->command_words, false, &err) == 0)
		return 0;
	if (err.code == CCP_E_USAGE)
		return ccp_usage_error(s, "%s", err.text);
	fprintf(stderr, "%s: %s\n", s->program, err.text);
	return CCP_EXIT_FAILED;
}

static int run_command(struct ccp_settings *s)
{
	struct run run = { .settings = s, .arg_fd = -1 };
	int status = ccp_jobs_open(&run.jobs, s);

	if (status != 0)
		return status;
	status = find_args(&run);
	if (status == 0)
		status = make_template(&run);
	if (status == 0)
		status = open_log(&run);
	if (status == 0) {
		run.batch.template = run.template;
		run.batch.many = s->run.many;
		run.batch.max_args = s->run.number > 0 ? (size_t)s->run.number : s->run.many ? 0 : 1;
		run.batch.degree = run.jobs.crew.degree;
		status = s->run.dry_run ? dry_run(&run) : run_all(&run);
	}
	ccp_joblog_close(run.log);
	ccp_run_batch_release(&run.batch);
	ccp_wordlist_free(&run.words);
	ccp_template_free(run.template);
	if (run.arg_fd >= 0)
		close(run.arg_fd);
	ccp_jobs_close(&run.jobs);
	return status;
}

const struct ccp_command ccp_command_run = {
	.name = "run",
	.help = "run a command for each argument, several at a time, outputs in order",
	.operands = " COMMAND [::: ARGUMENT... | :::: FILE]",
	.bit = CCP_FOR_RUN,
	.run = run_command,
};
