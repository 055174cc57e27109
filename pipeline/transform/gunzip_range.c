/*
 * gunzip_range.c: cropping what was decoded to the range that is wanted, and beginning at a place in the middle.
 *
 * Bytes are arithmetic. For lines, newlines are counted in blocks, until the block that has the one that matters; there
 * they are looked for one by one.
 */
#include "pipeline/transform/gunzip_range.h"

#include <string.h>

#include "pipeline/transform/gunzip_run.h"

#define BLOCK 240u /* a multiple of what a register holds; the count of a block fits into a byte */

static unsigned newlines_in(const uint8_t *block)
{
	uint8_t count = 0; /* as narrow as the data, so that the compiler counts 16 lanes at once */

	for (unsigned i = 0; i < BLOCK; i++)
		count = (uint8_t)(count + (block[i] == '\n'));
	return count;
}

/* The place behind the wanted'th newline from data[0], or `len` if there are fewer; takes off what it has found. */
static size_t behind_newlines(const uint8_t *data, size_t len, uint64_t *wanted)
{
	size_t at = 0;

	while (*wanted > 0 && len - at >= BLOCK) {
		unsigned count = newlines_in(data + at);

		if (count >= *wanted)
			break;
		*wanted -= count;
		at += BLOCK;
	}
	while (*wanted > 0 && at < len) {
		const uint8_t *newline = memchr(data + at, '\n', len - at);

		at = newline ? (size_t)(newline - data) + 1 : len;
		*wanted -= newline != NULL;
	}
	return at;
}

/* What is behind `end` and before `begin` goes. */
static void keep(struct ccp_buf *buf, size_t begin, size_t end)
{
	if (begin > 0 && end > begin)
		memmove(buf->data, buf->data + begin, end - begin);
	buf->len = end - begin;
}

static bool crop_bytes(const struct ccp_range *range, uint64_t *at, struct ccp_buf *buf)
{
	uint64_t before = range->from > *at ? range->from - *at : 0;
	uint64_t until = range->to > *at ? range->to - *at : 0;
	size_t begin = before < buf->len ? (size_t)before : buf->len;
	size_t end = until < buf->len ? (size_t)until : buf->len;

	*at += end;
	keep(buf, begin, end);
	return *at >= range->to;
}

static bool crop_lines(const struct ccp_range *range, uint64_t *at, struct ccp_buf *buf)
{
	uint64_t wanted = range->from > *at ? range->from - *at : 0;
	size_t begin = behind_newlines(buf->data, buf->len, &wanted), end = buf->len;

	if (wanted > 0) {
		*at = range->from - wanted;
		buf->len = 0;
		return false;
	}
	if (*at < range->from)
		*at = range->from;
	if (range->to != UINT64_MAX) {
		wanted = range->to > *at ? range->to - *at : 0;
		end = begin + behind_newlines(buf->data + begin, buf->len - begin, &wanted);
		*at = range->to - wanted;
	}
	keep(buf, begin, end);
	return *at >= range->to;
}

bool ccp_range_crop(const struct ccp_range *range, uint64_t *at, struct ccp_buf *buf)
{
	return range->lines ? crop_lines(range, at, buf) : crop_bytes(range, at, buf);
}

void ccp_gunzip_enter(void *carry, const struct ccp_entry *entry)
{
	struct ccp_gunzip_carry *c = carry;

	c->at = entry->at;
	c->found = true; /* the name and time of the file are those of its first member */
	if (entry->member) {
		c->phase = CCP_GUNZIP_BETWEEN;
		return;
	}
	c->phase = CCP_GUNZIP_BODY;
	c->unchecked = true;
	ccp_inflate_start(&c->inflate);
	ccp_inflate_set_window(&c->inflate, entry->window, entry->window_len);
	c->inflate.bits = entry->value;
	c->inflate.bits_held = entry->bits;
}
