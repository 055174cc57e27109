/*
 * proc.c: worker processes, so that a crash costs one job and not the run.
 *
 * A helper process is forked before any thread exists, and forks the workers (proc_helper.c). Jobs lie in memory that
 * all share: a hand-off is a slot number in the worker's box (proc_box.h). One thread in the parent, the collector,
 * fills the boxes, takes results out and passes them to the flow (proc_collect.c); when a worker dies it gives the
 * job a second try in a fresh one (proc_death.c). Streams can be read in the parent only: the collector starts one
 * thread for them at the first.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/memory.h"
#include "pipeline/source.h"
#include "pipeline/thread.h"
#include "strategies/proc_internal.h"

extern const struct ccp_strategy_ops ccp_strategy_proc;

void ccp_proc_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	struct ccp_proc *proc = (struct ccp_proc *)exec;

	bool stream = stage == CCP_READ && job->input->source && (job->input->source->flags & CCP_SOURCE_STREAM);

	pthread_mutex_lock(&proc->lock);
	if (stream) {
		ccp_list_push(&proc->streams, job);
		proc->streaming++;
		pthread_cond_signal(&proc->reader_wake);
	} else {
		ccp_list_push(&proc->submitted[stage], job);
	}
	proc->changed = true;
	pthread_mutex_unlock(&proc->lock);
	ccp_proc_ring(&proc->setup);
}

static int proc_resize(struct ccp_exec *exec, unsigned degree, struct ccp_err *err)
{
	struct ccp_proc *proc = (struct ccp_proc *)exec;

	if (degree < 1 || degree > exec->max_degree)
		return ccp_err_set(err, CCP_E_USAGE, "%u workers are not within 1 to %u", degree, exec->max_degree);
	pthread_mutex_lock(&proc->lock);
	exec->degree = degree;
	proc->changed = true;
	pthread_mutex_unlock(&proc->lock);
	ccp_proc_ring(&proc->setup);
	return 0;
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

/* Releases everything; threads have ended. */
static void dismantle(struct ccp_proc *proc)
{
	if (proc->helper.pid > 0 || proc->helper.socket >= 0)
		ccp_helper_finish(&proc->helper);
	if (proc->setup.bell >= 0)
		close(proc->setup.bell);
	if (proc->setup.boxes)
		munmap(proc->setup.boxes, proc->boxes_bytes);
	pthread_cond_destroy(&proc->reader_wake);
	pthread_mutex_destroy(&proc->lock);
	free(proc->setup.account);
	free(proc->worker);
	free(proc->slot);
	free(proc);
}

static void proc_close(struct ccp_exec *exec)
{
	struct ccp_proc *proc = (struct ccp_proc *)exec;

	pthread_mutex_lock(&proc->lock);
	proc->closing = proc->changed = true;
	pthread_mutex_unlock(&proc->lock);
	ccp_proc_ring(&proc->setup);
	if (proc->collector_runs)
		pthread_join(proc->collector, NULL);

	pthread_mutex_lock(&proc->lock);
	proc->reader_quit = true;
	pthread_cond_signal(&proc->reader_wake);
	pthread_mutex_unlock(&proc->lock);
	if (proc->reader_runs)
		pthread_join(proc->reader, NULL);

	/* boxes are empty: the workers sleep on one of their entries */
	for (unsigned i = 0; i < exec->max_degree; i++)
		for (unsigned k = 0; k < CCP_BOX_DEPTH; k++) {
			atomic_store(&proc->setup.boxes->box[i].entry[k].state, CCP_BOX_QUIT);
			ccp_futex_wake(&proc->setup.boxes->box[i].entry[k].state);
		}
	if (!proc->helper_gone)
		(void)ccp_helper_tell(&proc->helper, CCP_HELPER_END, 0);
	dismantle(proc);
}

static int allocate(struct ccp_proc *proc, struct ccp_err *err)
{
	const struct ccp_flow_config *config = ccp_flow_config(proc->exec.flow);
	size_t slots = ccp_arena_slots(config->arena);
	void *boxes;

	proc->boxes_bytes = sizeof(struct ccp_boxes) + proc->exec.max_degree * sizeof(struct ccp_box);
	boxes = mmap(NULL, proc->boxes_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (boxes != MAP_FAILED)
		proc->setup.boxes = boxes;
	proc->worker = calloc(proc->exec.max_degree, sizeof *proc->worker);
	proc->slot = calloc(slots, sizeof *proc->slot);
	proc->setup.account = calloc(proc->exec.max_degree, sizeof *proc->setup.account);
	if (!proc->setup.boxes || !proc->worker || !proc->slot || !proc->setup.account)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u workers", proc->exec.max_degree);
	atomic_store(&proc->setup.boxes->idle_state, CCP_METER_WAIT_IN);
	for (unsigned i = 0; i < proc->exec.max_degree; i++) /* now: workers inherit the pointers */
		proc->setup.account[i] = ccp_meter_open(config->meter, "proc", proc->exec.number, i);
	proc->collector_account = ccp_meter_open(config->meter, "proc", proc->exec.number, proc->exec.max_degree);
	proc->reader_account = ccp_meter_open(config->meter, "proc", proc->exec.number, proc->exec.max_degree + 1);
	if (proc->collector_account)
		proc->collector_account->aside = true;
	if (proc->reader_account)
		proc->reader_account->aside = true;
	proc->setup.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (proc->setup.bell < 0)
		return ccp_err_sys(err, errno, "eventfd");
	return 0;
}

/* Starts helper, workers and collector. */
static int start(struct ccp_proc *proc, struct ccp_err *err)
{
	int failed;

	if (ccp_helper_start(&proc->helper, &proc->setup, err) < 0)
		return -1;
	while (proc->living == 0 && !proc->broken) {
		ccp_proc_staff(proc);
		if (proc->forking == 0 && !proc->broken)
			ccp_proc_hear(proc, true); /* the helper could not be told: its end is what is heard */
		while (proc->forking > 0)
			ccp_proc_hear(proc, true);
	}
	if (proc->broken) {
		*err = proc->broken_err;
		return -1;
	}
	failed = ccp_thread_start(&proc->collector, ccp_proc_collect, proc);
	if (failed)
		return ccp_err_sys(err, failed, "a thread cannot be started");
	proc->collector_runs = true;
	return 0;
}

static int proc_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	const struct ccp_flow_config *config = ccp_flow_config(flow);
	struct ccp_proc *proc = calloc(1, sizeof *proc);
	unsigned degree = options->degree > 0 ? options->degree : 1;

	if (!proc)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the strategy proc");
	proc->exec = (struct ccp_exec){ .ops = &ccp_strategy_proc, .flow = flow, .degree = degree };
	proc->exec.fault = options->fault;
	proc->exec.number = options->number;
	proc->exec.max_degree = options->max_degree > degree ? options->max_degree : degree;
	proc->setup = (struct ccp_proc_setup){ .flow = flow, .workers = proc->exec.max_degree, .bell = -1 };
	proc->helper = (struct ccp_helper){ .pid = -1, .socket = -1 };
	proc->wanted = degree;
	proc->fuses = ccp_flow_fuses(flow);
	if (config->transform->flags & CCP_TRANSFORM_SEQUENTIAL)
		proc->carry_bytes = ccp_arena_carry_bytes(config->arena);
	pthread_mutex_init(&proc->lock, NULL);
	pthread_cond_init(&proc->reader_wake, NULL);

	if (ccp_fault_parse(&proc->setup.fault, options->fault) < 0) {
		ccp_err_set(err, CCP_E_USAGE,
			    "'%s' is no fault: KIND@SEQ[xTIMES], KIND is segv, kill, abort, exit or oom",
			    options->fault);
		goto failed;
	}
	if (allocate(proc, err) < 0 || start(proc, err) < 0)
		goto failed;
	*exec = &proc->exec;
	return 0;
failed:
	if (proc->helper.pid > 0)
		proc_close(&proc->exec);
	else
		dismantle(proc);
	return -1;
}

static const char *proc_probe(void)
{
	return NULL;
}

const struct ccp_strategy_ops ccp_strategy_proc = {
	.name = "proc",
	.help = "worker processes: a crash costs one job, which is tried once more",
	.fits = CCP_STAGE_BIT(CCP_READ) | CCP_STAGE_BIT(CCP_WORK),
	.flags = CCP_STRATEGY_FORKS | CCP_STRATEGY_READ_NEEDS_WORK,
	.probe = proc_probe,
	.open = proc_open,
	.submit = ccp_proc_submit,
	.resize = proc_resize,
	.close = proc_close,
};
