/*
 * fetch_turn.c: whose turn it is: hosts, descriptors, and how many transfers run ahead.
 *
 * The queue is in the order of announcement, behind those that somebody reads. What somebody reads begins at once; of
 * the others the first ones whose host has room, for as long as there are fewer than `depth` of them, and descriptors
 * for a connection each. Hosts know whether something of theirs waits that might begin, and are counted: if there is
 * none, nobody walks over the queue.
 *
 * A host gets CCP_FETCH_PER_HOST transfers, if nothing else is said, and half as many each time that it refuses; twice
 * as many again after it has answered well for a while. Tries that began before the last change say nothing about it.
 *
 * Descriptors are counted by what they could be: a connection for each transfer that runs, or those that are kept open,
 * and the ends of pipes. Nobody has to be asked, and what somebody reads never has to wait for one; nor has one of all
 * the others.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "pipeline/net/fetch_internal.h"

#define SPARE_DESCRIPTORS 256 /* for the rest of the program, and for what somebody reads */
#define DESCRIPTORS_EACH 4    /* two ends of a pipe, a connection, and one that is kept for the next transfer */
#define SCAN 4096             /* names that are passed over for one whose host has room */
#define BEGUN 256             /* before others have their turn */
#define AGAIN_NS UINT64_C(5000000000) /* after so long without a refusal a host may get more again */

/* ---- hosts --------------------------------------------------------------------------------------- */

struct ccp_fetch_host *ccp_fetch_host_locked(struct ccp_fetcher *fetcher, const char *url)
{
	char name[CCP_URL_HOST];
	struct ccp_fetch_hosts *hosts;
	struct ccp_fetch_host *host;
	unsigned hash = 5381;

	ccp_url_host(url, name);
	for (const char *at = name; *at != '\0'; at++)
		hash = 33 * hash + (unsigned char)*at;
	hosts = &fetcher->hosts[hash % CCP_FETCH_HOST_SLOTS];
	LIST_FOREACH(host, hosts, link)
		if (strcmp(host->name, name) == 0)
			break;
	if (host == NULL) {
		host = calloc(1, sizeof *host + strlen(name) + 1);
		if (host == NULL)
			return NULL;
		strcpy(host->name, name);
		host->most = fetcher->options.per_host;
		if (host->most == 0)
			host->most = CCP_FETCH_PER_HOST;
		if (name[0] == '\0') /* none at all: a socket with a path */
			host->most = CCP_FETCH_DEPTH_MOST;
		LIST_INSERT_HEAD(hosts, host, link);
	}
	host->users++;
	return host;
}

void ccp_fetch_host_leave_locked(struct ccp_fetch_host *host)
{
	if (--host->users > 0)
		return;
	LIST_REMOVE(host, link);
	free(host);
}

static bool is_open(const struct ccp_fetch_host *host)
{
	return host->queued > 0 && host->active < host->most;
}

void ccp_fetch_host_count_locked(struct ccp_fetcher *fetcher, struct ccp_fetch_host *host, int queued, int active)
{
	bool before = is_open(host);

	host->queued += (unsigned)queued;
	host->active += (unsigned)active;
	if (before != is_open(host))
		fetcher->open_hosts += before ? -1u : 1u;
}

static void set_most_locked(struct ccp_fetcher *fetcher, struct ccp_fetch_host *host, unsigned most, uint64_t now_ns)
{
	bool before = is_open(host);

	host->most = most;
	host->changed_ns = now_ns;
	fetcher->changed = true;
	if (before != is_open(host))
		fetcher->open_hosts += before ? -1u : 1u;
}

void ccp_fetch_refused(struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	struct ccp_fetch_host *host = fetch->host;
	uint64_t now_ns = ccp_fetch_now();

	pthread_mutex_lock(&fetcher->lock);
	fetcher->refused++;
	if (fetcher->options.per_host == 0 && fetch->begun_ns >= host->changed_ns) {
		unsigned most = host->active < host->most ? host->active : host->most;

		set_most_locked(fetcher, host, most > 1 ? most / 2 : 1, now_ns);
		ccp_depth_refused(&fetcher->depth, now_ns);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

void ccp_fetch_host_answered_locked(struct ccp_fetcher *fetcher, struct ccp_fetch_host *host)
{
	uint64_t now_ns;

	if (fetcher->options.per_host > 0 || host->most >= CCP_FETCH_PER_HOST)
		return;
	now_ns = ccp_fetch_now();
	if (now_ns - host->changed_ns < AGAIN_NS)
		return;
	set_most_locked(fetcher, host, 2 * host->most < CCP_FETCH_PER_HOST ? 2 * host->most : CCP_FETCH_PER_HOST,
			now_ns);
}

bool ccp_fetch_may_try(struct ccp_fetch *fetch)
{
	bool may;

	pthread_mutex_lock(&fetch->fetcher->lock);
	may = fetch->taken || fetch->host->trying < fetch->host->most;
	pthread_mutex_unlock(&fetch->fetcher->lock);
	return may;
}

/* ---- descriptors --------------------------------------------------------------------------------- */

/*
 * The limit of this process is raised if it has to be. A child that is started after that inherits it, and a program
 * that uses select(2) cannot live with descriptors above 1023: whoever starts one has to give it the old limit back.
 * Nobody does today: workers are forked before, and are this program.
 */
void ccp_fetch_files_locked(struct ccp_fetcher *fetcher)
{
	unsigned most = fetcher->depth.limit;
	rlim_t wanted = (rlim_t)most * DESCRIPTORS_EACH + SPARE_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit.rlim_cur = limit.rlim_max = 1024;
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = limit;

		more.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > wanted)
		limit.rlim_cur = wanted;
	fetcher->files = limit.rlim_cur > SPARE_DESCRIPTORS ? limit.rlim_cur - SPARE_DESCRIPTORS : 0;
	fetcher->connections = most < fetcher->files / DESCRIPTORS_EACH ? most :
			       (unsigned)(fetcher->files / DESCRIPTORS_EACH);
}

bool ccp_fetch_has_files_locked(struct ccp_fetcher *fetcher, unsigned wanted)
{
	unsigned connections = fetcher->runners > fetcher->connections ? fetcher->runners : fetcher->connections;
	bool has = (uint64_t)connections + fetcher->ends + wanted <= fetcher->files;

	fetcher->short_of_files |= !has;
	return has;
}

/* ---- turns --------------------------------------------------------------------------------------- */

static void start_locked(struct ccp_fetcher *fetcher, struct ccp_fetch *fetch)
{
	TAILQ_REMOVE(&fetcher->queued, fetch, link);
	TAILQ_INSERT_TAIL(&fetcher->running, fetch, link);
	ccp_fetch_host_count_locked(fetcher, fetch->host, fetch->taken ? 0 : -1, 1);
	fetch->state = CCP_FETCH_RUNS;
	fetch->reading = fetch->taken;
	fetch->piped = fetch->in >= 0;
	fetcher->ahead += !fetch->taken;
	if (++fetcher->runners > fetcher->at_once)
		fetcher->at_once = fetcher->runners;
}

struct ccp_fetch *ccp_fetch_admit(struct ccp_fetcher *fetcher)
{
	struct ccp_fetch *fetch, *next, *first = NULL;
	unsigned left = SCAN, begun = 0;

	pthread_mutex_lock(&fetcher->lock);
	for (fetch = TAILQ_FIRST(&fetcher->queued); fetch != NULL && left > 0; fetch = next) {
		next = TAILQ_NEXT(fetch, link);
		if (!fetch->taken) {
			if (fetcher->ahead >= fetcher->depth.depth || fetcher->open_hosts == 0)
				break;
			if (fetch->later || !is_open(fetch->host)) {
				left--;
				continue;
			}
			/* one in any case: whoever reads in the order of arrival waits until something comes */
			if (!ccp_fetch_has_files_locked(fetcher, 1) && fetcher->ahead > 0)
				break;
		}
		if (begun++ == BEGUN) {
			fetcher->changed = true;
			break;
		}
		start_locked(fetcher, fetch);
		if (first == NULL)
			first = fetch;
	}
	pthread_mutex_unlock(&fetcher->lock);
	return first;
}

/* ---- learning ------------------------------------------------------------------------------------ */

void ccp_fetch_learn(struct ccp_fetcher *fetcher, uint64_t now_ns)
{
	struct ccp_depth_epoch *epoch = &fetcher->epoch;
	unsigned before;

	if (fetcher->depth.fixed)
		return;
	pthread_mutex_lock(&fetcher->lock);
	before = fetcher->depth.depth;
	epoch->elapsed_ns = now_ns - fetcher->epoch_ns;
	if (ccp_depth_enough(&fetcher->depth, epoch)) {
		epoch->hungry_ns = fetcher->hungry_ns;
		if (fetcher->hungry > 0)
			epoch->hungry_ns += now_ns - fetcher->hungry_since_ns;
		epoch->waiting = fetcher->ahead >= before && fetcher->open_hosts > 0;
		epoch->held_by_host = fetcher->open_hosts == 0 && !TAILQ_EMPTY(&fetcher->queued);
		fetcher->changed |= ccp_depth_next(&fetcher->depth, epoch, now_ns) != before;
		*epoch = (struct ccp_depth_epoch){ 0 };
		fetcher->epoch_ns = fetcher->hungry_since_ns = now_ns;
		fetcher->hungry_ns = 0;
	}
	pthread_mutex_unlock(&fetcher->lock);
}

void ccp_fetcher_depth(struct ccp_fetcher *fetcher, struct ccp_fetch_depth_info *info)
{
	const struct ccp_depth *depth = &fetcher->depth;
	struct ccp_fetch_host *host;

	pthread_mutex_lock(&fetcher->lock);
	*info = (struct ccp_fetch_depth_info){
		.depth = depth->depth,
		.most = depth->most,
		.at_once = fetcher->at_once,
		.why = fetcher->short_of_files ? CCP_DEPTH_FILES : depth->why,
		.learned = !depth->fixed,
		.by_bytes = depth->by_bytes,
		.rate = depth->rate,
		.rate_before = depth->rate_before,
		.refused = fetcher->refused,
	};
	for (unsigned i = 0; i < CCP_FETCH_HOST_SLOTS; i++)
		LIST_FOREACH(host, &fetcher->hosts[i], link)
			if (host->name[0] != '\0' && host->most > info->per_host)
				info->per_host = host->most;
	pthread_mutex_unlock(&fetcher->lock);
}
