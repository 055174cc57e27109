/*
 * fold/stats_number.c: decimal numbers to doubles.
 *
 * Up to 19 digits are gathered in an integer. If it and the power of ten are exact as doubles, one multiplication or
 * division rounds once, and so rightly. Else the digits are written down again without a point, which no locale
 * changes, for strtod; of more than 800 digits the rest says no more than whether it is zero.
 */
#include "pipeline/fold/stats_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS 800 /* halfway between two doubles there are 767 at most */
#define EXACT_POWER 22
#define EXPONENT_MAX 1000000

struct number {
	const uint8_t *digits, *end; /* from the first that is not zero; with the point */
	uint64_t mantissa;           /* of the first 19 */
	size_t count;                /* of digits from the first that is not zero */
	int64_t exponent;            /* of ten, if all digits are an integer */
	bool negative;
};

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The digits and the point. Returns whether there are any digits. */
static bool scan_digits(const uint8_t **text, const uint8_t *end, struct number *number)
{
	const uint8_t *at = *text;
	bool point = false, any = false;

	for (; at < end; at++) {
		unsigned digit = *at - '0';

		if (*at == '.' && !point) {
			point = true;
			continue;
		}
		if (digit > 9)
			break;
		any = true;
		number->exponent -= point;
		if (number->count == 0 && digit == 0)
			continue;
		if (number->count == 0)
			number->digits = at;
		if (number->count++ < 19)
			number->mantissa = 10 * number->mantissa + digit;
	}
	number->end = *text = at;
	return any;
}

static bool scan_exponent(const uint8_t **text, const uint8_t *end, struct number *number)
{
	const uint8_t *at = *text + 1;
	bool negative = at < end && *at == '-';
	int64_t exponent = 0;

	at += at < end && (*at == '-' || *at == '+');
	if (at == end)
		return false;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (exponent < INT64_MAX / 100)
			exponent = 10 * exponent + (*at - '0');
	*text = at;
	number->exponent += negative ? -exponent : exponent;
	return true;
}

static double convert(const struct number *number)
{
	char text[DIGITS + 32];
	int64_t exponent = number->exponent;
	size_t used = 0, seen = 0;
	bool rest = false;

	for (const uint8_t *at = number->digits; at < number->end; at++) {
		if (*at == '.')
			continue;
		if (used < DIGITS)
			text[used++] = (char)*at;
		else
			rest |= *at != '0';
		seen++;
	}
	exponent += (int64_t)(seen - used);
	if (rest) {
		text[used++] = '1';
		exponent--;
	}
	if (exponent > EXPONENT_MAX)
		exponent = EXPONENT_MAX;
	if (exponent < -EXPONENT_MAX)
		exponent = -EXPONENT_MAX;
	snprintf(text + used, sizeof text - used, "e%lld", (long long)exponent);
	return strtod(text, NULL);
}

enum ccp_stats_kind ccp_stats_number(const uint8_t *text, size_t len, double *value)
{
	static const double power[EXACT_POWER + 1] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	};
	const uint8_t *end = text + len;
	struct number number = { .digits = end };

	while (text < end && is_space(*text))
		text++;
	while (end > text && is_space(end[-1]))
		end--;
	if (text == end)
		return CCP_STATS_MISSING;
	number.negative = *text == '-';
	text += *text == '-' || *text == '+';
	if (!scan_digits(&text, end, &number))
		return CCP_STATS_INVALID;
	if (text < end && (*text == 'e' || *text == 'E') && !scan_exponent(&text, end, &number))
		return CCP_STATS_INVALID;
	if (text != end)
		return CCP_STATS_INVALID;
	if (number.count == 0)
		*value = 0;
	else if (number.count <= 19 && number.mantissa <= (uint64_t)1 << 53 && number.exponent >= -EXACT_POWER &&
		 number.exponent <= EXACT_POWER)
		*value = number.exponent < 0 ? (double)number.mantissa / power[-number.exponent]
					     : (double)number.mantissa * power[number.exponent];
	else
		*value = convert(&number);
	if (isinf(*value))
		return CCP_STATS_INVALID;
	if (number.negative)
		*value = -*value;
	return CCP_STATS_NUMBER;
}
