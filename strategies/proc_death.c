/*
 * proc_death.c: births and deaths of the workers of the strategy proc.
 *
 * When a worker dies its finished jobs count, those that it had not begun go back to the queue, and the one that it
 * was running is restored to what it was before and waits for the fresh worker that is forked in its place. If that
 * dies of it too, the job fails, and goes on to be reported in its turn. If the helper dies the kernel kills all
 * workers, and every job that is left fails.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "pipeline/memory.h"
#include "strategies/proc_internal.h"

#define TRIES 2      /* deaths that a job may cause */
#define FORKING_MOST 64u
#define STILLBORN 8  /* deaths in a row without any job, after which a worker is not forked again */

/* "killed by signal 11 (Segmentation fault)", "exited with status 3" */
static void tell_status(char *text, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

/* Puts the job back to what it was when the worker got it. */
static void restore(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job)
{
	unsigned attempts = job->attempts;

	*job = proc->slot[job->slot].saved;
	job->attempts = attempts;
	if (proc->carry_bytes > 0 && stage == CCP_WORK && ccp_job_has_turn(job) && job->input->carry)
		memcpy(job->input->carry, ccp_arena_carry_shadow(ccp_flow_config(proc->exec.flow)->arena, job->input),
		       proc->carry_bytes);
}

/* The error of a job that killed its worker. `loaded` bytes of it were in memory. */
static void blame(struct ccp_err *err, const struct ccp_job *job, size_t loaded, int status, const char *twice)
{
	unsigned long long from = job->piece.offset, len = loaded > 0 ? loaded : job->load_bytes;
	char cause[96];

	tell_status(cause, sizeof cause, status);
	if (len > 0)
		ccp_err_set(err, CCP_E_WORKER, "worker %s on bytes %llu-%llu%s", cause, from, from + len - 1, twice);
	else
		ccp_err_set(err, CCP_E_WORKER, "worker %s at byte %llu%s", cause, from, twice);
}

/* The job that a worker was running when it died. */
static void casualty(struct ccp_proc *proc, struct ccp_proc_worker *worker, enum ccp_stage stage, struct ccp_job *job,
		     int status)
{
	size_t loaded = job->piece.in.len;
	struct ccp_err err;

	restore(proc, stage, job);
	if (job->ahead) { /* nobody needs that: it is done in its turn */
		proc->slot[job->slot].deaths = 0;
		ccp_proc_pass_on(proc, stage, job);
	} else if (!proc->slot[job->slot].stopped && atomic_load(&job->input->flow.stop_after) <= job->number) {
		/* it had failed by itself before its worker died: later jobs may have been passed over for that */
		blame(&err, job, loaded, status, "");
		ccp_proc_fail(proc, stage, job, &err);
	} else if (proc->helper_gone) {
		ccp_proc_fail(proc, stage, job, &proc->broken_err);
	} else if (++proc->slot[job->slot].deaths >= TRIES) {
		blame(&err, job, loaded, status, ", twice");
		ccp_proc_fail(proc, stage, job, &err);
	} else {
		worker->retry = job;
		worker->retry_stage = stage;
	}
}

static void died(struct ccp_proc *proc, struct ccp_proc_worker *worker, int status)
{
	struct ccp_box *box = &proc->setup.boxes->box[worker - proc->worker];
	struct ccp_job *running = NULL;
	enum ccp_stage stage = CCP_READ;

	ccp_meter_close(proc->setup.account[worker - proc->worker]); /* the next one opens it again */
	ccp_proc_harvest(proc, worker);
	while (worker->put != worker->get) { /* the last one first, so that the queue keeps its order */
		unsigned at = --worker->put % CCP_BOX_DEPTH;

		if (atomic_load(&box->entry[at].state) == CCP_BOX_BEGUN) {
			running = worker->job[at];
			stage = worker->stage[at];
		} else {
			ccp_proc_make_ready(proc, worker->stage[at], worker->job[at]);
		}
	}
	worker->put = worker->get = 0;
	for (unsigned i = 0; i < CCP_BOX_DEPTH; i++)
		atomic_store(&box->entry[i].state, CCP_BOX_EMPTY);
	if (worker->life == CCP_PROC_LIVING)
		proc->living--;
	worker->stillborn = running ? 0 : worker->stillborn + 1;
	worker->life = worker->stillborn < STILLBORN ? CCP_PROC_ABSENT : CCP_PROC_GIVEN_UP;
	if (running)
		casualty(proc, worker, stage, running, status);
}

static void born(struct ccp_proc *proc, struct ccp_proc_worker *worker)
{
	struct ccp_job *job = worker->retry;

	proc->forking--;
	proc->living++;
	worker->life = CCP_PROC_LIVING;
	worker->retry = NULL;
	if (job)
		ccp_proc_put(proc, worker, worker->retry_stage, job);
}

/* A worker cannot be forked: its job goes to another, if there is one. */
static void not_born(struct ccp_proc *proc, struct ccp_proc_worker *worker, int error)
{
	struct ccp_job *job = worker->retry;

	proc->forking--;
	worker->life = CCP_PROC_GIVEN_UP;
	worker->retry = NULL;
	ccp_err_sys(&proc->broken_err, error, "no worker process can be started");
	proc->broken_err.code = CCP_E_WORKER;
	if (job)
		ccp_proc_make_ready(proc, worker->retry_stage, job);
}

/* The helper is dead, and so are all workers. */
static void bereaved(struct ccp_proc *proc)
{
	char cause[96];

	tell_status(cause, sizeof cause, ccp_helper_finish(&proc->helper));
	ccp_err_set(&proc->broken_err, CCP_E_WORKER, "helper of the worker processes %s", cause);
	proc->helper_gone = proc->broken = true;
	proc->forking = 0;
	for (unsigned i = 0; i < proc->exec.max_degree; i++) {
		struct ccp_proc_worker *worker = &proc->worker[i];
		struct ccp_job *job = worker->retry;

		worker->retry = NULL;
		if (worker->life == CCP_PROC_LIVING)
			died(proc, worker, 0);
		worker->life = CCP_PROC_GIVEN_UP;
		if (job)
			ccp_proc_fail(proc, worker->retry_stage, job, &proc->broken_err);
	}
}

void ccp_proc_hear(struct ccp_proc *proc, bool wait)
{
	struct ccp_helper_message message;

	proc->heard = false;
	while (!proc->helper_gone) {
		int heard = ccp_helper_hear(&proc->helper, &message, wait);
		struct ccp_proc_worker *worker = &proc->worker[heard > 0 ? message.worker : 0];

		if (heard == 0)
			break;
		if (heard < 0)
			bereaved(proc);
		else if (message.word == CCP_HELPER_BORN)
			born(proc, worker);
		else if (message.word == CCP_HELPER_FAILED)
			not_born(proc, worker, message.value);
		else if (message.word == CCP_HELPER_DIED)
			died(proc, worker, message.value);
		if (wait)
			break;
	}
}

void ccp_proc_staff(struct ccp_proc *proc)
{
	for (unsigned i = 0; i < proc->exec.max_degree && !proc->helper_gone; i++) {
		struct ccp_proc_worker *worker = &proc->worker[i];

		if (worker->life == CCP_PROC_GIVEN_UP && worker->retry) {
			ccp_proc_make_ready(proc, worker->retry_stage, worker->retry);
			worker->retry = NULL;
		}
		if (worker->life != CCP_PROC_ABSENT)
			continue;
		if (!worker->retry && proc->living + proc->forking >= proc->wanted)
			continue;
		if (proc->forking >= FORKING_MOST)
			break; /* more when these are born: the socket's buffers hold some 270 messages each way */
		if (ccp_helper_tell(&proc->helper, CCP_HELPER_FORK, i) < 0)
			break; /* the end of the socket will be heard */
		worker->life = CCP_PROC_FORKING;
		proc->forking++;
	}
	if (proc->living > 0 || proc->forking > 0 || proc->broken)
		return;
	for (unsigned i = 0; i < proc->exec.max_degree; i++)
		if (proc->worker[i].life != CCP_PROC_GIVEN_UP)
			return;
	proc->broken = true;
	if (proc->broken_err.code == CCP_OK)
		ccp_err_set(&proc->broken_err, CCP_E_WORKER, "worker processes die before they have begun any work");
}
