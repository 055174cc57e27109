/*
 * feed.c: pieces are cut at ends of lines; the beginning of a line whose end is in the next piece is kept until then.
 */
#include "pipeline/mr/feed.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/mr/key.h"

struct bytes {
	uint8_t *data;
	size_t len, room;
};

struct ccp_mr_feed {
	const struct ccp_mr_feed_options *options;
	int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err);
	void *arg;
	struct ccp_mr_tally *tally; /* NULL without an operation */
	size_t tag_bytes;
	struct bytes begun, out;
};

static int make_room(struct bytes *bytes, size_t len, struct ccp_err *err)
{
	size_t room = bytes->room * 2 > bytes->len + len ? bytes->room * 2 : bytes->len + len;
	uint8_t *grown;

	if (len <= bytes->room - bytes->len)
		return 0;
	grown = realloc(bytes->data, room);
	if (grown == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of %zu bytes", bytes->len + len);
	bytes->data = grown;
	bytes->room = room;
	return 0;
}

int ccp_mr_feed_new(struct ccp_mr_feed **made, const struct ccp_mr_feed_options *options,
		    int (*put)(void *arg, const void *data, size_t len, struct ccp_err *err), struct ccp_err *err)
{
	struct ccp_mr_feed *feed = calloc(1, sizeof *feed);

	if (feed == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	feed->options = options;
	feed->put = put;
	feed->tag_bytes = ccp_mr_tag_bytes(options->parts);
	if (options->op != CCP_MR_NONE && ccp_mr_tally_new(&feed->tally, options->op, err) != 0) {
		free(feed);
		return -1;
	}
	*made = feed;
	return 0;
}

void ccp_mr_feed_free(struct ccp_mr_feed *feed)
{
	if (feed == NULL)
		return;
	ccp_mr_tally_free(feed->tally);
	free(feed->begun.data);
	free(feed->out.data);
	free(feed);
}

static int give_nothing(void *arg, const uint8_t *key, size_t len, struct ccp_mr_number number, struct ccp_err *err)
{
	(void)arg, (void)key, (void)len, (void)number, (void)err;
	return 0;
}

void ccp_mr_feed_begin(struct ccp_mr_feed *feed, void *arg)
{
	struct ccp_err ignored;

	feed->arg = arg;
	feed->begun.len = feed->out.len = 0;
	if (feed->tally != NULL) /* of one that failed there may be something left */
		(void)ccp_mr_tally_each(feed->tally, give_nothing, NULL, &ignored);
}

static int flush(struct ccp_mr_feed *feed, struct ccp_err *err)
{
	int result = feed->out.len > 0 ? feed->put(feed->arg, feed->out.data, feed->out.len, err) : 0;

	feed->out.len = 0;
	return result;
}

/* Where a line of so many bytes goes, tag and end included; NULL with `err`. */
static uint8_t *place_for(struct ccp_mr_feed *feed, const uint8_t *key, size_t key_len, size_t len,
			  struct ccp_err *err)
{
	size_t bytes = feed->tag_bytes + len + 1;
	uint8_t *at;

	if (feed->out.len > 0 && feed->out.len + bytes > feed->options->buffer_bytes && flush(feed, err) != 0)
		return NULL;
	if (make_room(&feed->out, bytes, err) != 0)
		return NULL;
	at = feed->out.data + feed->out.len;
	feed->out.len += bytes;
	if (feed->tag_bytes > 0)
		ccp_mr_tag_write(at, ccp_mr_part(key, key_len, feed->options->parts));
	at[bytes - 1] = '\n';
	return at + feed->tag_bytes;
}

static int give_number(void *arg, const uint8_t *key, size_t len, struct ccp_mr_number number, struct ccp_err *err)
{
	char text[CCP_MR_NUMBER_TEXT];
	size_t digits = ccp_mr_number_write(number, text);
	uint8_t *at = place_for(arg, key, len, len + 1 + digits, err);

	if (at == NULL)
		return -1;
	if (len > 0)
		memcpy(at, key, len);
	at[len] = '\t';
	memcpy(at + len + 1, text, digits);
	return 0;
}

static int give_line(struct ccp_mr_feed *feed, const uint8_t *line, size_t len, struct ccp_err *err)
{
	uint8_t *at = place_for(feed, line, feed->tag_bytes > 0 ? ccp_mr_key_len(line, len) : 0, len, err);

	if (at == NULL)
		return -1;
	if (len > 0)
		memcpy(at, line, len);
	return 0;
}

static int add_line(struct ccp_mr_feed *feed, const uint8_t *line, size_t len, struct ccp_err *err)
{
	if (feed->tally == NULL)
		return give_line(feed, line, len, err);
	if (ccp_mr_tally_add(feed->tally, line, len, err) != 0)
		return -1;
	if (ccp_mr_tally_bytes(feed->tally) <= feed->options->tally_bytes)
		return 0;
	return ccp_mr_tally_each(feed->tally, give_number, feed, err);
}

int ccp_mr_feed_take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_mr_feed *feed = arg;
	const uint8_t *at = data, *end = len > 0 ? memchr(at, '\n', len) : NULL, *stop = at + len;

	if (end != NULL && feed->begun.len > 0) {
		size_t rest = (size_t)(end - at);

		if (make_room(&feed->begun, rest, err) != 0)
			return -1;
		memcpy(feed->begun.data + feed->begun.len, at, rest);
		if (add_line(feed, feed->begun.data, feed->begun.len + rest, err) != 0)
			return -1;
		feed->begun.len = 0;
		at = end + 1;
		end = memchr(at, '\n', (size_t)(stop - at));
	}
	for (; end != NULL; end = memchr(at, '\n', (size_t)(stop - at))) {
		if (add_line(feed, at, (size_t)(end - at), err) != 0)
			return -1;
		at = end + 1;
	}
	if (at == stop)
		return 0;
	if (make_room(&feed->begun, (size_t)(stop - at), err) != 0)
		return -1;
	memcpy(feed->begun.data + feed->begun.len, at, (size_t)(stop - at));
	feed->begun.len += (size_t)(stop - at);
	return 0;
}

int ccp_mr_feed_end(struct ccp_mr_feed *feed, struct ccp_err *err)
{
	if (feed->begun.len > 0 && add_line(feed, feed->begun.data, feed->begun.len, err) != 0)
		return -1;
	feed->begun.len = 0;
	if (feed->tally != NULL && ccp_mr_tally_each(feed->tally, give_number, feed, err) != 0)
		return -1;
	return flush(feed, err);
}
