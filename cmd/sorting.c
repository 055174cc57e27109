/* sorting.c: half of the memory is for parts under way, up to a bound; see sorting.h. */
#include "cmd/sorting.h"

#include <stdio.h>
#include <string.h>

#define LEAST_BYTES ((uint64_t)8 << 20)  /* of memory, for all */
#define FLOW_BYTES ((uint64_t)512 << 20) /* what parts under way take at most */
#define CHUNK_LEAST ((uint64_t)32 << 10)
#define CHUNKS 120 /* of memory for six parts under way, which may be decoded ones, eight times as large */

int ccp_sorting_share(struct ccp_settings *s, const char *who, uint64_t chunk_most, uint64_t *bytes,
		      char text[CCP_SORTING_TEXT])
{
	uint64_t flow = *bytes / 2 < FLOW_BYTES ? *bytes / 2 : FLOW_BYTES, chunk = chunk_most;

	if (*bytes < LEAST_BYTES)
		return ccp_usage_error(s, "%s needs at least %llu MiB", who, (unsigned long long)(LEAST_BYTES >> 20));
	while (chunk > CHUNK_LEAST && chunk * CHUNKS > flow)
		chunk /= 2;
	snprintf(text, CCP_SORTING_TEXT, "%llu", (unsigned long long)flow);
	s->plan.max_mem = text;
	if (s->chunk_bytes == 0 || s->chunk_bytes > chunk) /* the result does not depend on it */
		s->chunk_bytes = chunk;
	*bytes -= flow;
	return 0;
}

unsigned ccp_sorting_threads(const struct ccp_settings *s, unsigned jobs)
{
	return s->plan.strategy != NULL && strcmp(s->plan.strategy, "serial") == 0 ? 1 : jobs;
}
