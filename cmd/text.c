/* text.c: words for people; see text.h. */
#include "cmd/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* As ccp_text_utf8, of the `len` bytes that there are: at least one. */
static size_t utf8_in(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

size_t ccp_text_utf8(const unsigned char *s)
{
	return utf8_in(s, 4); /* it ends at the NUL */
}

/* Control characters of ASCII and, in UTF-8, of the C1 set. */
static bool is_control(const unsigned char *s, size_t len)
{
	return s[0] < 0x20 || s[0] == 0x7f || (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static void print_dollar(FILE *out, const unsigned char *s)
{
	fputs("$'", out);
	while (*s != '\0') {
		size_t len = ccp_text_utf8(s);

		if (*s == '\n' || *s == '\t') {
			fputs(*s == '\n' ? "\\n" : "\\t", out);
		} else if (*s == '\'' || *s == '\\') {
			fprintf(out, "\\%c", *s);
		} else if (len == 0 || is_control(s, len)) {
			for (size_t i = 0; i < (len == 0 ? 1 : len); i++)
				fprintf(out, "\\%03o", s[i]);
		} else {
			fwrite(s, 1, len, out);
		}
		s += len == 0 ? 1 : len;
	}
	fputc('\'', out);
}

void ccp_text_path(FILE *out, const char *path)
{
	bool plain = path[0] != '\0' && path[0] != '~' && path[0] != '#';

	for (const unsigned char *s = (const unsigned char *)path; *s != '\0';) {
		size_t len = ccp_text_utf8(s);

		if (len == 0 || is_control(s, len)) {
			print_dollar(out, (const unsigned char *)path);
			return;
		}
		if (len == 1 && !isalnum(*s) && strchr("_-./+,:@%=^#~", *s) == NULL)
			plain = false;
		s += len;
	}
	if (plain) {
		fputs(path, out);
		return;
	}
	fputc('\'', out);
	for (const char *s = path; *s != '\0'; s++)
		*s == '\'' ? fputs("'\\''", out) : fputc(*s, out);
	fputc('\'', out);
}

const char *ccp_text_size(uint64_t bytes, char *text)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, CCP_SIZE_TEXT, "%u B", (unsigned)bytes);
		return text;
	}
	while (value >= 1023.5 && unit < sizeof units - 2) {
		value /= 1024;
		unit++;
	}
	snprintf(text, CCP_SIZE_TEXT, "%.*f %ciB", value < 1 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
	return text;
}

const char *ccp_text_seconds(double seconds, char *text)
{
	unsigned long whole = (unsigned long)(seconds + 0.5);

	if (seconds < 99.5)
		snprintf(text, CCP_SIZE_TEXT, "%.*f s", seconds < 0.995 ? 2 : seconds < 9.95 ? 1 : 0, seconds);
	else if (whole < 3600)
		snprintf(text, CCP_SIZE_TEXT, "%lu:%02lu", whole / 60, whole % 60);
	else
		snprintf(text, CCP_SIZE_TEXT, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
	return text;
}

/* Prints it with its quotes. Returns whether all of it was UTF-8. */
static bool print_json(FILE *out, const uint8_t *text, size_t text_len)
{
	bool good = true;

	fputc('"', out);
	for (size_t at = 0; at < text_len;) {
		const uint8_t *s = text + at;
		size_t len = utf8_in(s, text_len - at);

		if (len == 0) {
			fputs("\xef\xbf\xbd", out);
			good = false;
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s);
		} else if (*s < 0x20) {
			fprintf(out, "\\u%04x", *s);
		} else {
			fwrite(s, 1, len, out);
		}
		at += len;
	}
	fputc('"', out);
	return good;
}

static void print_hex(FILE *out, const char *before, const uint8_t *bytes, size_t len)
{
	fputs(before, out);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('"', out);
}

void ccp_text_json(FILE *out, const char *text)
{
	print_json(out, (const uint8_t *)text, strlen(text));
}

void ccp_text_json_path(FILE *out, const char *path)
{
	size_t len = strlen(path);

	fputs("\"path\":", out);
	if (!print_json(out, (const uint8_t *)path, len))
		print_hex(out, ",\"path_hex\":\"", (const uint8_t *)path, len);
}

void ccp_text_json_key(FILE *out, const uint8_t *key, size_t len)
{
	fputs("\"key\":", out);
	if (!print_json(out, key, len))
		print_hex(out, ",\"key_hex\":\"", key, len);
}

void ccp_text_csv(FILE *out, const uint8_t *field, size_t len)
{
	bool quote = false;

	for (size_t i = 0; i < len && !quote; i++)
		quote = field[i] == '"' || field[i] == ',' || field[i] == '\r' || field[i] == '\n';
	if (!quote) {
		fwrite(field, 1, len, out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		if (field[i] == '"')
			fputc('"', out);
		fputc(field[i], out);
	}
	fputc('"', out);
}
