/*
 * mr_gather.c: threads that take outputs from a queue in the order of the tasks, make lines of them, and wait for their
 * turn before the first of these goes to the sorter. Who has the turn waits for nobody, so that there is always one who
 * goes on.
 */
#include "cmd/mr_gather.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/mr_combine.h"
#include "cmd/signals.h"
#include "pipeline/thread.h"

#define MOMENT_NS 50000000 /* until a signal is noticed */

/* The output of a task. */
struct split {
	struct split *next;
	uint64_t turn;
	struct ccp_kept out;
	struct ccp_mr_task task; /* its path is ours */
	char name[];             /* of the task, for messages */
};

struct worker {
	struct ccp_mr_gather *gather;
	pthread_t thread;
	int cancel_fd;
	struct ccp_mr_feed *feed;
	uint64_t turn;           /* of the split that it has */
};

struct ccp_mr_gather {
	const struct ccp_mr_gather_options *options; /* set before, as the workers */
	struct worker *workers;
	unsigned started;

	pthread_mutex_t lock;    /* of the rest */
	pthread_cond_t news;     /* anything below has changed */
	struct split *first, **last;
	uint64_t submitted, taken, turn;
	bool ended, stopped, failed; /* failed: stopped for that */
	struct ccp_err err;      /* of the first that failed */
};

/* ---- a worker ------------------------------------------------------------------------------------ */

/* Waits until it is the worker's turn. Errors: -1 if what it has is not wanted any more. */
static int wait_for_turn(const struct worker *worker, struct ccp_err *err)
{
	struct ccp_mr_gather *gather = worker->gather;
	bool wanted;

	pthread_mutex_lock(&gather->lock);
	while (gather->turn != worker->turn)
		pthread_cond_wait(&gather->news, &gather->lock);
	wanted = !gather->stopped;
	pthread_mutex_unlock(&gather->lock);
	return wanted ? 0 : ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
}

static int put(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	const struct worker *worker = arg;

	if (wait_for_turn(worker, err) != 0)
		return -1;
	return ccp_sorter_add(worker->gather->options->sorter, data, len, err);
}

static int make_lines(struct worker *worker, const struct split *split, struct ccp_err *err)
{
	const struct ccp_mr_gather_options *options = worker->gather->options;
	const struct ccp_mr_combine combine = {
		.program = options->combine, .sorting = options->task_sorting, .tell = options->tell,
		.task = split->task, .name = split->name, .cancel_fd = worker->cancel_fd,
		.take = ccp_mr_feed_take, .arg = worker->feed,
	};
	int result;

	ccp_mr_feed_begin(worker->feed, worker);
	if (options->combine != NULL)
		result = ccp_mr_combine(&combine, &split->out, err);
	else
		result = ccp_kept_each(&split->out, ccp_mr_feed_take, worker->feed, err);
	return result == 0 ? ccp_mr_feed_end(worker->feed, err) : -1;
}

static void free_split(struct split *split)
{
	ccp_kept_clear(&split->out);
	free((char *)(uintptr_t)split->task.path);
	free(split);
}

static void stop_locked(struct ccp_mr_gather *gather)
{
	const uint64_t one = 1;

	if (!gather->stopped)
		for (unsigned i = 0; i < gather->started; i++)
			(void)!write(gather->workers[i].cancel_fd, &one, sizeof one);
	gather->stopped = true;
	pthread_cond_broadcast(&gather->news);
}

static void run_split(struct worker *worker, struct split *split)
{
	struct ccp_mr_gather *gather = worker->gather;
	struct ccp_err err, ignored;
	int result = -1;
	bool wanted;

	ccp_err_clear(&err);
	worker->turn = split->turn;
	pthread_mutex_lock(&gather->lock);
	wanted = !gather->stopped;
	pthread_mutex_unlock(&gather->lock);
	if (wanted)
		result = make_lines(worker, split, &err);
	(void)wait_for_turn(worker, &ignored);
	pthread_mutex_lock(&gather->lock);
	if (result != 0 && !gather->stopped) {
		stop_locked(gather); /* all before it have gone well */
		gather->failed = true;
		gather->err = err;
		if (err.code == CCP_E_FORMAT) /* what is wrong with a line */
			ccp_err_set(&gather->err, err.code, "%s: %s", split->name, err.text);
	}
	gather->turn++;
	pthread_cond_broadcast(&gather->news);
	pthread_mutex_unlock(&gather->lock);
	free_split(split);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct ccp_mr_gather *gather = worker->gather;

	for (;;) {
		struct split *split;

		pthread_mutex_lock(&gather->lock);
		while (gather->first == NULL && !gather->ended)
			pthread_cond_wait(&gather->news, &gather->lock);
		split = gather->first;
		if (split != NULL) {
			gather->first = split->next;
			if (gather->first == NULL)
				gather->last = &gather->first;
			gather->taken++;
			pthread_cond_broadcast(&gather->news);
		}
		pthread_mutex_unlock(&gather->lock);
		if (split == NULL)
			return NULL;
		run_split(worker, split);
	}
}

/* ---- the other side ------------------------------------------------------------------------------ */

int ccp_mr_gather_new(struct ccp_mr_gather **made, const struct ccp_mr_gather_options *options, struct ccp_err *err)
{
	struct ccp_mr_gather *gather = calloc(1, sizeof *gather);

	if (gather == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	gather->options = options;
	gather->last = &gather->first;
	gather->workers = calloc(options->threads, sizeof *gather->workers);
	if (gather->workers == NULL) {
		free(gather);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	pthread_mutex_init(&gather->lock, NULL);
	pthread_cond_init(&gather->news, NULL);
	*made = gather;
	return 0;
}

/* Starts one more thread. Errors: -1. */
static int start(struct ccp_mr_gather *gather, struct ccp_err *err)
{
	struct worker *worker = &gather->workers[gather->started];
	int error;

	*worker = (struct worker){ .gather = gather, .cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (worker->cancel_fd < 0)
		return ccp_err_sys(err, errno, "eventfd");
	if (ccp_mr_feed_new(&worker->feed, &gather->options->feed, put, err) == 0) {
		error = ccp_thread_start(&worker->thread, worker_main, worker);
		if (error == 0) {
			pthread_mutex_lock(&gather->lock);
			gather->started++;
			pthread_mutex_unlock(&gather->lock);
			return 0;
		}
		ccp_err_sys(err, error, "a thread");
		ccp_mr_feed_free(worker->feed);
	}
	close(worker->cancel_fd);
	return -1;
}

void ccp_mr_gather_stop(struct ccp_mr_gather *gather)
{
	pthread_mutex_lock(&gather->lock);
	stop_locked(gather);
	pthread_mutex_unlock(&gather->lock);
}

/* Waits for a moment. A signal that was caught stops all: combiners may run for long. */
static void wait_locked(struct ccp_mr_gather *gather)
{
	struct timespec until;

	if (ccp_signals_caught() != 0)
		stop_locked(gather);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += MOMENT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&gather->news, &gather->lock, &until);
}

/* Copies what a crew keeps: of a file, one more descriptor. Errors: -1; the copy is to be cleared all the same. */
static int copy_kept(struct ccp_kept *copy, const struct ccp_kept *kept, struct ccp_err *err)
{
	if (kept->fd >= 0) {
		copy->fd = fcntl(kept->fd, F_DUPFD_CLOEXEC, 0);
		if (copy->fd < 0)
			return ccp_err_sys(err, errno, "temporary file");
		copy->stored = kept->stored;
	}
	if (kept->len == 0)
		return 0;
	copy->data = malloc(kept->len);
	if (copy->data == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the output");
	memcpy(copy->data, kept->data, kept->len);
	copy->len = copy->room = kept->len;
	return 0;
}

static struct split *make_split(const struct ccp_mr_gather *gather, const struct ccp_work *work, const char *name,
				const struct ccp_kept *out, struct ccp_err *err)
{
	const struct ccp_block *block = work->block;
	struct split *split = calloc(1, sizeof *split + strlen(name) + 1);

	if (split == NULL) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
		return NULL;
	}
	split->task = (struct ccp_mr_task){ .map = true, .number = work->number,
					    .reducers = gather->options->reducers, .begin = block->at,
					    .len = block->len, .dir = gather->options->dir };
	strcpy(split->name, name);
	ccp_kept_init(&split->out);
	if (work->path != NULL) {
		split->task.path = strdup(work->path);
		if (split->task.path == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
			free_split(split);
			return NULL;
		}
	}
	if (copy_kept(&split->out, out, err) == 0)
		return split;
	free_split(split);
	return NULL;
}

int ccp_mr_gather_submit(struct ccp_mr_gather *gather, const struct ccp_work *work, const char *name,
			 const struct ccp_kept *out, struct ccp_err *err)
{
	struct split *split;
	bool wanted;

	if (gather->started < gather->options->threads && start(gather, err) != 0)
		return -1;
	split = make_split(gather, work, name, out, err);
	if (split == NULL)
		return -1;
	pthread_mutex_lock(&gather->lock);
	while (gather->submitted - gather->taken >= gather->options->threads && !gather->stopped)
		wait_locked(gather);
	wanted = !gather->stopped;
	if (wanted) {
		split->turn = gather->submitted++;
		*gather->last = split;
		gather->last = &split->next;
		pthread_cond_broadcast(&gather->news);
	}
	pthread_mutex_unlock(&gather->lock);
	if (wanted)
		return 0;
	free_split(split);
	return 1;
}

int ccp_mr_gather_drain(struct ccp_mr_gather *gather, struct ccp_err *err)
{
	int result = 0;

	pthread_mutex_lock(&gather->lock);
	while (gather->turn < gather->submitted)
		wait_locked(gather);
	if (gather->failed) {
		*err = gather->err;
		result = -1;
	} else if (gather->stopped) {
		result = ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
	}
	pthread_mutex_unlock(&gather->lock);
	return result;
}

void ccp_mr_gather_free(struct ccp_mr_gather *gather)
{
	if (gather == NULL)
		return;
	pthread_mutex_lock(&gather->lock);
	if (gather->turn < gather->submitted)
		stop_locked(gather);
	gather->ended = true;
	pthread_cond_broadcast(&gather->news);
	pthread_mutex_unlock(&gather->lock);
	for (unsigned i = 0; i < gather->started; i++) {
		pthread_join(gather->workers[i].thread, NULL);
		ccp_mr_feed_free(gather->workers[i].feed);
		close(gather->workers[i].cancel_fd);
	}
	pthread_cond_destroy(&gather->news);
	pthread_mutex_destroy(&gather->lock);
	free(gather->workers);
	free(gather);
}
