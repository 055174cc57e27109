/*
 * tally.h: what sum, count, min and max make of lines: a number for each key.
 *
 * A line's number is what follows its first tab. For sum and count, a line without a tab counts one; for count every
 * line does, whatever its number is.
 */
#ifndef CCP_PIPELINE_MR_TALLY_H
#define CCP_PIPELINE_MR_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/mr/number.h"

/* NONE: lines stay as they are. */
enum ccp_mr_op { CCP_MR_NONE, CCP_MR_SUM, CCP_MR_COUNT, CCP_MR_MIN, CCP_MR_MAX };

/* The operation of this name, or CCP_MR_NONE. */
enum ccp_mr_op ccp_mr_op_find(const char *name);

/* What puts together the numbers that `op` has come to for parts of the lines. */
enum ccp_mr_op ccp_mr_op_again(enum ccp_mr_op op);

/*
 * The number of a line whose key is `key_len` bytes of it. Errors: -1 with CCP_E_FORMAT, the key in its words.
 * Shape: without the line's end; `op` not NONE.
 */
int ccp_mr_line_number(enum ccp_mr_op op, const uint8_t *line, size_t len, size_t key_len,
		       struct ccp_mr_number *number, struct ccp_err *err);

/* Puts two numbers of a key together. Errors: as above, if a sum is too large. */
int ccp_mr_op_join(enum ccp_mr_op op, struct ccp_mr_number *number, struct ccp_mr_number more, const uint8_t *key,
		   size_t key_len, struct ccp_err *err);

struct ccp_mr_tally;

/* Makes an empty one. Errors: -1 with CCP_E_NO_MEMORY. Threads: one caller at a time. */
int ccp_mr_tally_new(struct ccp_mr_tally **tally, enum ccp_mr_op op, struct ccp_err *err);
void ccp_mr_tally_free(struct ccp_mr_tally *tally);

/* Adds a line, without its end. Errors: -1 as ccp_mr_line_number, ccp_mr_op_join, or CCP_E_NO_MEMORY. */
int ccp_mr_tally_add(struct ccp_mr_tally *tally, const uint8_t *line, size_t len, struct ccp_err *err);

/* What it holds in memory, about. Units: bytes. */
size_t ccp_mr_tally_bytes(const struct ccp_mr_tally *tally);

/*
 * Gives out each key with its number, in the order in which the keys came, and empties the tally.
 * Errors: -1 as soon as `take` says so.
 */
int ccp_mr_tally_each(struct ccp_mr_tally *tally,
		      int (*take)(void *arg, const uint8_t *key, size_t len, struct ccp_mr_number number,
				  struct ccp_err *err),
		      void *arg, struct ccp_err *err);

#endif
