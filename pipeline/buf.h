/*
 * buf.h: a span of bytes that somebody else allocated.
 */
#ifndef CCP_PIPELINE_BUF_H
#define CCP_PIPELINE_BUF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes with a fixed capacity; `data` lies in the arena and is never reallocated.
 * Units: bytes. Threads: owned by whoever holds the job. Memory: borrowed from the arena.
 */
struct ccp_buf {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes there are */
};

static inline size_t ccp_buf_room(const struct ccp_buf *buf)
{
	return buf->cap - buf->len;
}

/* Appends `len` bytes; the caller has made sure that they fit. */
static inline void ccp_buf_append(struct ccp_buf *buf, const void *data, size_t len)
{
	assert(len <= ccp_buf_room(buf));
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

#endif
