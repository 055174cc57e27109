/*
 * map.c: the command map: inputs cut at ends of lines into blocks, each of which goes through a copy of a program.
 *
 * The run reads and decodes, and its collector, which gets the bytes of all inputs in order, fills blocks with them and
 * puts each into a queue as short as there are programs at once. A thread of its own has the crew: it takes blocks out
 * of the queue, and writes standard output. It begins with the first block, when no worker process is forked any more.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/jobs.h"
#include "cmd/look.h"
#include "cmd/text.h"
#include "pipeline/command/block.h"
#include "pipeline/command/template.h"

#define BLOCK_BYTES ((uint64_t)1 << 20)

struct map {
	/* set before */
	struct ccp_settings *settings;
	struct ccp_jobs jobs;
	struct ccp_template *template;
	struct ccp_wordlist words;  /* of the program: always the same */
	struct ccp_wordlist shown;
	char by;                 /* 'l', 's', 'f' */
	uint64_t count;

	/* the collector's */
	struct ccp_block *block; /* is being filled */
	uint64_t at;             /* in the input, decoded */
	uint64_t lines;          /* in the block */
	bool started;            /* there is the thread */
	pthread_t thread;

	/* guarded by lock */
	int enough;              /* the run was cancelled because nothing more can be done */
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct ccp_block *first, **last;
	unsigned queued;
	bool ended;              /* no block will follow */
	bool stopped;            /* none is taken any more */

	/* the crew's; the collector's after its end */
	int result;
	struct ccp_crew_totals totals;
	struct ccp_err err;
};

/* ---- the crew's thread --------------------------------------------------------------------------- */

static int on_next(void *arg, bool ready, void **item, struct ccp_err *err)
{
	struct map *map = arg;
	uint64_t count;
	int result = CCP_CREW_LATER;

	(void)err;
	if (ready)
		(void)!read(map->jobs.crew.later_fd, &count, sizeof count);
	pthread_mutex_lock(&map->lock);
	if (map->first != NULL) {
		*item = map->first;
		map->first = map->first->next;
		if (map->first == NULL)
			map->last = &map->first;
		map->queued--;
		pthread_cond_signal(&map->room);
		result = CCP_CREW_JOB;
	} else if (map->ended) {
		result = CCP_CREW_NONE;
	}
	pthread_mutex_unlock(&map->lock);
	return result;
}

static int on_program(void *arg, void *item, unsigned slot, struct ccp_crew_program *program, struct ccp_err *err)
{
	struct map *map = arg;
	struct ccp_block *block = item;

	(void)slot;
	program->path = ccp_template_path(map->template);
	program->argv = map->words.argv;
	program->input = block->fd;
	return ccp_block_rewind(block, err);
}

static int on_part(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err)
{
	struct map *map = arg;

	return ccp_jobs_show(&map->jobs, so_far, NULL, true, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	struct map *map = arg;
	const struct ccp_block *block = done->job;

	if (ccp_jobs_show(&map->jobs, done, NULL, false, err) != 0)
		return -1;
	if ((done->end == CCP_CREW_EXITED && done->status == 0) || map->settings->quiet)
		return 0;
	flockfile(stderr);
	fprintf(stderr, "%s: %s: ", map->settings->program, block->name);
	if (map->by != 'f')
		fprintf(stderr, "block at byte %llu: ", (unsigned long long)block->at);
	ccp_jobs_tell_end(stderr, &map->jobs, done, map->shown.text);
	funlockfile(stderr);
	return 0;
}

static void on_drop(void *arg, void *item)
{
	(void)arg;
	ccp_block_free(item);
}

static void *crew_main(void *arg)
{
	struct map *map = arg;
	const struct ccp_crew_calls calls = { on_next, on_program, on_part, on_done, on_drop, map };

	map->result = ccp_crew_run(&map->jobs.crew, &calls, &map->totals, &map->err);
	pthread_mutex_lock(&map->lock);
	map->stopped = true;
	if (!map->ended) {
		map->enough = 1;
		ccp_run_cancel();
	}
	pthread_cond_broadcast(&map->room);
	pthread_mutex_unlock(&map->lock);
	return NULL;
}

/* Starts the thread, which gets no signals: SIGPIPE above all, since programs need not read all of their input. */
static int start(struct map *map, struct ccp_err *err)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&map->thread, NULL, crew_main, map);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return ccp_err_sys(err, error, "a thread");
	map->started = true;
	return 0;
}

static void wake(const struct map *map)
{
	const uint64_t one = 1;

	(void)!write(map->jobs.crew.later_fd, &one, sizeof one);
}

/* ---- the collector ------------------------------------------------------------------------------- */

/* Puts the block into the queue, where there has to be room first. Returns 0, 1 if nothing more is wanted. */
static int submit(struct map *map, struct ccp_err *err)
{
	struct ccp_block *block = map->block;
	bool stopped;

	if (!map->started && start(map, err) != 0)
		return -1;
	map->block = NULL;
	map->lines = 0;
	pthread_mutex_lock(&map->lock);
	while (map->queued >= map->jobs.crew.degree && !map->stopped)
		pthread_cond_wait(&map->room, &map->lock);
	stopped = map->stopped;
	if (!stopped) {
		*map->last = block;
		map->last = &block->next;
		map->queued++;
	}
	pthread_mutex_unlock(&map->lock);
	if (!stopped) {
		wake(map);
		return 0;
	}
	ccp_block_free(block);
	return 1;
}

static const char *name_of(const struct ccp_input *input)
{
	return input->is_stdin ? "standard input" : input->path;
}

/* The name as messages show it. Memory: returned. */
static char *shown_name(const struct ccp_input *input)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	input->is_stdin ? (void)fputs(name_of(input), out) : ccp_text_path(out, name_of(input));
	return fclose(out) == 0 ? text : NULL;
}

static int open_block(struct map *map, const struct ccp_input *input, struct ccp_err *err)
{
	char *name = shown_name(input);

	map->block = ccp_block_new(name != NULL ? name : name_of(input), map->at, err);
	free(name);
	return map->block != NULL ? 0 : -1;
}

/* How many of these bytes still belong to the block; `ends` if it is whole then. */
static size_t rest_of(struct map *map, const uint8_t *data, size_t len, bool *ends)
{
	const uint8_t *end = NULL;
	size_t from = 0;

	*ends = false;
	if (map->by == 'f')
		return len;
	if (map->by == 's') {
		uint64_t missing = map->count - 1 > map->block->len ? map->count - 1 - map->block->len : 0;

		if (missing >= len)
			return len;
		end = memchr(data + missing, '\n', len - (size_t)missing);
	} else {
		while (map->lines < map->count && (end = memchr(data + from, '\n', len - from)) != NULL) {
			from = (size_t)(end - data) + 1;
			map->lines++;
		}
	}
	*ends = end != NULL;
	return end != NULL ? (size_t)(end - data) + 1 : len;
}

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct map *map = arg;

	map->at = 0;
	map->lines = 0;
	return map->by == 'f' ? open_block(map, input, err) : 0;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct map *map = arg;
	const uint8_t *data = part->data;

	for (size_t left = part->len; left > 0;) {
		size_t len;
		bool ends;
		int result;

		if (map->block == NULL && open_block(map, input, err) != 0)
			return -1;
		len = rest_of(map, data, left, &ends);
		if (ccp_block_add(map->block, data, len, err) != 0)
			return -1;
		map->at += len;
		data += len;
		left -= len;
		result = ends ? submit(map, err) : 0;
		if (result != 0)
			return result;
	}
	return 0;
}

/* What comes after the last end of a line is a line as well, unless the input was cut short there. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct map *map = arg;

	(void)input;
	if (map->block == NULL)
		return 0;
	if (failed && (map->by == 'f' || ccp_block_cut(map->block, err) != 0 || map->block->len == 0)) {
		ccp_block_free(map->block);
		map->block = NULL;
		return 0;
	}
	return submit(map, err) < 0 ? -1 : 0;
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

static int make_template(struct map *map, char **command, size_t words)
{
	static const struct ccp_template_values none;
	const struct ccp_settings *s = map->settings;
	struct ccp_err err;

	if (ccp_template_new(&map->template, command, words, true, &err) == 0 &&
	    ccp_template_expand(map->template, &none, &map->words, &err) == 0 &&
	    ccp_template_show(map->template, &none, &map->shown, &err) == 0) {
		ccp_wordlist_end(&map->shown);
		return 0;
	}
	if (err.code == CCP_E_USAGE)
		return ccp_usage_error(s, "%s", err.text);
	fprintf(stderr, "%s: %s\n", s->program, err.text);
	return CCP_EXIT_FAILED;
}

static int run_all(struct map *map)
{
	struct ccp_settings *s = map->settings;
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("lines"),
		.collector = { on_begin, on_take, on_end, map },
		.apart = true, /* it waits for programs */
		.stopped = &map->enough,
	};
	int status, crew_status = CCP_EXIT_OK;

	if (s->progress == CCP_PROGRESS_AUTO)
		s->progress = CCP_PROGRESS_NONE; /* programs write to the terminal as they like */
	status = ccp_look(s, &look);
	if (map->block != NULL)
		ccp_block_free(map->block);
	if (map->started) {
		pthread_mutex_lock(&map->lock);
		map->ended = true;
		pthread_mutex_unlock(&map->lock);
		wake(map);
		pthread_join(map->thread, NULL);
		crew_status = ccp_jobs_end(&map->jobs, map->result, &map->totals, &map->err);
	}
	while (map->first != NULL) {
		struct ccp_block *next = map->first->next;

		ccp_block_free(map->first);
		map->first = next;
	}
	return crew_status != CCP_EXIT_OK && status != CCP_EXIT_USAGE ? crew_status : status;
}

static int run_map(struct ccp_settings *s)
{
	struct map map = { .settings = s, .lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER,
			   .by = (char)(s->run.by != 0 ? s->run.by : 's'),
			   .count = s->run.by != 0 ? s->run.by_count : BLOCK_BYTES };
	char **command = calloc(s->name_count + 1, sizeof *command);
	int status = CCP_EXIT_FAILED;

	map.last = &map.first;
	if (command == NULL) {
		fprintf(stderr, "%s: no memory for the command\n", s->program);
		return CCP_EXIT_FAILED;
	}
	status = make_template(&map, command, part_names(s, command));
	if (status == 0)
		status = ccp_jobs_open(&map.jobs, s);
	if (status == 0) {
		map.jobs.crew.later_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (map.jobs.crew.later_fd >= 0) {
			status = run_all(&map);
			close(map.jobs.crew.later_fd);
		} else {
			fprintf(stderr, "%s: eventfd: %s\n", s->program, strerrordesc_np(errno));
			status = CCP_EXIT_FAILED;
		}
		ccp_jobs_close(&map.jobs);
	}
	ccp_wordlist_free(&map.words);
	ccp_wordlist_free(&map.shown);
	ccp_template_free(map.template);
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
