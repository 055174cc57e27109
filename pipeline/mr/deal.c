/*
 * deal.c: a part is begun when its first line comes, or the first one of a later part, and ended when that does.
 *
 * With an operation, the key of the line before and the number so far wait until another key comes.
 */
#include "pipeline/mr/deal.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/mr/key.h"

#define OUT_BYTES ((size_t)256 << 10)

struct ccp_mr_deal {
	const struct ccp_mr_sink *sink;
	unsigned parts, begun; /* begun: so many parts */
	enum ccp_mr_op op;
	size_t tag_bytes;
	uint8_t *key;        /* of the lines that are put together */
	size_t key_len, key_room;
	bool any;
	struct ccp_mr_number number;
	size_t len;          /* in `out` */
	uint8_t out[OUT_BYTES];
};

int ccp_mr_deal_new(struct ccp_mr_deal **made, unsigned parts, enum ccp_mr_op op, const struct ccp_mr_sink *sink,
		    struct ccp_err *err)
{
	struct ccp_mr_deal *deal = calloc(1, sizeof *deal);

	if (deal == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	deal->sink = sink;
	deal->parts = parts;
	deal->op = op;
	deal->tag_bytes = ccp_mr_tag_bytes(parts);
	*made = deal;
	return 0;
}

void ccp_mr_deal_free(struct ccp_mr_deal *deal)
{
	if (deal == NULL)
		return;
	free(deal->key);
	free(deal);
}

static int flush(struct ccp_mr_deal *deal, struct ccp_err *err)
{
	size_t len = deal->len;

	deal->len = 0;
	return len > 0 ? deal->sink->take(deal->sink->arg, deal->out, len, err) : 0;
}

static int put(struct ccp_mr_deal *deal, const void *data, size_t len, struct ccp_err *err)
{
	if (len > OUT_BYTES - deal->len) {
		if (flush(deal, err) != 0)
			return -1;
		if (len > OUT_BYTES)
			return deal->sink->take(deal->sink->arg, data, len, err);
	}
	if (len > 0)
		memcpy(deal->out + deal->len, data, len);
	deal->len += len;
	return 0;
}

/* The key that was put together is whole. */
static int end_key(struct ccp_mr_deal *deal, struct ccp_err *err)
{
	char text[CCP_MR_NUMBER_TEXT + 1];
	size_t digits;

	if (!deal->any)
		return 0;
	deal->any = false;
	digits = ccp_mr_number_write(deal->number, text);
	text[digits] = '\n';
	if (put(deal, deal->key, deal->key_len, err) != 0 || put(deal, "\t", 1, err) != 0)
		return -1;
	return put(deal, text, digits + 1, err);
}

static int end_part(struct ccp_mr_deal *deal, struct ccp_err *err)
{
	if (end_key(deal, err) != 0 || flush(deal, err) != 0)
		return -1;
	return deal->sink->end(deal->sink->arg, err);
}

/* Ends and begins parts until this one is under way. */
static int go_to(struct ccp_mr_deal *deal, unsigned part, struct ccp_err *err)
{
	while (deal->begun <= part) {
		if (deal->begun > 0 && end_part(deal, err) != 0)
			return -1;
		if (deal->sink->begin(deal->sink->arg, deal->begun, err) != 0)
			return -1;
		deal->begun++;
	}
	return 0;
}

/* A line without its tag and end. */
static int join(struct ccp_mr_deal *deal, const uint8_t *line, size_t len, struct ccp_err *err)
{
	size_t key_len = ccp_mr_key_len(line, len);
	struct ccp_mr_number number;

	if (ccp_mr_line_number(deal->op, line, len, key_len, &number, err) != 0)
		return -1;
	if (deal->any && key_len == deal->key_len && (key_len == 0 || memcmp(line, deal->key, key_len) == 0))
		return ccp_mr_op_join(ccp_mr_op_again(deal->op), &deal->number, number, line, key_len, err);
	if (end_key(deal, err) != 0)
		return -1;
	if (key_len > deal->key_room) {
		uint8_t *grown = realloc(deal->key, key_len * 2);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a key of %zu bytes", key_len);
		deal->key = grown;
		deal->key_room = key_len * 2;
	}
	if (key_len > 0)
		memcpy(deal->key, line, key_len);
	deal->key_len = key_len;
	deal->number = number;
	deal->any = true;
	return 0;
}

int ccp_mr_deal_take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_mr_deal *deal = arg;
	const uint8_t *line = data, *stop = line + len;

	if (deal->parts == 1 && deal->op == CCP_MR_NONE) {
		if (go_to(deal, 0, err) != 0)
			return -1;
		return len > 0 ? deal->sink->take(deal->sink->arg, data, len, err) : 0;
	}
	while (line < stop) {
		const uint8_t *end = memchr(line, '\n', (size_t)(stop - line));
		int result = go_to(deal, deal->tag_bytes > 0 ? ccp_mr_tag_read(line) : 0, err);

		if (end == NULL)
			end = stop; /* cannot be: lines are whole */
		line += deal->tag_bytes;
		if (result == 0 && deal->op != CCP_MR_NONE)
			result = join(deal, line, (size_t)(end - line), err);
		else if (result == 0)
			result = put(deal, line, (size_t)(end - line) + 1, err);
		if (result != 0)
			return -1;
		line = end + 1;
	}
	return 0;
}

int ccp_mr_deal_end(struct ccp_mr_deal *deal, struct ccp_err *err)
{
	if (go_to(deal, deal->parts - 1, err) != 0)
		return -1;
	return end_part(deal, err);
}
