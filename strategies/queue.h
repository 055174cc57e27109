/*
 * queue.h: the queue that workers of one executor share: a list a stage, later stages first (finishing beats starting).
 */
#ifndef CCP_STRATEGIES_QUEUE_H
#define CCP_STRATEGIES_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/job.h"

/* Linked through job->link, so that pushing needs no memory and cannot fail. */
struct ccp_list {
	struct ccp_job *head, *tail;
};

/* Adds a job at the end, or before all others if it is urgent. */
void ccp_list_push(struct ccp_list *list, struct ccp_job *job);
struct ccp_job *ccp_list_pop(struct ccp_list *list);

struct ccp_queue {
	pthread_mutex_t lock;
	/* guarded by lock */
	pthread_cond_t work_c;       /* a job has come, or the queue is closing */
	pthread_cond_t parked_c;     /* the degree has grown, or the queue is closing */
	struct ccp_list list[CCP_STAGES];
	unsigned degree;             /* workers with a lower number may take jobs */
	unsigned sleeping;
	bool closing;
};

void ccp_queue_init(struct ccp_queue *queue, unsigned degree);
void ccp_queue_release(struct ccp_queue *queue);

/* Adds a job. Threads: any; never blocks for long. */
void ccp_queue_push(struct ccp_queue *queue, enum ccp_stage stage, struct ccp_job *job);

struct ccp_exec;
struct ccp_worker;

/*
 * Takes the next job of the latest stage; waits for one, which `worker` accounts for. Worker numbers at or above the
 * degree wait until it grows. Returns false when the queue is closing and empty.
 */
bool ccp_queue_pop(struct ccp_queue *queue, struct ccp_exec *exec, unsigned number, struct ccp_worker *worker,
		   enum ccp_stage *stage, struct ccp_job **job);

/* The same without waiting: false if it is empty. */
bool ccp_queue_try(struct ccp_queue *queue, enum ccp_stage *stage, struct ccp_job **job);

void ccp_queue_resize(struct ccp_queue *queue, unsigned degree);

/* From now on an empty queue ends its workers. */
void ccp_queue_close(struct ccp_queue *queue);

/* What a worker of threads and omp does: takes jobs, runs them, and carries each as far as its own executor goes. */
void ccp_queue_work(struct ccp_queue *queue, struct ccp_exec *exec, unsigned number);

#endif
