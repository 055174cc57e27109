/*
 * fold/stats_fields.c: records and fields.
 *
 * Every double quote of CSV turns "within quotes" on or off; two of them that stand for one do so twice. Newlines and
 * commas count where it is off. A record without any quote is split as any other line.
 */
#include <string.h>

#include "pipeline/fold/stats.h"

#define GUESS_BYTES ((size_t)64 << 10)

void ccp_stats_inner(const struct ccp_stats_options *options, const struct ccp_part *part, bool within,
		     struct ccp_stats_found *found)
{
	const uint8_t *at = part->data, *end = part->data + part->len;
	size_t first = 0, last = 0; /* behind the first newline that ends a record, and the last; 0 = none */

	*found = (struct ccp_stats_found){ .guess = within };
	while (at < end) {
		const uint8_t *quote = options->mode == CCP_STATS_CSV ? memchr(at, '"', (size_t)(end - at)) : NULL;
		const uint8_t *stop = quote != NULL ? quote : end;
		const uint8_t *newline = within ? NULL : memrchr(at, '\n', (size_t)(stop - at));

		if (newline != NULL) {
			last = (size_t)(newline - part->data) + 1;
			if (first == 0)
				first = (size_t)((const uint8_t *)memchr(at, '\n', (size_t)(stop - at)) -
						 part->data) + 1;
		}
		if (quote != NULL) {
			within = !within;
			found->odd = !found->odd;
		}
		at = stop + 1;
	}
	found->whole = first > 0;
	if (!part->first)
		found->inner.from = first > 0 ? first : part->len;
	found->inner.to = part->last ? part->len : last > found->inner.from ? last : found->inner.from;
}

bool ccp_stats_guess(const struct ccp_stats_options *options, const uint8_t *data, size_t len)
{
	bool within = false; /* before this quote, if the part begins outside */

	if (len > GUESS_BYTES)
		len = GUESS_BYTES;
	for (size_t at = 0; at < len; at++, within = !within) {
		const uint8_t *quote = memchr(data + at, '"', len - at);
		bool opens, closes;

		if (quote == NULL)
			return false;
		at = (size_t)(quote - data);
		if (at == 0 || at + 1 == len || quote[-1] == '"' || quote[1] == '"')
			continue;
		opens = quote[-1] == options->separator || quote[-1] == '\n';
		closes = quote[1] == options->separator || quote[1] == '\n' || quote[1] == '\r';
		if (opens != closes)
			return closes ? !within : within;
	}
	return false;
}

size_t ccp_stats_record_end(const struct ccp_stats_options *options, const uint8_t *data, size_t at, size_t to)
{
	bool within = false;

	for (;;) {
		const uint8_t *newline = memchr(data + at, '\n', to - at);
		const uint8_t *stop = newline != NULL ? newline : data + to;

		if (options->mode == CCP_STATS_CSV)
			for (const uint8_t *quote = data + at;
			     (quote = memchr(quote, '"', (size_t)(stop - quote))) != NULL; quote++)
				within = !within;
		if (newline == NULL)
			return to;
		at = (size_t)(newline - data) + 1;
		if (!within)
			return at;
	}
}

static struct ccp_stats_field unquote(const uint8_t *text, size_t len)
{
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return (struct ccp_stats_field){ text, len, false };
	return (struct ccp_stats_field){ text + 1, len - 2, memchr(text + 1, '"', len - 2) != NULL };
}

/* The end of the field that begins at `at`. */
static const uint8_t *field_end(const struct ccp_stats_options *options, const uint8_t *at, const uint8_t *end,
				bool quotes)
{
	bool within = false;

	if (options->mode == CCP_STATS_BLANKS) {
		while (at < end && *at != ' ' && *at != '\t')
			at++;
		return at;
	}
	if (!quotes) { /* fields are short: no call is quicker than this */
		while (at < end && *at != options->separator)
			at++;
		return at;
	}
	for (; at < end; at++) {
		if (*at == '"')
			within = !within;
		else if (*at == options->separator && !within)
			return at;
	}
	return end;
}

void ccp_stats_fields(const struct ccp_stats_options *options, const uint8_t *record, size_t len,
		      struct ccp_stats_columns columns, struct ccp_stats_field *field, struct ccp_stats_field *by)
{
	uint32_t wanted = columns.field > columns.by ? columns.field : columns.by;
	bool quotes;
	const uint8_t *at = record, *end;

	len -= len > 0 && record[len - 1] == '\n';
	len -= len > 0 && record[len - 1] == '\r';
	end = record + len;
	*field = *by = (struct ccp_stats_field){ .text = end };
	quotes = options->mode == CCP_STATS_CSV && memchr(record, '"', len) != NULL;
	for (uint32_t number = 1; number <= wanted; number++) {
		const uint8_t *stop;
		struct ccp_stats_field found;

		while (options->mode == CCP_STATS_BLANKS && at < end && (*at == ' ' || *at == '\t'))
			at++;
		stop = field_end(options, at, end, quotes);
		found = quotes ? unquote(at, (size_t)(stop - at))
			       : (struct ccp_stats_field){ at, (size_t)(stop - at), false };
		if (number == columns.field)
			*field = found;
		if (number == columns.by)
			*by = found;
		if (stop == end)
			return;
		at = stop + 1;
	}
}

size_t ccp_stats_unescape(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		to[n++] = from[i];
		if (from[i] == '"' && i + 1 < len && from[i + 1] == '"')
			i++;
	}
	return n;
}

/* Whether a field's text is a name. */
static bool is_name(struct ccp_stats_field field, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < field.len; i++, n++) {
		if (name[n] == '\0' || (uint8_t)name[n] != field.text[i])
			return false;
		if (field.escaped && field.text[i] == '"' && i + 1 < field.len && field.text[i + 1] == '"')
			i++;
	}
	return name[n] == '\0';
}

/* The number of the first field of this name, or 0. */
static uint32_t find_name(const struct ccp_stats_options *options, const uint8_t *record, size_t len, const char *name)
{
	size_t body = len;
	uint32_t fields = 1;

	body -= body > 0 && record[body - 1] == '\n';
	body -= body > 0 && record[body - 1] == '\r';
	for (size_t i = 0; i < body; i++) /* at least as many as there are */
		fields += options->mode == CCP_STATS_BLANKS ? record[i] == ' ' || record[i] == '\t'
							    : record[i] == options->separator;
	for (uint32_t number = 1; number <= fields; number++) {
		struct ccp_stats_field field, none;

		ccp_stats_fields(options, record, len, (struct ccp_stats_columns){ number, 0 }, &field, &none);
		if (is_name(field, name))
			return number;
	}
	return 0;
}

int ccp_stats_header(const struct ccp_stats_options *options, const uint8_t *record, size_t len,
		     struct ccp_stats_columns *columns, struct ccp_err *err)
{
	*columns = options->columns;
	if (len >= 3 && memcmp(record, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as spreadsheets write it */
		record += 3;
		len -= 3;
	}
	if (options->field_name != NULL)
		columns->field = find_name(options, record, len, options->field_name);
	if (columns->field == 0)
		return ccp_err_set(err, CCP_E_OTHER, "no field '%s' in the header", options->field_name);
	if (options->by_name != NULL)
		columns->by = find_name(options, record, len, options->by_name);
	if (options->grouped && columns->by == 0)
		return ccp_err_set(err, CCP_E_OTHER, "no field '%s' in the header", options->by_name);
	return 0;
}
