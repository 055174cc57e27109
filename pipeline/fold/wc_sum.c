/*
 * wc_sum.c: puts the counts of parts together: a word or a character that goes from one part to the next is counted
 * once, and the line that does has the columns of both.
 */
#include <string.h>

#include "pipeline/fold/wc.h"

/* Takes the characters off what is pending; what is none goes byte by byte. With `more`, an unfinished one stays. */
static void drain(struct ccp_wc_sum *sum, const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds,
		  bool more)
{
	size_t at = 0;

	while (at < sum->pending_len) {
		uint32_t character;
		int n = ccp_wc_decode(sum->pending + at, sum->pending_len - at, &character);
		unsigned kind, width;

		if (n == 0 && more)
			break;
		if (n <= 0) {
			at++;
			continue;
		}
		kind = ccp_wc_kind(options, kinds, character);
		width = kind >> CCP_WC_WIDTH_SHIFT;
		kind &= CCP_WC_KIND;
		at += (size_t)n;
		sum->chars++;
		sum->column += width;
		if (kind == CCP_WC_NEUTRAL)
			continue;
		sum->words += kind == CCP_WC_WORD && !sum->in_word;
		sum->in_word = kind == CCP_WC_WORD;
	}
	sum->pending_len = (uint8_t)(sum->pending_len - at);
	memmove(sum->pending, sum->pending + at, sum->pending_len);
}

/* The columns of what comes before the first newline, behind those of the part before. */
static void add_columns(struct ccp_wc_sum *sum, const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds,
			const uint8_t *data, size_t len, const struct ccp_wc_found *found)
{
	size_t tail = found->head == len ? found->tail_len : 0;

	(void)ccp_wc_columns(options, kinds, data + found->lead_len, found->head - found->lead_len - tail,
			     &sum->column, &sum->longest);
	if (data[found->head - 1] != '\n')
		return;
	if (sum->longest < found->longest)
		sum->longest = found->longest;
	sum->column = found->column;
}

void ccp_wc_add(struct ccp_wc_sum *sum, const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds,
		const uint8_t *data, size_t len, const struct ccp_wc_found *found)
{
	bool all_lead = found->lead_len == len; /* then it ends nothing */

	sum->bytes += len;
	if (len == 0)
		return;
	memcpy(sum->pending + sum->pending_len, data, found->lead_len);
	sum->pending_len = (uint8_t)(sum->pending_len + found->lead_len);
	drain(sum, options, kinds, all_lead);
	if ((options->want & CCP_WC_LONGEST) && !all_lead)
		add_columns(sum, options, kinds, data, len, found);
	sum->lines += found->lines;
	sum->chars += found->chars;
	sum->words += found->words - (sum->in_word && found->first == CCP_WC_WORD);
	if (found->last != CCP_WC_NEUTRAL)
		sum->in_word = found->last == CCP_WC_WORD;
	memcpy(sum->pending + sum->pending_len, found->tail, found->tail_len);
	sum->pending_len = (uint8_t)(sum->pending_len + found->tail_len);
}

void ccp_wc_end(struct ccp_wc_sum *sum)
{
	sum->pending_len = 0;
	if (sum->longest < sum->column)
		sum->longest = sum->column;
	sum->column = 0;
	sum->in_word = false;
}
