/*
 * queue.c: see queue.h. A pop looks at WRITE, then WORK, then READ, so that what is nearest to its end goes first and
 * the window empties before it fills.
 */
#include "strategies/queue.h"

#include "pipeline/exec.h"
#include "pipeline/flow.h"

void ccp_list_push(struct ccp_list *list, struct ccp_job *job)
{
	job->link = job->urgent ? list->head : NULL;
	if (!list->tail)
		list->head = list->tail = job;
	else if (job->urgent)
		list->head = job;
	else
		list->tail = list->tail->link = job;
}

struct ccp_job *ccp_list_pop(struct ccp_list *list)
{
	struct ccp_job *job = list->head;

	if (!job)
		return NULL;
	list->head = job->link;
	if (!list->head)
		list->tail = NULL;
	job->link = NULL;
	return job;
}

void ccp_queue_init(struct ccp_queue *queue, unsigned degree)
{
	*queue = (struct ccp_queue){ .degree = degree };
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->work_c, NULL);
	pthread_cond_init(&queue->parked_c, NULL);
}

void ccp_queue_release(struct ccp_queue *queue)
{
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->work_c);
	pthread_cond_destroy(&queue->parked_c);
}

void ccp_queue_push(struct ccp_queue *queue, enum ccp_stage stage, struct ccp_job *job)
{
	pthread_mutex_lock(&queue->lock);
	ccp_list_push(&queue->list[stage], job);
	if (queue->sleeping > 0)
		pthread_cond_signal(&queue->work_c);
	pthread_mutex_unlock(&queue->lock);
}

static bool take_locked(struct ccp_queue *queue, enum ccp_stage *stage, struct ccp_job **job)
{
	for (int s = CCP_STAGES - 1; s >= 0; s--) {
		*job = ccp_list_pop(&queue->list[s]);
		if (*job) {
			*stage = (enum ccp_stage)s;
			return true;
		}
	}
	return false;
}

bool ccp_queue_pop(struct ccp_queue *queue, struct ccp_exec *exec, unsigned number, struct ccp_worker *worker,
		   enum ccp_stage *stage, struct ccp_job **job)
{
	bool got = false, idle = false;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		if (number >= queue->degree && !queue->closing) {
			ccp_meter_mark(worker->account, CCP_METER_PARKED);
			idle = true;
			pthread_cond_wait(&queue->parked_c, &queue->lock);
			continue;
		}
		got = take_locked(queue, stage, job);
		if (got || queue->closing)
			break;
		ccp_meter_mark(worker->account, ccp_flow_idle_state(exec->flow, exec));
		idle = true;
		queue->sleeping++;
		pthread_cond_wait(&queue->work_c, &queue->lock);
		queue->sleeping--;
		if (number >= queue->degree) /* the signal was for a worker that may take the job */
			pthread_cond_signal(&queue->work_c);
	}
	pthread_mutex_unlock(&queue->lock);
	if (idle)
		ccp_meter_mark(worker->account, CCP_METER_HUB);
	return got;
}

bool ccp_queue_try(struct ccp_queue *queue, enum ccp_stage *stage, struct ccp_job **job)
{
	pthread_mutex_lock(&queue->lock);
	bool got = take_locked(queue, stage, job);
	pthread_mutex_unlock(&queue->lock);
	return got;
}

void ccp_queue_resize(struct ccp_queue *queue, unsigned degree)
{
	pthread_mutex_lock(&queue->lock);
	queue->degree = degree;
	pthread_cond_broadcast(&queue->parked_c);
	pthread_cond_broadcast(&queue->work_c);
	pthread_mutex_unlock(&queue->lock);
}

void ccp_queue_close(struct ccp_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closing = true;
	pthread_cond_broadcast(&queue->parked_c);
	pthread_cond_broadcast(&queue->work_c);
	pthread_mutex_unlock(&queue->lock);
}

void ccp_queue_work(struct ccp_queue *queue, struct ccp_exec *exec, unsigned number)
{
	struct ccp_worker mine = {
		.account = ccp_meter_open(ccp_flow_config(exec->flow)->meter, exec->ops->name, exec->number, number),
	};
	enum ccp_stage stage;
	struct ccp_job *job;

	ccp_meter_mark(mine.account, CCP_METER_HUB);
	while (ccp_queue_pop(queue, exec, number, &mine, &stage, &job)) {
		do
			ccp_flow_run(exec->flow, &mine, stage, job);
		while (ccp_flow_advance(exec->flow, exec, &stage, &job));
	}
	ccp_worker_release(exec->flow, &mine);
	ccp_meter_close(mine.account);
}
