/*
 * fetch_depth.c: the depth is doubled for as long as that pays.
 *
 * Whether it is the latency of a source that limits, or its bandwidth, cannot be seen at one depth: it is tried. Twice
 * the depth is kept if the rate has grown by 11 % or more (an elasticity of 0.15: log 1.11 / log 2), else it is taken
 * back. A level from which two doublings did not pay is the source's limit; it is doubted again, once, every five
 * seconds. The rate is of objects, or of bytes if the objects are large. Nothing is tried while readers have enough to
 * do, or while nothing waits that could begin.
 *
 * After a change what is under way still comes at the old pace, and is not counted: as many objects as the level, or
 * a quarter of a second of bytes. Until a doubling has failed epochs are short: a start that is too bold is corrected
 * by the next comparison, and a thousand small objects are over in a second.
 */
#include "pipeline/net/fetch_depth.h"

#define MS_NS UINT64_C(1000000)
#define EPOCH_NS (250 * MS_NS)
#define OPENING_NS (40 * MS_NS)
#define REST_NS (5000 * MS_NS)
#define PAYS 1.11
#define LARGE (UINT64_C(1) << 20)  /* an object of so many bytes is a matter of bandwidth */
#define HELD (UINT64_C(128) << 10) /* what a transfer that runs ahead can have fetched: its pipe and curl's buffer */
#define HUNGRY 4                   /* readers wait for the network: in a quarter of the time, or more */

void ccp_depth_init(struct ccp_depth *depth, unsigned asked)
{
	*depth = (struct ccp_depth){
		.depth = asked > 0 ? asked : CCP_DEPTH_FIRST,
		.limit = asked > 0 ? asked : CCP_DEPTH_BY_ITSELF,
		.fixed = asked > 0,
		.opening = true,
		.why = asked > 0 ? CCP_DEPTH_ASKED : CCP_DEPTH_BEGIN,
	};
	depth->level = depth->most = depth->depth;
}

bool ccp_depth_enough(const struct ccp_depth *depth, const struct ccp_depth_epoch *epoch)
{
	uint64_t least_ns = depth->opening ? OPENING_NS : EPOCH_NS;

	if (depth->fixed)
		return false;
	if (depth->settling)
		return epoch->objects >= depth->level || (epoch->elapsed_ns >= EPOCH_NS && epoch->bytes >= LARGE);
	if (epoch->elapsed_ns < least_ns)
		return false;
	return epoch->objects >= depth->depth ||
	       (epoch->elapsed_ns >= 2 * EPOCH_NS && epoch->bytes >= HELD * depth->depth);
}

static bool readers_wait(const struct ccp_depth *depth, const struct ccp_depth_epoch *epoch)
{
	return epoch->hungry_ns >= epoch->elapsed_ns / HUNGRY || (depth->by_bytes && !epoch->stuffed);
}

static void change(struct ccp_depth *depth, unsigned next, enum ccp_depth_why why)
{
	depth->settling = depth->depth != next;
	depth->depth = next;
	depth->why = why;
	if (next > depth->most)
		depth->most = next;
}

/* A doubling was tried. Returns whether it is kept: it pays, or it is the readers now that limit. */
static bool judge(struct ccp_depth *depth, const struct ccp_depth_epoch *epoch, double objects, double bytes,
		  uint64_t now_ns)
{
	depth->rate_before = depth->by_bytes ? depth->bytes : depth->objects;
	depth->rate = depth->by_bytes ? bytes : objects;
	if (depth->rate >= PAYS * depth->rate_before || !readers_wait(depth, epoch)) {
		depth->level = depth->depth;
		depth->failed = 0;
		return true;
	}
	depth->opening = false;
	if (++depth->failed < 2) {
		change(depth, depth->level, CCP_DEPTH_GROWS);
		return false;
	}
	depth->failed = 1; /* after the rest one more is enough */
	depth->rest_until_ns = now_ns + REST_NS;
	change(depth, depth->level, CCP_DEPTH_SOURCE);
	return false;
}

/* Tries twice the level, if somebody would have something of it. */
static void grow(struct ccp_depth *depth, const struct ccp_depth_epoch *epoch, uint64_t now_ns)
{
	unsigned twice = depth->level < depth->limit / 2 ? 2 * depth->level : depth->limit;

	if (depth->level >= depth->limit)
		depth->why = CCP_DEPTH_MOST;
	else if (!epoch->waiting && epoch->held_by_host)
		depth->why = CCP_DEPTH_HOSTS;
	else if (epoch->waiting && readers_wait(depth, epoch) && now_ns >= depth->rest_until_ns)
		change(depth, twice, CCP_DEPTH_GROWS);
}

unsigned ccp_depth_next(struct ccp_depth *depth, const struct ccp_depth_epoch *epoch, uint64_t now_ns)
{
	double seconds = (double)epoch->elapsed_ns / 1e9;
	double objects = (double)epoch->objects / seconds, bytes = (double)epoch->bytes / seconds;
	bool trying = depth->depth > depth->level;

	if (depth->fixed)
		return depth->depth;
	if (depth->settling) {
		depth->settling = false;
		return depth->depth;
	}
	depth->by_bytes = epoch->objects < depth->depth || epoch->bytes / epoch->objects >= LARGE;
	if (trying && !epoch->waiting) { /* it was not used: nothing was learned */
		change(depth, depth->level, epoch->held_by_host ? CCP_DEPTH_HOSTS : depth->why);
		return depth->depth;
	}
	if (trying && !judge(depth, epoch, objects, bytes, now_ns))
		return depth->depth;
	depth->objects = objects;
	depth->bytes = bytes;
	grow(depth, epoch, now_ns);
	return depth->depth;
}

unsigned ccp_depth_refused(struct ccp_depth *depth, uint64_t now_ns)
{
	if (depth->fixed)
		return depth->depth;
	depth->opening = false;
	depth->failed = 1;
	depth->rest_until_ns = now_ns + REST_NS;
	change(depth, depth->level, CCP_DEPTH_REFUSED);
	return depth->depth;
}
