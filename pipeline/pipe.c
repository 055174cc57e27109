/*
 * pipe.c: see pipe.h.
 *
 * Bytes [first, first + len) of the circle belong to the reader, the others to the writer, so that both copy without
 * the lock and hold it only to move the border. What is lent to the reader stays its own until it comes again.
 */
#include "pipeline/pipe.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ccp_pipe {
	/* set before any thread uses it */
	uint8_t *data;
	size_t cap;
	pthread_mutex_t lock;
	pthread_cond_t filled_c, drained_c;
	/* guarded by lock */
	size_t first, len; /* what has been written and not given back */
	size_t lent;       /* of it, at the front */
	enum ccp_pipe_end written, left;
};

int ccp_pipe_new(struct ccp_pipe **out, size_t bytes, struct ccp_err *err)
{
	struct ccp_pipe *pipe = calloc(1, sizeof *pipe);

	assert(bytes > 0);
	if (pipe)
		pipe->data = malloc(bytes);
	if (!pipe || !pipe->data) {
		free(pipe);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	pipe->cap = bytes;
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_cond_init(&pipe->filled_c, NULL);
	pthread_cond_init(&pipe->drained_c, NULL);
	*out = pipe;
	return 0;
}

void ccp_pipe_free(struct ccp_pipe *pipe)
{
	if (!pipe)
		return;
	pthread_cond_destroy(&pipe->filled_c);
	pthread_cond_destroy(&pipe->drained_c);
	pthread_mutex_destroy(&pipe->lock);
	free(pipe->data);
	free(pipe);
}

enum ccp_pipe_end ccp_pipe_write(struct ccp_pipe *pipe, const void *data, size_t len)
{
	const uint8_t *from = data;
	enum ccp_pipe_end left;

	pthread_mutex_lock(&pipe->lock);
	assert(pipe->written == CCP_PIPE_OPEN);
	while (len > 0 && pipe->left == CCP_PIPE_OPEN) {
		size_t at = (pipe->first + pipe->len) % pipe->cap, room = pipe->cap - pipe->len, n = len;

		if (room == 0) {
			pthread_cond_wait(&pipe->drained_c, &pipe->lock);
			continue;
		}
		if (n > room)
			n = room;
		if (n > pipe->cap - at)
			n = pipe->cap - at;
		pthread_mutex_unlock(&pipe->lock);
		memcpy(pipe->data + at, from, n);
		pthread_mutex_lock(&pipe->lock);
		pipe->len += n;
		from += n;
		len -= n;
		pthread_cond_signal(&pipe->filled_c);
	}
	left = pipe->left;
	pthread_mutex_unlock(&pipe->lock);
	return left;
}

void ccp_pipe_end(struct ccp_pipe *pipe, enum ccp_pipe_end end)
{
	pthread_mutex_lock(&pipe->lock);
	if (pipe->written == CCP_PIPE_OPEN)
		pipe->written = end;
	pthread_cond_signal(&pipe->filled_c);
	pthread_mutex_unlock(&pipe->lock);
}

size_t ccp_pipe_read(struct ccp_pipe *pipe, const void **data, enum ccp_pipe_end *end)
{
	size_t n;

	pthread_mutex_lock(&pipe->lock);
	pipe->first = (pipe->first + pipe->lent) % pipe->cap;
	pipe->len -= pipe->lent;
	if (pipe->lent > 0)
		pthread_cond_signal(&pipe->drained_c);
	pipe->lent = 0;
	while (pipe->len == 0 && pipe->written == CCP_PIPE_OPEN)
		pthread_cond_wait(&pipe->filled_c, &pipe->lock);
	n = pipe->len < pipe->cap - pipe->first ? pipe->len : pipe->cap - pipe->first;
	if (n > (pipe->cap + 3) / 4) /* so that the writer has room while this is read */
		n = (pipe->cap + 3) / 4;
	pipe->lent = n;
	*data = pipe->data + pipe->first;
	*end = n > 0 ? CCP_PIPE_OPEN : pipe->written;
	pthread_mutex_unlock(&pipe->lock);
	return n;
}

void ccp_pipe_leave(struct ccp_pipe *pipe, enum ccp_pipe_end end)
{
	pthread_mutex_lock(&pipe->lock);
	pipe->left = end;
	pthread_cond_signal(&pipe->drained_c);
	pthread_mutex_unlock(&pipe->lock);
}
