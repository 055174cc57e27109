/*
 * key.c: see key.h. The hash is that of Java's byte arrays: 31 times what came before, plus the byte, which is signed.
 */
#include "pipeline/mr/key.h"

#include <string.h>

size_t ccp_mr_key_len(const uint8_t *line, size_t len)
{
	const uint8_t *tab = len > 0 ? memchr(line, '\t', len) : NULL;

	return tab != NULL ? (size_t)(tab - line) : len;
}

unsigned ccp_mr_part(const uint8_t *key, size_t len, unsigned parts)
{
	uint32_t hash = 1;

	if (parts == 1)
		return 0;
	for (size_t i = 0; i < len; i++)
		hash = 31 * hash + (key[i] ^ 0x80u) - 0x80u; /* signed */
	return (hash & 0x7fffffff) % parts;
}

/* Digits to base 64 from '0' on, among which are neither tab nor newline. */
void ccp_mr_tag_write(uint8_t *tag, unsigned part)
{
	tag[0] = (uint8_t)('0' + (part >> 12 & 63));
	tag[1] = (uint8_t)('0' + (part >> 6 & 63));
	tag[2] = (uint8_t)('0' + (part & 63));
	tag[3] = '\t';
}

unsigned ccp_mr_tag_read(const uint8_t *tag)
{
	return (unsigned)(tag[0] - '0') << 12 | (unsigned)(tag[1] - '0') << 6 | (unsigned)(tag[2] - '0');
}

void ccp_mr_order(struct ccp_sort_order *order, const struct ccp_sort_order *said, unsigned parts)
{
	const size_t shift = parts > 1;

	*order = (struct ccp_sort_order){ .separator = '\t', .end = '\n', .stable = true };
	if (shift > 0)
		order->keys[order->key_count++] = (struct ccp_sort_key){ 0 };
	for (size_t i = 0; i < said->key_count; i++) {
		struct ccp_sort_key key = said->keys[i];

		key.from_field += shift;
		if (key.to_field != CCP_SORT_REST)
			key.to_field += shift;
		order->keys[order->key_count++] = key;
	}
	if (said->key_count == 0)
		order->keys[order->key_count++] = (struct ccp_sort_key){ .from_field = shift, .to_field = shift };
	ccp_sort_order_settle(order);
}
