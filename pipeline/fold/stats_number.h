/* stats_number.h: a decimal number in the text of a field. */
#ifndef CCP_PIPELINE_FOLD_STATS_NUMBER_H
#define CCP_PIPELINE_FOLD_STATS_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum ccp_stats_kind { CCP_STATS_NUMBER, CCP_STATS_MISSING, CCP_STATS_INVALID };

/*
 * Reads [+-]DIGITS[.DIGITS][e[+-]DIGITS], with white space around it, to the nearest double whatever the locale is.
 * Nothing but white space is missing; inf, nan, hexadecimal digits and what is beyond the range of a double are
 * invalid.
 * Threads: any.
 */
enum ccp_stats_kind ccp_stats_number(const uint8_t *text, size_t len, double *value);

#endif
