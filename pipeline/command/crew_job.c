/*
 * crew_job.c: a job from its start to its turn.
 *
 * It is through when the program has ended and both its pipes are at their end, that is, when nobody that it left
 * behind can write to them any more. Who was stopped is through when it has ended and was killed with all of its group.
 */
#include "pipeline/command/crew_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define PART_BYTES ((uint64_t)256 << 10)
#define PATIENCE_NS 1000000000u /* between SIGTERM and SIGKILL */

uint64_t ccp_crew_clock(int clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- through ------------------------------------------------------------------------------------- */

void ccp_crew_remove(struct crew *crew, struct crew_job *job)
{
	*(job->before != NULL ? &job->before->next : &crew->first) = job->next;
	*(job->next != NULL ? &job->next->before : &crew->last) = job->before;
	crew->calls->drop(crew->calls->arg, job->item);
	ccp_kept_clear(&job->out);
	ccp_kept_clear(&job->err);
	free(job);
}

static struct ccp_crew_done done_of(const struct crew_job *job)
{
	return (struct ccp_crew_done){
		.job = job->item, .slot = job->slot + 1, .tries = job->tries, .end = job->end,
		.status = job->child.status, .signal = job->child.signal,
		.began_ns = job->began_ns, .took_ns = job->took_ns, .shown_bytes = job->shown_bytes,
		.out = &job->out, .err = &job->err, .why = job->why,
	};
}

/* What ran while a call held up the run is not to blame for it: its end may not have been seen for that. */
static void forgive(const struct crew *crew, uint64_t since_ns)
{
	uint64_t lost = ccp_crew_clock(CLOCK_MONOTONIC) - since_ns;

	for (unsigned i = 0; i < crew->options->degree; i++) {
		struct crew_job *job = crew->slots[i];

		if (job != NULL && job->phase == PHASE_RUNS && job->end_ns != UINT64_MAX)
			job->end_ns += lost;
	}
}

static int hand_over_one(struct crew *crew, struct crew_job *job, struct ccp_err *err)
{
	const struct ccp_crew_done done = done_of(job);
	uint64_t since_ns = ccp_crew_clock(CLOCK_MONOTONIC);
	int result = crew->calls->done(crew->calls->arg, &done, err);

	forgive(crew, since_ns);
	crew->waiting--;
	crew->waiting_bytes -= job->out.len + job->err.len;
	crew->files -= (unsigned)(job->out.fd >= 0) + (unsigned)(job->err.fd >= 0);
	ccp_crew_remove(crew, job);
	return result;
}

int ccp_crew_hand_over(struct crew *crew, struct ccp_err *err)
{
	while (crew->first != NULL && crew->first->waits)
		if (hand_over_one(crew, crew->first, err) != 0)
			return -1;
	return 0;
}

/* The job is through for good: it waits for its turn, in files if too much lies in memory. */
static int settle(struct crew *crew, struct crew_job *job, struct ccp_err *err)
{
	const struct ccp_crew_options *options = crew->options;

	if (job->end == CCP_CREW_EXITED && job->child.status == 0) {
		crew->totals->well++;
	} else {
		crew->totals->failed++;
		if (options->halt != CCP_CREW_GO_ON && crew->totals->failed >= options->halt_failures) {
			crew->totals->halted = true;
			ccp_crew_stop(crew, options->halt == CCP_CREW_NOW, false);
		}
	}
	if (crew->calls->settled != NULL)
		crew->calls->settled(crew->calls->arg, job->item);
	job->waits = true;
	crew->waiting++;
	if (!options->unordered && crew->first != job && crew->files < crew->files_max &&
	    crew->waiting_bytes + job->out.len + job->err.len > crew->memory_bytes &&
	    (ccp_kept_store(&job->out, err) != 0 || ccp_kept_store(&job->err, err) != 0))
		return -1;
	crew->waiting_bytes += job->out.len + job->err.len;
	crew->files += (unsigned)(job->out.fd >= 0) + (unsigned)(job->err.fd >= 0);
	return options->unordered ? hand_over_one(crew, job, err) : 0;
}

static int watch(const struct crew *crew, const struct crew_job *job, int fd, enum source source, struct ccp_err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = job->slot * (uint64_t)SOURCES + source };

	if (epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return ccp_err_sys(err, errno, "epoll");
	return 0;
}

/*
 * Has to come before fd is closed. Closing it is not enough: a child that is about to be exec(3)ed still has a copy for
 * a moment, and as long as it does epoll tells about it, by then perhaps as if about the next job in this slot.
 */
static void unwatch(const struct crew *crew, int fd)
{
	if (fd >= 0)
		epoll_ctl(crew->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void unwatch_all(const struct crew *crew, const struct crew_job *job)
{
	unwatch(crew, job->child.pidfd);
	unwatch(crew, job->child.out);
	unwatch(crew, job->child.err);
}

static void note_group(const struct crew *crew, const struct crew_job *job, pid_t group)
{
	if (crew->options->groups != NULL)
		atomic_store(&crew->options->groups[job->slot], group);
}

/* The try is over. */
static int finish(struct crew *crew, struct crew_job *job, struct ccp_err *err)
{
	bool again, stopped = job->phase != PHASE_RUNS && !job->timed_out;

	if (job->phase != PHASE_RUNS)
		ccp_child_signal(&job->child, SIGKILL); /* who of the group has closed its output and goes on */
	crew->slots[job->slot] = NULL;
	crew->running--;
	unwatch_all(crew, job);
	note_group(crew, job, 0); /* while the number is still its own */
	ccp_child_reap(&job->child);
	job->took_ns = ccp_crew_clock(CLOCK_MONOTONIC) - job->start_ns;
	if (stopped) {
		crew->totals->dropped++;
		ccp_crew_remove(crew, job);
		return 0;
	}
	job->end = job->timed_out ? CCP_CREW_TIMED_OUT : job->child.signal != 0 ? CCP_CREW_SIGNALLED : CCP_CREW_EXITED;
	again = (job->end != CCP_CREW_EXITED || job->child.status != 0) && job->tries <= crew->options->retries;
	if (!again || crew->stopping)
		return settle(crew, job, err);
	ccp_kept_clear(&job->out);
	ccp_kept_clear(&job->err);
	ccp_crew_hold(crew, job, 0);
	return 0;
}

void ccp_crew_hold(struct crew *crew, struct crew_job *job, uint64_t until_ns)
{
	job->held_next = crew->held;
	crew->held = job;
	crew->held_until_ns = until_ns;
}

int ccp_crew_give_up_held(struct crew *crew, struct ccp_err *err)
{
	while (crew->held != NULL) {
		struct crew_job *job = crew->held;

		crew->held = job->held_next;
		if (job->tries == 0)
			ccp_crew_remove(crew, job);
		else if (settle(crew, job, err) != 0)
			return -1;
	}
	return ccp_crew_hand_over(crew, err);
}

/* ---- while it runs ------------------------------------------------------------------------------- */

/* What may pass when others have ended. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM;
}

int ccp_crew_start(struct crew *crew, struct crew_job *job, struct ccp_err *err)
{
	struct ccp_crew_program program = { .input = -1 };
	uint64_t timeout_ns = crew->options->timeout_ns;
	unsigned slot = 0;

	while (crew->slots[slot] != NULL)
		slot++;
	job->slot = slot;
	job->phase = PHASE_RUNS;
	job->timed_out = false;
	job->child = (struct ccp_child){ .pidfd = -1, .out = -1, .err = -1 };
	ccp_err_clear(&job->why);
	job->began_ns = ccp_crew_clock(CLOCK_REALTIME);
	job->start_ns = ccp_crew_clock(CLOCK_MONOTONIC);
	job->end_ns = timeout_ns > 0 ? job->start_ns + timeout_ns : UINT64_MAX;
	if (crew->calls->program(crew->calls->arg, job->item, slot + 1, &program, &job->why) != 0 ||
	    ccp_child_start(&job->child, program.path, program.argv, program.envp,
			    program.input >= 0 ? program.input : crew->null_fd, &job->why) != 0) {
		if (job->why.code == CCP_E_SYS && is_passing(job->why.sys) && crew->running > 0)
			return 1;
		job->tries++;
		job->took_ns = 0;
		job->end = CCP_CREW_NOT_RUN;
		return settle(crew, job, err);
	}
	note_group(crew, job, job->child.pid);
	job->tries++;
	crew->slots[slot] = job;
	crew->running++;
	if (watch(crew, job, job->child.pidfd, SOURCE_END, err) == 0 &&
	    watch(crew, job, job->child.out, SOURCE_OUT, err) == 0 &&
	    watch(crew, job, job->child.err, SOURCE_ERR, err) == 0)
		return 0;
	ccp_child_signal(&job->child, SIGKILL); /* of what is not watched the end would not be seen */
	unwatch_all(crew, job);
	note_group(crew, job, 0);
	ccp_child_reap(&job->child);
	crew->slots[slot] = NULL;
	crew->running--;
	return -1;
}

/* Reads once. At the end of the pipe, or if what it holds cannot be kept, it is closed. */
static int drain(const struct crew *crew, struct ccp_kept *spool, int *fd, struct ccp_err *err)
{
	int result = ccp_kept_read(spool, *fd, err);

	if (result <= 0) {
		unwatch(crew, *fd);
		close(*fd);
		*fd = -1;
	}
	return result < 0 ? -1 : 0;
}

/* Shows what the job has written so far, if that is much, it is its turn, and nothing can make it void. */
static int show_part(const struct crew *crew, struct crew_job *job, struct ccp_err *err)
{
	struct ccp_crew_done so_far;
	uint64_t since_ns;
	int result;

	if (crew->options->unordered || crew->options->retries > 0 || crew->calls->part == NULL ||
	    job != crew->first || job->phase != PHASE_RUNS || crew->totals->cancelled ||
	    ccp_kept_bytes(&job->out) < PART_BYTES)
		return 0;
	so_far = done_of(job);
	since_ns = ccp_crew_clock(CLOCK_MONOTONIC);
	result = crew->calls->part(crew->calls->arg, &so_far, err);
	forgive(crew, since_ns);
	if (result != 0)
		return -1;
	job->shown_bytes += ccp_kept_bytes(&job->out);
	ccp_kept_clear(&job->out);
	return 0;
}

static bool is_through(const struct crew_job *job)
{
	return job->child.pidfd < 0 &&
	       ((job->child.out < 0 && job->child.err < 0) || job->phase == PHASE_KILL);
}

int ccp_crew_event(struct crew *crew, struct crew_job *job, enum source source, struct ccp_err *err)
{
	if (source == SOURCE_END) {
		if (job->child.pidfd >= 0) {
			unwatch(crew, job->child.pidfd);
			ccp_child_note_end(&job->child);
		}
	} else if (source == SOURCE_OUT) {
		if (job->child.out >= 0 &&
		    (drain(crew, &job->out, &job->child.out, err) != 0 || show_part(crew, job, err) != 0))
			return -1;
	} else if (job->child.err >= 0 && drain(crew, &job->err, &job->child.err, err) != 0) {
		return -1;
	}
	return is_through(job) ? finish(crew, job, err) : 0;
}

/* The next phase of being stopped. */
static int stop(struct crew *crew, struct crew_job *job, bool hard, struct ccp_err *err)
{
	if (job->phase == PHASE_RUNS && !hard) {
		job->phase = PHASE_TERM;
		job->end_ns = ccp_crew_clock(CLOCK_MONOTONIC) + PATIENCE_NS;
		ccp_child_signal(&job->child, SIGTERM);
		return 0;
	}
	job->phase = PHASE_KILL;
	job->end_ns = UINT64_MAX;
	ccp_child_signal(&job->child, SIGKILL);
	return err != NULL && is_through(job) ? finish(crew, job, err) : 0;
}

int ccp_crew_due(struct crew *crew, struct ccp_err *err)
{
	uint64_t now = ccp_crew_clock(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < crew->options->degree; i++) {
		struct crew_job *job = crew->slots[i];

		if (job == NULL || job->end_ns > now)
			continue;
		if (job->phase == PHASE_RUNS)
			job->timed_out = true;
		if (stop(crew, job, false, err) != 0)
			return -1;
	}
	return 0;
}

void ccp_crew_stop(struct crew *crew, bool now, bool hard)
{
	crew->stopping = true;
	for (unsigned i = 0; now && i < crew->options->degree; i++) {
		struct crew_job *job = crew->slots[i];

		if (job == NULL || job->phase == PHASE_KILL || (job->phase == PHASE_TERM && !hard))
			continue;
		stop(crew, job, hard, NULL);
		if (job->phase == PHASE_KILL)
			job->end_ns = 0; /* looked at with what is due */
	}
}
