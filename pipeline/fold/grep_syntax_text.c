/* fold/grep_syntax_text.c: text that grows, and single characters of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/fold/grep_syntax_internal.h"

void ccp_grep_text_add(struct ccp_grep_text *text, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (text->room - text->len < len) {
		size_t room = 2 * (text->len + len) + 64;
		char *grown = text->failed ? NULL : realloc(text->data, room);

		if (grown == NULL) {
			text->failed = true;
			return;
		}
		text->data = grown;
		text->room = room;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

void ccp_grep_text_print(struct ccp_grep_text *text, const char *format, ...)
{
	char words[128];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	ccp_grep_text_add(text, words, strlen(words));
}

void ccp_grep_text_quote(struct ccp_grep_text *text, const uint8_t *character, size_t len)
{
	uint8_t c = character[0];

	if (len == 1 && c < 0x20)
		ccp_grep_text_print(text, "\\x%02x", c);
	else if (len == 1 && c < 0x7f && !ccp_grep_word_at(character, 1, 0, false))
		ccp_grep_text_print(text, "\\%c", c);
	else
		ccp_grep_text_add(text, character, len);
}

size_t ccp_grep_character(const uint8_t *s, size_t len, bool utf8)
{
	size_t most = len < 4 ? len : 4;

	if (!utf8 || s[0] < 0x80)
		return 1;
	for (size_t i = 2; i <= most; i++)
		if (ccp_grep_valid_utf8(s, i) == i)
			return i;
	return 1;
}
