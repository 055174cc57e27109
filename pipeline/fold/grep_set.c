/*
 * fold/grep_set.c: a set of strings.
 *
 * One string is a needle (grep_bytes.h). Several are sorted into chains by their first two bytes, and a table tells of
 * each pair of bytes whether a chain begins with it. Once much has been looked at, vectorscan is loaded to do the same,
 * if it is there: to load it and to compile for it takes longer than to look through a few megabytes.
 */
#include "pipeline/fold/grep_set.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_vector.h"

#define VECTOR_BYTES ((size_t)4 << 20) /* looked at before vectorscan is worth its start */
#define PAIRS 65536

struct entry {
	uint32_t at, len; /* in text */
	uint32_t next;    /* in the chain, the longest first; UINT32_MAX = last */
};

struct ccp_grep_set {
	bool ignore_case, plain;
	uint8_t *text;
	struct entry *entries;
	size_t count, shortest;
	struct ccp_grep_needle needle; /* if count == 1 */
	uint32_t *chains;              /* by the first two bytes; UINT32_MAX = none */
	uint32_t singles[256];         /* of strings of one byte, the same */
	uint8_t begins[PAIRS / 8];     /* bits: a string begins with this pair */
	struct ccp_grep_vector *vector;
	size_t seen;
};

static uint8_t fold(const struct ccp_grep_set *set, uint8_t c)
{
	return set->ignore_case && c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static unsigned pair_of(uint8_t one, uint8_t two)
{
	return (unsigned)one << 8 | two;
}

static void mark(struct ccp_grep_set *set, uint8_t one, uint8_t two)
{
	unsigned pair = pair_of(one, two);

	set->begins[pair / 8] |= (uint8_t)(1u << pair % 8);
}

/* In the table there are the pairs as they are in the text, of all cases. */
static void mark_cases(struct ccp_grep_set *set, uint8_t one, uint8_t two)
{
	uint8_t upper1 = one >= 'a' && one <= 'z' ? one & 0xdf : one;
	uint8_t upper2 = two >= 'a' && two <= 'z' ? two & 0xdf : two;

	mark(set, one, two);
	if (!set->ignore_case)
		return;
	mark(set, upper1, two);
	mark(set, one, upper2);
	mark(set, upper1, upper2);
}

/* Puts entry `i` into a chain, before the first that is shorter. */
static void chain(struct ccp_grep_set *set, uint32_t *link, uint32_t i)
{
	while (*link != UINT32_MAX && set->entries[*link].len >= set->entries[i].len)
		link = &set->entries[*link].next;
	set->entries[i].next = *link;
	*link = i;
}

static void arrange(struct ccp_grep_set *set)
{
	memset(set->chains, 0xff, PAIRS * sizeof *set->chains);
	memset(set->singles, 0xff, sizeof set->singles);
	for (uint32_t i = 0; i < set->count; i++) {
		const uint8_t *text = set->text + set->entries[i].at;

		if (set->entries[i].len > 1) {
			chain(set, &set->chains[pair_of(text[0], text[1])], i);
			mark_cases(set, text[0], text[1]);
			continue;
		}
		chain(set, &set->singles[text[0]], i);
		for (unsigned two = 0; two < 256; two++)
			mark_cases(set, text[0], (uint8_t)two);
	}
}

static int copy(struct ccp_grep_set *set, const struct ccp_grep_word *words, size_t count, struct ccp_err *err)
{
	size_t bytes = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		bytes += words[i].len;
	set->text = malloc(bytes + 1);
	set->entries = calloc(count + 1, sizeof *set->entries);
	set->chains = count > 1 ? malloc(PAIRS * sizeof *set->chains) : NULL;
	if (bytes > UINT32_MAX || set->text == NULL || set->entries == NULL || (count > 1 && set->chains == NULL))
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu strings", count);
	set->shortest = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < words[i].len; j++)
			set->text[at + j] = fold(set, words[i].text[j]);
		set->entries[i] = (struct entry){ (uint32_t)at, (uint32_t)words[i].len, UINT32_MAX };
		at += words[i].len;
		if (words[i].len < set->shortest)
			set->shortest = words[i].len;
	}
	return 0;
}

int ccp_grep_set_new(struct ccp_grep_set **out, const struct ccp_grep_word *words, size_t count, bool ignore_case,
		     bool plain, struct ccp_err *err)
{
	struct ccp_grep_set *set = calloc(1, sizeof *set);

	if (set == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	set->ignore_case = ignore_case;
	set->plain = plain;
	set->count = count;
	if (copy(set, words, count, err) != 0) {
		ccp_grep_set_free(set);
		return -1;
	}
	if (count == 1) {
		set->needle = (struct ccp_grep_needle){
			.text = set->text, .len = set->entries[0].len, .ignore_case = ignore_case
		};
		ccp_grep_needle_prepare(&set->needle);
	} else {
		arrange(set);
	}
	*out = set;
	return 0;
}

void ccp_grep_set_free(struct ccp_grep_set *set)
{
	if (set == NULL)
		return;
	ccp_grep_vector_free(set->vector);
	free(set->text);
	free(set->entries);
	free(set->chains);
	free(set);
}

size_t ccp_grep_set_longest(const struct ccp_grep_set *set, const uint8_t *data, size_t len, size_t at,
			    bool (*fits)(const void *arg, const uint8_t *data, size_t len, size_t at, size_t to),
			    const void *arg)
{
	uint8_t one = fold(set, data[at]);
	uint32_t first[2] = { UINT32_MAX, UINT32_MAX };

	if (set->count == 1) {
		first[0] = 0;
	} else {
		first[0] = len - at > 1 ? set->chains[pair_of(one, fold(set, data[at + 1]))] : UINT32_MAX;
		first[1] = set->singles[one];
	}
	for (int which = 0; which < 2; which++) {
		for (uint32_t i = first[which]; i != UINT32_MAX; i = set->entries[i].next) {
			const struct entry *entry = &set->entries[i];

			if (entry->len <= len - at &&
			    ccp_grep_same(set->text + entry->at, data + at, entry->len, set->ignore_case) &&
			    (fits == NULL || fits(arg, data, len, at, at + entry->len)))
				return entry->len;
		}
	}
	return 0;
}

/* Without help: every pair of bytes is looked up. */
static size_t find_plain(const struct ccp_grep_set *set, const uint8_t *data, size_t len, size_t from)
{
	size_t at = from;

	for (; at + 1 < len; at++) {
		unsigned pair = pair_of(data[at], data[at + 1]);

		if (!(set->begins[pair / 8] >> pair % 8 & 1))
			continue;
		if (ccp_grep_set_longest(set, data, len, at, NULL, NULL) > 0)
			return at;
	}
	return at < len && ccp_grep_set_longest(set, data, len, at, NULL, NULL) > 0 ? at : SIZE_MAX;
}

static void ask_for_help(struct ccp_grep_set *set)
{
	struct ccp_grep_word *words = malloc(set->count * sizeof *words);

	set->plain = true; /* asked once */
	if (words == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		words[i] = (struct ccp_grep_word){ set->text + set->entries[i].at, set->entries[i].len };
	set->vector = ccp_grep_vector_new(words, set->count, set->ignore_case);
	free(words);
}

size_t ccp_grep_set_find(struct ccp_grep_set *set, const uint8_t *data, size_t len, size_t from)
{
	size_t found;

	if (set->count == 1)
		return ccp_grep_needle_find(&set->needle, data, len, from);
	if (set->vector == NULL && !set->plain && set->seen >= VECTOR_BYTES)
		ask_for_help(set);
	if (set->vector != NULL)
		return ccp_grep_vector_find(set->vector, data, len, from);
	found = find_plain(set, data, len, from);
	set->seen += (found != SIZE_MAX ? found : len) - from;
	return found;
}
