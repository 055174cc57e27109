/*
 * order.h: the order of lines: keys as sort(1) has them, in the C locale, where characters are bytes.
 *
 * A line is compared key by key; lines whose keys are all equal are compared as a whole (the last resort), unless the
 * order is stable or unique. Source: POSIX.1-2017, sort; coreutils 9.1, sort.c, found by experiment.
 */
#ifndef CCP_PIPELINE_SORT_ORDER_H
#define CCP_PIPELINE_SORT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"

#define CCP_SORT_KEYS 32
#define CCP_SORT_REST SIZE_MAX /* to_field: the end of the line */

/* How a key is compared. */
struct ccp_sort_manner {
	bool numeric;            /* blanks, '-', digits, '.', digits; anything else, or nothing, is 0 */
	bool fold;               /* lower case as upper case, of ASCII */
	bool reverse;
	bool skip_start, skip_end; /* blanks before a field are no part of it, for where the key begins, ends */
};

/* A part of a line. Fields and characters are counted from 0; `to_char` 0: to the end of field `to_field`. */
struct ccp_sort_key {
	size_t from_field, from_char;
	size_t to_field, to_char;
	struct ccp_sort_manner manner;
};

/* Zero but for `end` and `separator`: by bytes, all of a line. Const once it is settled. */
struct ccp_sort_order {
	struct ccp_sort_key keys[CCP_SORT_KEYS];
	size_t key_count;
	struct ccp_sort_manner manner; /* of keys that say nothing, and of whole lines */
	int separator;           /* between fields; -1: blanks, which belong to the field behind them */
	char end;                /* of lines: '\n' or '\0' */
	bool stable, unique;     /* equal: stay in the order in which they came; only the first stays */
	bool settled;
};

/*
 * Adds a key, "F[.C][OPTS][,F[.C][OPTS]]" with OPTS of b, f, n, r.
 * Errors: CCP_E_USAGE with what is wrong with it.
 */
int ccp_sort_order_add(struct ccp_sort_order *order, const char *definition, struct ccp_err *err);

/* To be called once all is said: keys that say nothing take the order's manner. */
void ccp_sort_order_settle(struct ccp_sort_order *order);

/*
 * Compares two lines, without their ends: negative, 0 or positive. Equal are lines that are the same and, in a stable
 * or unique order, those whose keys are equal. Threads: any.
 */
int ccp_sort_compare(const struct ccp_sort_order *order, const uint8_t *a, size_t a_len, const uint8_t *b,
		     size_t b_len);

/* ---- for sorting and merging ---- */

/* The place of a key in a line. Returns its length. */
size_t ccp_sort_key_find(const struct ccp_sort_order *order, const struct ccp_sort_key *key, const uint8_t *line,
			 size_t len, const uint8_t **at);

/* How far some lines are known to be equal: in all keys before `key`, and in `skip` bytes of that if it is text. */
struct ccp_sort_level {
	size_t key; /* key_count: the whole line */
	size_t skip;
};

/*
 * Eight bytes that decide most comparisons of lines that are equal so far: whichever has the smaller number comes
 * first, and those with the same one are yet to be compared.
 */
uint64_t ccp_sort_prefix(const struct ccp_sort_order *order, const uint8_t *line, size_t len,
			 struct ccp_sort_level level);

/* The same of bytes as they are, or in upper case; what is not there counts as NULs. */
uint64_t ccp_sort_load(const uint8_t *at, size_t len, bool fold);

/* How far two lines are equal, and with them all that come between. */
struct ccp_sort_level ccp_sort_common(const struct ccp_sort_order *order, const uint8_t *a, size_t a_len,
				      const uint8_t *b, size_t b_len);

/* The number of a numeric key, as ccp_sort_prefix has it; whether that tells all of it is put into `exact`. */
uint64_t ccp_sort_number(const uint8_t *text, size_t len, bool *exact);

/* Compares numeric keys of any length exactly. */
int ccp_sort_compare_numbers(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
