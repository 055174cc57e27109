/*
 * share.c: a merge by threads.
 *
 * Splitters cut the order into parts that are about as large as a thread's buffer. First all parts' places in all runs
 * are found, then each thread takes the next part that nobody has, merges it, and gives it out when all before it have
 * been. A part that does not fit waits for its turn and then is given out piece by piece: memory is bounded, and the
 * oldest part never waits.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sort/merge.h"
#include "pipeline/sort/share.h"

#define LEAST_BYTES ((size_t)256 << 10) /* less is not shared out */
#define MOST_PARTS 4096
#define MOST_BOUNDS ((size_t)1 << 18)
#define STOP_LINES 4096 /* how often somebody looks whether to stop */

struct share {
	/* set before */
	const struct ccp_sort_runs *runs;
	const struct ccp_sorter_taker *taker;
	const struct ccp_sort_splitter *splitters;
	size_t parts, out_bytes;
	size_t *bounds;      /* of part p in run r: [bounds[p * runs + r], bounds[(p + 1) * runs + r]) */

	atomic_size_t next;  /* part, or splitter, that nobody has taken */

	/* with the lock */
	pthread_mutex_t lock;
	pthread_cond_t turned;
	size_t turn;         /* the part that is given out */
	bool failed;
	struct ccp_err *err;
};

/* ---- threads ---- */

struct team {
	void (*work)(void *arg);
	void *arg;
};

static void *work_thread(void *arg)
{
	const struct team *team = arg;

	team->work(team->arg);
	return NULL;
}

void ccp_sort_together(unsigned threads, void (*work)(void *arg), void *arg)
{
	struct team team = { work, arg };
	pthread_t made[CCP_SORT_THREADS];
	unsigned count = 0;

	if (threads > CCP_SORT_THREADS)
		threads = CCP_SORT_THREADS;
	while (count + 1 < threads && pthread_create(&made[count], NULL, work_thread, &team) == 0)
		count++;
	work(arg);
	while (count > 0)
		pthread_join(made[--count], NULL);
}

/* ---- failing ---- */

static void fail(struct share *share, const struct ccp_err *err)
{
	pthread_mutex_lock(&share->lock);
	if (!share->failed)
		*share->err = *err;
	share->failed = true;
	pthread_cond_broadcast(&share->turned);
	pthread_mutex_unlock(&share->lock);
}

static bool has_failed(struct share *share)
{
	bool failed;

	pthread_mutex_lock(&share->lock);
	failed = share->failed;
	pthread_mutex_unlock(&share->lock);
	return failed;
}

/* ---- places ---- */

static void split_some(void *arg)
{
	struct share *share = arg;
	struct ccp_err err;

	ccp_err_clear(&err);
	for (;;) {
		size_t part = atomic_fetch_add(&share->next, 1) + 1;

		if (part >= share->parts || has_failed(share))
			return;
		if (ccp_sort_split(share->runs, &share->splitters[part - 1],
				   share->bounds + part * share->runs->count, &err) != 0)
			fail(share, &err);
	}
}

/* ---- parts ---- */

/* A thread's part: what is collected of it. */
struct out {
	struct share *share;
	size_t part;
	uint8_t *data;
	size_t len;
	bool turned;         /* it is being given out */
};

/* Waits until all parts before have been given out. Returns whether that came to be. */
static bool await(struct out *out)
{
	struct share *share = out->share;

	if (out->turned)
		return true;
	pthread_mutex_lock(&share->lock);
	while (share->turn != out->part && !share->failed)
		pthread_cond_wait(&share->turned, &share->lock);
	out->turned = !share->failed;
	pthread_mutex_unlock(&share->lock);
	return out->turned;
}

/* Gives out what there is and then, if it is not NULL, `line`. Returns whether to go on. */
static bool give(struct out *out, const uint8_t *line, size_t len)
{
	struct share *share = out->share;
	struct ccp_err err;
	int result = 0;

	if (!await(out))
		return false;
	ccp_err_clear(&err);
	if (share->runs->stop != NULL && share->runs->stop() != 0)
		result = ccp_err_set(&err, CCP_E_CANCELLED, "interrupted");
	if (result == 0 && out->len > 0)
		result = share->taker->take(share->taker->arg, out->data, out->len, &err);
	if (result == 0 && len > 0)
		result = share->taker->take(share->taker->arg, line, len, &err);
	out->len = 0;
	if (result != 0)
		fail(share, &err);
	return result == 0;
}

static bool put(struct out *out, const uint8_t *line, size_t len)
{
	size_t room = out->share->out_bytes - out->len;

	if (len > room)
		return give(out, line, len);
	memcpy(out->data + out->len, line, len);
	out->len += len;
	return true;
}

/* How far all lines of a part are equal. */
static struct ccp_sort_level common_of(const struct share *share, size_t part)
{
	const struct ccp_sort_splitter *low, *high;

	if (part == 0 || part + 1 >= share->parts)
		return (struct ccp_sort_level){ 0 };
	low = &share->splitters[part - 1];
	high = &share->splitters[part];
	return ccp_sort_common(share->runs->order, low->line, low->len, high->line, high->len);
}

/* Returns whether to go on with others. */
static bool merge_part(struct out *out)
{
	struct share *share = out->share;
	const size_t *bounds = share->bounds + out->part * share->runs->count;
	struct ccp_sort_merge *merge;
	const uint8_t *line;
	struct ccp_err err;
	bool going = true;
	size_t len, lines = 0;
	int got = -1;

	ccp_err_clear(&err);
	if (ccp_sort_merge_open(&merge, share->runs, bounds, bounds + share->runs->count, common_of(share, out->part),
				&err) != 0) {
		fail(share, &err);
		return false;
	}
	while (going && (got = ccp_sort_merge_next(merge, &line, &len, &err)) == 1) {
		going = put(out, line, len);
		if (++lines % STOP_LINES == 0)
			going = going && !has_failed(share);
	}
	ccp_sort_merge_close(merge);
	if (got < 0 && going)
		fail(share, &err);
	if (!going || got < 0 || !give(out, NULL, 0))
		return false;
	pthread_mutex_lock(&share->lock);
	share->turn++;
	pthread_cond_broadcast(&share->turned);
	pthread_mutex_unlock(&share->lock);
	return true;
}

static void merge_some(void *arg)
{
	struct share *share = arg;
	uint8_t *data = malloc(share->out_bytes);
	struct ccp_err err;

	if (data == NULL) {
		ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for %zu bytes of sorted lines", share->out_bytes);
		fail(share, &err);
		return;
	}
	for (;;) {
		struct out out = { .share = share, .part = atomic_fetch_add(&share->next, 1), .data = data };

		if (out.part >= share->parts || !merge_part(&out))
			break;
	}
	free(data);
}

/* ---- all of it ---- */

/* How many parts there are to be. */
static size_t parts_of(const struct ccp_sort_runs *runs, unsigned threads, size_t out_bytes)
{
	size_t bytes = 0, parts;

	for (size_t i = 0; i < runs->count; i++)
		bytes += runs->runs[i].len;
	if (threads < 2 || bytes < LEAST_BYTES)
		return 1;
	parts = bytes / (out_bytes - out_bytes / 4) + 1;
	if (parts < threads)
		parts = threads;
	if (parts > MOST_PARTS)
		parts = MOST_PARTS;
	if (parts > MOST_BOUNDS / (runs->count + 1))
		parts = MOST_BOUNDS / (runs->count + 1);
	return parts < 1 ? 1 : parts;
}

int ccp_sort_share(const struct ccp_sort_runs *runs, unsigned threads, size_t out_bytes,
		   const struct ccp_sorter_taker *taker, struct ccp_err *err)
{
	struct share share = { .runs = runs, .taker = taker, .out_bytes = out_bytes, .err = err };
	struct ccp_sort_splitter *splitters = NULL;
	size_t wanted = parts_of(runs, threads, out_bytes), count = 0;

	if (wanted > 1 && ccp_sort_choose(runs, wanted, &splitters, &count, err) != 0)
		return -1;
	share.parts = count + 1;
	share.splitters = splitters;
	share.bounds = calloc((share.parts + 1) * (runs->count + 1), sizeof *share.bounds);
	if (share.bounds == NULL) {
		ccp_sort_splitters_free(splitters, count);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to share a merge out");
	}
	for (size_t i = 0; i < runs->count; i++)
		share.bounds[share.parts * runs->count + i] = runs->runs[i].len;
	pthread_mutex_init(&share.lock, NULL);
	pthread_cond_init(&share.turned, NULL);
	if (count > 0)
		ccp_sort_together(threads, split_some, &share);
	atomic_store(&share.next, 0);
	if (!share.failed)
		ccp_sort_together(share.parts > 1 ? threads : 1, merge_some, &share);
	pthread_cond_destroy(&share.turned);
	pthread_mutex_destroy(&share.lock);
	free(share.bounds);
	ccp_sort_splitters_free(splitters, count);
	return share.failed ? -1 : 0;
}
