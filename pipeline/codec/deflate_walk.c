/*
 * deflate_walk.c: from block to block of a deflate stream: headers, stored blocks, and the end. The tokens of a block
 * are skipped by deflate_tokens.c.
 */
#include "pipeline/codec/deflate_walk.h"

#include "pipeline/codec/deflate_tokens.h"

static const char *fixed_header(struct ccp_walk *walk)
{
	uint8_t lens[288 + 32];

	memset(lens, 8, 144);
	memset(lens + 144, 9, 112);
	memset(lens + 256, 7, 24);
	memset(lens + 280, 8, 8);
	memset(lens + 288, 5, 32);
	return ccp_walk_tables_build(walk, lens, 288, 32);
}

/* Reads the code lengths of a dynamic block, which are coded themselves. */
static const char *lengths_read(struct ccp_walk *walk, struct ccp_bits *b, uint8_t *lens, unsigned n)
{
	const struct ccp_walk_canon *canon = &walk->lit_canon;
	uint8_t table[128];

	/* Seven bits hold any code of this code: length << 5 | symbol, 0 = invalid. */
	memset(table, 0, sizeof table);
	for (unsigned len = 1, k = 0; len <= 7; len++)
		for (unsigned i = 0; i < canon->count[len]; i++, k++)
			for (unsigned j = bits_reverse(canon->first[len] + i, len); j < 128; j += 1u << len)
				table[j] = (uint8_t)(len << 5 | canon->sorted[k]);

	for (unsigned i = 0; i < n;) {
		bits_refill(b);
		unsigned entry = table[b->window & 127];
		unsigned symbol = entry & 31, times, value = 0;

		if (entry == 0)
			return "invalid code lengths set";
		bits_skip(b, entry >> 5);
		if (symbol < 16) {
			lens[i++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (i == 0)
				return "invalid bit length repeat";
			value = lens[i - 1];
			times = 3 + bits_take(b, 2);
		} else if (symbol == 17) {
			times = 3 + bits_take(b, 3);
		} else {
			times = 11 + bits_take(b, 7);
		}
		if (times > n - i)
			return "invalid bit length repeat";
		memset(lens + i, (int)value, times);
		i += times;
	}
	return NULL;
}

static const char *dynamic_header(struct ccp_walk *walk, struct ccp_bits *b)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	uint8_t lens[286 + 30] = { 0 };
	unsigned max_len;

	bits_refill(b);
	unsigned n_lit = 257 + bits_take(b, 5), n_dist = 1 + bits_take(b, 5), n_code = 4 + bits_take(b, 4);

	if (n_lit > 286 || n_dist > 30)
		return "too many length or distance symbols";
	for (unsigned i = 0; i < n_code; i++) {
		bits_refill(b);
		lens[order[i]] = (uint8_t)bits_take(b, 3);
	}
	if (ccp_walk_canon_build(&walk->lit_canon, lens, 19, &max_len) != 0)
		return "invalid code lengths set";
	const char *wrong = lengths_read(walk, b, lens, n_lit + n_dist);
	if (wrong)
		return wrong;
	if (lens[256] == 0)
		return "invalid code -- missing end-of-block";
	return ccp_walk_tables_build(walk, lens, n_lit, n_dist);
}

static const char *stored_skip(struct ccp_bits *b)
{
	bits_skip(b, b->count & 7);
	bits_refill(b);
	unsigned len = bits_take(b, 16), complement = bits_take(b, 16);

	if (bits_overrun(b))
		return NULL;
	if (len != (complement ^ 0xffff))
		return "invalid stored block lengths";
	/* Give whole bytes back to the data, then jump. */
	b->next -= (b->count - b->phantom) / 8;
	b->window = 0;
	b->count = b->phantom = 0;
	if ((size_t)(b->end - b->next) < len) {
		b->next = b->end;
		b->phantom = 8;
		return NULL;
	}
	b->next += len;
	return NULL;
}

int ccp_deflate_walk(struct ccp_walk *walk, const uint8_t *data, size_t len, struct ccp_walk_result *result,
		     struct ccp_err *err)
{
	struct ccp_bits b = { .start = data, .next = data, .end = data + len };
	const char *wrong = NULL;
	unsigned final;

	*result = (struct ccp_walk_result){ 0 };
	walk->stride[0] = walk->stride[1] = 0;
	do {
		bits_refill(&b);
		result->last_header_bit = bits_position(&b);
		result->blocks++;
		final = bits_take(&b, 1);
		unsigned type = bits_take(&b, 2);

		if (type == 0)
			wrong = stored_skip(&b);
		else if (type == 1)
			wrong = fixed_header(walk);
		else if (type == 2)
			wrong = dynamic_header(walk, &b);
		else
			wrong = "invalid block type";
		if (!wrong && !bits_overrun(&b) && type != 0)
			wrong = ccp_walk_tokens_skip(walk, &b);
		if (bits_overrun(&b))
			return ccp_err_at(err, CCP_E_TRUNCATED, len, "unexpected end of deflate data");
		if (wrong)
			return ccp_err_at(err, CCP_E_FORMAT, bits_position(&b) / 8, "invalid deflate data (%s)", wrong);
	} while (!final);
	result->end_bit = bits_position(&b);
	return 0;
}
