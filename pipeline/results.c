/*
 * results.c: puts the results of inputs into the order of the command line.
 *
 * A ring of pointers, by index. A result whose turn it is goes out at once; another one is copied (short: an input's
 * path stands at its end) until its turn comes. One caller at a time delivers; others only store. The distance
 * between the oldest missing index and the newest is bounded by the lookahead of NEXT, the window, and CROWDED
 * results in waiting.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/flow_internal.h"

#define RING 16384u
#define CROWDED 8192u

struct ccp_results {
	/* set before the run */
	void (*report)(void *arg, const struct ccp_result *result);
	void *arg;
	pthread_mutex_t lock;
	/* guarded by lock */
	struct ccp_input *ring[RING];
	uint64_t next;
	uint32_t waiting;
	bool delivering;
};

int ccp_results_new(struct ccp_results **out, void (*report)(void *, const struct ccp_result *), void *arg,
		    struct ccp_err *err)
{
	struct ccp_results *results = calloc(1, sizeof *results);

	if (!results)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the results");
	results->report = report;
	results->arg = arg;
	pthread_mutex_init(&results->lock, NULL);
	*out = results;
	return 0;
}

static void deliver(struct ccp_results *results, const struct ccp_input *input)
{
	struct ccp_result result = { .input = input, .outcome = input->outcome, .err = input->err };

	if (results->report)
		results->report(results->arg, &result);
}

static struct ccp_input *copy_of(const struct ccp_input *input)
{
	size_t bytes = offsetof(struct ccp_input, path) + strlen(input->path) + 1;
	struct ccp_input *copy = malloc(bytes);

	if (copy)
		memcpy(copy, input, bytes);
	return copy;
}

void ccp_results_put(struct ccp_results *results, const struct ccp_input *input)
{
	bool now;

	pthread_mutex_lock(&results->lock);
	assert(input->index >= results->next && input->index - results->next < RING);
	now = input->index == results->next && !results->delivering;
	if (!now) {
		struct ccp_input *copy = copy_of(input);

		if (!copy) /* a result must not be lost, and there is no memory to say so */
			abort();
		results->ring[input->index % RING] = copy;
		results->waiting++;
		pthread_mutex_unlock(&results->lock);
		return;
	}
	results->delivering = true;
	pthread_mutex_unlock(&results->lock);
	deliver(results, input);
	pthread_mutex_lock(&results->lock);
	results->next++;
	for (;;) {
		struct ccp_input *copy = results->ring[results->next % RING];

		if (!copy)
			break;
		results->ring[results->next % RING] = NULL;
		pthread_mutex_unlock(&results->lock);
		deliver(results, copy);
		free(copy);
		pthread_mutex_lock(&results->lock);
		results->waiting--;
		results->next++;
	}
	results->delivering = false;
	pthread_mutex_unlock(&results->lock);
}

void ccp_results_free(struct ccp_results *results)
{
	if (!results)
		return;
	for (uint64_t i = results->next; i < results->next + RING; i++) {
		if (results->ring[i % RING])
			deliver(results, results->ring[i % RING]);
		free(results->ring[i % RING]);
	}
	pthread_mutex_destroy(&results->lock);
	free(results);
}

bool ccp_results_crowded(struct ccp_results *results)
{
	pthread_mutex_lock(&results->lock);
	bool crowded = results->waiting >= CROWDED;
	pthread_mutex_unlock(&results->lock);
	return crowded;
}
