/*
 * grep_collect.c: takes what the fold grep has found, part after part, and prints it.
 *
 * Whole lines come in *stretches* (grep_stretch.c): those that lie in a part, and between them the line that begins in
 * one part and ends in another, which is looked at here.
 *
 * Binary data, as GNU grep has it: it looks at 96 KiB at a time, and from the block on where the first NUL is nothing
 * is printed but that there is a match. So that the same lines are seen whatever a part is, what comes from a block
 * that has not been seen to its end is held back until it has, or until a stream falls silent: then, as with GNU grep,
 * it depends on when the bytes came. Of lines that are no UTF-8 only that is told, too.
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

/* What was held back is printed, whatever may follow. */
static void give_out(struct ccp_grep_run *run)
{
	run->held_at = SIZE_MAX;
	flush(run);
}

/* ---- lines that no part has whole -------------------------------------------------------------------------------- */

/* The line that is in run->join; of binary data it may be several. */
static int take_joined(struct ccp_grep_run *run, struct ccp_err *err)
{
	struct ccp_grep_found found = { 0 };
	struct ccp_grep_stretch s = { .data = run->join.data, .found = &found };
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
		if (ccp_grep_stretch(run, &s, err) != 0)
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
	run->known = part->last ? CCP_GREP_NO_PLACE - 1 : part->lull ? end : end / BLOCK_BYTES * BLOCK_BYTES;
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
	struct ccp_grep_stretch s = { .found = &found, .records = part->note.data, .record_bytes = part->note.len };
	size_t from;

	(void)input;
	if (part->len == 0) {
		if (part->lull)
			give_out(run);
		return 0;
	}
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
	if (!run->done && s.len > 0 && ccp_grep_stretch(run, &s, err) != 0)
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
	give_out(run);
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
