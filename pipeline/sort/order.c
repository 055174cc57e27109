/*
 * order.c: definitions of keys.
 *
 * What sort(1) writes as F.C counts from 1, and is kept counting from 0; but the character where a key ends is the last
 * one that belongs to it, so that the number of that character is also the number of characters to take.
 */
#include "pipeline/sort/order.h"

#include <stdint.h>

/* Reads a number; what is too large is as large as can be. Returns what follows, or NULL if there is none. */
static const char *read_number(const char *at, size_t *number)
{
	size_t value = 0;

	if (*at < '0' || *at > '9')
		return NULL;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, (size_t)10, &value) ||
		    __builtin_add_overflow(value, (size_t)(*at - '0'), &value))
			value = SIZE_MAX;
	*number = value;
	return at;
}

/* Reads letters. Returns what follows. */
static const char *read_manner(const char *at, struct ccp_sort_manner *manner, bool *skip)
{
	for (;; at++) {
		if (*at == 'b')
			*skip = true;
		else if (*at == 'f')
			manner->fold = true;
		else if (*at == 'n')
			manner->numeric = true;
		else if (*at == 'r')
			manner->reverse = true;
		else
			return at;
	}
}

/* Reads "F[.C]"; a zero is an error but for the character of an end. */
static const char *read_place(const char *at, const char *definition, bool is_end, size_t *field, size_t *character,
			      struct ccp_err *err)
{
	*character = 0;
	at = read_number(at, field);
	if (at == NULL) {
		ccp_err_set(err, CCP_E_USAGE, "-k '%s': there is no number of a field where one belongs", definition);
		return NULL;
	}
	if (*field == 0) {
		ccp_err_set(err, CCP_E_USAGE, "-k '%s': fields count from 1", definition);
		return NULL;
	}
	--*field;
	if (*at != '.')
		return at;
	at = read_number(at + 1, character);
	if (at == NULL)
		ccp_err_set(err, CCP_E_USAGE, "-k '%s': there is no number behind '.'", definition);
	else if (!is_end && *character == 0) {
		ccp_err_set(err, CCP_E_USAGE, "-k '%s': characters count from 1", definition);
		return NULL;
	} else if (!is_end)
		--*character;
	return at;
}

int ccp_sort_order_add(struct ccp_sort_order *order, const char *definition, struct ccp_err *err)
{
	struct ccp_sort_key key = { .to_field = CCP_SORT_REST };
	const char *at;

	if (order->key_count == CCP_SORT_KEYS)
		return ccp_err_set(err, CCP_E_USAGE, "-k: more than %d keys", CCP_SORT_KEYS);
	at = read_place(definition, definition, false, &key.from_field, &key.from_char, err);
	if (at == NULL)
		return -1;
	at = read_manner(at, &key.manner, &key.manner.skip_start);
	if (*at == ',') {
		at = read_place(at + 1, definition, true, &key.to_field, &key.to_char, err);
		if (at == NULL)
			return -1;
		at = read_manner(at, &key.manner, &key.manner.skip_end);
	}
	if (*at != '\0' && __builtin_strchr("dghiMRV", *at) != NULL)
		return ccp_err_set(err, CCP_E_USAGE, "-k '%s': '%c' is not supported, only b, f, n and r", definition,
				   *at);
	if (*at != '\0')
		return ccp_err_set(err, CCP_E_USAGE, "-k '%s': '%s' is not understood", definition, at);
	order->keys[order->key_count++] = key;
	return 0;
}

/* Whether a key, or an order, says nothing of how text is compared; for an order -r alone does not. */
static bool is_plain(const struct ccp_sort_manner *manner)
{
	return !manner->numeric && !manner->fold && !manner->skip_start && !manner->skip_end;
}

void ccp_sort_order_settle(struct ccp_sort_order *order)
{
	if (order->settled)
		return;
	for (size_t i = 0; i < order->key_count; i++)
		if (is_plain(&order->keys[i].manner) && !order->keys[i].manner.reverse)
			order->keys[i].manner = order->manner;
	if (order->key_count == 0 && !is_plain(&order->manner))
		order->keys[order->key_count++] = (struct ccp_sort_key){
			.to_field = CCP_SORT_REST, .manner = order->manner
		};
	order->settled = true;
}
