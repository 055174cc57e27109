/*
 * checksum.c: checksums that combine (CRCs, Adler-32) of whole inputs, several in one pass, in parallel.
 *
 * Each piece is summed on its own; its sums and the set they are of travel in `partial`. carry() puts the sums together
 * in order and appends the results, sealed with the length of the input, to the last piece, in the order of the set.
 */
#include "pipeline/transform/digest.h"

#include "pipeline/codec/digest_set.h"

extern const struct ccp_transform_ops ccp_transform_checksum;

#define SUMS ((CCP_PARTIAL_BYTES - sizeof(void *)) / sizeof(uint32_t))

/* What a piece hands on. Const is const in every process: the set is there before any is forked. */
struct partial {
	const struct ccp_digest_set *set;
	uint32_t sum[SUMS];
};

struct carry {
	uint64_t bytes;
	uint32_t sum[SUMS];
};

_Static_assert(sizeof(struct partial) <= CCP_PARTIAL_BYTES, "partial result too large");

static int checksum_need(const struct ccp_transform_options *options, struct ccp_transform_need *need,
			 struct ccp_err *err)
{
	const struct ccp_digest_set *set = options->digests;

	if (ccp_digest_need(options, need, err) != 0)
		return -1;
	if (!ccp_digest_set_combines(set) || set->count > SUMS)
		return ccp_err_set(err, CCP_E_USAGE, "these digests cannot be put together from those of parts");
	need->carry_bytes = sizeof(struct carry);
	return 0;
}

/* A worker has nothing of its own: its state is the set, which is const. */
static int checksum_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	(void)err;
	*state = (void *)(uintptr_t)options->digests;
	return 0;
}

/* Puts the sum of what follows, of len_b bytes, behind each of `sum`. */
static void append(const struct ccp_digest_set *set, uint32_t *sum, const uint32_t *next, uint64_t len_b)
{
	for (size_t i = 0; i < set->count; i++)
		sum[i] = set->item[i].ops->combine(sum[i], next[i], len_b);
}

static void sum_part(const struct ccp_digest_set *set, uint32_t *sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < set->count; i++)
		sum[i] = set->item[i].ops->part(data, len);
}

static int checksum_map(void *state, void *carry, struct ccp_piece *piece)
{
	const struct ccp_digest_set *set = state;
	struct partial partial = { .set = set };

	(void)carry;
	sum_part(set, partial.sum, piece->in.data, piece->in.len);
	memcpy(piece->partial, &partial, sizeof partial);
	piece->in_used = piece->in.len;
	piece->plain_bytes += piece->in.len;
	return 0;
}

static int checksum_carry(void *carry, struct ccp_piece *piece)
{
	struct partial partial;
	struct carry *c = carry;

	memcpy(&partial, piece->partial, sizeof partial);
	if (piece->first)
		memcpy(c->sum, partial.sum, sizeof c->sum);
	else
		append(partial.set, c->sum, partial.sum, piece->in.len);
	c->bytes += piece->in.len;
	if (!piece->last)
		return 0;
	if (ccp_buf_room(&piece->out) < ccp_digest_set_bytes(partial.set))
		return ccp_err_set(&piece->err, CCP_E_OTHER, "no room for the checksums");
	for (size_t i = 0; i < partial.set->count; i++) {
		partial.set->item[i].ops->seal(c->sum[i], c->bytes, piece->out.data + piece->out.len);
		piece->out.len += partial.set->item[i].bytes;
	}
	return 0;
}

static void checksum_close(void *state)
{
	(void)state;
}

const struct ccp_transform_ops ccp_transform_checksum = {
	.name = "checksum",
	.help = "checksums of whole inputs, from those of their pieces: CRC-32, CRC-32C, Adler-32, cksum",
	.need = checksum_need,
	.open = checksum_open,
	.map = checksum_map,
	.carry = checksum_carry,
	.close = checksum_close,
};
