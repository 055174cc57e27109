/*
 * proc_collect.c: the collector of the strategy proc, the one thread that fills the workers' boxes and empties them.
 *
 * Each round it takes what was submitted, takes results out of the boxes and passes them to the flow, listens to the
 * helper, hands jobs to the workers that have least, and sleeps if nothing has changed meanwhile. To sleep it sets a
 * flag, looks again, and polls; whoever has news clears the flag and, if it was set, writes the eventfd: so a busy
 * collector costs its workers no system call.
 */
#include <assert.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/memory.h"
#include "pipeline/thread.h"
#include "strategies/proc_internal.h"

/* ---- boxes ----------------------------------------------------------------------------------------------------- */

static struct ccp_box_entry *entry_of(struct ccp_proc *proc, const struct ccp_proc_worker *worker, unsigned number)
{
	return &proc->setup.boxes->box[worker - proc->worker].entry[number % CCP_BOX_DEPTH];
}

static unsigned load_of(const struct ccp_proc_worker *worker)
{
	return worker->put - worker->get;
}

/* Remembers what the job is like before a worker has it. */
static void save(struct ccp_proc *proc, enum ccp_stage stage, const struct ccp_job *job)
{
	proc->slot[job->slot].saved = *job;
	proc->slot[job->slot].stopped = atomic_load(&job->input->flow.stop_after) <= job->number;
	if (proc->carry_bytes > 0 && stage == CCP_WORK && ccp_job_has_turn(job) && job->input->carry)
		memcpy(ccp_arena_carry_shadow(ccp_flow_config(proc->exec.flow)->arena, job->input), job->input->carry,
		       proc->carry_bytes);
}

void ccp_proc_put(struct ccp_proc *proc, struct ccp_proc_worker *worker, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_box_entry *entry = entry_of(proc, worker, worker->put);

	assert(load_of(worker) < CCP_BOX_DEPTH && atomic_load(&entry->state) == CCP_BOX_EMPTY);
	save(proc, stage, job);
	worker->job[worker->put % CCP_BOX_DEPTH] = job;
	worker->stage[worker->put % CCP_BOX_DEPTH] = stage;
	worker->put++;
	entry->slot = job->slot;
	entry->stage = stage;
	entry->fuse = proc->fuses;
	atomic_store(&entry->state, CCP_BOX_QUEUED);
	ccp_futex_wake(&entry->state);
}

void ccp_proc_harvest(struct ccp_proc *proc, struct ccp_proc_worker *worker)
{
	while (load_of(worker) > 0) {
		struct ccp_box_entry *entry = entry_of(proc, worker, worker->get);
		struct ccp_job *job = worker->job[worker->get % CCP_BOX_DEPTH];

		if (atomic_load(&entry->state) != CCP_BOX_DONE)
			break;
		enum ccp_stage stage = entry->stage;
		atomic_store(&entry->state, CCP_BOX_EMPTY);
		worker->get++;
		worker->stillborn = 0;
		proc->slot[job->slot].deaths = 0;
		ccp_proc_pass_on(proc, stage, job);
	}
}

/* Takes back the job that waits in a box, unless the worker has just begun it. */
static struct ccp_job *take_back(struct ccp_proc *proc, struct ccp_proc_worker *worker, enum ccp_stage *stage)
{
	struct ccp_box_entry *entry = entry_of(proc, worker, worker->put - 1);
	uint32_t queued = CCP_BOX_QUEUED;

	if (!atomic_compare_exchange_strong(&entry->state, &queued, CCP_BOX_EMPTY))
		return NULL;
	worker->put--;
	*stage = worker->stage[worker->put % CCP_BOX_DEPTH];
	return worker->job[worker->put % CCP_BOX_DEPTH];
}

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

/* Runs a stage that has nothing to do, here and now: the run is over, or the job has failed. False if it has. */
static bool run_trivial(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_worker nobody = { 0 };
	enum ccp_code code = job->piece.err.code;

	if (stage == CCP_READ && job->step == CCP_LOAD_DONE)
		return true;
	if (!ccp_flow_cancelled(proc->exec.flow) &&
	    (stage == CCP_READ || job->fold_step != CCP_FOLD_NOT_YET ||
	     !(ccp_err_is_error(&job->piece.err) || ccp_code_refuses(code))))
		return false;
	ccp_flow_run(proc->exec.flow, &nobody, stage, job);
	assert(!nobody.opened);
	return true;
}

void ccp_proc_make_ready(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_list *list = &proc->ready[stage];

	job->link = list->head;
	list->head = job;
	if (!list->tail)
		list->tail = job;
}

void ccp_proc_pass_on(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job)
{
	while (ccp_flow_advance(proc->exec.flow, &proc->exec, &stage, &job))
		if (!run_trivial(proc, stage, job)) {
			ccp_proc_make_ready(proc, stage, job);
			return;
		}
}

void ccp_proc_fail(struct ccp_proc *proc, enum ccp_stage stage, struct ccp_job *job, const struct ccp_err *err)
{
	proc->slot[job->slot].deaths = 0;
	job->piece.err = *err;
	job->piece.err.offset = job->piece.offset;
	job->piece.out.len = 0;
	job->more = false;
	ccp_job_drop_part(job);
	if (stage == CCP_READ)
		job->step = CCP_LOAD_DONE;
	ccp_proc_pass_on(proc, stage, job);
}

/* ---- streams --------------------------------------------------------------------------------------------------- */

void *ccp_proc_read_streams(void *arg)
{
	struct ccp_proc *proc = arg;
	struct ccp_worker nobody = { .account = proc->reader_account };

	for (;;) {
		enum ccp_stage stage = CCP_READ;
		struct ccp_job *job = NULL;

		ccp_meter_mark(nobody.account, CCP_METER_PARKED);

		pthread_mutex_lock(&proc->lock);
		while (!proc->reader_quit && !(job = ccp_list_pop(&proc->streams)))
			pthread_cond_wait(&proc->reader_wake, &proc->lock);
		pthread_mutex_unlock(&proc->lock);
		if (!job) {
			ccp_meter_close(nobody.account);
			return NULL;
		}
		ccp_flow_run(proc->exec.flow, &nobody, stage, job);
		if (ccp_flow_advance(proc->exec.flow, &proc->exec, &stage, &job))
			ccp_proc_submit(&proc->exec, stage, job);

		pthread_mutex_lock(&proc->lock);
		proc->streaming--;
		proc->changed = true;
		pthread_mutex_unlock(&proc->lock);
		ccp_proc_ring(&proc->setup);
	}
}

/* Streams wait: the thread that reads them is started at the first. */
static void start_reader(struct ccp_proc *proc)
{
	int failed = ccp_thread_start(&proc->reader, ccp_proc_read_streams, proc);
	struct ccp_err err;
	struct ccp_job *job;

	if (!failed) {
		proc->reader_runs = true;
		return;
	}
	ccp_err_sys(&err, failed, "a thread cannot be started");
	pthread_mutex_lock(&proc->lock);
	job = ccp_list_pop(&proc->streams);
	proc->streaming--;
	proc->changed = true;
	pthread_mutex_unlock(&proc->lock);
	ccp_proc_fail(proc, CCP_READ, job, &err);
}

/* ---- a round --------------------------------------------------------------------------------------------------- */

/* Takes what was submitted and what else has changed. Returns whether it is closing with nothing under way. */
static bool look(struct ccp_proc *proc)
{
	bool closing, streams;

	pthread_mutex_lock(&proc->lock);
	for (unsigned stage = 0; stage < CCP_STAGES; stage++) {
		struct ccp_list *from = &proc->submitted[stage], *to = &proc->ready[stage];

		if (!from->head)
			continue;
		if (to->tail)
			to->tail->link = from->head;
		else
			to->head = from->head;
		to->tail = from->tail;
		from->head = from->tail = NULL;
	}
	proc->wanted = proc->exec.degree;
	atomic_store(&proc->setup.boxes->wanted, proc->wanted);
	atomic_store(&proc->setup.boxes->idle_state, ccp_flow_idle_state(proc->exec.flow, &proc->exec));
	proc->changed = false;
	closing = proc->closing && proc->streaming == 0;
	streams = proc->streams.head != NULL;
	pthread_mutex_unlock(&proc->lock);

	if (streams && !proc->reader_runs)
		start_reader(proc);
	for (unsigned stage = 0; stage < CCP_STAGES; stage++)
		closing = closing && !proc->ready[stage].head;
	for (unsigned i = 0; i < proc->exec.max_degree; i++)
		closing = closing && load_of(&proc->worker[i]) == 0 && !proc->worker[i].retry;
	return closing;
}

/*
 * The worker that has least to do, with room, among as many as are wanted; NULL if there is none. Those beyond, left
 * over from a higher degree, get nothing.
 */
static struct ccp_proc_worker *least_loaded(struct ccp_proc *proc)
{
	struct ccp_proc_worker *best = NULL;
	unsigned wanted = proc->wanted;

	for (unsigned i = 0; i < proc->exec.max_degree && wanted > 0; i++) {
		struct ccp_proc_worker *worker = &proc->worker[i];

		if (worker->life != CCP_PROC_LIVING)
			continue;
		wanted--;
		if (load_of(worker) < CCP_BOX_DEPTH && (!best || load_of(worker) < load_of(best)))
			best = worker;
	}
	return best;
}

/* The next job: later stages first, because they free slots. */
static struct ccp_job *take_ready(struct ccp_proc *proc, enum ccp_stage *stage)
{
	for (*stage = CCP_WORK;; *stage = CCP_READ) {
		struct ccp_job *job = ccp_list_pop(&proc->ready[*stage]);

		if (job || *stage == CCP_READ)
			return job;
	}
}

/* Gives the jobs that wait to those who have room. */
static void assign(struct ccp_proc *proc)
{
	for (;;) {
		struct ccp_proc_worker *worker = least_loaded(proc);
		enum ccp_stage stage;
		struct ccp_job *job;

		if (!worker && !proc->broken && !ccp_flow_cancelled(proc->exec.flow))
			return;
		job = take_ready(proc, &stage);
		if (!job)
			return;
		if (run_trivial(proc, stage, job))
			ccp_proc_pass_on(proc, stage, job);
		else if (worker)
			ccp_proc_put(proc, worker, stage, job);
		else if (proc->broken)
			ccp_proc_fail(proc, stage, job, &proc->broken_err);
		else
			ccp_proc_make_ready(proc, stage, job);
	}
}

/* Nothing is left to hand out: who has nothing gets what waits behind another's job. */
static void rebalance(struct ccp_proc *proc)
{
	for (unsigned i = 0; i < proc->exec.max_degree; i++) {
		struct ccp_proc_worker *idle = least_loaded(proc), *busy = &proc->worker[i];
		enum ccp_stage stage;
		struct ccp_job *job;

		if (!idle || load_of(idle) > 0)
			return;
		if (load_of(busy) == CCP_BOX_DEPTH && (job = take_back(proc, busy, &stage)))
			ccp_proc_put(proc, idle, stage, job);
	}
}

static bool any_done(struct ccp_proc *proc)
{
	for (unsigned i = 0; i < proc->exec.max_degree; i++) {
		struct ccp_proc_worker *worker = &proc->worker[i];

		if (load_of(worker) > 0 && atomic_load(&entry_of(proc, worker, worker->get)->state) == CCP_BOX_DONE)
			return true;
	}
	return false;
}

/* Sleeps until there is news; looks at the helper's socket in any case. */
static void nap(struct ccp_proc *proc)
{
	struct pollfd fds[] = { { .fd = proc->setup.bell, .events = POLLIN },
				{ .fd = proc->helper_gone ? -1 : proc->helper.socket, .events = POLLIN } };
	uint64_t rung;
	bool news;

	atomic_store(&proc->setup.boxes->sleeping, 1);
	pthread_mutex_lock(&proc->lock);
	news = proc->changed;
	pthread_mutex_unlock(&proc->lock);
	news = news || any_done(proc);
	if (!news)
		ccp_meter_mark(proc->collector_account, CCP_METER_PARKED);
	if (poll(fds, 2, news ? 0 : -1) < 0)
		fds[0].revents = fds[1].revents = 0;
	if (!news)
		ccp_meter_mark(proc->collector_account, CCP_METER_HUB);
	atomic_store(&proc->setup.boxes->sleeping, 0);
	if (fds[0].revents)
		while (read(proc->setup.bell, &rung, sizeof rung) > 0)
			;
	proc->heard = fds[1].revents != 0;
}

void *ccp_proc_collect(void *arg)
{
	struct ccp_proc *proc = arg;

	ccp_meter_mark(proc->collector_account, CCP_METER_HUB);
	while (!look(proc)) {
		for (unsigned i = 0; i < proc->exec.max_degree; i++)
			ccp_proc_harvest(proc, &proc->worker[i]);
		if (proc->heard)
			ccp_proc_hear(proc, false);
		ccp_proc_staff(proc);
		assign(proc);
		rebalance(proc);
		nap(proc);
	}
	ccp_meter_close(proc->collector_account);
	return NULL;
}
