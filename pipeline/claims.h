/*
 * claims.h: which files the live inputs read and write, so that two inputs that touch the same one come one after the
 * other, as they do in `serial`: `gzip a a`, `gzip -r dir dir/sub`, `gunzip x.tgz x.tar.gz`.
 */
#ifndef CCP_PIPELINE_CLAIMS_H
#define CCP_PIPELINE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"

struct ccp_claims;

/* What an input touches. Keys are hashes of paths (ccp_path_key), 0 = none. Equal by accident: one waits, no harm. */
struct ccp_claim {
	const void *owner;
	dev_t dev; /* of the source, with ino; ino 0 = unknown */
	ino_t ino;
	uint64_t source, target;
};

/* Shape: room for `most` claims at a time. Threads: all calls but new and free may be made by any. */
int ccp_claims_new(struct ccp_claims **claims, size_t most, struct ccp_err *err);
void ccp_claims_free(struct ccp_claims *claims);

/* Enters a claim unless it touches what another one touches: false, and then nothing is entered. */
bool ccp_claims_try(struct ccp_claims *claims, const struct ccp_claim *claim);

/* Takes the owner's claim back, if it has one. */
void ccp_claims_drop(struct ccp_claims *claims, const void *owner);

/* A set of keys that only grows. Memory: 16 bytes a key at most. Threads: any. */
struct ccp_keys;
int ccp_keys_new(struct ccp_keys **keys, struct ccp_err *err);
void ccp_keys_free(struct ccp_keys *keys);

/* Enters a key that is not 0. Returns 1 if it was not there, 0 if it was, -1 without memory. */
int ccp_keys_add(struct ccp_keys *keys, uint64_t key);

/* A hash of a path, the same for "a//b", "./a/b" and "a/./b"; never 0. */
uint64_t ccp_path_key(const char *path);

#endif
