/*
 * resolve.c: getaddrinfo in a detached thread. What it works on has two owners, the thread and whoever asked; the last
 * one frees it.
 */
#include "pipeline/net/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/net/url.h"

struct ccp_resolve {
	/* set before the thread begins */
	char host[CCP_URL_HOST], port[CCP_URL_PORT];
	int bell;

	pthread_mutex_t lock;
	/* guarded by lock */
	unsigned owners;
	bool done;
	int error;
	struct addrinfo *list;
};

static void ask(struct ccp_resolve *resolve, int flags)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *list = NULL;
	int error = getaddrinfo(resolve->host, resolve->port, &hints, &list);

	pthread_mutex_lock(&resolve->lock);
	resolve->error = error;
	resolve->list = list;
	resolve->done = true;
	pthread_mutex_unlock(&resolve->lock);
}

void ccp_resolve_close(struct ccp_resolve *resolve)
{
	unsigned owners;

	pthread_mutex_lock(&resolve->lock);
	owners = --resolve->owners;
	pthread_mutex_unlock(&resolve->lock);
	if (owners > 0)
		return;
	if (resolve->list != NULL)
		freeaddrinfo(resolve->list);
	if (resolve->bell >= 0)
		close(resolve->bell);
	pthread_mutex_destroy(&resolve->lock);
	free(resolve);
}

static void *run(void *arg)
{
	struct ccp_resolve *resolve = arg;
	uint64_t one = 1;

	ask(resolve, 0);
	while (write(resolve->bell, &one, sizeof one) < 0 && errno == EINTR)
		;
	ccp_resolve_close(resolve);
	return NULL;
}

static int start(struct ccp_resolve *resolve, int bell)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int failed;

	resolve->bell = fcntl(bell, F_DUPFD_CLOEXEC, 3);
	if (resolve->bell < 0)
		return -1;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	resolve->owners++;
	failed = pthread_create(&thread, &attributes, run, resolve); /* signals are blocked: the caller's mask */
	if (failed != 0)
		resolve->owners--;
	pthread_attr_destroy(&attributes);
	return failed != 0 ? -1 : 0;
}

struct ccp_resolve *ccp_resolve_open(const char *host, const char *port, int bell)
{
	struct ccp_resolve *resolve = calloc(1, sizeof *resolve);

	if (resolve == NULL)
		return NULL;
	strncpy(resolve->host, host, sizeof resolve->host - 1);
	strncpy(resolve->port, port, sizeof resolve->port - 1);
	resolve->bell = -1;
	resolve->owners = 1;
	pthread_mutex_init(&resolve->lock, NULL);
	ask(resolve, AI_NUMERICHOST | AI_NUMERICSERV);
	if (resolve->error == 0)
		return resolve;
	resolve->done = false;
	if (start(resolve, bell) == 0)
		return resolve;
	ccp_resolve_close(resolve);
	return NULL;
}

int ccp_resolve_take(struct ccp_resolve *resolve, struct addrinfo **list, int *error)
{
	bool done;

	pthread_mutex_lock(&resolve->lock);
	done = resolve->done;
	*list = resolve->list;
	*error = resolve->error;
	if (done)
		resolve->list = NULL;
	pthread_mutex_unlock(&resolve->lock);
	return done;
}
