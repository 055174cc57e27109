/*
 * fetch_range_learn.c: how many connections one object is worth.
 *
 * A doubling pays if it brings a tenth more, 2 to the power of 0.15: where a server limits each connection, or the way
 * to it is long, it brings nearly twice as much; where the line is full, nothing. The first one that does not pay is
 * taken back, and that is all: an object is soon over.
 */
#include "pipeline/net/fetch_range.h"

#define PAYS 1.1096 /* 2^0.15 */
#define PART_MOST ((size_t)4 << 20)
#define PART_LEAST ((size_t)256 << 10)
#define PART_STEP ((size_t)64 << 10)
#define OBJECT_PART 2 /* of the memory there is, for one object */

void ccp_range_learn(struct ccp_range_learn *learn, uint64_t bytes, uint64_t elapsed_ns, uint64_t full_ns)
{
	double rate;

	if (learn->settled || elapsed_ns == 0 || full_ns > elapsed_ns / 4)
		return;
	rate = (double)bytes * 1e9 / (double)elapsed_ns;
	if (learn->rate > 0 && rate < learn->rate * PAYS) {
		learn->now = learn->before;
		learn->settled = true;
	} else if (learn->now >= learn->most) {
		learn->settled = true;
	} else {
		learn->rate = rate;
		learn->before = learn->now;
		learn->now = learn->now < learn->most / 2 ? 2 * learn->now : learn->most;
	}
}

uint64_t ccp_range_all_bytes(const struct ccp_fetch_options *options)
{
	uint64_t asked = options->part_bytes;

	return asked > 0 && asked < CCP_RANGE_ALL_BYTES ? asked : CCP_RANGE_ALL_BYTES;
}

size_t ccp_range_part_bytes(unsigned connections, uint64_t all_bytes)
{
	size_t object_bytes = (size_t)all_bytes / OBJECT_PART;
	size_t bytes = object_bytes / CCP_RANGE_SLOTS(connections > 0 ? connections : 1) / PART_STEP * PART_STEP;

	return bytes < PART_LEAST ? PART_LEAST : bytes > PART_MOST ? PART_MOST : bytes;
}
