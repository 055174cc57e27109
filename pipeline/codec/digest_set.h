/*
 * digest_set.h: several digests of the same bytes, in one pass.
 */
#ifndef CCP_PIPELINE_CODEC_DIGEST_SET_H
#define CCP_PIPELINE_CODEC_DIGEST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/codec/digest.h"
#include "pipeline/err.h"

#define CCP_DIGEST_SET_MAX 16
#define CCP_DIGEST_SET_BYTES 512 /* of all digests of a set together, at most */

/* Plain data; const during a run. `count` 0: no digest. */
struct ccp_digest_set {
	size_t count;
	struct {
		const struct ccp_digest_ops *ops;
		size_t bytes; /* of the digest */
	} item[CCP_DIGEST_SET_MAX];
};

/*
 * Adds the algorithms of a list of names with commas between. One that is there already is not added again.
 * Errors: CCP_E_USAGE with the name that there is none of, CCP_E_UNSUPPORTED with what is not built in.
 */
int ccp_digest_set_add(struct ccp_digest_set *set, const char *names, struct ccp_err *err);

/* Whether there is this algorithm in the set, with digests of so many bytes; 0 = of whatever length. */
bool ccp_digest_set_has(const struct ccp_digest_set *set, const struct ccp_digest_ops *ops, size_t bytes);

/* Whether both have the same digests, in the same order. */
bool ccp_digest_set_is_same(const struct ccp_digest_set *a, const struct ccp_digest_set *b);

/* Whether all of them combine. */
bool ccp_digest_set_combines(const struct ccp_digest_set *set);

/* Memory of a state, a multiple of CCP_DIGEST_STATE_ALIGN; and the length of all digests, in the order of the set. */
size_t ccp_digest_set_state_bytes(const struct ccp_digest_set *set);
size_t ccp_digest_set_bytes(const struct ccp_digest_set *set);

/* As for one digest (digest.h). `out` has room for ccp_digest_set_bytes. */
void ccp_digest_set_start(const struct ccp_digest_set *set, void *state);
void ccp_digest_set_update(const struct ccp_digest_set *set, void *state, const uint8_t *data, size_t len);
void ccp_digest_set_finish(const struct ccp_digest_set *set, void *state, uint8_t *out);

#endif
