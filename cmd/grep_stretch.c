/*
 * grep_stretch.c: prints the lines of a stretch that were found, and those around them.
 *
 * Lines around others are taken from the stretch itself, or from a copy of the last ones of the stretch before. What
 * may not be text is held back: see grep_collect.c.
 */
#include <string.h>

#include "cmd/grep.h"
#include "pipeline/fold/grep_bytes.h"

/* ---- one line ---------------------------------------------------------------------------------------------------- */

/* What is printed from now on may not be text. */
static void hold(struct ccp_grep_run *run)
{
	if (run->held_at != SIZE_MAX)
		return;
	run->held_at = run->out.len;
	run->held_lines = 0;
}

/* Whether a selected line that ends at `end` may be printed. What is printed from now on may have to be held back. */
static bool may_print(struct ccp_grep_run *run, uint64_t end)
{
	if (end > run->binary_from) {
		run->binary_matched = run->done = true;
		run->any_line |= !run->ignored; /* of GNU grep's, too, a separator comes after what is told */
		return false;
	}
	if (end > run->known)
		hold(run);
	run->held_lines += run->held_at != SIZE_MAX;
	return true;
}

/* Prints one line, or notes that it cannot be shown. Returns 0, or -1. */
static int show(struct ccp_grep_run *run, const struct ccp_grep_line *line, uint64_t end, struct ccp_err *err)
{
	int result;

	if (end > run->known)
		hold(run);
	result = ccp_grep_print_line(run, line, err);
	if (result < 0)
		return -1;
	run->binary_matched |= result == 0;
	run->any_line = true;
	if (result == 1)
		run->printed_to = end;
	return 0;
}

/* ---- lines around others ----------------------------------------------------------------------------------------- */

static size_t line_len(const struct ccp_grep_run *run, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, run->options.pattern.end, len);

	return end != NULL ? (size_t)(end - data) + 1 : len;
}

/* Where the last `count` lines of data begin. `count` becomes how many there are. */
static size_t last_lines(const struct ccp_grep_run *run, const uint8_t *data, size_t len, uint64_t *count)
{
	uint64_t found = 0;
	size_t at = len;

	while (at > 0 && found < *count) {
		const uint8_t *end = memrchr(data, run->options.pattern.end, at - 1);

		at = end != NULL ? (size_t)(end - data) + 1 : 0;
		found++;
	}
	*count = found;
	return at;
}

/* Prints lines that lie together, the first of which is at `offset` and has this number. */
static int show_around(struct ccp_grep_run *run, const uint8_t *data, size_t len, uint64_t offset, uint64_t number,
		       struct ccp_err *err)
{
	for (size_t at = 0; at < len && !run->done;) {
		size_t size = line_len(run, data + at, len - at);
		const struct ccp_grep_line line = { data + at, size, offset + at, number++, false };

		if (show(run, &line, offset + at + size, err) != 0)
			return -1;
		at += size;
	}
	return 0;
}

/* Lines after a selected one that are still to be printed, from data[*from] to `to`. */
static int show_pending(struct ccp_grep_run *run, const uint8_t *data, size_t *from, size_t to, uint64_t number,
			struct ccp_err *err)
{
	size_t at = *from;
	uint64_t count = 0;

	for (; at < to && count < run->pending; count++)
		at += line_len(run, data + at, to - at);
	if (show_around(run, data + *from, at - *from, run->offset + *from, number, err) != 0)
		return -1;
	run->pending -= count;
	*from = at;
	return 0;
}

/*
 * Up to run->before lines before data[at], of which those before `from` have been printed, and what stands between
 * groups of lines. Their numbers end before `number`.
 */
static int show_before(struct ccp_grep_run *run, const uint8_t *data, size_t from, size_t at, uint64_t number,
		       struct ccp_err *err)
{
	uint64_t here = run->before, kept, group;
	size_t begin = from + last_lines(run, data + from, at - from, &here), first;

	kept = from == 0 && begin == 0 ? run->before - here : 0;
	first = kept > 0 && run->kept_lines > 0 ?
		last_lines(run, (const uint8_t *)run->kept.data, run->kept.len, &kept) : run->kept.len;
	group = run->offset + begin - (run->kept.len - first);
	if (run->groups && run->any_line && run->printed_to != group && ccp_grep_print_separator(run, err) < 0)
		return -1;
	if (first < run->kept.len) {
		if (show_around(run, (const uint8_t *)run->kept.data + first, run->kept.len - first,
				run->offset - (run->kept.len - first), number - here - kept, err) != 0)
			return -1;
	}
	return show_around(run, data + begin, at - begin, run->offset + begin, number - here, err);
}

/* The end of a stretch of which the lines from `from` have not been printed. */
static int keep(struct ccp_grep_run *run, const uint8_t *data, size_t from, size_t len, struct ccp_err *err)
{
	uint64_t here = run->before, kept;
	size_t begin = from + last_lines(run, data + from, len - from, &here), first;

	if (run->before == 0)
		return 0;
	kept = from == 0 && begin == 0 ? run->before - here : 0;
	first = kept > 0 ? last_lines(run, (const uint8_t *)run->kept.data, run->kept.len, &kept) : run->kept.len;
	if (run->kept.len > first)
		memmove(run->kept.data, run->kept.data + first, run->kept.len - first);
	run->kept.len -= first;
	run->kept_lines = kept + here;
	return ccp_grep_bytes_add(&run->kept, data + begin, len - begin, err);
}

/* ---- stretches --------------------------------------------------------------------------------------------------- */

/* The number of the line that begins at `at`, if numbers are wanted. */
static uint64_t number_at(const struct ccp_grep_run *run, const struct ccp_grep_stretch *s, size_t at)
{
	return run->lines + 1 +
	       (run->options.numbers ? ccp_grep_count(s->data, at, run->options.pattern.end) : 0);
}

/* Where the lines in [from, to) end that are text. */
static size_t text_before(const struct ccp_grep_run *run, const struct ccp_grep_stretch *s, size_t from, size_t to)
{
	size_t len;
	const uint8_t *end;

	if (run->offset + to <= run->binary_from)
		return to;
	if (run->binary_from <= run->offset + from)
		return from;
	len = (size_t)(run->binary_from - run->offset);
	end = memrchr(s->data + from, run->options.pattern.end, len - from);
	return end != NULL ? (size_t)(end - s->data) + 1 : from;
}

/* A selected line, or a match in one. */
static int take_record(struct ccp_grep_run *run, const struct ccp_grep_stretch *s, const struct ccp_grep_record *record,
		       size_t *from, struct ccp_err *err)
{
	uint64_t number = run->lines + record->line + 1, end;
	struct ccp_grep_line line = { s->data + record->at, record->len, run->offset + record->at, number, true };
	int result = 1;

	run->selected += !record->again;
	if (run->options.want == CCP_GREP_LINES) {
		if (run->pending > 0 &&
		    show_pending(run, s->data, from, text_before(run, s, *from, record->at),
				 number_at(run, s, *from), err) != 0)
			return -1;
		if (!may_print(run, line.offset + line.len) || run->mute)
			return 0;
		if (show_before(run, s->data, *from, record->at, number, err) != 0)
			return -1;
		if (show(run, &line, line.offset + line.len, err) != 0)
			return -1;
		*from = record->at + record->len;
		run->pending = run->after;
	} else {
		end = line.offset + line_len(run, line.data, s->len - record->at);
		if (may_print(run, end) && record->len > 0)
			result = ccp_grep_print_match(run, &line, err);
		run->binary_matched |= result == 0;
	}
	return result < 0 ? -1 : 0;
}

/* Whether the next record is another match of the same line, which -m does not count. */
static bool goes_on(const struct ccp_grep_stretch *s, size_t next)
{
	struct ccp_grep_record record;

	if (next >= s->record_bytes)
		return false;
	memcpy(&record, s->records + next, sizeof record);
	return record.again;
}

int ccp_grep_stretch(struct ccp_grep_run *run, const struct ccp_grep_stretch *s, struct ccp_err *err)
{
	size_t from = 0, at = 0;

	if (!run->prints) {
		run->selected += s->found->selected;
		if (run->selected > run->options.max)
			run->selected = run->options.max;
		run->done |= (run->options.want == CCP_GREP_FIRST && run->selected > 0) ||
			     run->selected >= run->options.max;
		return 0;
	}
	while (at < s->record_bytes && !run->done) {
		struct ccp_grep_record record;

		memcpy(&record, s->records + at, sizeof record);
		at += sizeof record;
		if (run->selected >= run->options.max && !record.again)
			break;
		if (take_record(run, s, &record, &from, err) != 0)
			return -1;
		if (run->selected >= run->options.max && run->options.want == CCP_GREP_SPANS && !goes_on(s, at))
			run->done = true;
	}
	if (!run->done && run->pending > 0) {
		if (show_pending(run, s->data, &from, text_before(run, s, from, s->len),
				 number_at(run, s, from), err) != 0)
			return -1;
	}
	if (run->selected >= run->options.max && run->pending == 0)
		run->done = true;
	if (!run->done && keep(run, s->data, from, s->len, err) != 0)
		return -1;
	run->lines += s->found->lines;
	run->offset += s->len;
	return 0;
}
