/*
 * next_news.c: names that come as they arrive.
 *
 * A batch has two parts. What is known to be there is handed out in order, from the front. Of what was announced
 * (source.h, ahead) we take the first that is ready: the part is scanned from where the last scan stopped, and from its
 * beginning only if something has arrived meanwhile, so that a scan that finds nothing is not made twice. What is taken
 * out of the middle leaves no gap: those before it, which are waited for, move up by one. They are as many as transfers
 * run at a time, and not as many as there are names.
 */
#include <poll.h>
#include <string.h>

#include "pipeline/next_internal.h"

#define WAIT_MS 50 /* then names of a slow list are looked for, and whoever counts the time is told */

bool ccp_next_is_ready(const struct ccp_next *next, const struct ccp_look *look)
{
	return look->err_at != CCP_NO_ERR || look->source->ready == NULL ||
	       look->source->ready(next->options.source, look->index);
}

/* Whether it comes as it arrives. */
static bool is_far(const struct ccp_look *look)
{
	return look->err_at == CCP_NO_ERR && look->source->ready != NULL;
}

void ccp_next_split(struct ccp_next *next, struct ccp_look *spare)
{
	struct ccp_batch *batch = next->out;
	size_t near = 0, far = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (is_far(&batch->looks[i]))
			spare[far++] = batch->looks[i];
		else
			batch->looks[near++] = batch->looks[i];
	}
	if (far > 0)
		next->far = spare[0].source;
	memcpy(batch->looks + near, spare, far * sizeof *spare);
	batch->near_end = batch->far_at = next->scan_at = near;
}

/* Moves a name's text to the end of another batch's. */
static void carry_text(const struct ccp_batch *from, struct ccp_batch *to, struct ccp_look *look)
{
	size_t len = strlen(from->text + look->path_at) + 1, mask = _Alignof(struct ccp_err) - 1;

	memcpy(to->text + to->text_used, from->text + look->path_at, len);
	look->path_at = (uint32_t)to->text_used;
	to->text_used += len;
	if (look->err_at == CCP_NO_ERR)
		return;
	to->text_used = (to->text_used + mask) & ~mask;
	memcpy(to->text + to->text_used, from->text + look->err_at, sizeof(struct ccp_err));
	look->err_at = (uint32_t)to->text_used;
	to->text_used += sizeof(struct ccp_err);
}

void ccp_next_carry(struct ccp_next *next)
{
	const struct ccp_batch *from = next->out;
	struct ccp_batch *to = next->in;
	size_t near = from->near_end - from->at, far = from->count - from->far_at;

	memmove(to->looks + near + far, to->looks, to->count * sizeof *to->looks);
	memcpy(to->looks, from->looks + from->at, near * sizeof *to->looks);
	memcpy(to->looks + near, from->looks + from->far_at, far * sizeof *to->looks);
	for (size_t i = 0; i < near + far; i++)
		carry_text(from, to, &to->looks[i]);
	to->count += near + far;
	to->since_ns = from->since_ns; /* the older one */
}

static int news_fd(const struct ccp_next *next)
{
	return next->far != NULL ? next->far->news(next->options.source, false) : -1;
}

/* Whether something may have arrived since it was asked the last time. */
static bool hear(const struct ccp_next *next)
{
	struct pollfd news = { .fd = news_fd(next), .events = POLLIN };

	if (news.fd < 0) /* nobody can tell, for want of descriptors */
		return true;
	if (poll(&news, 1, 0) <= 0)
		return false;
	next->far->news(next->options.source, true);
	return true;
}

void ccp_next_set_dry(struct ccp_next *next, bool dry)
{
	if (dry)
		atomic_store_explicit(&next->news_fd, news_fd(next), memory_order_relaxed);
	atomic_store_explicit(&next->dry, dry, memory_order_release);
}

size_t ccp_next_find_ready(struct ccp_next *next)
{
	const struct ccp_batch *out = next->out;

	if (out->far_at == out->count)
		return out->count;
	for (int rounds = 0; rounds < 2; rounds++) {
		for (; next->scan_at < out->count; next->scan_at++)
			if (ccp_next_is_ready(next, &out->looks[next->scan_at]))
				return next->scan_at;
		if (rounds > 0 || !hear(next))
			break;
		next->scan_at = out->far_at;
	}
	return out->count;
}

void ccp_next_take_far(struct ccp_next *next, size_t place)
{
	struct ccp_batch *out = next->out;
	struct ccp_look look = out->looks[place];
	size_t before = place - out->far_at;

	memmove(out->looks + out->far_at + 1, out->looks + out->far_at, before * sizeof look);
	out->looks[out->far_at++] = look;
	next->scan_at = place + 1;
	ccp_next_drop_text(next, &look);
}

bool ccp_next_wait(struct ccp_next *next)
{
	const struct ccp_source_options *source = next->options.source;
	struct pollfd on[2] = {
		{ .fd = news_fd(next), .events = POLLIN },
		{ .fd = next->cancel_fd, .events = POLLIN },
	};
	int count = poll(on, 2, WAIT_MS);

	if (count > 0 && on[1].revents != 0)
		return false;
	if (count <= 0 && source->idle != NULL)
		source->idle(source->idle_arg);
	return true;
}

bool ccp_next_waits_for_news(struct ccp_next *next, int *fd)
{
	bool dry = atomic_load_explicit(&next->dry, memory_order_acquire);

	*fd = dry ? atomic_load_explicit(&next->news_fd, memory_order_relaxed) : -1;
	return dry;
}
