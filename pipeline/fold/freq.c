/*
 * fold/freq.c: counts the keys of a part.
 *
 * Keys are found a few hundred at a time; then all of them are hashed, and the slots of the table that they are going
 * to need are fetched; then what the slots name; then they are counted. The table has open addressing; a slot names an
 * entry, and entries lie side by side in the order in which they came, so that the frequent ones, which come early,
 * share the cache. A key of up to 15 bytes lies in its entry and is compared at one go, a longer one lies in the part.
 * The note tells the entries in their order, so that it does not depend on the hash; when it is full, the rest of the
 * part is for the next call.
 */
#include "pipeline/fold/freq.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/freq_hash.h"

extern const struct ccp_fold_ops ccp_fold_freq;

#define CHUNK_BYTES ((size_t)1 << 20)
#define KEYS 32768u        /* in one note */
#define SLOTS (2u * KEYS)  /* 16 bits of the hash; the other 16 are in the slot */
#define NOTE_BYTES (KEYS * sizeof(struct ccp_freq_note))

/*
 * Keys of up to 15 bytes lie in `head`, with their length and 1 in its last byte, so that no two have the same and none
 * is zero; of longer ones their first 15, and LONGER.
 */
#define SHORT 15u
#define LONGER (SHORT + 2)

struct entry {
	struct ccp_freq_head head;
	struct ccp_freq_note note;
};

/* Names entry `place`; 0 = empty. */
struct slot {
	uint16_t place, hash;
};

_Static_assert(KEYS <= UINT16_MAX && SLOTS == (size_t)UINT16_MAX + 1, "16 bits");

struct state {
	const struct ccp_freq_options *options;
	struct ccp_grep_matcher *matcher; /* CCP_FREQ_REGEX */
	uint8_t *copy;                    /* of the part, folded */
	size_t room;
	struct ccp_freq_keys keys;
	struct ccp_freq_head head[CCP_FREQ_BATCH + 72];
	uint32_t hash[CCP_FREQ_BATCH + 72];
	uint16_t place[CCP_FREQ_BATCH + 72]; /* that the first slot names */
	uint32_t used;                       /* entries behind the first */
	struct slot slot[SLOTS] __attribute__((aligned(64)));
	struct entry entry[1 + KEYS] __attribute__((aligned(64))); /* the first is that of no key */
};

/* ---- counting ------------------------------------------------------------------------------------ */

/* Puts the length where the last byte is. */
static inline struct ccp_freq_head marked(struct ccp_freq_head head, size_t len)
{
	uint64_t mark = len <= SHORT ? len + 1 : LONGER;

	head.high = (head.high & htole64(UINT64_MAX >> 8)) | htole64(mark << 56);
	return head;
}

static inline bool is_longer(const struct ccp_freq_head *head)
{
	return le64toh(head->high) >> 56 == LONGER;
}

/* `quick`: 16 bytes can be read of every key. */
static inline __attribute__((always_inline)) void hash_each(struct state *state, const uint8_t *data, bool quick)
{
	const struct ccp_freq_options *options = state->options;
	const struct ccp_freq_keys *keys = &state->keys;
	size_t count = keys->count;

	for (size_t i = 0; i < count; i++) {
		uint32_t n = keys->end[i] - keys->begin[i];
		const uint8_t *key = data + keys->begin[i];
		struct ccp_freq_head head = quick ? ccp_freq_head_quick(key, n) : ccp_freq_head(key, n);
		uint64_t hash = ccp_freq_hash_head(options, head, n);

		if (n > CCP_FREQ_SHORT)
			hash = ccp_freq_hash_long(options, hash, key, n);
		state->head[i] = marked(head, n);
		state->hash[i] = (uint32_t)(hash >> 32);
		__builtin_prefetch(&state->slot[state->hash[i] % SLOTS], 1);
	}
}

static void hash_keys(struct state *state, const uint8_t *data, size_t len)
{
	size_t count = state->keys.count;

	if (count > 0 && len - state->keys.begin[count - 1] >= CCP_FREQ_SHORT)
		hash_each(state, data, true);
	else
		hash_each(state, data, false);
}

static inline bool same_head(const struct ccp_freq_head *a, const struct ccp_freq_head *b)
{
	return ((a->low ^ b->low) | (a->high ^ b->high)) == 0;
}

/* What the first slots name is fetched. */
static void look_up(struct state *state)
{
	size_t count = state->keys.count;

	for (size_t i = 0; i < count; i++) {
		state->place[i] = state->slot[state->hash[i] % SLOTS].place;
		__builtin_prefetch(&state->entry[state->place[i]], 1);
	}
}

/* Counts a key that is not what the first slot names, or long. Returns false if the table is full. */
static bool count_other(struct state *state, const uint8_t *data, size_t i)
{
	uint32_t at = state->keys.begin[i], len = state->keys.end[i] - at, hash = state->hash[i], where = hash % SLOTS;
	const struct ccp_freq_head *head = &state->head[i];
	bool longer = is_longer(head);

	for (; state->slot[where].place != 0; where = (where + 1) % SLOTS) {
		struct entry *entry = &state->entry[state->slot[where].place];

		if (state->slot[where].hash != hash >> 16 || !same_head(&entry->head, head))
			continue;
		if (!longer || (entry->note.hash == hash && entry->note.len == len &&
				memcmp(data + entry->note.at + SHORT, data + at + SHORT, len - SHORT) == 0)) {
			entry->note.count++;
			return true;
		}
	}
	if (state->used == KEYS)
		return false;
	state->slot[where] = (struct slot){ (uint16_t)++state->used, (uint16_t)(hash >> 16) };
	state->entry[state->used] = (struct entry){ *head, { at, len, 1, hash } };
	return true;
}

/* Counts the keys. Returns how many it did: all, unless the table is full. */
static size_t count_keys(struct state *state, const uint8_t *data)
{
	size_t count = state->keys.count;

	for (size_t i = 0; i < count; i++) {
		struct entry *entry = &state->entry[state->place[i]];
		const struct ccp_freq_head *head = &state->head[i];

		if (same_head(&entry->head, head) && !is_longer(head))
			entry->note.count++;
		else if (!count_other(state, data, i))
			return i;
	}
	return count;
}

/* Empties all slots that a key's search would look at: the next one is empty, or has its own turn. */
static void clear_slots(struct state *state, uint32_t hash)
{
	for (uint32_t where = hash % SLOTS; state->slot[where].place != 0; where = (where + 1) % SLOTS)
		state->slot[where].place = 0;
}

/* Writes the note and empties the table. */
static void take_out(struct state *state, struct ccp_buf *note)
{
	struct ccp_freq_note *to = (void *)note->data;

	for (uint32_t i = 0; i < state->used; i++)
		to[i] = state->entry[1 + i].note;
	note->len = state->used * sizeof *to;
	if (state->used > SLOTS / 16)
		memset(state->slot, 0, sizeof state->slot);
	else
		for (uint32_t i = 0; i < state->used; i++)
			clear_slots(state, to[i].hash);
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
	struct state *state = aligned_alloc(_Alignof(struct state), sizeof *state);

	if (state == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a table of keys");
	memset(state, 0, sizeof *state);
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
		look_up(state);
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
