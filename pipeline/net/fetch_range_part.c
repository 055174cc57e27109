/*
 * fetch_range_part.c: one part of an object, and the connection that fetches it.
 *
 * What comes is kept until it is the part's turn; from then on it goes straight into the pipe, and is kept only while
 * that is full, so that a part never waits for a reader. An answer is taken if it is exactly the part that was asked
 * for, of an object of the same size and validator. A part that is cut is asked for again from there.
 */
#include "pipeline/net/fetch_range.h"

#ifdef CCP_HAVE_CURL

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define PAUSE_NS (SECOND_NS / 2)
#define PAUSE_MOST 6 /* doublings */
#define THROTTLED_NS (SECOND_NS / 100) /* how often those are looked at that went too fast */

struct ccp_part *ccp_part_new(struct ccp_fetch *fetch, uint64_t from, size_t len)
{
	struct ccp_ranges *ranges = fetch->curl->ranges;
	struct ccp_part *part = TAILQ_FIRST(&ranges->spare);
	struct ccp_curl *curl = fetch->fetcher->curl;

	if (part != NULL) {
		TAILQ_REMOVE(&ranges->spare, part, next);
	} else {
		if (curl->kept_bytes + ranges->part_bytes > ccp_range_all_bytes(&fetch->fetcher->options))
			return NULL;
		part = malloc(sizeof *part + ranges->part_bytes);
		if (part == NULL)
			return NULL;
		curl->kept_bytes += ranges->part_bytes;
	}
	memset(part, 0, sizeof *part);
	part->link.fetch = fetch;
	part->link.part = part;
	part->from = from;
	part->len = len;
	return part;
}

void ccp_part_free(struct ccp_part *part)
{
	struct ccp_fetch *fetch = part->link.fetch;

	fetch->fetcher->curl->kept_bytes -= fetch->curl->ranges->part_bytes;
	free(part);
}

/* ---- bytes --------------------------------------------------------------------------------------- */

/* Writes what fits. They were counted for limit_bytes when they came. */
static size_t write_some(struct ccp_fetch *fetch, const unsigned char *data, size_t len)
{
	size_t done = 0;

	while (done < len && !fetch->gone) {
		ssize_t n = write(fetch->in, data + done, len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			(void)ccp_fetch_wait_room(fetch);
			break;
		} else if (errno != EINTR) {
			fetch->gone = true;
		}
	}
	fetch->written += done;
	fetch->fetcher->epoch.bytes += done;
	if (done > 0)
		fetch->failed = 0;
	return done;
}

void ccp_part_drain(struct ccp_part *part)
{
	part->done += write_some(part->link.fetch, part->data + part->done, part->got - part->done);
}

static void take(struct ccp_part *part, const char *data, size_t len)
{
	struct ccp_fetch *fetch = part->link.fetch;
	size_t straight = 0;

	if (part->done == part->got && !fetch->full && ccp_ranges_is_turn(part))
		straight = write_some(fetch, (const unsigned char *)data, len);
	memcpy(part->data + part->got + straight, data + straight, len - straight);
	part->done += straight;
	part->got += len;
	part->failed = 0;
	part->quiet_ns = ccp_fetch_now();
	fetch->curl->ranges->received += len;
	if (fetch->fetcher->options.limit_bytes > 0)
		fetch->fetcher->allowance -= (int64_t)len;
}

/* Whether the answer is what was asked for. */
static bool is_wanted(const struct ccp_part *part)
{
	const struct ccp_fetch *fetch = part->link.fetch;
	const struct ccp_answer *answer = &part->link.answer;

	return answer->code == 206 && answer->from == part->from + part->got &&
	       answer->to == part->from + part->len - 1 && answer->total == fetch->info.size &&
	       ccp_answer_is_same(answer, fetch->curl->validator);
}

/* As on_body of fetch_curl.c; nothing here waits for the pipe. */
static size_t on_part(char *data, size_t one, size_t len, void *arg)
{
	struct ccp_link *link = arg;
	struct ccp_part *part = link->part;
	size_t done, wanted, allowed;

	len *= one;
	if (!part->accepted && !part->refused) {
		part->accepted = is_wanted(part);
		part->refused = !part->accepted;
	}
	if (part->refused)
		return 0;
	done = link->skip < len ? link->skip : len;
	link->skip -= done;
	wanted = len - done;
	if (wanted > part->len - part->got)
		wanted = part->len - part->got;
	allowed = wanted > 0 ? ccp_fetch_allow(link->fetch, wanted) : 0;
	take(part, data + done, allowed);
	done += allowed;
	if (done == len)
		return len;
	if (part->got == part->len || link->fetch->gone) /* there is more than was asked for, or nobody to read it */
		return 0;
	link->skip = done;
	link->fetch->throttled = part->paused = true;
	return CURL_WRITEFUNC_PAUSE;
}

/* ---- the connection ------------------------------------------------------------------------------ */

int ccp_part_open(struct ccp_part *part)
{
	struct ccp_fetch *fetch = part->link.fetch;
	struct ccp_curl_try *try = fetch->curl;

	part->connected = part->accepted = part->refused = part->paused = false;
	part->quiet_ns = ccp_fetch_now();
	if (ccp_link_open(&part->link, try->ranges->url, part->from + part->got, part->from + part->len,
			  try->validator, on_part) != 0)
		return -1;
	ccp_ranges_count(fetch, 1);
	return 0;
}

void ccp_part_close(struct ccp_part *part)
{
	if (part->link.easy == NULL)
		return;
	ccp_link_close(&part->link);
	ccp_ranges_count(part->link.fetch, -1);
}

/* It ended, or was ended, before all was there. */
static void failed(struct ccp_part *part)
{
	struct ccp_fetch *fetch = part->link.fetch;
	const struct ccp_answer *answer = &part->link.answer;
	uint64_t pause_ns = PAUSE_NS << (part->failed < PAUSE_MOST ? part->failed : PAUSE_MOST);

	ccp_part_close(part);
	part->failed++;
	part->due_ns = ccp_fetch_now() + pause_ns;
	if (part->accepted)
		return;
	ccp_ranges_fewer(fetch, answer->code > 0 && !ccp_answer_passes(answer->code));
}

void ccp_part_end(struct ccp_part *part, CURLcode result)
{
	struct ccp_fetch *fetch = part->link.fetch;

	(void)result; /* only the bytes count */
	if (part->got < part->len)
		failed(part);
	else
		ccp_part_close(part);
	ccp_ranges_turn(fetch);
}

uint64_t ccp_part_check(struct ccp_part *part, uint64_t now_ns)
{
	struct ccp_fetch *fetch = part->link.fetch;
	const struct ccp_fetch_options *options = &fetch->fetcher->options;
	uint64_t patience_ns = (options->stall_s > 0 ? options->stall_s : CCP_FETCH_STALL_S) * SECOND_NS;

	if (part->link.easy == NULL)
		return part->got < part->len && part->due_ns > now_ns ? part->due_ns : UINT64_MAX;
	if (part->paused) {
		if (!ccp_fetch_may_go(fetch->fetcher))
			return now_ns + THROTTLED_NS;
		part->paused = false;
		part->quiet_ns = now_ns;
		fetch->fetcher->curl->lib.easy_pause(part->link.easy, CURLPAUSE_CONT);
		return now_ns;
	}
	if (!part->connected)
		patience_ns = options->connect_s * SECOND_NS;
	if (part->quiet_ns + patience_ns > now_ns)
		return part->quiet_ns + patience_ns;
	failed(part);
	return now_ns;
}

#endif
