/*
 * tee.h: digests of what goes into a transform and of what comes out, in the pass that does the work.
 *
 * They are computed where an input's pieces are in order anyway, before they are written. When an input is done its
 * record holds the digests of what went in and, unless all inputs share an output, then those of what came out.
 */
#ifndef CCP_PIPELINE_TEE_H
#define CCP_PIPELINE_TEE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/job.h"

struct ccp_digest_set;

/* Const during a run, but for what `output` points to. */
struct ccp_tee {
	const struct ccp_digest_set *set;
	/*
	 * For an output that all inputs share: the state of its digests, started by the caller of the run and finished
	 * after it, so that several runs can write to one output. NULL if each input has an output.
	 */
	void *output;
};

/* Memory for each input: struct ccp_transform_need, tee_bytes. */
size_t ccp_tee_bytes(const struct ccp_digest_set *set);

/*
 * At EMIT, in order: start before an input's first piece, in and out for the bytes of each, finish at its end.
 * Threads: the holder of the input's job in EMIT.
 */
void ccp_tee_start(const struct ccp_tee *tee, struct ccp_input *input);
void ccp_tee_in(const struct ccp_tee *tee, struct ccp_input *input, const struct ccp_buf *in);
void ccp_tee_out(const struct ccp_tee *tee, struct ccp_input *input, const struct ccp_buf *out);
void ccp_tee_finish(const struct ccp_tee *tee, struct ccp_input *input);

#endif
