/*
 * sum_line.h: lines of checksums: written, and read back.
 *
 * Source: GNU coreutils 9.1, its manual (md5sum invocation, cksum output modes) and its behaviour.
 */
#ifndef CCP_CMD_SUM_LINE_H
#define CCP_CMD_SUM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/codec/digest_set.h"

/* How a line is written. */
struct ccp_sum_style {
	bool tag;    /* "SHA256 (NAME) = HEX" */
	bool binary; /* "HEX *NAME" instead of "HEX  NAME" */
	bool zero;   /* ends in NUL, and no name is escaped */
};

/*
 * Writes the line of one digest. cksum's is "NUMBER LENGTH NAME" (with tag, too) with the name as it is, or without if
 * it is NULL; `size` is the input's. For the others a name with a newline, a carriage return or a backslash is escaped,
 * and the line begins with a backslash.
 * Threads: the holder of `out`.
 */
void ccp_sum_line_print(FILE *out, const struct ccp_sum_style *style, const struct ccp_digest_ops *ops, size_t bytes,
			const uint8_t *digest, uint64_t size, const char *name);

/*
 * Writes a name with "\n", "\r" and "\\" for a newline, a carriage return and a backslash, so that it is always one
 * line. Threads: the holder of `out`.
 */
void ccp_sum_line_escaped(FILE *out, const char *name);

/*
 * How lines are read: what is set before the first line of a list, and what is kept from line to line.
 *
 * A line with a tag is "SHA256 (NAME) = HEX", with or without the blank before the parenthesis; BLAKE2b's tag may tell
 * its length in bits, "BLAKE2b-256 (NAME) = HEX".
 */
struct ccp_sum_reader {
	/*
	 * The algorithms that a line may be of. Empty: every one that the tag says, or that the number of digits does
	 * (32 md5, 40 sha1, 56 sha224, 64 sha256, 96 sha384, 128 sha512, 8 crc32). One of any length has any, unless
	 * `exact`.
	 */
	const struct ccp_digest_set *only;
	bool exact;  /* the lengths of `only` count, of those that have any */
	bool tagged; /* a line without a tag is none (cksum -c) */
	bool loose;  /* as b2sum and cksum read what stands between a tag and the parenthesis */
	bool gnu;    /* tags of coreutils alone */
	bool zero;   /* nothing is escaped */

	/* kept */
	int single; /* lines are "HEX NAME": 1; "HEX  NAME" or "HEX *NAME": 0; not known yet: -1 */
	const struct ccp_digest_ops *last; /* of the last tag that was met, even in what is no line; NULL = none */
};

/*
 * Whether a line without a tag is taken for one of this algorithm where none is named. Else its digits would be taken
 * for those of another one, or for none.
 */
bool ccp_sum_line_is_plain(const struct ccp_digest_ops *ops, size_t bytes);

/* Writes a digest as a JSON value: a string of digits, or cksum's number. Threads: the holder of `out`. */
void ccp_sum_line_value(FILE *out, const struct ccp_digest_ops *ops, size_t bytes, const uint8_t *digest);

/* A line that was read. `name` points into the line, unescaped in place. */
struct ccp_sum_line {
	const struct ccp_digest_ops *ops;
	size_t bytes;
	uint8_t digest[CCP_DIGEST_MAX_BYTES];
	bool sized; /* it tells the input's size: a line of cksum without a tag */
	uint64_t size;
	char *name;
};

/*
 * Reads one line of len bytes without its end, which has room for one byte more: a form with tag or without. Blank
 * lines and comments are the caller's. A name ends at the first NUL byte, as coreutils sees it.
 * Returns false if it is no line of a checksum. Threads: the holder of `reader`.
 */
bool ccp_sum_line_read(struct ccp_sum_reader *reader, char *line, size_t len, struct ccp_sum_line *out);

#endif
