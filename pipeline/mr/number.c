/*
 * number.c: up to 18 digits are read and written by means of 64 bits; more, by four digits to base 2^32, nine decimal
 * ones at a time.
 */
#include "pipeline/mr/number.h"

#include <string.h>

#define SHORT_DIGITS 18
#define STEP 1000000000u
#define STEP_DIGITS 9
#define LIMBS 4

/* limbs = limbs * factor + more. Returns whether it fits into 127 bits. */
static bool multiply(uint32_t *limbs, uint32_t factor, uint32_t more)
{
	uint64_t carry = more;

	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)limbs[i] * factor;
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return carry == 0 && limbs[LIMBS - 1] >> 31 == 0;
}

static struct ccp_mr_number negate(struct ccp_mr_number number)
{
	return (struct ccp_mr_number){ (int64_t)(~(uint64_t)number.high + (number.low == 0)), ~number.low + 1 };
}

static enum ccp_mr_reads read_long(const uint8_t *digits, size_t len, struct ccp_mr_number *number)
{
	uint32_t limbs[LIMBS] = { 0 };

	for (size_t i = 0; i < len; i++)
		if (!multiply(limbs, 10, (uint32_t)(digits[i] - '0')))
			return CCP_MR_TOO_LARGE;
	number->high = (int64_t)((uint64_t)limbs[3] << 32 | limbs[2]);
	number->low = (uint64_t)limbs[1] << 32 | limbs[0];
	return CCP_MR_NUMBER;
}

enum ccp_mr_reads ccp_mr_number_read(const uint8_t *text, size_t len, struct ccp_mr_number *number)
{
	bool negative = len > 0 && text[0] == '-';
	const uint8_t *digits = len > 0 && (negative || text[0] == '+') ? text + 1 : text;
	size_t count = len - (size_t)(digits - text);
	enum ccp_mr_reads result = CCP_MR_NUMBER;
	int64_t value = 0;

	if (count == 0)
		return CCP_MR_NO_NUMBER;
	for (size_t i = 0; i < count; i++)
		if (digits[i] < '0' || digits[i] > '9')
			return CCP_MR_NO_NUMBER;
	if (count > SHORT_DIGITS) {
		result = read_long(digits, count, number);
	} else {
		for (size_t i = 0; i < count; i++)
			value = value * 10 + (digits[i] - '0');
		*number = ccp_mr_number_of(value);
	}
	if (result == CCP_MR_NUMBER && negative)
		*number = negate(*number);
	return result;
}

size_t ccp_mr_number_write(struct ccp_mr_number number, char *text)
{
	char digits[CCP_MR_NUMBER_TEXT], *at = digits + sizeof digits;
	bool negative = number.high < 0;
	size_t len;

	if (negative)
		number = negate(number); /* of -2^127, 2^127 as it is read here, without a sign */
	while ((uint64_t)number.high != 0 || number.low >> 63 != 0) {
		uint32_t limbs[LIMBS] = { (uint32_t)number.low, (uint32_t)(number.low >> 32), (uint32_t)number.high,
					  (uint32_t)((uint64_t)number.high >> 32) };
		uint64_t rest = 0;

		for (int i = LIMBS - 1; i >= 0; i--) {
			rest = rest << 32 | limbs[i];
			limbs[i] = (uint32_t)(rest / STEP);
			rest %= STEP;
		}
		for (int i = 0; i < STEP_DIGITS; i++, rest /= 10)
			*--at = (char)('0' + rest % 10);
		number.high = (int64_t)((uint64_t)limbs[3] << 32 | limbs[2]);
		number.low = (uint64_t)limbs[1] << 32 | limbs[0];
	}
	do
		*--at = (char)('0' + number.low % 10);
	while ((number.low /= 10) > 0);
	if (negative)
		*--at = '-';
	len = (size_t)(digits + sizeof digits - at);
	memcpy(text, at, len);
	text[len] = '\0';
	return len;
}
