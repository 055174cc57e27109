/*
 * freq_print.c: keys and their counts, as text, JSON or CSV.
 *
 * Lines of text are put together without stdio: there may be many millions of them.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/freq.h"
#include "cmd/text.h"

#define WIDTH 7 /* of uniq -c */

struct printer {
	bool json, csv;
	char *text; /* a key, ended by NUL: for JSON */
	size_t room;
	size_t used;
	char line[32 << 10];
};

static void flush_lines(struct printer *printer)
{
	fwrite_unlocked(printer->line, 1, printer->used, stdout);
	printer->used = 0;
}

static void print_line(struct printer *printer, const uint8_t *key, size_t len, uint64_t count)
{
	char digits[24];
	size_t at = sizeof digits, n;

	digits[--at] = ' ';
	do {
		digits[--at] = (char)('0' + count % 10);
		count /= 10;
	} while (count > 0);
	while (sizeof digits - 1 - at < WIDTH)
		digits[--at] = ' ';
	n = sizeof digits - at;
	if (sizeof printer->line - printer->used < n + len + 1)
		flush_lines(printer);
	memcpy(printer->line + printer->used, digits + at, n);
	printer->used += n;
	if (sizeof printer->line - printer->used < len + 1) {
		flush_lines(printer);
		fwrite_unlocked(key, 1, len, stdout);
	} else {
		memcpy(printer->line + printer->used, key, len);
		printer->used += len;
	}
	printer->line[printer->used++] = '\n';
}

/* In quotes if it has to be. Source: RFC 4180, section 2. */
static void print_csv(const uint8_t *key, size_t len, uint64_t count)
{
	bool quote = false;

	for (size_t i = 0; i < len && !quote; i++)
		quote = key[i] == '"' || key[i] == ',' || key[i] == '\r' || key[i] == '\n';
	printf("%llu,", (unsigned long long)count);
	if (!quote) {
		fwrite(key, 1, len, stdout);
	} else {
		putchar('"');
		for (size_t i = 0; i < len; i++) {
			if (key[i] == '"')
				putchar('"');
			putchar(key[i]);
		}
		putchar('"');
	}
	putchar('\n');
}

/* The key as text, in which bytes that are no UTF-8 are U+FFFD; then all of it in hexadecimal as well. */
static int print_json(struct printer *printer, const uint8_t *key, size_t len, uint64_t count, struct ccp_err *err)
{
	bool bad = false;

	if (len + 1 > printer->room) {
		free(printer->text);
		printer->room = 0;
		printer->text = malloc(2 * len + 256);
		if (printer->text == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a key of %zu bytes", len);
		printer->room = 2 * len + 256;
	}
	memcpy(printer->text, key, len);
	printer->text[len] = '\0';
	printf("{\"count\":%llu,\"key\":\"", (unsigned long long)count);
	for (size_t at = 0; at < len;) {
		const char *s = printer->text + at;
		size_t n = ccp_text_utf8((const unsigned char *)s);

		if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned)*s);
		else if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else
			n > 0 ? (void)fwrite(s, 1, n, stdout) : (void)fputs("\xef\xbf\xbd", stdout);
		bad |= n == 0 && *s != '\0';
		at += n > 0 ? n : 1;
	}
	putchar('"');
	if (bad) {
		fputs(",\"key_hex\":\"", stdout);
		for (size_t i = 0; i < len; i++)
			printf("%02x", key[i]);
		putchar('"');
	}
	fputs("}\n", stdout);
	return 0;
}

int ccp_freq_print(const struct ccp_settings *s, struct ccp_freq_table *table, struct ccp_err *err)
{
	struct printer printer = { .json = s->json, .csv = s->freq.csv };
	const uint8_t *key;
	uint64_t count;
	size_t len;
	int result;

	if (printer.csv)
		fputs("count,key\n", stdout);
	while ((result = ccp_freq_table_next(table, &key, &len, &count, err)) == 1 && !ferror_unlocked(stdout)) {
		if (printer.json) {
			if (print_json(&printer, key, len, count, err) != 0) {
				result = -1;
				break;
			}
		} else if (printer.csv) {
			print_csv(key, len, count);
		} else {
			print_line(&printer, key, len, count);
		}
	}
	flush_lines(&printer);
	free(printer.text);
	return result < 0 ? -1 : 0;
}
