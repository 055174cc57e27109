/*
 * thread.h: starting a thread that no signal reaches.
 */
#ifndef CCP_PIPELINE_THREAD_H
#define CCP_PIPELINE_THREAD_H

#include <pthread.h>

/*
 * Starts a thread with all signals blocked: they are the main thread's, and a write to a pipe that nobody reads must
 * not kill the program. Returns 0, or an error number as pthread_create does. Threads: any.
 */
int ccp_thread_start(pthread_t *thread, void *(*body)(void *), void *arg);

#endif
