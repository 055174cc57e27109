/*
 * text.h: words for people: quoted names, sizes with units; and strings and keys for JSON and CSV.
 */
#ifndef CCP_CMD_TEXT_H
#define CCP_CMD_TEXT_H

#include <stdint.h>
#include <stdio.h>

#define CCP_SIZE_TEXT 24

/* Length of the UTF-8 sequence at `s`, 1 to 4, or 0 if it is none. Source: RFC 3629, section 4. */
size_t ccp_text_utf8(const unsigned char *s);

/*
 * Prints a path so that it can be pasted into a shell: as it is, or in '…' if it has blanks or shell characters, or as
 * $'…' if it has control characters or bytes that are no UTF-8: a name can never forge a line of output.
 */
void ccp_text_path(FILE *out, const char *path);

/* "0 B", "812 B", "1.5 KiB", "5.1 GiB". Shape: room for CCP_SIZE_TEXT. Returns `text`. */
const char *ccp_text_size(uint64_t bytes, char *text);

/* "0.35 s", "6.4 s", "75 s", "12:05". Shape: room for CCP_SIZE_TEXT. */
const char *ccp_text_seconds(double seconds, char *text);

/* Prints a string as JSON, with its quotes; bytes that are no UTF-8 become U+FFFD. */
void ccp_text_json(FILE *out, const char *text);

/* Prints `"path":…`, and `,"path_hex":"…"` too if the path is no UTF-8. */
void ccp_text_json_path(FILE *out, const char *path);

/* Prints `"key":"…"`, bytes of any kind; those that are no UTF-8 become U+FFFD, and `,"key_hex":"…"` tells them all. */
void ccp_text_json_key(FILE *out, const uint8_t *key, size_t len);

/* Prints a field of CSV, in quotes if it has to be. Source: RFC 4180, section 2. */
void ccp_text_csv(FILE *out, const uint8_t *field, size_t len);

#endif
