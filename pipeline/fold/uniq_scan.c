/*
 * uniq_scan.c: runs of equal lines in bytes.
 *
 * Where whole lines are compared, the next line is equal if the bytes that follow are those of the line before, with
 * its end: then nobody has to look for the end. With keys each line is measured first.
 */
#include <string.h>

#include "pipeline/fold/uniq.h"

struct ccp_join_inner ccp_uniq_inner(const struct ccp_part *part, char end)
{
	const struct ccp_part within = { .data = part->data, .len = part->len };

	return ccp_join_inner(&within, end);
}

/* ---- lines --------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n'; /* a newline may stand within lines that end in NUL */
}

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

/* What of a line is compared. `len` is without its end, and becomes the key's. */
static const uint8_t *key_of(const struct ccp_uniq_options *options, const uint8_t *line, size_t *len)
{
	size_t at = 0, left;

	for (uint64_t i = 0; i < options->skip_fields && at < *len; i++) {
		while (at < *len && is_blank(line[at]))
			at++;
		while (at < *len && !is_blank(line[at]))
			at++;
	}
	at += options->skip_chars < *len - at ? (size_t)options->skip_chars : *len - at;
	left = *len - at;
	*len = left < options->check_chars ? left : (size_t)options->check_chars;
	return line + at;
}

static bool is_whole_line(const struct ccp_uniq_options *options)
{
	return !options->ignore_case && options->skip_fields == 0 && options->skip_chars == 0 &&
	       options->check_chars == UINT64_MAX;
}

bool ccp_uniq_same(const struct ccp_uniq_options *options, const uint8_t *a, size_t a_len, const uint8_t *b,
		   size_t b_len)
{
	size_t a_key = a_len - 1, b_key = b_len - 1;

	if (is_whole_line(options))
		return a_len == b_len && memcmp(a, b, a_len) == 0;
	a = key_of(options, a, &a_key);
	b = key_of(options, b, &b_key);
	if (a_key != b_key)
		return false;
	if (!options->ignore_case)
		return memcmp(a, b, a_key) == 0;
	for (size_t i = 0; i < a_key; i++)
		if (a[i] != b[i] && upper(a[i]) != upper(b[i]))
			return false;
	return true;
}

/* ---- what is printed ----------------------------------------------------------------------------- */

size_t ccp_uniq_number(const struct ccp_uniq_options *options, uint64_t count, char out[CCP_UNIQ_NUMBER_BYTES])
{
	char digits[CCP_UNIQ_NUMBER_BYTES];
	size_t at = sizeof digits, len;

	if (!options->count)
		return 0;
	digits[--at] = ' ';
	do
		digits[--at] = (char)('0' + count % 10);
	while ((count /= 10) > 0);
	while (at > sizeof digits - 8) /* seven columns and a blank */
		digits[--at] = ' ';
	len = sizeof digits - at;
	memcpy(out, digits + at, len);
	return len;
}

/* Returns whether there was room for it. */
static bool put(const struct ccp_uniq_options *options, const uint8_t *data, const struct ccp_uniq_run *run,
		struct ccp_buf *note)
{
	char number[CCP_UNIQ_NUMBER_BYTES];
	size_t len;

	if (!ccp_uniq_prints(options, run->count))
		return true;
	len = ccp_uniq_number(options, run->count, number);
	if (len + run->len > ccp_buf_room(note))
		return false;
	ccp_buf_append(note, number, len);
	ccp_buf_append(note, data + run->at, (size_t)run->len);
	return true;
}

/* ---- runs ---------------------------------------------------------------------------------------- */

static size_t line_len(const struct ccp_uniq_options *options, const uint8_t *data, size_t at, size_t to)
{
	const uint8_t *end = memchr(data + at, options->end, to - at);

	return (end != NULL ? (size_t)(end - data) + 1 : to) - at;
}

/* The run that begins at `at`; `end` is where another one does. */
static struct ccp_uniq_run run_at(const struct ccp_uniq_options *options, const uint8_t *data, size_t at, size_t to,
				  bool whole, size_t *end)
{
	size_t len = line_len(options, data, at, to), next = at + len;
	struct ccp_uniq_run run = { .at = at, .len = len, .count = 1 };

	/* what is so many bytes long and the same has its end at the same place */
	if (whole) {
		for (; to - next >= len && memcmp(data + next, data + at, len) == 0; next += len)
			run.count++;
	}
	while (!whole && next < to) {
		size_t next_len = line_len(options, data, next, to);

		if (!ccp_uniq_same(options, data + at, len, data + next, next_len))
			break;
		run.count++;
		next += next_len;
	}
	*end = next;
	return run;
}

size_t ccp_uniq_scan(const struct ccp_uniq_options *options, const uint8_t *data, size_t from, size_t to,
		     struct ccp_buf *note, struct ccp_uniq_found *found)
{
	bool whole = is_whole_line(options);
	size_t at = from;

	*found = (struct ccp_uniq_found){ 0 };
	while (at < to) {
		size_t next;
		struct ccp_uniq_run run;

		/* the one before is no last one, now that another comes */
		if (found->last.count > 0 && !put(options, data, &found->last, note))
			return at;
		run = run_at(options, data, at, to, whole, &next);
		*(found->first.count == 0 ? &found->first : &found->last) = run;
		at = next;
	}
	return at;
}
