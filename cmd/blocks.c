/*
 * blocks.c: see blocks.h.
 *
 * The queue is as short as there are programs at once, so that whoever fills it is held up. The thread begins with the
 * first block: in map and mr that comes from a collector, and then no worker process is forked any more.
 */
#include "cmd/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipeline/run.h"
#include "pipeline/thread.h"

struct ccp_work *ccp_work_new(struct ccp_block *block, const char *path, struct ccp_err *err)
{
	struct ccp_work *work = calloc(1, sizeof *work);

	if (work != NULL) {
		work->block = block;
		work->path = path != NULL ? strdup(path) : NULL;
		if (path == NULL || work->path != NULL)
			return work;
		free(work);
	}
	ccp_block_free(block);
	ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a block");
	return NULL;
}

void ccp_work_free(struct ccp_work *work)
{
	if (work == NULL)
		return;
	ccp_block_free(work->block);
	free(work->path);
	free(work->extra);
	free(work);
}

/* ---- the crew's thread --------------------------------------------------------------------------- */

static int on_next(void *arg, bool ready, void **item, struct ccp_err *err)
{
	struct ccp_blocks *blocks = arg;
	uint64_t count;
	int result = CCP_CREW_LATER;

	(void)err;
	if (ready)
		(void)!read(blocks->crew.later_fd, &count, sizeof count);
	pthread_mutex_lock(&blocks->lock);
	if (blocks->first != NULL) {
		*item = blocks->first;
		blocks->first = blocks->first->next;
		if (blocks->first == NULL)
			blocks->last = &blocks->first;
		blocks->queued--;
		pthread_cond_signal(&blocks->room);
		result = CCP_CREW_JOB;
	} else if (blocks->ended) {
		result = CCP_CREW_NONE;
	}
	pthread_mutex_unlock(&blocks->lock);
	return result;
}

static int on_program(void *arg, void *item, unsigned slot, struct ccp_crew_program *program, struct ccp_err *err)
{
	struct ccp_blocks *blocks = arg;
	struct ccp_work *work = item;

	program->input = work->block->fd;
	if (ccp_block_rewind(work->block, err) != 0)
		return -1;
	return blocks->calls.program(blocks->calls.arg, work, slot, program, err);
}

static void on_settled(void *arg, void *item)
{
	const struct ccp_work *work = item;

	(void)arg;
	ccp_block_drop(work->block);
}

static int on_part(void *arg, const struct ccp_crew_done *so_far, struct ccp_err *err)
{
	struct ccp_blocks *blocks = arg;

	return blocks->calls.part(blocks->calls.arg, so_far, err);
}

static int on_done(void *arg, const struct ccp_crew_done *done, struct ccp_err *err)
{
	struct ccp_blocks *blocks = arg;

	return blocks->calls.done(blocks->calls.arg, done, err);
}

static void on_drop(void *arg, void *item)
{
	(void)arg;
	ccp_work_free(item);
}

static void *crew_main(void *arg)
{
	struct ccp_blocks *blocks = arg;
	const struct ccp_crew_calls calls = { .next = on_next, .program = on_program, .settled = on_settled,
					      .part = blocks->calls.part != NULL ? on_part : NULL, .done = on_done,
					      .drop = on_drop, .arg = blocks };

	blocks->result = ccp_crew_run(&blocks->crew, &calls, &blocks->totals, &blocks->err);
	pthread_mutex_lock(&blocks->lock);
	blocks->stopped = true;
	if (!blocks->ended)
		ccp_run_cancel(); /* if blocks come from a run, nothing more need be read */
	pthread_cond_broadcast(&blocks->room);
	pthread_mutex_unlock(&blocks->lock);
	return NULL;
}

static void wake(const struct ccp_blocks *blocks)
{
	const uint64_t one = 1;

	(void)!write(blocks->crew.later_fd, &one, sizeof one);
}

/* ---- the other side ------------------------------------------------------------------------------ */

int ccp_blocks_open(struct ccp_blocks *blocks, const struct ccp_crew_options *crew,
		    const struct ccp_blocks_calls *calls, struct ccp_err *err)
{
	*blocks = (struct ccp_blocks){ .crew = *crew, .calls = *calls };
	blocks->last = &blocks->first;
	ccp_err_clear(&blocks->err);
	blocks->crew.later_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (blocks->crew.later_fd < 0)
		return ccp_err_sys(err, errno, "eventfd");
	pthread_mutex_init(&blocks->lock, NULL);
	pthread_cond_init(&blocks->room, NULL);
	return 0;
}

int ccp_blocks_submit(struct ccp_blocks *blocks, struct ccp_work *work, struct ccp_err *err)
{
	bool stopped;

	if (!blocks->started) {
		int error = ccp_thread_start(&blocks->thread, crew_main, blocks);

		if (error != 0) {
			ccp_work_free(work);
			return ccp_err_sys(err, error, "a thread");
		}
		blocks->started = true;
	}
	work->number = blocks->submitted++;
	work->next = NULL;
	pthread_mutex_lock(&blocks->lock);
	while (blocks->queued >= blocks->crew.degree && !blocks->stopped)
		pthread_cond_wait(&blocks->room, &blocks->lock);
	stopped = blocks->stopped;
	if (!stopped) {
		*blocks->last = work;
		blocks->last = &work->next;
		blocks->queued++;
	}
	pthread_mutex_unlock(&blocks->lock);
	if (stopped) {
		ccp_work_free(work);
		return 1;
	}
	wake(blocks);
	return 0;
}

void ccp_blocks_end(struct ccp_blocks *blocks)
{
	if (!blocks->started)
		return;
	pthread_mutex_lock(&blocks->lock);
	blocks->ended = true;
	pthread_mutex_unlock(&blocks->lock);
	wake(blocks);
	pthread_join(blocks->thread, NULL);
	blocks->started = false;
}

void ccp_blocks_close(struct ccp_blocks *blocks)
{
	while (blocks->first != NULL) {
		struct ccp_work *next = blocks->first->next;

		ccp_work_free(blocks->first);
		blocks->first = next;
	}
	close(blocks->crew.later_fd);
	pthread_cond_destroy(&blocks->room);
	pthread_mutex_destroy(&blocks->lock);
}
