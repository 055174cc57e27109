/*
 * digest_set.c: several digests of the same bytes.
 *
 * The states stand one behind the other in the order of the set, each at a multiple of CCP_DIGEST_STATE_ALIGN. Bytes go
 * to all of them in parts that fit the first cache, so that only the first algorithm has to fetch them.
 */
#include "pipeline/codec/digest_set.h"

#include <string.h>

#define PART_BYTES ((size_t)16 << 10)

static size_t step_of(const struct ccp_digest_ops *ops)
{
	return (ops->state_bytes + CCP_DIGEST_STATE_ALIGN - 1) / CCP_DIGEST_STATE_ALIGN * CCP_DIGEST_STATE_ALIGN;
}

bool ccp_digest_set_has(const struct ccp_digest_set *set, const struct ccp_digest_ops *ops, size_t bytes)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->item[i].ops == ops && (bytes == 0 || set->item[i].bytes == bytes))
			return true;
	return false;
}

bool ccp_digest_set_is_same(const struct ccp_digest_set *a, const struct ccp_digest_set *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; i < a->count && same; i++)
		same = a->item[i].ops == b->item[i].ops && a->item[i].bytes == b->item[i].bytes;
	return same;
}

static int add(struct ccp_digest_set *set, const char *name, size_t len, struct ccp_err *err)
{
	const struct ccp_digest_ops *ops = ccp_digest_find(name, len);
	const char *why = ops && ops->probe ? ops->probe() : NULL;

	if (!ops)
		return ccp_err_set(err, CCP_E_USAGE, "there is no digest '%.*s'", len < 40 ? (int)len : 40, name);
	if (why)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "%s: %s", ops->name, why);
	if (ccp_digest_set_has(set, ops, 0))
		return 0;
	if (set->count == CCP_DIGEST_SET_MAX || ccp_digest_set_bytes(set) + ops->bytes > CCP_DIGEST_SET_BYTES)
		return ccp_err_set(err, CCP_E_USAGE, "too many digests at once");
	set->item[set->count].ops = ops;
	set->item[set->count++].bytes = ops->bytes;
	return 0;
}

int ccp_digest_set_add(struct ccp_digest_set *set, const char *names, struct ccp_err *err)
{
	for (;;) {
		size_t len = strcspn(names, ",");

		if (add(set, names, len, err) < 0)
			return -1;
		if (names[len] == '\0')
			return 0;
		names += len + 1;
	}
}

bool ccp_digest_set_combines(const struct ccp_digest_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (!set->item[i].ops->combines)
			return false;
	return true;
}

size_t ccp_digest_set_state_bytes(const struct ccp_digest_set *set)
{
	size_t bytes = 0;

	for (size_t i = 0; i < set->count; i++)
		bytes += step_of(set->item[i].ops);
	return bytes;
}

size_t ccp_digest_set_bytes(const struct ccp_digest_set *set)
{
	size_t bytes = 0;

	for (size_t i = 0; i < set->count; i++)
		bytes += set->item[i].bytes;
	return bytes;
}

void ccp_digest_set_start(const struct ccp_digest_set *set, void *state)
{
	uint8_t *at = state;

	for (size_t i = 0; i < set->count; at += step_of(set->item[i++].ops))
		set->item[i].ops->start(at, set->item[i].bytes);
}

void ccp_digest_set_update(const struct ccp_digest_set *set, void *state, const uint8_t *data, size_t len)
{
	size_t part = set->count > 1 ? PART_BYTES : len;

	for (size_t done = 0; done < len; done += part) {
		uint8_t *at = state;

		if (part > len - done)
			part = len - done;
		for (size_t i = 0; i < set->count; at += step_of(set->item[i++].ops))
			set->item[i].ops->update(at, data + done, part);
	}
}

void ccp_digest_set_finish(const struct ccp_digest_set *set, void *state, uint8_t *out)
{
	uint8_t *at = state;

	for (size_t i = 0; i < set->count; at += step_of(set->item[i++].ops)) {
		set->item[i].ops->finish(at, out);
		out += set->item[i].bytes;
	}
}
