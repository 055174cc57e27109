/*
 * digest.h: what the transforms digest and checksum have in common.
 */
#ifndef CCP_PIPELINE_TRANSFORM_DIGEST_H
#define CCP_PIPELINE_TRANSFORM_DIGEST_H

#include "pipeline/transform.h"

/*
 * What both need but for the carry: fills need->chunk_bytes and need->out_bytes.
 * Errors: CCP_E_USAGE: no digest is named, or chunks are too large.
 */
int ccp_digest_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err);

#endif
