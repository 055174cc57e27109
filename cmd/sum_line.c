/*
 * sum_line.c: writes lines of checksums as coreutils does. The digits are made in one piece, because lines are many.
 */
#include "cmd/sum_line.h"

#include <string.h>

void ccp_sum_line_escaped(FILE *out, const char *name)
{
	for (; *name != '\0'; name++) {
		switch (*name) {
		case '\n':
			fputs("\\n", out);
			break;
		case '\r':
			fputs("\\r", out);
			break;
		case '\\':
			fputs("\\\\", out);
			break;
		default:
			putc(*name, out);
		}
	}
}

static size_t put_hex(char *text, const uint8_t *digest, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	return 2 * bytes;
}

static unsigned long number_of(const uint8_t *digest)
{
	return (unsigned long)digest[0] << 24 | (unsigned long)digest[1] << 16 | (unsigned long)digest[2] << 8 |
	       digest[3];
}

/* The form of POSIX has a number, and takes names as they are. */
static void print_cksum(FILE *out, const uint8_t *digest, uint64_t size, const char *name)
{
	fprintf(out, "%lu %llu", number_of(digest), (unsigned long long)size);
	if (name != NULL) {
		putc(' ', out);
		fputs(name, out);
	}
}

void ccp_sum_line_print(FILE *out, const struct ccp_sum_style *style, const struct ccp_digest_ops *ops, size_t bytes,
			const uint8_t *digest, uint64_t size, const char *name)
{
	bool escape = !style->zero && name != NULL && strpbrk(name, "\\\n\r") != NULL;
	char hex[2 * CCP_DIGEST_MAX_BYTES];
	size_t len = put_hex(hex, digest, bytes);

	if (ops->decimal) {
		print_cksum(out, digest, size, name);
		putc(style->zero ? '\0' : '\n', out);
		return;
	}
	if (escape)
		putc('\\', out);
	if (style->tag) {
		fputs(ops->tag, out);
		if (bytes < ops->bytes)
			fprintf(out, "-%zu", 8 * bytes);
		fputs(" (", out);
	} else {
		fwrite(hex, 1, len, out);
		fputs(style->binary ? " *" : "  ", out);
	}
	escape ? ccp_sum_line_escaped(out, name) : (void)fputs(name, out);
	if (style->tag) {
		fputs(") = ", out);
		fwrite(hex, 1, len, out);
	}
	putc(style->zero ? '\0' : '\n', out);
}

void ccp_sum_line_value(FILE *out, const struct ccp_digest_ops *ops, size_t bytes, const uint8_t *digest)
{
	char hex[2 * CCP_DIGEST_MAX_BYTES];

	if (ops->decimal)
		fprintf(out, "%lu", number_of(digest));
	else
		fprintf(out, "\"%.*s\"", (int)put_hex(hex, digest, bytes), hex);
}
