/* test_text.c: keys of any bytes in JSON and CSV. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/text.h"

/* What `print` prints of a copy that ends where memory does. */
static void expect(void (*print)(FILE *, const uint8_t *, size_t), const char *key, size_t len, const char *wanted)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	char *text;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	cr_assert(copy != NULL && out != NULL);
	memcpy(copy, key, len);
	print(out, copy, len);
	fclose(out);
	cr_expect(text_len == strlen(wanted) && memcmp(text, wanted, text_len) == 0, "'%s', not '%s'", text, wanted);
	free(text);
	free(copy);
}

Test(text, json_key)
{
	expect(ccp_text_json_key, "", 0, "\"key\":\"\"");
	expect(ccp_text_json_key, "a\"b\\c", 5, "\"key\":\"a\\\"b\\\\c\"");
	expect(ccp_text_json_key, "a\0\n\x7f", 4, "\"key\":\"a\\u0000\\u000a\x7f\"");
	expect(ccp_text_json_key, "\xc3\xa9", 2, "\"key\":\"\xc3\xa9\"");
}

Test(text, json_key_that_is_no_utf8)
{
	expect(ccp_text_json_key, "a\xff", 2, "\"key\":\"a\xef\xbf\xbd\",\"key_hex\":\"61ff\"");
	/* a character that is cut off by the end of the key: what comes after is not its own */
	expect(ccp_text_json_key, "\xc3", 1, "\"key\":\"\xef\xbf\xbd\",\"key_hex\":\"c3\"");
	expect(ccp_text_json_key, "\xe2\x82", 2, "\"key\":\"\xef\xbf\xbd\xef\xbf\xbd\",\"key_hex\":\"e282\"");
}

Test(text, csv)
{
	expect(ccp_text_csv, "", 0, "");
	expect(ccp_text_csv, "a b;'\xff", 6, "a b;'\xff");
	expect(ccp_text_csv, "a,b", 3, "\"a,b\"");
	expect(ccp_text_csv, "a\"", 2, "\"a\"\"\"");
	expect(ccp_text_csv, "\r", 1, "\"\r\"");
	expect(ccp_text_csv, "\n", 1, "\"\n\"");
}
