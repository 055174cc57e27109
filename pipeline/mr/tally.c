/*
 * tally.c: a hash table of keys with open addressing.
 *
 * A slot has the number of an entry and half of its hash, so that a miss costs no look at the key. Entries lie in the
 * order in which their keys came, which is the order in which they are given out: it depends on nothing but the lines.
 */
#include "pipeline/mr/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SLOTS ((size_t)1 << 12)
#define SHOWN_BYTES 60 /* of a key or number in a message */

struct entry {
	struct ccp_mr_number number;
	uint64_t hash;
	size_t at, len; /* of the key */
};

struct ccp_mr_tally {
	enum ccp_mr_op op;
	uint64_t seed;
	uint64_t *slots;  /* 0 = free, else the upper half of the hash and the entry's number from 1 */
	size_t slot_count;
	struct entry *entries;
	size_t count, room;
	uint8_t *keys;
	size_t keys_len, keys_room;
};

enum ccp_mr_op ccp_mr_op_find(const char *name)
{
	static const char *const names[] = { "", "sum", "count", "min", "max" };

	for (int i = CCP_MR_SUM; i <= CCP_MR_MAX; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum ccp_mr_op)i;
	return CCP_MR_NONE;
}

enum ccp_mr_op ccp_mr_op_again(enum ccp_mr_op op)
{
	return op == CCP_MR_COUNT ? CCP_MR_SUM : op;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

/* Bytes of the input for a message: what is no plain character of ASCII becomes a question mark. */
static void show(char *text, const uint8_t *data, size_t len)
{
	size_t shown = len < SHOWN_BYTES ? len : SHOWN_BYTES;

	for (size_t i = 0; i < shown; i++)
		text[i] = (char)(data[i] < ' ' || data[i] > '~' ? '?' : data[i]);
	strcpy(text + shown, len > shown ? "..." : "");
}

int ccp_mr_line_number(enum ccp_mr_op op, const uint8_t *line, size_t len, size_t key_len,
		       struct ccp_mr_number *number, struct ccp_err *err)
{
	char key[SHOWN_BYTES + 4], text[SHOWN_BYTES + 4];
	enum ccp_mr_reads reads = CCP_MR_NO_NUMBER;

	if (op == CCP_MR_COUNT || (op == CCP_MR_SUM && key_len == len)) {
		*number = ccp_mr_number_of(1);
		return 0;
	}
	if (key_len < len)
		reads = ccp_mr_number_read(line + key_len + 1, len - key_len - 1, number);
	if (reads == CCP_MR_NUMBER)
		return 0;
	show(key, line, key_len);
	if (key_len == len)
		return ccp_err_set(err, CCP_E_FORMAT, "key '%s': there is no number", key);
	show(text, line + key_len + 1, len - key_len - 1);
	return ccp_err_set(err, CCP_E_FORMAT, "key '%s': '%s' is %s", key, text,
			   reads == CCP_MR_TOO_LARGE ? "too large" : "not a whole number");
}

int ccp_mr_op_join(enum ccp_mr_op op, struct ccp_mr_number *number, struct ccp_mr_number more, const uint8_t *key,
		   size_t key_len, struct ccp_err *err)
{
	char text[SHOWN_BYTES + 4];

	if (op == CCP_MR_MIN || op == CCP_MR_MAX) {
		if (ccp_mr_number_less(more, *number) == (op == CCP_MR_MIN))
			*number = more;
		return 0;
	}
	if (ccp_mr_number_add(number, more))
		return 0;
	show(text, key, key_len);
	return ccp_err_set(err, CCP_E_FORMAT, "key '%s': the sum is too large", text);
}

/* ---- the table ----------------------------------------------------------------------------------- */

int ccp_mr_tally_new(struct ccp_mr_tally **made, enum ccp_mr_op op, struct ccp_err *err)
{
	struct ccp_mr_tally *tally = calloc(1, sizeof *tally);

	if (tally == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	tally->op = op;
	tally->slot_count = FIRST_SLOTS;
	tally->slots = calloc(tally->slot_count, sizeof *tally->slots);
	if (tally->slots == NULL) {
		free(tally);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	/* so that no input can be made whose keys all collide; without one it is only slower */
	if (getrandom(&tally->seed, sizeof tally->seed, GRND_NONBLOCK) != sizeof tally->seed)
		tally->seed = UINT64_C(0x9e3779b97f4a7c15);
	*made = tally;
	return 0;
}

void ccp_mr_tally_free(struct ccp_mr_tally *tally)
{
	if (tally == NULL)
		return;
	free(tally->slots);
	free(tally->entries);
	free(tally->keys);
	free(tally);
}

static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct ccp_mr_tally *tally, const uint8_t *key, size_t len)
{
	uint64_t hash = tally->seed ^ len * UINT64_C(0x9e3779b97f4a7c15), word;

	for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
		memcpy(&word, key, sizeof word);
		hash = mix(hash ^ word);
	}
	if (len >= 4) { /* the two halves overlap */
		uint32_t low, high;

		memcpy(&low, key, sizeof low);
		memcpy(&high, key + len - sizeof high, sizeof high);
		hash ^= (uint64_t)high << 32 | low;
	} else if (len > 0) {
		hash ^= (uint64_t)key[0] << 16 | (uint64_t)key[len / 2] << 8 | key[len - 1];
	}
	return mix(hash);
}

/* Room for twice as many slots. */
static int grow_slots(struct ccp_mr_tally *tally, struct ccp_err *err)
{
	size_t count = tally->slot_count * 2;
	uint64_t *slots = calloc(count, sizeof *slots);

	if (slots == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu keys", tally->count);
	for (size_t i = 0; i < tally->count; i++) {
		size_t at = tally->entries[i].hash & (count - 1);

		while (slots[at] != 0)
			at = (at + 1) & (count - 1);
		slots[at] = (tally->entries[i].hash >> 32) << 32 | (i + 1);
	}
	free(tally->slots);
	tally->slots = slots;
	tally->slot_count = count;
	return 0;
}

static int add_entry(struct ccp_mr_tally *tally, const uint8_t *key, size_t len, uint64_t hash,
		     struct ccp_mr_number number, struct ccp_err *err)
{
	if (tally->count == tally->room) {
		size_t room = tally->room * 2 + 1024;
		struct entry *grown = reallocarray(tally->entries, room, sizeof *grown);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu keys", room);
		tally->entries = grown;
		tally->room = room;
	}
	if (len > tally->keys_room - tally->keys_len) {
		size_t room = tally->keys_room * 2 + len + 4096;
		uint8_t *grown = realloc(tally->keys, room);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu bytes of keys", room);
		tally->keys = grown;
		tally->keys_room = room;
	}
	if (len > 0)
		memcpy(tally->keys + tally->keys_len, key, len);
	tally->entries[tally->count++] = (struct entry){ number, hash, tally->keys_len, len };
	tally->keys_len += len;
	return 0;
}

int ccp_mr_tally_add(struct ccp_mr_tally *tally, const uint8_t *line, size_t len, struct ccp_err *err)
{
	const uint8_t *tab = len > 0 ? memchr(line, '\t', len) : NULL;
	size_t key_len = tab != NULL ? (size_t)(tab - line) : len, mask, at;
	struct ccp_mr_number number;
	uint64_t hash;

	if (ccp_mr_line_number(tally->op, line, len, key_len, &number, err) != 0)
		return -1;
	if (tally->count * 2 >= tally->slot_count && grow_slots(tally, err) != 0)
		return -1;
	hash = hash_of(tally, line, key_len);
	mask = tally->slot_count - 1;
	for (at = hash & mask; tally->slots[at] != 0; at = (at + 1) & mask) {
		struct entry *entry;

		if (tally->slots[at] >> 32 != hash >> 32)
			continue;
		entry = &tally->entries[(tally->slots[at] & 0xffffffff) - 1];
		if (entry->len == key_len && (key_len == 0 || memcmp(tally->keys + entry->at, line, key_len) == 0))
			return ccp_mr_op_join(ccp_mr_op_again(tally->op), &entry->number, number, line, key_len, err);
	}
	if (add_entry(tally, line, key_len, hash, number, err) != 0)
		return -1;
	tally->slots[at] = (hash >> 32) << 32 | tally->count;
	return 0;
}

size_t ccp_mr_tally_bytes(const struct ccp_mr_tally *tally)
{
	return tally->slot_count * sizeof *tally->slots + tally->count * sizeof *tally->entries + tally->keys_len;
}

int ccp_mr_tally_each(struct ccp_mr_tally *tally,
		      int (*take)(void *arg, const uint8_t *key, size_t len, struct ccp_mr_number number,
				  struct ccp_err *err),
		      void *arg, struct ccp_err *err)
{
	int result = 0;

	for (size_t i = 0; i < tally->count && result == 0; i++) {
		const struct entry *entry = &tally->entries[i];

		result = take(arg, tally->keys + entry->at, entry->len, entry->number, err);
	}
	tally->count = 0;
	tally->keys_len = 0;
	memset(tally->slots, 0, tally->slot_count * sizeof *tally->slots);
	return result;
}
