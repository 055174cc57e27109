/*
 * wc.h: lines, words, characters and the longest line, counted part by part, and put together.
 *
 * What is a word is as coreutils has it: printable characters set apart by blanks; what is neither, control characters
 * and bytes that are no character, neither makes a word nor ends one.
 */
#ifndef CCP_PIPELINE_FOLD_WC_H
#define CCP_PIPELINE_FOLD_WC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ccp_part;

enum {
	CCP_WC_LINES = 1u << 0,
	CCP_WC_WORDS = 1u << 1,
	CCP_WC_CHARS = 1u << 2,
	CCP_WC_LONGEST = 1u << 3,
	CCP_WC_BYTES = 1u << 4,
};

/* What a character is: to words (the lowest bits) and, above, how many columns it takes. */
enum { CCP_WC_NEUTRAL, CCP_WC_WORD, CCP_WC_BLANK };
#define CCP_WC_KIND 3u
#define CCP_WC_WIDTH_SHIFT 2

/* Options of the fold, made by ccp_wc_options. */
struct ccp_wc_options {
	unsigned want;       /* CCP_WC_… */
	bool utf8;           /* else a byte is a character */
	bool ascii;          /* of bytes only those of ASCII are printable: the locale C, and UTF-8 */
	bool posix;          /* blanks that do not break a line do not end a word */
	uint8_t byte[256];   /* kinds of single bytes */
};

/*
 * Asks the locale that is set now. Returns NULL, or the name of its encoding if that is not supported: several bytes a
 * character, and not UTF-8. Source: coreutils 9.1, wc.c, found by experiment.
 */
const char *ccp_wc_options(struct ccp_wc_options *options, unsigned want);

/* In part.found. Of a part whose first bytes, in UTF-8, may belong to a character that began before it. */
struct ccp_wc_found {
	uint64_t lines, words, chars; /* of the characters that begin here; as if a blank came before */
	uint64_t longest;    /* of the lines after the first newline */
	uint64_t column;     /* at the end, if there is a newline */
	size_t head;         /* bytes up to the first newline and with it; all if there is none */
	uint8_t lead_len;    /* bytes before the first character */
	uint8_t tail_len, tail[5]; /* bytes of the last one, which goes on */
	uint8_t first, last; /* kind of the first and of the last that is not neutral */
};

#define CCP_WC_PAGES 0x1100
#define CCP_WC_PAGE_BYTES 256

/* Kinds of characters beyond ASCII, looked up when they are first met. Zero at first. */
struct ccp_wc_kinds {
	uint8_t *page[CCP_WC_PAGES];
};

/* Counts a part. `kinds` is the caller's own. */
void ccp_wc_count(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, const uint8_t *data, size_t len,
		  bool first, struct ccp_wc_found *found);
void ccp_wc_kinds_release(struct ccp_wc_kinds *kinds);

/* The counts of one input, in order. Zero at first. */
struct ccp_wc_sum {
	uint64_t lines, words, chars, bytes, longest;
	uint64_t column;
	bool in_word;
	uint8_t pending_len, pending[12];
};

/* Puts a part behind those before. Units: the data are what the part was counted from. */
void ccp_wc_add(struct ccp_wc_sum *sum, const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds,
		const uint8_t *data, size_t len, const struct ccp_wc_found *found);

/* The input has ended. */
void ccp_wc_end(struct ccp_wc_sum *sum);

/* ---- between wc_count.c and wc_sum.c ---- */

/*
 * Reads a character of UTF-8 from what is there, as the C library does: of up to six bytes, but no surrogates. Returns
 * how many bytes it has and the character; 0 if it is not whole; -1 if the first byte is none.
 */
int ccp_wc_decode(const uint8_t *data, size_t len, uint32_t *character);

/* The kind and width of a character. */
unsigned ccp_wc_kind(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, uint32_t character);

/* Goes through bytes for the longest line alone. Returns how many there are before a character that is not whole. */
size_t ccp_wc_columns(const struct ccp_wc_options *options, struct ccp_wc_kinds *kinds, const uint8_t *data, size_t len,
		      uint64_t *column, uint64_t *longest);

#endif
