/*
 * fold/stats_exact.c: superaccumulators with a window.
 *
 * A double is an integer of 53 bits times a power of two, its square one of 106 bits: it is added to the digits where
 * it belongs, in two to five additions, and carries wait until a digit might overflow, 2^29 values later. All digits
 * of all doubles would be 270 words for a key; what data have in common lies in a few, so that there is a window,
 * which moves and grows. The variance takes count * squares - sum * sum, in integers, so that nothing cancels.
 */
#include "pipeline/fold/stats_exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUM_BASE 1088
#define SQUARES_BASE 2176
#define ADDS_MAX (1u << 29)
#define BIG 300 /* digits; the square of a sum has 142 */

__extension__ typedef unsigned __int128 wide;

/* An integer, magnitude and sign. */
struct big {
	uint32_t digit[BIG];
	int count; /* the highest is not zero */
	bool negative;
};

static unsigned room_of(const struct ccp_stats_exact *sum)
{
	return sum->more != NULL ? sum->room : CCP_STATS_LIMBS;
}

static int64_t *limbs_of(struct ccp_stats_exact *sum)
{
	return sum->more != NULL ? sum->more : sum->small;
}

/* Moves the window, or makes it larger, so that it has the digits [low, high). Returns 0, 1 or -1 as its callers. */
static int move_window(struct ccp_stats_exact *sum, unsigned low, unsigned high, bool grow, struct ccp_err *err)
{
	int64_t *limb = limbs_of(sum);
	unsigned from = 0, to = room_of(sum), room = to;

	while (from < to && limb[from] == 0)
		from++;
	while (to > from && limb[to - 1] == 0)
		to--;
	if (from < to) {
		low = sum->low + from < low ? sum->low + from : low;
		high = sum->low + to > high ? sum->low + to : high;
	}
	if (high - low > room) {
		int64_t *grown;

		if (!grow)
			return 1;
		room = high - low + 4;
		grown = calloc(room, sizeof *grown);
		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a sum");
		if (from < to)
			memcpy(grown + (sum->low + from - low), limb + from, (to - from) * sizeof *grown);
		free(sum->more);
		sum->more = grown;
		sum->room = (uint16_t)room;
	} else {
		int64_t kept[CCP_STATS_LIMBS + 512];
		size_t bytes = (to - from) * sizeof *limb;

		/* what is free lies on both sides, so that the next values have room; digit 0 is the lowest */
		unsigned slack = (room - (high - low)) / 2;

		low -= slack < low ? slack : low;
		memcpy(kept, limb + from, bytes);
		memset(limb, 0, room * sizeof *limb);
		if (from < to)
			memcpy(limb + (sum->low + from - low), kept, bytes);
	}
	sum->low = (uint16_t)low;
	return 0;
}

/* Does the carries: all digits but the highest are from 0 to 2^32 - 1 then. */
static void carry(int64_t *limb, unsigned count)
{
	for (unsigned i = 0; i + 1 < count; i++) {
		limb[i + 1] += limb[i] >> 32;
		limb[i] &= 0xffffffff;
	}
}

/* Makes room for `adds` more. */
static int make_room(struct ccp_stats_exact *sum, uint32_t adds, struct ccp_err *err)
{
	unsigned room = room_of(sum);

	if (sum->adds + (uint64_t)adds <= ADDS_MAX)
		return 0;
	if (limbs_of(sum)[room - 1] != 0) { /* the highest digit's carry needs two more */
		if (move_window(sum, sum->low, sum->low + room + 2, true, err) != 0)
			return -1;
		room = room_of(sum);
	}
	carry(limbs_of(sum), room);
	sum->adds = 1;
	return 0;
}

/* Adds value * 2^place digits. */
static int add(struct ccp_stats_exact *sum, wide value, unsigned place, bool negative, bool grow, struct ccp_err *err)
{
	unsigned shift = place % 32, low = place / 32, high = low + 1;
	int64_t *limb;

	for (wide rest = value >> (32 - shift); rest != 0; rest >>= 32)
		high++;
	if (sum->adds >= ADDS_MAX && grow && make_room(sum, 1, err) != 0)
		return -1;
	if (low < sum->low || high > sum->low + room_of(sum)) {
		int moved = move_window(sum, low, high, grow, err);

		if (moved != 0)
			return moved;
	}
	limb = limbs_of(sum) + (low - sum->low);
	sum->adds++;
	for (uint32_t digit = (uint32_t)(value << shift);; digit = (uint32_t)value) {
		*limb++ += negative ? -(int64_t)digit : (int64_t)digit;
		value >>= 32 - shift;
		shift = 0;
		if (value == 0)
			return 0;
	}
}

/* Takes a double apart: value = mantissa * 2^exponent, of which the mantissa is odd, or 0. */
static uint64_t split(double value, int *exponent, bool *negative)
{
	uint64_t bits, mantissa;
	int zeros, power;

	memcpy(&bits, &value, sizeof bits);
	*negative = bits >> 63;
	power = (int)(bits >> 52 & 0x7ff);
	mantissa = bits & (((uint64_t)1 << 52) - 1);
	if (power > 0)
		mantissa |= (uint64_t)1 << 52;
	else
		power = 1;
	if (mantissa == 0)
		return 0;
	zeros = __builtin_ctzll(mantissa);
	*exponent = power - 1075 + zeros;
	return mantissa >> zeros;
}

int ccp_stats_exact_add(struct ccp_stats_exact *sum, double value, bool grow, struct ccp_err *err)
{
	int exponent;
	bool negative;
	uint64_t mantissa = split(value, &exponent, &negative);

	if (mantissa == 0)
		return 0;
	return add(sum, mantissa, (unsigned)(exponent + SUM_BASE), negative, grow, err);
}

int ccp_stats_exact_add_square(struct ccp_stats_exact *squares, double value, bool grow, struct ccp_err *err)
{
	int exponent;
	bool negative;
	uint64_t mantissa = split(value, &exponent, &negative);

	if (mantissa == 0)
		return 0;
	return add(squares, (wide)mantissa * mantissa, (unsigned)(2 * exponent + SQUARES_BASE), false, grow, err);
}

int ccp_stats_exact_merge(struct ccp_stats_exact *sum, const struct ccp_stats_exact *other, struct ccp_err *err)
{
	const int64_t *from = other->more != NULL ? other->more : other->small;
	unsigned first = 0, end = room_of(other);
	int64_t *limb;

	while (first < end && from[first] == 0)
		first++;
	while (end > first && from[end - 1] == 0)
		end--;
	if (first == end)
		return 0;
	if (make_room(sum, other->adds, err) != 0)
		return -1;
	if ((other->low + first < sum->low || other->low + end > sum->low + room_of(sum)) &&
	    move_window(sum, other->low + first, other->low + end, true, err) != 0)
		return -1;
	limb = limbs_of(sum) + (other->low + first - sum->low);
	for (unsigned i = first; i < end; i++)
		*limb++ += from[i];
	sum->adds += other->adds;
	return 0;
}

/* ---- what it comes to ---------------------------------------------------------------------------- */

static void trim(struct big *big)
{
	while (big->count > 0 && big->digit[big->count - 1] == 0)
		big->count--;
}

static void to_big(const struct ccp_stats_exact *sum, struct big *big)
{
	const int64_t *limb = sum->more != NULL ? sum->more : sum->small;
	unsigned room = room_of(sum);
	int64_t above = 0;

	*big = (struct big){ .count = (int)(sum->low + room + 2) };
	for (unsigned i = 0; i < room + 2; i++) {
		above += i < room ? limb[i] : 0;
		big->digit[sum->low + i] = (uint32_t)above;
		above >>= 32;
	}
	big->negative = above < 0;
	if (big->negative) {
		uint64_t one = 1;

		for (int i = sum->low; i < big->count; i++) {
			one += (uint32_t)~big->digit[i];
			big->digit[i] = (uint32_t)one;
			one >>= 32;
		}
	}
	trim(big);
}

/* The highest four digits, the lowest bit being set if anything not zero is below. Returns the place of their end. */
static int top_of(const struct big *big, wide *top)
{
	int low = big->count > 4 ? big->count - 4 : 0;

	*top = 0;
	for (int i = big->count - 1; i >= low; i--)
		*top = *top << 32 | big->digit[i];
	for (int i = 0; i < low; i++)
		if (big->digit[i] != 0)
			*top |= 1;
	return 32 * low;
}

static long double to_long_double(const struct big *big, int base)
{
	wide top;
	int place = top_of(big, &top);
	long double value = ldexpl((long double)top, place - base);

	return big->negative ? -value : value;
}

double ccp_stats_exact_sum(const struct ccp_stats_exact *sum)
{
	struct big big;
	wide top;
	int place;
	double value;

	to_big(sum, &big);
	place = top_of(&big, &top);
	value = ldexp((double)top, place - SUM_BASE);
	return big.negative ? -value : value;
}

double ccp_stats_exact_mean(const struct ccp_stats_exact *sum, uint64_t count)
{
	struct big big;

	to_big(sum, &big);
	return (double)(to_long_double(&big, SUM_BASE) / (long double)count);
}

static void multiply(struct big *to, const struct big *a, const uint32_t *b, int b_count)
{
	*to = (struct big){ .count = a->count + b_count };
	for (int i = 0; i < a->count; i++) {
		uint64_t above = 0;

		for (int j = 0; j < b_count; j++) {
			above += (uint64_t)a->digit[i] * b[j] + to->digit[i + j];
			to->digit[i + j] = (uint32_t)above;
			above >>= 32;
		}
		to->digit[i + b_count] = (uint32_t)above;
	}
	trim(to);
}

/* a - b, where a is not less. */
static void subtract(struct big *a, const struct big *b)
{
	int64_t above = 0;

	for (int i = 0; i < a->count; i++) {
		above += (int64_t)a->digit[i] - (i < b->count ? b->digit[i] : 0);
		a->digit[i] = (uint32_t)above;
		above >>= 32;
	}
	trim(a);
}

long double ccp_stats_exact_variance(const struct ccp_stats_exact *sum, const struct ccp_stats_exact *squares,
				     uint64_t count)
{
	const uint32_t times[2] = { (uint32_t)count, (uint32_t)(count >> 32) };
	struct big one, all, product;

	to_big(squares, &one);
	multiply(&all, &one, times, 2);
	to_big(sum, &one);
	multiply(&product, &one, one.digit, one.count);
	subtract(&all, &product);
	return to_long_double(&all, SQUARES_BASE) / ((long double)count * (long double)(count - 1));
}

double ccp_stats_exact_deviation(const struct ccp_stats_exact *sum, const struct ccp_stats_exact *squares,
				 uint64_t count)
{
	return (double)sqrtl(ccp_stats_exact_variance(sum, squares, count));
}

void ccp_stats_exact_release(struct ccp_stats_exact *sum)
{
	free(sum->more);
	*sum = (struct ccp_stats_exact){ 0 };
}
