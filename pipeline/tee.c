/*
 * tee.c: digests of what goes into a transform and of what comes out.
 *
 * An input's tee holds two states of the set, for what goes in and what comes out. Where all inputs share an output the
 * second one is that of the whole output, which belongs to the caller of the run.
 */
#include "pipeline/tee.h"

#include "pipeline/codec/digest_set.h"

_Static_assert(2 * CCP_DIGEST_SET_BYTES <= CCP_RECORD_BYTES, "no room for the digests");
_Static_assert(CCP_DIGEST_STATE_ALIGN <= CCP_CARRY_ALIGN, "a state could be badly aligned");

size_t ccp_tee_bytes(const struct ccp_digest_set *set)
{
	return 2 * ccp_digest_set_state_bytes(set);
}

static void *out_state(const struct ccp_tee *tee, const struct ccp_input *input)
{
	return tee->output ? tee->output : (uint8_t *)input->tee + ccp_digest_set_state_bytes(tee->set);
}

void ccp_tee_start(const struct ccp_tee *tee, struct ccp_input *input)
{
	ccp_digest_set_start(tee->set, input->tee);
	if (!tee->output)
		ccp_digest_set_start(tee->set, out_state(tee, input));
}

void ccp_tee_in(const struct ccp_tee *tee, struct ccp_input *input, const struct ccp_buf *in)
{
	ccp_digest_set_update(tee->set, input->tee, in->data, in->len);
}

void ccp_tee_out(const struct ccp_tee *tee, struct ccp_input *input, const struct ccp_buf *out)
{
	ccp_digest_set_update(tee->set, out_state(tee, input), out->data, out->len);
}

void ccp_tee_finish(const struct ccp_tee *tee, struct ccp_input *input)
{
	size_t bytes = ccp_digest_set_bytes(tee->set);

	ccp_digest_set_finish(tee->set, input->tee, input->record);
	input->record_len = bytes;
	if (tee->output)
		return;
	ccp_digest_set_finish(tee->set, out_state(tee, input), input->record + bytes);
	input->record_len += bytes;
}
