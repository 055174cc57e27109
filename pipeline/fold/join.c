/*
 * join.c: the ends of lines in a part, and a buffer that grows by doubling for the line between two parts.
 */
#include "pipeline/fold/join.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES ((size_t)1 << 20) /* larger buffers are not kept for the next line */

struct ccp_join_inner ccp_join_inner(const struct ccp_part *part, char end)
{
	struct ccp_join_inner inner = { .from = 0, .to = part->len };

	if (!part->first) {
		const uint8_t *found = memchr(part->data, end, part->len);

		inner.from = found != NULL ? (size_t)(found - part->data) + 1 : part->len;
	}
	if (!part->last) {
		const uint8_t *found = memrchr(part->data + inner.from, end, part->len - inner.from);

		inner.to = found != NULL ? (size_t)(found - part->data) + 1 : inner.from;
	}
	return inner;
}

static int append(struct ccp_join *join, const uint8_t *data, size_t len, struct ccp_err *err)
{
	if (len == 0)
		return 0;
	if (len > join->room - join->len) {
		size_t room = join->room > 0 ? join->room : 256;
		uint8_t *grown;

		while (room - join->len < len) {
			if (room > SIZE_MAX / 2)
				return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line");
			room *= 2;
		}
		grown = realloc(join->data, room);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of more than %zu bytes",
					   join->len);
		join->data = grown;
		join->room = room;
	}
	memcpy(join->data + join->len, data, len);
	join->len += len;
	return 0;
}

int ccp_join_head(struct ccp_join *join, const struct ccp_part *part, struct ccp_join_inner inner, char end,
		  struct ccp_err *err)
{
	if (append(join, part->data, inner.from, err) != 0)
		return -1;
	return join->len > 0 && inner.from > 0 && (part->last || join->data[join->len - 1] == (uint8_t)end);
}

int ccp_join_tail(struct ccp_join *join, const struct ccp_part *part, struct ccp_join_inner inner,
		  struct ccp_err *err)
{
	return append(join, part->data + inner.to, part->len - inner.to, err);
}

void ccp_join_clear(struct ccp_join *join)
{
	join->len = 0;
	if (join->room > KEEP_BYTES)
		ccp_join_free(join);
}

void ccp_join_free(struct ccp_join *join)
{
	free(join->data);
	*join = (struct ccp_join){ 0 };
}
