/*
 * grep_bytes.h: bytes counted and found with the vectors of the CPU, and what a character is.
 */
#ifndef CCP_PIPELINE_FOLD_GREP_BYTES_H
#define CCP_PIPELINE_FOLD_GREP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often `byte` occurs. Threads: any. */
size_t ccp_grep_count(const uint8_t *data, size_t len, char byte);

/* Whether no byte is above 127. Threads: any. */
bool ccp_grep_is_ascii(const uint8_t *data, size_t len);

/* Length of the longest beginning that is valid UTF-8 (no surrogates, nothing above U+10FFFF). Threads: any. */
size_t ccp_grep_valid_utf8(const uint8_t *data, size_t len);

/* Whether a word constituent (letter, digit, _) ends at, or begins at, `at`. By the locale if `utf8`. Threads: any. */
bool ccp_grep_word_before(const uint8_t *data, size_t at, bool utf8);
bool ccp_grep_word_at(const uint8_t *data, size_t len, size_t at, bool utf8);

/* A needle, and the two of its bytes that are looked for: rare ones. */
struct ccp_grep_needle {
	const uint8_t *text; /* borrowed; in lower case if ignore_case */
	size_t len;          /* > 0 */
	bool ignore_case;    /* of ASCII letters */
	size_t first, second;
};

/* Fills in `first` and `second`. */
void ccp_grep_needle_prepare(struct ccp_grep_needle *needle);

/* The first place at or after `from` where the needle is, or SIZE_MAX. Threads: any. */
size_t ccp_grep_needle_find(const struct ccp_grep_needle *needle, const uint8_t *data, size_t len, size_t from);

/* Whether `text`, in lower case if ignore_case, is at `data`. Threads: any. */
static inline bool ccp_grep_same(const uint8_t *text, const uint8_t *data, size_t len, bool ignore_case)
{
	if (!ignore_case)
		return __builtin_memcmp(text, data, len) == 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != text[i])
			return false;
	}
	return true;
}

#endif
