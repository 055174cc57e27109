/*
 * crew.c: one loop around epoll(7): it starts programs while there are jobs and free slots, reads what they write, and
 * hands over whose turn it is.
 *
 * A slot is filled only when all events at hand have been looked at, so that none of them can be taken for one of the
 * next program in that slot.
 */
#include "pipeline/command/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/command/crew_internal.h"

#define EVENTS 64
#define MEMORY_BYTES ((uint64_t)64 << 20)
#define HOLD_NS 100000000u
#define WAITING_MAX 16384u /* jobs that are through but not handed over */
#define CANCEL UINT64_MAX
#define LATER (UINT64_MAX - 1)

/* ---- starting ------------------------------------------------------------------------------------ */

static bool is_full(const struct crew *crew)
{
	if (crew->options->unordered)
		return false;
	return crew->waiting >= WAITING_MAX ||
	       (crew->files >= crew->files_max && crew->waiting_bytes > crew->memory_bytes);
}

/* Asks for a job. Returns 1, 0 if there is none now. Errors: -1. */
static int fetch(struct crew *crew, bool ready, struct crew_job **job, struct ccp_err *err)
{
	void *item = NULL;
	int result = crew->calls->next(crew->calls->arg, ready, &item, err);

	if (result == CCP_CREW_LATER) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = LATER };

		crew->later = true;
		if (epoll_ctl(crew->epoll_fd, EPOLL_CTL_MOD, crew->options->later_fd, &event) != 0 &&
		    (errno != ENOENT ||
		     epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, crew->options->later_fd, &event) != 0))
			return ccp_err_sys(err, errno, "epoll");
		return 0;
	}
	crew->more = result == CCP_CREW_JOB;
	if (result != CCP_CREW_JOB)
		return result == CCP_CREW_NONE ? 0 : -1;
	*job = calloc(1, sizeof **job);
	if (*job == NULL) {
		crew->calls->drop(crew->calls->arg, item);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a job");
	}
	(*job)->item = item;
	(*job)->child = (struct ccp_child){ .pidfd = -1, .out = -1, .err = -1 };
	ccp_kept_init(&(*job)->out);
	ccp_kept_init(&(*job)->err);
	(*job)->before = crew->last;
	*(crew->last != NULL ? &crew->last->next : &crew->first) = *job;
	crew->last = *job;
	return 1;
}

/* Starts what can be started. `ready`: later_fd is readable. */
static int refill(struct crew *crew, bool ready, struct ccp_err *err)
{
	while (!crew->stopping && crew->running < crew->options->degree) {
		struct crew_job *job = crew->held;
		int result;

		if (job != NULL && crew->held_until_ns > ccp_crew_clock(CLOCK_MONOTONIC))
			return 0;
		if (job == NULL) {
			if (!crew->more || crew->later || is_full(crew))
				return 0;
			result = fetch(crew, ready, &job, err);
			ready = false;
			if (result <= 0)
				return result;
		} else {
			crew->held = job->held_next;
		}
		result = ccp_crew_start(crew, job, err);
		if (result == 1) {
			ccp_crew_hold(crew, job, ccp_crew_clock(CLOCK_MONOTONIC) + HOLD_NS);
			return 0;
		}
		if (result != 0 || ccp_crew_hand_over(crew, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

/* Until when to wait, at most. Units: ms; -1 = until something happens. */
static int patience(const struct crew *crew)
{
	uint64_t until = crew->held != NULL ? crew->held_until_ns : UINT64_MAX, now;

	for (unsigned i = 0; i < crew->options->degree; i++)
		if (crew->slots[i] != NULL && crew->slots[i]->end_ns < until)
			until = crew->slots[i]->end_ns;
	if (until == UINT64_MAX)
		return -1;
	now = ccp_crew_clock(CLOCK_MONOTONIC);
	if (until <= now)
		return 0;
	return (until - now) / 1000000u >= 1000000u ? 1000000 : (int)((until - now) / 1000000u) + 1;
}

static void on_cancel(struct crew *crew)
{
	uint64_t count = 1;

	if (read(crew->options->cancel_fd, &count, sizeof count) != (ssize_t)sizeof count)
		return;
	crew->totals->cancelled = true;
	crew->cancels += count > 1 ? 2 : 1;
	ccp_crew_stop(crew, true, crew->cancels > 1);
}

/* Waits, and looks at what has happened. Returns 1 if there may be a next job. Errors: -1. */
static int turn(struct crew *crew, struct ccp_err *err)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(crew->epoll_fd, events, EVENTS, patience(crew)), ready = 0;

	if (count < 0 && errno != EINTR)
		return ccp_err_sys(err, errno, "epoll");
	for (int i = 0; i < count; i++) {
		uint64_t what = events[i].data.u64;
		struct crew_job *job;

		if (what == CANCEL) {
			on_cancel(crew);
		} else if (what == LATER) {
			crew->later = false;
			ready = 1;
		} else {
			job = crew->slots[what / SOURCES]; /* NULL: an event before this one was its last */
			if (job != NULL && ccp_crew_event(crew, job, (enum source)(what % SOURCES), err) != 0)
				return -1;
		}
	}
	if (ccp_crew_due(crew, err) != 0)
		return -1;
	return ready;
}

/* Whether anything is left to do. */
static bool goes_on(const struct crew *crew)
{
	if (crew->running > 0)
		return true;
	return !crew->stopping && (crew->more || crew->held != NULL);
}

static int loop(struct crew *crew, struct ccp_err *err)
{
	int ready = 0;

	for (;;) {
		if (refill(crew, ready == 1, err) != 0)
			return -1;
		if (!goes_on(crew)) {
			if (crew->totals->cancelled)
				return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
			return ccp_crew_give_up_held(crew, err);
		}
		ready = turn(crew, err);
		if (ready < 0)
			return -1;
		/* what was cancelled shows no more; neither does it wait for somebody to read it */
		if (!crew->totals->cancelled && ccp_crew_hand_over(crew, err) != 0)
			return -1;
	}
}

/* ---- the run ------------------------------------------------------------------------------------- */

static int open_crew(struct crew *crew, struct ccp_err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = CANCEL };
	struct rlimit limit;

	crew->memory_bytes = crew->options->memory_bytes > 0 ? crew->options->memory_bytes : MEMORY_BYTES;
	crew->files_max = 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 1024)
		crew->files_max = limit.rlim_cur / 4;
	crew->slots = calloc(crew->options->degree, sizeof(struct crew_job *));
	if (crew->slots == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u jobs", crew->options->degree);
	crew->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (crew->null_fd < 0)
		return ccp_err_sys(err, errno, "/dev/null");
	crew->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (crew->epoll_fd < 0 || (crew->options->cancel_fd >= 0 &&
				   epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, crew->options->cancel_fd, &event) != 0))
		return ccp_err_sys(err, errno, "epoll");
	return 0;
}

/* After an error: stops what runs, and waits for it. */
static void abandon(struct crew *crew)
{
	struct ccp_err ignored;

	crew->held = NULL;
	ccp_crew_stop(crew, true, false);
	while (crew->running > 0)
		if (turn(crew, &ignored) < 0)
			ccp_crew_stop(crew, true, true);
}

int ccp_crew_run(const struct ccp_crew_options *options, const struct ccp_crew_calls *calls,
		 struct ccp_crew_totals *totals, struct ccp_err *err)
{
	struct crew crew = { .options = options, .calls = calls, .totals = totals, .more = true, .epoll_fd = -1,
			     .null_fd = -1 };
	int result;

	*totals = (struct ccp_crew_totals){ 0 };
	result = open_crew(&crew, err);
	if (result == 0) {
		result = loop(&crew, err);
		if (result != 0)
			abandon(&crew);
	}
	while (crew.first != NULL)
		ccp_crew_remove(&crew, crew.first);
	if (crew.epoll_fd >= 0)
		close(crew.epoll_fd);
	if (crew.null_fd >= 0)
		close(crew.null_fd);
	free(crew.slots);
	return result;
}
