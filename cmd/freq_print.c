/*
 * freq_print.c: keys and their counts, as text, JSON or CSV.
 *
 * Lines of text are put together without stdio: there may be many millions of them.
 */
#include <string.h>

#include "cmd/freq.h"
#include "cmd/text.h"

#define WIDTH 7 /* of uniq -c */

struct printer {
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

int ccp_freq_print(const struct ccp_settings *s, struct ccp_freq_table *table, struct ccp_err *err)
{
	struct printer printer = { .used = 0 };
	const uint8_t *key;
	uint64_t count;
	size_t len;
	int result;

	if (s->freq.csv)
		fputs("count,key\n", stdout);
	while ((result = ccp_freq_table_next(table, &key, &len, &count, err)) == 1 && !ferror_unlocked(stdout)) {
		if (s->json) {
			printf("{\"count\":%llu,", (unsigned long long)count);
			ccp_text_json_key(stdout, key, len);
			fputs("}\n", stdout);
		} else if (s->freq.csv) {
			printf("%llu,", (unsigned long long)count);
			ccp_text_csv(stdout, key, len);
			putchar('\n');
		} else {
			print_line(&printer, key, len, count);
		}
	}
	flush_lines(&printer);
	return result < 0 ? -1 : 0;
}
