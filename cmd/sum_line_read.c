/*
 * sum_line_read.c: reads a line of a checksum.
 *
 * Blanks and the backslash that says "escaped" come first. A tag is looked for, since no line without one begins like
 * that; the name ends at the last parenthesis, for it is not escaped against them. Else digits are counted, and a blank
 * and one character more (a blank, or '*' of binary mode) end them. Lists of BSD have one blank only: the first line
 * that tells decides for the list, since a name may begin with a blank.
 *
 * Where coreutils is odd, so is this; tests/contract/sum-check compares them.
 */
#include "cmd/sum_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a line; at[left] is a NUL. */
struct rest {
	char *at;
	size_t left;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void skip(struct rest *rest, size_t count)
{
	rest->at += count;
	rest->left -= count;
}

static void skip_blanks(struct rest *rest)
{
	while (is_blank(*rest->at))
		skip(rest, 1);
}

static size_t count_digits(const char *text)
{
	size_t count = 0;

	while (digit_value(text[count]) >= 0)
		count++;
	return count;
}

/* Takes `count` digits, an even number. */
static void take_digest(const char *text, size_t count, uint8_t *digest)
{
	for (size_t i = 0; i < count; i += 2)
		digest[i / 2] = (uint8_t)(digit_value(text[i]) << 4 | digit_value(text[i + 1]));
}

/* Undoes the escapes of a name, in place, and ends it. */
static bool unescape(char *name, size_t len)
{
	char *to = name;

	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c == '\\') {
			c = ++i < len ? name[i] : '\0';
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == '\\' ? '\\' : '\0';
		}
		if (c == '\0')
			return false;
		*to++ = c;
	}
	*to = '\0';
	return true;
}

/* ---- algorithms -------------------------------------------------------------------------------------------------- */

static bool is_of_gnu(const struct ccp_digest_ops *ops)
{
	static const char *const names[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(ops->name, names[i]) == 0)
			return true;
	return false;
}

/* Whether a digest of this length is asked for. */
static bool wants(const struct ccp_sum_reader *reader, const struct ccp_digest_ops *ops, size_t bytes)
{
	if (ops->any_length ? bytes == 0 || bytes > ops->bytes : bytes != ops->bytes)
		return false;
	if (reader->only->count == 0)
		return true;
	for (size_t i = 0; i < reader->only->count; i++)
		if (reader->only->item[i].ops == ops && (!reader->exact || reader->only->item[i].bytes == bytes))
			return true;
	return false;
}

static bool may_have_tag(const struct ccp_sum_reader *reader, const struct ccp_digest_ops *ops)
{
	if (reader->only->count == 0)
		return !reader->gnu || is_of_gnu(ops);
	for (size_t i = 0; i < reader->only->count; i++)
		if (reader->only->item[i].ops == ops)
			return true;
	return false;
}

/* The algorithm that so many bytes are taken for if nothing else tells, or NULL. */
static const struct ccp_digest_ops *usual_of(size_t bytes)
{
	static const char *const usual[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "crc32" };

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		const struct ccp_digest_ops *ops = ccp_digest_find(usual[i], strlen(usual[i]));

		if (ops != NULL && ops->bytes == bytes)
			return ops;
	}
	return NULL;
}

bool ccp_sum_line_is_plain(const struct ccp_digest_ops *ops, size_t bytes)
{
	return ops->decimal || usual_of(bytes) == ops;
}

/* The algorithm whose lines have a number instead of digits, or NULL. */
static const struct ccp_digest_ops *find_decimal(void)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++)
		if ((*ops)->decimal)
			return *ops;
	return NULL;
}

/* The algorithm of a digest without a tag, or NULL. */
static const struct ccp_digest_ops *by_digits(const struct ccp_sum_reader *reader, size_t count)
{
	if (count % 2 != 0)
		return NULL;
	if (reader->only->count == 0)
		return usual_of(count / 2);
	for (size_t i = 0; i < reader->only->count; i++)
		if (!reader->only->item[i].ops->decimal && wants(reader, reader->only->item[i].ops, count / 2))
			return reader->only->item[i].ops;
	return NULL;
}

/* ---- with a tag -------------------------------------------------------------------------------------------------- */

/* How long the word is that a tag begins with; what may follow it is told apart from other algorithms' names. */
static size_t tag_len(const struct ccp_sum_reader *reader, const char *text, const struct ccp_digest_ops *ops)
{
	size_t len = strlen(ops->tag), word = len;

	if (strncmp(text, ops->tag, len) != 0)
		return 0;
	if (!reader->loose)
		return text[len] == ' ' || text[len] == '(' || text[len] == '-' ? len : 0;
	while (text[word] != '\0' && !is_blank(text[word]) && text[word] != '-' && text[word] != '(')
		word++;
	return word == len || reader->only->count > 0 ? word : 0;
}

static const struct ccp_digest_ops *find_tag(const struct ccp_sum_reader *reader, const char *text, size_t *len)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++) {
		*len = may_have_tag(reader, *ops) ? tag_len(reader, text, *ops) : 0;
		if (*len > 0)
			return *ops;
	}
	return NULL;
}

/* The length in bits after the '-' of a tag, in whatever way strtoumax takes a number. */
static bool take_bits(struct rest *rest, const struct ccp_digest_ops *ops, size_t *bytes)
{
	uintmax_t bits;
	char *end;

	skip_blanks(rest);
	if (!ops->any_length || digit_value(*(*rest->at == '+' ? rest->at + 1 : rest->at)) < 0)
		return false;
	errno = 0;
	bits = strtoumax(rest->at, &end, 0);
	if (errno != 0 || end == rest->at || bits == 0 || bits % 8 != 0 || bits / 8 > ops->bytes)
		return false;
	skip(rest, (size_t)(end - rest->at));
	*bytes = (size_t)(bits / 8);
	return true;
}

/* What is behind a tag, up to the parenthesis and with it. */
static bool take_opening(const struct ccp_sum_reader *reader, struct rest *rest, struct ccp_sum_line *out)
{
	out->bytes = out->ops->bytes;
	if (*rest->at == '-') {
		skip(rest, 1);
		if (!take_bits(rest, out->ops, &out->bytes))
			return false;
	} else if (reader->loose && *rest->at != '(') {
		if (rest->left == 0)
			return false;
		skip(rest, 1);
	}
	if (*rest->at == ' ')
		skip(rest, 1);
	if (*rest->at != '(')
		return false;
	skip(rest, 1);
	return true;
}

static bool read_tagged(struct ccp_sum_reader *reader, struct rest rest, bool escaped, struct ccp_sum_line *out)
{
	char *close;

	if (!take_opening(reader, &rest, out) || !wants(reader, out->ops, out->bytes))
		return false;
	close = memrchr(rest.at, ')', rest.left);
	if (close == NULL)
		return false;
	out->name = rest.at;
	skip(&rest, (size_t)(close - rest.at) + 1);
	*close = '\0';
	if (escaped && !unescape(out->name, (size_t)(close - out->name)))
		return false;
	skip_blanks(&rest);
	if (*rest.at != '=')
		return false;
	skip(&rest, 1);
	skip_blanks(&rest);
	if (count_digits(rest.at) != 2 * out->bytes || rest.at[2 * out->bytes] != '\0')
		return false;
	take_digest(rest.at, 2 * out->bytes, out->digest);
	return true;
}

/* ---- without a tag ----------------------------------------------------------------------------------------------- */

/* A decimal number and the one blank behind it. */
static bool take_number(struct rest *rest, uint64_t max, uint64_t *number)
{
	char *end;

	if (*rest->at < '0' || *rest->at > '9')
		return false;
	errno = 0;
	*number = strtoumax(rest->at, &end, 10);
	if (errno != 0 || *number > max || *end != ' ')
		return false;
	skip(rest, (size_t)(end - rest->at) + 1);
	return true;
}

/* "NUMBER LENGTH NAME". Such a name is never escaped. */
static bool read_cksum(const struct ccp_sum_reader *reader, struct rest rest, struct ccp_sum_line *out)
{
	const struct ccp_digest_ops *ops = find_decimal();
	uint64_t number, size;

	if (ops == NULL || !wants(reader, ops, ops->bytes) || !take_number(&rest, UINT32_MAX, &number) ||
	    !take_number(&rest, UINT64_MAX, &size))
		return false;
	out->ops = ops;
	out->bytes = ops->bytes;
	out->sized = true;
	out->size = size;
	for (size_t i = 0; i < out->bytes; i++)
		out->digest[i] = (uint8_t)(number >> (8 * (out->bytes - 1 - i)));
	out->name = rest.at;
	return true;
}

static bool read_untagged(struct ccp_sum_reader *reader, struct rest rest, bool escaped, struct ccp_sum_line *out)
{
	size_t count = count_digits(rest.at);

	out->ops = by_digits(reader, count);
	if (out->ops == NULL || !is_blank(rest.at[count]))
		return false;
	/* the name may be missing, to b2sum and cksum */
	if (rest.left < count + (reader->loose ? 1 : 2))
		return false;
	out->bytes = count / 2;
	take_digest(rest.at, count, out->digest);
	skip(&rest, count + 1);
	if (rest.left == 1 || (*rest.at != ' ' && *rest.at != '*')) {
		if (reader->single == 0)
			return false;
		reader->single = 1;
	} else if (reader->single != 1) {
		reader->single = 0;
		skip(&rest, 1);
	}
	out->name = rest.at;
	return !escaped || unescape(rest.at, rest.left);
}

bool ccp_sum_line_read(struct ccp_sum_reader *reader, char *line, size_t len, struct ccp_sum_line *out)
{
	struct rest rest = { line, len };
	bool escaped = false;
	size_t tag;

	line[len] = '\0';
	*out = (struct ccp_sum_line){ .ops = NULL };
	skip_blanks(&rest);
	if (*rest.at == '\\' && !reader->zero) {
		escaped = true;
		skip(&rest, 1);
	}
	out->ops = find_tag(reader, rest.at, &tag);
	if (out->ops != NULL) {
		reader->last = out->ops;
		skip(&rest, tag);
		return read_tagged(reader, rest, escaped, out);
	}
	if (reader->tagged)
		return false;
	return (!escaped && read_cksum(reader, rest, out)) || read_untagged(reader, rest, escaped, out);
}
