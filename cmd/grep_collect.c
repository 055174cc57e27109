/*
 * grep_collect.c: takes what the fold grep has found, part after part, and prints it.
 *
 * Whole lines come in *stretches*: those that lie in a part, and between them the line that begins in one part and ends
 * in another, which is looked at here. Lines around others are taken from the stretch itself, or from a copy of the
 * last
 * ones of the stretch before.
 *
 * Binary data, as GNU grep has it: it looks at 96 KiB at a time, and from the block on where the first NUL is nothing
 * is
 * printed but that there is a match. So that the same lines are seen whatever a part is, what comes from a block that
 * has not been seen to its end is held back until it has. Of lines that are no UTF-8 only that is told, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/grep.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"
#include "pipeline/fold/grep_bytes.h"
#include "pipeline/run.h"

#define BLOCK_BYTES ((uint64_t)96 << 10)   /* GNU grep 3.8's buffer */

/* Whole lines, and the records of those that were found. */
struct stretch {
	const uint8_t *data;
	size_t len;
	const uint8_t *records;
	size_t record_bytes;
	const struct ccp_grep_found *found;
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

/* Writes out what is sure. */
static void flush(struct ccp_grep_run *run)
{
	size_t len = run->held_at < run->out.len ? run->held_at : run->out.len;

	if (len == 0)
		return;
	fwrite(run->out.data, 1, len, stdout);
	memmove(run->out.data, run->out.data + len, run->out.len - len);
	run->out.len -= len;
	if (run->held_at != SIZE_MAX)
		run->held_at -= len;
	if (run->settings->grep.line_buffered)
		fflush(stdout);
}

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
		run->any_line = true; /* of GNU grep's, too, a separator comes after it */
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
 * groups
 * of lines. Their numbers end before `number`.
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
static uint64_t number_at(const struct ccp_grep_run *run, const struct stretch *s, size_t at)
{
	return run->lines + 1 +
	       (run->options.numbers ? ccp_grep_count(s->data, at, run->options.pattern.end) : 0);
}

/* Where the lines in [from, to) end that are text. */
static size_t text_before(const struct ccp_grep_run *run, const struct stretch *s, size_t from, size_t to)
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
static int take_record(struct ccp_grep_run *run, const struct stretch *s, const struct ccp_grep_record *record,
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
static bool goes_on(const struct stretch *s, size_t next)
{
	struct ccp_grep_record record;

	if (next >= s->record_bytes)
		return false;
	memcpy(&record, s->records + next, sizeof record);
	return record.again;
}

static int take_stretch(struct ccp_grep_run *run, const struct stretch *s, struct ccp_err *err)
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

/* The line that is in run->join; of binary data it may be several. */
static int take_joined(struct ccp_grep_run *run, struct ccp_err *err)
{
	struct ccp_grep_found found = { 0 };
	struct stretch s = { .data = run->join.data, .found = &found };
	size_t at = 0, len = run->join.len, used = 0;
	int full = 1;

	if (!run->options.text && run->options.pattern.end != '\0')
		ccp_grep_zap(run->join.data, run->join.data, len, run->options.pattern.end);
	while (full == 1 && !run->done) {
		found = (struct ccp_grep_found){ 0 };
		run->note.len = 0;
		full = ccp_grep_scan(run->matcher, &run->options, run->join.data + at, len - at, &run->note, &found,
				     &used, err);
		if (full < 0)
			return -1;
		s.data = run->join.data + at;
		s.len = used;
		s.records = run->note.data;
		s.record_bytes = run->note.len;
		if (take_stretch(run, &s, err) != 0)
			return -1;
		at += used;
	}
	ccp_join_clear(&run->join);
	return 0;
}

/* ---- binary data ------------------------------------------------------------------------------------------------- */

/* At the first sight of a part: it may settle what was held back. */
static void look_for_nul(struct ccp_grep_run *run, const struct ccp_part *part, uint64_t first_nul)
{
	uint64_t end = run->part_at + part->len;

	if (run->options.text || run->options.pattern.end == '\0') {
		run->known = CCP_GREP_NO_PLACE - 1;
		return;
	}
	run->known = part->last ? CCP_GREP_NO_PLACE - 1 : end / BLOCK_BYTES * BLOCK_BYTES;
	if (run->binary_from == CCP_GREP_NO_PLACE && first_nul != UINT64_MAX) {
		run->binary_from = (run->part_at + first_nul) / BLOCK_BYTES * BLOCK_BYTES;
		run->ignored = run->settings->grep.binary == 'w';
		if (run->ignored && !run->prints)
			run->done = run->binary_matched = true;
		if (run->held_at != SIZE_MAX && run->part_at / BLOCK_BYTES * BLOCK_BYTES == run->binary_from) {
			run->out.len = run->held_at;
			run->binary_matched |= run->held_lines > 0;
			run->done |= run->held_lines > 0;
		}
	}
	/* what is held is of the block that the last part ended in */
	if (part->last || run->known > run->part_at || run->binary_from != CCP_GREP_NO_PLACE)
		run->held_at = SIZE_MAX;
}

/* ---- the collector ----------------------------------------------------------------------------------------------- */

int ccp_grep_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct ccp_grep_run *run = arg;
	struct stat st;

	run->input = input;
	run->offset = run->lines = run->selected = run->part_at = run->pending = run->kept_lines = 0;
	run->binary_from = run->printed_to = CCP_GREP_NO_PLACE;
	run->done = run->binary_matched = run->ignored = false;
	run->held_at = SIZE_MAX;
	run->kept.len = 0;
	ccp_join_clear(&run->join);
	if (run->prints && input->has_meta && run->options.max > 1 && fstat(STDOUT_FILENO, &st) == 0 &&
	    S_ISREG(st.st_mode) && st.st_dev == input->meta.st_dev && st.st_ino == input->meta.st_ino)
		return ccp_err_set(err, CCP_E_OTHER, "input file is also the output");
	return 0;
}

int ccp_grep_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_grep_run *run = arg;
	struct ccp_join_inner inner;
	struct ccp_grep_found found;
	struct stretch s = { .found = &found, .records = part->note.data, .record_bytes = part->note.len };
	size_t from;

	(void)input;
	if (part->len == 0)
		return 0;
	memcpy(&found, part->found, sizeof found);
	inner = ccp_grep_inner(part, &run->options);
	if (part->from == 0) {
		int whole;

		look_for_nul(run, part, found.first_nul);
		whole = run->done ? 0 : ccp_join_head(&run->join, part, inner, run->options.pattern.end, err);
		if (whole == 0 && inner.from > 0 && part->data[inner.from - 1] == '\0' && !run->options.text)
			whole = 1; /* ended by a NUL */
		if (whole < 0 || (whole == 1 && !run->done && take_joined(run, err) != 0))
			return -1;
	}
	from = part->from > inner.from ? part->from : inner.from;
	s.data = part->data + from;
	s.len = (part->used < inner.to ? part->used : inner.to) - (from < inner.to ? from : inner.to);
	if (!run->done && s.len > 0 && take_stretch(run, &s, err) != 0)
		return -1;
	if (part->used == part->len) {
		if (!run->done && ccp_join_tail(&run->join, part, inner, err) != 0)
			return -1;
		run->part_at += part->len;
	}
	flush(run);
	if (run->done && run->held_at == SIZE_MAX && run->selected > 0 && run->settings->grep.quiet && !run->ignored) {
		run->stopped = 1;
		ccp_run_cancel();
	}
	return run->done && run->held_at == SIZE_MAX; /* what is held waits for the rest of its block */
}

/* What is said of an input once everything was seen. */
static int conclude(struct ccp_grep_run *run, struct ccp_err *err)
{
	const struct ccp_grep_settings *g = &run->settings->grep;
	bool lists = g->list != 0;

	if (run->ignored && !(run->done && !run->binary_matched))
		run->selected = 0;
	run->any_selected |= run->selected > 0;
	if (g->quiet)
		return 0;
	if (lists && (run->selected > 0) == (g->list == 'l'))
		return ccp_grep_print_name(run, err);
	if (!lists && g->count)
		return ccp_grep_print_count(run, err);
	return 0;
}

int ccp_grep_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct ccp_grep_run *run = arg;
	int result = 0;

	run->input = input;
	if (failed && input->err.code == CCP_E_CANCELLED)
		return 0;
	run->known = CCP_GREP_NO_PLACE - 1;
	if (!run->done && run->join.len > 0)
		result = take_joined(run, err);
	if (result == 0)
		result = conclude(run, err);
	run->held_at = SIZE_MAX;
	flush(run);
	if (run->binary_matched && run->prints && run->settings->grep.binary != 'w') {
		fflush(stdout);
		fprintf(stderr, "%s: ", run->settings->program);
		if (input->is_stdin)
			fputs(ccp_grep_name(run), stderr);
		else
			ccp_text_path(stderr, ccp_grep_name(run));
		fputs(": binary file matches\n", stderr);
	}
	if (run->any_selected && run->settings->grep.quiet && !run->stopped) {
		run->stopped = 1;
		ccp_run_cancel();
	}
	return result;
}

void ccp_grep_run_release(struct ccp_grep_run *run)
{
	ccp_grep_matcher_free(run->matcher);
	ccp_join_free(&run->join);
	free(run->out.data);
	free(run->kept.data);
	free(run->note.data);
}
