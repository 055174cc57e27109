/*
 * wc_kind.c: what the locale says of characters. ASCII is the same in all that are supported; pages of 256 others are
 * asked for when one of them is met.
 */
#include <ctype.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "pipeline/fold/wc.h"

const char *ccp_wc_options(struct ccp_wc_options *options, unsigned want)
{
	const char *encoding = nl_langinfo(CODESET);

	*options = (struct ccp_wc_options){
		.want = want,
		.utf8 = MB_CUR_MAX > 1,
		.ascii = true,
		.posix = getenv("POSIXLY_CORRECT") != NULL,
	};
	if (options->utf8 && strcmp(encoding, "UTF-8") != 0)
		return encoding;
	for (int c = 0; c < 256; c++) {
		bool blank = c == ' ' || (c >= '\t' && c <= '\r');

		if (c >= 128 && options->utf8)
			break;
		if (blank || (isprint(c) && isspace(c)))
			options->byte[c] = CCP_WC_BLANK;
		else if (isprint(c))
			options->byte[c] = CCP_WC_WORD;
		if (isprint(c))
			options->byte[c] |= 1u << CCP_WC_WIDTH_SHIFT;
		if (c >= 128 && options->byte[c] != 0)
			options->ascii = false;
	}
	return NULL;
}

/* A character that is not ASCII. */
static unsigned ask(const struct ccp_wc_options *options, uint32_t character)
{
	wint_t c = (wint_t)character;
	bool hard = c == 0xa0 || c == 0x2007 || c == 0x202f || c == 0x2060; /* blanks that do not break a line */
	int width;

	if (!iswprint(c))
		return CCP_WC_NEUTRAL;
	width = wcwidth((wchar_t)c);
	return (iswspace(c) || (hard && !options->posix) ? CCP_WC_BLANK : CCP_WC_WORD) |
	       (width > 0 ? (unsigned)width << CCP_WC_WIDTH_SHIFT : 0);
}

unsigned ccp_wc_kind(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, uint32_t character)
{
	uint8_t **page;

	if (character < 128)
		return options->byte[character];
	if (character > 0x10ffff) /* what Unicode once had room for; nothing is there */
		return CCP_WC_NEUTRAL;
	page = &kinds->page[character >> 8];
	if (*page == NULL) {
		*page = malloc(CCP_WC_PAGE_BYTES);
		if (*page == NULL) /* slower, and as right */
			return ask(options, character);
		for (uint32_t i = 0; i < CCP_WC_PAGE_BYTES; i++)
			(*page)[i] = (uint8_t)ask(options, (character & ~UINT32_C(255)) + i);
	}
	return (*page)[character & 255];
}

void ccp_wc_kinds_release(struct ccp_wc_kinds *kinds)
{
	for (size_t i = 0; i < CCP_WC_PAGES; i++)
		free(kinds->page[i]);
	*kinds = (struct ccp_wc_kinds){ 0 };
}

int ccp_wc_decode(const uint8_t *data, size_t len, uint32_t *character)
{
	uint32_t c = data[0];
	size_t more;

	if (c < 0x80) {
		*character = c;
		return 1;
	}
	if (c < 0xc2 || c >= 0xfe)
		return -1;
	/* as many bytes as there are ones at the front of the first */
	more = (size_t)__builtin_clz(~c << 24) - 1;
	c &= UINT32_C(0x3f) >> more;
	for (size_t i = 1; i <= more; i++) {
		if (i >= len)
			return 0;
		if ((data[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (data[i] & 0x3f);
		/* longer than need be, or a surrogate: that shows in the second byte */
		if (i == 1 && more > 1 && (c >> (7 - more) == 0 || (more == 2 && c >> 5 == 0x1b)))
			return -1;
	}
	*character = c;
	return (int)more + 1;
}
