/*
 * thread.c: a thread inherits the mask of the one that makes it, so that is full for a moment; done later, by the new
 * thread, it would leave a gap.
 */
#include "pipeline/thread.h"

#include <signal.h>

int ccp_thread_start(pthread_t *thread, void *(*body)(void *), void *arg)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(thread, NULL, body, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}
