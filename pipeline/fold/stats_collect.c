/*
 * fold/stats_collect.c: parts in order.
 *
 * The collector knows whether a part begins within quotes, from how many there were before, and which columns are
 * meant. If map took it for something else, its notes are thrown away and the part is gone through here, as map would
 * have done.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/stats_table.h"

int ccp_stats_collector_init(struct ccp_stats_collector *c, const struct ccp_stats_options *options, uint64_t memory,
			     struct ccp_err *err)
{
	struct ccp_stats_room room = ccp_stats_room(options);

	*c = (struct ccp_stats_collector){ .options = options, .note.cap = room.bytes };
	c->scan = ccp_stats_scan_new(options, err);
	if (c->scan == NULL)
		return -1;
	c->note.data = malloc(room.bytes);
	if (c->note.data == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for notes");
	return ccp_stats_table_init(&c->table, options, memory, err);
}

void ccp_stats_collector_release(struct ccp_stats_collector *c)
{
	if (c->scan != NULL)
		ccp_stats_scan_free(c->scan);
	free(c->note.data);
	free(c->invalid_name);
	ccp_join_free(&c->join);
	ccp_stats_table_release(&c->table);
}

void ccp_stats_collector_begin(struct ccp_stats_collector *c)
{
	ccp_join_clear(&c->join);
	c->at = c->join_at = 0;
	c->columns = c->options->told == NULL ? c->options->columns : (struct ccp_stats_columns){ 0 };
	c->within = c->again = false;
	c->header_due = c->options->header;
	ccp_err_clear(&c->header_err);
}

/* `at`: of the data in the input. */
static int take_note(struct ccp_stats_collector *c, const char *name, const struct ccp_buf *buf, const uint8_t *data,
		     uint64_t at, struct ccp_err *err)
{
	const struct ccp_stats_note *note = (const void *)buf->data;

	if (buf->len == 0)
		return 0;
	if (note->invalid_at != UINT64_MAX && c->invalid_name == NULL) {
		c->invalid_name = strdup(name);
		c->invalid_at = at + note->invalid_at;
		if (c->invalid_name == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a name");
	}
	return ccp_stats_table_add(&c->table, buf, data, err);
}

/* Goes through records here. */
static int take_records(struct ccp_stats_collector *c, const char *name, const uint8_t *data, size_t from, size_t to,
			uint64_t at, struct ccp_err *err)
{
	int more = 1;

	while (more == 1) {
		more = ccp_stats_scan_records(c->scan, c->columns, data, &from, to, &c->note);
		if (take_note(c, name, &c->note, data, at, err) != 0)
			return -1;
	}
	return 0;
}

/* The header, or that there is none such. Returns 0, or 1: nothing more is wanted of this input. */
static int take_header(struct ccp_stats_collector *c, const uint8_t *record, size_t len)
{
	c->header_due = false;
	return ccp_stats_header(c->options, record, len, &c->columns, &c->header_err) == 0 ? 0 : 1;
}

/* What was joined is a record. Returns 0, 1 as take_header, or -1. */
static int flush_join(struct ccp_stats_collector *c, const char *name, struct ccp_err *err)
{
	int result = 0;

	if (c->join.len > UINT32_MAX)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "a record of more than 4 GiB");
	if (c->join.len == 0)
		return 0;
	if (c->header_due)
		result = take_header(c, c->join.data, c->join.len);
	else
		result = take_records(c, name, c->join.data, 0, c->join.len, c->join_at, err);
	ccp_join_clear(&c->join);
	return result;
}

/* The part as it is seen for the first time: what comes before its records, and whether map was right. */
static int take_first(struct ccp_stats_collector *c, const char *name, const struct ccp_part *part,
		      struct ccp_stats_found *found, struct ccp_err *err)
{
	int result = 0;

	c->again = found->guess != c->within;
	if (c->again)
		ccp_stats_inner(c->options, part, c->within, found);
	c->within ^= found->odd;
	if (c->join.len == 0)
		c->join_at = c->at;
	if (found->inner.from > 0) {
		if (ccp_join_head(&c->join, part, found->inner, '\n', err) < 0)
			return -1;
		if (found->whole || part->last)
			result = flush_join(c, name, err);
	}
	if (result != 0)
		return result;
	if (found->header && !c->again) {
		c->columns = found->columns;
		c->header_due = false;
	}
	if (found->inner.from < found->inner.to)
		c->again |= found->columns.field != c->columns.field || found->columns.by != c->columns.by ||
			    c->header_due;
	return 0;
}

/* A part that map was wrong about. */
static int take_again(struct ccp_stats_collector *c, const char *name, const struct ccp_part *part,
		      struct ccp_stats_found *found, struct ccp_err *err)
{
	size_t from = found->inner.from;

	c->again_parts++;
	if (c->header_due && from < found->inner.to) {
		size_t end = ccp_stats_record_end(c->options, part->data, from, found->inner.to);

		if (take_header(c, part->data + from, end - from) != 0)
			return 1;
		from = end;
	}
	return take_records(c, name, part->data, from, found->inner.to, c->at, err);
}

int ccp_stats_collector_take(struct ccp_stats_collector *c, const char *name, const struct ccp_part *part,
			     struct ccp_err *err)
{
	struct ccp_stats_found found;
	int result = 0;

	if (part->len == 0)
		return 0;
	if (ccp_err_is_error(&c->header_err))
		return 1;
	memcpy(&found, part->found, sizeof found);
	if (part->from == 0) {
		result = take_first(c, name, part, &found, err);
		if (result == 0 && c->again)
			result = take_again(c, name, part, &found, err);
		if (result != 0)
			return result;
	} else if (c->again) {
		ccp_stats_inner(c->options, part, c->within ^ found.odd, &found); /* as the part began */
	}
	if (!c->again && take_note(c, name, &part->note, part->data, c->at, err) != 0)
		return -1;
	if (part->used < part->len)
		return 0;
	if (found.inner.to < part->len) {
		if (c->join.len == 0)
			c->join_at = c->at + found.inner.to;
		if (ccp_join_tail(&c->join, part, found.inner, err) != 0)
			return -1;
	}
	c->at += part->len;
	return 0;
}

int ccp_stats_collector_end(struct ccp_stats_collector *c, const char *name, struct ccp_err *err)
{
	int result = 0;

	if (!ccp_err_is_error(&c->header_err))
		result = flush_join(c, name, err);
	if (!ccp_err_is_error(&c->header_err))
		return result;
	*err = c->header_err;
	return -1;
}
