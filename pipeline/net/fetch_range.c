/*
 * fetch_range.c: several connections for one object.
 *
 * A transfer has a connection of its own, which writes straight into its pipe. Others fetch parts that come later, each
 * of a fixed size at most, in the order of their places; they are kept in memory until their turn. When its own
 * connection comes to where a part goes on it is ended, and the parts follow one another; where one is missing (it was
 * refused, or cut) its own connection begins again and fetches what is between. So whatever happens to the others,
 * the transfer is never worse off than alone: what is told of it, and its end, are those of its own connection.
 *
 * Unless somebody says how many connections, it begins alone, and they are doubled for as long as that pays
 * (fetch_range_learn.c). They count as transfers of their host; if others wait for it they get half at most. Parts of
 * all objects together have a bound, and so has the number of objects that have any.
 *
 * Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (ranges).
 */
#include "pipeline/net/fetch_range.h"

#ifdef CCP_HAVE_CURL

#include <stdlib.h>
#include <string.h>

#define MS_NS UINT64_C(1000000)
#define WARM_NS (200 * MS_NS)        /* until new connections are as fast as they get */
#define EPOCH_NS (300 * MS_NS)       /* of measuring */
#define LEFT_BYTES (UINT64_C(8) << 20) /* with less than that to come it is not worth it */
#define OBJECTS 4                    /* that have parts at a time */

/* ---- what there is ------------------------------------------------------------------------------- */

static bool has_own(const struct ccp_fetch *fetch)
{
	return fetch->curl->link.easy != NULL;
}

static bool is_complete(const struct ccp_part *part)
{
	return part->got == part->len;
}

bool ccp_ranges_is_turn(const struct ccp_part *part)
{
	const struct ccp_fetch *fetch = part->link.fetch;

	return fetch->trying && !has_own(fetch) && part == TAILQ_FIRST(&fetch->curl->ranges->parts) &&
	       fetch->written == part->from + part->done;
}

/* Takes a part out of the order. Its connection is ended by sweep(): this may be one of curl's callbacks. */
static void drop(struct ccp_ranges *ranges, struct ccp_part *part)
{
	TAILQ_REMOVE(&ranges->parts, part, next);
	TAILQ_INSERT_TAIL(&ranges->dropped, part, next);
	ranges->count--;
}

static void sweep(struct ccp_ranges *ranges)
{
	struct ccp_part *part, *next;

	if (ranges->refused)
		for (part = TAILQ_FIRST(&ranges->parts); part != NULL; part = next) {
			next = TAILQ_NEXT(part, next);
			if (!ccp_ranges_is_turn(part))
				drop(ranges, part);
		}
	while ((part = TAILQ_FIRST(&ranges->dropped)) != NULL) {
		TAILQ_REMOVE(&ranges->dropped, part, next);
		ccp_part_close(part);
		TAILQ_INSERT_TAIL(&ranges->spare, part, next);
	}
}

size_t ccp_ranges_room(struct ccp_fetch *fetch)
{
	struct ccp_curl_try *try = fetch->curl;
	struct ccp_part *part;

	if (try->to != UINT64_MAX) /* it has been asked for no more */
		return (size_t)(try->to - fetch->written);
	while (try->ranges != NULL && (part = TAILQ_FIRST(&try->ranges->parts)) != NULL) {
		if (fetch->written < part->from)
			return (size_t)(part->from - fetch->written);
		if (part->accepted && (part->link.easy != NULL || is_complete(part)))
			return 0;
		drop(try->ranges, part); /* its own connection is here already */
	}
	return SIZE_MAX;
}

uint64_t ccp_ranges_end(struct ccp_fetch *fetch)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	uint64_t end;

	if (ranges == NULL || fetch->written == 0)
		return UINT64_MAX;
	if (!TAILQ_EMPTY(&ranges->parts))
		return TAILQ_FIRST(&ranges->parts)->from;
	end = fetch->written + ranges->part_bytes;
	if (ranges->learn.now == 1 || end >= fetch->info.size)
		return UINT64_MAX;
	ranges->next = end;
	return end;
}

void ccp_ranges_fewer(struct ccp_fetch *fetch, bool all)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	unsigned running = ranges->running + 1;

	ranges->refused |= all;
	ranges->learn.settled = true;
	if (all)
		ranges->learn.now = 1;
	else if (running < ranges->learn.now)
		ranges->learn.now = running;
}

/* ---- further connections ------------------------------------------------------------------------- */

void ccp_ranges_count(struct ccp_fetch *fetch, int more)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;

	fetch->curl->ranges->running += (unsigned)more;
	pthread_mutex_lock(&fetcher->lock);
	fetch->host->helpers += (unsigned)more;
	ccp_fetch_host_count_locked(fetcher, fetch->host, 0, more);
	fetcher->changed |= more < 0;
	pthread_mutex_unlock(&fetcher->lock);
}

static bool host_allows(const struct ccp_fetch *fetch)
{
	struct ccp_fetcher *fetcher = fetch->fetcher;
	const struct ccp_fetch_host *host = fetch->host;
	bool allows;

	pthread_mutex_lock(&fetcher->lock);
	allows = host->active < host->most && (host->queued == 0 || host->helpers < host->most / 2);
	pthread_mutex_unlock(&fetcher->lock);
	return allows;
}

/* A part that has lost its connection, and may have another one. */
static struct ccp_part *find_idle(struct ccp_ranges *ranges, uint64_t now_ns)
{
	struct ccp_part *part;

	TAILQ_FOREACH(part, &ranges->parts, next)
		if (part->link.easy == NULL && !is_complete(part) && part->due_ns <= now_ns &&
		    !ccp_ranges_is_turn(part))
			return part;
	return NULL;
}

/* Returns a new part at the end of the order, or NULL: there is nothing left, or no memory. */
static struct ccp_part *append(struct ccp_fetch *fetch)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	uint64_t left;
	struct ccp_part *part;

	if (ranges->next < fetch->written) /* all parts were passed by */
		ranges->next = fetch->written + ranges->part_bytes;
	if (ranges->next >= fetch->info.size || ranges->count >= CCP_RANGE_SLOTS(ranges->learn.now))
		return NULL;
	left = fetch->info.size - ranges->next;
	part = ccp_part_new(fetch, ranges->next, left < ranges->part_bytes ? (size_t)left : ranges->part_bytes);
	if (part == NULL) {
		ranges->bounded = true;
		return NULL;
	}
	TAILQ_INSERT_TAIL(&ranges->parts, part, next);
	ranges->count++;
	ranges->next += part->len;
	return part;
}

/* Begins connections, as many as are worth it. */
static void fill(struct ccp_fetch *fetch, uint64_t now_ns)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	bool turn = !TAILQ_EMPTY(&ranges->parts) && ccp_ranges_is_turn(TAILQ_FIRST(&ranges->parts));

	ranges->bounded = false;
	/* its own connection counts, and is about to begin if there is nothing else that comes next */
	while (ranges->learn.now > 1 && ranges->running + (turn ? 0 : 1) < ranges->learn.now) {
		struct ccp_part *part;

		if (!host_allows(fetch)) {
			ranges->bounded = true;
			return;
		}
		part = find_idle(ranges, now_ns);
		if (part == NULL)
			part = append(fetch);
		if (part == NULL)
			return;
		if (ccp_part_open(part) != 0) {
			ccp_ranges_fewer(fetch, false);
			return;
		}
	}
}

/* ---- whose turn it is ---------------------------------------------------------------------------- */

static void fail_unread(struct ccp_fetch *fetch)
{
	struct ccp_err err;

	ccp_err_set(&err, CCP_E_OTHER, "nobody reads it");
	ccp_fetch_failed(fetch, CCP_FETCH_NEVER, 0, &err);
}

void ccp_ranges_turn(struct ccp_fetch *fetch)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	struct ccp_part *part;

	if (ranges != NULL)
		sweep(ranges);
	if (!fetch->trying || has_own(fetch))
		return;
	while (ranges != NULL && (part = TAILQ_FIRST(&ranges->parts)) != NULL && ccp_ranges_is_turn(part)) {
		if (!fetch->full)
			ccp_part_drain(part);
		if (fetch->gone) {
			fail_unread(fetch);
			return;
		}
		if (part->done < part->got)
			return;
		if (part->link.easy != NULL) {
			fill(fetch, ccp_fetch_now());
			return;
		}
		drop(ranges, part); /* all of it is read, or as much as there is */
		sweep(ranges);
	}
	if (ranges != NULL && fetch->written == fetch->info.size)
		ccp_fetch_done(fetch);
	else
		ccp_curl_restart(fetch);
}

bool ccp_curl_stands(const struct ccp_fetch *fetch)
{
	const struct ccp_part *part;

	if (!fetch->trying || fetch->full || fetch->curl == NULL || fetch->curl->ranges == NULL || has_own(fetch))
		return false;
	part = TAILQ_FIRST(&fetch->curl->ranges->parts);
	return part == NULL || !ccp_ranges_is_turn(part) || part->link.easy == NULL;
}

/* ---- when it is worth it ------------------------------------------------------------------------- */

static bool is_worth_it(const struct ccp_fetch *fetch)
{
	const struct ccp_curl_try *try = fetch->curl;

	return fetch->fetcher->options.ranges != 1 && try != NULL && !try->single && fetch->reading &&
	       try->accepted && try->http && has_own(fetch) && fetch->resumable && fetch->info.sized &&
	       fetch->info.size - fetch->written >= LEFT_BYTES && fetch->fetcher->curl->ranged < OBJECTS;
}

static void begin_epoch(struct ccp_fetch *fetch, uint64_t now_ns, bool warming)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;

	ranges->epoch_ns = now_ns;
	ranges->epoch_bytes = ranges->received + fetch->curl->received;
	ranges->full_ns = 0;
	ranges->warming = warming;
}

static void open_ranges(struct ccp_fetch *fetch, uint64_t now_ns)
{
	unsigned asked = fetch->fetcher->options.ranges, most = asked > 0 ? asked : CCP_FETCH_RANGES;
	struct ccp_curl *curl = fetch->fetcher->curl;
	struct ccp_ranges *ranges = calloc(1, sizeof *ranges);

	if (ranges != NULL)
		ranges->url = strdup(fetch->curl->location != NULL ? fetch->curl->location : fetch->url);
	if (ranges == NULL || ranges->url == NULL) {
		free(ranges);
		fetch->curl->single = true;
		return;
	}
	TAILQ_INIT(&ranges->parts);
	TAILQ_INIT(&ranges->dropped);
	TAILQ_INIT(&ranges->spare);
	ranges->part_bytes = ccp_range_part_bytes(most, ccp_range_all_bytes(&fetch->fetcher->options));
	ranges->learn = (struct ccp_range_learn){ .now = asked > 0 ? asked : 1, .most = most, .settled = asked > 0 };
	ranges->asked_ns = now_ns;
	ranges->next = fetch->written + ranges->part_bytes;
	fetch->curl->ranges = ranges;
	curl->ranged++;
	begin_epoch(fetch, now_ns, true);
}

void ccp_ranges_close(struct ccp_fetch *fetch)
{
	struct ccp_curl_try *try = fetch->curl;
	struct ccp_ranges *ranges = try->ranges;
	struct ccp_part *part;

	if (ranges == NULL)
		return;
	while ((part = TAILQ_FIRST(&ranges->parts)) != NULL)
		drop(ranges, part);
	sweep(ranges);
	while ((part = TAILQ_FIRST(&ranges->spare)) != NULL) {
		TAILQ_REMOVE(&ranges->spare, part, next);
		ccp_part_free(part);
	}
	fetch->fetcher->curl->ranged--;
	free(ranges->url);
	free(ranges);
	try->ranges = NULL;
	try->single = true;
}

/* Measures, and learns. */
static uint64_t learn(struct ccp_fetch *fetch, uint64_t now_ns)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	uint64_t elapsed_ns = now_ns - ranges->epoch_ns;
	unsigned before = ranges->learn.now;

	if (ranges->was_full)
		ranges->full_ns += now_ns - ranges->asked_ns;
	ranges->was_full = fetch->full;
	ranges->asked_ns = now_ns;
	if (ranges->learn.settled)
		return UINT64_MAX;
	if (elapsed_ns < (ranges->warming ? WARM_NS : EPOCH_NS))
		return ranges->epoch_ns + (ranges->warming ? WARM_NS : EPOCH_NS);
	if (!ranges->warming) {
		ccp_range_learn(&ranges->learn, ranges->received + fetch->curl->received - ranges->epoch_bytes,
				elapsed_ns, ranges->full_ns);
		if (ranges->bounded) /* more are not to be had */
			ranges->learn.settled = true;
	}
	begin_epoch(fetch, now_ns, ranges->learn.now != before);
	return now_ns + (ranges->warming ? WARM_NS : EPOCH_NS);
}

uint64_t ccp_curl_check(struct ccp_fetch *fetch, uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX, its_ns;
	struct ccp_ranges *ranges;
	struct ccp_part *part;

	if (fetch->curl == NULL)
		return UINT64_MAX;
	if (fetch->curl->ranges == NULL && is_worth_it(fetch))
		open_ranges(fetch, now_ns);
	ranges = fetch->curl->ranges;
	if (ranges == NULL)
		return UINT64_MAX;
	sweep(ranges);
	if (fetch->trying && !has_own(fetch)) /* parts have their own deadlines */
		fetch->quiet_ns = now_ns;
	TAILQ_FOREACH(part, &ranges->parts, next) {
		its_ns = ccp_part_check(part, now_ns);
		due_ns = its_ns < due_ns ? its_ns : due_ns;
	}
	its_ns = learn(fetch, now_ns);
	due_ns = its_ns < due_ns ? its_ns : due_ns;
	if (fetch->trying)
		fill(fetch, now_ns);
	if (ranges->learn.settled && ranges->learn.now == 1 && ranges->count == 0 && has_own(fetch))
		ccp_ranges_close(fetch);
	return due_ns;
}

#endif
