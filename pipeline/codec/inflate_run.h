/*
 * inflate_run.h: the byte decoder during one step: what inflate.c, its fast loop (inflate_loop.h) and its careful one
 * (inflate_careful.c) share.
 */
#ifndef CCP_PIPELINE_CODEC_INFLATE_RUN_H
#define CCP_PIPELINE_CODEC_INFLATE_RUN_H

#include "pipeline/codec/inflate.h"

/* The decoder's registers during a step. */
struct ccp_inflate_run {
	struct ccp_inflate *state;
	const uint8_t *in_begin, *in, *in_end;
	uint8_t *out_begin, *out, *out_end;
	const uint8_t *low; /* matches from here on need no window */
	uint64_t bits;      /* all above `held` are zero */
	unsigned held;
};

/* Takes input until at least 56 bits are held or there is no more. */
static inline void ccp_run_fill(struct ccp_inflate_run *r)
{
	while (r->held < 56 && r->in < r->in_end) {
		r->bits |= (uint64_t)*r->in++ << r->held;
		r->held += 8;
	}
}

static inline void ccp_run_drop(struct ccp_inflate_run *r, unsigned n)
{
	r->bits = n < 64 ? r->bits >> n : 0;
	r->held -= n;
}

/* Returns whole bytes that are held to the input, as far as they came from it in this step. */
static inline void ccp_run_give_back(struct ccp_inflate_run *r)
{
	size_t n = (size_t)(r->in - r->in_begin);

	if (n > r->held / 8)
		n = r->held / 8;
	r->in -= n;
	r->held -= 8 * (unsigned)n;
	r->bits &= (UINT64_C(1) << r->held) - 1;
}

/* Where the decoder is, in bits from the first of this step's input. */
static inline int64_t ccp_run_position(const struct ccp_inflate_run *r)
{
	return (int64_t)(r->in - r->in_begin) * 8 - (int64_t)r->held - (int64_t)r->state->head_len * 8;
}

/* Sets the error and its place, `skip` bits from here. */
static inline enum ccp_inflate_status ccp_run_fail(const struct ccp_inflate_run *r, struct ccp_inflate_io *io,
						   unsigned skip, const char *wrong)
{
	/* An arithmetic shift: the place may be before this step's input. */
	int64_t byte = (ccp_run_position(r) + skip) >> 3;

	io->wrong = wrong;
	io->before = (size_t)((r->in - r->in_begin) - byte);
	return CCP_INFLATE_ERROR;
}

/*
 * Copies the first part of a match that lies in the window. Returns its length; 0 if the distance is too far. Not for
 * the hot path.
 */
size_t ccp_run_from_window(const struct ccp_inflate_run *r, uint8_t *out, size_t distance, size_t length);

/* Copies what there is room for of the match that is due. */
void ccp_run_copy_match(struct ccp_inflate_run *r);

/* Decodes one symbol, or finds an error. Returns false, with *status, at the end of the step. */
bool ccp_run_symbol(struct ccp_inflate_run *r, struct ccp_inflate_io *io, enum ccp_inflate_status *status);

#endif
