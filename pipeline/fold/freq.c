/*
 * fold/freq.c: counts the keys of a part.
 *
 * Keys are found a few hundred at a time; then all of them are hashed, and the places in the table that they are going
 * to need are fetched; then they are counted. The table has open addressing; a key of up to 16 bytes lies in its slot
 * and is compared at one go, a longer one lies in the part. The note tells the keys in the order in which they came, so
 * that it does not depend on the hash; when it is full, the rest of the part is for the next call.
 */
#include "pipeline/fold/freq.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/freq_hash.h"

extern const struct ccp_fold_ops ccp_fold_freq;

#define CHUNK_BYTES ((size_t)1 << 20)
#define KEYS 32768u        /* in one note */
#define SLOTS (2u * KEYS)
#define NOTE_BYTES (KEYS * sizeof(struct ccp_freq_note))

/* Zero is an empty one. */
struct slot {
	struct ccp_freq_head head;
	uint32_t at, len, count, hash;
};

struct state {
	const struct ccp_freq_options *options;
	struct ccp_grep_matcher *matcher; /* CCP_FREQ_REGEX */
	uint8_t *copy;                    /* of the part, folded */
	size_t room;
	uint32_t used;                    /* slots */
	uint32_t order[KEYS];             /* which, as they came */
	struct ccp_freq_keys keys;
	struct ccp_freq_head head[CCP_FREQ_BATCH + 72];
	uint64_t hash[CCP_FREQ_BATCH + 72];
	struct slot slot[SLOTS];
};

/* ---- counting ------------------------------------------------------------------------------------ */

static void hash_keys(struct state *state, const uint8_t *data, size_t len)
{
	const struct ccp_freq_keys *keys = &state->keys;

	for (size_t i = 0; i < keys->count; i++) {
		size_t n = keys->end[i] - keys->begin[i];
		const uint8_t *key = data + keys->begin[i];

		state->head[i] = len - keys->begin[i] >= CCP_FREQ_SHORT ? ccp_freq_head_quick(key, n) :
									  ccp_freq_head(key, n);
		state->hash[i] = ccp_freq_hash_head(state->options, state->head[i], n);
		if (n > CCP_FREQ_SHORT)
			state->hash[i] = ccp_freq_hash_long(state->options, state->hash[i], key, n);
		__builtin_prefetch(&state->slot[state->hash[i] % SLOTS], 1);
	}
}

static bool is_key(const struct slot *slot, struct ccp_freq_head head, uint32_t hash, const uint8_t *data, uint32_t at,
		   uint32_t len)
{
	if (((slot->head.low ^ head.low) | (slot->head.high ^ head.high) | (slot->len ^ len)) != 0)
		return false;
	return len <= CCP_FREQ_SHORT ||
	       (slot->hash == hash && memcmp(data + slot->at + CCP_FREQ_SHORT, data + at + CCP_FREQ_SHORT,
					     len - CCP_FREQ_SHORT) == 0);
}

/* Counts the keys. Returns how many it did: all, unless the table is full. */
static size_t count_keys(struct state *state, const uint8_t *data)
{
	const struct ccp_freq_keys *keys = &state->keys;

	for (size_t i = 0; i < keys->count; i++) {
		uint32_t at = keys->begin[i], len = keys->end[i] - at, where = (uint32_t)(state->hash[i] % SLOTS);
		uint32_t hash = (uint32_t)(state->hash[i] >> 32);

		for (;; where = (where + 1) % SLOTS) {
			struct slot *slot = &state->slot[where];

			if (slot->count == 0) {
				if (state->used == KEYS)
					return i;
				state->order[state->used++] = where;
				*slot = (struct slot){ state->head[i], at, len, 1, hash };
				break;
			}
			if (is_key(slot, state->head[i], hash, data, at, len)) {
				slot->count++;
				break;
			}
		}
	}
	return keys->count;
}

/* Writes the note and empties the table. */
static void take_out(struct state *state, struct ccp_buf *note)
{
	struct ccp_freq_note *to = (void *)note->data;

	for (uint32_t i = 0; i < state->used; i++) {
		struct slot *slot = &state->slot[state->order[i]];

		to[i] = (struct ccp_freq_note){ slot->at, slot->len, slot->count, slot->hash };
		*slot = (struct slot){ 0 };
	}
	note->len = state->used * sizeof *to;
	state->used = 0;
}

/* ---- the fold ------------------------------------------------------------------------------------ */

static int freq_need(const void *options, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_freq_options *o = options;

	(void)err;
	*need = (struct ccp_fold_need){ .chunk_bytes = CHUNK_BYTES, .note_bytes = NOTE_BYTES,
					.state_bytes = sizeof(struct state) + (o->fold_case ? CHUNK_BYTES : 0) };
	return 0;
}

static int freq_open(void **out, const void *options, struct ccp_err *err)
{
	struct state *state = calloc(1, sizeof *state);

	if (state == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a table of keys");
	state->options = options;
	if (state->options->by == CCP_FREQ_REGEX &&
	    ccp_grep_matcher_new(&state->matcher, &state->options->pattern, err) != 0) {
		free(state);
		return -1;
	}
	*out = state;
	return 0;
}

static void freq_close(void *arg)
{
	struct state *state = arg;

	if (state->matcher != NULL)
		ccp_grep_matcher_free(state->matcher);
	free(state->copy);
	free(state);
}

/* The part, as keys are compared. */
static const uint8_t *text_of(struct state *state, const struct ccp_part *part, struct ccp_err *err)
{
	if (!state->options->fold_case)
		return part->data;
	if (part->len > state->room) {
		free(state->copy);
		state->room = 0;
		state->copy = malloc(part->len);
		if (state->copy == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a copy of %zu bytes", part->len);
			return NULL;
		}
		state->room = part->len;
	}
	ccp_freq_fold(state->copy, part->data, part->len);
	return state->copy;
}

/* Where to go on in the next call, for a key that did not fit. */
static size_t resume_at(const struct state *state, const uint8_t *data, size_t begin)
{
	const uint8_t *newline;

	if (state->options->by != CCP_FREQ_FIELD)
		return begin;
	newline = memrchr(data, '\n', begin);
	return newline != NULL ? (size_t)(newline - data) + 1 : 0;
}

static int freq_map(void *arg, struct ccp_part *part, struct ccp_err *err)
{
	struct state *state = arg;
	struct ccp_join_inner inner = ccp_freq_inner(part, state->options);
	const uint8_t *data;
	size_t at = part->used > inner.from ? part->used : inner.from;
	int more = 1;

	if (part->len > UINT32_MAX)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "freq: chunks of more than 4 GiB");
	data = text_of(state, part, err);
	if (data == NULL)
		return -1;
	while (more == 1 && at < inner.to) {
		size_t done;

		more = ccp_freq_find(state->options, state->matcher, data, inner.to, &at, &state->keys, err);
		if (more < 0) {
			take_out(state, &part->note);
			return -1;
		}
		hash_keys(state, data, part->len);
		done = count_keys(state, data);
		if (done < state->keys.count) {
			part->used = resume_at(state, data, state->keys.begin[done]);
			take_out(state, &part->note);
			return 1;
		}
	}
	part->used = part->len;
	take_out(state, &part->note);
	return 0;
}

const struct ccp_fold_ops ccp_fold_freq = {
	.name = "freq",
	.help = "count how often each key occurs",
	.need = freq_need,
	.open = freq_open,
	.map = freq_map,
	.close = freq_close,
};
