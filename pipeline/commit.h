/*
 * commit.h: how an output comes to stand under its name: written (output.h) to a temporary (temp.h) that is given its
 * source's metadata (metadata.h), renamed, and only then the source is removed. All that a sink needs of it.
 */
#ifndef CCP_PIPELINE_COMMIT_H
#define CCP_PIPELINE_COMMIT_H

#include <stdbool.h>

#include "pipeline/claims.h"
#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/metadata.h"
#include "pipeline/output.h"
#include "pipeline/sink.h"
#include "pipeline/temp.h"

/* Whether outputs are made durable: for AUTO, iff the source goes, since only then could a power cut lose anything. */
bool ccp_commit_syncs(const struct ccp_sink_options *options);

/*
 * Enters a target among those that this run has made; `made` NULL: nobody asks. Whoever replaces what is there and
 * removes sources must not replace what was made from another source that is gone.
 * Errors: -1 with CCP_W_EXISTS if it has been made. Threads: any.
 */
int ccp_commit_enter(struct ccp_keys *made, const char *target, struct ccp_err *err);

/*
 * Removes the source of a target that stands, if its name still stands for what was read: same file, size and time of
 * modification. What is no regular file stays without a word.
 * Errors: none; a source that stays is a warning in `err`: CCP_W_CHANGED, or CCP_W_OTHER if it could not be removed.
 * Threads: any.
 */
void ccp_commit_remove_source(const struct ccp_sink_options *options, const struct ccp_input *input,
			      struct ccp_err *err);

#endif
