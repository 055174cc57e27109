/*
 * rsync.c: a sum over the last 64 bytes, in which each byte counts half of the one after it, is scattered by a
 * multiplication; where its highest bits are all zero is a cut. The same 64 bytes give the same cut wherever they are,
 * so cuts come into step again soon after a change.
 */
#include "pipeline/codec/rsync.h"

#define BITS 15u
#define REACH 64u

size_t ccp_rsync_cut(const uint8_t *in, size_t len)
{
	size_t end = len < CCP_RSYNC_MAX ? len : CCP_RSYNC_MAX;
	uint64_t sum = 0;

	if (end <= CCP_RSYNC_MIN)
		return end;
	for (size_t i = CCP_RSYNC_MIN - REACH; i < CCP_RSYNC_MIN - 1; i++)
		sum = (sum << 1) + in[i] + 1;
	for (size_t i = CCP_RSYNC_MIN - 1; i < end; i++) {
		sum = (sum << 1) + in[i] + 1;
		if (sum * 0x9e3779b97f4a7c15u >> (64 - BITS) == 0)
			return i + 1;
	}
	return end;
}
