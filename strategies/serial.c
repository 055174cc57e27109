/*
 * serial.c: everything in the caller, no thread: the oracle that all other strategies are held against. Mixed with
 * other executors it is the caller's own queue: the caller runs its stages, and sleeps on an eventfd while there is
 * nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "strategies/queue.h"
#include "strategies/strategies.h"

extern const struct ccp_strategy_ops ccp_strategy_serial;

#define TICK_MS 50

struct caller {
	struct ccp_exec exec; /* first: it is an executor */
	struct ccp_queue queue;
	int wake_fd;
	_Atomic bool sleeping; /* the caller is about to sleep on wake_fd */
};

static int caller_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		       struct ccp_err *err)
{
	struct caller *caller = calloc(1, sizeof *caller);

	if (!caller)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the caller's queue");
	caller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (caller->wake_fd < 0) {
		ccp_err_sys(err, errno, "eventfd");
		free(caller);
		return -1;
	}
	caller->exec.ops = &ccp_strategy_serial;
	caller->exec.flow = flow;
	caller->exec.degree = caller->exec.max_degree = 1;
	caller->exec.number = options->number;
	ccp_queue_init(&caller->queue, 1);
	*exec = &caller->exec;
	return 0;
}

static void caller_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	struct caller *caller = (struct caller *)exec;
	uint64_t one = 1;

	ccp_queue_push(&caller->queue, stage, job);
	if (atomic_load(&caller->sleeping) && write(caller->wake_fd, &one, sizeof one) < 0)
		return; /* EAGAIN: it is readable already */
}

/* Sleeps until a job is submitted, the flow has finished, or a tick has passed. */
static void nap(struct caller *caller)
{
	struct pollfd on[] = {
		{ .fd = caller->wake_fd, .events = POLLIN },
		{ .fd = ccp_flow_done_fd(caller->exec.flow), .events = POLLIN },
	};
	uint64_t count;

	if (poll(on, 2, TICK_MS) > 0 && (on[0].revents & POLLIN) &&
	    read(caller->wake_fd, &count, sizeof count) < 0)
		return; /* somebody else's wake-up; there is nobody else, and no harm */
}

static void caller_serve(struct ccp_exec *exec, bool (*tick)(void *arg), void *arg)
{
	struct caller *caller = (struct caller *)exec;
	struct ccp_worker mine = {
		.account = ccp_meter_open(ccp_flow_config(exec->flow)->meter, "serial", exec->number, 0),
	};
	enum ccp_stage stage;
	struct ccp_job *job;

	ccp_meter_mark(mine.account, CCP_METER_HUB);
	do {
		bool got = ccp_queue_try(&caller->queue, &stage, &job);

		if (!got) {
			atomic_store(&caller->sleeping, true);
			got = ccp_queue_try(&caller->queue, &stage, &job);
			if (!got && ccp_flow_finished(exec->flow))
				break;
			if (!got) {
				ccp_meter_mark(mine.account, ccp_flow_idle_state(exec->flow, exec));
				nap(caller);
				ccp_meter_mark(mine.account, CCP_METER_HUB);
			}
			atomic_store(&caller->sleeping, false);
		}
		if (got) {
			do
				ccp_flow_run(exec->flow, &mine, stage, job);
			while (ccp_flow_advance(exec->flow, exec, &stage, &job));
		}
	} while (tick(arg));
	ccp_worker_release(exec->flow, &mine);
	ccp_meter_close(mine.account);
}

static bool caller_give_up(struct ccp_exec *exec, enum ccp_stage *stage, struct ccp_job **job)
{
	return ccp_queue_try(&((struct caller *)exec)->queue, stage, job);
}

static int caller_resize(struct ccp_exec *exec, unsigned degree, struct ccp_err *err)
{
	(void)exec;
	if (degree == 1)
		return 0;
	return ccp_err_set(err, CCP_E_USAGE, "serial has one worker, the caller");
}

static void caller_close(struct ccp_exec *exec)
{
	struct caller *caller = (struct caller *)exec;

	ccp_queue_release(&caller->queue);
	close(caller->wake_fd);
	free(caller);
}

const struct ccp_strategy_ops ccp_strategy_serial = {
	.name = "serial",
	.help = "everything in the caller, no thread",
	.fits = CCP_STAGE_BIT(CCP_READ) | CCP_STAGE_BIT(CCP_WORK) | CCP_STAGE_BIT(CCP_WRITE),
	.flags = CCP_STRATEGY_CALLER,
	.open = caller_open,
	.submit = caller_submit,
	.resize = caller_resize,
	.serve = caller_serve,
	.give_up = caller_give_up,
	.close = caller_close,
};
