/* number.h: whole numbers of 128 bits, for sums that are exact. */
#ifndef CCP_PIPELINE_MR_NUMBER_H
#define CCP_PIPELINE_MR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two's complement. */
struct ccp_mr_number {
	int64_t high;
	uint64_t low;
};

enum ccp_mr_reads { CCP_MR_NUMBER, CCP_MR_NO_NUMBER, CCP_MR_TOO_LARGE };

#define CCP_MR_NUMBER_TEXT 41 /* of the longest, with its sign and a NUL */

static inline struct ccp_mr_number ccp_mr_number_of(int64_t value)
{
	return (struct ccp_mr_number){ value < 0 ? -1 : 0, (uint64_t)value };
}

/* Reads [+-]DIGITS, and nothing else. Shape: what is below -(2^127-1) or above 2^127-1 is too large. */
enum ccp_mr_reads ccp_mr_number_read(const uint8_t *text, size_t len, struct ccp_mr_number *number);

/* Writes decimal digits. Shape: room for CCP_MR_NUMBER_TEXT. Returns their length, without the NUL. */
size_t ccp_mr_number_write(struct ccp_mr_number number, char *text);

/* Adds. Returns whether the sum fits, by the bounds of ccp_mr_number_read; else it is void. */
static inline bool ccp_mr_number_add(struct ccp_mr_number *sum, struct ccp_mr_number number)
{
	uint64_t low;
	int64_t carry = __builtin_add_overflow(sum->low, number.low, &low);
	int64_t high;
	bool over = __builtin_add_overflow(sum->high, number.high, &high);

	/* over and back again is no overflow: only both together decide */
	over ^= __builtin_add_overflow(high, carry, &high);
	*sum = (struct ccp_mr_number){ high, low };
	return !over && !(high == INT64_MIN && low == 0);
}

static inline bool ccp_mr_number_less(struct ccp_mr_number a, struct ccp_mr_number b)
{
	return a.high != b.high ? a.high < b.high : a.low < b.low;
}

#endif
