/*
 * claims.c: a short table, searched from end to end: there are never more claims than slots.
 */
#include "pipeline/claims.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct ccp_claims {
	pthread_mutex_t lock;
	size_t most;             /* set before the run */
	/* guarded by lock */
	size_t count;
	struct ccp_claim claim[];
};

int ccp_claims_new(struct ccp_claims **out, size_t most, struct ccp_err *err)
{
	struct ccp_claims *claims = calloc(1, sizeof *claims + most * sizeof claims->claim[0]);

	if (!claims)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for claims");
	pthread_mutex_init(&claims->lock, NULL);
	claims->most = most;
	*out = claims;
	return 0;
}

void ccp_claims_free(struct ccp_claims *claims)
{
	if (!claims)
		return;
	pthread_mutex_destroy(&claims->lock);
	free(claims);
}

static bool same(uint64_t a, uint64_t b)
{
	return a != 0 && a == b;
}

static bool collide(const struct ccp_claim *a, const struct ccp_claim *b)
{
	return (a->ino != 0 && a->ino == b->ino && a->dev == b->dev) || same(a->source, b->source) ||
	       same(a->target, b->target) || same(a->source, b->target) || same(a->target, b->source);
}

bool ccp_claims_try(struct ccp_claims *claims, const struct ccp_claim *claim)
{
	bool free_to_go = true;

	pthread_mutex_lock(&claims->lock);
	for (size_t i = 0; i < claims->count && free_to_go; i++)
		free_to_go = !collide(&claims->claim[i], claim);
	if (free_to_go) {
		assert(claims->count < claims->most);
		claims->claim[claims->count++] = *claim;
	}
	pthread_mutex_unlock(&claims->lock);
	return free_to_go;
}

void ccp_claims_drop(struct ccp_claims *claims, const void *owner)
{
	pthread_mutex_lock(&claims->lock);
	for (size_t i = 0; i < claims->count; i++) {
		if (claims->claim[i].owner == owner) {
			claims->claim[i] = claims->claim[--claims->count];
			break;
		}
	}
	pthread_mutex_unlock(&claims->lock);
}

struct ccp_keys {
	pthread_mutex_t lock;
	/* guarded by lock */
	size_t count, size; /* size is a power of two, at least twice the count */
	uint64_t *slot;     /* 0 = empty */
};

int ccp_keys_new(struct ccp_keys **out, struct ccp_err *err)
{
	struct ccp_keys *keys = calloc(1, sizeof *keys);

	if (keys) {
		keys->size = 1024;
		keys->slot = calloc(keys->size, sizeof *keys->slot);
	}
	if (!keys || !keys->slot) {
		free(keys);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the names of outputs");
	}
	pthread_mutex_init(&keys->lock, NULL);
	*out = keys;
	return 0;
}

void ccp_keys_free(struct ccp_keys *keys)
{
	if (!keys)
		return;
	pthread_mutex_destroy(&keys->lock);
	free(keys->slot);
	free(keys);
}

/* Where a key is or would be. */
static uint64_t *place(uint64_t *slot, size_t size, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (size - 1);

	while (slot[at] != 0 && slot[at] != key)
		at = (at + 1) & (size - 1);
	return &slot[at];
}

static bool grow_locked(struct ccp_keys *keys)
{
	uint64_t *slot = calloc(keys->size * 2, sizeof *slot);

	if (!slot)
		return false;
	for (size_t i = 0; i < keys->size; i++)
		if (keys->slot[i] != 0)
			*place(slot, keys->size * 2, keys->slot[i]) = keys->slot[i];
	free(keys->slot);
	keys->slot = slot;
	keys->size *= 2;
	return true;
}

int ccp_keys_add(struct ccp_keys *keys, uint64_t key)
{
	int added = 0;

	pthread_mutex_lock(&keys->lock);
	uint64_t *at = place(keys->slot, keys->size, key);
	if (*at == 0) {
		*at = key;
		keys->count++;
		added = keys->count * 2 <= keys->size || grow_locked(keys) ? 1 : -1;
	}
	pthread_mutex_unlock(&keys->lock);
	return added;
}

/* FNV-1a, 64 bits. Source: draft-eastlake-fnv. */
static uint64_t add(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}

uint64_t ccp_path_key(const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = path; *at;) {
		if (at == path || at[-1] == '/') { /* the start of a component */
			if (*at == '/' && at != path) {
				at++;
				continue;
			}
			if (at[0] == '.' && at[1] == '/') {
				at += 2;
				continue;
			}
		}
		hash = add(hash, (unsigned char)*at++);
	}
	return hash ? hash : 1;
}
