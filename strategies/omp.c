/*
 * omp.c: an OpenMP team that loops on the executor's queue.
 *
 * A thread of its own opens one parallel region and every member of the team takes jobs until the queue closes; so
 * there is no producer to spin and no task to allocate. The team is as large as the greatest degree, and members
 * above the degree are parked, because a region cannot grow. omp_set_dynamic(0): else libgomp would shrink the team
 * by the load average. Without a run that uses this strategy no OpenMP call is made at all.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "pipeline/exec.h"
#include "pipeline/flow.h"
#include "strategies/queue.h"
#include "strategies/strategies.h"

extern const struct ccp_strategy_ops ccp_strategy_omp;

#ifdef CCP_HAVE_OPENMP

#include <dlfcn.h>
#include <omp.h>

struct team {
	struct ccp_exec exec; /* first: a team is an executor */
	struct ccp_queue queue;
	pthread_t master;
	bool started;
};

static void *lead(void *arg)
{
	struct team *team = arg;

	omp_set_dynamic(0);
#pragma omp parallel num_threads((int)team->exec.max_degree)
	ccp_queue_work(&team->queue, &team->exec, (unsigned)omp_get_thread_num());
	return NULL;
}

static void *wait_for_end(void *arg)
{
	while (sem_wait(arg) < 0)
		;
	return NULL;
}

/*
 * Whether that many threads can be started at all: libgomp ends the process if one cannot, so it is tried with threads
 * that do nothing. Returns 0 or an error number.
 */
static int rehearse(unsigned threads)
{
	pthread_t *thread = calloc(threads, sizeof *thread);
	unsigned started = 0;
	int failed = 0;
	sem_t end;

	if (!thread)
		return ENOMEM;
	sem_init(&end, 0, 0);
	while (started < threads && !failed) {
		failed = pthread_create(&thread[started], NULL, wait_for_end, &end);
		started += failed == 0;
	}
	for (unsigned i = 0; i < started; i++)
		sem_post(&end);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	sem_destroy(&end);
	free(thread);
	return failed;
}

static void team_close(struct ccp_exec *exec)
{
	struct team *team = (struct team *)exec;

	ccp_queue_close(&team->queue);
	if (team->started)
		pthread_join(team->master, NULL);
	ccp_queue_release(&team->queue);
	free(team);
}

static int team_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct team *team = calloc(1, sizeof *team);
	sigset_t all, before;

	if (!team)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an OpenMP team");
	/* libgomp ends its threads by pthread_exit: glibc then loads this, and aborts if no descriptor is left */
	if (!dlopen("libgcc_s.so.1", RTLD_NOW)) {
		free(team);
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "omp cannot end its threads: %s", dlerror());
	}
	team->exec.ops = &ccp_strategy_omp;
	team->exec.flow = flow;
	team->exec.degree = options->degree;
	team->exec.max_degree = options->max_degree;
	team->exec.number = options->number;
	ccp_queue_init(&team->queue, options->degree);
	sigfillset(&all); /* members inherit the mask */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int failed = rehearse(options->max_degree);

	if (!failed)
		failed = pthread_create(&team->master, NULL, lead, team);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		ccp_err_sys(err, failed, "cannot start a thread");
		team_close(&team->exec);
		return -1;
	}
	team->started = true;
	*exec = &team->exec;
	return 0;
}

static void team_submit(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	ccp_queue_push(&((struct team *)exec)->queue, stage, job);
}

static int team_resize(struct ccp_exec *exec, unsigned degree, struct ccp_err *err)
{
	if (degree < 1 || degree > exec->max_degree)
		return ccp_err_set(err, CCP_E_USAGE, "an OpenMP team of %u cannot have %u workers", exec->max_degree,
				   degree);
	exec->degree = degree;
	ccp_queue_resize(&((struct team *)exec)->queue, degree);
	return 0;
}

static const char *team_probe(void)
{
#ifdef __SANITIZE_THREAD__
	return "built with ThreadSanitizer, which cannot follow libgomp";
#else
	return NULL;
#endif
}

#else

static const char *team_probe(void)
{
	return "not built: ccpipe was compiled without OpenMP";
}

static int team_open(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	(void)exec, (void)flow, (void)options;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "omp is %s", team_probe());
}

/* never called: nothing can be opened */
#define team_submit NULL
#define team_resize NULL
#define team_close NULL

#endif

const struct ccp_strategy_ops ccp_strategy_omp = {
	.name = "omp",
	.help = "an OpenMP team that takes jobs from the window",
	.fits = CCP_STAGE_BIT(CCP_READ) | CCP_STAGE_BIT(CCP_WORK) | CCP_STAGE_BIT(CCP_WRITE),
	.probe = team_probe,
	.open = team_open,
	.submit = team_submit,
	.resize = team_resize,
	.close = team_close,
};
